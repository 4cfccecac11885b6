"""Submit one signed transaction on a socket of its own and follow what the node says about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ranvier.chain.errors import rpc_error
from ranvier.chain.model import TxStage
from ranvier.core.errors import NetworkError

_CONNECT_S = 15.0
_LARGEST = 16 * 1024 * 1024
_ENDS: dict[str, str] = {
    "usurped": "Another transaction with the same number replaced it.",
    "dropped": "The node dropped it from its pool before it got into a block.",
    "invalid": "It became invalid before it got into a block (its number was used, or it waited too long).",
}


class LostError(NetworkError):
    """The socket broke after the transaction had been sent: what became of it has to be looked up."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen: the block it is in (None: in none), whether that block is final, or why it ended.

    ``pending``: it may still get into a block.
    """

    block_hash: str | None
    error: str | None = None
    final: bool = False
    pending: bool = False


async def watch(endpoint: str, extrinsic: bytes, wait: TxStage, tell: Callable[[TxStage], None]) -> Sight:
    """Submit and follow until in a block (or final, if ``wait`` says so) or refused. The caller limits the time.

    Raises RpcError when the pool refuses it, NetworkError when it was not sent, LostError when the socket broke after.
    """
    import aiohttp

    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "author_submitAndWatchExtrinsic",
        "params": ["0x" + extrinsic.hex()],
    }
    timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_S, sock_connect=_CONNECT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            socket = await session.ws_connect(endpoint, max_msg_size=_LARGEST)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NetworkError("Network unreachable", f"{endpoint} does not answer; nothing was sent.") from error
        async with socket:
            try:
                await socket.send_json(request)
                return await _follow(socket, wait, tell)
            except (aiohttp.ClientError, OSError, ValueError, TypeError) as error:
                raise LostError(
                    "Connection lost", "The connection broke while the transaction was under way."
                ) from error


async def _follow(socket: Any, wait: TxStage, tell: Callable[[TxStage], None]) -> Sight:
    seen: str | None = None
    while True:
        message = await socket.receive_json()
        if "error" in message:
            raise rpc_error(message["error"])
        if message.get("id") == 1:
            tell(TxStage.SUBMITTED)
            continue
        kind, detail = _status((message.get("params") or {}).get("result"))
        if kind == "inBlock":
            seen = str(detail)
            tell(TxStage.IN_BLOCK)
            if wait is not TxStage.FINAL:
                return Sight(seen)
        elif kind == "finalized":
            tell(TxStage.IN_BLOCK)
            return Sight(str(detail), final=True)
        elif kind == "retracted":
            seen = None  # its block lost against another one; the node puts it into a new one
            tell(TxStage.RETRACTED)
        elif kind == "finalityTimeout":
            return Sight(seen or str(detail), "The chain has not made the block final for a long time.")
        elif kind in _ENDS:
            return Sight(None, _ENDS[kind])


def _status(status: Any) -> tuple[str, Any]:
    """``"ready"`` or ``{"inBlock": "0x.."}`` as (kind, detail)."""
    if isinstance(status, dict) and status:
        return next(iter(status.items()))
    return str(status), None
