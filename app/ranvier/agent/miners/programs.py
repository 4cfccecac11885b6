"""What the agent wants of the miners room: recipes, environments, command lines, health. One face, one real thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ranvier.agent.api.messages import LogTail
from ranvier.agent.miners.evidence import HealthSeen
from ranvier.agent.miners.miner_file import MinerFile
from ranvier.core.errors import MinerError
from ranvier.miners.generations import Generation
from ranvier.miners.spec import ProgramSpec, Secrets
from ranvier.miners.states import HealthRule
from ranvier.miners.status import KeeperStatus

Progress = Callable[[str, int | None, int | None], None]


class NothingNewError(MinerError):
    """An update of a miner that runs the newest version: nothing was done, and nothing failed."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """What others saw of a miner, for health checks that rest on it. Unix seconds; ``busy``: (when, percent of its
    cards), newest last."""

    contact_at: float | None = None
    busy: tuple[tuple[float, float], ...] = ()


class Keeper(Protocol):
    """The part of ``miners.keeping.KeeperClient`` that the agent uses."""

    def write_spec(self, spec: ProgramSpec) -> None: ...
    async def ensure(self) -> KeeperStatus: ...
    async def start(self, secrets: Mapping[str, str] | None = None) -> KeeperStatus: ...
    async def stop(self) -> KeeperStatus: ...
    async def restart(self, secrets: Mapping[str, str] | None = None) -> KeeperStatus: ...
    async def end(self) -> None: ...
    def status(self) -> KeeperStatus: ...


class Programs(Protocol):
    """Everything that depends on a miner's recipe. ``folder`` is the miner's own. Errors are RanvierErrors."""

    def check(self, recipe: str) -> None:
        """Raise RecipeError when there is no such recipe."""
        ...

    def keep_recipe(self, name: str, folder: str, text: str) -> None:
        """Store a recipe of the user's own: a folder's copy, or a proposal's text. Blocking."""
        ...

    async def installed(self, folder: Path, miner: MinerFile) -> bool: ...
    async def install(self, folder: Path, miner: MinerFile, on_progress: Progress) -> None: ...
    async def prepare(
        self, folder: Path, miner: MinerFile, recipe_folder: str, on_progress: Progress, fresh: bool = False
    ) -> Generation:
        """Make the next version, from ``recipe_folder`` or from its recipe as it is now; with ``fresh`` from the recipe
        in use, every package fetched anew. MinerError when there is nothing new."""
        ...

    def recipe_folder(self, folder: Path, miner: MinerFile) -> Path:
        """Where the recipe lies that it runs by now."""
        ...

    def spec(self, folder: Path, miner: MinerFile, endpoint: str) -> ProgramSpec:
        """Blocking where a secret is read: call it in a worker thread."""
        ...

    def secrets_asked(self, folder: Path, miner: MinerFile) -> Mapping[str, str]:
        """What its recipe asks for: variable -> name of a secret."""
        ...

    def secrets(self, folder: Path, miner: MinerFile) -> Secrets:
        """What a keeper that has forgotten them must be handed. Blocking: call it in a worker thread."""
        ...

    def uses_gpu(self, folder: Path, miner: MinerFile) -> bool:
        """Whether it works on a GPU: one was chosen for it, or its recipe needs one."""
        ...

    def health_rule(self, folder: Path, miner: MinerFile) -> HealthRule | None:
        """When its readings count as healthy; None when its recipe has no check."""
        ...

    async def health(self, folder: Path, miner: MinerFile, seen: Sightings) -> HealthSeen: ...
    def log(self, folder: Path, after: int | None, limit: int) -> LogTail:
        """Blocking: call it in a worker thread."""
        ...
