"""The ledger of one network: what was paid, and a small state table. Rows are facts; a repeat changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ranvier.ledger import buckets, coverage, payments
from ranvier.ledger.buckets import Bucket
from ranvier.ledger.coverage import Covered
from ranvier.ledger.database import Database, transaction
from ranvier.ledger.migrations import LEDGER
from ranvier.ledger.payments import DAY_MS, Payment

T = TypeVar("T")

__all__ = ["DAY_MS", "Bucket", "Covered", "Ledger", "Paid", "Payment"]


@dataclass(frozen=True, slots=True)
class Paid:
    """One hotkey's sums on one netuid. ``last_block`` is its newest paid epoch."""

    today_rao: int
    week_rao: int
    last_block: int | None


class Ledger:
    """Every method raises LedgerError. Sums are exact integers made by the database.

    The room's other files (receipts, prices, cost book, coverage) are functions on a connection: ``read`` and
    ``write`` run them in the ledger's thread, ``write`` as one transaction.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, LEDGER, durable=True)

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._database.run(work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` whole or not at all."""

        def whole(connection: sqlite3.Connection) -> T:
            with transaction(connection):
                return work(connection)

        return await self._database.run(whole)

    async def add_payments(
        self, rows: Sequence[Payment], remember: Mapping[str, str] | None = None, covered: Sequence[Covered] = ()
    ) -> tuple[Payment, ...]:
        """Store rows, what they make complete and what to ``remember``, in one transaction; returns the new rows."""

        def work(connection: sqlite3.Connection) -> tuple[Payment, ...]:
            new = payments.add(connection, rows)
            for one in covered:
                coverage.cover(connection, one)
            _remember(connection, remember or {})
            return new

        return await self.write(work)

    async def payments(
        self, *, since_ms: int | None = None, until_ms: int | None = None, hotkey_ss58: str | None = None,
        netuid: int | None = None, limit: int = 1000, offset: int = 0,
    ) -> tuple[Payment, ...]:  # fmt: skip
        """Rows newest first, at most ``limit``."""
        return await self.read(
            lambda connection: payments.newest(
                connection, limit, since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid,
                offset=offset,
            )
        )  # fmt: skip

    async def buckets(
        self, bucket: str = "day", *, since_ms: int | None = None, until_ms: int | None = None,
        hotkey_ss58: str | None = None, netuid: int | None = None, by_hotkey: bool = False,
        day_prices: Mapping[int, int] | None = None,
    ) -> tuple[Bucket, ...]:  # fmt: skip
        """Sums per netuid (and hotkey) and ``epoch``, UTC ``day``, ISO ``week`` or ``month``, oldest first."""
        return await self.read(
            lambda connection: buckets.buckets(
                connection, bucket, since_ms=since_ms, until_ms=until_ms, hotkey_ss58=hotkey_ss58, netuid=netuid,
                by_hotkey=by_hotkey, day_prices=day_prices,
            )
        )  # fmt: skip

    async def paid(self, netuid: int, hotkey_ss58: str, now_ms: int) -> Paid:
        """Sums of this UTC day and of the last seven times 24 hours, and the newest paid epoch."""
        query = """SELECT coalesce(sum(alpha_rao) FILTER (WHERE time_ms >= ?), 0),
                          coalesce(sum(alpha_rao) FILTER (WHERE time_ms > ?), 0),
                          (SELECT block FROM payment WHERE hotkey_ss58 = ? AND netuid = ?
                           AND alpha_rao > 0 ORDER BY time_ms DESC LIMIT 1)
                   FROM payment WHERE hotkey_ss58 = ? AND netuid = ? AND time_ms > ?"""
        week = now_ms - 7 * DAY_MS
        values = (now_ms - now_ms % DAY_MS, week, hotkey_ss58, netuid, hotkey_ss58, netuid, week)
        return await self.read(lambda connection: Paid(*connection.execute(query, values).fetchone()))

    async def remember(self, facts: Mapping[str, str]) -> None:
        """Keep small state, all of it in one transaction."""
        await self.write(lambda connection: _remember(connection, facts))

    async def recall(self, key: str) -> str | None:
        """What was remembered under ``key``."""

        def work(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

        return await self.read(work)


def _remember(connection: sqlite3.Connection, facts: Mapping[str, str]) -> None:
    connection.executemany(
        "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        list(facts.items()),
    )
