"""Follows our positions through the chain's own events, so that the books hold trades made with any tool.

Only final blocks are read. A stretch is stored whole, with how far it goes and where alpha went in it, in one
transaction: a kill at any moment repeats at most one stretch, and a repeat changes nothing.

What a position holds does not tell everything: what was bought and sold again leaves it as it was. So the coldkeys'
own transactions are looked through too, and each position that they touched is read at their blocks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ranvier.agent.money.epoch_walk import forgotten
from ranvier.agent.network.chain_face import Chain
from ranvier.agent.network.chain_watch import Head
from ranvier.chain.model import ROOT, BlockRef, Place
from ranvier.core.errors import ChainError, NetworkError, RanvierError
from ranvier.ledger import changes, coverage
from ranvier.ledger.changes import KEY_SWAP, REST, UNKNOWN, Change, Looked, Walked
from ranvier.ledger.crosscheck import ROUNDING_RAO_EACH
from ranvier.ledger.store import Ledger

if TYPE_CHECKING:
    from ranvier.chain.position_steps import Step

log = logging.getLogger(__name__)

_BLOCKS_AT_ONCE = 16_384
_NEW = "It is not read yet."
_EVERY_S, _EVERY_SANDBOX_S = 600.0, 20.0


class TradeWalk:
    """``coldkeys`` gives those whose positions are followed on a network, ``ledger_of`` its ledger, ``archive`` a chain
    that forgets nothing, or None."""

    def __init__(
        self,
        ledger_of: Callable[[str], Ledger | None],
        coldkeys: Callable[[str], Iterable[str]],
        archive: Callable[[str], Awaitable[Chain | None]],
    ) -> None:
        self._ledger_of, self._coldkeys, self._archive = ledger_of, coldkeys, archive
        self._head: Head | None = None
        self._adrift: dict[Place, int] = {}  # how much of their pay was looked at again
        self._arrived = asyncio.Event()
        self._lock = asyncio.Lock()

    async def on_head(self, head: Head) -> None:
        self._head = head
        self._arrived.set()

    async def run(self) -> None:
        """Follow what is new now and then, until cancelled."""
        while True:
            await self._arrived.wait()
            head = self._head
            if head is not None:
                try:
                    await self.follow(head)
                except RanvierError as error:
                    log.warning("following positions: %s", error)
            await asyncio.sleep(_EVERY_SANDBOX_S if head is not None and head.network == "sandbox" else _EVERY_S)
            self._arrived.clear()

    async def follow(self, head: Head) -> None:
        """Bring every position up to the newest final block. Raises NetworkError, ChainError, LedgerError."""
        ledger, coldkeys = self._ledger_of(head.network), sorted(set(self._coldkeys(head.network)))
        if ledger is None or not coldkeys:
            return
        async with self._lock:
            height = min(head.block.number, await head.chain.finalized())
            at = await head.chain.block(height)
            held = {
                (one.hotkey_ss58, one.coldkey_ss58, one.netuid): one.alpha_rao
                for one in await head.chain.positions(coldkeys, at) if one.netuid != ROOT
            }  # fmt: skip
            looked = await ledger.read(lambda c: {one: changes.looked(c, one) for one in coldkeys})
            paid = await ledger.read(lambda c: changes.paid_places(c, coldkeys))
            done: set[Place] = set()
            while True:  # a walk may find positions that are empty again by now
                known = {one.place: one for one in await ledger.read(changes.walks) if one.coldkey_ss58 in coldkeys}
                wanted = await ledger.read(coverage.all_followed)
                due = sorted({*held, *known, *paid} - done)
                # Those with a past come first: they may tell since when another one has been there.
                places = [place for place in due if place in known or (place[2], place[0]) in wanted] or due
                if places:
                    done.update(places)
                    states = {place: known.get(place) or _since(place, looked[place[1]]) for place in places}
                    await self._places(head, ledger, states, at, held)
                elif not await self._unseen(head, ledger, looked, at, held):
                    break
            for place, paid_blocks in (await ledger.read(lambda c: changes.adrift(c, paid))).items():
                if self._adrift.get(place) != len(paid_blocks):
                    self._adrift[place] = len(paid_blocks)
                    await self._catch(head, ledger, place, at, held.get(place, 0), paid_blocks)
            seen = {key: replace(one, block=at.number, time_ms=at.time_ms or 0) for key, one in looked.items()}
            await ledger.write(lambda c: changes.keep_looked(c, seen))

    async def _unseen(
        self, head: Head, ledger: Ledger, looked: dict[str, Looked], at: BlockRef, held: Mapping[Place, int]
    ) -> bool:
        """Look through the coldkeys' own transactions where that is still to be done, and note it in ``looked``;
        whether any position was read for it."""
        found = False
        for coldkey in looked:
            known = [one for one in await ledger.read(changes.walks) if one.coldkey_ss58 == coldkey]
            begin = min([looked[coldkey].block or at.number, *(one.from_block for one in known)])
            for low, high in coverage.missing((begin + 1, at.number), looked[coldkey].spans):
                try:
                    touched = await self._own_moves(head, coldkey, low - 1, high, [one.place for one in known])
                    for place, blocks in touched.items():
                        if place[2] != ROOT:
                            await self._again(
                                head, ledger, place, low - 1, looked[coldkey], at, held.get(place, 0), blocks
                            )  # fmt: skip
                except ChainError as error:
                    log.warning("transactions of %s, blocks %s to %s: %s", coldkey, low, high, error.message)
                    looked[coldkey] = replace(looked[coldkey], trouble=_words(error))
                else:
                    spans = coverage.merged([*looked[coldkey].spans, (low, high)])
                    looked[coldkey] = replace(looked[coldkey], spans=tuple(spans), trouble="")
                    found = found or bool(touched)
        return found

    async def _again(
        self, head: Head, ledger: Ledger, place: Place, begin: int, looked: Looked, at: BlockRef, held: int,
        blocks: Collection[int],
    ) -> None:  # fmt: skip
        """Read a position from the end of block ``begin`` on, and at these blocks even where it is the same before and
        after; what the book has of it stays. Raises ChainError when that cannot be done now.
        """
        state = {one.place: one for one in await ledger.read(changes.walks)}.get(place)
        if state is None:  # it was touched, and was never seen: it may be empty again
            first = min(blocks)
            state = _since(place, looked) if looked.block < first else None
            state = state or await self._opened(head, ledger, place, first - 1)
        if not any(block > state.from_block for block in blocks):
            return
        state = replace(state, to_block=max(state.from_block, min(state.to_block, begin)), trouble=_NEW)
        await self._keep(ledger, (), [state])
        await self._walk(head, ledger, state, at.number, held, blocks)

    async def _catch(
        self, head: Head, ledger: Ledger, place: Place, at: BlockRef, held: int, blocks: Collection[int]
    ) -> None:
        """Pay came to be known after its position was followed, and left in the very block that paid it."""
        log.info("position of %s on subnet %s: %s blocks that paid are read again", place[0], place[2], len(blocks))
        try:
            await self._again(head, ledger, place, 0, Looked(), at, held, blocks)
        except ChainError as error:
            log.warning("position of %s on subnet %s: %s", place[0], place[2], error)

    async def _own_moves(
        self, head: Head, coldkey: str, low: int, high: int, known: Collection[Place]
    ) -> Mapping[Place, tuple[int, ...]]:
        try:
            return await head.chain.own_moves(coldkey, low, high, known)
        except ChainError as error:
            other = await self._archive(head.network) if forgotten(error) else None
            if other is None:
                raise
            return await other.own_moves(coldkey, low, high, known)

    async def _places(
        self,
        head: Head,
        ledger: Ledger,
        states: Mapping[Place, Walked | None],
        at: BlockRef,
        held: Mapping[Place, int],
    ) -> None:
        still = []
        for place, state in states.items():
            amount = held.get(place, 0)
            if state is not None:
                state = await self._from_past(head, ledger, place, state.from_block) or state
            same = state is not None and state.held_rao == amount and not state.trouble
            if state is not None and same and not await _paid(ledger, state, at.number):
                still.append(replace(state, to_block=max(state.to_block, at.number)))
            else:
                await self._place(head, ledger, place, state, at, amount)
        await ledger.write(lambda c: changes.keep(c, (), still))

    async def _place(
        self, head: Head, ledger: Ledger, place: Place, state: Walked | None, at: BlockRef, held: int
    ) -> None:
        """One position up to ``at``; what keeps it from going on is noted with it."""
        if state is None:
            state = await self._begun(head, ledger, place, at, held)
        try:
            await self._walk(head, ledger, state, at.number, held)
        except ChainError as error:
            words = _words(error)
            log.warning("position of %s on subnet %s is not followed: %s", place[0], place[2], words)
            last = {one.place: one for one in await ledger.read(changes.walks)}.get(place, state)
            await self._keep(ledger, (), [replace(last, trouble=words)])

    async def _keep(self, ledger: Ledger, rows: Iterable[Change], states: Iterable[Walked]) -> None:
        await ledger.write(lambda c: changes.keep(c, rows, states))

    async def _begun(self, head: Head, ledger: Ledger, place: Place, at: BlockRef, held: int) -> Walked:
        """Where a position is followed from: where its hotkey's pay is wanted from, if that can be read; else now."""
        state = await self._from_past(head, ledger, place, at.number)
        if state is not None:
            return state
        hotkey, coldkey, netuid = place
        state = Walked(coldkey, hotkey, netuid, at.number, at.time_ms or 0, held, at.number, held)
        await self._keep(ledger, (), [state])
        return state

    async def _from_past(self, head: Head, ledger: Ledger, place: Place, block: int) -> Walked | None:
        """Begin where the hotkey's pay is wanted from, where that is before ``block``; None when nobody keeps that."""
        hotkey, _, netuid = place
        wanted = await ledger.read(lambda c: coverage.followed(c, netuid, hotkey))
        number = block if wanted is None else max(1, wanted[0] - 1)
        if number >= block:
            return None
        try:
            return await self._opened(head, ledger, place, number)
        except (ChainError, NetworkError) as error:
            log.info("position of %s at block %s: %s", hotkey, number, error)
            return None

    async def _opened(self, head: Head, ledger: Ledger, place: Place, number: int) -> Walked:
        """Begin to follow a position at the end of a block; an archive is asked where the node forgot it."""
        state = await self._opening(head, place, number)
        await self._keep(ledger, (), [state])
        return state

    async def _opening(self, head: Head, place: Place, number: int) -> Walked:
        try:
            return await _held_at(head.chain, place, number)
        except ChainError as error:
            other = await self._archive(head.network) if forgotten(error) else None
            if other is None:
                raise
            return await _held_at(other, place, number)

    async def _walk(
        self, head: Head, ledger: Ledger, state: Walked, until: int, held: int, also: Collection[int] = ()
    ) -> None:
        """``held`` is what it holds at ``until``: the chain's rounding may differ from the sum of the steps. The
        blocks of ``also`` are read even where they left it as it was."""
        stretch = _BLOCKS_AT_ONCE
        while state.to_block < until:
            high = min(until, state.to_block + stretch)
            try:
                steps = await self._steps(head, state, high, {*also, *await _paid(ledger, state, high)})
            except ChainError as error:
                if error.title != "Too long" or stretch == 1:
                    raise
                stretch //= 2  # its epochs are short
                continue
            rows = [row for step in steps for row in rows_of(state.place, step)]
            now = held if high == until else max(0, state.held_rao + sum(one.rao for one in steps))
            state = replace(state, to_block=high, held_rao=now, trouble="")
            await self._keep(ledger, rows, [state, *await self._elsewhere(head, ledger, state.place, steps)])

    async def _steps(self, head: Head, state: Walked, high: int, also: Collection[int]) -> tuple[Step, ...]:
        try:
            return await head.chain.position_steps(state.place, state.to_block, high, also)
        except ChainError as error:
            other = await self._archive(head.network) if forgotten(error) else None
            if other is None:
                raise
            return await other.position_steps(state.place, state.to_block, high, also)

    async def _elsewhere(self, head: Head, ledger: Ledger, place: Place, steps: Iterable[Step]) -> list[Walked]:
        """Where alpha went that stayed with its coldkey: those positions are followed from there on, even if they are
        empty again by now."""
        known = {place, *(one.place for one in await ledger.read(changes.walks))}
        begun = []
        for step in steps:
            for one in step.movements:
                other = (one.hotkey_ss58, one.coldkey_ss58, one.netuid)
                if other in known or one.netuid == ROOT:
                    continue
                known.add(other)
                try:
                    begun.append(replace(await self._opening(head, other, step.block - 1), trouble=_NEW))
                except ChainError as error:
                    log.warning("position of %s at block %s: %s", other[0], step.block, error)
        return begun


async def _paid(ledger: Ledger, state: Walked, high: int) -> Collection[int]:
    """The blocks that paid a position: of what left at once nothing else is seen."""
    return await ledger.read(lambda c: changes.landed(c, state.place, high, state.to_block + 1))


async def _held_at(chain: Chain, place: Place, number: int) -> Walked:
    hotkey, coldkey, netuid = place
    at = await chain.block(number)
    held = sum(
        one.alpha_rao for one in await chain.positions([coldkey], at)
        if (one.hotkey_ss58, one.netuid) == (hotkey, netuid)
    )  # fmt: skip
    return Walked(coldkey, hotkey, netuid, number, at.time_ms or 0, held, number, held)


def _since(place: Place, looked: Looked) -> Walked | None:
    """A position that is new since all of its coldkey's were looked at: it held nothing then."""
    hotkey, coldkey, netuid = place
    block, time_ms = looked.block, looked.time_ms
    return Walked(coldkey, hotkey, netuid, block, time_ms, 0, block, 0) if block else None


def _words(error: ChainError) -> str:
    return " ".join(part for part in (error.message, error.hint) if part)


def rows_of(place: Place, step: Step) -> list[Change]:
    """What is kept of one step: each event's alpha, and what no event explains as the rest."""
    hotkey, coldkey, netuid = place
    rest, rows = step.rao, []

    def note(index: int, kind: str, rao: int, tao: int = 0) -> None:
        rows.append(Change(coldkey, hotkey, netuid, step.block, index, step.time_ms, kind, rao, tao,
                           step.price_rao if index == REST else None, step.epoch))  # fmt: skip

    moved = {one.event_index for one in step.movements}
    for one in step.movements:
        if (one.hotkey_ss58, one.coldkey_ss58, one.netuid) == place:
            note(one.event_index, one.kind, one.alpha_rao, one.tao_rao)
            rest -= one.alpha_rao
    for seen in step.events:
        if seen.alpha_rao is not None and seen.event_index not in moved:
            note(seen.event_index, seen.kind, seen.alpha_rao)
            rest -= seen.alpha_rao
    silent = next((one.kind for one in step.events if one.alpha_rao is None), UNKNOWN)
    if step.epoch and rest > 0 and silent != KEY_SWAP:
        silent = UNKNOWN  # pay may be in it
    # In an epoch nothing may be left of pay: what is kept is held against it.
    if step.epoch or abs(rest) > ROUNDING_RAO_EACH * (1 + len(step.events)):
        note(REST, silent, rest)
    return rows
