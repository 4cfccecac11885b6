"""A running node: chain, waiting room, the clock that makes blocks, and those who want to hear of each."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ranvier.keys.signing import Signer
from ranvier.sandbox.chain import Block, Chain
from ranvier.sandbox.extrinsic import encode_signed, signed_extra, signing_payload
from ranvier.sandbox.outer import RUNTIME_CALL
from ranvier.sandbox.pallets.small import Timestamp
from ranvier.sandbox.waiting import WaitingRoom, Watcher

log = logging.getLogger(__name__)

BlockListener = Callable[[Block, Mapping[bytes, bytes | None]], None]
_ERA_PERIOD = 64


@dataclass(frozen=True)
class Practice:
    """What the practice subnet consists of, for ``sandbox_info``: addresses of the hotkeys that live in the node."""

    netuid: int
    tempo: int
    validators: tuple[str, ...]
    competitors: tuple[str, ...]


class Node:
    """One node of a network of one. Everything runs on one event loop; nothing here waits but ``run``."""

    def __init__(self, chain: Chain, practice: Practice, faucet: Signer) -> None:
        self.chain = chain
        self.machine = chain.machine
        self.practice = practice
        self.faucet = faucet
        self.waiting = WaitingRoom(chain)
        self._listeners: list[BlockListener] = []

    def listen(self, listener: BlockListener) -> Callable[[], None]:
        """Call ``listener`` after each block; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def make_block(self, now_ms: int | None = None) -> Block:
        """Make the next block now. Its time is always later than the last one's."""
        wall = int(time.time() * 1000) if now_ms is None else now_ms
        last = Timestamp.Now.get(self.chain.store)
        block, made = self.chain.make(max(wall, last + 1), self.waiting.candidates())
        for extrinsic, refusal in made.refused:
            log.info("block %d refused 0x%s: %s", block.number, extrinsic.hash.hex()[:16], refusal.text)
        self.waiting.after_block(block, made)
        for listener in tuple(self._listeners):
            listener(block, made.changes)
        return block

    async def run(self) -> None:
        """Make a block every block time, without drift; after a long pause (sleep) it does not catch up."""
        step = self.machine.block_ms / 1000
        due = time.monotonic() + step
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.make_block()
            due = max(due + step, time.monotonic() + step / 10)

    def sign(self, signer: Signer, pallet: str, call: str, arguments: Mapping[str, Any]) -> bytes:
        """An extrinsic signed as any client's, mortal, with the signer's next nonce."""
        call_bytes = RUNTIME_CALL.encode((pallet, (call, arguments)))
        chain = self.chain
        head = chain.head
        era = (_ERA_PERIOD, head.number % _ERA_PERIOD)
        extra = signed_extra(era, self.waiting.next_index(signer.public_key))
        payload = signing_payload(call_bytes, extra, chain.genesis_hash, head.hash)
        return encode_signed(signer.public_key, signer.crypto_type, signer.sign(payload), extra, call_bytes)

    def send(
        self, signer: Signer, pallet: str, call: str, arguments: Mapping[str, Any], watcher: Watcher | None = None
    ) -> bytes:
        """Sign and put into the waiting room; the extrinsic's hash. Raises ``waiting.Refused``."""
        return self.waiting.submit(self.sign(signer, pallet, call, arguments), watcher)
