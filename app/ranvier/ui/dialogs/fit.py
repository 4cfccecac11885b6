"""The height of a dialog: Qt reckons with the narrowest text and leaves holes; this asks at the real width."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QDialog, QLayout, QVBoxLayout, QWidget

_TITLE_BAR = 32


def fit(dialog: QDialog, width: int = 0) -> None:
    """Keep ``dialog`` as wide as asked, as high as its texts need and on the screen, also when they change later."""
    fitter = dialog.findChild(_Fitter)
    if fitter is None:
        fitter = _Fitter(dialog)
    fitter.fit(max(width, dialog.minimumWidth()))


class Steps(QWidget):
    """One of several widgets at a time. Unlike a stack, only the shown one decides about the height."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._steps: list[QWidget] = []
        self.place = 0

    def add(self, step: QWidget) -> None:
        self._column.addWidget(step)
        self._steps.append(step)
        step.setVisible(len(self._steps) == 1)

    def __len__(self) -> int:
        return len(self._steps)

    def turn_to(self, place: int) -> None:
        """Show this step and hide the others."""
        self.place = place
        for other, step in enumerate(self._steps):
            step.setVisible(other == place)


class _Fitter(QObject):
    def __init__(self, dialog: QDialog) -> None:
        super().__init__(dialog)
        self._dialog = dialog
        self._width = 0
        layout = dialog.layout()
        if layout is not None:
            layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        dialog.installEventFilter(self)

    def fit(self, width: int) -> None:
        """Take the height that the contents need at ``width``."""
        layout = self._dialog.layout()
        if layout is None:
            return
        self._width = width
        layout.activate()
        flows = layout.hasHeightForWidth()
        height = layout.heightForWidth(width) if flows else layout.sizeHint().height()
        least = layout.totalMinimumHeightForWidth(width) if flows else layout.totalMinimumSize().height()
        screen = self._dialog.screen().availableGeometry()
        title = max(_TITLE_BAR, self._dialog.frameGeometry().height() - self._dialog.height())
        height = max(least, min(height, screen.height() - title))
        self._dialog.setMinimumSize(width, height)
        self._dialog.resize(width, height)
        above = screen.bottom() - height - title + 1
        if self._dialog.isVisible() and self._dialog.y() > above:  # it grew: its buttons must stay on the screen
            self._dialog.move(self._dialog.x(), max(screen.top(), above))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and watched is self._dialog and self._width:
            self.fit(self._width)
        return False
