"""Sign a plan, submit it once, watch it on a socket of its own, and say what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ranvier.chain.connection import Connection
from ranvier.chain.following import GONE, holds, look
from ranvier.chain.model import Plan, Receipt, TxStage
from ranvier.chain.outcome import Sent, Stages, receipt_of
from ranvier.chain.runtime import extrinsics
from ranvier.chain.runtime.extrinsics import ERA_BLOCKS, Mortality
from ranvier.chain.watching import LostError, Sight, watch
from ranvier.core.errors import ChainError, NetworkError, RanvierError
from ranvier.keys.signing import Signer

_POLL_S = 1.0
_LOOK_S = 5.0


@runtime_checkable
class LateSigner(Protocol):
    """A signer whose key is elsewhere: the signature is brought after a while (a file, a QR code)."""

    async def sign_later(self, payload: bytes) -> bytes:
        """The 64-byte signature of exactly these bytes, when it is there."""
        ...


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A plan made ready to be signed, perhaps on another machine: what its payload is made of besides the runtime."""

    plan: Plan
    nonce: int
    mortality: Mortality

    @property
    def last_block(self) -> int:
        """The last block that may hold it."""
        return self.mortality.block + ERA_BLOCKS


async def submit(
    conn: Connection,
    plan: Plan,
    signer: Signer,
    *,
    unsigned: Unsigned | None = None,
    on_signed: Callable[[Sent], Awaitable[None]] | None = None,
    on_stage: Stages | None = None,
    wait: TxStage = TxStage.IN_BLOCK,
    timeout_s: float = 120.0,
) -> Receipt:
    """Sign ``plan`` and follow it until ``wait`` (IN_BLOCK or FINAL), a refusal, or ``timeout_s``.

    Refuses to sign (ChainError) when the plan is another network's, another signer's or older than a runtime
    upgrade, or when the chain wants something signed that is not understood. A refusal by the node's pool is a
    ChainError too. Once it is accepted there is always a Receipt; its ``error`` says in a sentence what went wrong.
    It is sent once, never again. ``on_signed`` is awaited between signing and sending: what it raises keeps it from
    being sent; what it writes down lets somebody else look for the transaction when this process is gone.
    ``unsigned`` is what ``prepare`` made of this plan before, where the signature was brought since.
    """
    sent = await _sign(conn, plan, signer, unsigned)
    if on_signed is not None:
        await on_signed(sent)
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
                sight = await _look_for(conn, sent, wait)
    except TimeoutError:
        sight = await _look_once(conn, sent, f"It was in no block within {timeout_s:.0f} s.")
    if sight.block_hash is None and not sight.pending and sight.error != GONE:
        sight = await _look_once(conn, sent, sight.error or "")  # one node's pool is not the network: others have it
    return await receipt_of(conn, sent, sight, tell)


async def prepare(conn: Connection, plan: Plan) -> Unsigned:
    """Ready to be signed for the next 64 blocks. Raises ChainError as ``submit`` does, NetworkError."""
    await _check(conn, plan)
    nonce = int(await conn.rpc("system_accountNextIndex", [plan.signer_ss58]))
    final = str(await conn.rpc("chain_getFinalizedHead", []))
    number = int((await conn.rpc("chain_getHeader", [final]))["number"], 16)
    return Unsigned(plan, nonce, Mortality(number, final))


async def payload_of(conn: Connection, unsigned: Unsigned) -> bytes:
    """Exactly the bytes that are to be signed."""
    call, nonce, mortality = unsigned.plan.call_hex, unsigned.nonce, unsigned.mortality
    return await conn.compute(lambda runtime: extrinsics.signature_payload(runtime, call, nonce, mortality))


async def _sign(conn: Connection, plan: Plan, signer: Signer, unsigned: Unsigned | None) -> Sent:
    if signer.ss58 != plan.signer_ss58:
        raise _refusal(f"The plan is for {plan.signer_ss58}, but the unlocked key is {signer.ss58}.")
    if unsigned is None:
        unsigned = await prepare(conn, plan)
    else:
        await _check(conn, plan)
        await _still_good(conn, unsigned)
    nonce, mortality = unsigned.nonce, unsigned.mortality
    payload = await payload_of(conn, unsigned)
    signature = await signer.sign_later(payload) if isinstance(signer, LateSigner) else signer.sign(payload)
    data = await conn.compute(
        lambda r: extrinsics.signed(
            r, plan.call_hex, signer.public_key, signer.crypto_type, signature, nonce, mortality
        )
    )
    return Sent(plan, data, extrinsics.hash_of(data), mortality)


async def _check(conn: Connection, plan: Plan) -> None:
    """That this is still the chain, and the version of it, that the plan was made for."""
    runtime = await conn.current_runtime()
    if runtime.genesis != plan.genesis_hash:
        raise _refusal(f"The plan is for {plan.network}, but this is another network.")
    if runtime.spec_version != plan.spec_version:
        raise _refusal("The chain was upgraded since this was planned.", "Plan it again.")
    problem = await conn.compute(extrinsics.signing_problem)
    if problem is not None:
        raise _refusal(f"Nothing can be signed for this chain: {problem}.", "Update Ranvier.")


async def _still_good(conn: Connection, unsigned: Unsigned) -> None:
    """That what was prepared a while ago can still get into a block."""
    if (await conn.head()).number >= unsigned.last_block:
        raise ChainError(
            "Too late", f"It could get into a block up to {unsigned.last_block}, which is past.", "Plan it again."
        )
    if int(await conn.rpc("system_accountNextIndex", [unsigned.plan.signer_ss58])) != unsigned.nonce:
        raise ChainError(
            "Overtaken",
            "This account has sent another transaction since, perhaps this very one.",
            "Look at the receipts (ranvier ledger receipts), then plan it again if you still want it.",
        )


async def _look_for(conn: Connection, sent: Sent, wait: TxStage) -> Sight:
    """Look for the transaction in block after block until it can no longer be included; among the final ones only,
    when those are waited for."""
    number = sent.mortality.block
    while number <= sent.last_block:
        try:
            if wait is TxStage.FINAL:
                sight, number = await look(conn, sent, number)
                if sight is not None:
                    return sight
                await asyncio.sleep(_POLL_S)
                continue
            block_hash = await holds(conn, sent, number)
        except (NetworkError, ChainError, LookupError):  # not connected, no such block yet, a node that starts
            await asyncio.sleep(_POLL_S)
            continue
        if block_hash is not None:
            return Sight(block_hash)
        number += 1
    return Sight(None, GONE)


async def _look_once(conn: Connection, sent: Sent, why: str) -> Sight:
    """Look for it among the blocks that exist now, newest first; ``why`` nothing better is known."""
    until = f"It may still get into one up to block {sent.last_block}; do not repeat it."
    try:
        async with asyncio.timeout(_LOOK_S):
            head = await conn.head()
            for number in range(head.number, sent.mortality.block - 1, -1):
                block_hash = await holds(conn, sent, number)
                if block_hash is not None:
                    return Sight(block_hash)
    except (RanvierError, LookupError, TimeoutError):
        pass
    return Sight(None, f"{why} {until}", pending=True)


def _refusal(message: str, hint: str = "") -> ChainError:
    return ChainError("Not signed", message, hint or "Nothing was signed or sent.")
