"""Lots of one currency and what disposals take of them: first in, last in or dearest first. Integers, nothing lost.

A lot's cost is divided by rounding down what is taken and keeping the rest in the lot; proceeds are divided the same
way. So quantities, costs and proceeds always add up to what went in.
"""

from __future__ import annotations

import enum
import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec


class Order(enum.StrEnum):
    """Which lot a disposal takes first. Only lots that were there at its time; equal ones by their place."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"


class Acquired(msgspec.Struct, frozen=True, gc=False):
    """A lot as it came: ``cost`` in millionths of fiat (or rao of TAO: one unit for all), None when not known.

    ``place`` orders what is of one moment, which is a block's.
    """

    key: str
    at_ms: int
    rao: int
    cost: int | None
    place: int = 0


class Disposed(msgspec.Struct, frozen=True, gc=False):
    """What left, and what it brought, in the same unit as the costs."""

    key: str
    at_ms: int
    rao: int
    proceeds: int | None
    place: int = 0


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A part of a disposal from one lot. Without ``lot`` nothing was left to take: the ledger does not know its origin.

    ``cost`` is None when the lot's is not known or there is no lot.
    """

    disposal: str
    lot: str | None
    rao: int
    acquired_ms: int | None
    disposed_ms: int
    cost: int | None
    proceeds: int | None

    @property
    def gain(self) -> int | None:
        return None if self.cost is None or self.proceeds is None else self.proceeds - self.cost


class Left(msgspec.Struct, frozen=True, gc=False):
    """What is still there of a lot."""

    lot: str
    at_ms: int
    rao: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class Book:
    taken: tuple[Taken, ...]
    left: tuple[Left, ...]


class _Lot(msgspec.Struct, gc=False):
    """``place`` is its number by time."""

    place: int
    key: str
    at_ms: int
    rao: int
    cost: int | None


class _Waiting(Protocol):
    """Lots that are there; ``first`` is the one to be taken next."""

    def put(self, lot: _Lot, /) -> None: ...
    def first(self) -> _Lot | None: ...
    def drop(self) -> object:
        """Take the first away: nothing is left of it."""
        ...

    def rest(self) -> Iterable[_Lot]: ...


class _Line:
    """First in first out, or last in."""

    def __init__(self, *, last: bool) -> None:
        self._lots: deque[_Lot] = deque()
        self._end = -1 if last else 0

    def put(self, lot: _Lot, /) -> None:
        self._lots.append(lot)

    def drop(self) -> object:
        return self._lots.pop() if self._end else self._lots.popleft()

    def first(self) -> _Lot | None:
        return self._lots[self._end] if self._lots else None

    def rest(self) -> Iterable[_Lot]:
        return self._lots


class _Dearest:
    """Dearest first; a lot without a known cost comes last."""

    def __init__(self) -> None:
        self._heap: list[tuple[bool, int, int, _Lot]] = []

    def put(self, lot: _Lot, /) -> None:
        # Cost per rao as an integer: amounts are below 2**63, so two different prices differ by more than 2**-128.
        heapq.heappush(self._heap, (lot.cost is None, -((lot.cost or 0) << 128) // lot.rao, lot.place, lot))

    def first(self) -> _Lot | None:
        return self._heap[0][3] if self._heap else None

    def drop(self) -> object:
        return heapq.heappop(self._heap)

    def rest(self) -> Iterable[_Lot]:
        return (lot for _, _, _, lot in self._heap)


def match(acquired: Iterable[Acquired], disposed: Iterable[Disposed], order: Order) -> Book:
    """Take each disposal, by time, from the lots that were there. At one place of a moment lots come before disposals.
    What is given is in order within each moment.

    Raises ValueError for a negative amount.
    """
    lots = sorted(acquired, key=lambda one: one.at_ms)
    if any(one.rao < 0 or (one.cost or 0) < 0 for one in lots):
        raise ValueError("a lot is never negative")
    waiting: _Waiting = _Dearest() if order is Order.HIFO else _Line(last=order is Order.LIFO)
    taken: list[Taken] = []
    place = 0
    for disposal in sorted(disposed, key=lambda one: (one.at_ms, one.place)):
        if disposal.rao < 0:
            raise ValueError("a disposal is never negative")
        begin = place
        while place < len(lots) and _before(lots[place], disposal):
            place += 1
        _put(waiting, lots[begin:place], begin)
        _take(waiting, disposal, taken)
    # What came after the last disposal is whole: it needs no place in the order.
    rest = [Left(lot.key, lot.at_ms, lot.rao, lot.cost) for lot in sorted(waiting.rest(), key=lambda lot: lot.place)]
    rest += [Left(one.key, one.at_ms, one.rao, one.cost) for one in lots[place:] if one.rao]
    return Book(tuple(taken), tuple(rest))


def _before(lot: Acquired, disposal: Disposed) -> bool:
    return lot.at_ms < disposal.at_ms or (lot.at_ms == disposal.at_ms and lot.place <= disposal.place)


def _put(waiting: _Waiting, lots: Iterable[Acquired], place: int) -> None:
    for number, one in enumerate(lots, place):
        if one.rao:
            waiting.put(_Lot(number, one.key, one.at_ms, one.rao, one.cost))


def _take(waiting: _Waiting, disposal: Disposed, taken: list[Taken]) -> None:
    wanted, proceeds = disposal.rao, disposal.proceeds
    while wanted:
        lot = waiting.first()
        if lot is None:
            taken.append(Taken(disposal.key, None, wanted, None, disposal.at_ms, None, proceeds))
            return
        rao = min(wanted, lot.rao)
        brought = None if proceeds is None else proceeds * rao // wanted
        cost = None if lot.cost is None else lot.cost * rao // lot.rao
        taken.append(Taken(disposal.key, lot.key, rao, lot.at_ms, disposal.at_ms, cost, brought))
        lot.rao -= rao
        if lot.cost is not None and cost is not None:
            lot.cost -= cost
        if lot.rao == 0:
            waiting.drop()
        wanted -= rao
        if proceeds is not None and brought is not None:
            proceeds -= brought
