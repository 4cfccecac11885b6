"""Receipts of the chain room in the ledger's form."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ranvier.chain.model import Receipt, TxStage
from ranvier.ledger.receipts import Operation, StoredReceipt

if TYPE_CHECKING:
    from ranvier.chain.outcome import Sent

_KEPT = {True: "yes", False: "no", None: "unknown"}
_STAGES = {TxStage.RETRACTED: "submitted"}
_OPEN = (TxStage.SUBMITTED, TxStage.RETRACTED, TxStage.IN_BLOCK)  # not the last word


def underway(sent: Sent, at_ms: int, following: str) -> StoredReceipt:
    """The receipt of what is signed and about to be sent: it is kept before anything leaves this machine."""
    receipt = Receipt(sent.plan, TxStage.SUBMITTED, sent.hash, None, None, None, None)
    return stored(receipt, at_ms, following=following)


def stored(receipt: Receipt, at_ms: int, own: Collection[str] = (), *, following: str = "") -> StoredReceipt:
    """The receipt in the ledger's form. ``own`` are coldkeys whose side of it belongs there, besides the signer's.
    ``following`` is kept only where the receipt is not the last word."""
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
        next_step=receipt.next_step,
        fee_payer_ss58=receipt.fee_payer_ss58,
        following=following if receipt.stage in _OPEN else "",
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
