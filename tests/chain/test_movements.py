"""Which alpha a transaction moved, from events: alone, in batches, between subnets, and to somebody else."""

from __future__ import annotations

from typing import Any

from ranvier.chain.model import Movement
from ranvier.chain.movements import movements
from ranvier.chain.runtime.events import Event


def event(name: str, *values: Any, extrinsic: int | None = 2, pallet: str = "SubtensorModule") -> Event:
    return Event(pallet, name, values, extrinsic)


def test_buying_and_selling_are_told_with_their_price() -> None:
    events = [
        event("ExtrinsicSuccess", extrinsic=0, pallet="System"),
        event("StakeAdded", "C", "H", 5, 40, 1, 0),
        event("StakeRemoved", "C", "G", 7, 60, 3, 0),
        event("StakeAdded", "C", "H", 9, 9, 1, 0, extrinsic=4),
        event("StakeAdded", "C", "H", 9, 9, 1),  # of the oldest runtimes, without the fee
    ]
    assert movements(events, 2, without_fee=False) == (
        Movement("stake", 1, "C", "H", 1, 40, -5),
        Movement("unstake", 2, "C", "G", 3, -60, 7),
        Movement("stake", 4, "C", "H", 1, 9, -9),
    )
    assert movements(events, 3, without_fee=False) == ()


def test_a_move_within_a_subnet_trades_nothing() -> None:
    events = [
        event("StakeAdded", "C", "H", 5, 40, 1, 0),
        event("StakeRemoved", "C", "H", 8, 60, 1, 0),
        event("StakeAdded", "C", "G", 8, 60, 1, 0),
        event("StakeMoved", "C", "H", 1, "G", 1, 8),
    ]
    assert movements(events, 2, without_fee=False) == (
        Movement("stake", 0, "C", "H", 1, 40, -5),
        Movement("move", 1, "C", "H", 1, -60, 0),
        Movement("move", 2, "C", "G", 1, 60, 0),
    )


def test_a_swap_between_subnets_sells_and_buys() -> None:
    events = [
        event("StakeRemoved", "C", "H", 8, 60, 1, 0),
        event("StakeAdded", "C", "H", 8, 30, 2, 0),
        event("StakeSwapped", "C", "H", 1, 2, 8),
    ]
    assert movements(events, 2, without_fee=False) == (
        Movement("move", 0, "C", "H", 1, -60, 8),
        Movement("move", 1, "C", "H", 2, 30, -8),
    )


def test_what_is_given_away_brings_nothing() -> None:
    for netuid in (1, 2):
        events = [
            event("StakeRemoved", "C", "H", 8, 60, 1, 0),
            event("StakeAdded", "D", "H", 8, 60, netuid, 0),
            event("StakeTransferred", "C", "D", "H", 1, netuid, 8),
            event("StakeRemoved", "C", "H", 8, 60, 1, 0),
        ]
        assert movements(events, 2, without_fee=False) == (
            Movement("transfer", 0, "C", "H", 1, -60, 0),
            Movement("transfer", 1, "D", "H", netuid, 60, 0),
            Movement("unstake", 3, "C", "H", 1, -60, 8),
        )


def test_the_fee_of_a_sale_left_the_position_too() -> None:
    events = [event("StakeRemoved", "C", "H", 8, 60, 1, 3)]
    assert [one.alpha_rao for one in movements(events, 2, without_fee=True)] == [-63]
    assert [one.alpha_rao for one in movements(events, 2, without_fee=False)] == [-60]
