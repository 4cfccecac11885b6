"""Wheel, drag and double click on a chart of which a part can be shown."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

_PER_NOTCH = 0.8
_NOTCH = 120.0


class Zoomed(Protocol):
    """A chart that shows a part of its whole."""

    @property
    def view(self) -> tuple[float, float]: ...
    def set_view(self, low: float, high: float) -> None: ...
    def zoom(self, factor: float, at: float | None = None) -> None: ...
    def show_all(self) -> None: ...


class RangeDrag(QObject):
    """Listens to ``plot`` (a pyqtgraph PlotWidget) for ``chart``. A wheel sideways or with Shift pans."""

    def __init__(self, chart: Zoomed, plot: Any) -> None:
        super().__init__(plot)
        self._chart, self._plot = chart, plot
        self._from: tuple[float, tuple[float, float]] | None = None
        plot.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent):
            self._wheel(event)
            event.accept()
            return True
        if isinstance(event, QMouseEvent):
            return self._mouse(event)
        return False

    def _wheel(self, event: QWheelEvent) -> None:
        across, along = event.angleDelta().x(), event.angleDelta().y()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            across, along = across or along, 0
        if along:
            self._chart.zoom(_PER_NOTCH ** (along / _NOTCH), self._moment(event.position()))
        elif across:
            low, high = self._chart.view
            step = -across / _NOTCH * 0.1 * (high - low)
            self._chart.set_view(low + step, high + step)

    def _mouse(self, event: QMouseEvent) -> bool:
        left = Qt.MouseButton.LeftButton
        kind = event.type()
        if kind is QEvent.Type.MouseButtonDblClick and event.button() is left:
            self._from = None
            self._chart.show_all()
            return True
        if kind is QEvent.Type.MouseButtonPress and event.button() is left:
            self._from = (event.position().x(), self._chart.view)
            chart = self._chart
            if isinstance(chart, QWidget):
                chart.setFocus(Qt.FocusReason.MouseFocusReason)
            return True
        if kind is QEvent.Type.MouseMove and self._from is not None and event.buttons() & left:
            start, (low, high) = self._from
            moved = (start - event.position().x()) / max(1.0, self._width()) * (high - low)
            self._chart.set_view(low + moved, high + moved)
            return True
        if kind is QEvent.Type.MouseButtonRelease and self._from is not None:
            self._from = None
            return True
        return False

    def _width(self) -> float:
        return float(self._plot.getPlotItem().getViewBox().width())

    def _moment(self, position: QPointF) -> float:
        box = self._plot.getPlotItem().getViewBox()
        return float(box.mapSceneToView(self._plot.mapToScene(position.toPoint())).x())
