"""Hardware samples over simulated months: 1 s while looked at, then 10 s, 1 min and 10 min by age."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ranvier.ledger.samples import KEEP_S, Samples

START = 1_900_000_000
DAY = 86_400


async def kept_at(samples: Samples) -> list[int]:
    return [int(body) for body in await samples.between(0, 4e9, 10**14)]


def expected_step(age: float) -> int:
    return 1 if age <= 900 else 10 if age <= 7200 else 60 if age <= DAY else 600


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
async def test_four_months_of_looking_now_and_then(tmp_path: Path, seed: int) -> None:
    """Each minute all the time, every ten seconds in the last days, each second in an hour of every tenth day and of
    the last two; it is thinned at odd moments, the process starts again in between, and for two days nobody sampled."""
    lots = random.Random(seed)
    path = tmp_path / "h.sqlite"
    samples = Samples(path)
    pause = range(START + 50 * DAY, START + 52 * DAY)
    now, end = START, START + 120 * DAY + lots.randrange(DAY)

    def every(at: int) -> int:
        looked = at % DAY in range(30_000, 33_600) and (at // DAY % 10 == 0 or at > end - 2 * DAY)
        return 1 if looked or at > end - 1000 else 10 if at > end - 3 * DAY else 60

    def moments(begin: int, end: int) -> Iterator[int]:
        at = begin
        while at < end:
            step = every(at)
            if at % step == 0:
                yield at
            at += 1 if step == 1 else 10 - at % 10

    while now < end:
        begin, now = now, min(end, now + lots.choice((50, 3601, 40_007, 40_007)))
        rows = [(at * 1000, str(at).encode()) for at in moments(begin, now) if at not in pause]
        await samples._database.run(
            lambda connection, rows=rows: connection.executemany("INSERT INTO sample VALUES (?, ?)", rows) and None
        )
        await samples.thin(now)
        if lots.random() < 0.05:
            await samples.close()
            samples = Samples(path)
    kept = await kept_at(samples)
    for older, newer in pairwise(kept):
        step = max(expected_step(now - older), every(older))
        assert newer - older < 2 * step or pause.start in range(older, newer + 1), (now - newer, newer - older, step)
    for low, high, step in ((1000, 7200, 10), (7300, DAY, 60), (DAY + 700, 119 * DAY, 600)):
        slots = [at // step for at in kept if low <= now - at < high]
        assert len(slots) == len(set(slots)), "one of each slot"
        assert len(slots) >= (high - low) // step - (2 * DAY // step if high > 70 * DAY else 0) - 3, "and of every slot"
    assert len(kept) < 121 * 144 + 1440 + 720 + 900 + 60
    await samples.thin(now)
    assert await kept_at(samples) == kept, "thinning again changes nothing"
    await samples.thin(now + KEEP_S - 10 * DAY)
    assert min(await kept_at(samples)) >= now - 10 * DAY, "a year and no more"
    await samples.close()
