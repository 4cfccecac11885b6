"""Which blocks are known whole: intervals per (netuid, hotkey), so that reading may stop and go on anywhere.

``follow`` says which blocks are wanted, ``coverage`` of which of them every epoch is noted, ``gap`` why others could
not be read. What is wanted and not covered is a hole; nothing is ever passed over in silence.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Span = tuple[int, int]  # first and last block, both inside


@dataclass(frozen=True, slots=True)
class Covered:
    """Every epoch of these blocks is noted for this hotkey."""

    netuid: int
    hotkey_ss58: str
    from_block: int
    to_block: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Blocks whose earnings are wanted and not known. Without ``reason`` they are still to be read."""

    netuid: int
    hotkey_ss58: str
    from_block: int
    to_block: int
    reason: str | None = None
    tried_ms: int | None = None


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same blocks as few spans, ascending."""
    result: list[Span] = []
    for low, high in sorted(spans):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return result


def missing(wanted: Span, known: Iterable[Span]) -> list[Span]:
    """The parts of ``wanted`` outside ``known``, ascending."""
    holes, place = [], wanted[0]
    for low, high in merged(known):
        if low > wanted[1]:
            break
        if low > place:
            holes.append((place, low - 1))
        place = max(place, high + 1)
    if place <= wanted[1]:
        holes.append((place, wanted[1]))
    return holes


def spans(connection: sqlite3.Connection, netuid: int, hotkey_ss58: str) -> list[Span]:
    query = "SELECT from_block, to_block FROM coverage WHERE netuid = ? AND hotkey_ss58 = ? ORDER BY from_block"
    return [(int(low), int(high)) for low, high in connection.execute(query, (netuid, hotkey_ss58))]


def cover(connection: sqlite3.Connection, one: Covered) -> None:
    """Add a span, joined with those it touches; gaps inside it are no more."""
    key = (one.netuid, one.hotkey_ss58)
    touching = connection.execute(
        "SELECT from_block, to_block FROM coverage WHERE netuid = ? AND hotkey_ss58 = ?"
        " AND from_block <= ? AND to_block >= ?",
        (*key, one.to_block + 1, one.from_block - 1),
    ).fetchall()
    ((low, high),) = merged([(one.from_block, one.to_block), *touching])
    for start, _ in touching:
        connection.execute(
            "DELETE FROM coverage WHERE netuid = ? AND hotkey_ss58 = ? AND from_block = ?", (*key, start)
        )
    connection.execute("INSERT INTO coverage VALUES (?, ?, ?, ?)", (*key, low, high))
    connection.execute(
        "DELETE FROM gap WHERE netuid = ? AND hotkey_ss58 = ? AND from_block >= ? AND to_block <= ?", (*key, low, high)
    )


def follow(connection: sqlite3.Connection, netuid: int, hotkey_ss58: str, from_block: int, to_block: int) -> None:
    """Want these blocks; what was wanted before stays wanted."""
    connection.execute(
        """INSERT INTO follow VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            from_block = min(from_block, excluded.from_block), to_block = max(to_block, excluded.to_block)""",
        (netuid, hotkey_ss58, max(1, from_block), to_block),
    )


def followed(connection: sqlite3.Connection, netuid: int, hotkey_ss58: str) -> Span | None:
    """The blocks wanted of this hotkey."""
    query = "SELECT from_block, to_block FROM follow WHERE netuid = ? AND hotkey_ss58 = ?"
    row = connection.execute(query, (netuid, hotkey_ss58)).fetchone()
    return None if row is None else (int(row[0]), int(row[1]))


def want(connection: sqlite3.Connection, netuid: int, since: Mapping[str, int | None], newest: int) -> None:
    """Follow each hotkey from its block up to ``newest``; without a block from where it was followed before, or now."""
    for hotkey, block in since.items():
        known = followed(connection, netuid, hotkey)
        start = block if block is not None else newest if known is None else known[0]
        if start <= newest:
            follow(connection, netuid, hotkey, start, newest)


def all_followed(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """(netuid, hotkey) of everything followed."""
    return connection.execute("SELECT netuid, hotkey_ss58 FROM follow ORDER BY netuid, hotkey_ss58").fetchall()


def holes(
    connection: sqlite3.Connection, netuid: int, hotkey_ss58: str, tried_before_ms: int | None = None
) -> list[Span]:
    """Blocks wanted and not covered, ascending; with ``tried_before_ms`` without those that were tried after it."""
    wanted = followed(connection, netuid, hotkey_ss58)
    if wanted is None:
        return []
    known = spans(connection, netuid, hotkey_ss58)
    if tried_before_ms is not None:
        known += connection.execute(
            "SELECT from_block, to_block FROM gap WHERE netuid = ? AND hotkey_ss58 = ? AND tried_ms >= ?",
            (netuid, hotkey_ss58, tried_before_ms),
        ).fetchall()
    return missing(wanted, known)


def note_gaps(connection: sqlite3.Connection, gaps: Iterable[Gap]) -> None:
    """Say why blocks could not be read; it replaces what was said of blocks inside them."""
    for gap in gaps:
        key = (gap.netuid, gap.hotkey_ss58)
        connection.execute(
            "DELETE FROM gap WHERE netuid = ? AND hotkey_ss58 = ? AND from_block >= ? AND to_block <= ?",
            (*key, gap.from_block, gap.to_block),
        )
        connection.execute(
            "INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?)",
            (*key, gap.from_block, gap.to_block, gap.reason or "", gap.tried_ms or 0),
        )


def forget_reasons(connection: sqlite3.Connection) -> None:
    """Let every gap be tried again."""
    connection.execute("DELETE FROM gap")


def gaps(connection: sqlite3.Connection) -> tuple[Gap, ...]:
    """Every hole of every followed hotkey, with its reason where one was found, by subnet, hotkey and block."""
    found = []
    for netuid, hotkey in all_followed(connection):
        reasons = connection.execute(
            "SELECT from_block, to_block, reason, tried_ms FROM gap WHERE netuid = ? AND hotkey_ss58 = ?"
            " ORDER BY from_block",
            (netuid, hotkey),
        ).fetchall()
        for hole in holes(connection, netuid, hotkey):
            found += _told(netuid, hotkey, hole, reasons)
    return tuple(found)


def _told(netuid: int, hotkey: str, hole: Span, reasons: list[tuple[int, int, str, int]]) -> list[Gap]:
    """A hole cut at the borders of the reasons that lie in it."""
    parts, known = [], []
    for low, high, reason, tried in reasons:
        low, high = max(low, hole[0]), min(high, hole[1])
        if low <= high:
            parts.append(Gap(netuid, hotkey, low, high, reason, tried))
            known.append((low, high))
    parts += [Gap(netuid, hotkey, low, high) for low, high in missing(hole, known)]
    return sorted(parts, key=lambda gap: gap.from_block)
