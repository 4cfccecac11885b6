"""From requests to figures, by vLLM's definitions and field names. Pure.

Two differences to ``vllm bench serve``, both on purpose: the first token is the first chunk *with something in it*
(vLLM counts a chunk that only names the role), and each request has a connection of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from ranvier.benchmark.objectives import Objective


class Request(msgspec.Struct):
    """One request. Times are seconds of one monotonic clock; ``due`` is when it should have been sent.

    ``arrivals`` holds the moments of chunks with something in them. ``output_tokens`` None: the server did not say.
    ``reason`` says why it failed; a request cut off by the end of the benchmark is ``unfinished`` and not a failure.
    """

    number: int
    due: float
    sent: float = 0.0
    arrivals: list[float] = []
    output_tokens: int | None = None
    prompt_tokens: int | None = None
    ok: bool = False
    unfinished: bool = False
    reason: str | None = None

    @property
    def tokens(self) -> int:
        """Output tokens; where the server does not count them, its chunks as an estimate."""
        return self.output_tokens if self.output_tokens is not None else len(self.arrivals)

    @property
    def ttft(self) -> float:
        return self.arrivals[0] - self.sent

    @property
    def e2el(self) -> float:
        return self.arrivals[-1] - self.sent

    @property
    def tpot(self) -> float | None:
        """Seconds for each output token after the first; None for an answer of one."""
        return (self.arrivals[-1] - self.arrivals[0]) / (self.tokens - 1) if self.tokens > 1 else None

    def good(self, objective: Objective, *, waiting: bool = True) -> bool:
        """Whether it kept the objective. Waiting for its turn counts: its user waited. (vLLM leaves it out.)"""
        waited = max(0.0, self.sent - self.due) if waiting else 0.0
        pairs = (
            (objective.ttft_ms, self.ttft + waited),
            (objective.tpot_ms, self.tpot or 0.0),
            (objective.e2el_ms, self.e2el + waited),
        )
        return all(limit is None or value * 1000 <= limit for limit, value in pairs)


class Spread(msgspec.Struct, frozen=True):
    """Milliseconds over ``count`` values: linear percentiles and population deviation, as numpy's defaults."""

    count: int
    mean: float
    std: float
    min: float
    median: float
    p90: float
    p95: float
    p99: float
    max: float


class Client(msgspec.Struct, frozen=True):
    """How hard the measuring client itself worked. ``limited``: it, and not the server, may have been measured."""

    cpu_percent: float
    late_p99_ms: float
    limited: bool


class LoadResult(msgspec.Struct, frozen=True):
    """The figures of one load. ``tokens_from``: "usage" (the server counted) or "estimate" (chunks). ``joules``: what
    the watched card drew in a sweep's step; None where none was watched, or for too short a time."""

    model: str
    concurrency: int | None
    rate: float | None
    duration: float
    completed: int
    failed: int
    unfinished: int
    failures: dict[str, int]
    input_tokens: int | None
    output_tokens: int
    tokens_from: str
    request_throughput: float
    output_throughput: float
    total_throughput: float | None
    goodput: float
    good_share: float
    objective: Objective
    ttft: Spread | None
    tpot: Spread | None
    itl: Spread | None
    e2el: Spread | None
    queue: Spread | None
    tokens_per_chunk: float | None
    peak_concurrency: int
    client: Client
    requests: tuple[Request, ...] = ()
    per_user_throughput: float | None = None
    burstiness: float = 1.0
    joules: float | None = None

    @property
    def tokens_per_joule(self) -> float | None:
        """Output tokens for each joule of the card; None where its energy is unknown."""
        return self.output_tokens / self.joules if self.joules else None


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Linear between the two nearest of ``ordered`` (ascending, not empty)."""
    place = (len(ordered) - 1) * percent / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def spread(seconds: Sequence[float]) -> Spread | None:
    """The distribution in milliseconds, or None of nothing."""
    if not seconds:
        return None
    values = sorted(value * 1000 for value in seconds)
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    median, p90, p95, p99 = (percentile(values, percent) for percent in (50, 90, 95, 99))
    return Spread(len(values), mean, deviation, values[0], median, p90, p95, p99, values[-1])


def summarise(
    requests: Sequence[Request], *, model: str, concurrency: int | None, rate: float | None, objective: Objective,
    client: Client, burstiness: float = 1.0,
) -> LoadResult:  # fmt: skip
    """Figures over the finished requests; the time runs from the first sending to the last arrival."""
    done = [request for request in requests if request.ok]
    failed = [request for request in requests if not request.ok and not request.unfinished]
    sent = [request.sent for request in requests if request.sent]
    ends = [request.arrivals[-1] for request in requests if request.arrivals]
    duration = max(ends) - min(sent) if sent and ends else 0.0
    per_second = 1 / duration if duration > 0 else 0.0
    output = sum(request.tokens for request in done)
    known_input = all(request.prompt_tokens is not None for request in done) and bool(done)
    total_in = sum(request.prompt_tokens or 0 for request in done) if known_input else None
    counted = bool(done) and all(request.output_tokens is not None for request in done)
    good = sum(request.good(objective) for request in done)
    chunks = sum(len(request.arrivals) for request in done)
    reasons: dict[str, int] = {}
    for request in failed:
        reasons[request.reason or "unknown"] = reasons.get(request.reason or "unknown", 0) + 1
    tpots = [request.tpot for request in done if request.tpot is not None]
    median_tpot = spread(tpots)
    return LoadResult(
        model=model,
        concurrency=concurrency,
        rate=rate,
        duration=duration,
        completed=len(done),
        failed=len(failed),
        unfinished=sum(request.unfinished for request in requests),
        failures=dict(sorted(reasons.items(), key=lambda item: -item[1])),
        input_tokens=total_in,
        output_tokens=output,
        tokens_from="usage" if counted else "estimate",
        request_throughput=len(done) * per_second,
        output_throughput=output * per_second,
        total_throughput=None if total_in is None else (output + total_in) * per_second,
        goodput=good * per_second,
        good_share=good / (len(done) + len(failed)) if done or failed else 0.0,
        objective=objective,
        ttft=spread([request.ttft for request in done]),
        tpot=median_tpot,
        itl=spread([b - a for r in done for a, b in zip(r.arrivals, r.arrivals[1:], strict=False)]),
        e2el=spread([request.e2el for request in done]),
        queue=spread([max(0.0, request.sent - request.due) for request in done]) if rate is not None else None,
        tokens_per_chunk=output / chunks if chunks else None,
        peak_concurrency=_peak(done),
        client=client,
        requests=tuple(requests),
        per_user_throughput=1000 / median_tpot.median if median_tpot and median_tpot.median > 0 else None,
        burstiness=burstiness,
    )


def _peak(done: Sequence[Request]) -> int:
    """The most requests that were open at one moment."""
    changes = sorted([(r.sent, 1) for r in done] + [(r.arrivals[-1], -1) for r in done])
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most
