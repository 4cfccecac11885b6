"""A measurement that was cut off: what there is of it, to go on with or to discard."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from ranvier.ui.widgets.text import allow, button, label


class Offer(QWidget):
    """Hidden while there is nothing to offer. Both signals carry what was offered."""

    go_on = Signal(object)
    discarded = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.what: object = None
        self.words = label("", wrap=True)
        self.resume = button("Go on", lambda: self.go_on.emit(self.what))
        self.discard = button("Discard", lambda: self.discarded.emit(self.what))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.words, 1)
        row.addWidget(self.resume)
        row.addWidget(self.discard)
        self.hide()

    def offer(self, what: object, words: str) -> None:
        """Offer ``what``; None withdraws the offer."""
        self.what = what
        self.words.setText(words)
        self.setVisible(what is not None)

    def set_busy(self, busy: bool) -> None:
        for widget in (self.resume, self.discard):
            allow(widget, "A benchmark is running." if busy else None)
