"""The message strip at the window's foot: where the user is told things, without a box that must be clicked away.

Its place is reserved, so that no message lies over a control or moves what is under the mouse. One message is shown at
a time, the newest, with a count of all; notes go after a few visible seconds, errors stay until closed. Nothing that
was said before the window could be seen is lost, because time counts only while it is seen. While the mouse is on the
strip, or the keyboard's focus in it, what is shown stays for a moment: nobody presses the button of another message.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QEnterEvent, QTextDocument
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QToolButton

from ranvier.core.errors import Cancelled, RanvierError
from ranvier.core.evidence import Level
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.icons import line_icon
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.text import button, label, restyle

log = logging.getLogger(__name__)

NOTE_S = 8
MOST = 4
IDLE = "F1 shows every key."
_LINES = 2
_GAP = 10


@dataclass(eq=False, slots=True)
class Message:
    """``words`` are title, text and hint; ``seconds`` how long it was seen, ``count`` how often it was said."""

    words: tuple[str, str, str]
    is_error: bool
    stays: bool
    action: str = ""
    act: Callable[[], object] | None = None
    seconds: int = 0
    count: int = 1

    @property
    def title(self) -> str:
        """The title, and how often it was said."""
        times = f"\N{MULTIPLICATION SIGN}{self.count}" if self.count > 1 else ""
        return f"{self.words[0]}  {times}".strip()

    @property
    def text(self) -> str:
        """What follows the title."""
        return " ".join(word for word in self.words[1:] if word)

    @property
    def spoken(self) -> str:
        """All of it in one line, for screen readers."""
        return ". ".join(word for word in (self.title, self.text) if word)


class MessageBar(QFrame):
    """At most ``MOST`` messages wait; what goes early is in the log."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "messages")
        self.setProperty("kind", "")
        self.messages: list[Message] = []
        self.shown: Message | None = None
        self._hold_s = 0  # for how long the mouse on the strip still keeps what it shows
        self._missed = False  # something was said meanwhile
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 0, 14, 0)
        row.setSpacing(_GAP)
        self._mark = Mark(Level.BAD, 16)
        self.words = label("", wrap=True, copyable=True)
        self.words.setTextFormat(Qt.TextFormat.RichText)  # for the title; the words themselves are escaped
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.words.installEventFilter(self)
        self.more = button("Show all", self._show_all, kind="small", tip="The whole message")
        self.action = button("", self._act, kind="small")
        self.next = button("", self._turn, kind="small", tip="Show the next message")
        self.close_button = QToolButton()
        self.close_button.setAutoRaise(True)
        self.close_button.setIconSize(QSize(16, 16))
        self.close_button.setAccessibleName("Close this message")
        self.close_button.setToolTip("Close  (Esc)")
        self.close_button.clicked.connect(self.close_shown)
        row.addWidget(self._mark)
        row.addWidget(self.words, 1)
        for one in (self.more, self.action, self.next, self.close_button):
            # A click must not leave the focus on a button that goes with its message: then another would get it.
            one.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(one)
        self._set_height()
        self._draw()

    # --- saying --------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """A passing note."""
        self._add(Message(("", text, ""), is_error=False, stays=False))

    def show_error(self, error: BaseException) -> None:
        """An error with its hint; a bug is logged whole and shown as one sentence."""
        if isinstance(error, Cancelled):
            return
        if isinstance(error, RanvierError):
            log.warning("%s", error)
            words = (error.title, error.message, error.hint)
        else:
            log.error("unexpected error", exc_info=error)
            words = (
                "Something went wrong in Ranvier",
                f"An unexpected error ({type(error).__name__}) stopped what was being done.",
                "The details are in the log file window.log.",
            )
        self._add(Message(words, is_error=True, stays=True))

    def show_problem(self, title: str, text: str, hint: str, action: str, act: Callable[[], object]) -> None:
        """An error with a button; pressing it closes the message."""
        self._add(Message((title, text, hint), True, True, action, act))

    def offer(self, title: str, text: str, hint: str, action: str, act: Callable[[], object]) -> None:
        """Nothing is wrong, but something can be done: a note with a button that stays."""
        self._add(Message((title, text, hint), False, True, action, act))

    def _add(self, new: Message) -> None:
        same = next((one for one in self.messages if one.words == new.words), None)
        if same is not None:
            same.count += 1
            same.seconds = 0
            new = same
        else:
            self.messages.append(new)
            while len(self.messages) > MOST:
                passing = (one for one in self.messages if not one.stays)
                self.close_message(next(passing, self.messages[0]))
        self._announce(new)
        self._missed = self._held() and self.shown is not new
        if not self._missed:
            self.shown = new
        self._draw()

    def _announce(self, message: Message) -> None:
        """Screen readers say it at once, wherever the focus is."""
        event = QAccessibleAnnouncementEvent(self, message.spoken)
        if message.is_error:
            event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(event)

    # --- going ---------------------------------------------------------------------------------------------

    def close_errors(self, title: str) -> None:
        """Take away errors and offers that are no longer true."""
        for message in [m for m in self.messages if m.stays and m.words[0] == title]:
            self.close_message(message)

    def close_message(self, message: Message) -> None:
        """Take it away; an error that waits is shown in its place, or else what was said last."""
        if message in self.messages:
            self.messages.remove(message)
        if self.shown is message:
            errors = [one for one in self.messages if one.is_error]
            self.shown = next(reversed(errors or self.messages), None)
        self._draw()

    def close_shown(self) -> bool:
        """Close what is shown; False when there was nothing."""
        if self.shown is None:
            return False
        self.close_message(self.shown)
        return True

    def tick(self) -> None:
        """A second in which the window was seen has passed."""
        self._hold_s = max(0, self._hold_s - 1)
        for message in [m for m in self.messages if not m.stays]:
            message.seconds += 1
            if message.seconds >= NOTE_S and not (message is self.shown and self._held()):
                self.close_message(message)
        if self._missed and not self._held():
            self._catch_up()

    def _held(self) -> bool:
        focus = self.window().focusWidget()
        in_it = focus is not None and focus is not self.words and self.isAncestorOf(focus) and focus.isVisible()
        return self.shown is not None and (self._hold_s > 0 or in_it)

    def _catch_up(self) -> None:
        self._missed = False
        self.shown = self.messages[-1] if self.messages else None
        self._draw()

    # --- its buttons ---------------------------------------------------------------------------------------

    def _act(self) -> None:
        message = self.shown
        if message is not None and message.act is not None:
            self.close_message(message)
            message.act()

    def _turn(self) -> None:
        if self.shown in self.messages:
            self.shown = self.messages[(self.messages.index(self.shown) + 1) % len(self.messages)]
            self._draw()

    def _show_all(self) -> None:
        message = self.shown
        if message is None:
            return
        title, text, hint = message.words
        dialog = Dialog(self.window(), title or "Message", yes="Close", no="")
        for words, role in ((text, ""), (hint, "muted")):
            if words:
                dialog.body.addWidget(label(words, role, wrap=True, copyable=True))
        fit(dialog)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # --- drawing -------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        message = self.shown
        kind = "" if message is None else "error" if message.is_error else "note"
        restyle(self, "kind", kind)
        restyle(self.words, "role", "" if message is not None else "small")
        self._mark.setVisible(kind == "error")
        for widget in (self.more, self.action, self.next):
            widget.hide()
        self.close_button.setVisible(message is not None)
        self._draw_icon()
        if message is None:
            self.words.setText(IDLE)
            self.setAccessibleName("Messages: none")
            return
        place = f"{self.messages.index(message) + 1} of {len(self.messages)}"
        title = f"<b>{html.escape(message.title, quote=False)}</b> &nbsp;" if message.title else ""
        self.words.setText(title + html.escape(message.text, quote=False))
        self.words.setAccessibleName(message.spoken)
        self.setAccessibleName(f"Message {place}: {message.spoken}")
        if message.action:
            self._relabel(self.action, message.action)
        if len(self.messages) > 1:
            self._relabel(self.next, place)
            self.next.setAccessibleName(f"Message {place}: show the next one")
        self._fit()

    @staticmethod
    def _relabel(widget: QPushButton, text: str) -> None:
        widget.setText(text)
        widget.show()

    def _fit(self) -> None:
        """Whether two lines are enough; with more, the first two are shown and a button for the rest."""
        width = self.words.width() + (self.more.width() + _GAP if self.more.isVisible() else 0)
        over = self.shown is not None and self.words.heightForWidth(width) > self._room()
        self.more.setVisible(over)
        side = Qt.AlignmentFlag.AlignTop if over else Qt.AlignmentFlag.AlignVCenter
        self.words.setAlignment(side | Qt.AlignmentFlag.AlignLeft)

    def _room(self) -> int:
        """The height of the lines as rich text is laid out: one pixel more would show the next line's tops."""
        text = QTextDocument()
        text.setDefaultFont(self.words.font())
        text.setDocumentMargin(0)
        text.setHtml("<br>".join(_LINES * ["<b>x</b>x"]))
        return int(text.size().height())

    def _set_height(self) -> None:
        self.words.setFixedHeight(self._room())
        self.setFixedHeight(self._room() + 14)

    def _draw_icon(self) -> None:
        self.close_button.setIcon(line_icon("close", colours_of(self).muted, 16))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.words and event.type() == QEvent.Type.Resize:
            self._fit()
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._hold_s = NOTE_S

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hold_s = 0
        if self._missed and not self._held():
            self._catch_up()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if hasattr(self, "close_button"):
            if event.type() == QEvent.Type.PaletteChange:
                self._draw_icon()
            elif event.type() == QEvent.Type.FontChange:
                self._set_height()
