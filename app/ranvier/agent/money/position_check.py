"""Reads a position at two blocks and lets the ledger explain the change."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ranvier.agent.api.messages import CheckPosition, PositionCheck
from ranvier.agent.money.epoch_walk import forgotten
from ranvier.agent.network.chain_face import Chain
from ranvier.chain.model import BlockRef
from ranvier.core.errors import AgentError, ChainError
from ranvier.ledger import coverage, payments, receipts
from ranvier.ledger.crosscheck import Reading, explain
from ranvier.ledger.store import Ledger

if TYPE_CHECKING:
    from ranvier.chain.position_steps import Step

log = logging.getLogger(__name__)
Archive = Callable[[], Awaitable[Chain | None]]


async def check_position(
    chain: Chain, archive: Archive, ledger: Ledger, head: BlockRef, asked: CheckPosition
) -> PositionCheck:
    """Raises AgentError, NetworkError, ChainError (a block whose state nobody keeps), LedgerError."""
    until = head.number if asked.to_block is None else asked.to_block
    if not 0 <= asked.from_block <= until:
        raise AgentError("Not understood", f"Block {until} comes before block {asked.from_block}.")
    start = await _reading(chain, archive, asked, asked.from_block)
    end = await _reading(chain, archive, asked, until)
    rows = await ledger.read(lambda c: payments.between(c, asked.netuid, asked.from_block + 1, until))
    done = await ledger.read(receipts.operations)
    known = await ledger.read(lambda c: coverage.spans(c, asked.netuid, asked.hotkey_ss58))
    last = await chain.last_epoch_block(asked.netuid, await chain.block(until))
    if known and known[-1][1] >= last:  # after the newest epoch there was none yet
        known.append((known[-1][1], max(known[-1][1], until)))
    steps = await _steps(chain, archive, asked, until, changed=end.alpha_rao != start.alpha_rao)
    found = explain(
        asked.hotkey_ss58, asked.coldkey_ss58, asked.netuid, start, end, rows, done,
        covered=known or None,  # nobody asked for this hotkey's pay: only what is known is told
        steps=steps,
    )  # fmt: skip
    return PositionCheck(
        from_block=asked.from_block,
        to_block=until,
        change_rao=found.change_rao,
        lines=tuple((line.what, line.rao, line.count) for line in found.lines),
        unexplained_rao=found.unexplained_rao,
        verdict=found.verdict.value,
        sentence=found.sentence,
        value_change_rao=found.value_change_rao,
        amount_effect_rao=found.amount_effect_rao,
        price_effect_rao=found.price_effect_rao,
    )


async def _steps(
    chain: Chain, archive: Archive, asked: CheckPosition, until: int, *, changed: bool
) -> tuple[Step, ...] | None:
    """Where the position changed, or was touched; None when that cannot be read, and receipts have to do."""
    try:
        try:
            return await _steps_by(chain, asked, until, changed=changed)
        except ChainError as error:
            other = await archive() if forgotten(error) else None
            return None if other is None else await _steps_by(other, asked, until, changed=changed)
    except ChainError as error:
        log.warning("position check without its steps: %s", error)
        return None


async def _steps_by(chain: Chain, asked: CheckPosition, until: int, *, changed: bool) -> tuple[Step, ...]:
    place = (asked.hotkey_ss58, asked.coldkey_ss58, asked.netuid)
    touched = (await chain.own_moves(asked.coldkey_ss58, asked.from_block, until, [place])).get(place, ())
    if not changed and not touched:
        return ()
    return await chain.position_steps(place, asked.from_block, until, touched)


async def _reading(chain: Chain, archive: Archive, asked: CheckPosition, number: int) -> Reading:
    try:
        return await _read(chain, asked, number)
    except ChainError as error:
        other = await archive() if forgotten(error) else None
        if other is None:
            raise
        return await _read(other, asked, number)


async def _read(chain: Chain, asked: CheckPosition, number: int) -> Reading:
    for one in await chain.positions([asked.coldkey_ss58], await chain.block(number)):
        if (one.hotkey_ss58, one.netuid) == (asked.hotkey_ss58, asked.netuid):
            return Reading(number, one.alpha_rao, one.price_rao)
    return Reading(number, 0, None)
