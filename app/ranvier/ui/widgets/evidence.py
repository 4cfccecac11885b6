"""All evidence of a miner as a column of lines, updated in place."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ranvier.core.evidence import Evidence, Level
from ranvier.ui.widgets.badge import EvidenceLine


class EvidenceList(QWidget):
    """One line for each ``Evidence``, in the order given; ``names`` say what each place is about."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        super().__init__()
        self._names = tuple(names)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(7)
        self.lines: list[EvidenceLine] = []

    def show_evidence(self, evidence: Sequence[Evidence], *, known: bool = True) -> None:
        """With ``known`` False nothing is heard any more: the words stay, their levels are unknown, ages go on."""
        shown = [e if known else Evidence(Level.UNKNOWN, e.text, e.seen_at) for e in evidence]
        while len(self.lines) > len(shown):
            line = self.lines.pop()
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        for line, item in zip(self.lines, shown, strict=False):
            line.show_evidence(item)
        for item in shown[len(self.lines) :]:
            line = EvidenceLine(item, self._names[len(self.lines)] if len(self.lines) < len(self._names) else "")
            self.lines.append(line)
            self._column.addWidget(line)
