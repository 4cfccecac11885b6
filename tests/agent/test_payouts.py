"""What became of one epoch's pay, read from a chain of made-up answers: mechanisms, burns, locks, destinations."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.agent.payouts import payouts
from ranvier.chain.events import Event
from ranvier.chain.model import BlockRef
from ranvier.core.errors import ChainError
from ranvier.ledger.payments import Payment

AT, BEFORE = BlockRef(361, "0x361", 7_000), BlockRef(360, "0x360", 6_000)
OWN = ("SubnetOwner", "SubnetOwnerHotkey", "RecycleOrBurn")
EVENT = "IncentiveAlphaEmittedToMiners"


class Runtime:
    def __init__(self, items: set[str], events: set[str]) -> None:
        self._items, self._events = items, events

    def has_item(self, pallet: str, item: str) -> bool:
        return item in self._items

    def has_event(self, pallet: str, event: str) -> bool:
        return event in self._events


class Made:
    """A connection to a chain whose state before the epoch and at it is written down."""

    def __init__(self) -> None:
        self.items = {*OWN, "AutoStakeDestination", "MinerCollateral"}
        self.emits = {EVENT}
        self.state: dict[tuple[int, str, tuple[Any, ...]], Any] = {}
        self.happened: list[Event] = [Event("System", "Nothing", {}, 0)]
        for uid, hotkey in enumerate(("5A", "5B", "5Owner")):
            self.put("Uids", 1, hotkey, value=uid)
            self.put("Owner", hotkey, value=f"{hotkey}-cold")
        self.put("SubnetOwner", 1, value="5Owner-cold")
        self.put("SubnetOwnerHotkey", 1, value="5Elsewhere")

    def put(self, item: str, *key: Any, value: Any, block: int = 360) -> None:
        self.state[block, item, key] = value

    def emit(self, amounts: list[int], mechanism: int = 0, netuid: int = 1) -> None:
        fields = {"netuid": mechanism * 4096 + netuid, "emissions": amounts}
        self.happened.append(Event("SubtensorModule", EVENT, fields, None))

    async def runtime_at(self, at: BlockRef) -> Runtime:
        return Runtime(self.items, self.emits)

    async def events(self, at: BlockRef) -> tuple[Event, ...]:
        assert at == AT
        return tuple(self.happened)

    async def read(self, items: list[tuple[str, str, list[Any]]], at: BlockRef) -> list[Any]:
        return [self.state.get((at.number, name, tuple(key))) for _, name, key in items]

    async def pay(self, *hotkeys: str) -> tuple[Payment, ...]:
        return await payouts(self, 1, AT, BEFORE, hotkeys or ("5A", "5B", "5Owner"))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def price(monkeypatch: pytest.MonkeyPatch) -> None:
    async def prices(conn: Made, netuids: list[int], at: BlockRef) -> dict[int, int | None]:
        assert at == AT
        return dict.fromkeys(netuids, 20_000_000)

    monkeypatch.setattr("ranvier.chain.reads.prices", prices)


async def test_each_mechanism_is_a_payment_with_its_own_proof() -> None:
    chain = Made()
    chain.emit([1000, 0, 0])
    chain.emit([9, 9, 9], netuid=2)
    chain.emit([50, 70], mechanism=3)
    rows = await chain.pay("5A", "5B", "5NotSeated")
    assert [(r.mechanism, r.hotkey_ss58, r.alpha_rao, r.event_index) for r in rows] == [
        (0, "5A", 1000, 1), (3, "5A", 50, 3), (3, "5B", 70, 3),
    ]  # fmt: skip
    first = rows[0]
    assert (first.gross_rao, first.captured_rao, first.fate, first.coldkey_ss58) == (1000, 0, "paid", "5A-cold")
    assert (first.destination_ss58, first.price_rao, first.time_ms, first.block_hash) == (
        "5A", 20_000_000, 7_000, "0x361",
    )  # fmt: skip


async def test_the_seats_are_those_before_the_block() -> None:
    """In the epoch's own block, after it, 5New took the seat of 5A, and 5B's owner changed the destination."""
    chain = Made()
    chain.emit([1000, 10])
    chain.put("Uids", 1, "5A", value=None, block=361)
    chain.put("Uids", 1, "5New", value=0, block=361)
    chain.put("AutoStakeDestination", "5B-cold", 1, value="5Later", block=361)
    rows = await chain.pay("5A", "5B", "5New")
    assert [(r.hotkey_ss58, r.alpha_rao, r.destination_ss58) for r in rows] == [("5A", 1000, "5A"), ("5B", 10, "5B")]


@pytest.mark.parametrize(("rule", "fate"), [("Burn", "burned"), ("Recycle", "recycled"), (None, "burned")])
async def test_the_owners_miners_are_paid_nothing(rule: str | None, fate: str) -> None:
    chain = Made()
    chain.emit([0, 0, 500])
    chain.put("RecycleOrBurn", 1, value=rule)
    (row,) = await chain.pay()
    assert (row.fate, row.gross_rao, row.alpha_rao, row.destination_ss58, row.captured_rao) == (fate, 500, 0, None, 0)
    chain.put("SubnetOwner", 1, value="5Nobody")
    chain.put("SubnetOwnerHotkey", 1, value="5Owner")
    assert (await chain.pay())[0].alpha_rao == 0, "the owner's hotkey, whoever holds it"


async def test_the_lock_takes_its_part_first_and_the_rest_goes_where_it_is_sent() -> None:
    chain = Made()
    chain.emit([1000, 0])
    chain.emit([1000, 40], mechanism=1)
    chain.put("AutoStakeDestination", "5A-cold", 1, value="5Pool")
    chain.put("MinerCollateral", 1, "5A", "5A-cold", value={"locked": 100, "min_locked": 1300, "earned": 0})
    chain.put("MinerCollateral", 1, "5B", "5B-cold", value={"locked": 500, "min_locked": 300, "earned": 0})
    rows = await chain.pay("5A", "5B")
    assert [(r.hotkey_ss58, r.mechanism, r.captured_rao, r.destination_ss58) for r in rows] == [
        ("5A", 0, 1000, "5Pool"), ("5A", 1, 200, "5Pool"), ("5B", 1, 0, "5B"),
    ]  # fmt: skip


async def test_older_chains_without_the_event() -> None:
    chain = Made()
    chain.emits, chain.items = set(), {"SubnetOwner"}
    chain.put("Emission", 1, value=[700, 30, 0], block=361)
    chain.put("Dividends", 1, value=[0, 12, 0], block=361)
    (row,) = await chain.pay("5A")
    assert (row.alpha_rao, row.event_index, row.fate, row.destination_ss58) == (700, None, "paid", "5A")
    with pytest.raises(ChainError, match="dividends as a validator"):
        await chain.pay("5A", "5B")


async def test_nothing_paid_costs_nothing_more() -> None:
    chain = Made()
    assert await chain.pay() == ()
    chain.emit([0, 0, 0])
    assert await chain.pay() == ()
    assert await chain.pay("5NotSeated") == ()
