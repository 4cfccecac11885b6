"""Sign a plan, submit it once, watch it on a socket of its own, and say what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ranvier.chain import extrinsics, reads
from ranvier.chain.connection import Connection
from ranvier.chain.errors import dispatch_sentence
from ranvier.chain.events import Event, find
from ranvier.chain.extrinsics import ERA_BLOCKS, Mortality
from ranvier.chain.model import BlockRef, Plan, Receipt, TxStage
from ranvier.chain.watching import LostError, Sight, watch
from ranvier.core.errors import ChainError, NetworkError, RanvierError
from ranvier.keys.signing import Signer

_POLL_S = 1.0
_LOOK_S = 5.0
Stages = Callable[[TxStage], None]


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
    told: set[TxStage] = set()

    def tell(stage: TxStage) -> None:
        if on_stage is not None and stage not in told:
            told.add(stage)
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
    signature = signer.sign(payload)
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
        return Receipt(sent.plan, stage, sent.hash, None, None, None, None, sight.error)
    try:
        block, before, after, events = await _outcome(conn, sent, sight.block_hash)
    except (RanvierError, LookupError, TypeError, ValueError) as trouble:
        reason = trouble.message if isinstance(trouble, RanvierError) else "the node's answer made no sense."
        words = f"It is in block {sight.block_hash[:18]}…, but how it went there could not be read: {reason}"
        return Receipt(sent.plan, TxStage.IN_BLOCK, sent.hash, None, None, None, None, words)
    failed = find(events, "System", "ExtrinsicFailed")
    fee = next((e.get("actual_fee", 1) for e in find(events, "TransactionPayment", "TransactionFeePaid")), None)
    error = sight.error
    if failed:
        name, docs = await conn.compute(lambda runtime: runtime.error_name(failed[0].get("dispatch_error", 0)))
        error = dispatch_sentence(name, docs)
    stage = TxStage.FAILED if failed else TxStage.FINAL if sight.final else TxStage.IN_BLOCK
    tell(stage)
    return Receipt(
        plan=sent.plan,
        stage=stage,
        extrinsic_hash=sent.hash,
        block=block,
        fee_rao=int(fee) if fee is not None else None,
        balance_before_rao=before,
        balance_after_rao=after,
        error=error,
    )


async def _outcome(conn: Connection, sent: _Sent, block_hash: str) -> tuple[BlockRef, int, int, list[Event]]:
    """The block, the signer's free TAO before and after it, and the events of this transaction."""
    whole = await conn.rpc("chain_getBlock", [block_hash])
    header, bodies = whole["block"]["header"], whole["block"]["extrinsics"]
    block = await conn.block(int(header["number"], 16))
    if block.hash != block_hash:  # it was retracted meanwhile; look at the one that we were told of
        block = BlockRef(int(header["number"], 16), block_hash)
    parent = BlockRef(block.number - 1, header["parentHash"])
    (before,) = await reads.balances(conn, [sent.plan.signer_ss58], parent)
    (after,) = await reads.balances(conn, [sent.plan.signer_ss58], block)
    index = bodies.index("0x" + sent.data.hex())
    events = [event for event in await conn.events(block) if event.extrinsic == index]
    return block, before.free_rao, after.free_rao, events


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
