"""How far the making of a miner's environment is."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar

from ranvier.agent.api.messages import InstallProgress
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.text import button, label, restyle
from ranvier.ui.words import part_text


class InstallBar(Card):
    """Hidden until progress comes; goes again when the work is finished; an error stays until it is read."""

    def __init__(self) -> None:
        super().__init__(spacing=8)
        row = QHBoxLayout()
        self.text = label("", wrap=True)
        self.amount = label("", "muted")
        row.addWidget(self.text, 1)
        row.addWidget(self.amount)
        self.close_button = button("Close", self.hide)
        row.addWidget(self.close_button)
        self.body.addLayout(row)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Installation")
        self.add(self.progress)
        self.hide()

    def show_progress(self, name: str, progress: InstallProgress) -> None:
        if progress.finished and progress.error is None:
            self.hide()
            return
        failed = progress.error is not None
        restyle(self.text, "role", "problem" if failed else "")
        self.text.setText(f"{name} could not be installed: {progress.error}" if failed else f"{name}: {progress.step}")
        known = progress.done is not None and bool(progress.total)
        self.amount.setText(part_text(progress.done, progress.total) if known else "")
        self.progress.setVisible(known and not failed)
        self.close_button.setVisible(failed)
        if known:
            # bytes may not fit Qt's 32-bit range: a share of a thousand does
            self.progress.setRange(0, 1000)
            self.progress.setValue(min(1000, (progress.done or 0) * 1000 // (progress.total or 1)))
        self.show()
