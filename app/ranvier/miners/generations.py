"""Versions of one miner beside each other: its recipe's copy, its code, its environment. One is in use.

An update is made in a folder of its own while the miner runs, then tried; it stays when the miner gets healthy with
it, and goes back by itself when not. A kill at any moment leaves a version in use that is whole. An upgrade of
Ranvier changes nothing under a running miner, because the recipe is a copy.
"""

from __future__ import annotations

import asyncio
import enum
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ranvier.core.errors import MinerError, RecipeError
from ranvier.core.files import read_small, storage_errors, write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import private_folder
from ranvier.miners.environment import Progress, install, installed
from ranvier.miners.recipe.recipe import Recipe, load_recipe
from ranvier.miners.states import ShownState

RECORD = "versions.json"
_LEFT = ("__pycache__", "env", ".git")  # what is not of a recipe


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Which version is in use, which one before it, and since when it is on trial (Unix seconds; None: settled)."""

    current: int = 0
    previous: int | None = None
    trial_since: float | None = None
    crashes_before: int = 0
    starts_before: int | None = None
    rejected: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """One version: ``folder`` holds ``recipe/``, ``env/`` and ``source/``."""

    number: int
    folder: Path

    @property
    def recipe_folder(self) -> Path:
        return self.folder / "recipe"

    @property
    def env(self) -> Path:
        return self.folder / "env"

    @property
    def source(self) -> Path:
        return self.folder / "source"

    def recipe(self) -> Recipe:
        """RecipeError when its copy is damaged."""
        return load_recipe(self.recipe_folder)


class Verdict(enum.StrEnum):
    """What to do with a version on trial."""

    WAIT = "wait"
    KEEP = "keep"
    ROLL_BACK = "roll back"


def judge(
    record: Record, state: ShownState, *, healthy_s: float | None, crashes: int, now: float, starts: int | None = None,
    settle_s: float = 60.0, limit_s: float = 900.0,
) -> Verdict:  # fmt: skip
    """Decide on a trial. ``healthy_s``: how long it has been healthy (or running, where its recipe has no check)
    without a break, None when it is not; ``crashes`` and ``starts``: the keeper's counts."""
    if record.trial_since is None:
        return Verdict.KEEP
    if starts is not None and (starts, crashes) == (record.starts_before, record.crashes_before):
        return Verdict.WAIT  # not started since: what is seen is of the version before
    if state in (ShownState.FAILED, ShownState.DEGRADED) or crashes - record.crashes_before >= 2:
        return Verdict.ROLL_BACK
    if state in (ShownState.HEALTHY, ShownState.RUNNING) and healthy_s is not None and healthy_s >= settle_s:
        return Verdict.KEEP
    if state in (ShownState.STARTING, ShownState.BACKING_OFF) and now - record.trial_since > limit_s:
        return Verdict.ROLL_BACK
    return Verdict.WAIT  # also while it is stopped by its owner, or cannot be seen: that says nothing about it


class Generations:
    """The versions of the miner in ``folder``. Version 0 is the folder itself, others are in ``versions/<n>``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self) -> Record:
        """What the file says; a missing or damaged one means version 0 (which is always there)."""
        try:
            record = msgspec.json.decode(read_small(self.folder / RECORD), type=Record)
        except (OSError, *NOT_JSON):
            return Record()
        return record if self._at(record.current).recipe_folder.is_dir() else Record()

    def current(self) -> Generation:
        return self._at(self.record().current)

    def adopt(self, recipe_folder: Path) -> Generation:
        """Give the miner its own copy of a recipe, once; returns the version in use."""
        first = self._at(0)
        if not first.recipe_folder.is_dir():
            copy_recipe(recipe_folder, first.recipe_folder)
        return self.current()

    async def prepare(
        self, recipe_folder: Path, cache: Path, on_progress: Progress, *, fresh: bool = False
    ) -> Generation:
        """Make the next version beside the one in use, or go on with one half made. With ``fresh`` every package is
        fetched anew. Raises Install- and RecipeError."""
        load_recipe(recipe_folder)
        number = self._new_number() if fresh else self._next(recipe_folder)
        new = self._at(number)
        if not new.recipe_folder.is_dir():
            await asyncio.to_thread(copy_recipe, recipe_folder, new.recipe_folder)
        await install(new.recipe(), new.env, cache, on_progress, fresh=fresh)
        return new

    def begin_trial(self, new: Generation, now: float, crashes: int, starts: int | None = None) -> None:
        """Use ``new`` from the next start on. MinerError unless it is whole."""
        if not installed(new.recipe(), new.env):
            raise MinerError("Not ready", f"Version {new.number} is not installed yet.", "Install it first.")
        record = self.record()
        self._store(
            Record(current=new.number, previous=record.current, trial_since=now, crashes_before=crashes,
                   starts_before=starts, rejected=record.rejected)
        )  # fmt: skip

    def keep(self) -> None:
        """The trial went well. Versions that are neither in use nor the one before are deleted."""
        record = self.record()
        if record.trial_since is not None:
            self._store(msgspec.structs.replace(record, trial_since=None))
        self._clear({record.current, record.previous, 0})

    def roll_back(self) -> Generation:
        """Use the version before from the next start on. MinerError when there is none."""
        record = self.record()
        if record.previous is None:
            raise MinerError("Nothing to go back to", "This miner has only one version.")
        self._store(Record(current=record.previous, rejected=(*record.rejected, record.current)))
        return self.current()

    # -- inside ----------------------------------------------------------------------------------------------

    def _at(self, number: int) -> Generation:
        return Generation(number, self.folder if number == 0 else self.folder / "versions" / str(number))

    def _numbers(self) -> list[int]:
        folder = self.folder / "versions"
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(name) for name in names if name.isdigit())

    def _next(self, recipe_folder: Path) -> int:
        """A version half made from the same recipe is gone on with; otherwise a new number."""
        record = self.record()
        numbers = self._numbers()
        for number in reversed(numbers):
            unused = number not in (record.current, record.previous, *record.rejected)
            if unused and same_recipe(self._at(number).recipe_folder, recipe_folder):
                return number
        return self._new_number()

    def _new_number(self) -> int:
        return max([0, *self._numbers(), *self.record().rejected]) + 1

    def _store(self, record: Record) -> None:
        write_atomic(self.folder / RECORD, msgspec.json.encode(record))

    def _clear(self, kept: set[int | None]) -> None:
        for number in self._numbers():
            if number not in kept:
                shutil.rmtree(self._at(number).folder, ignore_errors=True)


def copy_recipe(source: Path, target: Path) -> None:
    """Copy a recipe's folder; it appears under its name only when it is whole. Raises StorageError, and RecipeError
    for a link that leads out of it: what a stranger packed must not bring a key or half a disk along."""
    _check_links(source)
    private_folder(target.parent)
    new = target.with_name(target.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    with storage_errors(target):
        shutil.copytree(source, new, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT))
        new.rename(target)


def _check_links(source: Path) -> None:
    inside = source.resolve()
    for folder, folders, files in os.walk(source):
        folders[:] = [name for name in folders if name not in _LEFT]
        for path in (Path(folder) / name for name in (*folders, *files)):
            if path.is_symlink() and (path.readlink().is_absolute() or not path.resolve().is_relative_to(inside)):
                where = f"{path} is a link that leads out of the recipe's folder."
                raise RecipeError("Recipe not taken", where, "Put the file itself there.")


def same_recipe(one: Path, other: Path) -> bool:
    """Whether two recipe folders hold the same files."""
    return _contents(one) == _contents(other)


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not set(_LEFT) & set(path.relative_to(folder).parts)
    }
