"""Ledger rows as messages."""

from __future__ import annotations

from dataclasses import asdict

from ranvier.agent.messages import EarningBucket, EarningRow, GapRow
from ranvier.ledger.coverage import Gap
from ranvier.ledger.store import Bucket, Payment


def earning_row(row: Payment) -> EarningRow:
    return EarningRow(**asdict(row))


def earning_bucket(bucket: Bucket) -> EarningBucket:
    return EarningBucket(**asdict(bucket))


def gap_row(gap: Gap) -> GapRow:
    return GapRow(**asdict(gap))
