"""``ranvier bench fit|floor|list|compare|export``: nothing is measured."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from ranvier.benchmark import around
from ranvier.benchmark.fit import GIB, Catalogue, Fit, fit_all, load_catalogue
from ranvier.benchmark.floor import check_floor, read_floor
from ranvier.benchmark.reached import Reached, reached
from ranvier.benchmark.store import Store, compare, newest_bandwidth, values
from ranvier.benchmark.store import export as write_export
from ranvier.core.paths import Paths


class _Place(msgspec.Struct, frozen=True):
    """Where models could run: bytes free, bytes per second where known."""

    uuid: str
    name: str
    free: int
    bandwidth: float | None
    fits: tuple[Fit, ...]
    reached: tuple[Reached, ...] = ()


def _out(data: object) -> None:
    sys.stdout.write(msgspec.json.encode(data).decode() + "\n")


async def fit(options: argparse.Namespace, paths: Paths) -> int:
    """What fits into each GPU's free memory, or into the machine's where there is none."""
    catalogue = load_catalogue()
    if options.model:
        model, _ = catalogue.find(options.model, catalogue.quantisations[0].id)
        catalogue = Catalogue((model,), catalogue.quantisations)
    records = Store(paths.benchmarks).all()
    places: list[_Place] = []
    for uuid, name, free in await _memories(options, paths):
        bandwidth = options.bandwidth * 1e9 if options.bandwidth else newest_bandwidth(records, uuid)
        fits = fit_all(catalogue, free, context=options.context, sequences=options.sequences, bandwidth=bandwidth)
        shown = [found for found in fits if found.fits or options.all or options.model]
        places.append(_Place(uuid, name, free, bandwidth, tuple(shown), reached(records, catalogue, uuid)))
    if options.json:
        _out({"context": options.context, "sequences": options.sequences, "places": places})
        return 0
    for place in places:
        sys.stdout.write(f"{place.name}: {place.free / GIB:.1f} GiB free\n")
        for found in place.fits:
            sys.stdout.write(_fit_line(found))
        sys.stdout.write("".join(f"  {one.words}\n" for one in place.reached))
    return 0


async def _memories(options: argparse.Namespace, paths: Paths) -> list[tuple[str, str, int]]:
    if options.memory is not None:
        return [("asked", "asked for", int(options.memory * GIB))]
    sample = await around.hardware(paths)
    host = sample["host"]
    found = []
    for gpu in sample["gpus"]:
        free = around.free_memory(gpu, host)
        if free is not None and options.gpu in (None, gpu["uuid"]) and not (gpu["mig"] and gpu["parent_uuid"] is None):
            found.append((gpu["uuid"], gpu["name"], free))
    return found or [("cpu", host["cpu_name"] or "processor", host["memory_available"])]


def _fit_line(found: Fit) -> str:
    roof = "" if found.roof is None else f"  at most {found.roof:.0f} tokens/s"
    state = "fits" if found.fits else "too large"
    return f"  {state:<9} {found.model:<42} {found.quantisation:<11} {found.needed / GIB:6.1f} GiB{roof}\n"


async def floor(options: argparse.Namespace, paths: Paths) -> int:
    """Line by line; the status is 1 when one line is not met."""
    raw = read_floor(options.file)
    lines = check_floor(raw, around.facts(await around.hardware(paths)), options.role)
    if options.json:
        _out({"role": options.role, "lines": lines})
    else:
        for line in lines:
            word = {True: "met", False: "NOT MET", None: "unknown"}[line.met]
            sys.stdout.write(f"  {word:<8} {line.key:<30} wants {line.wanted:<16} has {line.have}\n")
    return 1 if any(line.met is False for line in lines) else 0


async def listing(options: argparse.Namespace, paths: Paths) -> int:
    """Kept results, newest first."""
    records = Store(paths.benchmarks).all()
    if options.json:
        rows: list[dict[str, Any]] = [
            {"id": r.id, "at": r.at, "kind": r.kind, "subject": r.subject, "values": values(r)} for r in records
        ]
        _out({"results": rows})
    else:
        for record in records:
            day = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.at))
            sys.stdout.write(f"{record.id}  {day}  {record.subject.name}\n")
    return 0


async def comparison(options: argparse.Namespace, paths: Paths) -> int:
    """Two results, figure by figure."""
    store = Store(paths.benchmarks)
    rows = compare(store.get(options.first), store.get(options.second))
    if options.json:
        _out({"rows": rows})
        return 0
    for row in rows:
        first, second = ("-" if value is None else f"{value:.2f}" for value in (row.first, row.second))
        change = "" if row.change_percent is None else f"{row.change_percent:+.1f} %"
        noise = "" if row.clear or not change else " (within the spread)"
        sys.stdout.write(f"  {row.title:<32} {first:>12} {second:>12} {row.unit:<9} {change}{noise}\n")
    return 0


async def exporting(options: argparse.Namespace, paths: Paths) -> int:
    """One result as a file for others."""
    target: Path = options.file.absolute()
    write_export(Store(paths.benchmarks).get(options.result), target, identifiers=options.identifiers)
    if options.json:
        _out({"file": str(target)})
    else:
        sys.stdout.write(f"{target}\n")
    return 0
