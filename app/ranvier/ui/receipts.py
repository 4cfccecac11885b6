"""Receipts on their way to the ledger, and what of the day's limit is used up."""

from __future__ import annotations

import time

from ranvier.agent.messages import AddReceipt, GetReceipts
from ranvier.chain.model import Receipt, TxStage
from ranvier.core.errors import RanvierError
from ranvier.ledger.receipts import Operation, StoredReceipt
from ranvier.ui.context import Context

_DAY_MS = 86_400_000
_KEPT = {True: "yes", False: "no", None: "unknown"}
_STAGES = {TxStage.RETRACTED: "submitted"}
_KINDS = {"add_stake": "stake", "remove_stake": "unstake", "move_stake": "move", "swap_stake": "move"}
_SPENT = ("submitted", "in_block", "final")


class Receipts:
    """Keeps receipts with the agent. What this window signed counts towards the day's limit even if it could not."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._own: dict[str, tuple[int, int]] = {}  # id -> (when, value)

    async def keep(self, receipt: Receipt, at_ms: int) -> None:
        """Store it for ever; a failure is shown, never raised: the transaction has happened."""
        whole = stored(receipt, at_ms)
        if whole.stage in _SPENT:
            self._own[whole.id] = (at_ms, value_of(whole))
        try:
            await self._context.client.call(AddReceipt(whole))
        except RanvierError as error:
            self._context.show_error(RanvierError("Receipt not kept", error.message, "Copy what is shown."))

    async def spent_today(self) -> int:
        """TAO value in rao of what was signed since midnight UTC. Raises RanvierError: a limit is never guessed."""
        now = int(time.time() * 1000)
        midnight = now - now % _DAY_MS
        found = await self._context.client.call(GetReceipts(since_ms=midnight))
        values = {one.id: value_of(one) for one in found.receipts if one.stage in _SPENT}
        values |= {key: value for key, (at_ms, value) in self._own.items() if at_ms >= midnight}
        return sum(values.values())


def value_of(receipt: StoredReceipt) -> int:
    """What the day's limit counts: what was spent, or the TAO that a sale moved."""
    moved = sum(abs(one.tao_rao) for one in receipt.operations if one.kind != "fee")
    return max(receipt.spend_rao or 0, moved)


def stored(receipt: Receipt, at_ms: int) -> StoredReceipt:
    """The receipt in the ledger's form."""
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
        operations=_operations(receipt, at_ms),
    )


def _operations(receipt: Receipt, at_ms: int) -> tuple[Operation, ...]:
    """What a swap of one position changed: alpha of the position, TAO of the coldkey without the fee."""
    kind = _KINDS.get(receipt.plan.function.removesuffix("_limit"))
    block = receipt.block
    if kind is None or block is None or receipt.stage is TxStage.FAILED:
        return ()
    payer, fee = receipt.fee_payer_ss58, receipt.fee_rao or 0
    alphas = [one for one in receipt.changes if one.effect.netuid is not None]
    taos = [one for one in receipt.changes if one.effect.netuid is None]
    tao = 0
    for one in taos:
        if one.before_rao is not None and one.after_rao is not None:
            tao += one.after_rao - one.before_rao + (fee if payer == one.effect.coldkey_ss58 else 0)
    found = []
    for place, one in enumerate(alphas):
        if one.before_rao is None or one.after_rao is None:
            continue
        effect = one.effect
        found.append(
            Operation(
                kind, block.number, None, block.time_ms or at_ms, effect.coldkey_ss58, effect.hotkey_ss58,
                effect.netuid, one.after_rao - one.before_rao, tao if place == 0 else 0,
            )
        )  # fmt: skip
    return tuple(found)
