"""Ledger rows as messages, and the chain's receipts as ledger rows."""

from __future__ import annotations

from dataclasses import asdict

from ranvier.agent.messages import EarningBucket, EarningRow, GapRow
from ranvier.chain.model import Receipt
from ranvier.ledger.coverage import Gap
from ranvier.ledger.receipts import Operation, StoredReceipt
from ranvier.ledger.store import Bucket, Payment


def earning_row(row: Payment) -> EarningRow:
    return EarningRow(**asdict(row))


def earning_bucket(bucket: Bucket) -> EarningBucket:
    return EarningBucket(**asdict(bucket))


def gap_row(gap: Gap) -> GapRow:
    return GapRow(**asdict(gap))


def stored_receipt(receipt: Receipt, at_ms: int, operations: tuple[Operation, ...] = ()) -> StoredReceipt:
    """What the window hands to the agent after a transaction (``AddReceipt``). ``at_ms``: when it was signed."""
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
        stage=receipt.stage.value,
        planned_fee_rao=plan.fee_rao,
        spend_rao=plan.spend_rao,
        lines=plan.lines,
        warnings=plan.warnings,
        block=None if block is None else block.number,
        block_hash=None if block is None else block.hash,
        fee_rao=receipt.fee_rao,
        balance_before_rao=receipt.balance_before_rao,
        balance_after_rao=receipt.balance_after_rao,
        error=receipt.error,
        operations=operations,
    )
