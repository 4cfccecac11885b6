"""Signing with a key that is elsewhere: the payload goes out as a file or a QR code, the signature comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.keys import offline
from ranvier.keys.folders import absolute
from ranvier.keys.offline import Payload, Signature
from ranvier.keys.signing import SCHEME_NAMES
from ranvier.ui.context import Run
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.path_field import Choose, open_chooser
from ranvier.ui.widgets.qr_view import QrView
from ranvier.ui.widgets.text import button, label, line
from ranvier.ui.words import breakable, grouped_address

_LONGEST_SHOWN = 600


def what_is_signed(data: bytes) -> str:
    """The bytes themselves for people: text where it is text, else hex. The words beside a payload prove nothing."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if text and all(c.isprintable() or c in "\n\t" for c in text):
        shown = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
        return f"The text “{shown}”"
    digits = data.hex()
    shown = digits if len(digits) <= _LONGEST_SHOWN else digits[:_LONGEST_SHOWN] + "…"
    return f"{len(data)} bytes: {' '.join(shown[at : at + 8] for at in range(0, len(shown), 8))}"


class PayloadView(QWidget):
    """Who signs what: the words that came along, and apart from them the bytes that are signed."""

    def __init__(self, payload: Payload) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        where = f" on {payload.network}" if payload.network else ""
        column.addWidget(label(f"Payload {payload.id}{where}", "heading"))
        for word in payload.words:
            column.addWidget(label(breakable(word), wrap=True, copyable=True))
        column.addWidget(line())
        column.addWidget(label("Signed by", "small"))
        scheme = SCHEME_NAMES[payload.crypto_type]
        column.addWidget(label(f"{grouped_address(payload.signer_ss58)}  ({scheme})", "mono", wrap=True))
        if payload.genesis_hash:
            column.addWidget(label("Network, by its genesis hash", "small"))
            column.addWidget(label(f"{payload.genesis_hash[:34]} {payload.genesis_hash[34:]}", "mono", wrap=True))
        column.addWidget(label("Exactly what is signed", "small"))
        column.addWidget(label(what_is_signed(payload.data), wrap=True, copyable=True))
        column.addStretch(1)


class OfflineDialog(Dialog):
    """Export ``payload``, then bring its signature: pasted, or as a file. ``signature`` is the checked 64 bytes."""

    def __init__(self, parent: QWidget, payload: Payload, run: Run) -> None:
        super().__init__(parent, "Sign where the key is", yes="Use this signature")
        self.payload, self._run = payload, run
        self.signature: bytes | None = None
        text = (
            "The key is not on this machine. Nothing here is secret.\n"
            "1.  Take this payload to the machine that has the key, as a file or by its code.\n"
            "2.  There, in Ranvier: Wallets, Sign or check, Sign a payload.\n"
            "3.  Bring the signature back and put it in below."
        )
        self.body.addWidget(label(text, wrap=True))
        middle = QHBoxLayout()
        middle.setSpacing(20)
        middle.addWidget(PayloadView(payload), 1)
        side = QVBoxLayout()
        self.code = QrView(280)
        self.code.show_data(offline.encode(payload))
        self.save_button = button("Save as a file…", self._choose_target)
        side.addWidget(self.code, 0, Qt.AlignmentFlag.AlignHCenter)
        side.addWidget(self.save_button)
        side.addStretch(1)
        middle.addLayout(side)
        self.body.addLayout(middle)
        self.saved = label("", "small", wrap=True, copyable=True)
        self.saved.hide()
        self.body.addWidget(self.saved)
        head = QHBoxLayout()
        head.addWidget(label("The signature"))
        head.addStretch(1)
        self.load_button = button("From a file…", self._choose_answer, kind="quiet")
        head.addWidget(self.load_button)
        self.body.addLayout(head)
        self.answer = QPlainTextEdit()
        self.answer.setAccessibleName("The signature")
        self.answer.setPlaceholderText("128 hex digits, or the content of the signature file")
        self.answer.setFixedHeight(66)
        self.answer.setTabChangesFocus(True)
        self.answer.textChanged.connect(lambda: self.problem(""))
        self.body.addWidget(self.answer)
        fit(self, 780)

    def save(self, text: str) -> None:
        """Write the payload to a new file."""
        self.problem("")
        try:
            offline.write(absolute(text), self.payload)
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self.saved.setText(f"Written to {absolute(text)}")
        self.saved.show()

    def load(self, text: str) -> None:
        """Take the signature from a file."""
        try:
            found = offline.load_signature(Path(text))
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self.answer.setPlainText(offline.encode(found).decode())

    def _choose_target(self) -> None:
        open_chooser(self, Choose.NEW_FILE, "Save the payload", f"payload-{self.payload.id}.json", self.save)

    def _choose_answer(self) -> None:
        open_chooser(self, Choose.FILE, "The signature file", "", self.load)

    def submitted(self) -> None:
        self.problem("")
        text = self.answer.toPlainText().strip()
        if not text:
            self.problem("Bring the signature first.")
            return
        self._run(self._check(text), "check a signature")

    async def _check(self, text: str) -> None:
        try:
            given: str | Signature = offline.read_signature(text.encode()) if text[0] == "{" else text
            self.signature = await asyncio.to_thread(offline.check_signature, self.payload, given)
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self.accept()
