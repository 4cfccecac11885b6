"""How positions were, sampled: amount and price now and then while the agent runs. What was not seen is not there."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from ranvier.ledger.database import Database, transaction

_STEPS = (
    (
        """CREATE TABLE position (
            coldkey_ss58 TEXT NOT NULL,
            hotkey_ss58 TEXT NOT NULL,
            netuid INTEGER NOT NULL,
            at_ms INTEGER NOT NULL,
            block INTEGER NOT NULL,
            alpha_rao INTEGER NOT NULL CHECK (alpha_rao >= 0),
            price_rao INTEGER,
            PRIMARY KEY (coldkey_ss58, hotkey_ss58, netuid, at_ms)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX position_by_time ON position (at_ms)",
    ),
)
_HOUR_MS = 3_600_000
FINE_MS = 14 * 86_400_000  # older than this, one sample an hour is kept
KEEP_MS = 5 * 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One position at one block: rao of alpha, rao of TAO for one alpha (None: no price)."""

    coldkey_ss58: str
    hotkey_ss58: str
    netuid: int
    at_ms: int
    block: int
    alpha_rao: int
    price_rao: int | None

    @property
    def place(self) -> tuple[str, str, int]:
        return self.coldkey_ss58, self.hotkey_ss58, self.netuid


class Positions:
    """Samples of one network's positions. Every method raises LedgerError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, _STEPS, durable=False)
        self._thinned_ms = 0

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def add(self, rows: Sequence[Sample]) -> None:
        """Keep them, in one transaction; a repeat changes nothing. Once an hour older ones are thinned.

        A position that was there at the last sample and is not among ``rows`` is noted as nothing.
        """
        if not rows:
            return
        now_ms, block = rows[0].at_ms, rows[0].block

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                gone = set(_last_held(connection, now_ms)) - {row.place for row in rows}
                every = [*rows, *(Sample(*place, now_ms, block, 0, None) for place in gone)]
                connection.executemany(
                    "INSERT INTO position VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", map(astuple, every)
                )
                if now_ms - self._thinned_ms >= _HOUR_MS:
                    _thin(connection, now_ms)
                    self._thinned_ms = now_ms

        await self._database.run(work)

    async def of(self, coldkey_ss58: str, hotkey_ss58: str, netuid: int, since_ms: int) -> tuple[Sample, ...]:
        """Oldest first."""
        query = """SELECT * FROM position WHERE coldkey_ss58 = ? AND hotkey_ss58 = ? AND netuid = ? AND at_ms >= ?
                   ORDER BY at_ms"""
        values = (coldkey_ss58, hotkey_ss58, netuid, since_ms)
        return await self._database.run(
            lambda connection: tuple(Sample(*row) for row in connection.execute(query, values))
        )


def _last_held(connection: sqlite3.Connection, before_ms: int) -> list[tuple[str, str, int]]:
    """The places that held something at the newest sample before."""
    query = """SELECT coldkey_ss58, hotkey_ss58, netuid FROM position
               WHERE at_ms = (SELECT max(at_ms) FROM position WHERE at_ms < ?) AND alpha_rao > 0"""
    return [(str(cold), str(hot), int(netuid)) for cold, hot, netuid in connection.execute(query, (before_ms,))]


def _thin(connection: sqlite3.Connection, now_ms: int) -> None:
    """Of older samples the newest of each hour stays."""
    end = (now_ms - FINE_MS) // _HOUR_MS * _HOUR_MS
    connection.execute(
        """DELETE FROM position WHERE at_ms < :end AND EXISTS (
            SELECT 1 FROM position later WHERE later.coldkey_ss58 = position.coldkey_ss58
            AND later.hotkey_ss58 = position.hotkey_ss58 AND later.netuid = position.netuid
            AND later.at_ms > position.at_ms AND later.at_ms / :hour = position.at_ms / :hour)""",
        {"end": end, "hour": _HOUR_MS},
    )
    connection.execute("DELETE FROM position WHERE at_ms < ?", (now_ms - KEEP_MS,))
