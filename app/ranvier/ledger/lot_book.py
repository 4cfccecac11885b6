"""The lots of one subnet's alpha from the ledger: what was mined or bought, what left, and what that brought.

Mined alpha is a lot at its value when it was paid; bought alpha costs what was given for it, with whatever tool. What
came without a price that the ledger knows (a transfer from somebody) has an unknown cost until the owner tells it, and
what left so (a transfer away, a fee taken in alpha) has unknown proceeds.
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
from ranvier.ledger import changes
from ranvier.ledger.lots import Acquired, Book, Disposed, Left, Order, Taken, match
from ranvier.ledger.payments import DAY_MS
from ranvier.ledger.receipts import Operation
from ranvier.ledger.text import coins, fiat, time_text

__all__ = ["LotBook", "Order", "lot_book", "lots_csv", "order_of", "set_basis"]

HEADING = (
    "disposed_utc", "disposal", "alpha", "acquired_utc", "lot", "cost", "proceeds", "gain", "currency", "days_held",
)  # fmt: skip
_CHUNK = 200
_LAST = 2**31  # in its block: a block's own work, pay and dividends, comes before all events of transactions
_NAMED = 10  # characters of an address


class LotBook(msgspec.Struct, frozen=True):
    """Disposals taken from lots, oldest first, and what is left. ``currency`` is ``TAO`` (rao) or fiat (micro).

    ``cost``, ``proceeds`` and ``gain`` sum what is known; ``unknown`` counts the parts of disposals that lack one.
    ``parts`` and ``lots`` count all of ``taken`` and ``left``, of which ``newest`` may have kept some. The positions
    that are followed were read up to ``read_to`` (the least of them; None: none is), or ``trouble`` says why not on.
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
    parts: int = 0
    lots: int = 0
    held_rao: int = 0
    unknown_lots: int = 0
    read_to: int | None = None
    trouble: str = ""

    def newest(self, most: int) -> LotBook:
        """The same book with at most so many rows of each."""
        return msgspec.structs.replace(self, taken=self.taken[-most:], left=self.left[-most:])


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

    rows = connection.execute(
        "SELECT block, mechanism, uid, time_ms, alpha_rao, tao_rao FROM payment WHERE +netuid = ? AND alpha_rao > 0"
        " ORDER BY time_ms",
        (netuid,),
    )
    acquired = [
        Acquired(f"block {block} mechanism {mechanism} uid {uid}", time_ms, rao, worth(tao, time_ms))
        for block, mechanism, uid, time_ms, rao, tao in rows
    ]
    told = dict(connection.execute("SELECT lot, cost_rao FROM basis WHERE netuid = ?", (netuid,)))
    disposed = []
    for one, alpha, tao in changes.owned(changes.operations(connection, netuid)):
        key = _key(one)
        if alpha > 0:
            cost = told.get(key) if tao is None else -tao
            acquired.append(Acquired(key, one.time_ms, alpha, worth(cost, one.time_ms), one.event_index or 0))
        else:
            place = _LAST if one.event_index is None else one.event_index
            disposed.append(Disposed(key, one.time_ms, -alpha, worth(tao, one.time_ms), place))
    return _book(connection, netuid, order, currency or "TAO", match(acquired, disposed, order))


def _book(connection: sqlite3.Connection, netuid: int, order: Order, currency: str, book: Book) -> LotBook:
    whole = [one for one in book.taken if one.cost is not None and one.proceeds is not None]
    cost, proceeds = sum(one.cost or 0 for one in whole), sum(one.proceeds or 0 for one in whole)
    walked = changes.walks(connection, netuid)
    unseen = [changes.looked(connection, coldkey) for coldkey in {one.coldkey_ss58 for one in walked}]
    gaps = [one.spans[0][1] if one.spans else 0 for one in unseen if one.trouble]
    return LotBook(
        netuid, order.value, currency, book.taken, book.left, cost, proceeds, proceeds - cost,
        unknown=len(book.taken) - len(whole),
        parts=len(book.taken),
        lots=len(book.left),
        held_rao=sum(one.rao for one in book.left),
        unknown_lots=sum(one.cost is None for one in book.left),
        read_to=min([one.to_block for one in walked] + gaps, default=None),
        trouble=next(filter(None, [one.trouble for one in walked] + [one.trouble for one in unseen]), ""),
    )  # fmt: skip


def set_basis(connection: sqlite3.Connection, netuid: int, lot: str, cost_rao: int | None, noted_ms: int) -> None:
    """Note what was paid for a lot of unknown cost; None forgets it. Raises LedgerError when there is no such lot."""
    if cost_rao is None:
        connection.execute("DELETE FROM basis WHERE netuid = ? AND lot = ?", (netuid, lot))
        return
    if not 0 <= cost_rao < 2**62:
        raise LedgerError("Not understood", "That amount is out of range.")
    all_ = changes.owned(changes.operations(connection, netuid))
    keys = {_key(one) for one, alpha, tao in all_ if alpha > 0 and tao is None}
    if lot not in keys:
        raise LedgerError(
            "No such lot", f"No lot of unknown cost is called “{lot[:80]}”.", "See the lots of the subnet."
        )
    connection.execute("INSERT OR REPLACE INTO basis VALUES (?, ?, ?, ?)", (netuid, lot, cost_rao, noted_ms))


def _key(one: Operation) -> str:
    """A lot's or disposal's name: what happened, and its proof. Without an event a block may have several."""
    if one.event_index is not None:
        return f"{one.kind}, block {one.block} event {one.event_index}"
    return f"{one.kind}, block {one.block}, {(one.hotkey_ss58 or '')[:_NAMED]} of {one.coldkey_ss58[:_NAMED]}"


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
