"""Typing a recovery phrase: a field for each word, completed from the list, the first wrong one named."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QStringListModel, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QPalette
from PySide6.QtWidgets import QComboBox, QCompleter, QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from ranvier.core.errors import MnemonicError
from ranvier.keys.mnemonic import LENGTHS, check, normalise, suggestions
from ranvier.keys.words import WORDS
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.text import label, restyle

_COLUMNS = 4
_KNOWN = frozenset(WORDS)


class WordField(QLineEdit):
    """One word: completed from the list, its colour tells a word that is not in it. A blank goes to the next."""

    onward = Signal()
    pasted = Signal(str)

    def __init__(self, name: str, known: QStringListModel) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMinimumHeight(30)
        self.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhNoAutoUppercase
        )
        completer = QCompleter(known, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setMaxVisibleItems(5)
        self.setCompleter(completer)

    def word(self) -> str:
        return normalise(self.text())

    def mark(self, wrong: bool) -> None:
        """Colour a word that is not in the list."""
        self.setToolTip("Not in the word list" if wrong else "")
        palette = QPalette()
        if wrong:
            palette.setColor(QPalette.ColorRole.Text, QColor(colours_of(self).bad))
        self.setPalette(palette)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste_words()
            return
        if event.text() == " ":
            self._complete()
            self.onward.emit()
            return
        super().keyPressEvent(event)

    def paste_words(self) -> None:
        """Several words pasted at once are handed on; one word is just pasted."""
        text = QGuiApplication.clipboard().text()
        if len(text.split()) > 1:
            self.pasted.emit(text)
        else:
            self.insert(text.strip())

    def _complete(self) -> None:
        """Four letters decide a word, so a blank after them takes it."""
        start = self.word()
        found = [word for word in WORDS if word.startswith(start)] if len(start) >= 3 else []
        if start not in _KNOWN and len(found) == 1:
            self.setText(found[0])


class MnemonicEntry(QWidget):
    """Type (or paste) a recovery phrase. ``phrase`` gives it, ``problem`` the first thing that is wrong with it."""

    changed = Signal()

    def __init__(self, words: int = 12) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        row = QHBoxLayout()
        row.addWidget(label("Number of words", "muted"))
        self.count = QComboBox()
        for length in LENGTHS:
            self.count.addItem(str(length), length)
        self.count.setCurrentIndex(LENGTHS.index(words))
        row.addWidget(self.count)
        row.addStretch(1)
        column.addLayout(row)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(6)
        column.addLayout(self._grid)
        self.note = label("", "small", wrap=True)
        column.addWidget(self.note)
        self._known = QStringListModel(list(WORDS), self)
        self.fields: list[WordField] = []
        for place in range(LENGTHS[-1]):
            self._add_field(place)
        self._show_fields()
        self.count.currentIndexChanged.connect(self._show_fields)

    def _add_field(self, place: int) -> None:
        field = WordField(f"Word {place + 1}", self._known)
        field.onward.connect(lambda: self._go(place + 1))
        field.pasted.connect(lambda text: self._spread(place, text))
        field.textChanged.connect(lambda _text: self._changed())
        field.editingFinished.connect(self._draw)
        field.installEventFilter(self)
        number = label(f"{place + 1}", "muted")
        number.setMinimumWidth(22)
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        cell = QWidget()
        row = QHBoxLayout(cell)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(number)
        row.addWidget(field, 1)
        self._grid.addWidget(cell, place // _COLUMNS, place % _COLUMNS)
        self.fields.append(field)

    def words(self) -> list[str]:
        """What stands in the visible fields."""
        return [field.word() for field in self.fields[: self.count.currentData()]]

    def phrase(self) -> str:
        return " ".join(word for word in self.words() if word)

    def problem(self) -> str | None:
        """The first wrong word by its number, a missing one, or a checksum that does not fit; None when valid."""
        words = self.words()
        for place, word in enumerate(words, start=1):
            if word and word not in _KNOWN:
                near = suggestions(word)
                hint = f" Did you mean {' or '.join(near)}?" if near else ""
                return f"Word {place}, “{word[:20]}”, is not in the word list.{hint}"
        missing = [place for place, word in enumerate(words, start=1) if not word]
        if missing:
            return f"Word {missing[0]} is missing."
        try:
            check(" ".join(words))
        except MnemonicError as error:
            return f"{error.message} {error.hint}"
        return None

    def insist(self) -> bool:
        """Show the problem and put the cursor on it; True when there is none."""
        problem = self.problem()
        self._say(problem)
        for field, word in zip(self.fields, self.words(), strict=False):
            if word not in _KNOWN:
                field.setFocus()
                break
        return problem is None

    def wipe(self) -> None:
        """Forget what was typed."""
        for field in self.fields:
            field.clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self._draw()
        return super().eventFilter(watched, event)

    def _go(self, place: int) -> None:
        if place < self.count.currentData():
            self.fields[place].setFocus()
            self.fields[place].selectAll()

    def _spread(self, place: int, text: str) -> None:
        words = normalise(text).split()
        needed = place + len(words)
        fitting = next((length for length in LENGTHS if length >= needed), LENGTHS[-1])
        if fitting > self.count.currentData() or (place == 0 and len(words) in LENGTHS):
            self.count.setCurrentIndex(LENGTHS.index(len(words) if place == 0 and len(words) in LENGTHS else fitting))
        for field, word in zip(self.fields[place:], words, strict=False):
            field.setText(word)
        self._go(min(place + len(words), self.count.currentData() - 1))
        self._draw()

    def _show_fields(self) -> None:
        shown = self.count.currentData()
        for place, field in enumerate(self.fields):
            cell = field.parentWidget()
            if cell is not None:
                cell.setVisible(place < shown)
        self._changed()

    def _changed(self) -> None:
        if all(self.words()):
            self._draw()
        self.changed.emit()

    def _draw(self) -> None:
        """Colour the words that are not in the list (but not the one being typed) and name the first."""
        wrong = None
        for place, field in enumerate(self.fields[: self.count.currentData()], start=1):
            bad = bool(field.word()) and field.word() not in _KNOWN and not field.hasFocus()
            field.mark(bad)
            wrong = wrong or (place if bad else None)
        complete = all(self.words())
        self._say(self.problem() if wrong is not None or complete else None)

    def _say(self, problem: str | None) -> None:
        valid = problem is None and self.problem() is None
        self.note.setText(problem or ("The phrase is valid." if valid else ""))
        restyle(self.note, "role", "problem" if problem else "small")
