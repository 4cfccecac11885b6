"""Writes what our hotkeys were paid, epoch by epoch, from the chain's own event; reads up what was missed.

An epoch is written once its block is final, so that a block that is taken back leaves nothing behind. The newest
epoch done is remembered per subnet and hotkey in the same transaction as its rows: a kill at any moment repeats at
most one epoch, and a repeat changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ranvier.agent.chain_face import Chain
from ranvier.agent.chain_watch import Head
from ranvier.chain.model import EpochPayment
from ranvier.core.errors import ChainError, LedgerError, RanvierError
from ranvier.ledger.store import Ledger, Payment

log = logging.getLogger(__name__)

LONGEST_WALK = 400  # epochs: about twenty days at a tempo of 360
_RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class Target:
    """A hotkey whose pay on one subnet is ours to note, from ``since_block`` (None: from the newest epoch on)."""

    netuid: int
    hotkey_ss58: str
    since_block: int | None = None


class LedgerWriter:
    """``on_head`` only takes note; ``run`` does the work, so that a long walk back holds nothing up.

    ``ledger_of`` gives the ledger of a network (None: not open), ``targets`` whom to note there. ``wrote`` is told
    new rows, ``noted`` the network after a new epoch was noted whole, ``trouble`` the error of the moment, or None
    when all is well again.
    """

    def __init__(
        self,
        ledger_of: Callable[[str], Ledger | None],
        targets: Callable[[str], Iterable[Target]],
        wrote: Callable[[tuple[Payment, ...]], None],
        noted: Callable[[str], None],
        trouble: Callable[[RanvierError | None], None],
        *,
        retry_s: float = _RETRY_S,
    ) -> None:
        self._ledger_of = ledger_of
        self._targets = targets
        self._wrote = wrote
        self._noted = noted
        self._trouble = trouble
        self._retry_s = retry_s
        self._head: Head | None = None
        self._arrived = asyncio.Event()
        self._done: dict[tuple[str, str | None, int], tuple[int, frozenset[Target]]] = {}
        self._written: dict[tuple[str, int], int] = {}

    async def on_head(self, head: Head) -> None:
        self._head = head
        self._arrived.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            head = self._head
            if head is None:
                continue
            try:
                await self.catch_up(head)
                self._trouble(None)
            except LedgerError as error:
                log.error("ledger: %s", error)
                self._trouble(error)
                await asyncio.sleep(self._retry_s)
                self._arrived.set()
            except RanvierError as error:
                log.warning("reading earnings: %s", error)
                await asyncio.sleep(min(1.0, self._retry_s))

    def last_epoch(self, network: str, netuid: int) -> int | None:
        """The newest epoch block whose payments are all written, None when that is not known."""
        return self._written.get((network, netuid))

    async def catch_up(self, head: Head) -> None:
        """Write every epoch that is final, not written yet and not before its target's first block."""
        ledger = self._ledger_of(head.network)
        if ledger is None:
            return
        by_netuid: dict[int, set[Target]] = {}
        for target in self._targets(head.network):
            by_netuid.setdefault(target.netuid, set()).add(target)
        for netuid, targets in sorted(by_netuid.items()):
            last = await head.chain.last_epoch_block(netuid, head.block)
            key = (head.network, head.chain.genesis_hash, netuid)
            if last <= 0 or self._done.get(key) == (last, frozenset(targets)):
                continue
            final = min(head.block.number, await head.chain.finalized())
            await _Walk(head.chain, ledger, netuid, targets, self._wrote).go(last, final)
            if last <= final:
                self._done[key] = (last, frozenset(targets))
                self._written[head.network, netuid] = last
                self._noted(head.network)


class _Walk:
    """One subnet's missing epochs: found going back from the newest, written from the oldest on."""

    def __init__(
        self,
        chain: Chain,
        ledger: Ledger,
        netuid: int,
        targets: set[Target],
        wrote: Callable[[tuple[Payment, ...]], None],
    ) -> None:
        self._chain, self._ledger, self._netuid, self._targets, self._wrote = chain, ledger, netuid, targets, wrote

    async def go(self, last: int, final: int) -> None:
        seen = {target.hotkey_ss58: await self._seen(target, last) for target in self._targets}
        floor = min(seen.values())
        if floor >= last:
            return
        blocks, gap = await self._epochs_back(last, floor)
        if gap is not None:
            await self._note_gap(blocks[-1], f"{floor + 1} to {blocks[-1] - 1}: {gap}")
        for block in reversed(blocks):
            if block > final:
                break
            due = {hotkey for hotkey, done in seen.items() if done < block}
            paid = [
                _row(one) for one in await self._chain.epoch_payments(self._netuid, block) if one.hotkey_ss58 in due
            ]
            new = await self._ledger.add_payments(paid, {self._key(hotkey): str(block) for hotkey in due})
            seen.update(dict.fromkeys(due, block))
            if new:
                self._wrote(new)

    async def _seen(self, target: Target, last: int) -> int:
        """The newest block up to which this hotkey needs nothing more."""
        known = await self._ledger.recall(self._key(target.hotkey_ss58))
        if known is not None:
            return int(known)
        return last - 1 if target.since_block is None else max(0, target.since_block - 1)

    async def _epochs_back(self, last: int, floor: int) -> tuple[list[int], str | None]:
        """Epoch blocks above ``floor``, newest first, and why the walk ended early, if it did."""
        blocks = [last]
        while len(blocks) < LONGEST_WALK:
            if blocks[-1] - 1 <= floor:
                return blocks, None
            try:
                before = await self._chain.block(blocks[-1] - 1)
                previous = await self._chain.last_epoch_block(self._netuid, before)
            except ChainError as error:  # an ordinary node forgets state after an hour
                return blocks, error.message
            if previous <= floor or previous >= blocks[-1]:
                return blocks, None
            blocks.append(previous)
        return blocks, f"more than {LONGEST_WALK} epochs were missed"

    async def _note_gap(self, block: int, text: str) -> None:
        """What could not be read is noted as such, never passed over in silence."""
        log.warning("subnet %s: earnings not read for blocks %s", self._netuid, text)
        await self._ledger.remember({f"gap:{self._netuid}:{block}": text})

    def _key(self, hotkey_ss58: str) -> str:
        return f"epoch:{self._netuid}:{hotkey_ss58}"


def _row(paid: EpochPayment) -> Payment:
    return Payment(
        netuid=paid.netuid,
        mechanism=paid.mechanism,
        block=paid.block,
        hotkey_ss58=paid.hotkey_ss58,
        uid=paid.uid,
        time_ms=paid.time_ms,
        alpha_rao=paid.alpha_rao,
        price_rao=paid.price_rao,
        block_hash=paid.block_hash,
    )
