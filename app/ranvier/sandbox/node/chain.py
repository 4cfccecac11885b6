"""The chain: blocks by number and hash, the state after each, and how the next one is made and kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ranvier.sandbox.codec.scale import encode_compact
from ranvier.sandbox.codec.types import DIGEST, HEADER
from ranvier.sandbox.frame.extrinsic import Extrinsic
from ranvier.sandbox.frame.state import Overlay, PastState, StateDiscardedError, Store
from ranvier.sandbox.frame.storage import blake2_256
from ranvier.sandbox.frame.version import Spec, spec_of
from ranvier.sandbox.node.journal import BlockRecord, Journal, Snapshot
from ranvier.sandbox.runtime.machine import BlockMade, Machine

FINALITY_LAG = 2
_HASH = 32


@dataclass(frozen=True)
class Block:
    """A block as clients see it."""

    number: int
    hash: bytes
    header_bytes: bytes
    extrinsics: tuple[bytes, ...]

    @cached_property
    def header(self) -> dict[str, Any]:
        return dict(HEADER.decode(self.header_bytes))


class Chain:
    """Blocks 0 to head. ``history`` blocks keep their body and state; hashes are kept for ever."""

    def __init__(self, machine: Machine, journal: Journal | None, history: int = 4096) -> None:
        self.machine = machine
        self.store = Store(history)
        self._journal = journal
        self._hashes = bytearray()
        self._blocks: deque[Block] = deque(maxlen=history + 1)
        self._by_hash: dict[bytes, Block] = {}
        self._final = 0
        self.finality_stands = False

    def begin(self, values: Mapping[bytes, bytes]) -> None:
        """Make block 0 from the first state."""
        root = blake2_256(b"".join(key + blake2_256(value) for key, value in sorted(values.items())))
        header = _header(bytes(_HASH), 0, root, [], DIGEST.encode({"logs": []}))
        record = BlockRecord(0, blake2_256(header), header, [], {})
        self.store.load(0, values)
        self._append(record)
        self._snapshot(record)

    def resume(self, snapshot: Snapshot, blocks: Iterable[BlockRecord]) -> None:
        """Go on from what the journal kept."""
        self.store.load(snapshot.block.number, snapshot.values)
        self._hashes[:] = snapshot.hashes[: snapshot.block.number * _HASH]
        self._append(snapshot.block)
        for block in blocks:
            self.store.apply(block.number, block.changes)
            self._append(block)

    @property
    def head(self) -> Block:
        return self._blocks[-1]

    @property
    def finalized(self) -> Block:
        """The block that can no longer change: a fixed number of blocks behind the head, or where finality stands."""
        return self._blocks[-1 - min(self.head.number - self._final, len(self._blocks) - 1)]

    @property
    def genesis_hash(self) -> bytes:
        return bytes(self._hashes[:_HASH])

    def hash_of(self, number: int) -> bytes | None:
        """The hash of block ``number``, or None when there is no such block."""
        if not 0 <= number <= self.head.number:
            return None
        return bytes(self._hashes[number * _HASH : (number + 1) * _HASH])

    def block(self, hash_: bytes) -> Block | None:
        """A block by hash, None when it is unknown or its body is no longer kept."""
        return self._by_hash.get(hash_)

    def number_of(self, hash_: bytes) -> int | None:
        """The number of any block, however old."""
        known = self._by_hash.get(hash_)
        if known is not None:
            return known.number
        at = -1
        while (at := self._hashes.find(hash_, at + 1)) >= 0:
            if at % _HASH == 0:
                return at // _HASH
        return None

    @property
    def spec(self) -> Spec:
        """The runtime that makes the next block."""
        return spec_of(self.store)

    def state_at(self, number: int) -> PastState:
        """The state after block ``number``; StateDiscardedError when it is too old."""
        return self.store.at(number)

    def make(
        self,
        now_ms: int,
        candidates: Iterable[Extrinsic],
        given: Mapping[bytes, bytes | None] | None = None,
        upgrade: Spec | None = None,
    ) -> tuple[Block, BlockMade]:
        """Make, keep and become the next block. Raises StorageError when it cannot be kept: then it is not made.

        ``given`` are values that a developer sets from outside; they hold from the begin of the block;
        ``upgrade`` is the runtime of the blocks after this one.
        """
        parent = self.head
        slot = now_ms // self.machine.block_ms
        logs: list[Any] = [("PreRuntime", (b"aura", slot.to_bytes(8, "little")))]
        if upgrade is not None:
            logs.append(("RuntimeEnvironmentUpdated", ()))
        digest = DIGEST.encode({"logs": logs})
        number = parent.number + 1
        base = Overlay(self.store)
        for key, value in (given or {}).items():
            base.put(key, value)
        made = self.machine.make_block(
            base, number, parent.hash, self.genesis_hash, now_ms, digest, candidates, upgrade
        )
        made.changes = {**base.changes(), **made.changes}
        encoded = [extrinsic.encoded for extrinsic in made.extrinsics]
        header = _header(parent.hash, number, self._root(parent, made.changes), encoded, digest)
        record = BlockRecord(number, blake2_256(header), header, encoded, made.changes)
        if self._journal is not None:
            self._journal.append(record)
        self.store.apply(number, made.changes)
        block = self._append(record)
        if self._journal is not None and self._journal.wants_snapshot:
            self._snapshot(record)
        return block, made

    def retreat(self, depth: int) -> list[Block]:
        """Give up the newest blocks, newest first: never a final one. ValueError when that cannot be."""
        loose = self.head.number - self.finalized.number
        if not 0 < depth <= loose:
            raise ValueError(f"at most the {loose} newest blocks are not final")
        if self._journal is not None and self.head.number - depth < self._journal.newest_snapshot:
            raise ValueError("the state was just written to disk; try again after the next block")
        gone = []
        for _ in range(depth):
            block = self._blocks.pop()
            self._by_hash.pop(block.hash, None)
            del self._hashes[-_HASH:]
            self.store.revert()
            gone.append(block)
        return gone

    def snapshot(self) -> Snapshot:
        """The newest state with the hashes of all blocks before: enough to go on elsewhere."""
        head = self.head
        bare = BlockRecord(head.number, head.hash, head.header_bytes, list(head.extrinsics), {})
        return Snapshot(bare, bytes(self._hashes[: head.number * _HASH]), dict(self.store.values()))

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _root(self, parent: Block, changes: Mapping[bytes, bytes | None]) -> bytes:
        """Not a trie root: a hash over the parent's root and what changed. As definite, and cheap."""
        parts = [parent.header["state_root"]]
        for key, value in changes.items():
            parts += [len(key).to_bytes(4, "little"), key, b"\x00" if value is None else b"\x01" + blake2_256(value)]
        return blake2_256(b"".join(parts))

    def _append(self, record: BlockRecord) -> Block:
        block = Block(record.number, record.hash, record.header, tuple(record.extrinsics))
        if len(self._blocks) == self._blocks.maxlen:
            self._by_hash.pop(self._blocks[0].hash, None)
        self._blocks.append(block)
        self._by_hash[block.hash] = block
        self._hashes += block.hash
        if not self.finality_stands:
            self._final = max(self._final, block.number - FINALITY_LAG)
        return block

    def _snapshot(self, record: BlockRecord) -> None:
        if self._journal is None:
            return
        self._journal.write_snapshot(self.snapshot(), record.number - self.store.history)


def _header(parent: bytes, number: int, root: bytes, extrinsics: list[bytes], digest: bytes) -> bytes:
    extrinsics_root = blake2_256(b"".join(blake2_256(extrinsic) for extrinsic in extrinsics))
    return parent + encode_compact(number) + root + extrinsics_root + digest


__all__ = ["FINALITY_LAG", "Block", "Chain", "StateDiscardedError"]
