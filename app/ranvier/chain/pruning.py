"""Whose turn it is to leave a full subnet: the runtime's two rules as pure functions.

Newer chains (``MinNonImmuneUids``) go by (emission, registered, uid); older ones by (pruning score, registered, uid).
A newcomer takes the place of who leaves, so the line says who goes at each further registration, not only at the next.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_U16_MAX = 65_535


class Rule(enum.StrEnum):
    """Which number decides. EMISSION: the lowest that is not immune goes, if more than MinNonImmuneUids such seats
    exist, else the lowest that is immune. PRUNING_SCORE: the lowest that is not immune, else the lowest that is."""

    EMISSION = "emission"
    PRUNING_SCORE = "pruning_score"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One seat as the rule sees it. ``score`` is emission (rao) or pruning score (u16) by the rule; ``protected``
    seats (the subnet owner's) never leave."""

    uid: int
    score: int
    registered_block: int
    immune: bool
    protected: bool = False


def leaving_line(seats: Sequence[Candidate], rule: Rule, min_non_immune: int = 0) -> tuple[int, ...]:
    """The uids in the order in which they would leave if registrations came now, one after the other.

    It ends where a newcomer would be the next to leave, or nobody may: whoever is not in it is in no danger as
    long as nothing else changes.
    """
    floor = min_non_immune if rule is Rule.EMISSION else 0
    newcomer_score = 0 if rule is Rule.EMISSION else _U16_MAX
    free = sorted((s for s in seats if not s.protected and not s.immune), key=_order)
    immune = sorted((s for s in seats if not s.protected and s.immune), key=_order)
    going = free[: max(0, len(free) - floor)]
    line = [seat.uid for seat in going]
    # From here on only the immune leave, newcomers among them: emission 0 (or the highest score), registered last.
    newcomers = bool(going)
    for seat in immune:
        if newcomers and newcomer_score < seat.score:
            break
        line.append(seat.uid)
        newcomers = True
    return tuple(line)


def protected_uids(owner_hotkey_uid: int | None, owners: Iterable[tuple[int, int]], limit: int) -> frozenset[int]:
    """Seats that are never pruned: the owner's hotkey and the owner's oldest, ``limit`` in all.

    ``owners``: (registered block, uid) of every seat whose hotkey the subnet owner's coldkey owns.
    """
    chosen = [uid for _, uid in sorted(owners)][:limit]
    if owner_hotkey_uid is not None and owner_hotkey_uid not in chosen:
        chosen = [owner_hotkey_uid, *chosen][:limit]
    return frozenset(chosen)


def _order(seat: Candidate) -> tuple[int, int, int]:
    return seat.score, seat.registered_block, seat.uid
