"""The ledger as files: CSV (our own, Koinly's, CoinTracking's) and JSON lines in one array, row by row, with proof.

Every row names its provenance: block and event. Rows are made one after the other; a million of them need no memory.
"""

from __future__ import annotations

import csv
import datetime
import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from ranvier.ledger import payments
from ranvier.ledger.payments import PAID, Payment
from ranvier.ledger.prices import MICRO, FiatPrice, worth_micro

FORMATS = ("csv", "koinly", "cointracking", "json")
CHUNK = 200  # rows in a piece
_COIN = 10**9

OWN = (
    "time_utc", "netuid", "mechanism", "block", "uid", "hotkey", "coldkey", "destination", "fate", "gross_alpha",
    "paid_alpha", "captured_alpha", "price_tao", "value_tao", "value_fiat", "fiat", "fiat_price", "fiat_price_time",
    "fiat_source", "block_hash", "provenance",
)  # fmt: skip
KOINLY = (
    "Date", "Sent Amount", "Sent Currency", "Received Amount", "Received Currency", "Fee Amount", "Fee Currency",
    "Net Worth Amount", "Net Worth Currency", "Label", "Description", "TxHash",
)  # fmt: skip
COINTRACKING = (
    "Type", "Buy", "Cur.", "Sell", "Cur.", "Fee", "Cur.", "Exchange", "Group", "Comment", "Date", "Tx-ID",
)  # fmt: skip


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

    Tax tools get what was paid only; our own formats every row, burned ones too.
    """
    rows = payments.stream(
        connection, since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid
    )  # fmt: skip
    days = prices or {}
    if kind == "json":
        return _json(rows, days)
    if kind == "csv":
        return _csv(OWN, rows, lambda row: _own(row, days.get(row.day)))
    paid = (row for row in rows if row.alpha_rao)
    if kind == "koinly":
        return _csv(KOINLY, paid, lambda row: _koinly(row, days.get(row.day)))
    if kind == "cointracking":
        return _csv(COINTRACKING, paid, _cointracking)
    raise ValueError(f"no format {kind!r}")


def provenance(row: Payment) -> str:
    """Where the proof of a row is."""
    event = "state of the block" if row.event_index is None else f"event {row.event_index}"
    return f"block {row.block} {event}"


def coins(rao: int | None) -> str:
    """A decimal number for programs: a point, no groups, exact."""
    return "" if rao is None else f"{rao // _COIN}.{rao % _COIN:09d}"


def fiat(micro: int | None) -> str:
    return "" if micro is None else f"{micro // MICRO}.{micro % MICRO:06d}"


def _csv(
    heading: tuple[str, ...], rows: Iterable[Payment], line: Callable[[Payment], tuple[Any, ...]]
) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(heading)
    for number, row in enumerate(rows, 1):
        writer.writerow(line(row))
        if number % CHUNK == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _json(rows: Iterable[Payment], days: Mapping[int, FiatPrice]) -> Iterator[str]:
    """One array; each row an object on a line of its own. Amounts are rao and micro, as integers."""
    encode = msgspec.json.Encoder().encode
    parts, between = ["[\n"], ""
    for number, row in enumerate(rows, 1):
        price, tao = days.get(row.day), row.tao_rao
        extra = {
            "tao_rao": tao,
            "fiat_micro": None if price is None or tao is None else worth_micro(tao, price),
            "fiat_price": price,
            "provenance": provenance(row),
        }
        parts.append(f"{between}{encode(row).decode()[:-1]},{encode(extra).decode()[1:]}")
        between = ",\n"
        if number % CHUNK == 0:
            yield "".join(parts)
            parts = []
    yield "".join(parts) + "\n]\n"


def time_text(time_ms: int) -> str:
    """A moment for programs, in UTC."""
    return datetime.datetime.fromtimestamp(time_ms // 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _own(row: Payment, price: FiatPrice | None) -> tuple[Any, ...]:
    tao = row.tao_rao
    value = None if price is None or tao is None else worth_micro(tao, price)
    return (
        time_text(row.time_ms), row.netuid, row.mechanism, row.block, row.uid, row.hotkey_ss58, row.coldkey_ss58 or "",
        row.destination_ss58 or "", row.fate or "", coins(row.gross_rao), coins(row.alpha_rao), coins(row.captured_rao),
        coins(row.price_rao), coins(tao), fiat(value), price.currency if price else "",
        fiat(price.micro_per_tao) if price else "", time_text(price.at_ms) if price else "",
        price.source if price else "", row.block_hash, provenance(row),
    )  # fmt: skip


def _koinly(row: Payment, price: FiatPrice | None) -> tuple[Any, ...]:
    tao = row.tao_rao
    worth, currency = coins(tao), "TAO" if tao is not None else ""
    if price is not None and tao is not None:
        worth, currency = fiat(worth_micro(tao, price)), price.currency
    words = f"Bittensor subnet {row.netuid}, {row.hotkey_ss58}, {provenance(row)}"
    return (
        f"{time_text(row.time_ms)} UTC", "", "", coins(row.alpha_rao), f"SN{row.netuid}", "", "", worth, currency,
        "mining", words, _id(row),
    )  # fmt: skip


def _cointracking(row: Payment) -> tuple[Any, ...]:
    words = f"{row.hotkey_ss58}, {provenance(row)}"
    kind = "Mining" if row.fate in (PAID, None) else "Other"
    return (
        kind, coins(row.alpha_rao), f"SN{row.netuid}", "", "", "", "", "Ranvier", f"subnet {row.netuid}", words,
        time_text(row.time_ms), _id(row),
    )  # fmt: skip


def _id(row: Payment) -> str:
    """One per row, so that an import made twice is recognised: no transaction pays a miner, an epoch does."""
    return f"{row.block_hash}-{row.netuid}-{row.mechanism}-{row.uid}"
