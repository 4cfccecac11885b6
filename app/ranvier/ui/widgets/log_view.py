"""A log of any size on screen: a bounded window of it, with search, levels, and the ways out. It reads nothing."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from ranvier.agent.api.messages import LogLine, PlacedLine
from ranvier.ui.ansi import Style, spans
from ranvier.ui.theme import Colours, colours_of
from ranvier.ui.widgets.text import allow, button, label

MOST_LINES = 3000
_LONGEST = 2000  # one line of a broken program must not freeze the view
LEVEL_CHOICES = (
    ("All lines", None),
    ("Info and worse", "info"),
    ("Warnings and errors", "warning"),
    ("Errors only", "error"),
)
_NEAR_EDGE = 2  # lines
_ERR = ("err", "stderr")


class _Text(QPlainTextEdit):
    """Tells when its size changes: the end must stay in view."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


class LogView(QWidget):
    """``add`` appends lines, ``add_before`` puts older ones on top; ``reset`` empties it and says what is awaited.

    Signals: ``older`` and ``newer`` when the reader comes near an edge, ``followed`` when the end is wanted (True) or
    left, ``searched`` (text), ``stepped`` (-1 to the hit above, 1 to the one below), ``level_chosen``.
    """

    older = Signal()
    newer = Signal()
    followed = Signal(bool)
    searched = Signal(str)
    stepped = Signal(int)
    level_chosen = Signal(object)
    crash_wanted = Signal()
    export_wanted = Signal()
    recoloured = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._trimmed = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._search_row())
        self.text = _Text()
        self.text.resized.connect(lambda: self._to_end() if self.follow.isChecked() else None)
        self.text.setProperty("role", "log")
        self.text.setReadOnly(True)
        self.text.setUndoRedoEnabled(False)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Log of the miner")
        self.text.verticalScrollBar().actionTriggered.connect(self._scrolled)
        column.addWidget(self.text, 1)
        column.addLayout(self._foot_row())

    def _search_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search (regular expression)")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search the log")
        self.search.returnPressed.connect(lambda: self.searched.emit(self.search.text()))
        self.search.textChanged.connect(lambda text: None if text else self.searched.emit(""))
        self.up = button("Older hit", lambda: self.stepped.emit(-1))
        self.down = button("Newer hit", lambda: self.stepped.emit(1))
        self.levels = QComboBox()
        self.levels.setAccessibleName("Which lines are shown")
        for words, level in LEVEL_CHOICES:
            self.levels.addItem(words, level)
        self.levels.activated.connect(lambda _: self.level_chosen.emit(self.levels.currentData()))
        row.addWidget(self.search, 1)
        for widget in (self.up, self.down, self.levels):
            row.addWidget(widget)
        self.show_hits(0, None)
        return row

    def _foot_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self.follow = QCheckBox("Follow the end")
        self.follow.setChecked(True)
        self.follow.toggled.connect(self._follow_toggled)
        self.note = label("", "muted", wrap=True)
        self.crash = button("Last crash", self.crash_wanted.emit, tip="Show where it last ended by itself")
        self.export = button("Export…", self.export_wanted.emit, tip="A redacted bundle that you can hand to a helper")
        row.addWidget(self.follow)
        row.addSpacing(8)
        row.addWidget(self.note, 1)
        row.addWidget(self.crash)
        row.addWidget(button("Copy", self.copy, tip="Copy the selection, or everything shown"))
        row.addWidget(self.export)
        return row

    # --- content -------------------------------------------------------------------------------------------

    def reset(self, note: str = "") -> None:
        self._trimmed = False
        self.text.clear()
        self.text.setExtraSelections([])
        self.note.setText(note)

    @property
    def trimmed(self) -> bool:
        """Whether lines were taken off the top since ``reset``: then its first line's place is not known."""
        return self._trimmed

    def add(self, lines: Sequence[LogLine | PlacedLine]) -> None:
        """Append lines, oldest first; what is too much goes off the top."""
        if not lines:
            return
        self.note.setText("")
        bar = self.text.verticalScrollBar()
        place = bar.value()
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        for number, line in enumerate(lines):
            if number or not self.text.document().isEmpty():
                cursor.insertBlock()
            self._write(cursor, line)
        cursor.endEditBlock()
        over = self.text.blockCount() - MOST_LINES
        if over > 0:
            self._trimmed = True
            self._take(0, over)
        bar.setValue(
            bar.maximum() if self.follow.isChecked() else max(0, place - (max(over, 0) if place > over else 0))
        )

    def add_before(self, lines: Sequence[LogLine | PlacedLine]) -> None:
        """Put lines above what is shown; the reader's place stays, what is too much goes off the bottom."""
        if not lines:
            return
        bar = self.text.verticalScrollBar()
        place, empty = bar.value(), self.text.document().isEmpty()
        cursor = QTextCursor(self.text.document())
        cursor.beginEditBlock()
        for line in lines:
            self._write(cursor, line)
            cursor.insertBlock()
        if empty:
            cursor.deletePreviousChar()
        cursor.endEditBlock()
        over = self.text.blockCount() - MOST_LINES
        if over > 0:
            self._take(MOST_LINES, over)
        bar.setValue(place + len(lines))

    def show_place(self, block: int) -> None:
        """Bring one line to the middle and mark it."""
        found = self.text.document().findBlockByNumber(max(0, min(block, self.text.blockCount() - 1)))
        cursor = QTextCursor(found)
        self.text.setTextCursor(cursor)
        self.text.centerCursor()
        mark = QTextEdit.ExtraSelection()
        mark.cursor = cursor
        shade = QTextCharFormat()
        shade.setBackground(QColor(colours_of(self).selection))
        shade.setProperty(QTextCharFormat.Property.FullWidthSelection, True)
        mark.format = shade
        self.text.setExtraSelections([mark])

    def show_hits(self, count: int, place: int | None, *, more: bool = False, none: str = "Search first.") -> None:
        """How many hits are known (``more``: there may be others) and which one is shown, from 0."""
        reason = None if count or more else none
        allow(self.up, reason, "The hit above this one")
        allow(self.down, reason, "The hit below this one")
        if count and place is not None:
            self.note.setText(f"hit {place + 1} of {count}{' or more' if more else ''}")

    def copy(self) -> None:
        """Put the selection, or everything, on the clipboard."""
        chosen = self.text.textCursor().selectedText().replace("\N{PARAGRAPH SEPARATOR}", "\n")
        QGuiApplication.clipboard().setText(chosen or self.text.toPlainText())
        self.note.setText("copied")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.recoloured.emit()

    # --- inside --------------------------------------------------------------------------------------------

    def _write(self, cursor: QTextCursor, line: LogLine | PlacedLine) -> None:
        colours = colours_of(self)
        quiet = QTextCharFormat()
        quiet.setForeground(QColor(colours.muted))
        when = datetime.datetime.fromtimestamp(line.at).astimezone().strftime("%H:%M:%S")
        mark = "err " if line.stream in _ERR else "    "
        cursor.insertText(f"{when} {mark}", quiet)
        ground = _ground(line, colours)
        for text, style in spans(line.text[:_LONGEST].rstrip("\r\n")):
            cursor.insertText(text, _format(style, ground, colours))

    def _take(self, first: int, count: int) -> None:
        document = self.text.document()
        cursor = QTextCursor(document.findBlockByNumber(first))
        cursor.movePosition(QTextCursor.MoveOperation.NextBlock, QTextCursor.MoveMode.KeepAnchor, count)
        if first + count >= document.blockCount():
            cursor.setPosition(document.findBlockByNumber(first).position() - 1)
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()

    def _to_end(self) -> None:
        self.text.verticalScrollBar().setValue(self.text.verticalScrollBar().maximum())

    def _follow_toggled(self, on: bool) -> None:
        if on:
            self._to_end()
        self.followed.emit(on)

    def _scrolled(self, _action: int) -> None:
        bar = self.text.verticalScrollBar()
        place, end = bar.sliderPosition(), bar.maximum()
        if place < end:
            self.follow.setChecked(False)
        if place <= _NEAR_EDGE:
            self.older.emit()
        elif place >= end - _NEAR_EDGE and not self.follow.isChecked():
            self.newer.emit()


def _ground(line: LogLine | PlacedLine, colours: Colours) -> str:
    """The colour of a line that brings none of its own: by its level, and quiet for the keeper's remarks."""
    if line.stream == "keeper":
        return colours.accent
    level = line.level if isinstance(line, PlacedLine) else None
    return {"error": colours.bad, "warning": colours.warn, "debug": colours.muted}.get(level or "", colours.text)


def _format(style: Style, ground: str, colours: Colours) -> QTextCharFormat:
    found = QTextCharFormat()
    # Terminals' colours by number, in tones that can be read on this theme's ground.
    tones = (colours.muted, colours.bad, colours.good, colours.warn, colours.busy, colours.series[3],
             colours.series[5], colours.text)  # fmt: skip
    found.setForeground(QColor(ground if style.colour is None else tones[style.colour]))
    if style.faint:
        found.setForeground(QColor(colours.muted))
    if style.bold:
        found.setFontWeight(QFont.Weight.Bold)
    return found
