"""A card: a framed surface with an optional heading and room at its right."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.ui.widgets.text import label

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute


class Card(QFrame):
    """``body`` takes the content; ``header`` is the row of the heading (badges and buttons go to its right end)."""

    def __init__(self, title: str = "", *, spacing: int = 10) -> None:
        super().__init__()
        self.setProperty("role", "card")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(18, 16, 18, 16)
        outer.setSpacing(12)
        self.header = QHBoxLayout()
        self.header.setSpacing(8)
        self.title = label(title, "heading", wrap=True)  # a GPU's name may be long, a miner's in any script
        self.title.setAlignment(_LEFT)
        self.title.setVisible(bool(title))
        self.header.addWidget(self.title, 1)
        self.body = QVBoxLayout()
        self.body.setSpacing(spacing)
        outer.addLayout(self.header)
        outer.addLayout(self.body, 1)

    def set_title(self, title: str) -> None:
        self.title.setText(title)
        self.title.setVisible(bool(title))

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Append ``widget`` to the body."""
        self.body.addWidget(widget, stretch)

    def add_to_header(self, widget: QWidget) -> None:
        """Put ``widget`` at the right end of the heading's row."""
        self.header.addWidget(widget)
