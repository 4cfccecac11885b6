"""How unequally something is shared out: pure functions over whole amounts, results as fractions of one.

These are ratios, not money, so they are floats; each is computed from exact sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_U16_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Concentration:
    """``hhi`` is the sum of squared shares (1 = one holder), ``effective`` its inverse, ``nakamoto`` the smallest
    number of holders with more than ``majority`` together, ``gini`` 0 when all are equal. None: nothing is held."""

    holders: int
    total: int
    hhi: float | None
    effective: float | None
    top1: float | None
    top3: float | None
    top5: float | None
    nakamoto: int | None
    gini: float | None
    majority: float


def measure(amounts: Iterable[int], majority_u16: int = _U16_MAX // 2) -> Concentration:
    """Every measure over the amounts above zero; ``majority_u16`` of 65535 is what decides (``Kappa`` for weights)."""
    shares = sorted((amount for amount in amounts if amount > 0), reverse=True)
    total = sum(shares)
    majority = majority_u16 / _U16_MAX
    if not shares:
        return Concentration(0, 0, None, None, None, None, None, None, None, majority)
    hhi = sum(share * share for share in shares) / (total * total)
    return Concentration(
        holders=len(shares),
        total=total,
        hhi=hhi,
        effective=1 / hhi,
        top1=top_share(shares, 1),
        top3=top_share(shares, 3),
        top5=top_share(shares, 5),
        nakamoto=nakamoto(shares, majority_u16),
        gini=gini(shares),
        majority=majority,
    )


def top_share(amounts: Sequence[int], count: int) -> float | None:
    """What the largest ``count`` hold of everything."""
    total = sum(amounts)
    return sum(sorted(amounts, reverse=True)[:count]) / total if total > 0 else None


def nakamoto(amounts: Sequence[int], majority_u16: int = _U16_MAX // 2) -> int | None:
    """The smallest number of holders who together have more than ``majority_u16`` of 65535; None when none can."""
    total, held = sum(amounts), 0
    for count, amount in enumerate(sorted(amounts, reverse=True), 1):
        held += amount
        if held * _U16_MAX > total * majority_u16:
            return count
    return None


def gini(amounts: Sequence[int]) -> float | None:
    """Half the relative mean difference: 0 = all equal, towards 1 = one holder."""
    ordered = sorted(amounts)
    count, total = len(ordered), sum(ordered)
    if total <= 0:
        return None
    weighted = sum((2 * place - count - 1) * amount for place, amount in enumerate(ordered, 1))
    return weighted / (count * total)


def grouped(amounts: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    """Sums by owner: several seats of one coldkey count as one holder."""
    found: dict[str, int] = {}
    for owner, amount in amounts:
        found[owner] = found.get(owner, 0) + amount
    return found


def quartiles(amounts: Iterable[int]) -> tuple[int, int, int] | None:
    """Lower quartile, median and upper quartile of the amounts above zero; None when there are none. Between two
    amounts it is the part of the way that the rank says, rounded down: of two, the median is the middle."""
    ordered = sorted(amount for amount in amounts if amount > 0)
    if not ordered:
        return None

    def at(part: int) -> int:
        place, rest = divmod((len(ordered) - 1) * part, 4)
        return ordered[place] + (ordered[place + 1] - ordered[place]) * rest // 4 if rest else ordered[place]

    return at(1), at(2), at(3)
