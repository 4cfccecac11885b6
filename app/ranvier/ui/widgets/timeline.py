"""Lanes over one line of time: when it ran and how it ended, what it was paid, how hot, endpoint drops, versions."""

from __future__ import annotations

import datetime

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ranvier.core.evidence import Level
from ranvier.ui.models.timeline import Dot, Lines, words_at
from ranvier.ui.theme import Colours, colours_of, tabular
from ranvier.ui.widgets.hover import HoverWords
from ranvier.ui.widgets.marks import paint_mark
from ranvier.ui.words import temperature_text

_NAMES = ("Runs", "Pay", "Heat", "Endpoint", "Versions")
_LEFT, _RIGHT, _FOOT, _TOP = 92, 18, 26, 6
_WEIGHTS = (1.0, 2.0, 2.0, 0.8, 0.8)
_STEPS = (60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800)
_MARK = 12.0
_BAR = 5.0
_HEAT_STEP = 3.0


class TimelineView(QWidget):
    """Give it ``Lines`` at any time; hovering says what happened there."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Lines | None = None
        self.setMinimumHeight(190)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setFont(tabular(self.font()))
        self._words = HoverWords(self)
        self._at: float | None = None
        self.setAccessibleName("Time line of the miner")

    def sizeHint(self) -> QSize:
        return QSize(480, 260)

    def show_lines(self, lines: Lines) -> None:
        self.lines = lines
        crashes = sum(dot.bad for dot in lines.ends)
        self.setAccessibleDescription(
            f"{len(lines.runs)} runs, {crashes} crashes, {len(lines.pay)} payments, {len(lines.drops)} endpoint drops"
        )
        self.update()

    # --- geometry ------------------------------------------------------------------------------------------

    def _x(self, at: float) -> float:
        assert self.lines is not None
        share = (at - self.lines.start) / max(1.0, self.lines.end - self.lines.start)
        return _LEFT + share * (self.width() - _LEFT - _RIGHT)

    def _lanes(self) -> list[QRectF]:
        height = self.height() - _FOOT - _TOP
        total, y = sum(_WEIGHTS), float(_TOP)
        lanes = []
        for weight in _WEIGHTS:
            part = height * weight / total
            lanes.append(QRectF(_LEFT, y, self.width() - _LEFT - _RIGHT, part))
            y += part
        return lanes

    # --- painting ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = colours_of(self)
        lanes = self._lanes()
        self._paint_frame(painter, colours, lanes)
        if self.lines is not None:
            self._paint_axis(painter, colours, lanes)
            self._paint_runs(painter, colours, lanes[0])
            self._paint_pay(painter, colours, lanes[1])
            self._paint_heat(painter, colours, lanes[2])
            self._paint_drops(painter, colours, lanes[3])
            self._paint_dots(painter, colours, lanes[4], self.lines.versions)
            if self._at is not None:
                painter.setPen(QPen(QColor(colours.muted), 1, Qt.PenStyle.DashLine))
                x = self._x(self._at)
                painter.drawLine(QPointF(x, lanes[0].top()), QPointF(x, lanes[-1].bottom()))
        painter.end()

    def _paint_frame(self, painter: QPainter, colours: Colours, lanes: list[QRectF]) -> None:
        for name, lane in zip(_NAMES, lanes, strict=True):
            painter.setPen(QColor(colours.border))
            painter.drawLine(lane.bottomLeft(), lane.bottomRight())
            painter.setPen(QColor(colours.muted))
            box = QRectF(0, lane.top(), _LEFT - 12, lane.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)

    def _paint_axis(self, painter: QPainter, colours: Colours, lanes: list[QRectF]) -> None:
        assert self.lines is not None
        start, end = self.lines.start, self.lines.end
        room = max(1.0, (self.width() - _LEFT - _RIGHT) / 90)
        step = next((one for one in _STEPS if (end - start) / one <= room), _STEPS[-1] * 2)
        offset = datetime.datetime.fromtimestamp(start).astimezone().utcoffset()
        shift = 0.0 if offset is None else offset.total_seconds()
        at = ((start + shift) // step + 1) * step - shift
        while at <= end:
            x = self._x(at)
            painter.setPen(QColor(colours.border))
            painter.drawLine(QPointF(x, lanes[0].top()), QPointF(x, lanes[-1].bottom()))
            painter.setPen(QColor(colours.muted))
            moment = datetime.datetime.fromtimestamp(at).astimezone()
            words = moment.strftime("%H:%M" if step < 86_400 and (moment.hour or moment.minute) else "%d %b")
            box = QRectF(x - 40, lanes[-1].bottom() + 5, 80, _FOOT - 6)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
            at += step

    def _paint_runs(self, painter: QPainter, colours: Colours, lane: QRectF) -> None:
        assert self.lines is not None
        middle = lane.center().y()
        painter.setPen(Qt.PenStyle.NoPen)
        for span in self.lines.runs:
            fill = QColor(colours.good)
            fill.setAlphaF(0.55)
            painter.setBrush(fill)
            left, right = self._x(span.start), self._x(span.end)
            painter.drawRoundedRect(QRectF(left, middle - 4, max(2.0, right - left), 8), 3, 3)
        self._paint_dots(painter, colours, lane, self.lines.ends)

    def _paint_dots(self, painter: QPainter, colours: Colours, lane: QRectF, dots: tuple[Dot, ...]) -> None:
        for dot in dots:
            level = Level.BAD if dot.bad else Level.OFF
            box = QRectF(self._x(dot.at) - _MARK / 2, lane.center().y() - _MARK / 2, _MARK, _MARK)
            paint_mark(painter, box, level, QColor(colours.level(level)))

    def _paint_pay(self, painter: QPainter, colours: Colours, lane: QRectF) -> None:
        assert self.lines is not None
        pay = self.lines.pay
        highest = max((dot.value or 0.0 for dot in pay), default=0.0)
        inside = (self.width() - _LEFT - _RIGHT) / max(1, len(pay))
        width = max(1.5, min(_BAR, inside * 0.7))
        for dot in pay:
            share = 0.0 if highest <= 0 else (dot.value or 0.0) / highest
            height = max(2.0, share * (lane.height() - 8))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.bad if dot.bad else colours.series[0]))
            painter.drawRect(
                QRectF(self._x(dot.at) - width / 2, lane.bottom() - max(2.0, height), width, max(2.0, height))
            )
        if not pay:
            self._say_nothing(painter, colours, lane, "no payment in this time")

    def _paint_heat(self, painter: QPainter, colours: Colours, lane: QRectF) -> None:
        assert self.lines is not None
        values = [value for piece in self.lines.heat for _at, value in piece]
        if not values:
            self._say_nothing(painter, colours, lane, "no temperature is known")
            return
        low, high = min(values), max(values)
        room = max(4.0, high - low)
        painter.setPen(QPen(QColor(colours.series[1]), 1.6))
        for piece in self.lines.heat:
            hottest: dict[int, float] = {}  # one point for each step of the screen: the hottest counts
            for at, value in piece:
                if at >= self.lines.start:
                    step = round(self._x(at) / _HEAT_STEP)
                    hottest[step] = max(value, hottest.get(step, value))
            points = [
                QPointF(step * _HEAT_STEP, lane.bottom() - 6 - (value - low) / room * (lane.height() - 14))
                for step, value in hottest.items()
            ]
            if len(points) > 1:
                painter.drawPolyline(points)
            elif points:
                painter.drawEllipse(points[0], 1.2, 1.2)
        painter.setPen(QColor(colours.muted))
        small = painter.font()
        small.setPointSizeF(max(6.0, small.pointSizeF() * 0.85))
        painter.save()
        painter.setFont(small)
        box = QRectF(40, lane.top() + 2, _LEFT - 46, lane.height() - 4)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, temperature_text(high))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, temperature_text(low))
        painter.restore()

    def _paint_drops(self, painter: QPainter, colours: Colours, lane: QRectF) -> None:
        assert self.lines is not None
        middle = lane.center().y()
        for span in self.lines.drops:
            fill = QColor(colours.bad)
            fill.setAlphaF(0.75)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            left, right = self._x(span.start), self._x(span.end)
            painter.drawRoundedRect(QRectF(left, middle - 4, max(3.0, right - left), 8), 3, 3)

    def _say_nothing(self, painter: QPainter, colours: Colours, lane: QRectF, words: str) -> None:
        painter.setPen(QColor(colours.muted))
        painter.drawText(lane.adjusted(8, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)

    # --- hovering ------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        width = self.width() - _LEFT - _RIGHT
        if self.lines is None or not _LEFT <= x <= _LEFT + width:
            self._end_hover()
            return
        span = self.lines.end - self.lines.start
        self._at = self.lines.start + (x - _LEFT) / max(1, width) * span
        moment = datetime.datetime.fromtimestamp(self._at).astimezone().strftime("%d %b %H:%M:%S")
        self._words.say("\n".join([moment, *words_at(self.lines, self._at, span / max(1, width) * 7)]),
                        event.position().toPoint())  # fmt: skip
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._end_hover()
        super().leaveEvent(event)

    def _end_hover(self) -> None:
        self._at = None
        self._words.hide()
        self.update()
