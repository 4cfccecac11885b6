"""The tail of a log: bounded, follows its end until the reader scrolls up, can be copied."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QFontDatabase, QGuiApplication, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from ranvier.agent.messages import LogLine
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.text import button, label

MOST_LINES = 3000
_LONGEST = 2000  # one line of a broken program must not freeze the view


class _Text(QPlainTextEdit):
    """Tells when its size changes: the end must stay in view."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


class LogView(QWidget):
    """``add`` appends lines; ``reset`` empties it and says what is awaited."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        row = QHBoxLayout()
        row.addWidget(label("Log", "heading"))
        self.note = label("", "muted")
        row.addWidget(self.note)
        row.addStretch(1)
        self.follow = QCheckBox("Follow the end")
        self.follow.setChecked(True)
        self.follow.toggled.connect(self._follow_toggled)
        row.addWidget(self.follow)
        row.addWidget(button("Copy", self.copy, tip="Copy the selection, or everything shown"))
        column.addLayout(row)
        self.text = _Text()
        self.text.resized.connect(lambda: self._follow_toggled(self.follow.isChecked()))
        self.text.setProperty("role", "log")
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(MOST_LINES)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Log of the miner")
        self.text.verticalScrollBar().actionTriggered.connect(self._scrolled)
        column.addWidget(self.text, 1)

    def reset(self, note: str = "") -> None:
        self.text.clear()
        self.note.setText(note)

    def add(self, lines: Sequence[LogLine]) -> None:
        """Append lines, oldest first."""
        if not lines:
            return
        self.note.setText("")
        bar = self.text.verticalScrollBar()
        place = bar.value()
        colours = colours_of(self)
        quiet, plain = QTextCharFormat(), QTextCharFormat()
        quiet.setForeground(QColor(colours.muted))
        plain.setForeground(QColor(colours.text))
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        for line in lines:
            if not self.text.document().isEmpty():
                cursor.insertBlock()
            when = datetime.datetime.fromtimestamp(line.at).astimezone().strftime("%H:%M:%S")
            mark = "err " if line.stream == "stderr" else "    "
            cursor.insertText(f"{when} {mark}", quiet)
            cursor.insertText(line.text[:_LONGEST].rstrip("\r\n"), plain)
        cursor.endEditBlock()
        bar.setValue(bar.maximum() if self.follow.isChecked() else place)

    def copy(self) -> None:
        """Put the selection, or everything, on the clipboard."""
        chosen = self.text.textCursor().selectedText().replace("\N{PARAGRAPH SEPARATOR}", "\n")
        QGuiApplication.clipboard().setText(chosen or self.text.toPlainText())
        self.note.setText("copied")

    def _follow_toggled(self, on: bool) -> None:
        if on:
            self.text.verticalScrollBar().setValue(self.text.verticalScrollBar().maximum())

    def _scrolled(self, _action: int) -> None:
        bar = self.text.verticalScrollBar()
        self.follow.setChecked(bar.sliderPosition() >= bar.maximum())
