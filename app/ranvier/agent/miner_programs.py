"""The miners room behind the agent's ``Programs`` face: recipes by name, one environment for each miner."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ranvier.agent.evidence import HealthSeen
from ranvier.agent.messages import LogLine, LogTail
from ranvier.agent.miner_file import MinerFile
from ranvier.agent.programs import Progress
from ranvier.core.errors import RecipeError
from ranvier.core.paths import Paths
from ranvier.miners import command, environment, health
from ranvier.miners.logs import tail
from ranvier.miners.recipe import FILE_NAME, Recipe, bundled_recipes, load_recipe
from ranvier.miners.spec import ProgramSpec


class RecipePrograms:
    """Recipes of the user's own (``recipes/`` in the data folder) come before those that Ranvier brings."""

    def __init__(self, paths: Paths) -> None:
        self._own = paths.data / "recipes"
        self._cache = paths.cache
        self._bundled: dict[str, Path] | None = None
        self._loaded: dict[str, tuple[Path, int, Recipe]] = {}

    def check(self, recipe: str) -> None:
        self._recipe(recipe)

    async def installed(self, folder: Path, miner: MinerFile) -> bool:
        recipe = self._recipe(miner.recipe)
        return await asyncio.to_thread(environment.installed, recipe, folder / "env")

    async def install(self, folder: Path, miner: MinerFile, on_progress: Progress) -> None:
        await environment.install(self._recipe(miner.recipe), folder / "env", self._cache, on_progress)

    def spec(self, folder: Path, miner: MinerFile, endpoint: str) -> ProgramSpec:
        recipe = self._recipe(miner.recipe)
        return command.program(recipe, self._values(recipe, folder, miner, endpoint), folder=folder)

    async def health(self, folder: Path, miner: MinerFile) -> HealthSeen:
        recipe = self._recipe(miner.recipe)
        if recipe.health is None:
            return HealthSeen(None, "its recipe has no health check", 0.0)
        seen = await health.check(command.fill(recipe.health.url, self._values(recipe, folder, miner, "")))
        return HealthSeen(
            ok=seen.ok,
            text=seen.text,
            at=seen.at,
            queries_answered=_count(seen.data.get("queries_answered")),
            last_query_at=_time(seen.data.get("last_query_at")),
        )

    def log(self, folder: Path, after: int | None, limit: int) -> LogTail:
        lines, following = tail(folder, after, limit)
        return LogTail(tuple(LogLine(line.at, line.stream, line.text) for line in lines), following)

    def _recipe(self, name: str) -> Recipe:
        folder = self._own / name if (self._own / name / FILE_NAME).is_file() else self._known().get(name)
        if folder is None:
            raise RecipeError("No such recipe", f"There is no recipe “{name[:60]}”.", "Choose one that is listed.")
        try:
            changed = (folder / FILE_NAME).stat().st_mtime_ns
        except OSError as error:
            raise RecipeError("No such recipe", f"{folder / FILE_NAME}: {error.strerror}.") from error
        known = self._loaded.get(name)
        if known is None or known[:2] != (folder, changed):
            known = self._loaded[name] = (folder, changed, load_recipe(folder))
        return known[2]

    def _known(self) -> dict[str, Path]:
        if self._bundled is None:
            self._bundled = bundled_recipes()
        return self._bundled

    @staticmethod
    def _values(recipe: Recipe, folder: Path, miner: MinerFile, endpoint: str) -> dict[str, str]:
        return command.values(
            recipe,
            env=folder / "env",
            wallet_path=folder / "wallet",
            wallet_name=miner.wallet_name,
            hotkey_name=miner.hotkey_name,
            netuid=miner.netuid,
            endpoint=endpoint,
            axon_port=miner.axon_port,
        )


def _count(value: object) -> int | None:
    """A number that a miner claims; anything else is unknown."""
    return value if type(value) is int and value >= 0 else None


def _time(value: object) -> float | None:
    return float(value) if type(value) in (int, float) and value else None  # type: ignore[arg-type]
