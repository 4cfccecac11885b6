"""Prices from a file and from an address: exact, named, never changed once stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.core.errors import LedgerError
from ranvier.ledger import prices
from ranvier.ledger.payments import DAY_MS
from ranvier.ledger.price_sources import source_of
from ranvier.ledger.prices import FiatPrice, PriceSource
from ranvier.ledger.store import Ledger

FILE = PriceSource("csv", "prices.csv", "EUR")
NOW = PriceSource("json", "https://example.invalid/now?key=secret", "USD", "tao.usd")
LIST = PriceSource("json", "https://example.invalid/all", "USD", "1", rows="data.prices", time="0")


async def nobody(_: str) -> bytes:
    raise AssertionError("nobody is asked")


async def test_a_file_of_days_and_moments(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("\ufeffDate,Open,Close\n2026-01-01,1,412.3456789\n2026-01-02T00:00:00Z,1,400\n1767400000,1,3\n\n")
    found = await source_of(PriceSource("csv", str(path), "EUR"), nobody).fetch(7)
    assert [(p.micro_per_tao, p.source, p.noted_ms) for p in found] == [
        (412_345_678, "p.csv", 7), (400_000_000, "p.csv", 7), (3_000_000, "p.csv", 7),
    ]  # fmt: skip
    assert [p.at_ms % DAY_MS for p in found[:2]] == [DAY_MS // 2, 0]
    assert found[2].at_ms == 1767400000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,high\n1,2\n", "needs a heading"),
        ("time,price\n2026-01-01,0\n", "line 2.*no price"),
        ("time,price\n2026-01-01,1\nyesterday,3\n", "line 3.*no time"),
        ("time,price\n2026-01-01\n", "line 2"),
        ("time,price\n2026-01-01,nan\n", "no price"),
        ("time,price\n2026-01-01,1e30\n", "no price"),
    ],
)
def test_a_wrong_line_is_named(text: str, message: str) -> None:
    with pytest.raises(LedgerError, match=message):
        prices.read_csv(text, FILE, 0)


async def test_answers_in_json_are_read_where_the_user_says() -> None:
    async def get(address: str) -> bytes:
        if address == NOW.place:
            return b'{"tao": {"usd": 1234.123456789}}'
        return b'{"data": {"prices": [[1767225600, "9.5"], [1767312000000, 10]]}}'

    (now,) = await source_of(NOW, get).fetch(5)
    assert now == FiatPrice("USD", 5, 1_234_123_456, "example.invalid", 5), "the address's key is not kept"
    found = await source_of(LIST, get).fetch(5)
    assert [(p.at_ms, p.micro_per_tao) for p in found] == [(1767225600000, 9_500_000), (1767312000000, 10_000_000)]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"tao": {"usd": null}}', b'{"tao": {"usd": true}}', b"[" * 100_000]
)
def test_an_answer_that_is_none_is_told(body: bytes) -> None:
    with pytest.raises(LedgerError, match="not understood"):
        prices.read_json(body, NOW, 0)


@pytest.mark.parametrize(
    "source",
    [
        PriceSource("ftp", "x", "USD"),
        PriceSource("csv", "x", "usd"),
        PriceSource("csv", "x", "TAO"),
        PriceSource("json", "http://example.invalid", "USD", "a"),
        PriceSource("json", "https://example.invalid", "USD"),
        PriceSource("json", "https://example.invalid", "USD", "a", rows="."),
    ],
)
def test_a_source_that_cannot_work_is_refused(source: PriceSource) -> None:
    with pytest.raises(LedgerError):
        prices.check_source(source)


async def test_a_stored_price_stays_and_the_one_nearest_to_noon_is_the_days(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    day = 20_000
    made = [FiatPrice("EUR", day * DAY_MS + hour * 3_600_000, hour * 1_000_000, "s", 1) for hour in (1, 11, 14)]
    assert await ledger.write(lambda c: prices.add(c, made)) == 3
    again = [FiatPrice("EUR", made[1].at_ms, 5, "t", 2), FiatPrice("EUR", (day + 1) * DAY_MS, 7, "t", 2)]
    assert await ledger.write(lambda c: prices.add(c, again)) == 1
    days = await ledger.read(lambda c: prices.by_day(c, "EUR"))
    assert {key: price.micro_per_tao for key, price in days.items()} == {day: 11_000_000, day + 1: 7}
    assert await ledger.read(lambda c: prices.by_day(c, "USD")) == {}
    assert len(await ledger.read(lambda c: prices.stored(c, "EUR", made[1].at_ms, made[2].at_ms))) == 1
    await ledger.close()


@given(st.integers(0, 21 * 10**15), st.integers(1, 10**15))
def test_worth_is_rounded_down(tao: int, micro: int) -> None:
    worth = prices.worth_micro(tao, micro)
    assert worth * 10**9 <= tao * micro < (worth + 1) * 10**9
