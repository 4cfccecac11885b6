"""A long run as it goes, one line for each sample, so that one that was cut off (a kill, a closed window) goes on where
it was. One file for each card; it is deleted when its result is kept."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ranvier.benchmark.figures import DeviceResult, Minute
from ranvier.benchmark.telemetry import TelemetrySample
from ranvier.core.files import read_small, storage_errors
from ranvier.core.paths import private_folder

_SCHEMA = 1


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """The run that was asked for. ``at``: Unix seconds, and what tells this run from others."""

    at: float
    uuid: str
    check_s: float
    sustained_s: float
    schema: int = _SCHEMA


class Part(msgspec.Struct, frozen=True, tag="part"):
    """The long run begins (again), ``at`` Unix seconds; ``result`` is what was measured before it."""

    at: float
    result: DeviceResult
    driver: str | None = None


class Slice(msgspec.Struct, frozen=True, tag="slice"):
    minute: Minute
    at: float


class Look(msgspec.Struct, frozen=True, tag="look"):
    sample: TelemetrySample


_Line = Begun | Part | Slice | Look
_DECODER: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch without a break; ``looks`` count their seconds from its own begin. ``ended``: Unix seconds."""

    begun: float
    ended: float
    slices: tuple[Minute, ...]
    looks: tuple[TelemetrySample, ...]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that can go on. ``done_s`` of ``begun.sustained_s`` seconds are measured."""

    path: Path
    begun: Begun
    result: DeviceResult
    driver: str | None
    segments: tuple[Segment, ...]

    @property
    def done_s(self) -> float:
        slices = self.segments[-1].slices
        one = (slices[-1].at - slices[0].at) / (len(slices) - 1) if len(slices) > 1 else 1.0
        return min(self.begun.sustained_s, slices[-1].at + one)

    @property
    def ended(self) -> float:
        """When the last of it was measured, Unix seconds."""
        return self.segments[-1].ended


class Journal:
    """Writes one run, begun ``at`` (Unix seconds). A disk that is full ends the writing, not the run: ``lost`` says so
    then."""

    def __init__(self, path: Path, at: float) -> None:
        self.path = path
        self.at = at
        self.lost = False

    def begin(self, line: msgspec.Struct) -> None:
        """Make the file anew with its first line; an older one is given up. Raises StorageError."""
        with storage_errors(self.path):
            private_folder(self.path.parent)
            self.path.unlink(missing_ok=True)
        self.write(line)

    def write(self, line: msgspec.Struct) -> None:
        """Append one line; the file is made with its first."""
        if self.lost:
            return
        try:
            with self.path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
        except OSError:
            self.lost = True

    def drop(self) -> None:
        """The result is kept elsewhere, or nobody wants it."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def begin(folder: Path, uuid: str, check_s: float, sustained_s: float) -> Journal:
    """The journal of a new run; an older one of this card is given up. Raises StorageError."""
    path = folder / "unfinished" / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', uuid)}.jsonl"
    journal = Journal(path, time.time())
    journal.begin(Begun(journal.at, uuid, check_s, sustained_s))
    return journal


def unfinished(folder: Path, kept: Sequence[float] = ()) -> tuple[Unfinished, ...]:
    """Every run that can go on, the newest first. ``kept``: when the runs begun whose results are kept already (killed
    between keeping and deleting): their journals go. Reads files."""
    found = []
    for path in (folder / "unfinished").glob("*.jsonl"):
        one = read(path)
        if one is not None and one.begun.at in kept:
            Journal(path, one.begun.at).drop()
        elif one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda one: -one.begun.at))


def read(path: Path) -> Unfinished | None:
    """None for a run that had measured nothing yet, and for a file of another version. A line that a kill cut in half
    is left out."""
    begun: Begun | None = None
    part: Part | None = None
    segments: list[Segment] = []
    slices: list[Minute] = []
    looks: list[TelemetrySample] = []
    ended = 0.0
    try:
        lines = read_small(path).splitlines()
    except OSError:
        return None
    for text in lines:
        try:
            line = _DECODER.decode(text)
        except msgspec.MsgspecError:
            continue
        match line:
            case Begun():
                begun = line
            case Part():
                if part is not None and slices:
                    segments.append(Segment(part.at, ended, tuple(slices), tuple(looks)))
                part, slices, looks, ended = line, [], [], line.at
            case Slice():
                slices.append(line.minute)
                ended = line.at
            case Look():
                looks.append(line.sample)
    if part is not None and slices:
        segments.append(Segment(part.at, ended, tuple(slices), tuple(looks)))
    if begun is None or part is None or begun.schema != _SCHEMA or not segments:
        return None
    return Unfinished(path, begun, part.result, part.driver, tuple(segments))
