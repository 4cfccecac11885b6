"""The restore drill: type the words, or load a backup file, and see whether it opens this wallet. Nothing is written
but the date of a drill that went well."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QLineEdit, QRadioButton, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.keys import drill, importing
from ranvier.keys.drill import Comparison, Drills
from ranvier.keys.importing import Kind
from ranvier.keys.listing import Wallet
from ranvier.ui.capture import exclude
from ranvier.ui.context import Run
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import Steps, fit
from ranvier.ui.dialogs.wallets.unlock import Progress
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.mnemonic_entry import MnemonicEntry
from ranvier.ui.widgets.path_field import Choose, PathField, needs_text
from ranvier.ui.widgets.text import label
from ranvier.ui.words import grouped_address

_WHY = (
    "Take your paper (or your backup file) and type it here, as if this computer were gone. "
    "It is compared in memory; only the date is kept."
)


class RestoreDrillDialog(Dialog):
    """``verified_on`` is the date after a drill that went well."""

    def __init__(self, parent: QWidget, wallet: Wallet, drills: Drills, run: Run) -> None:
        super().__init__(parent, f"Restore drill for {wallet.name}", yes="Compare")
        self.verified_on: datetime.date | None = None
        self._address = wallet.coldkey_ss58 or ""
        self._folder = wallet.path
        self._drills, self._run = drills, run
        self._name = wallet.name
        self._running = False
        self.typed = QRadioButton("Type the words")
        self.loaded = QRadioButton("Load a backup file")
        choice = QButtonGroup(self)
        choice.addButton(self.typed)
        choice.addButton(self.loaded)
        self.typed.setChecked(True)
        self.phrase = MnemonicEntry()
        self.file = PathField("Backup file", Choose.FILE, needs_text("Choose the file."), hint=_FILE_HINT)
        self.password = Field("Password of the file", lambda _text: None)
        self.password.input.setEchoMode(QLineEdit.EchoMode.Password)
        self.password.hide()
        self.capture = label("", "small", wrap=True)
        self.progress = Progress()
        self.steps = Steps()
        self.steps.add(self._step(self.phrase, self.capture))
        self.steps.add(self._step(self.file, self.password))
        self.body.addWidget(label(_WHY, wrap=True))
        for widget in (self.typed, self.loaded, self.steps, self.progress):
            self.body.addWidget(widget)
        self.loaded.toggled.connect(self._chose)
        self.file.changed.connect(self._file_changed)
        fit(self, 720)

    @staticmethod
    def _step(*widgets: QWidget) -> QWidget:
        step = QWidget()
        column = QVBoxLayout(step)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(12)
        for widget in widgets:
            column.addWidget(widget)
        return step

    def open(self) -> None:
        self.capture.setText(exclude(self).value)
        super().open()
        self.phrase.fields[0].setFocus()

    def _chose(self, file: bool) -> None:
        self.problem("")
        self.steps.turn_to(1 if file else 0)

    def _file_changed(self) -> None:
        """Say what the file is as soon as there is one, and ask for a password only where it may have one."""
        self.problem("")
        kind, sentence = kind_sentence(self.file.path()) if self.file.text() else (None, _FILE_HINT)
        if self._own_file(self.file.text()):
            kind, sentence = None, _OWN_FILE
        self.file.field.note.setText(sentence)
        self.password.setVisible(kind is not None and kind.needs_password)

    def _own_file(self, text: str) -> bool:
        """Whether this is the wallet itself, which proves nothing about its backup."""
        try:
            return bool(text) and self.file.path().resolve().is_relative_to(self._folder.resolve())
        except (OSError, RuntimeError):
            return False

    def submitted(self) -> None:
        self.problem("")
        if self.loaded.isChecked() and self._own_file(self.file.text()):
            self.problem(_OWN_FILE)
            return
        if self.verified_on is not None:
            self.accept()
            return
        ready = self.file.insist() if self.loaded.isChecked() else self.phrase.insist()
        if ready and not self._running:
            self._running = True
            self.busy(True)
            self._run(self._compare(), "restore drill")

    async def _compare(self) -> None:
        try:
            if self.loaded.isChecked():
                self.progress.begin()
                result = await drill.compare_file(
                    self.file.path(), self.password.text(), self._address, on_attempt=self.progress.attempt
                )
            else:
                result = await asyncio.to_thread(drill.compare_words, self.phrase.phrase(), self._address)
            await self._judged(result)
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
        finally:
            self._running = False
            self.progress.end()
            self.busy(False)

    async def _judged(self, result: Comparison) -> None:
        if not result.matches:
            self.problem(
                "This backup is sound, but it opens another wallet:\n"
                f"{grouped_address(result.backup_ss58)}\n"
                f"The address of {self._name} is\n{grouped_address(self._address)}\n"
                "Look for the right backup. While this computer still opens the wallet, nothing is lost."
            )
            return
        self.verified_on = await asyncio.to_thread(self._drills.remember, result)
        self.wipe()
        self.accept()

    def wipe(self) -> None:
        """Forget what was typed."""
        self.phrase.wipe()
        self.password.input.clear()

    def reject(self) -> None:
        if not self._running:
            self.wipe()
            super().reject()


_OWN_FILE = "That is the wallet itself. A backup lies somewhere else: on a stick, a disk, on paper."
_FILE_HINT = "A copy of the coldkey file, a polkadot.js export, or a text with the words or the seed."


def kind_sentence(path: Path) -> tuple[Kind | None, str]:
    """What the file at ``path`` is, and that in a sentence. Reads one small file."""
    if not path.is_file():
        return None, "There is no such file."
    try:
        kind = importing.kind_of_file(path)
    except RanvierError as error:
        return None, error.message
    return kind, f"This is {'an' if kind.value[0] in 'aeiou' else 'a'} {kind.value}."
