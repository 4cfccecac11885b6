"""In which blocks a coldkey did something with its positions, also when nothing of it is left to be seen.

What was bought and sold again leaves a position as it was. But a transaction leaves its number with the account that
signed it, and a fee or a trade (also one made by a proxy) changes its free TAO: between two blocks that agree on both
nothing was done, and where they differ the block is looked for by halving.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ranvier.chain.model import SUBTENSOR, BlockRef, Place
from ranvier.chain.movements import movements, tells_without_fee
from ranvier.chain.position_steps import events_of
from ranvier.core.errors import ChainError

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

MOST_BLOCKS = 20_000  # of one account: more is no miner's
_AT_ONCE = 128
_Account = tuple[int, int]  # number of the next transaction, free rao


async def own_moves(
    conn: Connection, coldkey_ss58: str, from_block: int, to_block: int, known: Collection[Place] = ()
) -> dict[Place, tuple[int, ...]]:
    """The blocks after ``from_block`` up to ``to_block`` in which events name each position of the coldkey, ascending.

    Trades, moves and transfers tell their positions; of a replaced key, or of alpha that was burned, those of
    ``known`` are told that it concerns.
    Raises NetworkError, ChainError (a state that the node no longer keeps; too many transactions for one look).
    """
    if to_block <= from_block:
        return {}
    seen: dict[int, tuple[BlockRef, _Account]] = {}
    await _read(conn, coldkey_ss58, [from_block, to_block], seen)
    due = [(from_block, to_block)] if seen[from_block][1] != seen[to_block][1] else []
    changed: list[int] = []
    while due:
        if len(due) + len(changed) > MOST_BLOCKS:
            words = f"More than {MOST_BLOCKS:,} transactions of {coldkey_ss58} lie between those blocks."
            raise ChainError("Too long", words, "Ask for a shorter time.")
        await _read(conn, coldkey_ss58, sorted({(low + high) // 2 for low, high in due if high - low > 1}), seen)
        changed += [high for low, high in due if high - low == 1]
        due = [
            (low, high)
            for first, last in due if last - first > 1
            for low, high in itertools.pairwise((first, (first + last) // 2, last))
            if seen[low][1] != seen[high][1]
        ]  # fmt: skip
    mine = [one for one in known if one[1] == coldkey_ss58]
    return await _named(conn, coldkey_ss58, [seen[number][0] for number in sorted(changed)], mine)


async def _read(
    conn: Connection, coldkey: str, numbers: Sequence[int], seen: dict[int, tuple[BlockRef, _Account]]
) -> None:
    for start in range(0, len(numbers), _AT_ONCE):
        blocks = await conn.blocks(numbers[start : start + _AT_ONCE])
        refs = []
        for one in blocks:
            if isinstance(one, ChainError):
                raise one
            refs.append(one)
        for at, values in zip(
            refs, await conn.read_each([(at, [("System", "Account", [coldkey])]) for at in refs]), strict=True
        ):
            if isinstance(values, ChainError):
                raise values
            account = values[0] or {}
            seen[at.number] = at, (int(account.get("nonce", 0)), int(account.get("data", {}).get("free", 0)))


async def _named(
    conn: Connection, coldkey: str, blocks: Sequence[BlockRef], known: Sequence[Place]
) -> dict[Place, tuple[int, ...]]:
    found: dict[Place, list[int]] = {}
    for start in range(0, len(blocks), _AT_ONCE):
        part = blocks[start : start + _AT_ONCE]
        answers = await conn.read_each([(at, [("System", "Events", [])]) for at in part])
        for at, values in zip(part, answers, strict=True):
            if isinstance(values, ChainError):
                raise values
            without_fee = tells_without_fee(await conn.runtime_at(at))
            told = dict.fromkeys(event.extrinsic for event in values[0] if event.pallet == SUBTENSOR)
            moved = [one for index in told for one in movements(values[0], index, without_fee=without_fee)]
            places = {(one.hotkey_ss58, coldkey, one.netuid) for one in moved if one.coldkey_ss58 == coldkey}
            for place in places.union(one for one in known if any(events_of(one, values[0], without_fee=without_fee))):
                found.setdefault(place, []).append(at.number)
    return {place: tuple(numbers) for place, numbers in found.items()}
