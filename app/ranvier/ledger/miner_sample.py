"""What is kept of each miner over time: its readings, and how its program ended. The tables are in migrations.

A reading says what was seen at one moment. Thinned, it stands for the time since the one before it: rates are then
means, amounts the highest, so that a peak that filled a card is still there a month later.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MinerSample:
    """One miner at ``at`` (Unix seconds), over its whole process tree. None: not known.

    ``cpu_percent`` is of one core; ``rss``, ``gpu_memory`` in bytes; ``gpu_percent`` how busy the busiest of its cards
    is (with whoever else is on it), ``temperature_c`` the hottest of them, ``machine_c`` the machine itself. Rates are
    bytes per second: of its disks, and of its network where that is its own. ``incentive`` is the chain's share
    (65535 is all of it).
    """

    at: float
    cpu_percent: float | None = None
    rss: int | None = None
    processes: int | None = None
    gpu_percent: float | None = None
    gpu_memory: int | None = None
    temperature_c: float | None = None
    machine_c: float | None = None
    read_bps: float | None = None
    write_bps: float | None = None
    received_bps: float | None = None
    sent_bps: float | None = None
    incentive: float | None = None


_HIGHEST = frozenset({"rss", "processes", "gpu_memory", "temperature_c", "machine_c"})
NAMES = tuple(field.name for field in dataclasses.fields(MinerSample) if field.name != "at")
_COLUMNS = ", ".join(NAMES)
_MERGED = ", ".join(f"{'max' if name in _HIGHEST else 'avg'}({name})" for name in NAMES)
_MARKS = ", ".join("?" * len(NAMES))


def add(connection: sqlite3.Connection, rows: Iterable[tuple[str, MinerSample]]) -> None:
    """Keep (miner, reading); a reading of the same millisecond replaces the one before."""
    connection.executemany(
        f"INSERT OR REPLACE INTO miner_sample (miner_id, at_ms, {_COLUMNS}) VALUES (?, ?, {_MARKS})",
        [(miner_id, round(one.at * 1000), *(getattr(one, name) for name in NAMES)) for miner_id, one in rows],
    )


def between(
    connection: sqlite3.Connection, miner_id: str, since_ms: int, until_ms: int, points: int
) -> tuple[MinerSample, ...]:
    """Readings with ``since_ms <= at <= until_ms``, oldest first, merged to about ``points`` of them."""
    slot = max(1, (until_ms - since_ms) // max(1, points))
    query = f"""SELECT max(at_ms), {_MERGED} FROM miner_sample WHERE miner_id = ? AND at_ms BETWEEN ? AND ?
        GROUP BY at_ms / ? ORDER BY 1"""
    found = connection.execute(query, (miner_id, since_ms, until_ms, slot))
    return tuple(MinerSample(row[0] / 1000, *row[1:]) for row in found)


def thin(connection: sqlite3.Connection, start_ms: int, end_ms: int, slot_ms: int) -> None:
    """Merge the readings of each whole slot into one, stamped with the newest of them. A repeat changes nothing."""
    values = {"start": start_ms, "end": end_ms, "slot": slot_ms}
    inside = "FROM miner_sample WHERE at_ms >= :start AND at_ms < :end GROUP BY miner_id, at_ms / :slot"
    connection.execute(
        f"""INSERT OR REPLACE INTO miner_sample (miner_id, at_ms, {_COLUMNS})
            SELECT miner_id, max(at_ms), {_MERGED} {inside} HAVING count(*) > 1""",
        values,
    )
    connection.execute(
        f"""DELETE FROM miner_sample WHERE at_ms >= :start AND at_ms < :end
            AND (miner_id, at_ms) NOT IN (SELECT miner_id, max(at_ms) {inside})""",
        values,
    )


def note_ends(connection: sqlite3.Connection, miner_id: str, ends: Iterable[tuple[float, bytes]]) -> None:
    """Keep how its program ended, by the moment (Unix seconds); one that is known already stays as it is."""
    connection.executemany(
        "INSERT OR IGNORE INTO miner_end VALUES (?, ?, ?)", [(miner_id, round(at * 1000), body) for at, body in ends]
    )


def ends(connection: sqlite3.Connection, miner_id: str, since_ms: int, until_ms: int) -> tuple[bytes, ...]:
    """The bodies of its ends in this time, oldest first."""
    query = "SELECT body FROM miner_end WHERE miner_id = ? AND at_ms BETWEEN ? AND ? ORDER BY at_ms"
    return tuple(bytes(row[0]) for row in connection.execute(query, (miner_id, since_ms, until_ms)))


def forget(connection: sqlite3.Connection, *, miner_id: str | None = None, before_ms: int | None = None) -> None:
    """Delete what is of one miner, or what is older than ``before_ms``."""
    for table in ("miner_sample", "miner_end"):
        if miner_id is not None:
            connection.execute(f"DELETE FROM {table} WHERE miner_id = ?", (miner_id,))
        if before_ms is not None:
            connection.execute(f"DELETE FROM {table} WHERE at_ms < ?", (before_ms,))
