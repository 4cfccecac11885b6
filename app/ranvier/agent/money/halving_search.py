"""When halvings that passed happened: the chain keeps no date, so the block is looked for where old states are kept."""

from __future__ import annotations

from typing import Any

from ranvier.agent.api.market_messages import PassedHalving
from ranvier.chain.connection import Connection
from ranvier.chain.model import BlockRef
from ranvier.chain.supply import threshold
from ranvier.core.errors import ChainError

_ISSUED: tuple[str, str, list[Any]] = ("SubtensorModule", "TotalIssuance", [])
_KEPT_BLOCKS = 240  # ordinary nodes keep the state of 256


async def passed_halvings(conn: Connection, at: BlockRef, count: int) -> tuple[PassedHalving, ...]:
    """The first ``count`` halvings, each with its block where the node keeps old states, else with a later one.

    About two dozen small requests for each on a node that keeps everything, two on another. Recycled TAO lowers the
    issuance, so the block is one at which it had reached the mark and had not in the block before.
    """
    return tuple([await _passed(conn, at, number) for number in range(1, count + 1)])


async def _passed(conn: Connection, at: BlockRef, number: int) -> PassedHalving:
    mark = threshold(number)
    low, after = 1, at
    try:
        first = await conn.block(low)
        if await _issued(conn, first) >= mark:
            return PassedHalving(number, None, first.number, first.time_ms)
        while after.number - low > 1:
            middle = await conn.block((low + after.number) // 2)
            if await _issued(conn, middle) >= mark:
                after = middle
            else:
                low = middle.number
    except ChainError:  # the state of that block is gone
        return PassedHalving(number, None, *await _oldest_kept(conn, at, mark))
    return PassedHalving(number, after.number, after.number, after.time_ms)


async def _oldest_kept(conn: Connection, at: BlockRef, mark: int) -> tuple[int, int | None]:
    try:
        old = await conn.block(max(1, at.number - _KEPT_BLOCKS))
        if await _issued(conn, old) >= mark:
            return old.number, old.time_ms
    except ChainError:
        pass
    return at.number, at.time_ms


async def _issued(conn: Connection, at: BlockRef) -> int:
    (found,) = await conn.read([_ISSUED], at)
    return int(found or 0)
