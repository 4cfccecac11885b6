"""What a serving benchmark shall do: one load, or a sweep of loads; and when requests are due. Pure."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import msgspec

from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.objectives import DEFAULT, Objective

_WORDS = (
    "river", "stone", "winter", "garden", "copper", "ladder", "window", "mountain",
    "signal", "harbour", "candle", "forest", "engine", "letter", "bridge", "silver",
    "market", "island", "thunder", "paper", "circle", "shadow", "orchard", "lantern",
    "valley", "compass", "feather", "anchor", "meadow", "pillar",
)  # fmt: skip


class ServingPlan(msgspec.Struct, frozen=True):
    """One load. ``url`` is the API's base (``http://127.0.0.1:8000/v1``); ``model`` None asks the server for its first.

    With ``rate`` (requests per second) requests come at random moments whether the server keeps up or not; with
    ``concurrency`` alone so many are always open. Both: the rate, with never more than so many open. After ``requests``
    or ``max_seconds`` nothing more is sent; what is open then may finish within ``timeout_s``. ``warmup`` requests
    before are not counted. ``api_key_variable`` names an environment variable; the key itself is never written down.
    """

    url: str
    model: str | None = None
    requests: int = 40
    max_seconds: float = 120.0
    concurrency: int | None = 1
    rate: float | None = None
    burstiness: float = 1.0
    input_words: int = 100
    output_tokens: int = 128
    warmup: int = 2
    timeout_s: float = 120.0
    seed: int = 0
    objective: Objective = DEFAULT
    api_key_variable: str | None = None
    remote: bool = False

    def check(self) -> None:
        """Raises BenchmarkError for a plan that makes no sense or has no bounds."""
        wrong = None
        if not 1 <= self.requests <= 100_000:
            wrong = "The number of requests must be between 1 and 100000."
        elif not 0 < self.max_seconds <= 6 * 3600:
            wrong = "The time must be more than nothing and at most six hours."
        elif self.concurrency is None and self.rate is None:
            wrong = "Say how many requests are open at once, or how many come per second."
        elif self.concurrency is not None and not 1 <= self.concurrency <= 4096:
            wrong = "The number of open requests must be between 1 and 4096."
        elif self.rate is not None and not 0 < self.rate <= 10_000:
            wrong = "The rate must be more than nothing and at most 10000 requests per second."
        elif not 0 < self.burstiness <= 100:
            wrong = "The burstiness must be between 0 and 100; 1 means independent requests."
        elif not 1 <= self.output_tokens <= 100_000 or not 1 <= self.input_words <= 1_000_000:
            wrong = "The lengths of question and answer must be positive, and not without measure."
        elif self.warmup < 0 or self.timeout_s <= 0:
            wrong = "Warm-up and time limit cannot be negative."
        if wrong is not None:
            raise BenchmarkError("This benchmark cannot be run", wrong, "Change the plan.")


class SweepPlan(msgspec.Struct, frozen=True):
    """The same load at 1, 2, 4, ... open requests until more of them bring nothing. Each step is ``base`` with at
    least ``step_requests`` (or four for each open one) and at most ``step_seconds``."""

    base: ServingPlan
    most: int = 64
    step_requests: int = 20
    step_seconds: float = 60.0

    def steps(self) -> Iterator[ServingPlan]:
        concurrency = 1
        while concurrency <= self.most:
            yield msgspec.structs.replace(
                self.base,
                concurrency=concurrency,
                rate=None,
                requests=max(self.step_requests, 4 * concurrency),
                max_seconds=self.step_seconds,
                seed=(self.base.seed << 16) + concurrency,  # no question of another step, nor of another sweep
            )
            concurrency *= 2


def arrivals(rate: float, burstiness: float, seed: int) -> Iterator[float]:
    """Seconds from the start at which requests are due, without end: a gamma process, at burstiness 1 a Poisson one.

    They are absolute: a request that is late moves no other.
    """
    chance = random.Random(seed)
    due = 0.0
    while True:
        yield due
        due += chance.gammavariate(burstiness, 1.0 / (rate * burstiness))


def prompts(words: int, seed: int) -> Iterator[str]:
    """Questions that are all different from their first word on, so that no server answers from its cache."""
    for number in itertools.count():
        chance = random.Random(f"{seed}/{number}")
        tag = f"{chance.getrandbits(48):012x}"
        body = " ".join(chance.choice(_WORDS) for _ in range(max(0, words - 8)))
        yield f"{tag} {number}. Continue this text at length: {body}"
