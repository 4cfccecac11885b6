"""What became of one epoch's pay, read from a chain of made-up answers: mechanisms, burns, locks, destinations."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranvier.chain import payouts as payouts_of
from ranvier.chain.model import BlockRef
from ranvier.chain.payouts import Payout, payouts, read_down
from ranvier.chain.runtime.events import Event
from ranvier.core.errors import ChainError, NetworkError
from ranvier.ledger import payments

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

    async def read_each(self, wanted: list[tuple[BlockRef, list[Any]]]) -> list[Any]:
        return [
            [
                self.happened if item == "Events" else self.state.get((at.number, item, tuple(key)))
                for _, item, key in items
            ]
            for at, items in wanted
        ]

    async def pay(self, *hotkeys: str) -> tuple[Payout, ...]:
        (found,) = await payouts(self, 1, [(AT, BEFORE)], hotkeys or ("5A", "5B", "5Owner"))  # type: ignore[arg-type]
        if isinstance(found, ChainError):
            raise found
        return found


@pytest.fixture(autouse=True)
def price(monkeypatch: pytest.MonkeyPatch) -> None:
    async def prices(conn: Any, netuid: int, blocks: list[BlockRef]) -> list[int]:
        return [20_000_000 for _ in blocks]

    monkeypatch.setattr("ranvier.chain.payouts.prices_each", prices)


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


def test_the_chain_and_the_ledger_use_the_same_words() -> None:
    ours = [field.name for field in dataclasses.fields(payments.Payment)]
    assert [field.name for field in dataclasses.fields(Payout)] == ours
    assert (payouts_of.PAID, payouts_of.BURNED, payouts_of.RECYCLED) == (
        payments.PAID, payments.BURNED, payments.RECYCLED,
    )  # fmt: skip


class Long:
    """A chain with epochs at chosen blocks; every one of them pays 5A its own number."""

    def __init__(self, epochs: list[int], tempo: int, *, forgets_below: int = 0) -> None:
        self.epochs, self.tempo, self.forgets_below = epochs, tempo, forgets_below
        self.rounds = 0
        self.bad: set[int] = set()  # blocks whose events the node cannot give
        self.breaks_after: int | None = None

    def _round(self) -> None:
        self.rounds += 1
        if self.breaks_after is not None and self.rounds > self.breaks_after:
            raise NetworkError("Network", "broke")

    async def block(self, number: int) -> BlockRef:
        (found,) = await self.blocks([number])
        if isinstance(found, ChainError):
            raise found
        return found

    async def blocks(self, numbers: list[int]) -> list[BlockRef | ChainError]:
        self._round()
        return [
            BlockRef(n, f"0x{n}", n * 1000) if n >= self.forgets_below else ChainError("Too long ago", "Gone.")
            for n in numbers
        ]

    async def runtime_at(self, at: BlockRef) -> Runtime:
        return Runtime({"Tempo", "LastEpochBlock"}, {EVENT})

    async def read_each(self, wanted: list[tuple[BlockRef, list[Any]]]) -> list[Any]:
        self._round()
        return [
            ChainError("Not given", "It is broken.")
            if at.number in self.bad and items[0][1] == "Events"
            else [self._value(at.number, item) for _, item, _ in items]
            for at, items in wanted
        ]

    def _value(self, block: int, item: str) -> Any:
        if item == "Events":
            fields = {"netuid": 1, "emissions": [block]}
            return [Event("SubtensorModule", EVENT, fields, None)] if block in self.epochs else []
        if item == "LastEpochBlock":
            return max((one for one in self.epochs if one <= block), default=0)
        return {"Tempo": self.tempo, "Uids": 0, "Owner": "5A-cold"}.get(item)

    async def down(self, high: int, low: int, most: int = 1000) -> Any:
        return await read_down(self, 1, high, low, ["5A"], most)  # type: ignore[arg-type]


@given(
    steps=st.lists(st.integers(1, 12), max_size=25), tempo=st.integers(1, 12), above=st.integers(0, 9),
    low=st.integers(1, 120), most=st.integers(1, 9), forgets=st.integers(0, 150), bad=st.sets(st.integers(1, 150)),
)  # fmt: skip
def test_wherever_the_epochs_are_each_is_read_once_or_told(
    steps: list[int], tempo: int, above: int, low: int, most: int, forgets: int, bad: set[int]
) -> None:
    """The tempo is only a guess: changed, wrong, or an epoch put off, nothing is passed over."""
    epochs = list(itertools.accumulate(steps))
    high = max([low, *epochs]) + above
    chain = Long(epochs, tempo, forgets_below=forgets)
    chain.bad = bad

    async def go() -> None:
        place, got = high, []
        while place >= low:
            read = await chain.down(place, low, most)
            assert read.low <= place + 1
            got += [row.block for row in read.payouts]
            assert all(row.alpha_rao == row.block >= read.low for row in read.payouts)
            if read.trouble is not None:
                last = max((one for one in epochs if one < read.low), default=0)
                assert last in bad or last - 1 < forgets or read.low - 1 < forgets
                break
            assert read.low <= place, "it goes on"
            place = read.low - 1
        assert got == [one for one in reversed(epochs) if max(low, read.low) <= one <= high]

    asyncio.run(go())


async def test_many_epochs_cost_few_rounds() -> None:
    chain = Long(list(range(10, 1001, 10)), 10)
    read = await chain.down(1005, 1)
    assert [row.block for row in read.payouts] == list(range(1000, 0, -10))
    assert (read.low, read.trouble, chain.rounds) == (1, None, 5)
    chain.breaks_after = 3
    with pytest.raises(NetworkError):
        await chain.down(1005, 1)
