"""A new recovery phrase on screen: shown once as on paper, then some of its words asked back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QWidget

from ranvier.core.evidence import Level
from ranvier.keys import drill
from ranvier.keys.mnemonic import suggestions
from ranvier.keys.words import WORDS
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.mnemonic_entry import WordField
from ranvier.ui.widgets.text import label

_KNOWN = frozenset(WORDS)


class WordGrid(QFrame):
    """A phrase shown once, numbered, in columns read downwards as on paper. Nothing can be selected or copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(20, 18, 20, 18)
        self._grid.setHorizontalSpacing(32)
        self._grid.setVerticalSpacing(10)

    def show_words(self, words: Sequence[str], columns: int = 0) -> None:
        """Show these words; an empty sequence wipes them. Four columns of six for the longest phrase."""
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                for text in widget.findChildren(QWidget):
                    text.setProperty("text", "")
                widget.hide()
                widget.deleteLater()
        rows = -(-len(words) // (columns or (3 if len(words) <= 15 else 4)))
        for place, word in enumerate(words):
            cell = QWidget()
            row = QHBoxLayout(cell)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(10)
            number = label(f"{place + 1}", "muted")
            number.setMinimumWidth(24)
            number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            row.addWidget(number)
            row.addWidget(label(word, "heading"), 1)
            self._grid.addWidget(cell, place % rows, place // rows)


class WordsBack(QWidget):
    """Asks some words of a phrase back, typed with completion. Each is checked at once: right as soon as it is,
    wrong when its field is left, for many words begin like others."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(10)
        self._grid.setColumnStretch(2, 1)
        self._known = QStringListModel(list(WORDS), self)
        self._drill: drill.WordsBack | None = None
        self._parts: list[QWidget] = []
        self.fields: dict[int, WordField] = {}
        self.notes: dict[int, _Note] = {}

    def ask(self, asked: drill.WordsBack | None) -> None:
        """Ask for the words at ``asked.positions``; None wipes everything."""
        before, self._drill = self._drill, None
        if before is not None:
            before.wipe()
        for part in self._parts:
            part.hide()
            part.deleteLater()
        for field in self.fields.values():
            field.clear()
        self._drill, self._parts, self.fields, self.notes = asked, [], {}, {}
        for row, place in enumerate(asked.positions if asked is not None else ()):
            self._add(row, place)
        fields = list(self.fields.values())
        for one, following in itertools.pairwise(fields):
            one.onward.connect(following.setFocus)

    def _add(self, row: int, place: int) -> None:
        field = WordField(f"Word {place}", self._known)
        field.setFixedWidth(220)
        note = _Note()
        name = label(f"Word {place}")
        name.setBuddy(field)
        field.textChanged.connect(lambda _text: self._judge(place, left=False))
        field.editingFinished.connect(lambda: self._judge(place, left=True))
        for column, part in enumerate((name, field, note)):
            self._grid.addWidget(part, row, column)
            self._parts.append(part)
        self.fields[place] = field
        self.notes[place] = note

    def _judge(self, place: int, *, left: bool) -> bool:
        if self._drill is None or place not in self.fields:
            return False
        field, note = self.fields[place], self.notes[place]
        right = self._drill.check(place, field.word())
        if right:
            note.say(Level.GOOD, "Right")
        elif left and field.word():
            note.say(Level.BAD, _wrong(place, field.word()))
        else:
            note.say(None, "")
        self.changed.emit()
        return right

    def insist(self) -> bool:
        """Whether every word is right; otherwise the first that is not says so and gets the focus."""
        if self._drill is None:
            return False
        wrong = [place for place in self.fields if not self._judge(place, left=True)]
        for place in wrong:
            if not self.fields[place].word():
                self.notes[place].say(Level.BAD, f"Word {place} is missing.")
        if wrong:
            self.fields[wrong[0]].setFocus()
        return not wrong and self._drill.done


class _Note(QWidget):
    """A mark and a few words beside a field; empty it keeps its place."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.mark = Mark(Level.GOOD)
        self.mark.setVisible(False)
        self.text = label("", wrap=True)
        row.addWidget(self.mark)
        row.addWidget(self.text, 1)

    def say(self, level: Level | None, text: str) -> None:
        self.mark.setVisible(level is not None)
        if level is not None:
            self.mark.set_level(level)
        self.text.setText(text)


def _wrong(place: int, word: str) -> str:
    if word in _KNOWN:
        return f"Word {place} is not what was shown. Look at your paper."
    near = suggestions(word)
    return f"Not in the word list. Did you mean {' or '.join(near[:2])}?" if near else "Not in the word list."
