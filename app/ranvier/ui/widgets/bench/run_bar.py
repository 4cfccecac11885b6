"""What a benchmark does now: its progress with a way to end it at once, a price to agree to, or why it failed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.ui.widgets.text import button, label, restyle


class RunBar(QWidget):
    """Hidden while there is nothing to say. Only one of its three faces shows at a time."""

    def __init__(self, on_cancel: Callable[[], object]) -> None:
        super().__init__()
        self._agreed: Callable[[], object] = lambda: None
        self._waits: Callable[[], object] | None = None
        self.over = False  # whether it only tells how a run ended
        self.words = label("", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.cancel = button("Cancel", on_cancel)
        self.agree = button("Run all the same", self._agree, kind="danger")
        self.queue = button("Wait for it", self._queue)
        self.refuse = button("Not now", self.clear)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.words, 1)
        for widget in (self.agree, self.queue, self.refuse, self.cancel):
            row.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.bar)
        self.clear()

    def clear(self) -> None:
        """Nothing to say."""
        self._show("", "")
        self.hide()

    def ask(self, cost: str, on_yes: Callable[[], object], on_wait: Callable[[], object] | None = None) -> None:
        """Say what it may cost; ``on_yes`` and ``on_wait`` (where waiting helps) are called only by their buttons."""
        self._agreed, self._waits = on_yes, on_wait
        self._show(cost, "problem", asks=True)
        self.refuse.setFocus()

    def progress(self, words: str, done: int | None = None, of: int | None = None) -> None:
        """How far it is; without numbers the bar only moves."""
        self._show(words, "", runs=True)
        self.bar.setRange(0, of or 0)
        self.bar.setValue(done or 0)

    def failed(self, error: RanvierError) -> None:
        """In words, until the next run."""
        self._show(f"{error.title}: {error.message} {error.hint}".strip(), "problem")

    def say(self, words: str) -> None:
        """A sentence about how it ended."""
        self._show(words, "muted")

    def _show(self, words: str, role: str, *, runs: bool = False, asks: bool = False) -> None:
        self.over = not runs and not asks
        self.words.setText(words)
        restyle(self.words, "role", role)
        self.bar.setVisible(runs)
        self.cancel.setVisible(runs)
        self.agree.setVisible(asks)
        self.queue.setVisible(asks and self._waits is not None)
        self.refuse.setVisible(asks)
        self.show()

    def _agree(self) -> None:
        self.clear()
        self._agreed()

    def _queue(self) -> None:
        waits = self._waits
        self.clear()
        if waits is not None:
            waits()
