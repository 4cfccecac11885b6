"""Form fields whose problem stands right below them, in one sentence; nothing typed is ever cleared."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QVBoxLayout, QWidget

from ranvier.keys import strength
from ranvier.ui.widgets.text import label, restyle

SHORTEST_PASSWORD = 8
WEAKEST_SCORE = 2


class Field(QWidget):
    """A name, an input and a line below it: the problem in red once something was typed, otherwise the hint.

    ``check`` gives the sentence of what is wrong with a text, or None.
    """

    changed = Signal()

    def __init__(self, name: str, check: Callable[[str], str | None], *, hint: str = "", text: str = "") -> None:
        super().__init__()
        self._check, self._hint, self._touched = check, hint, bool(text)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.name = label(name)
        self.input = QLineEdit(text)
        self.input.setMinimumHeight(32)
        self.name.setBuddy(self.input)
        self.input.setAccessibleName(name)
        self.note = label(hint, "small", wrap=True)
        for widget in (self.name, self.input, self.note):
            column.addWidget(widget)
        self.input.textChanged.connect(self._text_changed)
        self._draw()

    def text(self) -> str:
        return self.input.text()

    def start_anew(self, text: str = "") -> None:
        """Another text; nothing is said about it before something is typed."""
        self.input.setText(text)
        self._touched = False
        self._draw()

    def problem(self) -> str | None:
        """What is wrong with the text now."""
        return self._check(self.text())

    def insist(self) -> bool:
        """Show the problem even if nothing was typed; False when there is one (and the field gets the focus)."""
        self._touched = True
        self._draw()
        if self.problem() is None:
            return True
        self.input.setFocus()
        return False

    def draw_again(self) -> None:
        """Check again: what it is checked against has changed."""
        self._draw()

    def _text_changed(self) -> None:
        self._touched = True
        self._draw()
        self.changed.emit()

    def _draw(self) -> None:
        problem = self.problem() if self._touched else None
        self.note.setText(problem or self._hint)
        restyle(self.note, "role", "problem" if problem else "small")
        self.note.setVisible(bool(problem or self._hint))


class NewPassword(QWidget):
    """A new password, typed twice, with an honest word about its strength.

    ``personal`` gives words that an attacker knows (the wallet's name). A password that falls at once is refused.
    """

    def __init__(self, name: str = "Password", personal: Callable[[], Iterable[str]] = tuple) -> None:
        super().__init__()
        self._personal = personal
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        self.first = Field(name, self._problem, hint="Four or more random words are easy to keep and hard to guess.")
        self.second = Field(f"{name}, again", self._same)
        self.strength = label(" ", "small", wrap=True)
        kept = self.strength.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # its line is there from the start: nothing moves while one types
        self.strength.setSizePolicy(kept)
        self.visible_box = QCheckBox("Show the passwords")
        for widget in (self.first, self.strength, self.second, self.visible_box):
            column.addWidget(widget)
        self.first.changed.connect(self._changed)
        self.visible_box.toggled.connect(self._show)
        self._show(False)
        self._changed()

    def text(self) -> str:
        return self.first.text()

    def insist(self) -> bool:
        """True when both are fine; otherwise the sentence shows."""
        return self.first.insist() and self.second.insist()

    def wipe(self) -> None:
        """Forget what was typed."""
        self.first.input.clear()
        self.second.input.clear()

    def _problem(self, text: str) -> str | None:
        problem = password_problem(text)
        if problem is not None:
            return problem
        judged = strength.judge(text, self._personal())
        if judged is None or judged.score >= WEAKEST_SCORE:
            return None
        advice = judged.advice[0] if judged.advice else "Use several unusual words."
        return f"This password is {judged.word}: it would be guessed. {judged.warning} {advice}".replace("  ", " ")

    def _same(self, text: str) -> str | None:
        return None if text == self.first.text() else "The two passwords differ."

    def _changed(self) -> None:
        text = self.first.text()
        judged = strength.judge(text, self._personal()) if len(text) >= SHORTEST_PASSWORD else None
        words = judged.word if judged is not None else strength_words(text)
        self.strength.setText(f"Strength: {words}")
        # What is refused says so itself.
        self.strength.setVisible(len(text) >= SHORTEST_PASSWORD and self.first.problem() is None)
        self.second.draw_again()

    def _show(self, visible: bool) -> None:
        mode = QLineEdit.EchoMode.Normal if visible else QLineEdit.EchoMode.Password
        self.first.input.setEchoMode(mode)
        self.second.input.setEchoMode(mode)


def password_problem(text: str) -> str | None:
    """A new password must not be a joke: the file format's salt is the same for everybody."""
    if not text:
        return "A coldkey is never stored without a password."
    if len(text) < SHORTEST_PASSWORD:
        return f"At least {SHORTEST_PASSWORD} characters."
    return None


def strength_words(text: str) -> str:
    """A rough word: length and variety, repeated characters counted little. Not a promise."""
    kinds = sum(
        (
            26 * any(c.islower() for c in text),
            26 * any(c.isupper() for c in text),
            10 * any(c.isdigit() for c in text),
            32 * any(not c.isalnum() for c in text),
        )
    )
    fresh = sum(1 for place, c in enumerate(text) if c not in text[max(0, place - 3) : place])
    distinct = len(set(text))
    bits = min(fresh, 2 * distinct) * (max(kinds, 2).bit_length() - 1) * 0.8
    for limit, words in ((36, "weak, a computer guesses it"), (60, "fair"), (80, "good")):
        if bits < limit:
            return words
    return "strong"


def ip_problem(text: str) -> str | None:
    """Why this is no IP address, or None."""
    try:
        ipaddress.ip_address(text.strip())
    except ValueError:
        return "An IP address, for example 203.0.113.7."
    return None
