"""Findings as rows: the mark of the level, what it is about, one sentence, and the next step below it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ranvier.hardware.diagnosis import Finding
from ranvier.ui.theme import LEVEL_WORDS
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.text import label


class FindingRow(QWidget):
    """One finding; its words can be selected, so that a command in them can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = Mark(size=15)
        self.text = label("", wrap=True, copyable=True)
        self.step = label("", "small", wrap=True, copyable=True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.text)
        words.addWidget(self.step)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def show_finding(self, finding: Finding, title: str) -> None:
        """``title`` names what it is about."""
        self.mark.set_level(finding.level)
        self.text.setText(f"{title}: {finding.text}")
        self.step.setText(finding.next_step)
        self.step.setVisible(bool(finding.next_step))
        self.setAccessibleName(f"{LEVEL_WORDS[finding.level]}: {title}. {finding.text} {finding.next_step}")


class FindingList(QWidget):
    """All findings, updated in place: a count of seconds in one of them does not rebuild the list."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(12)
        self.rows: list[FindingRow] = []

    def show_findings(self, found: Sequence[tuple[Finding, str]]) -> None:
        """Each with what it is about."""
        while len(self.rows) < len(found):
            row = FindingRow()
            self.rows.append(row)
            self._column.addWidget(row)
        while len(self.rows) > len(found):
            row = self.rows.pop()
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for row, (finding, title) in zip(self.rows, found, strict=True):
            row.show_finding(finding, title)
