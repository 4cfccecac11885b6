"""A load or a sweep from its plan to its record, the same for the window and the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import msgspec

from ranvier.benchmark import serving
from ranvier.benchmark.plans import ServingPlan, SweepPlan
from ranvier.benchmark.store import Record, Subject, new_record
from ranvier.benchmark.sweep_journal import SweepJournal, UnfinishedSweep, begin_sweep
from ranvier.benchmark.telemetry import Telemetry

_STEP_LIMIT_S = 60.0


async def serving_run(
    plan: ServingPlan,
    most: int | None,
    gpu: tuple[str, str] | None,
    folder: Path,
    told: serving.Told,
    before: UnfinishedSweep | None = None,
) -> Record:
    """One load, or a sweep up to ``most`` open requests: a new one, or the rest of ``before``.

    ``gpu``: UUID and name of the card that serves, which is watched meanwhile. A sweep can go on after a kill: its
    steps are kept in ``folder``, the benchmarks' own. Raises BenchmarkError, StorageError.
    """
    settings = msgspec.to_builtins(plan)
    parts: dict[str, Any] = {}
    async with contextlib.AsyncExitStack() as stack:
        telemetry = None if gpu is None else await stack.enter_async_context(Telemetry(gpu[0]))
        if most is None:
            parts["serving"] = result = await serving.measure(plan, told)
            model = result.model
        else:
            if before is None:
                whole = SweepPlan(plan, most=most, step_seconds=min(_STEP_LIMIT_S, plan.max_seconds))
                journal = await asyncio.to_thread(begin_sweep, folder, whole, gpu)
            else:
                whole, journal = before.plan, SweepJournal(folder, before.begun.at)
            settings["begun"] = journal.at
            drawn = telemetry.joules if telemetry is not None else lambda seconds: None
            done = () if before is None else before.steps
            parts["sweep"] = found = await serving.sweep(whole, _noting(journal, told), done, drawn)
            model = next((step.model for step in found.steps), "")
    summary = telemetry.summary() if telemetry is not None else None
    return new_record(
        "serving" if most is None else "sweep",
        Subject("unknown" if gpu is None else gpu[0], model, None if telemetry is None else telemetry.driver),
        time.time(),
        settings=settings,
        joules=summary.joules if summary is not None and most is None else None,
        notes=() if before is None else (before.note(time.time()),),
        **parts,
    )


def _noting(journal: SweepJournal, told: serving.Told) -> serving.Told:
    def tell(progress: serving.ServingProgress) -> None:
        if progress.step is not None:
            journal.step(progress.step)
        told(progress)

    return tell
