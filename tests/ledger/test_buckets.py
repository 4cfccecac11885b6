"""Sums by epoch, day, week and month: the same as adding the rows up by hand, and kept through migration."""

from __future__ import annotations

import asyncio
import datetime
import sqlite3
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranvier.ledger.database import APPLICATION_ID
from ranvier.ledger.migrations import LEDGER
from ranvier.ledger.payments import DAY_MS, Payment
from ranvier.ledger.store import Ledger

START = 20_000 * DAY_MS  # a Thursday
OLD = Payment(1, 0, 360, "5Hot", 3, START + 5, 1000, 2 * 10**9, "0x01")
TOLD = replace(
    OLD, gross_rao=1000, captured_rao=100, fate="paid", coldkey_ss58="5C", destination_ss58="5D", event_index=9
)

rows_of = st.lists(
    st.builds(
        lambda netuid, mechanism, hour, hotkey, alpha, price: Payment(
            netuid, mechanism, hour + 1, hotkey, 0, START + hour * 3_600_000, alpha, price, "0x00"
        ),
        st.integers(1, 2), st.integers(0, 1), st.integers(0, 24 * 70), st.sampled_from("ab"), st.integers(0, 10**15),
        st.none() | st.integers(1, 10**12),
    ),
    max_size=14,
)  # fmt: skip


def slot(kind: str, time_ms: int) -> int:
    if kind == "epoch":
        return time_ms
    day = datetime.datetime.fromtimestamp(time_ms // 1000, datetime.UTC).date()
    if kind == "week":
        day -= datetime.timedelta(day.weekday())
    if kind == "month":
        day = day.replace(day=1)
    return (day - datetime.date(1970, 1, 1)).days * DAY_MS


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows_of, st.sampled_from(["epoch", "day", "week", "month"]), st.none() | st.integers(0, 24 * 70),
    st.none() | st.integers(0, 24 * 70), st.none() | st.just("a"), st.booleans(),
)  # fmt: skip
def test_a_bucket_is_the_sum_of_its_rows(tmp_path_factory, rows, kind, since, until, hotkey, by_hotkey) -> None:
    low = None if since is None else START + since * 3_600_000 + 1
    high = None if until is None else START + until * 3_600_000
    prices = {day: day for day in range(20_000, 20_030)}
    unique = {(r.netuid, r.mechanism, r.block, r.hotkey_ss58): r for r in reversed(rows)}.values()  # the first stays
    wanted = defaultdict(list)
    for row in unique:
        inside = (low is None or row.time_ms >= low) and (high is None or row.time_ms < high)
        if inside and hotkey in (None, row.hotkey_ss58):
            wanted[slot(kind, row.time_ms), row.netuid, row.hotkey_ss58 if by_hotkey else None].append(row)

    async def go() -> None:
        ledger = Ledger(tmp_path_factory.mktemp("b") / "l.sqlite")
        await ledger.add_payments(rows)
        found = await ledger.buckets(
            kind, since_ms=low, until_ms=high, hotkey_ss58=hotkey, by_hotkey=by_hotkey, day_prices=prices
        )
        await ledger.close()
        assert [one.start_ms for one in found] == sorted(one.start_ms for one in found)
        assert {(one.start_ms, one.netuid, one.hotkey_ss58) for one in found} == set(wanted)
        for one in found:
            parts = wanted[one.start_ms, one.netuid, one.hotkey_ss58]
            assert one.alpha_rao == sum(row.alpha_rao for row in parts)
            assert one.epochs == len({row.block for row in parts})
            values = [row.tao_rao for row in parts]
            assert one.tao_rao == (None if None in values else sum(values))
            days = {row.day for row in parts}
            assert (one.fiat_micro is None) == (None in values or not days <= set(prices))

    asyncio.run(go())


async def test_fiat_is_each_days_tao_at_the_days_price(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    rows = [replace(OLD, block=n, time_ms=START + n * DAY_MS, alpha_rao=10**9) for n in (1, 2)]
    await ledger.add_payments(rows)
    (month,) = await ledger.buckets("month", day_prices={20_001: 3_000_000, 20_002: 5_000_000})
    assert (month.tao_rao, month.fiat_micro) == (4 * 10**9, 16_000_000)
    await ledger.close()


async def test_a_row_of_an_older_version_is_told_whole_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    await ledger.add_payments([OLD])
    burned = replace(TOLD, alpha_rao=0, captured_rao=0, fate="burned", destination_ss58=None)
    assert await ledger.add_payments([burned]) == (), "it is not new"
    assert await ledger.payments() == (burned,)
    (day,) = await ledger.buckets("day")
    assert (day.alpha_rao, day.tao_rao, day.epochs) == (0, 0, 1), "the day's sums follow"
    await ledger.add_payments([TOLD, replace(TOLD, fate=None)])
    assert await ledger.payments() == (burned,), "a fact that is told does not change"
    await ledger.add_payments([replace(OLD, block=361), replace(TOLD, block=361, block_hash="0x02")])
    assert (await ledger.payments(limit=1))[0].block_hash == "0x01", "another block of that number is not believed"
    await ledger.close()


async def test_migrating_from_the_first_version_sums_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with sqlite3.connect(path) as connection:
        for statement in LEDGER[0]:
            connection.execute(statement)
        for row in (OLD, replace(OLD, hotkey_ss58="5B"), replace(OLD, block=720, price_rao=None)):
            connection.execute(
                "INSERT INTO payment VALUES (?,?,?,?,?,?,?,?,?,?)",
                (row.netuid, row.mechanism, row.block, row.hotkey_ss58, row.uid, row.time_ms, row.alpha_rao,
                 row.price_rao, row.tao_rao, row.block_hash),
            )  # fmt: skip
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    ledger = Ledger(path)
    (day,) = await ledger.buckets("day")
    assert (day.alpha_rao, day.tao_rao, day.epochs) == (3000, None, 2)
    both = await ledger.buckets("day", by_hotkey=True)
    assert [(one.hotkey_ss58, one.alpha_rao, one.epochs) for one in both] == [("5B", 1000, 1), ("5Hot", 2000, 2)]
    assert (await ledger.payments(limit=1))[0].fate is None
    await ledger.add_payments([TOLD])
    assert TOLD in await ledger.payments()
    await ledger.close()


async def test_pages_of_rows(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    rows = [replace(OLD, block=n, time_ms=START + n, netuid=1 + n % 2) for n in range(10)]
    await ledger.add_payments(rows)
    assert [row.block for row in await ledger.payments(limit=3, offset=2)] == [7, 6, 5]
    assert [row.block for row in await ledger.payments(netuid=1, until_ms=START + 5)] == [4, 2, 0]
    await ledger.close()
