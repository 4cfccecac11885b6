"""Fills the holes of one subnet's record downwards, newest first, many epochs a step.

Each step is stored whole, rows and the blocks that they make complete in one transaction: a kill at any moment repeats
at most one step, and a repeat changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ranvier.agent.network.chain_face import Chain
from ranvier.core.errors import ChainError, NetworkError
from ranvier.ledger import coverage
from ranvier.ledger.coverage import Covered, Gap, Span
from ranvier.ledger.store import Ledger, Payment

log = logging.getLogger(__name__)

EPOCHS_A_STEP = 64  # read together: a dozen round trips, and on a busy chain some megabytes of events
TRY_GAPS_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class Hole:
    """Blocks that all of these hotkeys lack."""

    low: int
    high: int
    hotkeys: frozenset[str]


def newest_hole(holes: Mapping[str, Sequence[Span]]) -> Hole | None:
    """The newest blocks that somebody lacks, down to where somebody else begins to lack them too."""
    tops = {hotkey: spans[-1] for hotkey, spans in holes.items() if spans}
    if not tops:
        return None
    high = max(top for _, top in tops.values())
    due = frozenset(hotkey for hotkey, (_, top) in tops.items() if top == high)
    low = max(tops[hotkey][0] for hotkey in due)
    others = [top + 1 for hotkey, (_, top) in tops.items() if hotkey not in due]
    return Hole(max([low, *others]), high, due)


def forgotten(error: ChainError) -> bool:
    """Whether the node says that it no longer keeps that state."""
    return error.title == "Too long ago" or "discarded" in error.message.lower()


class EpochWalk:
    """``archive`` gives a chain that keeps everything, or None."""

    def __init__(
        self,
        chain: Chain,
        archive: Callable[[], Awaitable[Chain | None]],
        ledger: Ledger,
        netuid: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._chain, self._archive, self._ledger, self._netuid, self._now = chain, archive, ledger, netuid, now

    async def step(self, hotkeys: Iterable[str]) -> tuple[Payment, ...] | None:
        """Fill some of the newest hole; the new rows, oldest first, or None when nothing can be filled now.

        What cannot be read is noted as a gap with its reason. Raises NetworkError, LedgerError.
        """
        before_ms = int((self._now() - TRY_GAPS_AFTER_S) * 1000)
        wanted = sorted(hotkeys)
        holes = await self._ledger.read(
            lambda c: {hotkey: coverage.holes(c, self._netuid, hotkey, before_ms) for hotkey in wanted}
        )
        hole = newest_hole(holes)
        if hole is None:
            return None
        rows, low, trouble = await self._read(hole)
        new = await self._keep(hole, rows, low)
        if trouble is not None:
            # An ordinary node forgot all that is older too; any other trouble is of this one epoch.
            place = low - 1
            bad = (hole.low if forgotten(trouble) else await self._epoch_at(place, hole), place)
            await self._note_gap(hole, bad, trouble)
        return new

    async def _read(self, hole: Hole) -> tuple[list[Payment], int, ChainError | None]:
        """Rows of the hole's newest epochs, the block down to which they are all, and why it does not go on."""
        asked = (hole.low, hole.hotkeys, EPOCHS_A_STEP)
        found = await self._chain.payouts_down(self._netuid, hole.high, *asked)
        rows, low, trouble = list(found.payouts), found.low, found.trouble
        if trouble is not None and forgotten(trouble):
            other = await self._archive()
            if other is not None:
                try:
                    found = await other.payouts_down(self._netuid, low - 1, *asked)
                except NetworkError as error:  # the archive is down: that stops the past, not the present
                    trouble = ChainError("Too long ago", f"The archive does not answer: {error.message}")
                else:
                    rows, low, trouble = [*rows, *found.payouts], found.low, found.trouble
        return [Payment(**asdict(row)) for row in rows], low, trouble

    async def _keep(self, hole: Hole, rows: Sequence[Payment], low: int) -> tuple[Payment, ...]:
        if low > hole.high:
            return ()
        covered = [Covered(self._netuid, hotkey, max(low, hole.low), hole.high) for hotkey in hole.hotkeys]
        return await self._ledger.add_payments(sorted(rows, key=lambda row: row.block), covered=covered)

    async def _epoch_at(self, place: int, hole: Hole) -> int:
        """Where the trouble's epoch begins, so that the older ones can still be read; the hole's end if unknown."""
        try:
            epoch = await self._chain.last_epoch_block(self._netuid, await self._chain.block(place))
        except (ChainError, NetworkError):
            return hole.low
        return max(hole.low, min(epoch, place))

    async def _note_gap(self, hole: Hole, blocks: Span, error: ChainError) -> None:
        reason = " ".join(part for part in (error.message, error.hint) if part)
        log.warning("subnet %s: earnings not read for blocks %s to %s: %s", self._netuid, *blocks, reason)
        tried = int(self._now() * 1000)
        gaps = [Gap(self._netuid, hotkey, *blocks, reason, tried) for hotkey in sorted(hole.hotkeys)]
        await self._ledger.write(lambda connection: coverage.note_gaps(connection, gaps))
