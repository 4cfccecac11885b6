"""The network's token at one block: issuance, emission, next halving."""

from __future__ import annotations

from ranvier.chain.connection import Connection
from ranvier.chain.model import SUBTENSOR, BlockRef
from ranvier.chain.supply import Supply, supply

_API = ("SubnetInfoRuntimeApi", "get_block_emission")


async def token(conn: Connection, at: BlockRef) -> Supply:
    """Issuance, what a block makes and when that is halved; one round trip.

    What a block makes the runtime is asked, where it tells; else it follows from the issuance by the runtime's rule.
    The item ``BlockEmission`` is not believed: newer runtimes have it still, but write it no more.
    """
    runtime = await conn.runtime_at(at)
    names = [name for name in ("TotalIssuance", "TotalStake") if runtime.has_item(SUBTENSOR, name)]
    told = await conn.has_api(*_API, at)
    values, _, answers = await conn.together(
        at, reads=[(SUBTENSOR, name, []) for name in names], calls=[(*_API, [])] if told else ()
    )
    known = dict(zip(names, values, strict=True))
    staked = known.get("TotalStake")
    return supply(
        int(known.get("TotalIssuance") or 0),
        int(answers[0]) if told and isinstance(answers[0], int) else None,
        int(staked) if staked is not None else None,
    )
