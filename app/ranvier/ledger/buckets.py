"""Sums of payments by epoch, UTC day, ISO week or month: whole days from the sums kept with the rows."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ranvier.core.units import RAO_PER_COIN
from ranvier.ledger.payments import DAY_MS, where

KINDS = ("epoch", "day", "week", "month")
_Row = tuple[
    int, int, str | None, int, int, int, int, int
]  # day or ms, netuid, hotkey, alpha, tao, rows, priced, epochs
_EPOCH = datetime.date(1970, 1, 1)
_SLOT_SQL = {  # as slot_of, for the column day
    "day": "day",
    "week": "day - (day + 3) % 7",
    "month": "CAST(strftime('%s', day * 86400, 'unixepoch', 'start of month') AS INTEGER) / 86400",
}


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """Payments of one netuid (and hotkey, when asked for by hotkey) summed over an epoch, UTC day, week or month.

    ``tao_rao`` is None if any price is unknown: a sum over the rest would be a wrong number that looks right.
    ``fiat_micro``: each day's TAO at the day's price, in millionths; None as soon as one of them has no price.
    """

    start_ms: int
    netuid: int
    alpha_rao: int
    tao_rao: int | None
    epochs: int
    hotkey_ss58: str | None = None
    fiat_micro: int | None = None


def slot_of(kind: str) -> Callable[[int], int]:
    """From a day since 1970 to the first day of its week (Monday) or month."""
    if kind == "week":
        return lambda day: day - (day + 3) % 7
    if kind == "month":
        return lambda day: day - (_EPOCH + datetime.timedelta(day)).day + 1
    return lambda day: day


def buckets(
    connection: sqlite3.Connection, kind: str, *, since_ms: int | None = None, until_ms: int | None = None,
    hotkey_ss58: str | None = None, netuid: int | None = None, by_hotkey: bool = False,
    day_prices: Mapping[int, int] | None = None,
) -> tuple[Bucket, ...]:  # fmt: skip
    """Oldest first. An epoch's start is its block's time. ``day_prices``: micro of fiat for one TAO by UTC day."""
    prices = day_prices or {}
    if kind == "epoch":
        rows = _from_payments(
            connection, "time_ms", by_hotkey, since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58,
            netuid=netuid,
        )  # fmt: skip
        return _each(rows, 1, prices)
    # Prices are by day; without them the database may add the days up itself.
    slot = _SLOT_SQL["day" if prices else kind]
    rows = _days(connection, slot, since_ms, until_ms, hotkey_ss58, netuid, by_hotkey)
    if kind == "day":
        return _each(rows, DAY_MS, prices)
    return _merge(rows, slot_of(kind), DAY_MS, prices)


def _each(rows: Sequence[_Row], unit_ms: int, prices: Mapping[int, int]) -> tuple[Bucket, ...]:
    """A bucket for each row: five years of days of thirty miners are fifty thousand, so nothing is done twice."""
    found = []
    for at, netuid, hotkey, alpha, tao, count, priced, epochs in sorted(rows, key=_place):
        known = tao if count == priced else None
        price = prices.get(at * unit_ms // DAY_MS) if prices else None
        fiat = None if price is None or known is None else known * price // RAO_PER_COIN
        found.append(Bucket(at * unit_ms, netuid, alpha, known, epochs, hotkey, fiat))
    return tuple(found)


def _place(row: _Row) -> tuple[int, int, str]:
    return row[0], row[1], row[2] or ""


def _merge(
    rows: Sequence[_Row], slot: Callable[[int], int], unit_ms: int, prices: Mapping[int, int]
) -> tuple[Bucket, ...]:
    sums: dict[tuple[int, int, str], list[int]] = {}
    for at, netuid, hotkey, alpha, tao, count, priced, epochs in rows:
        found = sums.setdefault((slot(at), netuid, hotkey or ""), [0, 0, 0, 0, 0, 0])
        found[0] += alpha
        found[1] += tao
        found[2] += count - priced
        found[3] += epochs
        price = prices.get(at * unit_ms // DAY_MS)
        if price is None:
            found[5] += 1
        else:
            found[4] += tao * price // RAO_PER_COIN
    return tuple(
        Bucket(
            start_ms=at * unit_ms,
            netuid=netuid,
            alpha_rao=alpha,
            tao_rao=None if unpriced else tao,
            epochs=epochs,
            hotkey_ss58=hotkey or None,
            fiat_micro=None if unpriced or unvalued else fiat,
        )
        for (at, netuid, hotkey), (alpha, tao, unpriced, epochs, fiat, unvalued) in sorted(sums.items())
    )


def _days(
    connection: sqlite3.Connection, slot: str, since_ms: int | None, until_ms: int | None, hotkey: str | None,
    netuid: int | None, by_hotkey: bool,
) -> list[_Row]:  # fmt: skip
    """Whole days from their sums; the days that ``since_ms`` and ``until_ms`` cut from their rows."""
    low = None if since_ms is None else -(-since_ms // DAY_MS)
    high = None if until_ms is None else until_ms // DAY_MS
    day = f"time_ms / {DAY_MS}"

    def part(start: int | None, end: int | None) -> list[_Row]:
        return _from_payments(
            connection, day, by_hotkey, since_ms=start, until_ms=end, hotkey_ss58=hotkey, netuid=netuid
        )

    if low is not None and high is not None and low >= high:
        return part(since_ms, until_ms)
    rows = _from_sums(connection, slot, low, high, hotkey, netuid, by_hotkey)
    if since_ms is not None and low is not None and since_ms < low * DAY_MS:
        rows += part(since_ms, low * DAY_MS)
    if until_ms is not None and high is not None and high * DAY_MS < until_ms:
        rows += part(high * DAY_MS, until_ms)
    return rows


def _from_sums(
    connection: sqlite3.Connection, slot: str, low: int | None, high: int | None, hotkey: str | None,
    netuid: int | None, by_hotkey: bool,
) -> list[_Row]:  # fmt: skip
    """Whole days, added up to ``slot`` (an expression of the column day)."""
    tests = (("day >= ?", low), ("day < ?", high), ("netuid = ?", netuid), ("hotkey_ss58 = ?", hotkey))
    chosen = [(text, value) for text, value in tests if value is not None]
    test = " WHERE " + " AND ".join(text for text, _ in chosen) if chosen else ""
    values = [value for _, value in chosen]
    one_hotkey = by_hotkey or hotkey is not None
    name, group = ("hotkey_ss58", ", hotkey_ss58") if by_hotkey else ("NULL", "")
    query = (
        f"SELECT {slot} AS slot, netuid, {name}, sum(alpha_rao), sum(tao_rao), sum(rows), sum(priced),"
        f" {'sum(epochs)' if one_hotkey else '0'} FROM pay_day{test} GROUP BY slot, netuid{group}"
    )
    rows: list[_Row] = connection.execute(query, values).fetchall()
    if one_hotkey:
        return rows
    # Two hotkeys paid by one epoch are one epoch: its count has a table of its own.
    query = f"SELECT {slot} AS slot, netuid, sum(epochs) FROM epoch_day{test} GROUP BY slot, netuid"
    epochs = {(at, netuid): count for at, netuid, count in connection.execute(query, values)}
    return [(*row[:7], epochs[row[0], row[1]]) for row in rows]


def _from_payments(
    connection: sqlite3.Connection, slot: str, by_hotkey: bool, *, since_ms: int | None, until_ms: int | None,
    hotkey_ss58: str | None, netuid: int | None,
) -> list[_Row]:  # fmt: skip
    test, values = where(since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid)
    name, group = ("hotkey_ss58", ", hotkey_ss58") if by_hotkey else ("NULL", "")
    query = (
        f"SELECT {slot} AS slot, netuid, {name}, sum(alpha_rao), coalesce(sum(tao_rao), 0), count(*), count(tao_rao),"
        f" count(DISTINCT block) FROM payment{test} GROUP BY slot, netuid{group}"
    )
    return list(connection.execute(query, values))
