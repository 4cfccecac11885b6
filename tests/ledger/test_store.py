"""Facts, not sums: any order and any repeats give the same ledger."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranvier.core.errors import LedgerError
from ranvier.ledger.store import DAY_MS, Ledger, Payment

FACT = Payment(
    netuid=1, mechanism=0, block=360, hotkey_ss58="5Hot", uid=3, time_ms=DAY_MS * 20_000 + 5, alpha_rao=41_000_000_001,
    price_rao=25_000_000, block_hash="0xaa",
)  # fmt: skip


async def filled(path: Path, *rows: Payment) -> Ledger:
    ledger = Ledger(path)
    await ledger.add_payments(rows)
    return ledger


async def test_what_was_added_comes_back(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite", FACT, replace(FACT, block=720, time_ms=FACT.time_ms + 1))
    rows = await ledger.payments()
    assert [row.block for row in rows] == [720, 360]
    assert rows[1] == FACT
    assert await ledger.payments(limit=1) == rows[:1]
    assert await ledger.payments(hotkey_ss58="5Other") == ()
    assert await ledger.payments(since_ms=FACT.time_ms + 1) == rows[:1]
    await ledger.close()


async def test_a_repeat_is_told_and_changes_nothing(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite", FACT)
    other = replace(FACT, hotkey_ss58="5Other")
    assert await ledger.add_payments([FACT, other, replace(FACT, alpha_rao=7)]) == (other,)
    assert {row.alpha_rao for row in await ledger.payments()} == {FACT.alpha_rao}
    await ledger.close()


async def test_tao_is_each_epochs_own_price(tmp_path: Path) -> None:
    dearer = replace(FACT, block=720, price_rao=50_000_000, alpha_rao=3)
    ledger = await filled(tmp_path / "l.sqlite", FACT, dearer)
    (day,) = await ledger.buckets("day")
    assert day.alpha_rao == 41_000_000_004
    assert day.tao_rao == 41_000_000_001 * 25_000_000 // 10**9 + 3 * 50_000_000 // 10**9
    assert day.epochs == 2
    assert day.start_ms == DAY_MS * 20_000
    await ledger.close()


async def test_one_unknown_price_makes_the_days_tao_unknown(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite", FACT, replace(FACT, block=720, price_rao=None))
    (day,) = await ledger.buckets("day")
    assert day.tao_rao is None
    assert day.alpha_rao == 2 * FACT.alpha_rao
    await ledger.close()


async def test_buckets_split_by_day_epoch_and_netuid(tmp_path: Path) -> None:
    next_day = replace(FACT, block=720, time_ms=FACT.time_ms + DAY_MS)
    elsewhere = replace(FACT, netuid=2)
    ledger = await filled(tmp_path / "l.sqlite", FACT, next_day, elsewhere)
    assert [(b.start_ms - DAY_MS * 20_000, b.netuid) for b in await ledger.buckets("day")] == [
        (0, 1), (0, 2), (DAY_MS, 1)
    ]  # fmt: skip
    assert [b.start_ms for b in await ledger.buckets("epoch", hotkey_ss58="5Hot")] == [
        FACT.time_ms, FACT.time_ms, next_day.time_ms
    ]  # fmt: skip
    await ledger.close()


async def test_amounts_beyond_a_double_are_exact(tmp_path: Path) -> None:
    large = 2**53 + 1
    ledger = await filled(
        tmp_path / "l.sqlite", replace(FACT, alpha_rao=large, price_rao=10**9), replace(FACT, block=1, alpha_rao=large)
    )
    (day,) = await ledger.buckets("day")
    assert day.alpha_rao == 2 * large
    assert day.tao_rao == large + large * 25_000_000 // 10**9
    await ledger.close()


async def test_paid_today_and_in_seven_days(tmp_path: Path) -> None:
    now = FACT.time_ms + 1000
    ledger = await filled(
        tmp_path / "l.sqlite",
        FACT,
        replace(FACT, block=300, time_ms=FACT.time_ms - DAY_MS),
        replace(FACT, block=200, time_ms=FACT.time_ms - 8 * DAY_MS),
        replace(FACT, block=400, netuid=2),
    )
    paid = await ledger.paid(1, "5Hot", now)
    assert (paid.today_rao, paid.week_rao, paid.last_block) == (FACT.alpha_rao, 2 * FACT.alpha_rao, 360)
    nobody = await ledger.paid(1, "5Nobody", now)
    assert (nobody.today_rao, nobody.week_rao, nobody.last_block) == (0, 0, None)
    await ledger.close()


async def test_small_state_is_kept_with_the_rows(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite")
    await ledger.add_payments([FACT], {"epoch:1:5Hot": "360"})
    await ledger.remember({"coldkeys": "[]", "epoch:1:5Hot": "361"})
    await ledger.close()
    again = Ledger(tmp_path / "l.sqlite")
    assert await again.recall("epoch:1:5Hot") == "361"
    assert await again.recall("coldkeys") == "[]"
    assert await again.recall("never") is None
    await again.close()


async def test_a_row_that_is_refused_takes_its_whole_epoch_back(tmp_path: Path) -> None:
    ledger = await filled(tmp_path / "l.sqlite")
    with pytest.raises(LedgerError):
        await ledger.add_payments([FACT, replace(FACT, block=720, alpha_rao=-1)], {"seen": "720"})
    with pytest.raises(LedgerError):
        await ledger.add_payments([replace(FACT, alpha_rao=2**64)])
    assert await ledger.payments() == ()
    assert await ledger.recall("seen") is None
    await ledger.close()


facts = st.builds(
    Payment,
    netuid=st.integers(1, 2),
    mechanism=st.integers(0, 1),
    block=st.integers(1, 4),
    hotkey_ss58=st.sampled_from(["5A", "5B"]),
    uid=st.just(0),
    time_ms=st.integers(0, 3 * DAY_MS),
    alpha_rao=st.integers(0, 10**15),
    price_rao=st.none() | st.integers(0, 10**12),
    block_hash=st.just("0x00"),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(facts, max_size=12), st.randoms(use_true_random=False), st.data())
def test_any_order_with_repeats_gives_the_same_sums(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Payment], random, data
) -> None:
    unique = list({(r.netuid, r.mechanism, r.block, r.hotkey_ss58): r for r in rows}.values())
    repeats = data.draw(st.lists(st.sampled_from(unique), max_size=8)) if unique else []
    shuffled = unique + repeats
    random.shuffle(shuffled)
    folder = tmp_path_factory.mktemp("order")

    async def sums(name: str, order: list[Payment], at_once: bool) -> tuple[object, ...]:
        ledger = Ledger(folder / name)
        told = list(await ledger.add_payments(order)) if at_once else []
        for row in [] if at_once else order:
            told += await ledger.add_payments([row])
        assert len(told) == len(unique)
        result = (await ledger.buckets("day"), await ledger.buckets("epoch"), set(await ledger.payments()))
        await ledger.close()
        return result

    async def both() -> None:
        one, other = await sums("a.sqlite", unique, True), await sums("b.sqlite", shuffled, False)
        assert one == other
        assert sum(bucket.alpha_rao for bucket in one[0]) == sum(row.alpha_rao for row in unique)

    asyncio.run(both())
