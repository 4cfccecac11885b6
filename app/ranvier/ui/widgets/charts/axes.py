"""Axes of the charts: round numbers, days, and time as distance from now. pyqtgraph is imported inside functions."""

from __future__ import annotations

import datetime
import functools
import math
from typing import Any


def nice_ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers from ``low`` to about ``high``: steps of 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    rough = span / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    # Multiples of the step, cleaned of float dust: 3 * 0.1 is to read 0.3.
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)] or [low]


@functools.cache
def span_axis_class() -> Any:
    """An axis for the last minutes: ``15 min ago`` to ``now``. Its ``right_edge`` is the moment of ``now``."""
    import pyqtgraph as pg

    class SpanAxis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no type information
        right_edge = 0.0

        def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
            step = 60.0 * max(1, round((high - low) / 60 / 3))
            count = int((high - low) / step + 1e-6)
            return [(step, [self.right_edge - step * place for place in range(count, -1, -1)])]

        def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
            return [span_words(self.right_edge - value) for value in values]

    return SpanAxis


def span_words(seconds: float) -> str:
    """``now``, ``5 min ago`` or, from two hours on, ``8 h ago``."""
    minutes = round(seconds / 60)
    if minutes >= 120:
        return f"{round(seconds / 3600)} h ago"
    return "now" if minutes == 0 else f"{minutes} min ago"


@functools.cache
def day_axis_class() -> Any:
    """An axis of days and hours in the computer's own time zone, or in UTC where ``utc`` is set."""
    import pyqtgraph as pg

    class DayAxis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no type information
        utc = False
        shift = 0.0
        least = 0.0  # seconds between two marks: bars of days have none for hours

        def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
            most = max(2, int(size / 110))
            ticks = day_ticks(low, high, most, utc=self.utc, least=self.least)
            return [
                (
                    day_step(low, high, most, self.least),
                    [tick + self.shift for tick in ticks if tick + self.shift < high],
                )
            ]

        def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
            if spacing >= _MONTH_S:
                return [month_words(value - self.shift, utc=self.utc) for value in values]
            # Where a day begins its name stands, so that two noons can be told apart.
            return [
                moment_words(at, hours=spacing < _DAY_S and not begins_day(at, utc=self.utc), utc=self.utc)
                for at in (value - self.shift for value in values)
            ]

    return DayAxis


_STEPS_S = (
    10,
    30,
    60,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14_400,
    21_600,
    43_200,
    86_400,
    172_800,
    604_800,
    1_209_600,
    2_592_000,
    7_776_000,
    15_552_000,
    31_104_000,
)
_DAY_S = 86_400
_MONTH_S = 2_592_000


def day_step(low: float, high: float, most: int, least: float = 0.0) -> float:
    """Seconds between the marks of ``day_ticks``."""
    return next((step for step in _STEPS_S if step >= least and (high - low) / step <= most), _STEPS_S[-1])


def begins_day(at: float, *, utc: bool = False) -> bool:
    """Whether this moment is a midnight."""
    moment = _moment(at, utc)
    return moment.hour == moment.minute == moment.second == 0


def day_ticks(low: float, high: float, most: int, *, utc: bool = False, least: float = 0.0) -> list[float]:
    """At most about ``most`` round moments in the range, on the clock of the computer's time zone or of UTC."""
    step = day_step(low, high, most, least)
    offset = _moment(low, utc).utcoffset() or datetime.timedelta()
    shift = offset.total_seconds()
    first = math.ceil((low + shift) / step) * step - shift
    return [first + step * place for place in range(int((high - first) // step) + 1)]


def moment_words(at: float, *, hours: bool, utc: bool = False) -> str:
    """``18:04`` or ``22 Nov``."""
    moment = _moment(at, utc)
    return moment.strftime("%H:%M") if hours else f"{moment.day} {moment.strftime('%b')}"


def month_words(at: float, *, utc: bool = False) -> str:
    """``Nov 2026``, where marks are months apart."""
    return _moment(at, utc).strftime("%b %Y")


def _moment(at: float, utc: bool) -> datetime.datetime:
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return moment if utc else moment.astimezone()


@functools.cache
def plain_axis_class() -> Any:
    """An axis whose marks the chart sets itself."""
    import pyqtgraph as pg

    return pg.AxisItem
