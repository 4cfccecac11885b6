"""One field for whatever key a person has, and a sentence that says what it was recognised as."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.keys import addresses, files, importing, mnemonic, polkadotjs
from ranvier.keys.content import SecretPart
from ranvier.keys.encryption import OnAttempt
from ranvier.keys.importing import Kind
from ranvier.keys.signing import ED25519, SR25519
from ranvier.keys.words import WORDS
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.mnemonic_entry import MnemonicEntry
from ranvier.ui.widgets.path_field import Choose, open_chooser
from ranvier.ui.widgets.text import button, label, restyle
from ranvier.ui.words import grouped_address

_KNOWN = frozenset(WORDS)
HINT = "Words, a hex seed, a private key, the text of a polkadot.js export, or an address to watch."


@dataclass(frozen=True, slots=True)
class Recognised:
    """What an input is: ``kind`` in words, ``ss58`` when it is known already, ``problem`` when it cannot be used."""

    kind: str = ""
    ss58: str | None = None
    problem: str | None = None
    address_only: bool = False
    needs_password: bool = False
    unfinished: bool = False

    @property
    def usable(self) -> bool:
        return bool(self.kind) and self.problem is None and not self.unfinished

    def sentence(self) -> str:
        """For the line below the field."""
        if self.problem is not None:
            return f"{self.kind}: {self.problem}" if self.kind else self.problem
        if not self.kind:
            return HINT
        if self.unfinished:
            return f"{self.kind}…"
        whose = ""
        if self.ss58:
            whose = f" {'' if self.address_only else 'of '}{grouped_address(self.ss58)}"
        tail = ""
        if self.address_only:
            tail = " Nothing can be spent with it; the coldkey stays where it is."
        elif self.needs_password:
            tail = " Type its password below."
        elif self.kind.startswith("Hex seed"):
            tail = " If you expected another address, this may be a public key: then there is nothing secret in it."
        return f"{self.kind}{whose}.{tail}"


def recognise(text: str, scheme: int = SR25519) -> Recognised:
    """What typed or pasted text is. Milliseconds; nothing of the text but one wrong word stands in the answer."""
    text = text.strip()
    if not text:
        return Recognised()
    compact = "".join(text.split())
    if addresses.is_ss58(compact):
        return Recognised("Address", compact, address_only=True)
    if text[0] == "{":
        return _json(text.encode("utf-8", "replace"))
    if compact[0] == "5" and 40 <= len(compact) <= 52 and not set(compact) <= set("0123456789abcdefABCDEF"):
        try:
            addresses.public_key(compact)
        except RanvierError as error:
            return Recognised("Address", problem=f"{error.message} {error.hint}".strip())
    try:
        kind = importing.kind_of_text(text)
    except RanvierError as error:
        return Recognised(problem=error.message)
    if kind is Kind.PHRASE and _still_typing(text):
        return Recognised(f"Recovery phrase, {len(text.split())} words so far", unfinished=True)
    name = f"{kind.value[0].upper()}{kind.value[1:]}"
    try:
        with importing.from_text(text, scheme).signer as signer:
            return Recognised(name, signer.ss58)
    except RanvierError as error:
        return Recognised(name, problem=f"{error.message} {error.hint}".strip())


def recognise_file(path: Path, scheme: int = SR25519) -> Recognised:
    """The same for a file, which is read but not opened where it needs a password."""
    try:
        kind = importing.kind_of_file(path)
        name = f"{kind.value[0].upper()}{kind.value[1:]}"
        data = files.read_bytes(path)
        if kind is Kind.ENCRYPTED_KEY_FILE:
            public = files.read_public_or_none(path.with_name(f"{path.name}pub.txt"))
            return Recognised(name, public.ss58 if public else None, needs_password=True)
        if kind in (Kind.POLKADOT_JS, Kind.KEY_FILE):
            return _json(data)
    except RanvierError as error:
        return Recognised(problem=f"{error.message} {error.hint}".strip())
    return recognise(data.decode("utf-8-sig", "replace"), scheme)


def _json(data: bytes) -> Recognised:
    try:
        if polkadotjs.is_export(data):
            export = polkadotjs.parse(data)
            return Recognised("Polkadot.js export", export.ss58, needs_password=export.encrypted)
        public = files.parse_public(data)
        if public.holds_secret:
            with files.parse_secret(data).signer as signer:
                return Recognised("Key file", signer.ss58)
        return Recognised("Public key file", public.ss58, address_only=True)
    except RanvierError as error:
        return Recognised("JSON", problem=f"{error.message} {error.hint}".strip())


def _still_typing(text: str) -> bool:
    words = mnemonic.normalise(text).split()
    known = all(word in _KNOWN for word in words[:-1])
    return known and len(words) < mnemonic.LENGTHS[0]


class SecretEntry(QWidget):
    """The field, a way to choose a file, a way to type words one by one, and the key type."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None
        self._found = Recognised()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        head = QHBoxLayout()
        self.heading = label("Your key")
        self.by_word = button("Word by word", self._toggle_words, kind="quiet")
        self.by_word.setCheckable(True)
        self.choose = button("From a file…", self._choose, kind="quiet")
        head.addWidget(self.heading)
        head.addStretch(1)
        head.addWidget(self.by_word)
        head.addWidget(self.choose)
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("Your key")
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(78)
        self.text.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
        self.phrase = MnemonicEntry()
        self.phrase.hide()
        self.note = label(HINT, "small", wrap=True)
        self.password = Field("Password of the export or file", lambda _text: None)
        self.password.input.setEchoMode(QLineEdit.EchoMode.Password)
        self.password.hide()
        self.scheme = QComboBox()
        self.scheme.addItem("sr25519, as nearly every wallet", SR25519)
        self.scheme.addItem("ed25519", ED25519)
        row = QHBoxLayout()
        self._scheme_row = QWidget()
        self._scheme_row.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label("Key type", "muted"))
        row.addWidget(self.scheme)
        row.addStretch(1)
        column.addLayout(head)
        for widget in (self.text, self.phrase, self.note, self.password, self._scheme_row):
            column.addWidget(widget)
        self.text.textChanged.connect(self._text_changed)
        self.phrase.changed.connect(self._draw)
        self.scheme.currentIndexChanged.connect(self._draw)
        self._draw()

    @property
    def recognised(self) -> Recognised:
        """What stands in it now."""
        return self._found

    def use_file(self, text: str) -> None:
        """Take the key from this file."""
        self.by_word.setChecked(False)
        self._toggle_words()
        self.text.blockSignals(True)
        self.text.setPlainText(text)
        self.text.blockSignals(False)
        self.path = Path(text)
        self._draw()

    async def secret(self, on_attempt: OnAttempt | None = None) -> SecretPart:
        """The key itself; raises WrongPasswordError, KeyFileError, MnemonicError."""
        scheme, password = self.scheme.currentData(), self.password.text()
        if self.path is not None:
            return await importing.from_file(self.path, password, scheme, on_attempt=on_attempt)
        text = self._typed().strip()
        if text[:1] == "{":
            data = text.encode("utf-8", "replace")
            if polkadotjs.is_export(data):
                return await polkadotjs.open_export(polkadotjs.parse(data), password)
            return files.parse_secret(data)
        return importing.from_text(text, scheme)

    def insist(self) -> bool:
        """Whether it can be used; otherwise the line below says why not."""
        if self.by_word.isChecked() and not self.phrase.insist():
            return False
        if self._found.usable:
            return True
        self._say(self._found.problem or ("That is not whole yet." if self._found.kind else f"Nothing yet. {HINT}"))
        (self.phrase.fields[0] if self.by_word.isChecked() else self.text).setFocus()
        return False

    def wipe(self) -> None:
        """Forget what was typed, and the way back to it."""
        self.text.clear()
        self.text.document().clearUndoRedoStacks()
        self.phrase.wipe()
        self.password.input.clear()

    def _typed(self) -> str:
        return self.phrase.phrase() if self.by_word.isChecked() else self.text.toPlainText()

    def _text_changed(self) -> None:
        self.path = None
        self._draw()

    def _choose(self) -> None:
        open_chooser(self, Choose.FILE, "A key file or export", "", self.use_file)

    def _toggle_words(self) -> None:
        words = self.by_word.isChecked()
        self.by_word.setText("As one text" if words else "Word by word")
        self.text.setVisible(not words)
        self.phrase.setVisible(words)
        self._draw()

    def _draw(self) -> None:
        scheme = self.scheme.currentData()
        if self.by_word.isChecked():
            self._found = recognise(self.phrase.phrase(), scheme) if self.phrase.problem() is None else Recognised()
        elif self.path is not None:
            self._found = recognise_file(self.path, scheme)
        else:
            self._found = recognise(self.text.toPlainText(), scheme)
        found = self._found
        self.password.setVisible(found.needs_password)
        # What is stored with its type brings it along.
        self._scheme_row.setVisible(not found.address_only and found.kind not in _TYPED)
        self.note.setVisible(not self.by_word.isChecked() or bool(found.kind))
        self.note.setText(found.sentence())
        restyle(self.note, "role", "problem" if found.problem else "" if found.usable else "small")
        self.changed.emit()

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.show()
        restyle(self.note, "role", "problem")


_TYPED = ("Polkadot.js export", "Key file", "Encrypted key file", "Public key file")
