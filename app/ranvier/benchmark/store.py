"""Results, kept for ever: one file each, below a folder for each device. Every sample is in it; nothing is overwritten.

A record is found again by the GPU's UUID, the driver and the versions of the software, so that the same card before and
after an update can be held side by side.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ranvier import __version__
from ranvier.benchmark.device import DeviceRun
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.figures import kept_share
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.sweep import SweepResult
from ranvier.core.files import read_small, storage_errors, write_atomic
from ranvier.core.outside import NOT_JSON

SCHEMA = 1
_IDENTIFIERS = ("uuid", "pci_address", "name_of_host")


class Subject(msgspec.Struct, frozen=True):
    """What was measured, and with what. ``uuid`` is a GPU's, ``cpu``, or ``unknown`` for an endpoint elsewhere."""

    uuid: str
    name: str
    driver: str | None = None
    versions: dict[str, str] = {}


class Value(msgspec.Struct, frozen=True):
    """One figure of a record as people compare it; ``more_is_better`` says which way is good."""

    key: str
    title: str
    unit: str
    value: float
    spread_percent: float | None = None
    more_is_better: bool = True


class Record(msgspec.Struct, frozen=True):
    """One benchmark. ``kind`` is device, serving or sweep; exactly the part of that name is set."""

    id: str
    at: float
    kind: str
    subject: Subject
    settings: dict[str, Any] = {}
    device: DeviceRun | None = None
    serving: LoadResult | None = None
    sweep: SweepResult | None = None
    notes: tuple[str, ...] = ()
    joules: float | None = None
    app_version: str = __version__
    system: str = ""
    schema: int = SCHEMA


class Row(msgspec.Struct, frozen=True):
    """One line of a comparison; ``change_percent`` is of the second against the first, None where one has no value.

    ``clear`` says that the change is larger than both runs' spread.
    """

    key: str
    title: str
    unit: str
    first: float | None
    second: float | None
    change_percent: float | None
    clear: bool
    more_is_better: bool


class Store:
    """``folder`` is the benchmarks folder of the instance. Files that cannot be read are left alone and not listed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, record: Record) -> Path:
        """Keep a record. Raises StorageError."""
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", record.subject.uuid) or "unknown"
        path = self._folder / "results" / name / f"{record.id}.json"
        try:
            write_atomic(path, msgspec.json.encode(record), replace=False)
        except FileExistsError:
            raise BenchmarkError("It is kept already", f"{path} exists.", "") from None
        return path

    def all(self) -> tuple[Record, ...]:
        """Every readable record, newest first."""
        records = []
        for path in (self._folder / "results").glob("*/*.json"):
            try:
                records.append(msgspec.json.decode(read_small(path), type=Record))
            except (OSError, *NOT_JSON):
                continue  # of a newer version, or damaged by hand
        return tuple(sorted(records, key=lambda record: (-record.at, record.id)))

    def get(self, record_id: str) -> Record:
        """By id, or by the beginning of one. Raises BenchmarkError."""
        found = [record for record in self.all() if record.id.startswith(record_id)]
        exact = [record for record in found if record.id == record_id]
        if len(exact or found) != 1:
            message = f"{len(found)} results begin with {record_id!r}." if found else f"There is no {record_id!r}."
            raise BenchmarkError("Not found", message, "See ranvier bench list.")
        return (exact or found)[0]

    def of(self, uuid: str, kind: str | None = None) -> tuple[Record, ...]:
        """One device's records, newest first."""
        return tuple(r for r in self.all() if r.subject.uuid == uuid and kind in (None, r.kind))

    def changed_since(self, uuid: str, driver: str | None) -> Record | None:
        """The newest device record if it was made with another driver than this one: a reason to measure again."""
        newest = next(iter(self.of(uuid, "device")), None)
        if newest is None or driver is None or newest.subject.driver in (None, driver):
            return None
        return newest


def new_record(kind: str, subject: Subject, at: float, **parts: Any) -> Record:
    """A record of this moment, with an id that sorts by time."""
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    record_id = f"{moment:%Y%m%dT%H%M%S}-{kind}-{secrets.token_hex(3)}"
    system = f"{platform.system()} {platform.release()}"
    return Record(record_id, at, kind, subject, system=system, **parts)


def values(record: Record) -> tuple[Value, ...]:
    """The record's figures in a fixed order."""
    if record.device is not None:
        return _device_values(record.device)
    if record.serving is not None:
        return _serving_values(record.serving, record.joules)
    if record.sweep is not None:
        return tuple(
            msgspec.structs.replace(value, key=f"c{step.concurrency}.{value.key}",
                                    title=f"{value.title} at {step.concurrency}")
            for step in record.sweep.steps for value in _serving_values(step, step.joules)
        )  # fmt: skip
    return ()


def compare(first: Record, second: Record) -> tuple[Row, ...]:
    """Two records side by side: every figure that one of them has, in the order of the first."""
    left, right = ({value.key: value for value in values(record)} for record in (first, second))
    rows = []
    for key in dict.fromkeys((*left, *right)):
        a, b = left.get(key), right.get(key)
        either = a or b
        assert either is not None
        change = None
        if a is not None and b is not None and a.value:
            change = 100 * (b.value - a.value) / a.value
        noise = max((v.spread_percent or 0.0) for v in (a, b) if v is not None)
        rows.append(
            Row(
                key=key,
                title=either.title,
                unit=either.unit,
                first=None if a is None else a.value,
                second=None if b is None else b.value,
                change_percent=change,
                clear=change is not None and abs(change) > noise,
                more_is_better=either.more_is_better,
            )
        )
    return tuple(rows)


def export(record: Record, path: Path, *, identifiers: bool = False) -> None:
    """Write a record as JSON for others; without ``identifiers`` no UUID, bus address or host name is in it.

    Raises StorageError.
    """
    data = msgspec.to_builtins(record)
    if not identifiers:
        data = _without(data)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(data)))
        temporary.replace(path)


def _without(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without(value) for key, value in data.items() if key not in (*_IDENTIFIERS, "url", "settings")}
    return [_without(value) for value in data] if isinstance(data, (list, tuple)) else data


def _device_values(run: DeviceRun) -> tuple[Value, ...]:
    out = [
        Value(f.name, f.title, f.unit, f.median, f.spread_percent if len(f.samples) > 1 else None)
        for f in run.result.figures
    ]
    share = kept_share(run.result.sustained)
    if share is not None:
        out.append(Value("kept", "Kept in the long run", "%", 100 * share))
    if run.operations_per_joule is not None:
        out.append(Value("per_joule", "Operations per joule", "GFLOP/J", run.operations_per_joule / 1e9))
    return tuple(out)


def _serving_values(result: LoadResult, joules: float | None) -> tuple[Value, ...]:
    out = [
        Value("output_throughput", "Output", "tokens/s", result.output_throughput),
        Value("goodput", "Good requests", "1/s", result.goodput),
        Value("good_share", "Within the objective", "%", 100 * result.good_share),
    ]
    for name, title in (("ttft", "First token"), ("tpot", "Per token"), ("itl", "Between chunks"), ("e2el", "Whole")):
        spread = getattr(result, name)
        if spread is not None:
            out.append(Value(f"median_{name}", f"{title}, median", "ms", spread.median, more_is_better=False))
            out.append(Value(f"p99_{name}", f"{title}, p99", "ms", spread.p99, more_is_better=False))
    if joules:
        out.append(Value("tokens_per_joule", "Tokens per joule", "1/J", result.output_tokens / joules))
    return tuple(out)


def newest_bandwidth(records: Sequence[Record], uuid: str) -> float | None:
    """Bytes per second of the newest measured memory reading of this device; None when it was never measured."""
    for record in records:
        if record.subject.uuid == uuid and record.device is not None:
            for name in ("read", "copy"):
                figure = next((f for f in record.device.result.figures if f.name == name), None)
                if figure is not None:
                    return figure.median * 1e9
    return None
