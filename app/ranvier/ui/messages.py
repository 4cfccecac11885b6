"""The message bar: where the user is told things, without a box that must be clicked away.

Notes go after a few visible seconds; errors stay until closed. Nothing that was said before the window could be
seen is lost, because time counts only while it is seen. A note that goes by itself must not move what lies under the
mouse at that moment, so notes float over the foot of the page; errors have a place of their own above it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from ranvier.core.errors import Cancelled, RanvierError
from ranvier.ui.icons import line_icon
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.text import button, label

log = logging.getLogger(__name__)

NOTE_S = 8
MOST = 4
_NOTE_WIDTH = 560
_MARGIN = 20


class Message(QFrame):
    """One message: title, text, hint, an action at most, and a way to close it."""

    def __init__(
        self, title: str, text: str, hint: str, *, error: bool, stays: bool, close: Callable[[Message], None]
    ) -> None:
        super().__init__()
        self.setProperty("role", "message")
        self.setProperty("kind", "error" if error else "note")
        self.is_error = error
        self.stays = stays
        self.words = (title, text, hint)
        self.seconds = 0
        self.count = 1
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 9, 8, 9)
        row.setSpacing(10)
        column = QVBoxLayout()
        column.setSpacing(2)
        self.title = label(title, "heading")
        self.text = label(text, wrap=True, copyable=True)
        self.hint = label(hint, "muted", wrap=True)
        for widget, words in ((self.title, title), (self.text, text), (self.hint, hint)):
            widget.setVisible(bool(words))
            column.addWidget(widget)
        row.addLayout(column, 1)
        self._row = row
        self._close = QToolButton()
        self._close.setAutoRaise(True)
        self._close.setIconSize(QSize(16, 16))
        self._close.setAccessibleName("Close this message")
        self._close.setToolTip("Close")
        self._close.clicked.connect(lambda: close(self))
        row.addWidget(self._close)
        self.setAccessibleName(" ".join(word for word in self.words if word))
        self._draw_icon()

    def add_action(self, text: str, act: Callable[[], object]) -> None:
        self._row.insertWidget(1, button(text, act))

    def again(self) -> None:
        """The same was said once more."""
        self.count += 1
        self.seconds = 0
        title = self.words[0] or self.words[1]
        (self.title if self.words[0] else self.text).setText(f"{title}  (\N{MULTIPLICATION SIGN}{self.count})")

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_close"):
            self._draw_icon()
        super().changeEvent(event)

    def _draw_icon(self) -> None:
        self._close.setIcon(line_icon("close", colours_of(self).muted, 16))


class MessageBar(QWidget):
    """Newest at the bottom, at most ``MOST`` at once; what goes early is in the log."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(28, 12, 28, 0)
        self._column.setSpacing(6)
        self.notes = QWidget()
        self._notes = QVBoxLayout(self.notes)
        self._notes.setContentsMargins(0, 0, 0, 0)
        self._notes.setSpacing(6)
        self._column.addWidget(self.notes)
        self._below: QWidget | None = None
        self.messages: list[Message] = []
        self.hide()

    def float_over(self, below: QWidget) -> None:
        """From now on notes lie over the foot of ``below``, a neighbour that is laid out already."""
        self._column.removeWidget(self.notes)
        self.notes.setParent(below.parentWidget())
        self._below = below
        below.installEventFilter(self)
        self.notes.installEventFilter(self)
        self._show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.LayoutRequest):
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        if self._below is None or self.notes.isHidden():
            return
        under = self._below.geometry()
        width = min(_NOTE_WIDTH, under.width() - 2 * _MARGIN)
        flows = self._notes.hasHeightForWidth()
        height = self._notes.heightForWidth(width) if flows else self._notes.sizeHint().height()
        left = under.left() + (under.width() - width) // 2
        self.notes.setGeometry(left, under.bottom() - _MARGIN - height, width, height)

    def _show(self) -> None:
        """Show what holds messages, and nothing that is empty."""
        errors = any(message.is_error for message in self.messages)
        notes = any(not message.is_error for message in self.messages)
        self.notes.setVisible(notes)
        self.setVisible(errors or (notes and self._below is None))
        if notes:
            self.notes.raise_()
            self._place()

    def say(self, text: str) -> None:
        """A passing note."""
        self._add("", text, "", error=False)

    def show_error(self, error: BaseException) -> None:
        """An error with its hint; a bug is logged whole and shown as one sentence."""
        if isinstance(error, Cancelled):
            return
        if isinstance(error, RanvierError):
            log.warning("%s", error)
            self._add(error.title, error.message, error.hint, error=True)
            return
        log.error("unexpected error", exc_info=error)
        self._add(
            "Something went wrong in Ranvier",
            f"An unexpected error ({type(error).__name__}) stopped what was being done.",
            "The details are in the log file window.log.",
            error=True,
        )

    def show_problem(self, title: str, text: str, hint: str, action: str, act: Callable[[], object]) -> None:
        """An error with a button; pressing it closes the message."""
        self._add_action(self._add(title, text, hint, error=True), action, act)

    def offer(self, title: str, text: str, hint: str, action: str, act: Callable[[], object]) -> None:
        """Nothing is wrong, but something can be done: a note with a button that stays."""
        self._add_action(self._add(title, text, hint, error=False, stays=True), action, act)

    def _add_action(self, message: Message, action: str, act: Callable[[], object]) -> None:
        if message.count == 1:

            def pressed() -> None:
                self.close_message(message)
                act()

            message.add_action(action, pressed)

    def close_errors(self, title: str) -> None:
        """Take away errors and offers that are no longer true."""
        for message in [m for m in self.messages if m.stays and m.words[0] == title]:
            self.close_message(message)

    def close_message(self, message: Message) -> None:
        if message in self.messages:
            self.messages.remove(message)
            message.hide()
            message.deleteLater()
            (self._column if message.is_error else self._notes).removeWidget(message)
        self._show()

    def tick(self) -> None:
        """A second in which the window was seen has passed."""
        for message in [m for m in self.messages if not m.stays]:
            message.seconds += 1
            if message.seconds >= NOTE_S:
                self.close_message(message)

    def _add(self, title: str, text: str, hint: str, *, error: bool, stays: bool = False) -> Message:
        for message in self.messages:
            if message.words == (title, text, hint):
                message.again()
                return message
        message = Message(title, text, hint, error=error, stays=error or stays, close=self.close_message)
        self.messages.append(message)
        (self._column if error else self._notes).addWidget(message)
        while len(self.messages) > MOST:
            self.close_message(self.messages[0])
        self._show()
        return message
