"""What a page shows while it has nothing: what will be here, and the one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ranvier.ui.widgets.text import button, label

_WIDTH = 460


class EmptyState(QWidget):
    """A title, a sentence and at most one button, in the middle of the space it is given."""

    def __init__(self, title: str, text: str, action: str = "", on_action: Callable[[], object] | None = None) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch(2)
        self.title = label(title, "heading")
        self.text = label(text, "muted", wrap=True)
        self.text.setFixedWidth(_WIDTH)
        for widget in (self.title, self.text):
            widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        self.set_text(title, text)
        self._on_action = on_action
        self.button = button(action, self._act, kind="primary")
        self.button.setVisible(bool(action))
        column.addSpacing(6)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)

    def set_action(self, action: str, on_action: Callable[[], object]) -> None:
        """The one button's text and what it does."""
        self._on_action = on_action
        self.button.setText(action)
        self.button.setVisible(bool(action))

    def set_text(self, title: str, text: str) -> None:
        self.title.setText(title)
        self.text.setText(text)
        # An aligned layout item is not asked for its height at its width.
        self.text.setFixedHeight(self.text.heightForWidth(_WIDTH))

    def _act(self) -> None:
        if self._on_action is not None:
            self._on_action()
