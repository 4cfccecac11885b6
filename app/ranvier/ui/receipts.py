"""Receipts on their way to the ledger, and what of the day's limit is used up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from ranvier.agent.api.messages import AddReceipt, GetReceipts
from ranvier.chain.model import Receipt, TxStage
from ranvier.core.errors import RanvierError
from ranvier.ledger.receipts import Operation, StoredReceipt
from ranvier.ui.context import Context
from ranvier.ui.own_keys import wallets_here

_DAY_MS = 86_400_000
_KEPT = {True: "yes", False: "no", None: "unknown"}
_STAGES = {TxStage.RETRACTED: "submitted"}
_SPENT = ("submitted", "in_block", "final")


class Receipts:
    """Keeps receipts with the agent. What this window signed counts towards the day's limit even if it could not."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._own: dict[str, tuple[int, int]] = {}  # id -> (when, value)

    async def keep(self, receipt: Receipt, at_ms: int) -> None:
        """Store it for ever; a failure is shown, never raised: the transaction has happened."""
        try:
            own = await asyncio.to_thread(self._own_coldkeys)
        except RanvierError:
            own = frozenset()  # the signer's own side is known without
        whole = stored(receipt, at_ms, own)
        if counts(whole):
            self._own[whole.id] = (at_ms, value_of(whole))
        try:
            await self._context.client.call(AddReceipt(whole))
        except RanvierError as error:
            self._context.show_error(RanvierError("Receipt not kept", error.message, "Copy what is shown."))

    def _own_coldkeys(self) -> frozenset[str]:
        return frozenset(one.coldkey_ss58 for one in wallets_here(self._context) if one.coldkey_ss58 is not None)

    async def spent_today(self) -> int:
        """TAO value in rao of what was signed since midnight UTC. Raises RanvierError: a limit is never guessed."""
        now = int(time.time() * 1000)
        midnight = now - now % _DAY_MS
        found = await self._context.client.call(GetReceipts(since_ms=midnight))
        values = {one.id: value_of(one) for one in found.receipts if counts(one)}
        values |= {key: value for key, (at_ms, value) in self._own.items() if at_ms >= midnight}
        return sum(values.values())


def counts(receipt: StoredReceipt) -> bool:
    """Whether it is for the day's limit: sent and not refused, or refused after a part of it had come through."""
    return receipt.stage in _SPENT or bool(receipt.operations)


def value_of(receipt: StoredReceipt) -> int:
    """What the day's limit counts: the TAO value that the plan named, or what was really bought or sold."""
    traded = [one.tao_rao for one in receipt.operations if one.kind != "fee"]
    bought, sold = -sum(tao for tao in traded if tao < 0), sum(tao for tao in traded if tao > 0)
    return max(receipt.spend_rao or 0, receipt.value_rao or 0, bought, sold)


def stored(receipt: Receipt, at_ms: int, own: Collection[str] = ()) -> StoredReceipt:
    """The receipt in the ledger's form. ``own`` are coldkeys whose side of it belongs there, besides the signer's."""
    plan, block = receipt.plan, receipt.block
    return StoredReceipt(
        id=receipt.extrinsic_hash,
        at_ms=at_ms,
        network=plan.network,
        genesis_hash=plan.genesis_hash,
        signer_ss58=plan.signer_ss58,
        title=plan.title,
        pallet=plan.pallet,
        function=plan.function,
        call_hex=plan.call_hex,
        stage=_STAGES.get(receipt.stage, receipt.stage.value),
        planned_fee_rao=plan.fee_rao,
        spend_rao=plan.spend_rao,
        lines=plan.lines,
        warnings=plan.warnings,
        block=block.number if block is not None else None,
        block_hash=block.hash if block is not None else None,
        fee_rao=receipt.fee_rao,
        balance_before_rao=receipt.balance_before_rao,
        balance_after_rao=receipt.balance_after_rao,
        error=receipt.error,
        kept=_KEPT[receipt.as_planned],
        sentences=receipt.findings,
        operations=_operations(receipt, at_ms, own),
        value_rao=plan.value_rao,
    )


def _operations(receipt: Receipt, at_ms: int, own: Collection[str]) -> tuple[Operation, ...]:
    """What it did to one's own positions, event by event; also what came through before a batch was interrupted."""
    block = receipt.block
    if block is None:
        return ()
    mine = {receipt.plan.signer_ss58, *own}
    return tuple(
        Operation(
            one.kind, block.number, one.event_index, block.time_ms or at_ms, one.coldkey_ss58, one.hotkey_ss58,
            one.netuid, one.alpha_rao, one.tao_rao,
        )
        for one in receipt.movements if one.coldkey_ss58 in mine
    )  # fmt: skip
