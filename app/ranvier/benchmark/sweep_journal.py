"""A sweep as it goes, one line for each step that has ended, so that one that was cut off goes on where it was. One
file; it is deleted when its result is kept, and a new sweep takes its place."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ranvier.benchmark.journal import Journal
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.plans import SweepPlan
from ranvier.core.files import read_small

_SCHEMA = 1


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """The sweep that was asked for. ``at``: Unix seconds, and what tells it from others. ``gpu``: UUID and name of the
    card that serves, where one was chosen."""

    at: float
    plan: SweepPlan
    gpu: tuple[str, str] | None = None
    schema: int = _SCHEMA


class Step(msgspec.Struct, frozen=True, tag="step"):
    at: float
    result: LoadResult


_Line = Begun | Step
_DECODER: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class UnfinishedSweep:
    """A sweep that can go on. ``ended``: when its last step did, Unix seconds."""

    begun: Begun
    steps: tuple[LoadResult, ...]
    ended: float

    @property
    def plan(self) -> SweepPlan:
        """What is still to be done, with the model that was measured before: a server's first one may have changed."""
        base = msgspec.structs.replace(self.begun.plan.base, model=self.steps[0].model)
        return msgspec.structs.replace(self.begun.plan, base=base)

    def note(self, now: float) -> str:
        """What a reader of the whole result must know."""
        minutes = max(1, round((now - self.ended) / 60))
        return f"The sweep was cut off after {self.steps[-1].concurrency} at once and went on {minutes} min later."


class SweepJournal(Journal):
    """Writes one sweep, begun ``at`` (Unix seconds)."""

    def __init__(self, folder: Path, at: float) -> None:
        super().__init__(_path(folder), at)

    def step(self, result: LoadResult) -> None:
        self.write(Step(time.time(), result))


def begin_sweep(folder: Path, plan: SweepPlan, gpu: tuple[str, str] | None = None) -> SweepJournal:
    """The journal of a new sweep; an older one is given up. Raises StorageError."""
    journal = SweepJournal(folder, time.time())
    journal.begin(Begun(journal.at, plan, gpu))
    return journal


def unfinished_sweep(folder: Path, kept: Sequence[float] = ()) -> UnfinishedSweep | None:
    """The sweep that can go on; None without one, for one that had measured nothing yet, and for a file of another
    version. ``kept``: when the sweeps begun whose results are kept: their journal goes. Reads the file."""
    begun: Begun | None = None
    steps: list[LoadResult] = []
    ended = 0.0
    try:
        lines = read_small(_path(folder)).splitlines()
    except OSError:
        return None
    for text in lines:
        try:
            line = _DECODER.decode(text)
        except msgspec.MsgspecError:
            continue  # cut in half by a kill
        if isinstance(line, Begun):
            begun = line
        else:
            steps.append(line.result)
            ended = line.at
    if begun is not None and begun.at in kept:
        SweepJournal(folder, begun.at).drop()
        return None
    if begun is None or begun.schema != _SCHEMA or not steps:
        return None
    return UnfinishedSweep(begun, tuple(steps), ended)


def _path(folder: Path) -> Path:
    return folder / "unfinished" / "sweep.steps"
