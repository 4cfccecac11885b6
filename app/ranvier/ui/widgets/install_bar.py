"""How far the making of a miner's environment is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from ranvier.agent.api.messages import InstallProgress
from ranvier.ui.widgets.text import label
from ranvier.ui.words import part_text

_WIDTH = 400
_BAR_WIDTH = 90


class InstallBar(QWidget):
    """One line in a page's title row, where it moves nothing. Hidden until progress comes; goes when the work has
    ended: how it ended is said by whoever asked for it, and by the miner's own state.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(_WIDTH)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        self.text = label()
        self.amount = label("", "muted")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(_BAR_WIDTH)
        self.progress.setAccessibleName("Installation")
        row.addStretch(1)
        for widget in (self.text, self.amount, self.progress):
            row.addWidget(widget)
        self.hide()

    def show_progress(self, name: str, progress: InstallProgress) -> None:
        if progress.finished:
            self.hide()
            return
        known = progress.done is not None and bool(progress.total)
        self.amount.setText(part_text(progress.done, progress.total) if known else "")
        # bytes may not fit Qt's 32-bit range: a share of a thousand does. Unknown: the bar only says that it works
        self.progress.setRange(0, 1000 if known else 0)
        if known:
            self.progress.setValue(min(1000, (progress.done or 0) * 1000 // (progress.total or 1)))
        words = f"{name}: {progress.step}"
        room = _WIDTH - _BAR_WIDTH - self.amount.sizeHint().width() - 24
        self.text.setText(self.text.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room))
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.show()
