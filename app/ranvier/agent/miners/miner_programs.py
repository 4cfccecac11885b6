"""The miners room behind the agent's ``Programs`` face: recipes by name, versions of each miner beside each other."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ranvier.agent.api.messages import LogLine, LogTail
from ranvier.agent.miners.evidence import NO_CHECK, HealthSeen
from ranvier.agent.miners.miner_file import PRACTICE_IP, MinerFile
from ranvier.agent.miners.programs import NothingNewError, Progress, Sightings
from ranvier.agent.miners.secret_store import SecretStore
from ranvier.core.errors import MinerError, RecipeError
from ranvier.core.paths import Paths, private_folder
from ranvier.miners import command, environment, health
from ranvier.miners.generations import Generation, Generations, copy_recipe, same_recipe
from ranvier.miners.logs.logs import tail
from ranvier.miners.recipe.proposal import Proposal, save, slug
from ranvier.miners.recipe.recipe import FILE_NAME, Recipe, bundled_recipes, load_recipe
from ranvier.miners.spec import ProgramSpec, Secrets
from ranvier.miners.states import HealthRule


class RecipePrograms:
    """Recipes of the user's own (``recipes/`` in the data folder) come before those that Ranvier brings.

    A miner runs by its own copy of its recipe, made when it is installed: an upgrade of Ranvier or an edited recipe
    changes nothing under it until it is updated.
    """

    def __init__(self, paths: Paths, store: SecretStore | None = None) -> None:
        self._store = store or SecretStore()
        self._own = paths.data / "recipes"
        self._cache = paths.cache
        self._bundled: dict[str, Path] | None = None
        self._loaded: dict[Path, tuple[int, Recipe]] = {}

    def check(self, recipe: str) -> None:
        self._load(self._folder(recipe))

    def keep_recipe(self, name: str, folder: str, text: str) -> None:
        target = self._own / name
        if slug(name) != name:
            raise RecipeError(
                "Not a name", f"“{name[:60]}” cannot be a recipe's name.", "Small letters, digits, dashes."
            )
        there = (target / FILE_NAME).is_file()
        if folder:
            source = Path(folder).expanduser()
            recipe = load_recipe(source)
            if recipe.name != name:
                raise RecipeError("Other recipe", f"The recipe in {source} is “{recipe.name}”, not “{name}”.")
            if there and same_recipe(source, target):
                return
            if there:
                raise RecipeError("Name taken", f"There is a recipe “{name}” already.", "Choose another name for it.")
            shutil.rmtree(target, ignore_errors=True)  # half made
            copy_recipe(source, target)
        elif not there or (target / FILE_NAME).read_bytes() != text.encode():
            recipe = save(Proposal(name, text), self._own)
            if recipe.name != name:
                (target / FILE_NAME).unlink()
                raise RecipeError("Other recipe", f"The recipe is called “{recipe.name}”, not “{name}”.")

    async def installed(self, folder: Path, miner: MinerFile) -> bool:
        recipe, version = self._current(folder, miner)
        return await asyncio.to_thread(environment.installed, recipe, version.env)

    async def install(self, folder: Path, miner: MinerFile, on_progress: Progress) -> None:
        versions = Generations(folder)
        current = versions.current()
        if current.number == 0 and not await self.installed(folder, miner):
            # Not in use yet: what was corrected in the recipe since the last attempt counts.
            await asyncio.to_thread(shutil.rmtree, current.recipe_folder, True)
        if current.number == 0:
            await asyncio.to_thread(versions.adopt, self._folder(miner.recipe))
        recipe, version = self._current(folder, miner)
        await environment.install(recipe, version.env, self._cache, on_progress)

    async def prepare(
        self, folder: Path, miner: MinerFile, recipe_folder: str, on_progress: Progress, fresh: bool = False
    ) -> Generation:
        recipe, version = self._current(folder, miner)
        if fresh:
            return await self._renew(folder, miner, on_progress)
        source = Path(recipe_folder).expanduser() if recipe_folder else self._folder(miner.recipe)
        load_recipe(source)
        if same_recipe(version.recipe_folder, source) and await asyncio.to_thread(
            environment.installed, recipe, version.env
        ):
            raise NothingNewError("Nothing new", f"{miner.name} runs the newest version of its recipe already.")
        return await Generations(folder).prepare(source, self._cache, on_progress)

    async def _renew(self, folder: Path, miner: MinerFile, on_progress: Progress) -> Generation:
        recipe, version = self._current(folder, miner)
        if not environment.own_environment(recipe):
            raise MinerError(
                "No environment of its own",
                f"{miner.name} runs without an environment made by Ranvier, so there is none to make anew.",
                "Install what is missing where its command finds it.",
            )
        return await Generations(folder).prepare(version.recipe_folder, self._cache, on_progress, fresh=True)

    def recipe_folder(self, folder: Path, miner: MinerFile) -> Path:
        return self._current(folder, miner)[0].folder

    def spec(self, folder: Path, miner: MinerFile, endpoint: str) -> ProgramSpec:
        recipe, version = self._current(folder, miner)
        texts = [*recipe.program.command, *recipe.program.environment.values(), recipe.program.folder]
        if any("{data}" in text for text in texts):
            private_folder(folder / "data")
        known = self._values(recipe, version, folder, miner, endpoint)
        own = [name for name in miner.secrets if name not in recipe.program.secrets.values()]
        read = partial(self._store.read, folder)
        return command.program(recipe, known, folder=folder, secret=read, own_secrets=own, gpus=miner.gpus or None)

    def secrets(self, folder: Path, miner: MinerFile) -> Secrets:
        recipe, _version = self._current(folder, miner)
        own = [name for name in miner.secrets if name not in recipe.program.secrets.values()]
        return command.secrets(recipe, partial(self._store.read, folder), own)

    def secrets_asked(self, folder: Path, miner: MinerFile) -> Mapping[str, str]:
        return self._current(folder, miner)[0].program.secrets

    def uses_gpu(self, folder: Path, miner: MinerFile) -> bool:
        recipe = self._current(folder, miner)[0]
        busy = recipe.health is not None and recipe.health.gpu_busy is not None
        return bool(miner.gpus) or busy or recipe.hardware.gpu_memory_bytes is not None

    def health_rule(self, folder: Path, miner: MinerFile) -> HealthRule | None:
        return health.rule_of(self._current(folder, miner)[0].health)

    async def health(self, folder: Path, miner: MinerFile, seen: Sightings) -> HealthSeen:
        recipe, version = self._current(folder, miner)
        asked = recipe.health
        if asked is None:
            return HealthSeen(None, NO_CHECK, 0.0)
        floor = asked.gpu_busy if asked.gpu_busy is not None else 101.0
        busy_at = next((at for at, percent in reversed(seen.busy) if percent >= floor), None)
        known = self._values(recipe, version, folder, miner, "")
        found = await health.probe(asked, known, folder, health.Seen(busy_at, seen.contact_at))
        return HealthSeen(
            ok=found.ok,
            text=found.text,
            at=found.at,
            queries_answered=_count(found.data.get("queries_answered")),
            last_query_at=_time(found.data.get("last_query_at")),
        )

    def log(self, folder: Path, after: int | None, limit: int) -> LogTail:
        lines, following = tail(folder, after, limit)
        return LogTail(tuple(LogLine(line.at, line.stream, line.text) for line in lines), following)

    # --- inside ---------------------------------------------------------------------------------------------

    def _current(self, folder: Path, miner: MinerFile) -> tuple[Recipe, Generation]:
        """The recipe and the version in use; the recipe by its name as long as the miner has no copy of its own."""
        version = Generations(folder).current()
        own = version.recipe_folder
        return self._load(own if (own / FILE_NAME).is_file() else self._folder(miner.recipe)), version

    def _folder(self, name: str) -> Path:
        folder = self._own / name if (self._own / name / FILE_NAME).is_file() else self._known().get(name)
        if folder is None:
            raise RecipeError("No such recipe", f"There is no recipe “{name[:60]}”.", "Choose one that is listed.")
        return folder

    def _load(self, folder: Path) -> Recipe:
        try:
            changed = (folder / FILE_NAME).stat().st_mtime_ns
        except OSError as error:
            raise RecipeError("No such recipe", f"{folder / FILE_NAME}: {error.strerror}.") from error
        known = self._loaded.get(folder)
        if known is None or known[0] != changed:
            known = self._loaded[folder] = (changed, load_recipe(folder))
        return known[1]

    def _known(self) -> dict[str, Path]:
        if self._bundled is None:
            self._bundled = bundled_recipes()
        return self._bundled

    @staticmethod
    def _values(recipe: Recipe, version: Generation, folder: Path, miner: MinerFile, endpoint: str) -> dict[str, str]:
        return command.values(
            recipe,
            env=version.env,
            wallet_path=folder / "wallet",
            wallet_name=miner.wallet_name,
            hotkey_name=miner.hotkey_name,
            netuid=miner.netuid,
            endpoint=endpoint,
            axon_port=miner.axon_port,
            network=miner.network,
            source=version.source,
            data=folder / "data",
            external_ip=miner.external_ip or (PRACTICE_IP if miner.network == "sandbox" else None),
            external_port=miner.external_port or None,
            gpus=miner.gpus,
        )


def _count(value: object) -> int | None:
    """A number that a miner claims; anything else is unknown."""
    return value if type(value) is int and value >= 0 else None


def _time(value: object) -> float | None:
    """When a miner claims to have answered; 0 is how some say never."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if value else None
