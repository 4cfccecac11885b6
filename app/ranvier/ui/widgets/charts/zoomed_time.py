"""A widget whose width is a part of time: the wheel zooms where the pointer is, dragging moves, keys do both."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

SHORTEST_S, LONGEST_S = 60.0, 366 * 86_400.0
_ZOOM = 1.25
_FAR = 3  # pixels: less is a click


class ZoomedTime(QWidget):
    """Time runs between ``left`` and ``right`` pixels from the edges; outside, the wheel scrolls as anywhere else.

    ``range_wanted`` (start, end, Unix seconds) asks for another part, ``follow_wanted`` to go on with now. ``now``
    is the end of time. Not ``wheel_at_once``: the wheel scrolls what lies around until a click gave this the focus.
    """

    range_wanted = Signal(float, float)
    follow_wanted = Signal()

    def __init__(self, now: Callable[[], float], left: int, right: int, *, wheel_at_once: bool = True) -> None:
        super().__init__()
        self._wheel_at_once = wheel_at_once
        self._now = now
        self._left, self._right = left, right
        self._range = (0.0, 1.0)
        self._grip: tuple[float, tuple[float, float]] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def range(self) -> tuple[float, float]:
        """What is shown, in Unix seconds."""
        return self._range

    @property
    def gripped(self) -> bool:
        """Whether it is being dragged."""
        return self._grip is not None

    def empty(self) -> bool:
        """Whether there is nothing to zoom."""
        return False

    def shows(self, start: float, end: float) -> None:
        """This part is shown from now on, unless it is just being dragged."""
        if self._grip is None:
            self._range = (start, end)

    def look(self, start: float, end: float) -> None:
        """Show this part as far as it is known, and ask for it. It ends now at the latest."""
        length = min(max(end - start, SHORTEST_S), LONGEST_S)
        end = min((start + end) / 2 + length / 2, self._now())
        self._range = (end - length, end)
        self.update()
        self.range_wanted.emit(*self._range)

    def zoom(self, factor: float, at: float | None = None) -> None:
        """Show ``factor`` times as much, with the moment ``at`` staying where it is (None: the newest one)."""
        start, end = self._range
        length = min(max((end - start) * factor, SHORTEST_S), LONGEST_S)
        place = 1.0 if at is None else (at - start) / max(1e-6, end - start)
        still = end if at is None else at
        self.look(still - place * length, still + (1 - place) * length)

    def _width(self) -> float:
        return max(1.0, self.width() - self._left - self._right)

    def _x(self, at: float) -> float:
        start, end = self._range
        return self._left + (at - start) / max(1e-6, end - start) * self._width()

    def _moment(self, x: float) -> float:
        start, end = self._range
        return start + (x - self._left) / self._width() * (end - start)

    # --- input ---------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta().y()
        asleep = not (self._wheel_at_once or self.hasFocus())
        if self.empty() or asleep or turn == 0 or event.position().x() < self._left:
            event.ignore()
            return
        self.zoom(_ZOOM ** (-turn / 120), self._moment(event.position().x()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if not self.empty() and event.button() is Qt.MouseButton.LeftButton and x >= self._left:
            self._grip = (x, self._range)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is None:
            return
        began, (start, end) = self._grip
        moved = began - event.position().x()
        if abs(moved) >= _FAR:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            seconds = moved / self._width() * (end - start)
            self.look(start + seconds, end + seconds)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._grip = None
        self.follow_wanted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        start, end = self._range
        step = (end - start) / 5
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1 / _ZOOM)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom(_ZOOM)
        elif event.key() == Qt.Key.Key_Left:
            self.look(start - step, end - step)
        elif event.key() == Qt.Key.Key_Right:
            self.look(start + step, end + step)
        elif event.key() in (Qt.Key.Key_End, Qt.Key.Key_0):
            self.follow_wanted.emit()
        else:
            super().keyPressEvent(event)
