"""Costs: electricity by the clock, depreciation and rent whose parts add up, the book and its slots."""

from __future__ import annotations

import datetime
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.test_receipts import DONE
from ranvier.core.errors import LedgerError
from ranvier.ledger import cost_book, receipts
from ranvier.ledger.cost_book import Cost
from ranvier.ledger.costs import (
    HOUR_MS,
    Energy,
    Tariff,
    Window,
    between,
    check_tariff,
    electricity,
    monthly,
    once,
    rate_of,
    spread,
)  # fmt: skip
from ranvier.ledger.payments import DAY_MS
from ranvier.ledger.samples import Samples
from ranvier.ledger.store import Ledger

KWH = 3_600_000_000_000  # microjoules
NIGHT = Tariff("EUR", 300_000, (Window(22 * 60, 6 * 60, 200_000), Window(0, 1440, 250_000, (5, 6))), "Europe/Berlin")


def ms(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp()) * 1000


def test_the_window_of_the_minute_counts() -> None:
    assert rate_of(NIGHT, 0, 23 * 60) == rate_of(NIGHT, 1, 5 * 60 + 59) == 200_000
    assert rate_of(NIGHT, 1, 6 * 60) == rate_of(NIGHT, 1, 21 * 60 + 59) == 300_000
    assert rate_of(NIGHT, 5, 12 * 60) == 250_000
    friday = Tariff("EUR", 3, (Window(22 * 60, 6 * 60, 1, (4,)),))
    assert [rate_of(friday, day, 120) for day in range(7)] == [3, 3, 3, 3, 3, 1, 3], "it began on Friday"


def test_electricity_by_the_local_clock() -> None:
    hours = [
        Energy(ms(f"2026-06-01T{hour:02}:00"), KWH, HOUR_MS) for hour in (10, 19, 20, 21)
    ]  # 12, 21, 22, 23 h there
    (day,) = electricity(hours, NIGHT)
    assert (day.cost_micro, day.microjoules, day.measured_ms) == (1_000_000, 4 * KWH, 4 * HOUR_MS)
    half = replace(NIGHT, windows=(Window(12 * 60 + 30, 13 * 60, 100_000),))
    assert electricity(hours[:1], half)[0].cost_micro == 200_000, "half the hour at each rate"
    more = replace(NIGHT, windows=(), zone="UTC", extra_mw=100_000, factor_ppm=1_100_000)
    assert electricity(hours[:1], more)[0].cost_micro == (KWH * 11 // 10 + 100_000 * HOUR_MS) * 300_000 // KWH
    for bad in (replace(NIGHT, zone="Mars/Base"), replace(NIGHT, micro_per_kwh=-1), replace(NIGHT, factor_ppm=0)):
        with pytest.raises(LedgerError):
            check_tariff(bad)


moments = st.lists(st.integers(0, ms("2030-01-01T00:00")), min_size=2, max_size=6).map(sorted)


@given(st.integers(0, 10**12), st.integers(0, 10**12), moments, moments)
def test_parts_of_a_running_cost_add_up(amount, rest, cuts, span) -> None:
    amount, rest = max(amount, rest), min(amount, rest)
    runs = [monthly(amount, span[0], None), monthly(amount, span[0], span[-1]), once(amount, span[0])]
    if span[0] < span[-1]:
        runs.append(spread(amount, rest, span[0], span[-1]))
        assert between(runs[-1], 0, span[-1]) == amount - rest
    for until in runs:
        parts = [between(until, low, high) for low, high in itertools.pairwise(cuts)]
        assert sum(parts) == between(until, cuts[0], cuts[-1])
        assert min(parts) >= 0


def test_rent_is_by_the_calendar_month() -> None:
    until = monthly(300, ms("2026-02-01T00:00"), ms("2026-05-01T00:00"))
    assert between(until, ms("2026-02-01T00:00"), ms("2026-03-01T00:00")) == 300
    assert between(until, ms("2026-03-01T00:00"), ms("2026-03-16T12:00")) == 150
    assert between(until, 0, ms("2030-01-01T00:00")) == 900


async def test_the_book_counts_what_it_can_and_says_what_it_cannot(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    start = ms("2026-03-02T00:00")  # a Monday
    entries = [
        Cost("a", "hardware", "Card", start, start + 10 * DAY_MS, "EUR", 1000, 0),
        Cost("b", "rent", "Room", start, None, "USD", 5),
        Cost("c", "other", "Cable", start + DAY_MS, None, "EUR", 50),
        Cost("d", "registration", "Burn", start, None, "TAO", 2 * 10**9, proof="block 1 event 2"),
    ]
    burn = replace(DONE, function="burned_register", at_ms=start + 5, balance_before_rao=None)

    def work(connection) -> None:
        for entry in [*entries, entries[0]]:
            cost_book.store(connection, entry)
        cost_book.set_tariff(connection, Tariff("EUR", 300_000))
        receipts.add(connection, burn)

    await ledger.write(work)
    assert await ledger.read(cost_book.entries) == (entries[0], entries[1], entries[3], entries[2])
    energy = [Energy(start, KWH, HOUR_MS)]
    price = {start // DAY_MS: 100}

    def book(until: int, kind: str, prices: dict[int, int]):
        return ledger.read(lambda c: cost_book.costs(c, energy, "EUR", start, until, kind, prices))

    found = await book(start + 2 * DAY_MS, "day", price)
    assert found.slots == (
        (start, "electricity", 300_000), (start, "hardware", 100), (start, "registration", 300),
        (start + DAY_MS, "hardware", 100), (start + DAY_MS, "other", 50),
    )  # fmt: skip
    assert found.note == "“Room” is in USD and not counted."
    week = await book(start + 30 * DAY_MS, "week", {})
    assert (start, "hardware", 700) in week.slots
    assert "without a price" in week.note
    assert await ledger.write(lambda c: cost_book.remove(c, "a"))
    assert not await ledger.write(lambda c: cost_book.remove(c, "a"))
    for bad in (replace(entries[0], to_ms=None), replace(entries[0], rest=2000), replace(entries[0], kind="x")):
        with pytest.raises(LedgerError):
            await ledger.write(lambda c, bad=bad: cost_book.store(c, bad))
    await ledger.close()


async def test_energy_is_what_was_measured_and_nothing_for_pauses(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "h.sqlite")
    hour = 500_000 * 3600.0
    for at, power in ((-20, 100_000), (20, 200_000), (30, None), (40, 300_000), (50, 300_000), (500, 300_000)):
        await samples.add(hour + at, b"{}", power)
    found = await samples.energy(0, 2**50)
    start = int(hour) * 1000
    assert [(one.hour_ms, one.measured_ms) for one in found] == [(start - HOUR_MS, 20_000), (start, 30_000)]
    assert found[0].microjoules == 125_000 * 20_000
    assert found[1].microjoules == 175_000 * 20_000 + 300_000 * 10_000
    await samples.close()
