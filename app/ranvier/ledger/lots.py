"""Lots of one currency and what disposals take of them: first in, last in or dearest first. Integers, nothing lost.

A lot's cost is divided by rounding down what is taken and keeping the rest in the lot; proceeds are divided the same
way. So quantities, costs and proceeds always add up to what went in.
"""

from __future__ import annotations

import enum
import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec


class Order(enum.StrEnum):
    """Which lot a disposal takes first. Only lots that were there at its time; equal ones by their place."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"


@dataclass(frozen=True, slots=True)
class Acquired:
    """A lot as it came: ``cost`` in millionths of fiat (or rao of TAO: one unit for all), None when not known."""

    key: str
    at_ms: int
    rao: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class Disposed:
    """What left, and what it brought, in the same unit as the costs."""

    key: str
    at_ms: int
    rao: int
    proceeds: int | None


class Taken(msgspec.Struct, frozen=True):
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


class Left(msgspec.Struct, frozen=True):
    """What is still there of a lot."""

    lot: str
    at_ms: int
    rao: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class Book:
    taken: tuple[Taken, ...]
    left: tuple[Left, ...]


@dataclass(slots=True)
class _Lot:
    acquired: Acquired
    rao: int
    cost: int | None


def match(acquired: Iterable[Acquired], disposed: Iterable[Disposed], order: Order) -> Book:
    """Take each disposal, by time, from the lots that were there. At one moment lots come before disposals.

    Raises ValueError for a negative amount.
    """
    lots = sorted(acquired, key=lambda one: one.at_ms)
    if any(one.rao < 0 or (one.cost or 0) < 0 for one in lots):
        raise ValueError("a lot is never negative")
    waiting: list[tuple[tuple[int, ...], _Lot]] = []
    taken: list[Taken] = []
    place = 0
    for disposal in sorted(disposed, key=lambda one: one.at_ms):
        if disposal.rao < 0:
            raise ValueError("a disposal is never negative")
        while place < len(lots) and lots[place].at_ms <= disposal.at_ms:
            _put(waiting, lots[place], place, order)
            place += 1
        taken += _take(waiting, disposal)
    for number in range(place, len(lots)):
        _put(waiting, lots[number], number, order)
    rest = sorted((lot for _, lot in waiting), key=lambda lot: (lot.acquired.at_ms, lot.acquired.key))
    return Book(tuple(taken), tuple(Left(one.acquired.key, one.acquired.at_ms, one.rao, one.cost) for one in rest))


def _put(waiting: list[tuple[tuple[int, ...], _Lot]], acquired: Acquired, place: int, order: Order) -> None:
    if acquired.rao == 0:
        return
    rank: tuple[int, ...] = (place,)
    if order is Order.LIFO:
        rank = (-place,)
    elif order is Order.HIFO:
        # Cost per rao as an integer: amounts are below 2**63, so two different prices differ by more than 2**-128.
        rank = (-((acquired.cost or 0) << 128) // acquired.rao, place)  # a lot without a known cost comes last
    heapq.heappush(waiting, (rank, _Lot(acquired, acquired.rao, acquired.cost)))


def _take(waiting: list[tuple[tuple[int, ...], _Lot]], disposal: Disposed) -> list[Taken]:
    wanted, proceeds = disposal.rao, disposal.proceeds
    found = []
    while wanted:
        lot = waiting[0][1] if waiting else None
        rao = min(wanted, lot.rao) if lot is not None else wanted
        brought = None if proceeds is None else proceeds * rao // wanted
        cost = None
        if lot is not None:
            cost = None if lot.cost is None else lot.cost * rao // lot.rao
            lot.rao -= rao
            if cost is not None and lot.cost is not None:
                lot.cost -= cost
            if lot.rao == 0:
                heapq.heappop(waiting)
        found.append(
            Taken(
                disposal.key,
                None if lot is None else lot.acquired.key,
                rao,
                None if lot is None else lot.acquired.at_ms,
                disposal.at_ms,
                cost,
                brought,
            )
        )
        wanted -= rao
        if proceeds is not None and brought is not None:
            proceeds -= brought
    return found
