"""Ledger rows as messages."""

from __future__ import annotations

from ranvier.agent.messages import EarningBucket, EarningRow
from ranvier.ledger.store import Bucket, Payment


def earning_row(row: Payment) -> EarningRow:
    return EarningRow(
        netuid=row.netuid,
        mechanism=row.mechanism,
        block=row.block,
        time_ms=row.time_ms,
        uid=row.uid,
        hotkey_ss58=row.hotkey_ss58,
        alpha_rao=row.alpha_rao,
        price_rao=row.price_rao,
        block_hash=row.block_hash,
    )


def earning_bucket(bucket: Bucket) -> EarningBucket:
    return EarningBucket(
        start_ms=bucket.start_ms,
        netuid=bucket.netuid,
        alpha_rao=bucket.alpha_rao,
        tao_rao=bucket.tao_rao,
        epochs=bucket.epochs,
    )
