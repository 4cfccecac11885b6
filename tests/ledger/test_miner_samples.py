"""Readings of miners: thinned by merging, asked for by period; ends are kept once and for longer than a keeper does."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranvier.ledger.migrations import SAMPLES
from ranvier.ledger.miner_sample import MinerSample
from ranvier.ledger.samples import KEEP_S, Samples

NOW = 2_000_000_000.0


async def test_an_older_file_gets_the_new_tables_and_keeps_its_samples(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    with sqlite3.connect(path) as old:
        for step in SAMPLES[:2]:
            for statement in step:
                old.execute(statement)
        old.execute("INSERT INTO sample VALUES (5000, x'41')")
        old.execute(f"PRAGMA application_id = {0x52414E56}")
        old.execute("PRAGMA user_version = 2")
    old.close()
    samples = Samples(path)
    await samples.add_miners(NOW, [("one", MinerSample(NOW, rss=7))])
    assert await samples.between(0, NOW, 9) == (), "a sample of 1970 is older than what is kept"
    assert await samples.miner("one", 0, NOW, 10) == (MinerSample(NOW, rss=7),)
    await samples.close()
    (copy,) = tmp_path.glob("h-v2-*.sqlite")
    with sqlite3.connect(copy) as kept:
        assert kept.execute("SELECT count(*) FROM sample").fetchone() == (1,)
    kept.close()


async def test_readings_are_merged_with_age_rates_as_means_amounts_as_peaks(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "h.sqlite")
    rows = [MinerSample(NOW - age, cpu_percent=float(age % 2), rss=age, incentive=100.0) for age in range(3 * 3600)]
    rows += [MinerSample(NOW - age, rss=age) for age in range(86_400 + 1200, 2 * 86_400, 60)]
    rows += [MinerSample(NOW - KEEP_S - 5000, rss=1)]
    await samples.add_miners(NOW - 4 * 86_400, [("one", row) for row in rows])
    await samples.add_miners(NOW - 4 * 86_400, [("two", MinerSample(NOW - 5000.5, rss=3))])
    await samples.thin(NOW)
    kept = await samples.miner("one", 0, NOW, 10**13)
    young = [row for row in kept if NOW - row.at <= 900]
    assert len(young) == 901 and {row.cpu_percent for row in young} == {0.0, 1.0}
    for low, high, step in ((920, 7200, 10), (7300, 3 * 3600, 60), (86_400 + 1300, 2 * 86_400, 600)):
        part = [row for row in kept if low <= NOW - row.at < high - step]
        assert {round(b.at - a.at) for a, b in pairwise(part)} == {step}
        # A slot ends with its newest reading; its highest is the oldest one, ``step - 1`` seconds older here.
        assert {row.rss - round(NOW - row.at) for row in part} == {step - (60 if step == 600 else 1)}
    hour = [row for row in kept if 7300 <= NOW - row.at < 3 * 3600 - 60]
    assert {row.cpu_percent for row in hour} == {0.5} and {row.incentive for row in hour} == {100.0}
    assert max(NOW - row.at for row in kept) < KEEP_S
    assert await samples.miner("two", 0, NOW, 10) == (MinerSample(NOW - 5000.5, rss=3),), "each miner for itself"
    await samples.thin(NOW)
    assert await samples.miner("one", 0, NOW, 10**13) == kept
    await samples.close()


async def test_a_process_that_thins_anew_changes_nothing(tmp_path: Path) -> None:
    first = Samples(tmp_path / "h.sqlite")
    await first.add_miners(NOW, [("one", MinerSample(NOW - 5000 - n, cpu_percent=float(n))) for n in range(60)])
    await first.thin(NOW)
    kept = await first.miner("one", 0, NOW, 10**13)
    await first.close()
    again = Samples(tmp_path / "h.sqlite")
    await again.thin(NOW)
    assert await again.miner("one", 0, NOW, 10**13) == kept and 6 <= len(kept) <= 7
    await again.close()


async def test_it_goes_on_where_it_was_unless_the_clock_was_wrong(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "h.sqlite")
    await samples.thin(NOW + 10 * 365 * 86_400)
    rows = [MinerSample(NOW - 1800 + n, rss=n) for n in range(1200)]
    await samples.add_miners(NOW, [("one", row) for row in rows])
    await samples.close()
    for at in (NOW, NOW, NOW + 60):
        again = Samples(tmp_path / "h.sqlite")
        await again.thin(at)
        kept = await again.miner("one", 0, NOW, 10**13)
        assert {round(b.at - a.at) for a, b in pairwise(kept) if at - b.at > 920} == {10}
        await again.close()


async def test_what_is_not_known_stays_unknown(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "h.sqlite")
    rows = [MinerSample(NOW - 5000 - n, cpu_percent=None if n % 2 else 40.0) for n in range(100)]
    await samples.add_miners(NOW, [("one", row) for row in rows])
    await samples.thin(NOW)
    for row in await samples.miner("one", 0, NOW, 5):
        assert (row.cpu_percent, row.rss, row.sent_bps) == (40.0, None, None), "a mean of what is known, never with 0"
    await samples.close()


async def test_a_long_period_comes_in_few_points(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "h.sqlite")
    await samples.add_miners(NOW, [("one", MinerSample(NOW - n, rss=n)) for n in range(800)])
    assert 10 <= len(await samples.miner("one", NOW - 800, NOW, 10)) <= 11
    part = await samples.miner("one", NOW - 300, NOW - 200, 1000)
    assert [NOW - row.at for row in part] == list(range(300, 199, -1)), "both ends are inside"
    assert await samples.miner("other", 0, NOW, 10) == ()
    await samples.close()


async def test_ends_are_kept_once(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "h.sqlite")
    await samples.note_ends("one", [(NOW - 10, b"a"), (NOW - 5, b"b")])
    await samples.note_ends("one", [(NOW - 5, b"other words"), (NOW, b"c")])
    await samples.note_ends("two", [(NOW - 5, b"theirs")])
    assert await samples.ends("one", NOW - 7, NOW) == (b"b", b"c")
    await samples.add_miners(NOW, [("one", MinerSample(NOW, rss=1))])
    await samples.forget_miner("one")
    assert await samples.ends("one", 0, NOW) == () and await samples.miner("one", 0, NOW, 5) == ()
    assert await samples.ends("two", 0, NOW) == (b"theirs",)
    await samples.close()


_WRITER = """
import asyncio, sys, time
from pathlib import Path
from ranvier.ledger.miner_sample import MinerSample
from ranvier.ledger.samples import Samples

async def main():
    samples = Samples(Path(sys.argv[1]))
    at = float(sys.argv[2])
    while True:
        at += 10.0
        await samples.add_miners(at, [("one", MinerSample(at, rss=int(at))), ("two", MinerSample(at, rss=1))])
        await samples.note_ends("one", [(at, b"end")])
        await samples.thin(at)
        print(at, flush=True)

asyncio.run(main())
"""


def test_kill_9_at_any_moment_leaves_readings_that_can_be_read(tmp_path: Path) -> None:
    path, told = tmp_path / "h.sqlite", NOW
    for rows in (200, 90, 160):
        child = subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(told)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        for _ in range(rows):
            told = float(child.stdout.readline())
        child.kill()
        told = max([told, *(float(line) for line in child.stdout.read().splitlines(keepends=True) if b"\n" in line)])
        child.wait()
        child.stdout.close()

    async def check() -> None:
        samples = Samples(path)
        kept = await samples.miner("one", 0, NOW * 2, 10**13)
        assert kept[0].at <= NOW + 60, "nothing is missing at the beginning"
        assert told <= kept[-1].at <= told + 10, "at most what was committed but not told"
        steps = [after.at - before.at for before, after in pairwise(kept)]
        assert max(steps) <= 60 and {one.rss for one in kept} == {int(one.at) for one in kept}
        assert len(await samples.miner("two", 0, NOW * 2, 10**13)) == len(kept)
        ends, readings = len(await samples.ends("one", 0, NOW * 2)), round((kept[-1].at - NOW) / 10)
        assert ends in (readings - 1, readings), "each once; the last kill may have come between a reading and its end"
        await samples.close()

    asyncio.run(check())


readings = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 40_000), st.none() | st.integers(0, 2**40)), max_size=40
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings)
def test_thinning_never_loses_a_peak_nor_a_miner(
    tmp_path_factory: object, rows: list[tuple[str, int, int | None]]
) -> None:
    folder: Path = tmp_path_factory.mktemp("thin")  # type: ignore[attr-defined]

    async def check() -> None:
        samples = Samples(folder / "h.sqlite")
        unique = {(miner, age): rss for miner, age, rss in rows}
        put = [(miner, MinerSample(NOW - age, rss=rss)) for (miner, age), rss in unique.items()]
        await samples.add_miners(NOW, put)
        await samples.thin(NOW)
        for miner in ("a", "b"):
            before = [one for name, one in put if name == miner]
            after = await samples.miner(miner, 0, NOW, 10**13)
            assert {one.at for one in after} <= {one.at for one in before}
            assert max((one.at for one in after), default=None) == max((one.at for one in before), default=None)
            peaks = [[one.rss for one in some if one.rss is not None] for some in (before, after)]
            assert max(peaks[0], default=None) == max(peaks[1], default=None)
        await samples.close()

    asyncio.run(check())
