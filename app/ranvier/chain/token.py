"""The network's token at one block: issuance, emission, next halving."""

from __future__ import annotations

from typing import Any

from ranvier.chain.connection import Connection
from ranvier.chain.model import BlockRef
from ranvier.chain.pools import SUBTENSOR
from ranvier.chain.supply import Supply, supply


async def token(conn: Connection, at: BlockRef) -> Supply:
    """Issuance, what a block makes and when that is halved; one request. Unknown items fall back on the rule."""
    runtime = await conn.runtime_at(at)
    names = [name for name in ("TotalIssuance", "BlockEmission", "TotalStake") if runtime.has_item(SUBTENSOR, name)]
    values: dict[str, Any] = dict(
        zip(names, await conn.read([(SUBTENSOR, name, []) for name in names], at), strict=True)
    )
    emission, staked = values.get("BlockEmission"), values.get("TotalStake")
    return supply(
        int(values.get("TotalIssuance") or 0),
        int(emission) if emission else None,
        int(staked) if staked is not None else None,
    )
