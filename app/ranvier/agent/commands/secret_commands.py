"""What the agent does with the secrets of miners: which are needed, which are there, storing and removing."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ranvier.agent.api.command import Command, Done
from ranvier.agent.api.secret_messages import GetSecrets, MinerSecrets, RemoveSecret, SecretView, SetSecret
from ranvier.agent.api.server import Handler
from ranvier.agent.miners.miner import Miner
from ranvier.agent.miners.programs import Programs
from ranvier.agent.miners.secret_store import LONGEST, SecretStore
from ranvier.core.errors import MinerError, RanvierError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


class SecretCommands:
    """Every method raises RanvierErrors only. ``miner_of`` finds a miner by its id."""

    def __init__(self, store: SecretStore, programs: Programs, miner_of: Callable[[str], Miner]) -> None:
        self._store, self._programs, self._miner_of = store, programs, miner_of

    def handlers(self) -> Mapping[type[Command[Any]], Handler]:
        """The method for each command about secrets."""
        return {GetSecrets: self.get_secrets, SetSecret: self.set_secret, RemoveSecret: self.remove_secret}

    async def get_secrets(self, command: GetSecrets) -> MinerSecrets:
        miner = self._miner_of(command.id)
        return await asyncio.to_thread(self._look, miner)

    async def set_secret(self, command: SetSecret) -> Done:
        miner = self._miner_of(command.id)
        asked = await asyncio.to_thread(self._programs.secrets_asked, miner.folder, miner.file)
        if command.name not in asked.values() and not _NAME.fullmatch(command.name):
            raise MinerError(
                "Not a name", f"“{command.name[:60]}” cannot be a secret's name.", "Letters, digits and _, as HF_TOKEN."
            )
        if not command.value or "\0" in command.value or len(command.value) > LONGEST:
            raise MinerError("No value", "A secret is a text of 1 to 16,384 characters.", "Give it again.")
        before = miner.file.secrets
        # Its name first: a kill in between leaves a secret that is shown as missing, not one that nobody knows of.
        miner.change(secrets=tuple(sorted({*before, command.name})))
        try:
            await asyncio.to_thread(self._store.put, miner.folder, command.name, command.value)
        except RanvierError:
            miner.change(secrets=before)
            raise
        return Done(f"{command.name} is stored. {miner.file.name} gets it at its next start.")

    async def remove_secret(self, command: RemoveSecret) -> Done:
        miner = self._miner_of(command.id)
        await asyncio.to_thread(self._store.remove, miner.folder, command.name)
        miner.change(secrets=tuple(name for name in miner.file.secrets if name != command.name))
        return Done(f"{command.name} is no longer stored.")

    async def values(self, miner_id: str) -> tuple[tuple[str, ...], str]:
        """All that is stored for a miner, so that it can be cut out of what is handed out; and, in words, why that
        may not be all (empty: it is). A miner without secrets does not bother the store."""
        try:
            miner = self._miner_of(miner_id)
        except MinerError:  # its file is damaged: which it has is not known
            return (), ""
        names = dict.fromkeys(miner.file.secrets)
        with contextlib.suppress(RanvierError):  # its recipe is damaged
            asked = await asyncio.to_thread(self._programs.secrets_asked, miner.folder, miner.file)
            names |= dict.fromkeys(asked.values())
        found: list[str] = []
        try:
            for name in names:
                value = await asyncio.to_thread(self._store.read, miner.folder, name)
                found += [value] if value else []
        except RanvierError as error:
            said = f"The values of {', '.join(names)} were not looked for. {error.message} {error.hint}"
            return tuple(found), said.strip()
        return tuple(found), ""

    async def forget(self, folder: Path, names: tuple[str, ...]) -> str:
        """Remove those of a miner that is gone; what could not be removed, in a sentence (empty: nothing is left)."""
        try:
            for name in names:
                await asyncio.to_thread(self._store.remove, folder, name)
        except RanvierError as error:
            return f"Its secrets are still in the system's store: {error.message}"
        return ""

    def _look(self, miner: Miner) -> MinerSecrets:
        asked = self._programs.secrets_asked(miner.folder, miner.file)
        names = dict.fromkeys((*asked.values(), *miner.file.secrets))
        views: list[SecretView] = []
        problem = ""
        for name in names:
            stored: bool | None = None
            if not problem:
                try:
                    stored = self._store.read(miner.folder, name) is not None
                except RanvierError as error:
                    problem = f"{error.message} {error.hint}"
            variables = tuple(variable for variable, title in asked.items() if title == name)
            views.append(SecretView(name, variables or (name,), bool(variables), stored))
        return MinerSecrets(tuple(views), problem)
