"""Writes what our hotkeys were paid, epoch by epoch, from the chain's own event; reads up what was missed.

An epoch is written once its block is final, so that a block that is taken back leaves nothing behind. The newest
epochs come first, then the older ones; the past of one subnet does not keep another's newest epoch waiting.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from ranvier.agent.money.epoch_walk import TRY_GAPS_AFTER_S, EpochWalk
from ranvier.agent.network.chain_face import Chain
from ranvier.agent.network.chain_watch import Head
from ranvier.core.errors import LedgerError, RanvierError
from ranvier.ledger import coverage
from ranvier.ledger.store import Ledger, Payment

log = logging.getLogger(__name__)

_RETRY_S = 5.0
_Key = tuple[str, str | None, int]
_State = tuple[int, frozenset["Target"], frozenset[str], int]


@dataclass(frozen=True, slots=True)
class Target:
    """A hotkey whose pay on one subnet is ours to note, from ``since_block`` (None: from the newest epoch on)."""

    netuid: int
    hotkey_ss58: str
    since_block: int | None = None


@dataclass(frozen=True, slots=True)
class _Work:
    """One subnet's reading: ``last`` is its newest epoch if that is final; ``state`` what makes it done."""

    key: _Key
    last: int | None
    targets: frozenset[Target]
    hotkeys: frozenset[str]
    state: _State


class LedgerWriter:
    """``on_head`` only takes note; ``run`` does the work, so that a long walk back holds nothing up.

    ``ledger_of`` gives the ledger of a network (None: not open), ``targets`` whom to note there. ``wrote`` is told
    new rows, ``noted`` the network after a new epoch was noted, ``trouble`` the error of the moment, or None when all
    is well again. ``archive`` gives a chain that forgets nothing, for a network, or None.
    """

    def __init__(
        self,
        ledger_of: Callable[[str], Ledger | None],
        targets: Callable[[str], Iterable[Target]],
        wrote: Callable[[tuple[Payment, ...]], None],
        noted: Callable[[str], None],
        trouble: Callable[[RanvierError | None], None],
        *,
        archive: Callable[[str], Awaitable[Chain | None]] | None = None,
        retry_s: float = _RETRY_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._ledger_of = ledger_of
        self._targets = targets
        self._wrote = wrote
        self._noted = noted
        self._trouble = trouble
        self._archive = archive
        self._retry_s = retry_s
        self._now = now
        self._head: Head | None = None
        self._arrived = asyncio.Event()
        self._done: dict[_Key, _State] = {}
        self._written: dict[tuple[str, int], int] = {}

    async def on_head(self, head: Head) -> None:
        self._head = head
        self._arrived.set()

    def again(self) -> None:
        """Look at everything anew: what is wanted, or where it can be read, has changed."""
        self._done.clear()
        if self._head is not None:
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
        """Write every epoch that is final, wanted and not written yet; leaves off when a newer head has arrived."""
        ledger = self._ledger_of(head.network)
        if ledger is None:
            return
        targets: dict[int, set[Target]] = {}
        for target in self._targets(head.network):
            targets.setdefault(target.netuid, set()).add(target)
        left: dict[int, set[str]] = {}  # followed once: what is still missing of their past is filled too
        for netuid, hotkey in await ledger.read(coverage.all_followed):
            left.setdefault(netuid, set()).add(hotkey)
        works = []
        for netuid in sorted({*targets, *left}):
            mine = frozenset(targets.get(netuid, ()))
            hotkeys = frozenset(left.get(netuid, ())) | {target.hotkey_ss58 for target in mine}
            last = await head.chain.last_epoch_block(netuid, head.block)
            state = (last, mine, hotkeys, int(self._now() / TRY_GAPS_AFTER_S))
            key = (head.network, head.chain.genesis_hash, netuid)
            if self._done.get(key) == state:
                continue
            if last > 0:
                final = await self._want(head, ledger, netuid, last, mine)
                works.append(_Work(key, last if final else None, mine, hotkeys, state))
            elif netuid in left:
                await self._want_rest(head, ledger, netuid, left[netuid])
                works.append(_Work(key, last, mine, hotkeys, state))
        while works:
            works = [work for work in works if await self._step(head, ledger, work)]
            if self._arrived.is_set():
                break

    async def _want(self, head: Head, ledger: Ledger, netuid: int, last: int, targets: Iterable[Target]) -> bool:
        """Note which blocks are wanted, up to the newest final epoch; whether that is ``last``."""
        height = min(head.block.number, await head.chain.finalized())
        newest = last
        if last > height:
            newest = await head.chain.last_epoch_block(netuid, await head.chain.block(height)) if height > 0 else 0
        if newest > 0:
            since = {target.hotkey_ss58: target.since_block for target in targets}
            since |= {one.hotkey_ss58: one.since_block for one in targets if one.since_block is not None}

            await ledger.write(lambda connection: coverage.want(connection, netuid, since, newest))
        return newest == last

    async def _want_rest(self, head: Head, ledger: Ledger, netuid: int, hotkeys: Iterable[str]) -> None:
        """A subnet that was followed is no more: what it paid until its end is still wanted."""
        height = min(head.block.number, await head.chain.finalized())
        since = dict.fromkeys(hotkeys)
        await ledger.write(lambda connection: coverage.want(connection, netuid, since, height))

    async def _step(self, head: Head, ledger: Ledger, work: _Work) -> bool:
        """One step of the walk; False when there is nothing left that can be done now."""

        async def archive() -> Chain | None:
            return None if self._archive is None else await self._archive(head.network)

        netuid, last = work.key[2], work.last
        new = await EpochWalk(head.chain, archive, ledger, netuid, self._now).step(work.hotkeys)
        if new:
            self._wrote(new)
        if last is not None and self._written.get((head.network, netuid)) != last:
            mine = [target.hotkey_ss58 for target in work.targets]
            if await ledger.read(lambda c: all(_covers(coverage.spans(c, netuid, one), last) for one in mine)):
                self._written[head.network, netuid] = last
                self._noted(head.network)
        if new is None and last is not None:
            self._done[work.key] = work.state
        return new is not None


def _covers(spans: Iterable[tuple[int, int]], block: int) -> bool:
    return any(low <= block <= high for low, high in spans)
