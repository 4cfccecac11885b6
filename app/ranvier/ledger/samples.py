"""Samples of the hardware and of each miner, thinned with age.

A hardware sample's body is the sampler's own bytes, and so is an end's: this room does not look inside.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ranvier.ledger import miner_sample
from ranvier.ledger.costs import HOUR_MS, Energy
from ranvier.ledger.database import Database, transaction
from ranvier.ledger.errors import ledger_errors
from ranvier.ledger.migrations import SAMPLES
from ranvier.ledger.miner_sample import MinerSample


@dataclass(frozen=True, slots=True)
class Tier:
    """Samples older than ``age_s`` keep one in each ``every_s``."""

    age_s: int
    every_s: int


TIERS = (Tier(900, 10), Tier(2 * 3600, 60), Tier(24 * 3600, 600))
KEEP_S = 366 * 86_400
_THIN_EVERY_MS = 60_000
_TOGETHER_MS = 60_000


class Samples:
    """``add`` as often as every second; every method raises LedgerError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, SAMPLES, durable=False)
        self._last_thin_ms = 0
        self._power: tuple[int, int] | None = None  # when, milliwatts

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def add(self, at: float, body: bytes, power_mw: int | None = None) -> None:
        """Keep one sample of the moment ``at`` (Unix seconds); now and then thin the older ones.

        ``power_mw``: milliwatts measured then (None: not known). Two of them close together make energy; a pause
        makes none, because nobody measured it.
        """
        at_ms = int(at * 1000)
        before, self._power = self._power, None if power_mw is None else (at_ms, power_mw)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO sample (at_ms, body) VALUES (?, ?)", (at_ms, body))
            if before is not None and power_mw is not None and 0 < at_ms - before[0] <= _TOGETHER_MS:
                _note_energy(connection, *before, at_ms, power_mw)
            self._thin_now_and_then(connection, at_ms)

        await self._database.run(work)

    async def between(self, since: float, until: float, points: int) -> tuple[bytes, ...]:
        """Samples between two moments (Unix seconds), oldest first: the newest of each of about ``points`` slots."""
        low, high = int(since * 1000), int(until * 1000)
        slot = max(1, (high - low) // points)
        query = """SELECT body FROM sample WHERE at_ms IN (
            SELECT max(at_ms) FROM sample WHERE at_ms BETWEEN ? AND ? GROUP BY at_ms / ?) ORDER BY at_ms"""
        return await self._database.run(
            lambda connection: tuple(bytes(row[0]) for row in connection.execute(query, (low, high, slot)))
        )

    async def energy(self, since_ms: int, until_ms: int) -> tuple[Energy, ...]:
        """What was measured, hour by hour, oldest first."""
        query = "SELECT * FROM energy WHERE hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms"
        low = since_ms - since_ms % HOUR_MS
        return await self._database.run(
            lambda connection: tuple(Energy(*row) for row in connection.execute(query, (low, until_ms)))
        )

    # --- miners ---------------------------------------------------------------------------------------------

    async def add_miners(self, at: float, rows: Sequence[tuple[str, MinerSample]]) -> None:
        """Keep a reading of each of some miners, taken at ``at`` (Unix seconds)."""

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                miner_sample.add(connection, rows)
            self._thin_now_and_then(connection, int(at * 1000))

        await self._database.run(work)

    async def miner(self, miner_id: str, since: float, until: float, points: int) -> tuple[MinerSample, ...]:
        """One miner's readings between two moments, oldest first, merged to about ``points``."""
        low, high = int(since * 1000), int(until * 1000)
        return await self._database.run(
            lambda connection: miner_sample.between(connection, miner_id, low, high, points)
        )

    async def note_ends(self, miner_id: str, ends: Sequence[tuple[float, bytes]]) -> None:
        """Keep (when, body) of the ends of its program; those known already stay."""
        await self._database.run(lambda connection: miner_sample.note_ends(connection, miner_id, ends))

    async def ends(self, miner_id: str, since: float, until: float) -> tuple[bytes, ...]:
        """Bodies of its ends between two moments, oldest first."""
        low, high = int(since * 1000), int(until * 1000)
        return await self._database.run(lambda connection: miner_sample.ends(connection, miner_id, low, high))

    async def forget_miner(self, miner_id: str) -> None:
        """Delete everything about one miner."""
        await self._database.run(lambda connection: miner_sample.forget(connection, miner_id=miner_id))

    # --- thinning -------------------------------------------------------------------------------------------

    async def thin(self, now: float) -> None:
        """Thin everything as it should be at ``now``."""
        await self._database.run(lambda connection: self._thin(connection, int(now * 1000)))

    def _thin_now_and_then(self, connection: sqlite3.Connection, at_ms: int) -> None:
        if at_ms - self._last_thin_ms >= _THIN_EVERY_MS:
            self._last_thin_ms = at_ms
            self._thin(connection, at_ms)

    def _thin(self, connection: sqlite3.Connection, now_ms: int) -> None:
        """Keep the newest of each slot, and of each miner one merged reading. Only whole slots are done, so that
        no slot is thinned twice to nothing."""
        with transaction(connection):
            done: dict[int, int] = dict(connection.execute("SELECT every_s, until_ms FROM thinned"))
            for tier in TIERS:
                slot = tier.every_s * 1000
                end = (now_ms - tier.age_s * 1000) // slot * slot
                start = done.get(tier.every_s, 0)
                start = start if start <= now_ms else 0  # the clock was wrong then
                if end <= start:
                    continue
                connection.execute(
                    """DELETE FROM sample WHERE at_ms >= :start AND at_ms < :end AND at_ms NOT IN (
                        SELECT max(at_ms) FROM sample WHERE at_ms >= :start AND at_ms < :end GROUP BY at_ms / :slot)""",
                    {"start": start, "end": end, "slot": slot},
                )
                miner_sample.thin(connection, start, end, slot)
                connection.execute("INSERT OR REPLACE INTO thinned VALUES (?, ?)", (tier.every_s, end))
            connection.execute("DELETE FROM sample WHERE at_ms < ?", (now_ms - KEEP_S * 1000,))
            miner_sample.forget(connection, before_ms=now_ms - KEEP_S * 1000)


def _note_energy(connection: sqlite3.Connection, start_ms: int, start_mw: int, end_ms: int, end_mw: int) -> None:
    """The trapezoid between two samples, cut at the hour."""
    place = start_ms
    while place < end_ms:
        hour = place - place % HOUR_MS
        until = min(end_ms, hour + HOUR_MS)
        # the mean power of this part: linear between the two samples; twice and times the length, to stay whole
        length = end_ms - start_ms
        low, high = (start_mw * (end_ms - at) + end_mw * (at - start_ms) for at in (place, until))
        energy = (low + high) * (until - place) // (2 * length)
        connection.execute(
            """INSERT INTO energy VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
                microjoules = microjoules + excluded.microjoules, measured_ms = measured_ms + excluded.measured_ms""",
            (hour, energy, until - place),
        )
        place = until


def read_energy(path: Path, since_ms: int, until_ms: int) -> tuple[Energy, ...]:
    """``Samples.energy`` of a file that another process writes; empty when there is none. Raises LedgerError."""
    if not path.is_file():
        return ()
    query = "SELECT * FROM energy WHERE hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms"
    with ledger_errors(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
        try:
            return tuple(Energy(*row) for row in connection.execute(query, (since_ms - since_ms % HOUR_MS, until_ms)))
        finally:
            connection.close()
