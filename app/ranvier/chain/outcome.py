"""What became of a transaction, read from its block: events, money before and after, and whether it kept its plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ranvier.chain import effects, reads, stakes
from ranvier.chain.connection import Connection
from ranvier.chain.errors import dispatch_hint, dispatch_sentence
from ranvier.chain.model import SUBTENSOR, BlockRef, Change, Fact, Movement, Place, Plan, Receipt, TxStage
from ranvier.chain.movements import movements, tells_without_fee
from ranvier.chain.runtime.events import Event, find
from ranvier.chain.runtime.extrinsics import ERA_BLOCKS, Mortality
from ranvier.chain.watching import Sight
from ranvier.core.errors import ChainError, RanvierError
from ranvier.core.units import Tao
from ranvier.keys import addresses

Stages = Callable[[TxStage], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """A signed transaction and where to look for it."""

    plan: Plan
    data: bytes
    hash: str
    mortality: Mortality

    @property
    def last_block(self) -> int:
        """The last block that may hold it."""
        return self.mortality.block + ERA_BLOCKS


async def receipt_of(conn: Connection, sent: Sent, sight: Sight, tell: Stages) -> Receipt:
    """The receipt of what was seen: the block read, and held against the plan. Raises nothing of the network's."""
    try:
        return await whole_receipt(conn, sent, sight, tell)
    except (RanvierError, LookupError, TypeError, ValueError) as trouble:
        reason = trouble.message if isinstance(trouble, RanvierError) else "the node's answer made no sense."
        words = f"It is in block {str(sight.block_hash)[:18]}…, but how it went there could not be read: {reason}"
        return Receipt(sent.plan, TxStage.IN_BLOCK, sent.hash, None, None, None, None, words)


async def whole_receipt(conn: Connection, sent: Sent, sight: Sight, tell: Stages) -> Receipt:
    """``receipt_of``, or nothing: raises NetworkError, ChainError, and LookupError, TypeError or ValueError for an
    answer that makes no sense."""
    if sight.block_hash is None:
        stage = TxStage.SUBMITTED if sight.pending else TxStage.DROPPED
        tell(stage)
        hint = None if sight.pending else "Nothing was spent. Plan it again if you still want it."
        return Receipt(sent.plan, stage, sent.hash, None, None, None, None, sight.error, hint)
    outcome = await _outcome(conn, sent, sight.block_hash)
    events = outcome.events
    interrupted = find(events, "Utility", "BatchInterrupted")
    failed = find(events, "System", "ExtrinsicFailed") or interrupted
    paid = next(iter(find(events, "TransactionPayment", "TransactionFeePaid")), None)
    fee = int(paid.get("actual_fee", 1)) if paid is not None else None
    payer = str(paid.get("who", 0)) if paid is not None else None
    error, hint = sight.error, None
    if failed:
        fault = failed[0].get("dispatch_error", 0) if failed[0].name == "ExtrinsicFailed" else failed[0].get("error", 1)
        runtime = await conn.runtime_at(outcome.block)
        name, docs = runtime.error_name(fault)
        error, hint = dispatch_sentence(name, docs), dispatch_hint(name)
    stage = TxStage.FAILED if failed else TxStage.FINAL if sight.final else TxStage.IN_BLOCK
    tell(stage)
    if interrupted:
        part = int(interrupted[0].get("index", 0) or 0) + 1
        error = f"Part {part} failed, and what came after it was not tried. {error}"
    findings, as_planned = _findings(outcome, fee, payer, failed=bool(failed) and not interrupted)
    return Receipt(
        plan=sent.plan,
        stage=stage,
        extrinsic_hash=sent.hash,
        block=outcome.block,
        fee_rao=fee,
        balance_before_rao=outcome.before_rao,
        balance_after_rao=outcome.after_rao,
        error=error,
        next_step=hint,
        fee_payer_ss58=payer,
        changes=outcome.changes,
        findings=(*findings, *_fee_findings(sent.plan, fee, payer, outcome)),
        as_planned=as_planned,
        movements=outcome.movements,
    )


def _findings(
    outcome: _Outcome, fee: int | None, payer: str | None, *, failed: bool
) -> tuple[tuple[str, ...], bool | None]:
    if not failed:
        amounts = effects.judge(outcome.changes, fee, payer, outcome.paid_netuids)
        return effects.together(amounts, effects.judge_facts(outcome.facts))
    still = all(
        change.before_rao is not None
        and change.after_rao is not None
        and change.after_rao - change.before_rao
        == (-(fee or 0) if change.effect.netuid is None and change.effect.coldkey_ss58 == payer else 0)
        for change in outcome.changes
    )
    if still:
        return ("Nothing was changed but the fee.",), False
    return ("The chain took back what it had begun; other things in that block changed these amounts.",), False


def _fee_findings(plan: Plan, fee: int | None, payer: str | None, outcome: _Outcome) -> tuple[str, ...]:
    found = []
    alpha = find(outcome.events, SUBTENSOR, "TransactionFeePaidWithAlpha")
    if alpha:
        found.append("The fee was taken in alpha.")
    if fee is not None and fee > plan.fee_rao:
        found.append(f"The fee was {Tao(fee)}, {Tao(fee - plan.fee_rao)} more than planned.")
    if payer is not None and payer != (plan.fee_payer_ss58 or plan.signer_ss58):
        found.append(f"The fee was paid by {addresses.short(payer)}.")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the block says: the signer's free TAO before and after, every planned change, the transaction's events,
    the subnets that paid in that block, and the alpha that the transaction moved."""

    block: BlockRef
    before_rao: int
    after_rao: int
    changes: tuple[Change, ...]
    events: list[Event]
    paid_netuids: frozenset[int]
    facts: tuple[tuple[Fact, bool | None], ...]
    movements: tuple[Movement, ...]


async def _outcome(conn: Connection, sent: Sent, block_hash: str) -> _Outcome:
    whole = await conn.rpc("chain_getBlock", [block_hash])
    header, bodies = whole["block"]["header"], whole["block"]["extrinsics"]
    block = await conn.block(int(header["number"], 16))
    if block.hash != block_hash:  # it was retracted meanwhile; look at the one that we were told of
        block = BlockRef(int(header["number"], 16), block_hash)
    parent = BlockRef(block.number - 1, header["parentHash"])
    plan = sent.plan
    people = list(dict.fromkeys([plan.signer_ss58, *(e.coldkey_ss58 for e in plan.effects if e.netuid is None)]))
    before = {one.ss58: one.free_rao for one in await reads.balances(conn, people, parent)}
    after = {one.ss58: one.free_rao for one in await reads.balances(conn, people, block)}
    index = bodies.index("0x" + sent.data.hex())
    everything = await conn.events(block)
    paid = frozenset(
        int(e.get("netuid", 0)) % reads.PER_MECHANISM for e in find(everything, SUBTENSOR, reads.MINER_EVENT)
    )
    changes = await _changes(conn, plan, parent, block, before, after)
    return _Outcome(
        block,
        before[plan.signer_ss58],
        after[plan.signer_ss58],
        changes,
        [event for event in everything if event.extrinsic == index],
        paid,
        await _facts(conn, plan, block),
        movements(everything, index, without_fee=tells_without_fee(await conn.runtime_at(block))),
    )


async def _facts(conn: Connection, plan: Plan, block: BlockRef) -> tuple[tuple[Fact, bool | None], ...]:
    """Which of the plan's facts the block says; None where it could not be read."""
    if not plan.facts:
        return ()
    try:
        values = await conn.read([(one.pallet, one.item, list(one.params)) for one in plan.facts], block)
    except ChainError:
        return tuple((one, None) for one in plan.facts)
    return tuple((one, one.holds(value)) for one, value in zip(plan.facts, values, strict=True))


async def _changes(
    conn: Connection, plan: Plan, parent: BlockRef, block: BlockRef, before: dict[str, int], after: dict[str, int]
) -> tuple[Change, ...]:
    positions = [
        (e.hotkey_ss58, e.coldkey_ss58, e.netuid)
        for e in plan.effects
        if e.netuid is not None and e.hotkey_ss58 is not None
    ]
    held: dict[Place, tuple[int, int]] = {}
    try:
        pair = zip(
            await stakes.stake_of(conn, positions, parent), await stakes.stake_of(conn, positions, block), strict=True
        )
        held = dict(zip(positions, pair, strict=True))
    except ChainError:
        held = {}  # the receipt says that it could not be read
    found = []
    for effect in plan.effects:
        if effect.netuid is None:
            found.append(Change(effect, before.get(effect.coldkey_ss58), after.get(effect.coldkey_ss58)))
        else:
            amounts = held.get((effect.hotkey_ss58 or "", effect.coldkey_ss58, effect.netuid))
            found.append(Change(effect, *(amounts or (None, None))))
    return tuple(found)
