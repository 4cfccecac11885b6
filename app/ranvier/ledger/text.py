"""Amounts, moments and lines as programs read them: a point, no groups, every digit, UTC."""

from __future__ import annotations

import csv
import datetime
import io
from typing import Any

from ranvier.ledger.prices import MICRO

COIN = 10**9


def coins(rao: int | None) -> str:
    """A decimal number for programs: a point, no groups, exact."""
    return "" if rao is None else f"{rao // COIN}.{rao % COIN:09d}"


def fiat(micro: int | None) -> str:
    return "" if micro is None else f"{micro // MICRO}.{micro % MICRO:06d}"


def time_text(time_ms: int) -> str:
    """A moment for programs, in UTC."""
    return datetime.datetime.fromtimestamp(time_ms // 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def csv_line(cells: tuple[Any, ...]) -> str:
    """One line of a CSV file, its end included."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
