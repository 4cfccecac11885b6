"""Samples over time and what is missing in them. Times are Unix seconds, a missing value is None."""

from __future__ import annotations

import bisect
import itertools
import math
import statistics
from collections.abc import Sequence

Points = Sequence[tuple[float, float | None]]

_MISSED_STEPS = 3.5  # a pause of this many steps, as they are around it, is a gap: older samples are thinned,
_AROUND = 4  # so that only the steps near by tell what is usual there;
_SHORTEST_S = 30.0  # a shorter pause than this is none


def gaps(points: Points, until: float | None = None) -> list[tuple[float, float]]:
    """The spans of time for which nothing is known: missing values, and pauses longer than a few usual steps.

    ``until`` is the moment up to which samples should be there.
    """
    steps = [after - before for (before, _), (after, _) in itertools.pairwise(points)]

    def missed(pause: float, place: int) -> bool:
        if pause <= _SHORTEST_S:
            return False
        near = steps[max(0, place - _AROUND) : place + _AROUND - 1]
        return not near or pause > _MISSED_STEPS * statistics.median(near)

    found: list[tuple[float, float]] = []
    known: float | None = None  # the last moment with a value
    missing_from: float | None = None  # the first moment without one since then
    for place, (at, value) in enumerate(points):
        if value is None:
            if missing_from is None:
                missing_from = at if known is None else known
            continue
        if missing_from is not None:
            found.append((missing_from, at))
        elif known is not None and missed(at - known, place):
            found.append((known, at))
        known, missing_from = at, None
    end = max(until if until is not None else -math.inf, points[-1][0] if points else -math.inf)
    if missing_from is not None:
        found.append((missing_from, end))
    elif known is not None and missed(end - known, len(points)):
        found.append((known, end))
    return found


def with_gaps(points: Points) -> tuple[list[float], list[float]]:
    """Coordinates for drawing: NaN where the line must break."""
    breaks = {start for start, _end in gaps(points)}
    xs, ys = [], []
    for at, value in points:
        xs.append(at)
        ys.append(math.nan if value is None else float(value))
        if value is not None and at in breaks:
            xs.append(at)
            ys.append(math.nan)
    return xs, ys


def thinned(points: Points, most: int) -> Points:
    """At most about so many points: of each slot of time the lowest and the highest, so that no peak is lost. A slot in
    which nothing is known stays so."""
    if len(points) <= most:
        return points
    first, slot = points[0][0], max(1e-6, (points[-1][0] - points[0][0]) / max(1, most // 2))
    kept: list[tuple[float, float | None]] = []
    for _slot, group in itertools.groupby(points, lambda point: int((point[0] - first) / slot)):
        members = list(group)
        known = [(value, at) for at, value in members if value is not None]
        ends = sorted({min(known)[::-1], max(known)[::-1]}) if known else members[:1]
        kept += ends
    return kept


def value_near(points: Points, x: float) -> float | None:
    """The value of the sample nearest to ``x``; None when that sample is missing or ``x`` lies in a gap."""
    if not points or any(start < x < end for start, end in gaps(points)):
        return None
    times = [at for at, _value in points]
    place = bisect.bisect_left(times, x)
    near = [place for place in (place - 1, place) if 0 <= place < len(times)]
    return points[min(near, key=lambda place: abs(times[place] - x))][1]
