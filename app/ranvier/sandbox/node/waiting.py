"""Extrinsics that wait for a block: ready ones, and future ones whose nonce is not yet their account's turn."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ranvier.sandbox.codec.scale import ScaleError
from ranvier.sandbox.frame.extrinsic import Extrinsic, decode_extrinsic
from ranvier.sandbox.node.chain import Block, Chain
from ranvier.sandbox.pallets.system import System
from ranvier.sandbox.runtime.machine import BlockMade, InvalidTransaction

Watcher = Callable[[Any], None]
"""Gets each status of an extrinsic, in the form of ``author_extrinsicUpdate``."""

_READY_LIMIT = 8192
_FUTURE_LIMIT = 512
_BANNED_LIMIT = 20_000
_BLOCK_LIMIT = 400


class Refused(Exception):  # noqa: N818  # an answer to the sender
    """The pool does not take an extrinsic: a JSON-RPC error as a node gives it."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(f"{message}: {data}" if data else message)
        self.code = code
        self.message = message
        self.data = data


@dataclass
class Entry:
    """One waiting extrinsic."""

    extrinsic: Extrinsic
    hash: bytes
    arrival: int
    ready: bool = False
    watchers: list[Watcher] = field(default_factory=list)

    def tell(self, status: Any) -> None:
        for watcher in tuple(self.watchers):
            watcher(status)


class WaitingRoom:
    """The transaction pool of one chain."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._arrivals = itertools.count()
        self._by_hash: dict[bytes, Entry] = {}
        self._by_sender: dict[bytes, dict[int, Entry]] = {}
        self._banned: OrderedDict[bytes, None] = OrderedDict()
        self._included: list[tuple[int, bytes, list[Entry]]] = []
        self._ready = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._by_hash.values()))

    def submit(self, encoded: bytes, watcher: Watcher | None = None) -> bytes:
        """Check an extrinsic against the newest state and keep it; returns its hash. Raises Refused."""
        try:
            extrinsic = decode_extrinsic(encoded)
            self._chain.machine.check_call(self._chain.spec, extrinsic)
        except ScaleError as error:
            raise Refused(
                1002, f"Verification Error: Runtime error: Could not decode the extrinsic: {error}"
            ) from error
        hash_ = extrinsic.hash
        if hash_ in self._by_hash:
            raise Refused(1013, "Transaction Already Imported", f"0x{hash_.hex()}")
        if hash_ in self._banned:
            raise Refused(1012, "Transaction is temporarily banned")
        chain = self._chain
        try:
            self._check_signature(extrinsic)
            ahead = chain.machine.check_nonce(chain.store, extrinsic)
            chain.machine.check_admission(chain.store, extrinsic, chain.head.number + 1)
        except InvalidTransaction as refusal:
            raise Refused(1010, "Invalid Transaction", refusal.text) from refusal
        assert extrinsic.signer is not None
        theirs = self._by_sender.get(extrinsic.signer, {})
        if extrinsic.nonce in theirs:
            priority = 2**63 - 1  # every call of one class has the same priority: a tip buys nothing
            raise Refused(
                1014,
                f"Priority is too low: ({priority} vs {priority})",
                "The transaction has too low priority to replace another transaction already in the pool.",
            )
        before = theirs.get(extrinsic.nonce - 1)
        ready = ahead == 0 or (before is not None and before.ready)
        self._make_room(ready)
        entry = Entry(extrinsic, hash_, next(self._arrivals), watchers=[watcher] if watcher else [])
        self._by_hash[hash_] = entry
        self._by_sender.setdefault(extrinsic.signer, {})[extrinsic.nonce] = entry
        if not ready:
            entry.tell("future")
        else:
            self._promote(extrinsic.signer, extrinsic.nonce)
        return hash_

    def _make_room(self, ready: bool) -> None:
        count = self._ready if ready else len(self._by_hash) - self._ready
        if count >= (_READY_LIMIT if ready else _FUTURE_LIMIT):
            raise Refused(1016, "Immediately Dropped", "The transaction couldn't enter the pool because of the limit")

    def _promote(self, sender: bytes, nonce: int) -> None:
        """The sender's entries from ``nonce`` on are ready, up to the next gap."""
        theirs = self._by_sender.get(sender, {})
        while (entry := theirs.get(nonce)) is not None and not entry.ready:
            entry.ready = True
            self._ready += 1
            entry.tell("ready")
            nonce += 1

    def _in_turn(self, sender: bytes) -> Iterator[Entry]:
        """The sender's entries without a gap from the account's nonce on."""
        theirs = self._by_sender.get(sender, {})
        nonce = System.Account.get(self._chain.store, sender)["nonce"]
        while nonce in theirs:
            yield theirs[nonce]
            nonce += 1

    def next_index(self, account: bytes) -> int:
        """The nonce that the account's next extrinsic needs, counting those that wait here."""
        nonce: int = System.Account.get(self._chain.store, account)["nonce"]
        return nonce + sum(1 for _ in self._in_turn(account))

    def candidates(self) -> list[Extrinsic]:
        """Ready extrinsics for one block, in order of arrival, each account's by nonce."""
        queues = {sender: list(self._in_turn(sender)) for sender in self._by_sender}
        waiting = [entry for queue in queues.values() for entry in queue]
        # A later nonce that came first waits for the earlier one.
        times: dict[bytes, int] = {}
        order: list[tuple[int, int, Entry]] = []
        for entry in waiting:
            assert entry.extrinsic.signer is not None
            at = max(entry.arrival, times.get(entry.extrinsic.signer, -1))
            times[entry.extrinsic.signer] = at
            order.append((at, entry.extrinsic.nonce, entry))
        order.sort(key=lambda row: row[:2])
        return [entry.extrinsic for _, _, entry in order[:_BLOCK_LIMIT]]

    def after_block(self, block: Block, made: BlockMade) -> None:
        """Tell watchers what the block did, drop what can never be included, find what is ready now."""
        included = []
        for extrinsic in made.extrinsics:
            self._ban(extrinsic.hash)
            entry = self._remove(extrinsic.hash)
            if entry is not None:
                entry.tell({"inBlock": f"0x{block.hash.hex()}"})
                included.append(entry)
        for extrinsic, _ in made.refused:
            self._ban(extrinsic.hash)
            self._drop(extrinsic.hash, "invalid")
        self._included.append((block.number, block.hash, included))
        self._finalize()
        for sender in tuple(self._by_sender):
            nonce = System.Account.get(self._chain.store, sender)["nonce"]
            for entry in [e for n, e in self._by_sender[sender].items() if n < nonce]:
                self._remove(entry.hash)
                entry.tell("invalid")
            self._promote(sender, nonce)
        self._expire(block.number)

    def retract(self, block: Block) -> None:
        """The newest block is given up: what was in it waits again, and its watchers hear so."""
        while self._included and self._included[-1][0] >= block.number:
            _, hash_, entries = self._included.pop()
            for entry in entries:
                self._banned.pop(entry.hash, None)
                assert entry.extrinsic.signer is not None
                self._by_hash[entry.hash] = entry
                self._by_sender.setdefault(entry.extrinsic.signer, {})[entry.extrinsic.nonce] = entry
                self._ready += entry.ready
                entry.tell({"retracted": f"0x{hash_.hex()}"})

    def forget_watcher(self, watcher: Watcher) -> None:
        """Its connection is gone."""
        for entry in itertools.chain(self, *(entries for _, _, entries in self._included)):
            if watcher in entry.watchers:
                entry.watchers.remove(watcher)

    def _finalize(self) -> None:
        final = self._chain.finalized.number
        while self._included and self._included[0][0] <= final:
            _, hash_, entries = self._included.pop(0)
            for entry in entries:
                entry.tell({"finalized": f"0x{hash_.hex()}"})

    def _expire(self, head: int) -> None:
        """A mortal extrinsic whose time is over would only fail its signature."""
        for entry in self:
            era = entry.extrinsic.era
            if era is not None and head % 4 == 0 and self._expired(entry):
                self._ban(entry.hash)
                self._drop(entry.hash, "invalid")

    def _expired(self, entry: Entry) -> bool:
        try:
            self._check_signature(entry.extrinsic)
        except InvalidTransaction:
            return True
        return False

    def _check_signature(self, extrinsic: Extrinsic) -> None:
        chain = self._chain
        head = chain.head
        spec = chain.spec
        chain.machine.check_signature(chain.store, spec, extrinsic, head.number, head.hash, chain.genesis_hash)

    def _ban(self, hash_: bytes) -> None:
        self._banned[hash_] = None
        while len(self._banned) > _BANNED_LIMIT:
            self._banned.popitem(last=False)

    def _drop(self, hash_: bytes, status: str) -> None:
        """Give one up; those of its sender that come after it wait for another one in its place."""
        entry = self._remove(hash_)
        if entry is None:
            return
        entry.tell(status)
        assert entry.extrinsic.signer is not None
        nonce, theirs = entry.extrinsic.nonce + 1, self._by_sender.get(entry.extrinsic.signer, {})
        while (later := theirs.get(nonce)) is not None and later.ready:
            later.ready = False
            self._ready -= 1
            later.tell("future")
            nonce += 1

    def _remove(self, hash_: bytes) -> Entry | None:
        entry = self._by_hash.pop(hash_, None)
        if entry is None or entry.extrinsic.signer is None:
            return None
        self._ready -= entry.ready
        theirs = self._by_sender[entry.extrinsic.signer]
        del theirs[entry.extrinsic.nonce]
        if not theirs:
            del self._by_sender[entry.extrinsic.signer]
        return entry
