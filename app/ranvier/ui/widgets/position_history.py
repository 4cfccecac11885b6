"""The past of one position: amount, price or value over time, gaps as gaps, with one's own transactions marked."""

from __future__ import annotations

import bisect
import datetime
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.agent.api.history_messages import PositionHistory, PositionMark
from ranvier.core.units import RAO_PER_COIN, Alpha, Tao, alpha_unit, format_alpha, format_tao
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.charts.axes import day_axis_class
from ranvier.ui.widgets.charts.chart import Line, LineChart
from ranvier.ui.widgets.charts.series import Points
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import UNKNOWN, count_text

AMOUNT, PRICE, VALUE = range(3)
_NAMES = ("Amount", "Price", "Value")
_SHORTEST_S = 600.0
_HEIGHT = 132
_NEAR = 0.012  # of the width: how close the pointer must be to a mark
_MISSED = 3.5


class PositionHistoryView(QWidget):
    """``show_history`` gives it data; which of the three is drawn is chosen above. ``load`` as for every chart."""

    def __init__(self) -> None:
        super().__init__()
        self.history: PositionHistory | None = None
        self._netuid = 0
        self._kind = VALUE
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(4)
        self.words = label("", "small")
        row.addWidget(self.words, 1)
        group = QButtonGroup(self)
        self.choices = []
        for kind, name in enumerate(_NAMES):
            choice = button(name, partial(self.choose, kind))
            choice.setCheckable(True)
            choice.setChecked(kind == self._kind)
            group.addButton(choice)
            row.addWidget(choice)
            self.choices.append(choice)
        column.addLayout(row)
        self.chart = _HistoryChart(self._value_words, self._unit)
        column.addWidget(self.chart, 1)

    async def load(self) -> None:
        """As for every chart: once, when it is first shown."""
        await self.chart.load()

    def choose(self, kind: int) -> None:
        """Draw the amount, the price or the value."""
        self._kind = kind
        self.choices[kind].setChecked(True)
        self._draw()

    def show_history(self, history: PositionHistory | None, netuid: int) -> None:
        """Draw this; None while it is being read."""
        self.history, self._netuid = history, netuid
        self._draw()

    def _draw(self) -> None:
        history = self.history
        if history is None:
            self.words.setText("Reading its past…")
            self.chart.show_marked((), (), 0.0)
            return
        if not history.points:
            self.words.setText("Nothing was noted yet: it is, from now on, while the agent runs.")
        else:
            first = moment_text(history.points[0].at_ms / 1000)
            marks = count_text(len(history.marks), "own transaction")
            self.words.setText(f"Since {first}, {marks} marked. Grey: nobody looked.")
        self.chart.show_marked(points_of(history, self._kind), history.marks, history.every_s)

    def _unit(self) -> str:
        return alpha_unit(self._netuid) if self._kind == AMOUNT else "TAO"

    def _value_words(self, value: float | None) -> str:
        if value is None:
            return UNKNOWN
        rao = round(value * RAO_PER_COIN)
        if self._kind == AMOUNT:
            return format_alpha(Alpha(rao, self._netuid), 4)
        return format_tao(Tao(rao), 6 if self._kind == PRICE else 4)


def points_of(history: PositionHistory, kind: int) -> list[tuple[float, float | None]]:
    """Coins over Unix seconds; None where it is not known, also in between when nobody looked for long."""
    found: list[tuple[float, float | None]] = []
    for one in history.points:
        at = one.at_ms / 1000
        if found and at - found[-1][0] > _MISSED * history.every_s:
            found.append((found[-1][0] + 1.0, None))
        found.append((at, _coins(one.alpha_rao, one.price_rao, kind)))
    return found


def _coins(alpha_rao: int, price_rao: int | None, kind: int) -> float | None:
    """For geometry only."""
    if kind == AMOUNT:
        return alpha_rao / RAO_PER_COIN
    if kind == VALUE and not alpha_rao:
        return 0.0
    if price_rao is None:
        return None
    return (price_rao if kind == PRICE else alpha_rao * price_rao // RAO_PER_COIN) / RAO_PER_COIN


def moment_text(at: float) -> str:
    """``22 Nov 18:04``, the computer's own time."""
    moment = datetime.datetime.fromtimestamp(at).astimezone()
    return f"{moment.day} {moment.strftime('%b %H:%M')}"


class _HistoryChart(LineChart):
    """A line with a vertical mark at each transaction; not from zero, so that small changes can be seen."""

    def __init__(self, value_words: Callable[[float | None], str], unit_of: Callable[[], str]) -> None:
        super().__init__(span_s=_SHORTEST_S, value_words=value_words, height=_HEIGHT)
        self.setFixedHeight(_HEIGHT)
        self._unit_of = unit_of
        self.marks: tuple[PositionMark, ...] = ()

    def show_marked(self, points: Points, marks: tuple[PositionMark, ...], every_s: float) -> None:
        self.marks = marks
        until = time.time()
        if points:
            self.span_s = max(_SHORTEST_S, until - points[0][0])
        if points and until - points[-1][0] > _MISSED * every_s:
            points = [*points, (points[-1][0] + 1.0, None), (until, None)]
        self.set_lines([Line("", points)] if points else [], points[-1][0] if points else until)

    def axis_class(self) -> Any:
        return day_axis_class()

    def draw(self) -> None:
        super().draw()
        pg, colours, item = sys.modules["pyqtgraph"], colours_of(self), self._plot.getPlotItem()
        for mark in self.marks:
            colour = colours.bad if mark.kept == "no" else colours.accent
            pen = pg.mkPen(colour, width=1.2, style=Qt.PenStyle.DotLine)
            self._add(pg.InfiniteLine(mark.at_ms / 1000, angle=90, movable=False, pen=pen))
        known = [value for line in self.lines for _, value in line.points if value is not None]
        if known:
            low, high = min(known), max(known)
            room = max((high - low) * 0.15, high * 0.005, 1e-9)
            self._set_heights(max(0.0, low - room), high + room)
            item.setYRange(max(0.0, low - room), high + room, padding=0)

    def tick_words(self, value: float) -> str:
        return f"{value:.4g} {self._unit_of()}"  # round numbers, for the axis only

    def words_at(self, x: float) -> str:
        near = self.span_s * _NEAR
        times = [mark.at_ms / 1000 for mark in self.marks]
        place = bisect.bisect_left(times, x - near)
        said = [mark.words for mark in self.marks[place:] if mark.at_ms / 1000 <= x + near]
        shown = super().words_at(x)
        return "\n".join([shown, *said]) if shown else "\n".join(said)

    def moment_words(self, x: float) -> str:
        return moment_text(x)
