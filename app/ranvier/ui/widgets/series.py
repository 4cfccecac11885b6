"""Samples over time and what is missing in them. Times are Unix seconds, a missing value is None."""

from __future__ import annotations

import bisect
import itertools
import math
import statistics
from collections.abc import Sequence

Points = Sequence[tuple[float, float | None]]

_MISSED_STEPS = 3.5  # a pause of this many usual steps is a gap,
_SHORTEST_S = 30.0  # but older samples are thinned: a shorter pause than this is none


def gaps(points: Points, until: float | None = None) -> list[tuple[float, float]]:
    """The spans of time for which nothing is known: missing values, and pauses longer than a few usual steps.

    ``until`` is the moment up to which samples should be there.
    """
    steps = [after - before for (before, _), (after, _) in itertools.pairwise(points)]
    limit = max(_SHORTEST_S, _MISSED_STEPS * statistics.median(steps)) if steps else _SHORTEST_S
    found: list[tuple[float, float]] = []
    known: float | None = None  # the last moment with a value
    missing_from: float | None = None  # the first moment without one since then
    for at, value in points:
        if value is None:
            if missing_from is None:
                missing_from = at if known is None else known
            continue
        if missing_from is not None:
            found.append((missing_from, at))
        elif known is not None and at - known > limit:
            found.append((known, at))
        known, missing_from = at, None
    end = max(until if until is not None else -math.inf, points[-1][0] if points else -math.inf)
    if missing_from is not None:
        found.append((missing_from, end))
    elif known is not None and end - known > limit:
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


def value_near(points: Points, x: float) -> float | None:
    """The value of the sample nearest to ``x``; None when that sample is missing or ``x`` lies in a gap."""
    if not points or any(start < x < end for start, end in gaps(points)):
        return None
    times = [at for at, _value in points]
    place = bisect.bisect_left(times, x)
    near = [place for place in (place - 1, place) if 0 <= place < len(times)]
    return points[min(near, key=lambda place: abs(times[place] - x))][1]
