"""The lots of one subnet's alpha from the ledger: what was mined or bought, what left, and what that brought.

Mined alpha is a lot at its value when it was paid; bought alpha costs what was given for it. What leaves without a
price that the ledger knows (a transfer away, a fee taken in alpha) has unknown proceeds.
Amounts are rao of TAO, or millionths of a currency at the day's price; one book has one unit.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator, Mapping

import msgspec

from ranvier.core.errors import LedgerError
from ranvier.core.units import RAO_PER_COIN
from ranvier.ledger import payments, receipts
from ranvier.ledger.export import coins, fiat, time_text
from ranvier.ledger.lots import Acquired, Disposed, Left, Order, Taken, match
from ranvier.ledger.payments import DAY_MS
from ranvier.ledger.receipts import Operation

__all__ = ["LotBook", "Order", "lot_book", "lots_csv", "order_of"]

HEADING = (
    "disposed_utc", "disposal", "alpha", "acquired_utc", "lot", "cost", "proceeds", "gain", "currency", "days_held",
)  # fmt: skip
_CHUNK = 200


class LotBook(msgspec.Struct, frozen=True):
    """Disposals taken from lots, oldest first, and what is left. ``currency`` is ``TAO`` (rao) or fiat (micro).

    ``cost``, ``proceeds`` and ``gain`` sum what is known; ``unknown`` counts the parts of disposals that lack one.
    """

    netuid: int
    order: str
    currency: str
    taken: tuple[Taken, ...]
    left: tuple[Left, ...]
    cost: int
    proceeds: int
    gain: int
    unknown: int


def order_of(name: str) -> Order:
    """Raises LedgerError for a name that is none."""
    try:
        return Order(name)
    except ValueError:
        known = ", ".join(one.value for one in Order)
        raise LedgerError("Not understood", f"There is no order of lots “{name[:20]}”.", f"Use {known}.") from None


def lot_book(
    connection: sqlite3.Connection, netuid: int, order: Order, currency: str | None, day_prices: Mapping[int, int]
) -> LotBook:
    """Everything of one subnet. Without ``currency`` in TAO; ``day_prices`` are micro for one TAO by UTC day."""

    def worth(tao_rao: int | None, at_ms: int) -> int | None:
        if currency is None or tao_rao is None:
            return tao_rao
        price = day_prices.get(at_ms // DAY_MS)
        return None if price is None else tao_rao * price // RAO_PER_COIN

    acquired = [
        Acquired(f"block {row.block} mechanism {row.mechanism} uid {row.uid}", row.time_ms, row.alpha_rao,
                 worth(row.tao_rao, row.time_ms))
        for row in payments.stream(connection, netuid=netuid) if row.alpha_rao
    ]  # fmt: skip
    disposed = []
    for one, alpha, tao in _changes(receipts.operations(connection), netuid):
        key = f"{one.kind}, block {one.block}" + ("" if one.event_index is None else f" event {one.event_index}")
        if alpha > 0:
            acquired.append(Acquired(key, one.time_ms, alpha, worth(None if tao is None else -tao, one.time_ms)))
        else:
            disposed.append(Disposed(key, one.time_ms, -alpha, worth(tao, one.time_ms)))
    book = match(acquired, disposed, order)
    whole = [one for one in book.taken if one.gain is not None]
    return LotBook(
        netuid,
        order.value,
        currency or "TAO",
        book.taken,
        book.left,
        sum(one.cost or 0 for one in whole),
        sum(one.proceeds or 0 for one in whole),
        sum(one.gain or 0 for one in whole),
        len(book.taken) - len(whole),
    )


def _changes(operations: tuple[Operation, ...], netuid: int) -> Iterator[tuple[Operation, int, int | None]]:
    """(operation, change of alpha, TAO that came or went for it, None if unknown). A move between own hotkeys of the
    subnet changes nothing that is owned: its two halves cancel each other, but for the fee.
    """
    moved: dict[tuple[int, str], tuple[Operation, int]] = {}
    for one in operations:
        if one.netuid != netuid or not one.alpha_rao:
            continue
        if one.tao_rao or one.kind in ("stake", "unstake"):  # sold or bought, also on the way to another subnet
            yield one, one.alpha_rao, one.tao_rao or None
        else:
            first, sum_ = moved.get((one.block, one.kind), (one, 0))
            moved[one.block, one.kind] = (first, sum_ + one.alpha_rao)
    for one, alpha in moved.values():
        if alpha:
            yield one, alpha, None


def lots_csv(book: LotBook) -> Iterator[str]:
    """The book as CSV, row by row: first what was taken, then what is left (without a time of disposal)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(HEADING)
    for number, row in enumerate(_rows(book), 1):
        writer.writerow(row)
        if number % _CHUNK == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _rows(book: LotBook) -> Iterator[tuple[str | int, ...]]:
    money = coins if book.currency == "TAO" else fiat
    for one in book.taken:
        held = "" if one.acquired_ms is None else (one.disposed_ms - one.acquired_ms) // DAY_MS
        acquired = "" if one.acquired_ms is None else time_text(one.acquired_ms)
        yield (
            time_text(one.disposed_ms), one.disposal, coins(one.rao), acquired, one.lot or "origin not known",
            money(one.cost), money(one.proceeds), _signed(one.gain, book.currency), book.currency, held,
        )  # fmt: skip
    for rest in book.left:
        yield ("", "", coins(rest.rao), time_text(rest.at_ms), rest.lot, money(rest.cost), "", "", book.currency, "")


def _signed(amount: int | None, currency: str) -> str:
    money = coins if currency == "TAO" else fiat
    return "" if amount is None else ("-" if amount < 0 else "") + money(abs(amount))
