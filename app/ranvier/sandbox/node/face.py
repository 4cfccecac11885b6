"""The node as its own validators and competitors see it (``life.face.NodeFace``)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ranvier.core.errors import ChainError
from ranvier.keys.signing import Signer
from ranvier.sandbox.frame.storage import blake2_256
from ranvier.sandbox.life.face import Submitted
from ranvier.sandbox.node.chain import Block
from ranvier.sandbox.node.node import Node
from ranvier.sandbox.node.waiting import Refused
from ranvier.sandbox.pallets.system import System
from ranvier.sandbox.runtime.runtime import ERROR_NAMES, PALLETS

_ITEMS = {(pallet.name, item.name): item for pallet in PALLETS for item in pallet.items}


class OwnNode:
    """The node in this process. Transactions still go through the waiting room, signed, like anybody's."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._next: asyncio.Future[int] | None = None
        node.listen(self._block_made)

    async def next_block(self) -> int:
        """Wait until one more block exists; its number."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._next)

    def read(self, pallet: str, item: str, *keys: Any) -> Any:
        """The decoded value of one storage item at the newest block."""
        return _ITEMS[pallet, item].get(self._node.chain.store, *keys)

    async def submit(self, pallet: str, call: str, arguments: Mapping[str, Any], signer: Signer) -> Submitted:
        """Sign, send through the waiting room, and wait for the block; raises ChainError when it is refused."""
        settled: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def tell(status: Any) -> None:
            if settled.done():
                return
            if isinstance(status, dict) and "inBlock" in status:
                settled.set_result(bytes.fromhex(status["inBlock"][2:]))
            elif status in ("invalid", "dropped"):
                settled.set_exception(ChainError("Not included", f"The transaction became {status}."))

        try:
            hash_ = self._node.send(signer, pallet, call, arguments, tell)
        except Refused as refused:
            raise ChainError("Refused", refused.data or refused.message) from refused
        try:
            block = self._node.chain.block(await settled)
        finally:
            self._node.waiting.forget_watcher(tell)
        assert block is not None
        return Submitted(block.number, self._error_in(block, hash_))

    def _error_in(self, block: Block, hash_: bytes) -> str | None:
        """The name of the failure of one extrinsic, from the block's events."""
        index = [blake2_256(extrinsic) for extrinsic in block.extrinsics].index(hash_)
        for record in System.Events.get(self._node.chain.state_at(block.number)):
            phase, (pallet, (name, fields)) = record["phase"], record["event"]
            if phase == ("ApplyExtrinsic", index) and (pallet, name) == ("System", "ExtrinsicFailed"):
                return _error_name(fields["dispatch_error"])
        return None

    def _block_made(self, block: Block, changes: Mapping[bytes, bytes | None]) -> None:
        waiting, self._next = self._next, None
        if waiting is not None and not waiting.done():
            waiting.set_result(block.number)


def _error_name(error: tuple[str, Any]) -> str:
    kind, value = error
    if kind == "Module":
        return ERROR_NAMES.get((value["index"], value["error"][0]), "Module")
    return str(value[0]) if kind in ("Token", "Arithmetic", "Transactional") else kind
