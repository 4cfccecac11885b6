"""A transaction that was sent and is looked for in blocks: by whoever has its description, also long after."""

from __future__ import annotations

import msgspec

from ranvier.chain.connection import Connection
from ranvier.chain.errors import TOO_LONG_AGO
from ranvier.chain.model import Receipt
from ranvier.chain.outcome import Sent, whole_receipt
from ranvier.chain.watching import Sight
from ranvier.core.errors import ChainError
from ranvier.core.outside import NOT_JSON

GONE = "It got into no block in time and cannot any more."


def packed(sent: Sent) -> str:
    """Everything that is needed to look for it, as text without any secret: it is what the node was sent."""
    return msgspec.json.encode(sent).decode()


def unpacked(text: str) -> Sent:
    """Raises ChainError when it is no such text."""
    try:
        return msgspec.json.decode(text, type=Sent)
    except NOT_JSON as error:
        raise ChainError("Not understood", "What was kept of this transaction cannot be read.") from error


async def holds(conn: Connection, sent: Sent, number: int) -> str | None:
    """The hash of block ``number`` if it holds the transaction; raises LookupError when there is no such block, or the
    node keeps its header only."""
    block_hash = await conn.rpc("chain_getBlockHash", [number])
    if block_hash is None:
        raise LookupError(number)
    whole = await conn.rpc("chain_getBlock", [block_hash])
    if whole is None:
        raise LookupError(number)
    return str(block_hash) if "0x" + sent.data.hex() in whole["block"]["extrinsics"] else None


async def look(conn: Connection, sent: Sent, from_block: int) -> tuple[Sight | None, int]:
    """Look among the final blocks from ``from_block`` on: what was seen (None: it may still come), and where to go on.

    Raises NetworkError, ChainError.
    """
    hash_hex = await conn.rpc("chain_getFinalizedHead", [])
    final = int((await conn.rpc("chain_getHeader", [hash_hex]))["number"], 16)
    for number in range(from_block, min(final, sent.last_block) + 1):
        block_hash = await holds(conn, sent, number)
        if block_hash is not None:
            return Sight(block_hash, final=True), number
    return Sight(None, GONE) if final >= sent.last_block else None, max(from_block, min(final, sent.last_block) + 1)


async def settle(conn: Connection, text: str, from_block: int) -> tuple[Receipt | None, int]:
    """``look`` for what was ``packed``, and its receipt when it is in a final block or can be in none any more.

    Raises NetworkError, ChainError: a receipt is for ever, so that one which cannot be read whole is none.
    """
    sent = unpacked(text)
    try:
        sight, number = await look(conn, sent, max(from_block, sent.mortality.block))
    except LookupError as error:
        raise ChainError(TOO_LONG_AGO, "The node does not keep a block that it calls final.") from error
    if sight is None:
        return None, number
    try:
        return await whole_receipt(conn, sent, sight, lambda _: None), number
    except (LookupError, TypeError, ValueError) as error:
        raise ChainError("Not understood", "The node's answer about its block made no sense.") from error
