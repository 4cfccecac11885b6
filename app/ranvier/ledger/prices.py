"""Fiat prices of TAO, as stored facts with source and time. There is no source until one is chosen.

An amount of fiat is an integer of millionths (micro) of the currency. One price values everything of a UTC day: the
one nearest to noon. So sums of rows, days and months agree.
"""

from __future__ import annotations

import csv
import datetime
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from ranvier.core.errors import LedgerError
from ranvier.core.units import RAO_PER_COIN
from ranvier.ledger.payments import DAY_MS

MICRO = 1_000_000
_NOON_MS = DAY_MS // 2
_TIMES = ("time", "date", "timestamp", "at", "datetime", "snapped_at")
_PRICES = ("price", "close", "value", "rate")
_CHOSEN = "price_source"
_MOST = 1_000_000_000  # of the currency for one TAO: a larger number is a mistake


class FiatPrice(msgspec.Struct, frozen=True):
    """``micro_per_tao`` millionths of ``currency`` for one TAO at ``at_ms``, as ``source`` said at ``noted_ms``."""

    currency: str
    at_ms: int
    micro_per_tao: int
    source: str
    noted_ms: int


class PriceSource(msgspec.Struct, frozen=True):
    """Where prices come from: ``kind`` is ``csv`` (``place`` is a file) or ``json`` (``place`` is an address).

    For JSON, ``price`` is the way to the number, its steps joined by dots (``bittensor.usd``, ``data.0.close``). With
    ``rows`` (the way to a list; ``.`` is the answer itself) ``price`` and ``time`` are ways inside each of its items;
    times are Unix seconds or milliseconds, or ISO dates. Without ``rows`` the price is of now.
    """

    kind: str
    place: str
    currency: str
    price: str = ""
    rows: str | None = None
    time: str = ""


def check_source(source: PriceSource) -> None:
    """Raises LedgerError for a source that cannot work."""
    if source.kind not in ("csv", "json"):
        raise _wrong(f"There is no kind “{source.kind[:20]}” of price source.")
    if not re.fullmatch(r"[A-Z]{3,5}", source.currency) or source.currency == "TAO":
        raise _wrong("A currency is three to five capital letters, like USD or EUR.")
    if source.kind == "json" and not source.place.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise _wrong("The address has to begin with https://.")
    if source.kind == "json" and not source.price:
        raise _wrong("Say where in the answer the price is, like bittensor.usd.")
    if source.kind == "json" and source.rows is not None and not source.time:
        raise _wrong("A list of prices needs to say where the time of each is.")


def read_csv(text: str, source: PriceSource, now_ms: int) -> tuple[FiatPrice, ...]:
    """Prices of a CSV file with a heading: one column of times, one of prices. Raises LedgerError with the line."""
    reader = csv.reader(text.lstrip("\ufeff").splitlines())
    heading = [name.strip().lower() for name in next(reader, [])]
    columns = [
        next((index for index, name in enumerate(heading) if name in names), None) for names in (_TIMES, _PRICES)
    ]
    if None in columns:
        raise _wrong(f"{source.place} needs a heading with {_TIMES[0]} or {_TIMES[1]}, and {_PRICES[0]}.")
    at, price = (column or 0 for column in columns)
    found = []
    for row in reader:
        if not any(row):
            continue
        try:
            found.append(_price(source, row[at], row[price], now_ms))
        except (IndexError, ValueError) as error:
            raise _wrong(f"{source.place}, line {reader.line_num}: {error}") from error
    return tuple(found)


def read_json(body: bytes, source: PriceSource, now_ms: int) -> tuple[FiatPrice, ...]:
    """Prices of an answer in JSON; numbers are taken as they are written. Raises LedgerError."""
    try:
        answer = json.loads(body, parse_float=Decimal)
        if source.rows is None:
            return (_price(source, None, _at(answer, source.price), now_ms),)
        items = _at(answer, source.rows)
        if not isinstance(items, list):
            raise ValueError(f"{source.rows} is no list")
        return tuple(_price(source, str(_at(one, source.time)), _at(one, source.price), now_ms) for one in items)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _wrong(f"The answer of {source.place} was not understood: {error}.") from error


def chosen(connection: sqlite3.Connection) -> PriceSource | None:
    """The source that was chosen; None is off."""
    row = connection.execute("SELECT value FROM state WHERE key = ?", (_CHOSEN,)).fetchone()
    return msgspec.json.decode(row[0], type=PriceSource) if row is not None and row[0] else None


def choose(connection: sqlite3.Connection, source: PriceSource | None) -> None:
    """Choose a source, inside the caller's transaction; None switches it off. Raises LedgerError."""
    if source is not None:
        check_source(source)
    text = "" if source is None else msgspec.json.encode(source).decode()
    query = "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
    connection.execute(query, (_CHOSEN, text))


def add(connection: sqlite3.Connection, prices: Iterable[FiatPrice]) -> int:
    """Store prices inside the caller's transaction; how many were new. A stored price is never changed."""
    query = "INSERT INTO fiat_price VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING"
    return sum(
        connection.execute(query, (p.currency, p.at_ms, p.micro_per_tao, p.source, p.noted_ms)).rowcount for p in prices
    )


def stored(
    connection: sqlite3.Connection, currency: str, since_ms: int | None = None, until_ms: int | None = None
) -> tuple[FiatPrice, ...]:
    """Oldest first."""
    query = "SELECT * FROM fiat_price WHERE currency = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms"
    high = until_ms if until_ms is not None else 2**62
    return tuple(FiatPrice(*row) for row in connection.execute(query, (currency, since_ms or 0, high)))


class StoredSum(msgspec.Struct, frozen=True):
    """How many prices of a currency are stored, and from when to when."""

    currency: str
    count: int
    first_ms: int
    last_ms: int


def stored_sums(connection: sqlite3.Connection) -> tuple[StoredSum, ...]:
    """By currency."""
    query = "SELECT currency, count(*), min(at_ms), max(at_ms) FROM fiat_price GROUP BY currency ORDER BY currency"
    return tuple(StoredSum(*row) for row in connection.execute(query))


def by_day(connection: sqlite3.Connection, currency: str) -> dict[int, FiatPrice]:
    """UTC day since 1970 -> the day's price: the one nearest to noon."""
    query = f"""SELECT *, min(abs(at_ms % {DAY_MS} - {_NOON_MS})) FROM fiat_price
                WHERE currency = ? GROUP BY at_ms / {DAY_MS}"""
    return {row[1] // DAY_MS: FiatPrice(*row[:5]) for row in connection.execute(query, (currency,))}


def worth_micro(tao_rao: int, price: FiatPrice | int) -> int:
    """Millionths of the currency, rounded down."""
    micro = price if isinstance(price, int) else price.micro_per_tao
    return tao_rao * micro // RAO_PER_COIN


def micro_of(days: Mapping[int, FiatPrice]) -> dict[int, int]:
    return {day: price.micro_per_tao for day, price in days.items()}


def _price(source: PriceSource, time: Any, price: Any, now_ms: int) -> FiatPrice:
    try:
        number = Decimal(str(price).strip().replace("\N{NO-BREAK SPACE}", ""))
    except InvalidOperation:
        raise ValueError(f"“{str(price)[:40]}” is no price") from None
    if isinstance(price, bool) or not number.is_finite() or not 0 < number <= _MOST:
        raise ValueError(f"“{str(price)[:40]}” is no price")
    micro = int(number * MICRO)
    if micro <= 0:
        raise ValueError(f"“{str(price)[:40]}” is too small")
    return FiatPrice(source.currency, now_ms if time is None else _time_ms(time), micro, source.place, now_ms)


def _time_ms(value: Any) -> int:
    """Unix seconds or milliseconds, or an ISO date (UTC unless it says otherwise; a bare date means noon)."""
    text = str(value).strip()
    if re.fullmatch(r"\d{9,14}(\.\d+)?", text):
        number = Decimal(text)
        return int(number if number > 10**11 else number * 1000)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            text += "T12:00:00"
        moment = datetime.datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        raise ValueError(f"“{text[:40]}” is no time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return int(moment.timestamp()) * 1000


def _at(value: Any, way: str) -> Any:
    """What lies at the end of the way."""
    for step in way.split("."):
        if step:
            value = value[int(step)] if isinstance(value, Sequence) and not isinstance(value, str) else value[step]
    return value


def _wrong(message: str) -> LedgerError:
    return LedgerError("Prices not read", message, "Look at the price source in the settings of money.")
