"""Bars over time, stacked, to be looked at closely: wheel, drag and keys move through a million of them.

Only what is seen is drawn. Where several slots share the pixels of one bar, the highest of them stands for all;
hovering tells each slot exactly. Amounts are floats here for geometry only; every text comes from the caller.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent

from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.charts.axes import day_axis_class
from ranvier.ui.widgets.charts.behind import draw_behind
from ranvier.ui.widgets.charts.chart import Chart
from ranvier.ui.widgets.charts.range_drag import RangeDrag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DAY_S = 86_400.0
_PIXELS = 3  # the narrowest bar
_LEAST_SLOTS = 7  # room for so many bars, if there are fewer
_LEAST_BARS = 4  # that can be zoomed to
_MOST_WORDS = 8  # slots that a hover names
_MOST_BEFORE = 2  # of those behind
_STEP, _ZOOM = 0.15, 0.6  # of what is seen, for a key


class Bar(msgspec.Struct, frozen=True, gc=False):  # fifty thousand must not set the collector to work again and again
    """One bar: where it starts and how wide it is (Unix seconds), its height, which series, what hovering says.

    Bars of one start are stacked in the order given. ``value`` None is drawn as a grey band: not known. ``said`` may
    be a function of ``about``: words are not made before a bar is asked for its own.
    """

    start: float
    width: float
    value: float | None
    series: int
    said: str | Callable[[Any], str]
    about: Any = None

    @property
    def words(self) -> str:
        return self.said if isinstance(self.said, str) else self.said(self.about)


@dataclass(frozen=True, slots=True)
class Columns:
    """Bars as columns, ascending by start: ``values`` are NaN where not known. ``words`` says one by its place."""

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    values: NDArray[np.float64]
    series: NDArray[np.int64]
    words: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class _Measured:
    """What is worked out once: by slot, where it begins among the bars, its moment, width and height; the places of
    the bars that are not known; the whole span; the shortest one to zoom to."""

    firsts: Any
    starts: Any
    widths: Any
    heights: Any
    unknown: Any
    whole: tuple[float, float]
    least: float


class BarChart(Chart):
    """Heights are in ``unit``. Wheel or + and - zoom, dragging or the arrow keys pan, a double click or 0 shows all."""

    def __init__(self, *, unit: str, height: int = 240) -> None:
        super().__init__(unit=unit, height=height)
        self._bars: tuple[Bar, ...] = ()
        self._behind: tuple[Bar, ...] = ()
        self._given: Columns | None = None
        self._columns: Columns | None = None
        self._measured: _Measured | None = None
        self._view: tuple[float, float] | None = None  # None: everything
        self._utc = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleDescription("Wheel or plus and minus zoom, arrow keys move, zero shows everything.")

    def set_bars(
        self, bars: Sequence[Bar], unit: str | None = None, *, utc: bool = False, behind: Sequence[Bar] = ()
    ) -> None:
        """Show these bars. ``utc`` puts the axis on UTC's clock. ``behind`` are drawn faintly
        behind them, one a place, and have no say in what the whole span is.

        What was zoomed to stays when the bars begin where they began and are as wide.
        """
        old, self._bars = self._bars, tuple(bars)
        if not old or not self._bars or (old[0].start, old[0].width) != (self._bars[0].start, self._bars[0].width):
            self._view = None
        self._behind = tuple(behind)
        self._show(None, unit, utc)

    def set_columns(self, columns: Columns, unit: str | None = None, *, utc: bool = False) -> None:
        """The same from columns, for very many."""
        self._bars, self._behind, self._view = (), (), None
        self._show(columns, unit, utc)

    def _show(self, columns: Columns | None, unit: str | None, utc: bool) -> None:
        self._given, self._columns, self._measured, self._utc = columns, None, None, utc
        self.unit = self.unit if unit is None else unit
        if self._plot is not None:
            self._end_hover()
            self.draw()

    @property
    def bars(self) -> tuple[Bar, ...]:
        return self._bars

    @property
    def behind(self) -> tuple[Bar, ...]:
        return self._behind

    @property
    def view(self) -> tuple[float, float]:
        """The moments at the left and right edge."""
        return self._view or self._whole()

    def set_view(self, low: float, high: float) -> None:
        """Show this part; what lies outside the bars is cut off, and everything is everything."""
        first, last = self._whole()
        span = min(last - first, max(high - low, self._least()))
        low = min(max(low, first), last - span)
        self._view = None if span >= (last - first) * 0.999 else (low, low + span)
        if self._plot is not None:
            self._end_hover()
            self.draw()

    def zoom(self, factor: float, at: float | None = None) -> None:
        """Show ``factor`` times as much, with the moment ``at`` (None: the middle) staying where it is."""
        low, high = self.view
        centre = (low + high) / 2 if at is None else min(max(at, low), high)
        self.set_view(centre - (centre - low) * factor, centre + (high - centre) * factor)

    def pan(self, share: float) -> None:
        """Move by a share of what is seen."""
        low, high = self.view
        self.set_view(low + share * (high - low), high + share * (high - low))

    def show_all(self) -> None:
        self.set_view(*self._whole())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Left: lambda: self.pan(-_STEP),
            Qt.Key.Key_Right: lambda: self.pan(_STEP),
            Qt.Key.Key_Home: lambda: self.pan(-1e9),
            Qt.Key.Key_End: lambda: self.pan(1e9),
            Qt.Key.Key_Plus: lambda: self.zoom(_ZOOM),
            Qt.Key.Key_Minus: lambda: self.zoom(1 / _ZOOM),
            Qt.Key.Key_0: self.show_all,
        }
        work = keys.get(event.key())
        if work is None or self._plot is None:
            super().keyPressEvent(event)
            return
        work()
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._paint()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._paint()

    def axis_class(self) -> Any:
        return day_axis_class()

    def _build(self, pg: Any) -> None:
        super()._build(pg)
        self._drag = RangeDrag(self, self._plot)

    def _paint(self) -> None:
        super()._paint()
        if self._plot is not None and self.hasFocus():
            pg, colours = sys.modules["pyqtgraph"], colours_of(self)
            self._plot.getPlotItem().getAxis("bottom").setPen(pg.mkPen(colours.accent, width=2))

    # --- what is drawn --------------------------------------------------------------------------------------

    def draw(self) -> None:
        item = self._plot.getPlotItem()
        self._clear()
        columns = self._known()
        axis = item.getAxis("bottom")
        axis.utc = self._utc
        if not len(columns.starts):
            self._set_heights(0.0, 1.0)
            return
        width = float(columns.ends[0] - columns.starts[0])
        days = self._utc and width >= _DAY_S
        axis.least = _DAY_S if days else 0.0
        axis.shift = width / 2 if days else 0.0  # a day's name stands below the middle of its bar
        low, high = self.view
        item.setXRange(low, high, padding=0)
        top = max(self._draw_bars(columns, low, high), self._draw_behind(low, high), 1e-9)
        self._set_heights(0.0, top * 1.08)
        self._draw_bands(columns, low, high)

    def _draw_bars(self, columns: Columns, low: float, high: float) -> float:
        """Draw what lies in [low, high]; the height of the highest stack."""
        import numpy as np

        known = self._measure()
        starts, heights = known.starts, known.heights
        begin = max(0, int(np.searchsorted(starts, low, "left")) - 1)
        end = int(np.searchsorted(starts, high, "right"))
        if begin >= end:
            return 0.0
        most = self._most()
        chosen = np.arange(begin, end)
        width: Any = known.widths[chosen]
        if len(chosen) > most:
            edges = begin + np.searchsorted(starts[begin:end], np.linspace(low, high, most + 1))
            edges[0], edges[-1] = begin, end
            parts = [(a, b) for a, b in itertools.pairwise(edges) if b > a]
            chosen = np.array([a + int(np.argmax(heights[a:b])) for a, b in parts])
            width = np.full(len(chosen), (high - low) / most)
        self._draw_stacks(columns, known.firsts, chosen, width)
        return float(np.max(heights[chosen]))

    def _most(self) -> int:
        """As many bars as there is room for."""
        return max(1, int(self._plot.getPlotItem().getViewBox().width() // _PIXELS))

    def _draw_behind(self, low: float, high: float) -> float:
        if not self._behind:
            return 0.0
        bars, top = draw_behind(columns_of(self._behind), (low, high), self._most(), colours_of(self))
        if bars is not None:
            self._add(bars)
        return top

    def _draw_stacks(self, columns: Columns, firsts: Any, chosen: Any, width: Any) -> None:
        import numpy as np

        pg, colours = sys.modules["pyqtgraph"], colours_of(self)
        bounds = np.append(firsts, len(columns.starts))
        counts = bounds[chosen + 1] - bounds[chosen]
        slot = np.repeat(np.arange(len(chosen)), counts)
        place = np.arange(len(slot)) - np.repeat(np.cumsum(counts) - counts, counts) + bounds[chosen][slot]
        values = np.nan_to_num(columns.values[place])
        tops = np.cumsum(values)
        under = tops - values - (np.append(0.0, tops)[np.cumsum(counts) - counts])[slot]
        series = columns.series[place]
        for one in np.flatnonzero(np.bincount(series)):  # np.unique would load numpy.ma first: 50 ms
            mine = (series == one) & (values > 0)
            if mine.any():
                wide = width[slot[mine]]
                bars = pg.BarGraphItem(
                    x0=columns.starts[place[mine]] + wide * 0.1, width=wide * 0.8, y0=under[mine], height=values[mine],
                    brush=colours.series[int(one) % len(colours.series)], pen=pg.mkPen(None),
                )  # fmt: skip
                self._add(bars)

    def _draw_bands(self, columns: Columns, low: float, high: float) -> None:
        """Grey where nothing is known; neighbours are one band."""
        places = self._measure().unknown
        unknown = places[(columns.ends[places] > low) & (columns.starts[places] < high)]
        bands: list[tuple[float, float]] = []
        for start, end in zip(columns.starts[unknown], columns.ends[unknown], strict=True):
            if bands and start <= bands[-1][1] + (high - low) / 2000:
                bands[-1] = (bands[-1][0], max(bands[-1][1], float(end)))
            else:
                bands.append((float(start), float(end)))
        for start, end in bands:
            self._add(self._grey_band(start, end))

    def words_at(self, x: float) -> str:
        """What the bars at this moment say; when many share its pixels, those of the slot that is drawn for them."""
        import numpy as np

        if self._plot is None and not self._bars:
            return ""
        columns = self._known()
        found = np.nonzero((columns.starts <= x) & (x < columns.ends))[0]
        said = dict.fromkeys(columns.words(int(place)) for place in found[: 4 * _MOST_WORDS])
        lines = [words for words in said if words]
        more = f"and {len(lines) - _MOST_WORDS} more" if len(lines) > _MOST_WORDS else ""
        before = [bar.words for bar in self._behind if bar.start <= x < bar.start + bar.width]
        return "\n".join([*lines[:_MOST_WORDS], *([more] if more else []), *before[:_MOST_BEFORE]])

    # --- the bars as columns --------------------------------------------------------------------------------

    def _known(self) -> Columns:
        if self._columns is None:
            self._columns = self._given if self._given is not None else columns_of(self._bars)
        return self._columns

    def _measure(self) -> _Measured:
        import numpy as np

        if self._measured is None:
            columns = self._known()
            firsts = np.nonzero(np.append(True, np.diff(columns.starts) > 0))[0]
            widths = columns.ends - columns.starts
            nothing = np.isnan(columns.values)
            last = float(columns.ends.max())  # few bars stand at the right: what comes later is not known
            whole = min(float(columns.starts[0]), last - _LEAST_SLOTS * float(widths[0])), last
            self._measured = _Measured(
                firsts,
                columns.starts[firsts],
                widths[firsts],
                np.add.reduceat(np.nan_to_num(columns.values), firsts),
                np.nonzero(nothing)[0],
                whole,
                max(1.0, _LEAST_BARS * float(widths[~nothing].min())) if not nothing.all() else 1.0,
            )
        return self._measured

    def _whole(self) -> tuple[float, float]:
        return self._measure().whole if len(self._known().starts) else (0.0, 1.0)

    def _least(self) -> float:
        return self._measure().least if len(self._known().starts) else 1.0


def columns_of(bars: Sequence[Bar]) -> Columns:
    """The same bars as columns; those of one start stay in the order given."""
    import numpy as np

    ordered = sorted(bars, key=lambda bar: bar.start)
    starts = np.array([bar.start for bar in ordered], float)
    return Columns(
        starts,
        starts + np.array([bar.width for bar in ordered], float),
        np.array([np.nan if bar.value is None else bar.value for bar in ordered], float),
        np.array([bar.series for bar in ordered], int),
        lambda place: ordered[place].words,
    )
