"""Messages about the secrets of a miner. A value travels one way only: to the agent, which hands it to the store."""

from __future__ import annotations

import msgspec

from ranvier.agent.api.command import Command, Done


class SecretView(msgspec.Struct, frozen=True):
    """One secret by its name. ``variables`` of the program that get it; ``asked``: by its recipe, not only by its
    owner; ``stored`` None: the store does not say."""

    name: str
    variables: tuple[str, ...]
    asked: bool
    stored: bool | None


class MinerSecrets(msgspec.Struct, frozen=True):
    """What a miner needs. ``problem`` says why the store cannot be asked; empty when it can."""

    secrets: tuple[SecretView, ...]
    problem: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of those that it needs and that are known not to be stored."""
        return tuple(one.name for one in self.secrets if one.stored is False)


class GetSecrets(Command[MinerSecrets], frozen=True):
    id: str


class SetSecret(Command[Done], frozen=True):
    """Store a value. A name that no recipe asks for is given to the program as a variable of that name."""

    id: str
    name: str
    value: str

    def __repr__(self) -> str:
        return f"SetSecret({self.id!r}, {self.name!r})"


class RemoveSecret(Command[Done], frozen=True):
    id: str
    name: str
