"""Stacked lanes below one axis of time: what a miner, a card or the machine used and earned, and what happened to it.

A missing reading is a gap with a grey band, never a zero.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy

from ranvier.core.evidence import Level
from ranvier.ui.models.miner_history import Curve, Dot, Lines, Span, unknown, words_at
from ranvier.ui.theme import Colours, colours_of, tabular
from ranvier.ui.widgets.charts.axes import day_ticks, moment_words
from ranvier.ui.widgets.charts.hover import HoverWords
from ranvier.ui.widgets.charts.series import Points, with_gaps
from ranvier.ui.widgets.charts.zoomed_time import ZoomedTime
from ranvier.ui.widgets.marks import paint_mark

_LEFT, _RIGHT, _FOOT, _TOP = 158, 14, 6, 22
_THIN, _HIGH = 22, 42
_MARK, _BAR = 12.0, 5.0
_REACH = 7  # pixels


@dataclass(frozen=True, slots=True)
class _Lane:
    """One row: its name, its smallest height, whether it grows with the widget, and what paints it into its box."""

    name: str
    least: int
    grows: bool
    paint: Callable[[QPainter, Colours, QRectF], None]
    curve: Curve | None = None


class HistoryView(ZoomedTime):
    """Give it ``Lines`` at any time; hovering says what was so there. ``name`` is what it is the history of.

    ``in_page``: it stands in a page that scrolls, is as high as it needs, and the wheel zooms once it has the focus.
    """

    def __init__(self, now: Callable[[], float], name: str = "the miner", *, in_page: bool = False) -> None:
        super().__init__(now, _LEFT, _RIGHT, wheel_at_once=not in_page)
        self.lines: Lines | None = None
        self._lanes: list[_Lane] = []
        self._at: float | None = None
        fixed = QSizePolicy.Policy.Fixed if in_page else QSizePolicy.Policy.Expanding
        self.setSizePolicy(QSizePolicy.Policy.Expanding, fixed)
        self.setMouseTracking(True)
        self.setFont(tabular(self.font()))
        self._words = HoverWords(self)
        self.setAccessibleName(f"History of {name}")

    def sizeHint(self) -> QSize:
        return QSize(480, self.minimumHeight())

    def show_lines(self, lines: Lines) -> None:
        """Show these, and the time that they are of, unless it is just being dragged."""
        self.lines = lines
        self.shows(lines.start, lines.end)
        self._lanes = self._rows(lines)
        self.setMinimumHeight(sum(lane.least for lane in self._lanes) + _TOP + _FOOT)
        self.updateGeometry()
        self.setAccessibleDescription(_description(lines))
        self.update()

    def clear(self) -> None:
        """Nothing is known yet."""
        self.lines, self._lanes = None, []
        self._end_hover()

    def _rows(self, lines: Lines) -> list[_Lane]:
        def marks(dots: tuple[Dot, ...], bad: Level) -> Callable[[QPainter, Colours, QRectF], None]:
            return lambda painter, colours, box: self._paint_dots(painter, colours, box, dots, bad)

        rows: list[_Lane] = []
        if lines.events:
            rows.append(_Lane("Runs", _THIN, False, self._paint_runs))
            rows.append(_Lane("Incidents", _THIN, False, marks(lines.incidents, Level.WARN)))
        for place, curve in enumerate(lines.curves):
            if curve.known:
                rows.append(_Lane(curve.name, _HIGH, True, self._curve_painter(curve, place), curve))
            else:
                rows.append(_Lane(curve.name, _THIN, False, self._nothing_painter(curve.none)))
        if lines.paid:
            rows.append(_Lane("Pay", _HIGH if lines.pay else _THIN, bool(lines.pay), self._paint_pay))
        if lines.events:
            rows.append(_Lane("Endpoint", _THIN, False, self._paint_drops))
            rows.append(_Lane("Versions", _THIN, False, marks(lines.versions, Level.BAD)))
        return rows

    # --- geometry ------------------------------------------------------------------------------------------

    def _boxes(self) -> list[QRectF]:
        spare = self.height() - _TOP - _FOOT - sum(lane.least for lane in self._lanes)
        growing = max(1, sum(lane.grows for lane in self._lanes))
        boxes, y = [], float(_TOP)
        for lane in self._lanes:
            height = lane.least + (max(0, spare) / growing if lane.grows else 0.0)
            boxes.append(QRectF(_LEFT, y, self._width(), height))
            y += height
        return boxes

    # --- painting ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = colours_of(self)
        if self.lines is None:
            painter.setPen(QColor(colours.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Waiting for the agent")
        else:
            boxes = self._boxes()
            for lane, box in zip(self._lanes, boxes, strict=True):
                self._paint_name(painter, colours, lane, box)
            whole = QRectF(boxes[0].topLeft(), boxes[-1].bottomRight())
            self._paint_axis(painter, colours, whole)
            painter.setClipRect(whole.adjusted(-_MARK / 2, 0, _MARK / 2, 0))
            self._paint_marks(painter, colours, whole)
            for lane, box in zip(self._lanes, boxes, strict=True):
                lane.paint(painter, colours, box)
            if self._at is not None:
                painter.setPen(QPen(QColor(colours.muted), 1, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(self._x(self._at), whole.top()), QPointF(self._x(self._at), whole.bottom()))
            painter.setClipping(False)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_name(self, painter: QPainter, colours: Colours, lane: _Lane, box: QRectF) -> None:
        painter.setPen(QColor(colours.border))
        painter.drawLine(QPointF(0, box.bottom()), box.bottomRight())
        painter.setPen(QColor(colours.muted))
        left = QRectF(6, box.top(), _LEFT - 14, box.height())
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, lane.name)
        if lane.curve is not None:
            low, high = lane.curve.reach(*self._range)
            painter.setFont(_small(self.font()))
            inside = left.adjusted(0, 3, 0, -2)
            flags = Qt.AlignmentFlag.AlignRight
            painter.drawText(inside, flags | Qt.AlignmentFlag.AlignTop, _scale_text(lane.curve, high))
            painter.drawText(inside, flags | Qt.AlignmentFlag.AlignBottom, _scale_text(lane.curve, low))
            painter.setFont(self.font())

    def _paint_axis(self, painter: QPainter, colours: Colours, whole: QRectF) -> None:
        start, end = self._range
        ticks = [tick for tick in day_ticks(start, end, max(2, int(self._width() / 80))) if start <= tick <= end]
        hours = len(ticks) < 2 or ticks[1] - ticks[0] < 80_000
        for tick in ticks:
            x = self._x(tick)
            painter.setPen(QColor(colours.border))
            painter.drawLine(QPointF(x, whole.top()), QPointF(x, whole.bottom()))
            painter.setPen(QColor(colours.muted))
            words = moment_words(tick, hours=hours)
            if hours and words == "00:00":
                words = moment_words(tick, hours=False)
            left = min(max(x - 40, _LEFT - 10), self.width() - 80)
            painter.drawText(QRectF(left, 0, 80, _TOP - 2), Qt.AlignmentFlag.AlignCenter, words)

    def _paint_marks(self, painter: QPainter, colours: Colours, whole: QRectF) -> None:
        """Endpoint drops, ends and versions, through all lanes."""
        assert self.lines is not None
        for span in self.lines.drops:
            painter.fillRect(self._bar(span, whole), _faint(colours.bad, 0.10))
        for dots, quiet, style in (
            (self.lines.ends, colours.unknown, Qt.PenStyle.SolidLine),
            (self.lines.versions, colours.accent, Qt.PenStyle.DashLine),
        ):
            drawn: dict[int, bool] = {}
            for dot in dots:
                drawn[round(self._x(dot.at))] = dot.bad or drawn.get(round(self._x(dot.at)), False)
            for x, bad in drawn.items():
                painter.setPen(QPen(_faint(colours.bad if bad else quiet, 0.55), 1, style))
                painter.drawLine(QPointF(x, whole.top()), QPointF(x, whole.bottom()))

    def _bar(self, span: Span, box: QRectF, least: float = 2.0) -> QRectF:
        left, right = self._x(span.start), self._x(span.end)
        return QRectF(left, box.top(), max(least, right - left), box.height())

    def _paint_runs(self, painter: QPainter, colours: Colours, box: QRectF) -> None:
        assert self.lines is not None
        middle = QRectF(box.left(), box.center().y() - 4, box.width(), 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_faint(colours.good, 0.55))
        for span in self.lines.runs:
            painter.drawRoundedRect(self._bar(span, middle), 3, 3)
        self._paint_dots(painter, colours, box, self.lines.ends, Level.BAD)

    def _paint_dots(self, painter: QPainter, colours: Colours, box: QRectF, dots: tuple[Dot, ...], bad: Level) -> None:
        for dot in dots:
            level = bad if dot.bad else Level.OFF
            mark = QRectF(self._x(dot.at) - _MARK / 2, box.center().y() - _MARK / 2, _MARK, _MARK)
            paint_mark(painter, mark, level, QColor(colours.level(level)))

    def _paint_drops(self, painter: QPainter, colours: Colours, box: QRectF) -> None:
        assert self.lines is not None
        middle = QRectF(box.left(), box.center().y() - 4, box.width(), 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_faint(colours.bad, 0.75))
        for span in self.lines.drops:
            painter.drawRoundedRect(self._bar(span, middle, 3.0), 3, 3)

    def _paint_pay(self, painter: QPainter, colours: Colours, box: QRectF) -> None:
        assert self.lines is not None
        lines = self.lines
        if lines.pay_note or not lines.pay:
            words = f"not known: {lines.pay_note}" if lines.pay_note else "no payment in this time"
            self._say(painter, colours, box, words)
        start, end = self._range
        seen = [dot for dot in lines.pay if start <= dot.at <= end]
        highest = max((dot.value or 0.0 for dot in seen), default=0.0)
        width = max(1.5, min(_BAR, self._width() / max(1, len(seen)) * 0.7))
        if lines.pay_from is not None:
            painter.fillRect(self._bar(Span(start, lines.pay_from, ""), box), _faint(colours.unknown, 0.13))
        painter.setPen(Qt.PenStyle.NoPen)
        for dot in seen:
            share = 0.0 if highest <= 0 else (dot.value or 0.0) / highest
            height = max(2.0, share * (box.height() - 8))
            painter.setBrush(QColor(colours.bad if dot.bad else colours.series[0]))
            painter.drawRect(QRectF(self._x(dot.at) - width / 2, box.bottom() - height, width, height))

    def _nothing_painter(self, words: str) -> Callable[[QPainter, Colours, QRectF], None]:
        return lambda painter, colours, box: self._say(painter, colours, box, words)

    def _say(self, painter: QPainter, colours: Colours, box: QRectF, words: str) -> None:
        painter.setPen(QColor(colours.muted))
        painter.drawText(box.adjusted(8, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)

    def _curve_painter(self, curve: Curve, place: int) -> Callable[[QPainter, Colours, QRectF], None]:
        def paint(painter: QPainter, colours: Colours, box: QRectF) -> None:
            start, end = self._range
            for one, other in unknown(curve.lines[0][1], start, min(end, self._now())):
                painter.fillRect(self._bar(Span(one, other, ""), box), _faint(colours.unknown, 0.13))
            reach, left = curve.reach(start, end), box.left() + 6
            filled = len(curve.lines) == 1 and curve.floor is not None
            chosen = [QColor(colours.series[(place + n) % len(colours.series)]) for n in range(len(curve.lines))]
            for colour, (_name, points) in zip(chosen, curve.lines, strict=True):
                self._paint_line(painter, points, box, reach, colour, filled=filled)
            if len(curve.lines) > 1:
                for colour, (name, _points) in zip(chosen, curve.lines, strict=True):
                    left += self._paint_word(painter, colours, colour, QPointF(left, box.top() + 2), name) + 12
            self._paint_limits(painter, colours, curve, box, reach)

        return paint

    def _paint_limits(
        self, painter: QPainter, colours: Colours, curve: Curve, box: QRectF, reach: tuple[float, float]
    ) -> None:
        """Each as a dashed line with its word at the left end, where the scale reaches so far."""
        for limit, word in curve.limits:
            if reach[0] < limit <= reach[1]:
                y = _y(limit, box, reach)
                painter.setPen(QPen(QColor(colours.warn), 1, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
                self._paint_word(painter, colours, QColor(colours.warn), QPointF(box.left() + 6, y + 1), word)

    def _paint_word(self, painter: QPainter, colours: Colours, colour: QColor, place: QPointF, word: str) -> float:
        """A small word with its upper left corner at ``place``, readable on top of a line; returns its width."""
        painter.setFont(_small(self.font()))
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(word)
        painter.fillRect(QRectF(place.x() - 2, place.y(), width + 4, metrics.height()), _faint(colours.surface, 0.8))
        painter.setPen(colour)
        painter.drawText(QPointF(place.x(), place.y() + metrics.ascent()), word)
        painter.setFont(self.font())
        return float(width)

    def _paint_line(
        self,
        painter: QPainter,
        points: Points,
        box: QRectF,
        reach: tuple[float, float],
        colour: QColor,
        *,
        filled: bool,
    ) -> None:
        pieces: list[list[QPointF]] = [[]]
        for at, value in zip(*with_gaps(points), strict=True):
            if value != value:  # a gap
                pieces.append([])
            else:
                pieces[-1].append(QPointF(self._x(at), _y(value, box, reach)))
        for piece in pieces:
            if filled and len(piece) > 1:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(_faint(colour.name(), 0.12))
                foot = [QPointF(piece[-1].x(), box.bottom()), QPointF(piece[0].x(), box.bottom())]
                painter.drawPolygon(QPolygonF([*piece, *foot]))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 1.5))
            if len(piece) > 1:
                painter.drawPolyline(piece)
            elif piece:
                painter.drawEllipse(piece[0], 1.3, 1.3)

    # --- hovering ------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        super().mouseMoveEvent(event)
        if self.gripped:
            self._end_hover()
            return
        if self.lines is None or not _LEFT <= x <= _LEFT + self._width():
            self._end_hover()
            return
        self._at = self._moment(x)
        self._words.say(self.words(self._at), event.position().toPoint())
        seen = self.visibleRegion().boundingRect()  # the box must be read without scrolling
        top = min(max(self._words.y(), seen.top()), max(seen.top(), seen.bottom() - self._words.height()))
        self._words.move(QPoint(self._words.x(), top))
        self.update()

    def empty(self) -> bool:
        return self.lines is None

    def look(self, start: float, end: float) -> None:
        self._end_hover()
        super().look(start, end)

    def words(self, at: float) -> str:
        """What hovering at a moment says."""
        assert self.lines is not None
        start, end = self._range
        moment = datetime.datetime.fromtimestamp(at).astimezone().strftime("%d %b %H:%M:%S")
        return "\n".join([moment, *words_at(self.lines, at, (end - start) / self._width() * _REACH)])

    def leaveEvent(self, event: QEvent) -> None:
        self._end_hover()
        super().leaveEvent(event)

    def _end_hover(self) -> None:
        self._at = None
        self._words.hide()
        self.update()


def _y(value: float, box: QRectF, reach: tuple[float, float]) -> float:
    """Where a value lies in its lane, whose scale goes from ``reach``'s low to its high."""
    low, high = reach
    return box.bottom() - 2 - (value - low) / (high - low) * (box.height() - 8)


def _description(lines: Lines) -> str:
    crashes = sum(dot.bad for dot in lines.ends)
    parts = [f"{len(lines.runs)} runs, {crashes} crashes, {len(lines.incidents)} incidents"] if lines.events else []
    parts += [f"{len(lines.pay)} payments"] if lines.paid else []
    parts += [f"{len(lines.drops)} endpoint drops"] if lines.events else []
    unknown_names = [curve.name for curve in lines.curves if not curve.known]
    return "; ".join(filter(None, (", ".join(parts), f"not known: {', '.join(unknown_names) or 'nothing'}")))


def _scale_text(curve: Curve, value: float) -> str:
    """A value at the end of a lane's scale, without the words that hovering adds."""
    return curve.words(value).removesuffix(" of one core")


def _faint(colour: str, alpha: float) -> QColor:
    faint = QColor(colour)
    faint.setAlphaF(alpha)
    return faint


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(max(6.0, font.pointSizeF() * 0.85))
    return small
