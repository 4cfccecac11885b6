"""When a halving passed: its block where old states are kept, an honest bound where they are not."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ranvier.agent.money.halving_search import passed_halvings
from ranvier.chain.model import BlockRef
from ranvier.chain.supply import threshold
from ranvier.core.errors import ChainError


class Node:
    """Issuance by block, as if each made ``made``; states before ``oldest`` are gone."""

    def __init__(self, first: int, made: int, oldest: int = 0) -> None:
        self.first, self.made, self.oldest, self.asked = first, made, oldest, 0

    async def block(self, number: int) -> BlockRef:
        self.asked += 1
        if number < self.oldest:
            raise ChainError("Too long ago", "Its state is gone.")
        return BlockRef(number, f"0x{number:064x}", number * 12_000)

    async def read(self, _items: object, at: BlockRef) -> list[int]:
        return [self.first + at.number * self.made]


@given(st.integers(2, 9_000_000), st.integers(1, 10**9), st.integers(0, 10**6))
def test_the_first_block_at_the_mark_is_found_in_few_steps(crossing: int, made: int, later: int) -> None:
    mark = threshold(1)
    node = Node(mark - crossing * made, made)
    head = asyncio.run(node.block(crossing + later))
    (found,) = asyncio.run(passed_halvings(node, head, 1))  # type: ignore[arg-type]
    assert (found.block, found.by_block, found.time_ms) == (crossing, crossing, crossing * 12_000)
    assert node.asked < 30


async def test_a_node_that_forgets_says_by_when() -> None:
    mark, made = threshold(1), 10**9
    node = Node(mark - 5_000 * made, made, oldest=9_745)
    (found,) = await passed_halvings(node, await node.block(10_000), 1)  # type: ignore[arg-type]
    assert (found.block, found.by_block) == (None, 9_760)
    (found,) = await passed_halvings(node, await node.block(9_800), 1)  # type: ignore[arg-type]
    assert (found.block, found.by_block) == (None, 9_800)


async def test_a_network_may_begin_beyond_it() -> None:
    node = Node(threshold(2) + 1, 1)
    found = await passed_halvings(node, await node.block(50), 2)  # type: ignore[arg-type]
    assert [(one.number, one.block, one.by_block) for one in found] == [(1, None, 1), (2, None, 1)]
