"""A QR code painted black on white, whatever the theme: readers expect it. Never of anything secret."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.keys import qr
from ranvier.ui.widgets.text import label

_LEAST_MODULE = 3


class QrView(QWidget):
    """Shows ``data`` as a code, or the sentence why there is none."""

    def __init__(self, side: int = 300) -> None:
        super().__init__()
        self._side = side
        self._modules: tuple[tuple[bool, ...], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.note = label("", "muted", wrap=True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.note)
        self.setAccessibleName("QR code")

    @property
    def drawn(self) -> bool:
        """Whether a code can be seen."""
        return bool(self._modules)

    def show_data(self, data: bytes | str) -> None:
        """Draw this. Some milliseconds."""
        self._modules = ()
        try:
            self._modules = qr.matrix(data)
            self.note.setText("")
        except RanvierError as error:
            self.note.setText(f"{error.message} {error.hint}".strip())
        self.note.setVisible(not self.drawn)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        if not self.drawn:
            return QSize(self._side, 90)
        side = len(self._modules) * self._module()
        return QSize(side, side)

    def _module(self) -> int:
        return max(_LEAST_MODULE, self._side // max(1, len(self._modules)))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.drawn:
            return
        painter = QPainter(self)
        size = self._module()
        painter.fillRect(self.rect(), QColor("white"))
        black = QColor("black")
        for y, row in enumerate(self._modules):
            for x, dark in enumerate(row):
                if dark:
                    painter.fillRect(QRect(x * size, y * size, size, size), black)
        painter.end()
