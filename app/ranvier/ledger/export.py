"""The ledger as files: CSV (our own, Koinly's, CoinTracking's) and JSON lines in one array, row by row, with proof.

Every row names its provenance: block and event. SQLite makes the text of each row, outside of Python's lock: the agent
goes on while a million rows are written, and none of them is held. Only fiat is worked out here, where integers are
as long as they need to be.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Mapping

import msgspec

from ranvier.ledger import payments
from ranvier.ledger.export_trades import trades
from ranvier.ledger.payments import COLUMNS, DAY_MS, Payment
from ranvier.ledger.prices import FiatPrice, worth_micro
from ranvier.ledger.text import COIN, coins, csv_line, fiat, time_text

FORMATS = ("csv", "koinly", "cointracking", "json")
CHUNK = 250  # rows in a piece

OWN = (
    "time_utc", "netuid", "mechanism", "block", "uid", "hotkey", "coldkey", "destination", "fate", "gross_alpha",
    "paid_alpha", "captured_alpha", "price_tao", "value_tao", "value_fiat", "fiat", "fiat_price", "fiat_price_time",
    "fiat_source", "block_hash", "provenance",
)  # fmt: skip
# Koinly's universal template: times in UTC, a tag in lower case; a currency that it does not know becomes a token.
KOINLY = (
    "Date", "Sent Amount", "Sent Currency", "Received Amount", "Received Currency", "Fee Amount", "Fee Currency",
    "Net Worth Amount", "Net Worth Currency", "Label", "Description", "TxHash",
)  # fmt: skip
# CoinTracking's own export, which it also takes in; the time zone (UTC) is chosen there.
COINTRACKING = (
    "Type", "Buy", "Cur.", "Sell", "Cur.", "Fee", "Cur.", "Exchange", "Group", "Comment", "Date", "Tx-ID",
)  # fmt: skip
_PAID_ONLY = frozenset({"koinly", "cointracking"})  # what was burned was never received


def _coins_sql(column: str) -> str:
    return f"iif({column} IS NULL, '', printf('%d.%09d', {column} / {COIN}, {column} % {COIN}))"


def _text_sql(column: str) -> str:
    return f"'\"' || replace(coalesce({column}, ''), '\"', '\"\"') || '\"'"


_TIME = "strftime('%Y-%m-%d %H:%M:%S', time_ms / 1000, 'unixepoch')"
_PROOF = "'block ' || block || iif(event_index IS NULL, ' state of the block', ' event ' || event_index)"
# One per row, so that an import made twice is recognised: no transaction pays a miner, an epoch does.
_ID = _text_sql("block_hash || '-' || netuid || '-' || mechanism || '-' || uid")
_FIAT = f"tao_rao, time_ms / {DAY_MS}"


def _joined(*columns: str) -> str:
    return " || ',' || ".join(columns)


# What of a row stands before its fiat, what the fiat is made of, and what comes after it.
_SQL = {
    "csv": (
        _joined(
            _TIME, "netuid", "mechanism", "block", "uid", _text_sql("hotkey_ss58"), _text_sql("coldkey_ss58"),
            _text_sql("destination_ss58"), "coalesce(fate, '')",
            *map(_coins_sql, ("gross_rao", "alpha_rao", "captured_rao", "price_rao", "tao_rao")),
        ),
        _joined(_text_sql("block_hash"), _PROOF),
    ),
    "koinly": (
        _joined(f"{_TIME} || ' UTC'", "''", "''", _coins_sql("alpha_rao"), "'SN' || netuid", "''", "''"),
        _joined(
            "'mining'", _text_sql(f"'Bittensor subnet ' || netuid || ', ' || hotkey_ss58 || ', ' || {_PROOF}"), _ID
        ),
    ),
    "cointracking": (
        _joined("'Mining'", _coins_sql("alpha_rao"), "'SN' || netuid"),
        _joined(
            "''", "''", "''", "''", "'Ranvier'", "'subnet ' || netuid",
            _text_sql(f"hotkey_ss58 || ', ' || {_PROOF}"), _TIME, _ID,
        ),
    ),
    "json": (
        "json_object(" + ", ".join(f"'{name}', {name}" for name in (*COLUMNS.split(", "), "tao_rao")) + ")",
        f"json_quote({_PROOF})",
    ),
}  # fmt: skip
_HEADINGS = {"csv": OWN, "koinly": KOINLY, "cointracking": COINTRACKING}
_Row = tuple[str, int | None, int, str]  # before, rao of TAO, UTC day, after


def export(
    connection: sqlite3.Connection,
    kind: str,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    hotkey_ss58: str | None = None,
    netuid: int | None = None,
    prices: Mapping[int, FiatPrice] | None = None,
) -> Iterator[str]:
    """The file in pieces, oldest row first. ``prices`` by UTC day give the fiat columns.

    Tax tools get what was paid, and all other changes of positions; our own formats every payment, burned ones too.
    """
    if kind not in FORMATS:
        raise ValueError(f"no format {kind!r}")
    test, values = payments.where(since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid)
    if kind in _PAID_ONLY:
        test += (" AND" if test else " WHERE") + " alpha_rao > 0"
    before, after = _SQL[kind]
    query = f"SELECT {before}, {_FIAT}, {after} FROM payment{test} ORDER BY time_ms"
    rows = connection.execute(query, values)
    middle = _MIDDLES[kind](prices or {})
    if kind == "json":
        return _json(rows, middle)
    lines = _csv(_HEADINGS[kind], rows, middle)
    if kind not in _PAID_ONLY:
        return lines
    return itertools.chain(lines, trades(connection, kind, since_ms, until_ms, hotkey_ss58, netuid, prices or {}))


def provenance(row: Payment) -> str:
    """Where the proof of a row is."""
    event = "state of the block" if row.event_index is None else f"event {row.event_index}"
    return f"block {row.block} {event}"


def _csv(heading: tuple[str, ...], rows: sqlite3.Cursor, middle: Callable[[_Row], str]) -> Iterator[str]:
    before = csv_line(heading)
    while found := rows.fetchmany(CHUNK):
        yield before + "".join([f"{row[0]}{middle(row)},{row[3]}\r\n" for row in found])
        before = ""
    yield before


def _json(rows: sqlite3.Cursor, middle: Callable[[_Row], str]) -> Iterator[str]:
    """One array; each row an object on a line of its own. Amounts are rao and micro, as integers."""
    between = "[\n"
    while found := rows.fetchmany(CHUNK):
        yield between + ",\n".join([f'{row[0][:-1]}{middle(row)},"provenance":{row[3]}}}' for row in found])
        between = ",\n"
    yield "\n]\n" if between == ",\n" else "[\n\n]\n"


def _own_fiat(prices: Mapping[int, FiatPrice]) -> Callable[[_Row], str]:
    told = {
        day: csv_line((one.currency, fiat(one.micro_per_tao), time_text(one.at_ms), one.source)).strip("\r\n")
        for day, one in prices.items()
    }

    def middle(row: _Row) -> str:
        _, tao, day, _ = row
        if day not in told:
            return ",,,,,"
        return f",{'' if tao is None else fiat(worth_micro(tao, prices[day]))},{told[day]}"

    return middle


def _koinly_worth(prices: Mapping[int, FiatPrice]) -> Callable[[_Row], str]:
    """The worth in fiat where a price is known, else in TAO."""

    def middle(row: _Row) -> str:
        _, tao, day, _ = row
        if tao is None:
            return ",,"
        price = prices.get(day)
        if price is None:
            return f",{coins(tao)},TAO"
        return f",{fiat(worth_micro(tao, price))},{price.currency}"

    return middle


def _no_fiat(_: Mapping[int, FiatPrice]) -> Callable[[_Row], str]:
    return lambda _: ""


def _json_fiat(prices: Mapping[int, FiatPrice]) -> Callable[[_Row], str]:
    told = {day: msgspec.json.encode(one).decode() for day, one in prices.items()}

    def middle(row: _Row) -> str:
        _, tao, day, _ = row
        worth = "null" if tao is None or day not in told else worth_micro(tao, prices[day])
        return f',"fiat_micro":{worth},"fiat_price":{told.get(day, "null")}'

    return middle


_MIDDLES = {"csv": _own_fiat, "koinly": _koinly_worth, "cointracking": _no_fiat, "json": _json_fiat}
