"""Lots and disposals: nothing is made or lost, and the order is the order."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.ledger.lots import Acquired, Disposed, Order, match

acquired = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 10**13), st.none() | st.integers(0, 10**12)), max_size=10
).map(lambda rows: [Acquired(f"l{n}", at, rao, cost) for n, (at, rao, cost) in enumerate(rows)])
disposed = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 10**13), st.none() | st.integers(0, 10**12)), max_size=10
).map(lambda rows: [Disposed(f"d{n}", at, rao, proceeds) for n, (at, rao, proceeds) in enumerate(rows)])


@given(acquired, disposed, st.sampled_from(Order))
def test_quantities_costs_and_proceeds_add_up(lots, sales, order) -> None:
    book = match(lots, sales, order)
    for sale in sales:
        parts = [part for part in book.taken if part.disposal == sale.key]
        assert sum(part.rao for part in parts) == sale.rao
        if sale.rao and sale.proceeds is not None:
            assert sum(part.proceeds for part in parts) == sale.proceeds
    for lot in lots:
        parts = [part for part in book.taken if part.lot == lot.key]
        left = [one for one in book.left if one.lot == lot.key]
        assert sum(part.rao for part in parts) + sum(one.rao for one in left) == lot.rao
        assert all(one.rao > 0 for one in left)
        if lot.cost is not None:
            assert sum(part.cost for part in parts) + sum(one.cost for one in left) == lot.cost
        assert all(part.disposed_ms >= lot.at_ms for part in parts), "nothing is sold before it came"
    nowhere = sum(part.rao for part in book.taken if part.lot is None)
    assert sum(lot.rao for lot in lots) - sum(sale.rao for sale in sales) == sum(o.rao for o in book.left) - nowhere


@given(acquired, disposed, st.sampled_from(Order))
def test_no_better_lot_was_passed_over(lots, sales, order) -> None:
    """A plain replay: each part is taken from the best lot that still had something."""
    place = {lot.key: number for number, lot in enumerate(sorted(lots, key=lambda lot: lot.at_ms))}
    rest = {lot.key: lot.rao for lot in lots}
    known = {lot.key: lot for lot in lots}

    def rank(key: str):
        lot = known[key]
        if order is Order.FIFO:
            return (place[key],)
        if order is Order.LIFO:
            return (-place[key],)
        return (-Fraction(lot.cost or 0, lot.rao), place[key])

    for part in match(lots, sales, order).taken:
        there = [key for key, rao in rest.items() if rao and known[key].at_ms <= part.disposed_ms]
        if part.lot is None:
            assert not there
            continue
        assert all(rank(part.lot) <= rank(key) for key in there)
        rest[part.lot] -= part.rao


def test_an_example_by_hand() -> None:
    lots = [Acquired("jan", 1, 100, 1000), Acquired("feb", 2, 100, 3000), Acquired("mar", 3, 100, 2000)]
    sale = [Disposed("sale", 4, 150, 4500)]

    def taken(order: Order) -> list[tuple[str | None, int, int | None, int | None]]:
        return [(part.lot, part.rao, part.cost, part.gain) for part in match(lots, sale, order).taken]

    assert taken(Order.FIFO) == [("jan", 100, 1000, 2000), ("feb", 50, 1500, 0)]
    assert taken(Order.LIFO) == [("mar", 100, 2000, 1000), ("feb", 50, 1500, 0)]
    assert taken(Order.HIFO) == [("feb", 100, 3000, 0), ("mar", 50, 1000, 500)]
    short = match(lots[:1], sale, Order.FIFO).taken[-1]
    assert (short.lot, short.rao, short.cost, short.gain) == (None, 50, None, None)


def test_negative_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="never negative"):
        match([Acquired("a", 1, -1, 0)], [], Order.FIFO)
    with pytest.raises(ValueError, match="never negative"):
        match([], [Disposed("a", 1, -1, 0)], Order.FIFO)


def test_dearest_first_knows_a_lot_that_cost_nothing_from_one_of_unknown_cost() -> None:
    lots = [Acquired("unknown", 1, 5, None), Acquired("gift", 2, 5, 0)]
    assert [one.lot for one in match(lots, [Disposed("s", 3, 6, 9)], Order.HIFO).taken] == ["gift", "unknown"]


def test_what_is_bought_later_in_a_block_is_not_there_for_a_sale_before_it() -> None:
    lots = [Acquired("old", 1, 5, 10), Acquired("paid", 9, 1, 90, -1), Acquired("late", 9, 5, 99, 7)]
    for order in (Order.LIFO, Order.HIFO):
        book = match(lots, [Disposed("early", 9, 2, 9, 3), Disposed("last", 9, 2, 9, 8)], order)
        assert [(one.disposal, one.lot) for one in book.taken] == [
            ("early", "paid"),
            ("early", "old"),
            ("last", "late"),
        ]
