"""Sign a plan, submit it once, watch it on a socket of its own, and say what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ranvier.chain import effects, reads, stakes
from ranvier.chain.connection import Connection
from ranvier.chain.errors import dispatch_hint, dispatch_sentence
from ranvier.chain.model import BlockRef, Change, Fact, Movement, Plan, Receipt, TxStage
from ranvier.chain.movements import movements, tells_without_fee
from ranvier.chain.pools import SUBTENSOR
from ranvier.chain.runtime import extrinsics
from ranvier.chain.runtime.events import Event, find
from ranvier.chain.runtime.extrinsics import ERA_BLOCKS, Mortality
from ranvier.chain.watching import LostError, Sight, watch
from ranvier.core.errors import ChainError, NetworkError, RanvierError
from ranvier.core.units import Tao
from ranvier.keys import addresses
from ranvier.keys.signing import Signer

_POLL_S = 1.0
_LOOK_S = 5.0
_MECHANISM = 4096
Stages = Callable[[TxStage], None]


@runtime_checkable
class LateSigner(Protocol):
    """A signer whose key is elsewhere: the signature is brought after a while (a file, a QR code)."""

    async def sign_later(self, payload: bytes) -> bytes:
        """The 64-byte signature of exactly these bytes, when it is there."""
        ...


@dataclass(frozen=True, slots=True)
class _Sent:
    """A signed transaction and where to look for it."""

    plan: Plan
    data: bytes
    hash: str
    mortality: Mortality


async def submit(
    conn: Connection,
    plan: Plan,
    signer: Signer,
    *,
    on_stage: Stages | None = None,
    wait: TxStage = TxStage.IN_BLOCK,
    timeout_s: float = 120.0,
) -> Receipt:
    """Sign ``plan`` and follow it until ``wait`` (IN_BLOCK or FINAL), a refusal, or ``timeout_s``.

    Refuses to sign (ChainError) when the plan is another network's, another signer's or older than a runtime
    upgrade, or when the chain wants something signed that is not understood. A refusal by the node's pool is a
    ChainError too. Once it is accepted there is always a Receipt; its ``error`` says in a sentence what went wrong.
    It is sent once, never again.
    """
    sent = await _sign(conn, plan, signer)
    told: list[TxStage] = []

    def tell(stage: TxStage) -> None:
        if on_stage is not None and (not told or told[-1] is not stage):
            told.append(stage)
            on_stage(stage)

    try:
        async with asyncio.timeout(timeout_s):
            try:
                sight = await watch(conn.endpoint or "", sent.data, wait, tell)
            except LostError:
                sight = await _look_for(conn, sent)
    except TimeoutError:
        sight = await _look_once(conn, sent, timeout_s)
    return await _receipt(conn, sent, sight, tell)


async def _sign(conn: Connection, plan: Plan, signer: Signer) -> _Sent:
    if signer.ss58 != plan.signer_ss58:
        raise _refusal(f"The plan is for {plan.signer_ss58}, but the unlocked key is {signer.ss58}.")
    runtime = await conn.current_runtime()
    if runtime.genesis != plan.genesis_hash:
        raise _refusal(f"The plan is for {plan.network}, but this is another network.")
    if runtime.spec_version != plan.spec_version:
        raise _refusal("The chain was upgraded since this was planned.", "Plan it again.")
    problem = await conn.compute(extrinsics.signing_problem)
    if problem is not None:
        raise _refusal(f"Nothing can be signed for this chain: {problem}.", "Update Ranvier.")
    nonce = int(await conn.rpc("system_accountNextIndex", [plan.signer_ss58]))
    final = str(await conn.rpc("chain_getFinalizedHead", []))
    number = int((await conn.rpc("chain_getHeader", [final]))["number"], 16)
    mortality = Mortality(number, final)
    payload = await conn.compute(lambda r: extrinsics.signature_payload(r, plan.call_hex, nonce, mortality))
    signature = await signer.sign_later(payload) if isinstance(signer, LateSigner) else signer.sign(payload)
    data = await conn.compute(
        lambda r: extrinsics.signed(
            r, plan.call_hex, signer.public_key, signer.crypto_type, signature, nonce, mortality
        )
    )
    return _Sent(plan, data, extrinsics.hash_of(data), mortality)


async def _receipt(conn: Connection, sent: _Sent, sight: Sight, tell: Stages) -> Receipt:
    if sight.block_hash is None:
        stage = TxStage.SUBMITTED if sight.pending else TxStage.DROPPED
        tell(stage)
        hint = None if sight.pending else "Nothing was spent. Plan it again if you still want it."
        return Receipt(sent.plan, stage, sent.hash, None, None, None, None, sight.error, hint)
    try:
        outcome = await _outcome(conn, sent, sight.block_hash)
    except (RanvierError, LookupError, TypeError, ValueError) as trouble:
        reason = trouble.message if isinstance(trouble, RanvierError) else "the node's answer made no sense."
        words = f"It is in block {sight.block_hash[:18]}…, but how it went there could not be read: {reason}"
        return Receipt(sent.plan, TxStage.IN_BLOCK, sent.hash, None, None, None, None, words)
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
    if payer is not None and payer != plan.signer_ss58:
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


async def _outcome(conn: Connection, sent: _Sent, block_hash: str) -> _Outcome:
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
    paid = frozenset(int(e.get("netuid", 0)) % _MECHANISM for e in find(everything, SUBTENSOR, reads.MINER_EVENT))
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
    held: dict[tuple[str, str, int], tuple[int, int]] = {}
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


async def _look_for(conn: Connection, sent: _Sent) -> Sight:
    """Look for the transaction in block after block until it can no longer be included."""
    number = sent.mortality.block
    while number <= sent.mortality.block + ERA_BLOCKS:
        try:
            block_hash = await _holds(conn, sent, number)
        except (NetworkError, LookupError):  # not connected, or no such block yet
            await asyncio.sleep(_POLL_S)
            continue
        if block_hash is not None:
            return Sight(block_hash)
        number += 1
    return Sight(None, "It got into no block in time and cannot any more; nothing was spent.")


async def _look_once(conn: Connection, sent: _Sent, timeout_s: float) -> Sight:
    """Look for it among the blocks that exist now, newest first."""
    last = sent.mortality.block + ERA_BLOCKS
    late = (
        f"It was in no block within {timeout_s:.0f} s. It may still get into one up to block {last}; do not repeat it."
    )
    try:
        async with asyncio.timeout(_LOOK_S):
            head = await conn.head()
            for number in range(head.number, sent.mortality.block - 1, -1):
                block_hash = await _holds(conn, sent, number)
                if block_hash is not None:
                    return Sight(block_hash)
    except (RanvierError, LookupError, TimeoutError):
        pass
    return Sight(None, late, pending=True)


async def _holds(conn: Connection, sent: _Sent, number: int) -> str | None:
    """The hash of block ``number`` if it holds the transaction; raises LookupError when there is no such block."""
    block_hash = await conn.rpc("chain_getBlockHash", [number])
    if block_hash is None:
        raise LookupError(number)
    whole = await conn.rpc("chain_getBlock", [block_hash])
    return str(block_hash) if "0x" + sent.data.hex() in whole["block"]["extrinsics"] else None


def _refusal(message: str, hint: str = "") -> ChainError:
    return ChainError("Not signed", message, hint or "Nothing was signed or sent.")
