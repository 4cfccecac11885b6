"""The lots of a real ledger: what was mined and bought, what left, in TAO and in fiat, and as a file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from ranvier.core.errors import LedgerError
from ranvier.ledger import changes, lot_book, receipts
from ranvier.ledger.changes import REST, Change, Walked
from ranvier.ledger.lot_book import Order
from ranvier.ledger.payments import DAY_MS, Payment
from ranvier.ledger.receipts import Operation, StoredReceipt
from ranvier.ledger.store import Ledger

COIN = 10**9


def mined(day: int, alpha: int, price: int | None) -> Payment:
    return Payment(1, 0, day, "5Hot", 3, day * DAY_MS, alpha, price, f"0x{day}", alpha, 0, "paid", "5C", "5Hot", 2)


def receipt(name: str, *operations: Operation) -> StoredReceipt:
    return StoredReceipt(
        name, 5, "sandbox", "0x", "5C", "T", "SubtensorModule", "remove_stake", "0x", "final", 0, 0,
        operations=operations,
    )  # fmt: skip


def operation(kind: str, day: int, alpha: int, tao: int, netuid: int = 1, index: int | None = 4) -> Operation:
    return Operation(kind, day, index, day * DAY_MS, "5C", "5Hot", netuid, alpha, tao)


async def filled(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "l.sqlite")
    await made.add_payments([mined(1, 2 * COIN, COIN // 2), mined(2, COIN, None), mined(3, COIN, COIN)])
    for one in (
        receipt("0xbuy", operation("stake", 4, 2 * COIN, -3 * COIN)),
        receipt("0xother", operation("stake", 4, 9 * COIN, -3 * COIN, netuid=2, index=9)),
        receipt("0xsell", operation("unstake", 5, -3 * COIN, 6 * COIN)),
        receipt("0xmove", operation("move", 6, -COIN, 0, index=1), operation("move", 6, COIN - 5, 0, index=2)),
        receipt("0xaway", operation("transfer", 7, -COIN, 0)),
    ):
        await made.write(lambda c, one=one: receipts.add(c, one))
    return made


async def test_what_was_sold_takes_the_lots_in_the_chosen_order(tmp_path: Path) -> None:
    ledger = await filled(tmp_path)

    async def book(order: Order, currency: str | None = None, days: dict[int, int] | None = None) -> lot_book.LotBook:
        return await ledger.read(lambda c: lot_book.lot_book(c, 1, order, currency, days or {}))

    fifo = await book(Order.FIFO)
    first, second, fee, away, rest = fifo.taken
    assert (first.lot, first.rao, first.cost, first.proceeds) == (
        "block 1 mechanism 0 uid 3", 2 * COIN, COIN, 4 * COIN,
    )  # fmt: skip
    assert (second.rao, second.cost, second.proceeds) == (COIN, None, 2 * COIN), "its price then is not known"
    assert (fee.disposal, fee.rao, fee.proceeds) == ("move, block 6 event 1", 5, None), "a move costs its fee only"
    assert (away.rao, away.cost, away.proceeds) == (COIN - 5, COIN - 5, None), "a transfer brought nothing we know"
    assert (rest.rao, rest.lot) == (5, "stake, block 4 event 4")
    assert (fifo.currency, fifo.gain, fifo.unknown) == ("TAO", 3 * COIN, len(fifo.taken) - 1)
    assert sum(one.rao for one in (*fifo.taken, *fifo.left)) == 6 * COIN, "nothing is lost"
    hifo = await book(Order.HIFO)
    assert hifo.taken[0].lot == "stake, block 4 event 4" and hifo.taken[0].cost == 3 * COIN
    eur = await book(Order.FIFO, "EUR", {1: 400 * 10**6, 5: 500 * 10**6})
    assert (eur.taken[0].cost, eur.taken[0].proceeds) == (400 * 10**6, 2000 * 10**6)
    assert (eur.currency, eur.gain) == ("EUR", 1600 * 10**6)
    await ledger.close()


async def test_as_a_file_each_part_is_a_row_and_unknown_is_empty(tmp_path: Path) -> None:
    ledger = await filled(tmp_path)
    book = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.LIFO, None, {}))
    rows = list(csv.DictReader(io.StringIO("".join(lot_book.lots_csv(book)))))
    assert len(rows) == len(book.taken) + len(book.left)
    first = rows[0]
    assert (first["alpha"], first["cost"], first["proceeds"], first["gain"], first["days_held"]) == (
        "2.000000000", "3.000000000", "4.000000000", "1.000000000", "1",
    )  # fmt: skip
    assert [row["gain"] for row in rows if row["disposal"].startswith("transfer")] == ["", ""]
    assert rows[-1]["disposed_utc"] == ""
    await ledger.close()


def test_an_order_that_is_none_is_told() -> None:
    assert lot_book.order_of("hifo") is Order.HIFO
    with pytest.raises(LedgerError, match="no order of lots"):
        lot_book.order_of("best")


async def test_each_lot_of_unknown_cost_has_a_name_of_its_own(tmp_path: Path) -> None:
    """Two positions that were there when we came, or changed in one block without an event: what was paid for one is
    not told of the other."""
    ledger = Ledger(tmp_path / "l.sqlite")
    places = [("5Hotkey1", "5Coldkey1"), ("5Hotkey1", "5Coldkey2"), ("5Hotkey2", "5Coldkey1")]
    walked = [Walked(cold, hot, 1, 5, 50, 700, 9, 1700) for hot, cold in places]
    rests = [Change(cold, hot, 1, 9, REST, 90, "unknown", 1000) for hot, cold in places]
    await ledger.write(lambda c: changes.keep(c, rests, walked))
    book = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.FIFO, None, {}))
    assert len({one.lot for one in book.left}) == 6
    await ledger.write(lambda c: lot_book.set_basis(c, 1, book.left[0].lot, 77, 1))
    told = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.FIFO, None, {}))
    assert [one.cost for one in told.left] == [77, None, None, None, None, None]
    await ledger.close()


async def test_between_own_coldkeys_nothing_is_sold_even_where_alpha_goes_the_other_way_too(tmp_path: Path) -> None:
    """A transfer away and a gift in one block are two things."""
    ledger = Ledger(tmp_path / "l.sqlite")
    rows = [
        Change("5C", "5Hot", 1, 9, 1, 90, "transfer", -400),
        Change("5D", "5Hot", 1, 9, 2, 90, "transfer", 400),
        Change("5C", "5Hot", 1, 9, 5, 90, "transfer", -30),
        Change("5C", "5Hot", 1, 9, 8, 90, "transfer", 30),
    ]
    await ledger.add_payments([mined(0, 1000, COIN)])
    await ledger.write(lambda c: changes.keep(c, rows, ()))
    book = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.FIFO, None, {}))
    assert [(one.rao, one.disposal) for one in book.taken] == [(30, "transfer, found on the chain, block 9 event 5")]
    assert book.held_rao == 1000
    await ledger.close()


async def test_the_order_of_events_counts_within_a_block(tmp_path: Path) -> None:
    ledger = await filled(tmp_path)
    both = receipt("0xboth", operation("unstake", 9, -5, 9, index=2), operation("stake", 9, 7, -9, index=5))
    await ledger.write(lambda c: receipts.add(c, both))
    book = await ledger.read(lambda c: lot_book.lot_book(c, 1, Order.LIFO, None, {}))
    (sold,) = [one for one in book.taken if one.disposal == "unstake, block 9 event 2"]
    assert sold.lot != "stake, block 9 event 5"
    await ledger.close()
