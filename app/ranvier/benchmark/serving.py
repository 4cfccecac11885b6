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


async def sweep(
    plan: SweepPlan,
    told: Told = lambda progress: None,
    done: Sequence[LoadResult] = (),
    joules: Callable[[float], float | None] = lambda seconds: None,
) -> SweepResult:
    """Run a sweep, or go on with one whose steps ``done`` were told before it was cut off. ``joules`` says what the
    card drew in so many seconds before now; each step is told with its own. Raises BenchmarkError."""
    drawn: dict[int | None, float | None] = {}

    def tell(progress: ServingProgress) -> None:
        step = progress.step
        if step is not None:
            drawn[step.concurrency] = joules(step.duration)
            progress = msgspec.structs.replace(
                progress, step=msgspec.structs.replace(step, joules=drawn[step.concurrency])
            )
        told(progress)

    plan.base.check()
    steps = sum(1 for _ in plan.steps())
    limit = steps * (plan.step_seconds + plan.base.timeout_s) + plan.base.timeout_s * plan.base.warmup + _SPARE_S
    raw = await run_child(command_of("serving"), {"sweep": plan, "done": tuple(done)}, _teller(tell), limit_s=limit)
    found = msgspec.convert(raw, SweepResult)
    steps_found = (msgspec.structs.replace(one, joules=drawn.get(one.concurrency, one.joules)) for one in found.steps)
    return msgspec.structs.replace(found, steps=tuple(steps_found))


def _teller(told: Told) -> Callable[[dict[str, object]], None]:
    def tell(message: dict[str, object]) -> None:
        message = {key: value for key, value in message.items() if key != "event"}
        told(msgspec.convert(message, ServingProgress))

    return tell
