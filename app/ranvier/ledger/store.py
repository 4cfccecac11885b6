"""The ledger of one network: what was paid, and a small state table. Rows are facts; a repeat changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from ranvier.core.units import Alpha
from ranvier.ledger.database import Database, transaction
from ranvier.ledger.migrations import LEDGER

DAY_MS = 86_400_000

_COLUMNS = "netuid, mechanism, block, hotkey_ss58, uid, time_ms, alpha_rao, price_rao, block_hash"
_INSERT = f"INSERT INTO payment ({_COLUMNS}, tao_rao) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"
# One missing price makes the bucket's TAO unknown: a sum over the rest would be a wrong number that looks right.
_SUMS = "sum(alpha_rao), CASE WHEN count(tao_rao) = count(*) THEN sum(tao_rao) END, count(DISTINCT block)"


@dataclass(frozen=True, slots=True)
class Payment:
    """What one hotkey was paid at one epoch: gross rao of alpha of ``netuid``, exact, from the chain's event.

    ``time_ms`` is the block's own clock, ``price_rao`` rao of TAO for one alpha at that block (None = unknown).
    The fact's key is (netuid, mechanism, block, hotkey_ss58).
    """

    netuid: int
    mechanism: int
    block: int
    hotkey_ss58: str
    uid: int
    time_ms: int
    alpha_rao: int
    price_rao: int | None
    block_hash: str

    @property
    def tao_rao(self) -> int | None:
        """Value at the epoch's own price, rounded down to a rao; not what a sale would give."""
        return None if self.price_rao is None else Alpha(self.alpha_rao, self.netuid).at_price(self.price_rao).rao


@dataclass(frozen=True, slots=True)
class Bucket:
    """Payments of one netuid summed over a UTC day or one epoch. ``tao_rao`` is None if any price is unknown."""

    start_ms: int
    netuid: int
    alpha_rao: int
    tao_rao: int | None
    epochs: int


@dataclass(frozen=True, slots=True)
class Paid:
    """One hotkey's sums on one netuid. ``last_block`` is its newest paid epoch."""

    today_rao: int
    week_rao: int
    last_block: int | None


class Ledger:
    """Every method raises LedgerError. Sums are exact integers made by the database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, LEDGER, durable=True)

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def add_payments(
        self, rows: Sequence[Payment], remember: Mapping[str, str] | None = None
    ) -> tuple[Payment, ...]:
        """Store rows, and what to ``remember``, in one transaction; returns the rows that were new."""

        def work(connection: sqlite3.Connection) -> tuple[Payment, ...]:
            new = []
            with transaction(connection):
                for row in rows:
                    if connection.execute(_INSERT, (*astuple(row), row.tao_rao)).rowcount == 1:
                        new.append(row)
                _remember(connection, remember or {})
            return tuple(new)

        return await self._database.run(work)

    async def payments(
        self, *, since_ms: int | None = None, hotkey_ss58: str | None = None, limit: int = 1000
    ) -> tuple[Payment, ...]:
        """Rows newest first, at most ``limit``."""
        where, values = _filter(since_ms, hotkey_ss58)
        query = f"SELECT {_COLUMNS} FROM payment{where} ORDER BY time_ms DESC, block DESC, netuid, mechanism LIMIT ?"
        return await self._database.run(
            lambda connection: tuple(Payment(*row) for row in connection.execute(query, (*values, max(0, limit))))
        )

    async def buckets(
        self, bucket: str = "day", *, since_ms: int | None = None, hotkey_ss58: str | None = None
    ) -> tuple[Bucket, ...]:
        """Sums per netuid and UTC ``day`` or ``epoch``, oldest first. An epoch's start is its block's time."""
        where, values = _filter(since_ms, hotkey_ss58)
        slot = {"day": f"time_ms - time_ms % {DAY_MS}", "epoch": "time_ms"}[bucket]
        query = (
            f"SELECT {slot} AS slot, netuid, {_SUMS} FROM payment{where} GROUP BY slot, netuid ORDER BY slot, netuid"
        )
        return await self._database.run(
            lambda connection: tuple(Bucket(*row) for row in connection.execute(query, values))
        )

    async def paid(self, netuid: int, hotkey_ss58: str, now_ms: int) -> Paid:
        """Sums of this UTC day and of the last seven times 24 hours, and the newest paid epoch."""
        query = """SELECT coalesce(sum(alpha_rao) FILTER (WHERE time_ms >= ?), 0),
                          coalesce(sum(alpha_rao) FILTER (WHERE time_ms > ?), 0),
                          (SELECT max(block) FROM payment WHERE netuid = ? AND hotkey_ss58 = ?)
                   FROM payment WHERE hotkey_ss58 = ? AND netuid = ? AND time_ms > ?"""
        week = now_ms - 7 * DAY_MS
        values = (now_ms - now_ms % DAY_MS, week, netuid, hotkey_ss58, hotkey_ss58, netuid, week)
        return await self._database.run(lambda connection: Paid(*connection.execute(query, values).fetchone()))

    async def remember(self, facts: Mapping[str, str]) -> None:
        """Keep small state, all of it in one transaction."""

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                _remember(connection, facts)

        await self._database.run(work)

    async def recall(self, key: str) -> str | None:
        """What was remembered under ``key``."""

        def work(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

        return await self._database.run(work)


def _remember(connection: sqlite3.Connection, facts: Mapping[str, str]) -> None:
    connection.executemany(
        "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        list(facts.items()),
    )


def _filter(since_ms: int | None, hotkey_ss58: str | None) -> tuple[str, tuple[int | str, ...]]:
    parts: list[str] = []
    values: list[int | str] = []
    if since_ms is not None:
        parts.append("time_ms >= ?")
        values.append(since_ms)
    if hotkey_ss58 is not None:
        parts.append("hotkey_ss58 = ?")
        values.append(hotkey_ss58)
    return (" WHERE " + " AND ".join(parts) if parts else ""), tuple(values)
