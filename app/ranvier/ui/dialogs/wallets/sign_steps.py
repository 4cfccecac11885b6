"""The three parts of the signing dialog: a message to sign, a signature to check, a payload that was brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.keys import offline
from ranvier.keys.listing import Hotkey, KeyForm, Wallet
from ranvier.keys.offline import Payload
from ranvier.ui.dialogs.wallets.offline import PayloadView
from ranvier.ui.dialogs.wallets.watch_only import address_check
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.path_field import Choose, open_chooser
from ranvier.ui.widgets.qr_view import QrView
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import short_address

_WRAP = "Wrap it in <Bytes>, as browser wallets do: then it can never be a transaction"


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """A key that can sign: the coldkey of a wallet, or one of its hotkeys. ``elsewhere``: only its address is here."""

    wallet: Wallet
    hotkey: Hotkey | None = None

    @property
    def form(self) -> KeyForm:
        return self.wallet.coldkey if self.hotkey is None else self.hotkey.form

    @property
    def ss58(self) -> str | None:
        return self.wallet.coldkey_ss58 if self.hotkey is None else self.hotkey.ss58

    @property
    def crypto_type(self) -> int | None:
        return self.wallet.crypto_type if self.hotkey is None else self.hotkey.crypto_type

    @property
    def elsewhere(self) -> bool:
        return self.form is KeyForm.NONE

    def text(self) -> str:
        """For the list of keys."""
        which = "coldkey" if self.hotkey is None else f"hotkey {self.hotkey.name}"
        where = ", not on this machine" if self.elsewhere else ""
        return f"{self.wallet.name}, {which}  {short_address(self.ss58 or '')}{where}"


def key_choices(wallets: Sequence[Wallet]) -> list[KeyChoice]:
    """Every key whose address is known and whose file can be used."""
    found = []
    for wallet in wallets:
        keys = [KeyChoice(wallet), *(KeyChoice(wallet, hotkey) for hotkey in wallet.hotkeys)]
        found += [key for key in keys if key.ss58 is not None and key.form is not KeyForm.UNREADABLE]
    return found


class TextBox(QWidget):
    """A named field of several lines; ``read_only`` ones have a button that copies."""

    def __init__(self, name: str, height: int, *, read_only: bool = False, fixed: bool = False) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.addWidget(label(name))
        head.addStretch(1)
        self.copy = button("Copy", self._copy, kind="quiet")
        self.copy.setVisible(read_only)
        head.addWidget(self.copy)
        self.box = QPlainTextEdit()
        self.box.setAccessibleName(name)
        self.box.setFixedHeight(height)
        self.box.setTabChangesFocus(True)
        self.box.setReadOnly(read_only)
        if fixed:
            self.box.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        column.addLayout(head)
        column.addWidget(self.box)

    def text(self) -> str:
        return self.box.toPlainText()

    def set_text(self, text: str) -> None:
        self.box.setPlainText(text)
        self.copy.setText("Copy")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
        self.copy.setText("Copied")


class SignStep(QWidget):
    """A key, a message, and then its signature."""

    changed = Signal()

    def __init__(self, choices: Sequence[KeyChoice], chosen: Wallet | None) -> None:
        super().__init__()
        self._choices = list(choices)
        self.key = QComboBox()
        for choice in self._choices:
            self.key.addItem(choice.text())
        place = next((n for n, c in enumerate(self._choices) if chosen and c.wallet.path == chosen.path), 0)
        self.key.setCurrentIndex(place if self._choices else -1)
        self.message = TextBox("Message", 96)
        self.wrap = QCheckBox(_WRAP)
        self.wrap.setChecked(True)
        self.note = label("", "small", wrap=True)
        self.result = TextBox("Signature", 66, read_only=True, fixed=True)
        self.result.hide()
        column = _column(self)
        name = label("Sign with")
        name.setBuddy(self.key)
        for widget in (name, self.key, self.message, self.wrap, self.note, self.result):
            column.addWidget(widget)
        column.addStretch(1)
        self.key.currentIndexChanged.connect(self._forget)
        self.message.box.textChanged.connect(self._forget)
        self.wrap.toggled.connect(self._forget)
        self._forget()

    def choice(self) -> KeyChoice | None:
        place = self.key.currentIndex()
        return self._choices[place] if 0 <= place < len(self._choices) else None

    def show_signature(self, signature: str) -> None:
        self.result.set_text(signature)
        self.result.show()
        self.changed.emit()

    def _forget(self) -> None:
        """A signature of something else must not stay on screen."""
        self.result.set_text("")
        self.result.hide()
        choice = self.choice()
        if choice is None:
            self.note.setText("No wallet here has a key that can sign.")
        elif choice.elsewhere:
            self.note.setText("That key is elsewhere: a payload is exported, and its signature brought back.")
        elif choice.form is KeyForm.ENCRYPTED:
            self.note.setText("You will be asked for its password.")
        else:
            self.note.setText("This key has no password.")
        self.changed.emit()


class VerifyStep(QWidget):
    """An address, a message and a signature; both schemes and both ways of wrapping are tried."""

    def __init__(self) -> None:
        super().__init__()
        self.address = Field("Address of the signer", address_check)
        self.message = TextBox("Message", 84)
        self.signature = TextBox("Signature", 66, fixed=True)
        self.mark = Mark(Level.UNKNOWN, size=18)
        self.verdict = label("", wrap=True)
        self._result = QWidget()
        row = QHBoxLayout(self._result)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.verdict, 1)
        column = _column(self)
        for widget in (self.address, self.message, self.signature, self._result):
            column.addWidget(widget)
        column.addStretch(1)
        for box in (self.message.box, self.signature.box):
            box.textChanged.connect(self.forget)
        self.address.changed.connect(self.forget)
        self.forget()

    def say(self, level: Level, text: str) -> None:
        self.mark.set_level(level)
        self.verdict.setText(text)
        self._result.show()

    def forget(self) -> None:
        """A verdict on something else must not stay on screen."""
        self._result.hide()


class PayloadStep(QWidget):
    """A payload file from another machine, shown before it is signed; then its signature as text, code and file."""

    changed = Signal()
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.payload: Payload | None = None
        self.answer: offline.Signature | None = None
        column = _column(self)
        row = QHBoxLayout()
        self.open_button = button("Open a payload file…", self._choose)
        row.addWidget(self.open_button)
        row.addStretch(1)
        hint = "Made by Ranvier on the machine without the key. Read what is signed, not only the words beside it."
        column.addWidget(label(hint, "muted", wrap=True))
        column.addLayout(row)
        self._view = QVBoxLayout()
        column.addLayout(self._view)
        self.result = TextBox("Signature", 84, read_only=True, fixed=True)
        self.code = QrView(220)
        self.save_button = button("Save as a file…", self._choose_target)
        self._below = QWidget()
        below = QHBoxLayout(self._below)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(16)
        left = QVBoxLayout()
        left.addWidget(self.result)
        left.addWidget(self.save_button, 0, Qt.AlignmentFlag.AlignLeft)
        left.addStretch(1)
        below.addLayout(left, 1)
        below.addWidget(self.code)
        self._below.hide()
        column.addWidget(self._below)
        column.addStretch(1)

    def load(self, text: str) -> None:
        """Read a payload file and show it."""
        try:
            payload = offline.load_payload(Path(text))
        except RanvierError as error:
            self.failed.emit(f"{error.message} {error.hint}".strip())
            return
        self.payload, self.answer = payload, None
        clear(self._view)
        self._view.addWidget(PayloadView(payload))
        self._below.hide()
        self.changed.emit()

    def show_answer(self, answer: offline.Signature) -> None:
        self.answer = answer
        self.result.set_text(answer.signature)
        self.code.show_data(offline.encode(answer))
        self._below.show()
        self.changed.emit()

    def save(self, text: str) -> None:
        """Write the signature to a new file."""
        if self.answer is None:
            return
        try:
            offline.write(Path(text), self.answer)
        except RanvierError as error:
            self.failed.emit(f"{error.message} {error.hint}".strip())
            return
        self.save_button.setText("Saved")

    def _choose(self) -> None:
        open_chooser(self, Choose.FILE, "A payload file", "", self.load)

    def _choose_target(self) -> None:
        name = f"signature-{self.answer.payload_id}.json" if self.answer is not None else ""
        open_chooser(self, Choose.NEW_FILE, "Save the signature", name, self.save)


def _column(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 6, 0, 0)
    column.setSpacing(12)
    return column
