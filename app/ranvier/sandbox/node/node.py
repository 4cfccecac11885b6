"""A running node: chain, waiting room, the clock that makes blocks, and those who want to hear of each."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ranvier.keys.signing import Signer
from ranvier.sandbox.frame.extrinsic import encode_signed, signed_extra, signing_payload
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.version import Spec
from ranvier.sandbox.node.chain import Block, Chain
from ranvier.sandbox.node.waiting import WaitingRoom, Watcher
from ranvier.sandbox.pallets.small import Timestamp

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


@dataclass(slots=True)
class Faults:
    """What goes wrong on purpose: no blocks, slow answers, no past states, a false genesis hash."""

    stalled: bool = False
    slow_ms: int = 0
    discarded: bool = False
    genesis: bytes | None = None


class Node:
    """One node of a network of one. Everything runs on one event loop; nothing here waits but ``run``."""

    def __init__(self, chain: Chain, practice: Practice, faucet: Signer) -> None:
        self.chain = chain
        self.machine = chain.machine
        self.practice = practice
        self.faucet = faucet
        self.waiting = WaitingRoom(chain)
        self._listeners: list[BlockListener] = []
        self.faults = Faults()
        self.manual = False
        self._given: dict[bytes, bytes | None] = {}
        self._upgrade: Spec | None = None

    def listen(self, listener: BlockListener) -> Callable[[], None]:
        """Call ``listener`` after each block; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def make_block(self, now_ms: int | None = None) -> Block:
        """Make the next block now. Its time is always later than the last one's."""
        wall = int(time.time() * 1000) if now_ms is None else now_ms
        last = Timestamp.Now.get(self.chain.store)
        given, self._given = self._given, {}
        upgrade, self._upgrade = self._upgrade, None
        block, made = self.chain.make(max(wall, last + 1), self.waiting.candidates(), given, upgrade)
        for extrinsic, refusal in made.refused:
            log.info("block %d refused 0x%s: %s", block.number, extrinsic.hash.hex()[:16], refusal.text)
        self.waiting.after_block(block, made)
        for listener in tuple(self._listeners):
            listener(block, made.changes)
        return block

    def next_time(self) -> int:
        """One block time after the newest block, in ms: time that is made, not waited for."""
        last: int = Timestamp.Now.get(self.chain.store)
        return last + self.machine.block_ms if last else int(time.time() * 1000)

    def give(self, values: Mapping[bytes, bytes | None]) -> None:
        """Set storage values from outside; they hold from the next block on."""
        self._given.update(values)

    def upgrade(self, spec: Spec) -> None:
        """Become another runtime: the next block says so, the one after it is the first that the new one makes.

        ValueError when it is not newer than the runtime of now.
        """
        if spec.version <= self.chain.spec.version:
            raise ValueError(f"the runtime is spec {self.chain.spec.version} already; one is never taken back")
        self._upgrade = spec

    def reorganise(self, depth: int) -> list[Block]:
        """Give up the newest ``depth`` blocks and make one more in their place. ValueError for final ones."""
        last, spec = Timestamp.Now.get(self.chain.store), self.chain.spec
        for block in self.chain.retreat(depth):
            self.waiting.retract(block)
        if spec != self.chain.spec:
            self._upgrade = spec  # it was decided in a block that is given up, and is so again
        return [self.make_block(last + self.machine.block_ms * place) for place in range(1, depth + 2)]

    async def run(self) -> None:
        """Make a block every block time, without drift; after a long pause (sleep) it does not catch up."""
        step = self.machine.block_ms / 1000
        due = time.monotonic() + step
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not self.faults.stalled and not self.manual:
                self.make_block()
            due = max(due + step, time.monotonic() + step / 10)

    def sign(self, signer: Signer, pallet: str, call: str, arguments: Mapping[str, Any]) -> bytes:
        """An extrinsic signed as any client's, mortal, with the signer's next nonce."""
        call_bytes = RUNTIME_CALL.encode((pallet, (call, arguments)))
        chain = self.chain
        head = chain.head
        era = (_ERA_PERIOD, head.number % _ERA_PERIOD)
        extra = signed_extra(era, self.waiting.next_index(signer.public_key))
        payload = signing_payload(call_bytes, extra, chain.spec, chain.genesis_hash, head.hash)
        return encode_signed(signer.public_key, signer.crypto_type, signer.sign(payload), extra, call_bytes)

    def send(
        self, signer: Signer, pallet: str, call: str, arguments: Mapping[str, Any], watcher: Watcher | None = None
    ) -> bytes:
        """Sign and put into the waiting room; the extrinsic's hash. Raises ``waiting.Refused``."""
        return self.waiting.submit(self.sign(signer, pallet, call, arguments), watcher)
