"""The serving benchmark's work inside its child."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from ranvier.benchmark.child import Say
from ranvier.benchmark.load import run_load
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.plans import ServingPlan, SweepPlan
from ranvier.benchmark.sweep import SweepResult, run_sweep

_TELL_EVERY_S = 0.25


async def work(request: Any, say: Say) -> LoadResult | SweepResult:
    """``{"load": ServingPlan}`` or ``{"sweep": SweepPlan}``."""
    last = [0.0]

    def progress(finished: int, failed: int, sent: int) -> None:
        now = time.monotonic()
        if now - last[0] >= _TELL_EVERY_S:  # telling costs time that would be measured
            last[0] = now
            say({"event": "progress", "finished": finished, "failed": failed, "sent": sent})

    if "sweep" in request:
        plan = msgspec.convert(request["sweep"], SweepPlan)

        def step(result: LoadResult) -> None:
            say({"event": "step", "step": result})

        done = msgspec.convert(request.get("done", ()), tuple[LoadResult, ...])
        return await run_sweep(plan, lambda one: run_load(one, progress), step, done)
    return await run_load(msgspec.convert(request["load"], ServingPlan), progress)
