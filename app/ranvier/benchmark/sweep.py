"""The concurrency sweep: the same load with more and more open requests until more of them bring nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.plans import ServingPlan, SweepPlan

_GAIN = 1.05  # a step that brings less than 5 % more tokens has passed the knee


class SweepResult(msgspec.Struct, frozen=True):
    """Steps in order. ``knee`` is the concurrency up to which more brought more; ``best_good`` the one with the most
    tokens per second among those that keep the objective, for the share of requests it asks for (None: none does).
    ``knee_seen`` False: the sweep ended at its largest step before more stopped to help."""

    steps: tuple[LoadResult, ...]
    knee: int | None
    best_good: int | None
    knee_seen: bool = True


def passed_knee(steps: Sequence[LoadResult]) -> bool:
    """Whether the newest step brought too little, or made fewer good requests than the one before."""
    if len(steps) < 2:
        return False
    before, now = steps[-2], steps[-1]
    return now.output_throughput < before.output_throughput * _GAIN or now.goodput < before.goodput


def conclude(steps: Sequence[LoadResult]) -> SweepResult:
    """The sweep's verdict. Steps in which nothing was answered count for nothing."""
    knee: LoadResult | None = None
    for step in steps:
        if not step.completed:
            break
        if knee is not None and step.output_throughput < knee.output_throughput * _GAIN:
            break
        knee = step
    good = [step for step in steps if step.completed and step.good_share >= step.objective.share]
    best = max(good, key=lambda step: step.output_throughput, default=None)
    return SweepResult(
        tuple(steps),
        None if knee is None else knee.concurrency,
        None if best is None else best.concurrency,
        knee is not None and knee is not steps[-1],
    )


async def run_sweep(
    plan: SweepPlan,
    load: Callable[[ServingPlan], Awaitable[LoadResult]],
    finished: Callable[[LoadResult], None] = lambda step: None,
    done: Sequence[LoadResult] = (),
) -> SweepResult:
    """Run steps until the knee is passed; only the first one run warms up. ``done`` are steps of a sweep that was cut
    off: they are taken over and not run again."""
    steps: list[LoadResult] = []
    known = {step.concurrency: step for step in done}
    warm = False
    for step in plan.steps():
        if not passed_knee(steps) and step.concurrency in known:
            steps.append(known[step.concurrency])
            continue
        if passed_knee(steps):
            break
        result = await load(msgspec.structs.replace(step, warmup=0) if warm else step)
        warm = True
        steps.append(result)
        finished(result)
        if passed_knee(steps) or not result.completed:
            break
    return conclude(steps)
