"""Epochs of a netuid that several subnets had one after the other: none is passed over, whoever's it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.test_payouts import EVENT, Long, Runtime
from ranvier.chain.epochs import last_epoch_block
from ranvier.chain.model import BlockRef
from ranvier.chain.runtime.events import Event
from ranvier.core.errors import ChainError


@dataclass(frozen=True)
class Life:
    """From block ``begins`` to before ``ends`` (its last block may hold an epoch, which no state names)."""

    begins: int
    ends: int
    epochs: tuple[int, ...]
    counts_from: int  # what the chain says before the first epoch


class Lives(Long):
    """The count of a life begins anew, or with a block from before it."""

    def __init__(self, lives: list[Life], *, forgets_below: int) -> None:
        super().__init__([block for life in lives for block in life.epochs], 4, forgets_below=forgets_below)
        self.lives = lives

    async def runtime_at(self, at: BlockRef) -> Runtime:
        return Runtime({"Tempo", "LastEpochBlock", "NetworksAdded", "NetworkRegisteredAt"}, {EVENT})

    def _value(self, block: int, item: str) -> Any:
        if item == "Events":
            fields = {"netuid": 1, "emissions": [block]}
            return [Event("SubtensorModule", EVENT, fields, None)] if block in self.epochs else []
        life = next((one for one in self.lives if one.begins <= block < one.ends), None)
        if item == "NetworksAdded":
            return life is not None
        if life is None:
            return None
        last = max((one for one in life.epochs if one <= block), default=life.counts_from)
        told = {"LastEpochBlock": last, "NetworkRegisteredAt": life.begins}
        return {**told, "Tempo": self.tempo, "Uids": 0, "Owner": "5A-cold"}.get(item)


@pytest.fixture(autouse=True)
def no_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    async def prices(conn: Any, netuid: int, blocks: list[BlockRef]) -> list[None]:
        return [None for _ in blocks]

    monkeypatch.setattr("ranvier.chain.payouts.prices_each", prices)


@st.composite
def lives(draw: st.DrawFn) -> list[Life]:
    found: list[Life] = []
    end = 0
    for _ in range(draw(st.integers(1, 4))):
        longest = 0 if not found else found[-1].ends - found[-1].begins - 1  # a stride never jumps over a life
        begins = end + draw(st.integers(0, longest)) if found else draw(st.sampled_from([0, 7]))
        end = begins + draw(st.integers(2, 40))
        inside = draw(st.sets(st.integers(begins + 1, end)))  # one of them perhaps in the block that ends it
        found.append(Life(begins, end, tuple(sorted(inside)), max(0, begins - draw(st.integers(0, 6)))))
    return found


@given(lives(), st.integers(0, 30), st.integers(1, 60), st.integers(1, 9), st.sampled_from([0, 0, 40]))
def test_every_epoch_of_every_life_is_read_once(
    all_lives: list[Life], above: int, low: int, most: int, forgets: int
) -> None:
    chain = Lives(all_lives, forgets_below=forgets)
    high = max(low, all_lives[-1].ends) + above % max(1, all_lives[-1].ends - all_lives[-1].begins)

    async def go() -> None:
        place, got, floor = high, [], low
        while place >= low:
            read = await chain.down(place, low, most)
            got += [row.block for row in read.payouts]
            if read.trouble is not None:
                floor = read.low
                assert forgets, read
                break
            assert read.low <= place, "it goes on"
            place = read.low - 1
        assert got == [one for one in sorted(set(chain.epochs), reverse=True) if floor <= one <= high]

    asyncio.run(go())


@given(lives(), st.integers(0, 30))
def test_the_newest_epoch_is_of_the_life_of_now(all_lives: list[Life], back: int) -> None:
    """Before its first one it is the block that may hold the last one of the life before."""
    chain = Lives(all_lives, forgets_below=0)
    block = max(0, all_lives[-1].ends - back)
    found = asyncio.run(last_epoch_block(chain, 1, BlockRef(block, "0x", 0)))  # type: ignore[arg-type]
    life = next((one for one in all_lives if one.begins <= block < one.ends), None)
    if life is None:
        assert found == 0
    else:
        assert found == max((one for one in life.epochs if one <= block), default=life.begins)


async def test_a_node_that_forgot_the_life_before_says_so() -> None:
    chain = Lives([Life(0, 100, (40, 80), 0), Life(150, 200, (180,), 148)], forgets_below=120)
    read = await chain.down(199, 1)
    assert [row.block for row in read.payouts] == [180]
    read = await chain.down(read.low - 1, 1)
    assert (read.payouts, read.low) == ((), 150)
    read = await chain.down(149, 1)
    assert isinstance(read.trouble, ChainError) and read.trouble.title == "Too long ago" and read.low > 119
    chain.forgets_below = 0
    read = await chain.down(read.low - 1, 1)
    assert (read.payouts, read.low) == ((), 100), "the block in which the subnet ended"
    read = await chain.down(99, 1)
    assert [row.block for row in read.payouts] == [80]


async def test_a_life_that_ended_in_the_lowest_block_that_is_asked_for_is_seen() -> None:
    chain = Lives([Life(0, 100, (40, 100), 0)], forgets_below=0)
    assert [row.block for row in (await chain.down(149, 100)).payouts] == [100]
    assert (await chain.down(149, 101)).payouts == ()
