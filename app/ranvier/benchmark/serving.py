"""The serving benchmark for callers: a load or a sweep in a child process. Cancelling the call ends it at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from ranvier.benchmark.children import command_of, run_child
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.plans import ServingPlan, SweepPlan
from ranvier.benchmark.sweep import SweepResult

_SPARE_S = 60.0


class ServingProgress(msgspec.Struct, frozen=True):
    """How far a load is; ``step`` is set when a step of a sweep has ended."""

    finished: int = 0
    failed: int = 0
    sent: int = 0
    step: LoadResult | None = None


Told = Callable[[ServingProgress], None]


async def measure(plan: ServingPlan, told: Told = lambda progress: None) -> LoadResult:
    """Run one load. Raises BenchmarkError."""
    plan.check()
    limit = plan.max_seconds + plan.timeout_s * (plan.warmup + 1) + _SPARE_S
    raw = await run_child(command_of("serving"), {"load": plan}, _teller(told), limit_s=limit)
    return msgspec.convert(raw, LoadResult)


async def sweep(plan: SweepPlan, told: Told = lambda progress: None, done: Sequence[LoadResult] = ()) -> SweepResult:
    """Run a sweep, or go on with one whose steps ``done`` were told before it was cut off. Raises BenchmarkError."""
    plan.base.check()
    steps = sum(1 for _ in plan.steps())
    limit = steps * (plan.step_seconds + plan.base.timeout_s) + plan.base.timeout_s * plan.base.warmup + _SPARE_S
    raw = await run_child(command_of("serving"), {"sweep": plan, "done": tuple(done)}, _teller(told), limit_s=limit)
    return msgspec.convert(raw, SweepResult)


def _teller(told: Told) -> Callable[[dict[str, object]], None]:
    def tell(message: dict[str, object]) -> None:
        message = {key: value for key, value in message.items() if key != "event"}
        told(msgspec.convert(message, ServingProgress))

    return tell
