"""Messages of a position's past."""

from __future__ import annotations

import msgspec

from ranvier.agent.api.command import Command


class PositionPoint(msgspec.Struct, frozen=True):
    """The position at one moment: rao of alpha, rao of TAO for one alpha (None: no price)."""

    at_ms: int
    block: int
    alpha_rao: int
    price_rao: int | None


class PositionMark(msgspec.Struct, frozen=True):
    """A transaction of one's own that touched it; ``kept`` is the receipt's verdict: ``yes``, ``no``, ``unknown``."""

    at_ms: int
    words: str
    kept: str
    receipt_id: str


class PositionHistory(msgspec.Struct, frozen=True):
    """Oldest first. Between points that are further apart than usual nobody looked: ``every_s`` is the usual."""

    points: tuple[PositionPoint, ...]
    marks: tuple[PositionMark, ...]
    every_s: float


class GetPositionHistory(Command[PositionHistory], frozen=True):
    coldkey_ss58: str
    hotkey_ss58: str
    netuid: int
    since_ms: int = 0
