"""The house's charts on pyqtgraph, which is loaded off the UI thread when first needed.

A missing sample is a gap with a grey band, never a zero. Amounts become floats here for geometry only; every
text a person reads comes from the caller.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.charts.axes import nice_ticks, span_axis_class
from ranvier.ui.widgets.charts.hover import HoverWords
from ranvier.ui.widgets.charts.series import Points, gaps, value_near, with_gaps
from ranvier.ui.widgets.qt_classes import make_all_classes
from ranvier.ui.widgets.text import label


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name in the hover text and its points (Unix seconds, value or None), oldest first."""

    name: str
    points: Points


async def load_charts() -> None:
    """Import pyqtgraph in a worker thread: 0.3 to 0.6 s that the UI thread does not wait for."""
    known = sys.modules.get("pyqtgraph")
    # A module is listed from the moment its import begins in another thread; import_module waits for its end.
    if known is None or getattr(known.__spec__, "_initializing", False):
        await make_all_classes()
        await asyncio.to_thread(importlib.import_module, "pyqtgraph")


class Chart(QWidget):
    """What line and bar charts share: the late start, the theme, the hover line. Give data at any time.

    ``load`` must be awaited once (a page does so when it is first shown); until then the space is kept.
    """

    def __init__(self, *, unit: str = "", height: int = 150) -> None:
        super().__init__()
        self.unit = unit
        self.setMinimumHeight(height)
        self._plot: Any = None
        self._hover_line: Any = None
        self._drawn: list[Any] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._waiting = label("", "muted")
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.addWidget(self._waiting)
        self._words = HoverWords(self)

    @property
    def loaded(self) -> bool:
        return self._plot is not None

    async def load(self) -> None:
        """Make the plot and draw what was given so far."""
        await load_charts()
        if self._plot is None:
            self._build(sys.modules["pyqtgraph"])
            self.draw()

    def draw(self) -> None:
        """Draw the data as it is now."""
        raise NotImplementedError

    def words_at(self, x: float) -> str:
        """What hovering at ``x`` says; empty for nothing."""
        raise NotImplementedError

    def axis_class(self) -> Any:
        """The class of the horizontal axis."""
        return span_axis_class()

    def _build(self, pg: Any) -> None:
        self._plot = pg.PlotWidget(axisItems={"bottom": self.axis_class()(orientation="bottom")})
        item = self._plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.getViewBox().setDefaultPadding(0)
        item.layout.setContentsMargins(0, 8, 24, 0)
        item.getAxis("left").setWidth(72)
        item.getAxis("left").setGrid(45)
        item.getAxis("left").setStyle(tickLength=0, autoExpandTextSpace=False, hideOverlappingLabels=False)
        item.getAxis("bottom").setStyle(tickLength=0, hideOverlappingLabels=False)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # A wheel over a chart scrolls the page, it does not zoom by accident.
        self._plot.wheelEvent = lambda event: event.ignore()
        self._hover_line = pg.InfiniteLine(angle=90, movable=False)
        self._hover_line.setZValue(10)
        self._hover_line.hide()
        item.addItem(self._hover_line, ignoreBounds=True)
        self._plot.scene().sigMouseMoved.connect(self._hover)
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(self._waiting, self._plot)
        self._waiting.deleteLater()
        self._words.raise_()
        self._paint()

    def _paint(self) -> None:
        """Take the colours of the theme."""
        if self._plot is None:
            return
        pg, colours = sys.modules["pyqtgraph"], colours_of(self)
        self._plot.setBackground(colours.surface)  # charts lie on cards
        for side in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(colours.border))
            axis.setTextPen(pg.mkPen(colours.muted))
            axis.setTickFont(self.font())
        self._hover_line.setPen(pg.mkPen(colours.muted, width=1, style=Qt.PenStyle.DashLine))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._plot is not None:
            self._paint()
            self.draw()

    def leaveEvent(self, event: QEvent) -> None:
        self._end_hover()
        super().leaveEvent(event)

    def _hover(self, position: QPointF) -> None:
        box = self._plot.getPlotItem().getViewBox()
        if not box.sceneBoundingRect().contains(position):
            self._end_hover()
            return
        x = box.mapSceneToView(position).x()
        words = self.words_at(x)
        if not words:
            self._end_hover()
            return
        self._hover_line.setValue(x)
        self._hover_line.show()
        self._words.say(words, self._plot.mapFromScene(position))

    def _end_hover(self) -> None:
        if self._hover_line is not None:
            self._hover_line.hide()
        self._words.hide()

    def _set_heights(self, low: float, high: float) -> None:
        """The vertical range and a few round numbers on it, with the unit at the top one."""
        ticks = nice_ticks(low, high)
        named = [(tick, self.tick_words(tick)) for tick in ticks]
        item = self._plot.getPlotItem()
        item.getAxis("left").setTicks([named])
        item.setYRange(low, max(high, ticks[-1]), padding=0.07)

    def tick_words(self, value: float) -> str:
        """A number on the vertical axis, with its unit."""
        return f"{value:g} {self.unit}".rstrip()

    def _add(self, thing: Any) -> None:
        self._plot.getPlotItem().addItem(thing, ignoreBounds=True)
        self._drawn.append(thing)

    def _clear(self) -> None:
        for old in self._drawn:
            self._plot.getPlotItem().removeItem(old)
        self._drawn = []

    def _grey_band(self, start: float, end: float) -> Any:
        pg, colours = sys.modules["pyqtgraph"], colours_of(self)
        grey = QColor(colours.unknown)
        grey.setAlphaF(0.13)
        band = pg.LinearRegionItem((start, end), movable=False, brush=grey, pen=pg.mkPen(None))
        band.setZValue(-5)
        return band


class LineChart(Chart):
    """Lines over the last ``span_s`` seconds.

    ``value_words`` turns a value into the text of the hover and the axis.
    """

    def __init__(
        self,
        *,
        span_s: float,
        value_words: Callable[[float | None], str],
        height: int = 130,
    ) -> None:
        super().__init__(height=height)
        self.setMaximumHeight(2 * height)
        self.span_s = span_s
        self._value_words = value_words
        self._lines: tuple[Line, ...] = ()
        self._until: float | None = None

    def set_lines(self, lines: Sequence[Line], until: float | None = None) -> None:
        """Show these lines; the right edge is ``until`` (Unix seconds), or the newest sample."""
        self._lines, self._until = tuple(lines), until
        if self._plot is not None:
            self.draw()

    @property
    def lines(self) -> tuple[Line, ...]:
        return self._lines

    def right_edge(self) -> float:
        ends = [line.points[-1][0] for line in self._lines if line.points]
        return self._until if self._until is not None else max(ends, default=0.0)

    def tick_words(self, value: float) -> str:
        return self._value_words(value)

    def draw(self) -> None:
        pg, colours, item = sys.modules["pyqtgraph"], colours_of(self), self._plot.getPlotItem()
        self._clear()
        right = self.right_edge()
        highest = 0.0
        for place, one in enumerate(self._lines):
            colour = QColor(colours.series[place % len(colours.series)])
            xs, ys = with_gaps(one.points)
            soft = QColor(colour)
            soft.setAlphaF(0.12)
            curve = pg.PlotDataItem()
            self._add(curve)
            # Only inside a view: pyqtgraph looks for one as soon as it may clip.
            curve.setDownsampling(auto=True, method="peak")
            curve.setClipToView(True)
            filled = {"fillLevel": 0, "fillBrush": soft} if len(self._lines) == 1 else {}
            curve.setData(xs, ys, pen=pg.mkPen(colour, width=1.6), connect="finite", antialias=True, **filled)
            known = [value for at, value in one.points if value is not None and at >= right - self.span_s]
            highest = max([highest, *known])
        if self._lines:
            for start, end in gaps(self._lines[0].points, self._until):
                self._add(self._grey_band(start, end))
        item.setXRange(right - self.span_s, right, padding=0)
        item.getAxis("bottom").right_edge = right
        self._set_heights(0.0, max(highest * 1.15, 1e-9))

    def words_at(self, x: float) -> str:
        parts = [self.moment_words(x)]
        found = False
        for one in self._lines:
            value = value_near(one.points, x)
            found = found or bool(one.points)
            name = f"{one.name}: " if len(self._lines) > 1 else ""
            parts.append(name + self._value_words(value))
        return "\n".join(parts) if found else ""

    def moment_words(self, x: float) -> str:
        seconds = max(0, round(self.right_edge() - x))
        minutes, rest = divmod(seconds, 60)
        if minutes >= 120:
            return f"{minutes // 60} h {minutes % 60} min ago"
        return f"{minutes} min {rest} s ago" if minutes else f"{rest} s ago"
