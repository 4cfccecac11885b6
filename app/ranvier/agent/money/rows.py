"""Ledger rows as messages."""

from __future__ import annotations

from dataclasses import asdict

from ranvier.agent.api.messages import EarningRow, GapRow
from ranvier.ledger.coverage import Gap
from ranvier.ledger.store import Payment


def earning_row(row: Payment) -> EarningRow:
    return EarningRow(**asdict(row))


def gap_row(gap: Gap) -> GapRow:
    return GapRow(**asdict(gap))
