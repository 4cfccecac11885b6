"""A status is never a bare colour: it carries its level, its reason and when that was seen."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Level(enum.StrEnum):
    """How good a status is. ``UNKNOWN`` is shown grey, never green."""

    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"
    OFF = "off"


_ORDER = (Level.BAD, Level.WARN, Level.UNKNOWN, Level.BUSY, Level.GOOD, Level.OFF)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen: ``text`` in words, at ``seen_at`` (Unix seconds; None = never)."""

    level: Level
    text: str
    seen_at: float | None = None


def worst(levels: Iterable[Level]) -> Level:
    """The level that a summary must show: bad before warn before unknown; OFF only when nothing is on."""
    present = set(levels)
    return next((level for level in _ORDER if level in present), Level.OFF)


def block_text(number: int | None) -> str:
    """A block height in groups of three, wherever people read one: ``5 123 456``."""
    return "unknown" if number is None else f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def age_text(seen_at: float | None, now: float) -> str:
    """``just now``, ``12 s ago``, ``3 min ago``, ``2 h ago``, ``5 days ago`` or ``never``."""
    if seen_at is None:
        return "never"
    seconds = max(0, int(now - seen_at))
    if seconds < 2:
        return "just now"
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size} {unit} ago"
    return f"{seconds // 86_400} days ago"
