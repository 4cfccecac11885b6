"""A new wallet: name and password, the words shown once, some asked back, then written and read back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError, StorageError
from ranvier.keys import drill, strength, wallets
from ranvier.keys.folders import absolute
from ranvier.keys.listing import Wallet
from ranvier.keys.mnemonic import generate
from ranvier.keys.names import check_name, folded
from ranvier.keys.strength import Strength
from ranvier.ui.backup_dates import BackupDates
from ranvier.ui.backup_sheet import write_sheet
from ranvier.ui.capture import exclude
from ranvier.ui.context import Run
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import Steps, fit
from ranvier.ui.widgets.fields import Field, NewPassword
from ranvier.ui.widgets.path_field import Choose, open_chooser
from ranvier.ui.widgets.text import button, label
from ranvier.ui.widgets.word_grid import WordGrid, WordsBack

DETAILS, WORDS, BACK, WRITING = range(4)
_SCAM = "Nobody who helps you ever needs these words. Who has them owns the funds."


def name_check(taken: Iterable[str], what: str) -> Callable[[str], str | None]:
    """A check for a ``Field``: the rules for names, and that ``what`` is not there yet."""
    known = {folded(name): name for name in taken}

    def check(text: str) -> str | None:
        try:
            name = check_name(text.strip())
        except RanvierError as error:
            return f"{error.message} {error.hint}".strip()
        found = known.get(folded(name))
        return f"There is a {what} “{found}” already; nothing is ever overwritten." if found else None

    return check


def writing_note() -> QWidget:
    """What is shown while argon2 runs: honest about the time, which cannot be measured in steps."""
    note = label("This takes 2 to 6 seconds on purpose: each guess of a thief takes as long.", "muted", wrap=True)
    bar = QProgressBar()
    bar.setRange(0, 0)
    bar.setTextVisible(False)
    return _step(label("Encrypting and writing the wallet…"), note, bar)


class WritingDialog(Dialog):
    """A dialog that ends with writing a wallet: no way out while that runs, every error leaves the input as it is.

    ``strength`` is what was judged of its password, where one was chosen.
    """

    def __init__(self, parent: QWidget, title: str, run: Run, *, yes: str) -> None:
        super().__init__(parent, title, yes=yes)
        self.wallet: Wallet | None = None
        self.strength: Strength | None = None
        self._run = run
        self._writing = False
        self.steps = Steps()
        self.body.addWidget(self.steps)

    def start_writing(self, work: Coroutine[Any, Any, Wallet], back_to: int) -> None:
        """Show the waiting step, run ``work``; on an error show the sentence on step ``back_to``."""
        self._writing = True
        self.problem("")
        self.busy(True)
        self.steps.turn_to(len(self.steps) - 1)
        self._run(self._write(work, back_to), "write wallet")

    async def _write(self, work: Coroutine[Any, Any, Wallet], back_to: int) -> None:
        try:
            self.wallet = await work
        except RanvierError as error:
            self._writing = False
            self.busy(False)
            self.steps.turn_to(back_to)
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self._writing = False
        self.wipe()
        self.accept()

    def wipe(self) -> None:
        """Forget secrets."""

    def reject(self) -> None:
        if not self._writing:
            self.wipe()
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._writing:
            event.ignore()
        else:
            super().closeEvent(event)


class CreateWalletDialog(WritingDialog):
    """``wallet`` is the new wallet after it was accepted. Nothing is on disk before the words were typed back."""

    def __init__(
        self, parent: QWidget, folder: Path, taken: Iterable[str], run: Run, dates: BackupDates | None = None
    ) -> None:
        super().__init__(parent, "Create a wallet", run, yes="Show the words")
        self._folder = folder
        self._dates = dates
        self._words: list[str] = []
        self.name = Field("Name of the wallet", name_check(taken, "wallet"))
        self.hotkey = Field(
            "Name of its first hotkey",
            name_check((), "hotkey"),
            hint="The hotkey signs for a miner; it never holds your funds.",
            text="default",
        )
        self.count = QComboBox()
        for number in (12, 24):
            self.count.addItem(f"{number} words", number)
        self.password = NewPassword(personal=lambda: (self.name.text(), self.hotkey.text()))
        self.grid = WordGrid()
        self.capture = label("", "small", wrap=True)
        self.sheet_note = label("", "small", wrap=True, copyable=True)
        self.sheet_note.hide()
        self.back = WordsBack()
        for step in (self._details(), self._shown(), self._asked(), writing_note()):
            self.steps.add(step)
        self.count.currentIndexChanged.connect(lambda: self._words.clear())
        self._enter(DETAILS)
        fit(self, 600)
        self.name.input.setFocus()
        # The estimator's word lists take a moment to load: not while somebody types.
        run(asyncio.to_thread(strength.judge, "so that the lists are there"), "password estimator")

    def _details(self) -> QWidget:
        step = _step()
        row = QHBoxLayout()
        row.addWidget(label("Recovery phrase"))
        row.addWidget(self.count)
        row.addStretch(1)
        column = step.layout()
        assert isinstance(column, QVBoxLayout)
        column.addWidget(self.name)
        column.addWidget(self.hotkey)
        column.addLayout(row)
        column.addWidget(self.password)
        column.addWidget(label(f"It will be kept in {self._folder}.", "small", wrap=True))
        column.addStretch(1)
        return step

    def _shown(self) -> QWidget:
        text = "These words are the wallet. Write them on paper, with their numbers; they are shown only now."
        step = _step(label(text, wrap=True), self.grid, label(_SCAM, wrap=True), self.capture, self.sheet_note)
        sheet = button("Save an empty sheet to print…", self._choose_sheet, kind="quiet")
        sheet.setToolTip("Numbered lines without the words: printers keep what they are sent")
        column = step.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(2, sheet, 0, Qt.AlignmentFlag.AlignLeft)
        return step

    def _choose_sheet(self) -> None:
        open_chooser(self, Choose.NEW_FILE, "An empty sheet to print", "recovery-phrase.pdf", self.save_sheet)

    def save_sheet(self, text: str) -> None:
        """Write an empty numbered sheet as PDF; no word of the phrase is on it."""
        self.problem("")
        try:
            write_sheet(absolute(text), self.name.text().strip(), len(self._words))
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self.sheet_note.setText(f"The empty sheet is {absolute(text)}.")
        self.sheet_note.show()

    def _asked(self) -> QWidget:
        text = "Now from your paper: type these words. Each is checked at once."
        note = "A few words show that the paper is readable. Do the restore drill later to be sure of all of them."
        return _step(label(text, wrap=True), self.back, label(note, "small", wrap=True))

    def _enter(self, step: int) -> None:
        self.problem("")
        self.steps.turn_to(step)
        self.yes.setText(("Show the words", "I have written them down", "Create the wallet", "Create the wallet")[step])
        self.no.setText("Cancel" if step == DETAILS else "Back")

    def submitted(self) -> None:
        match self.steps.place:
            case 0 if self.name.insist() and self.hotkey.insist() and self.password.insist():
                self._words = self._words or generate(self.count.currentData()).split()
                self._show_words()
            case 1:
                # Out of sight before they are asked for.
                self.grid.show_words(())
                self.back.ask(drill.WordsBack(" ".join(self._words)))
                self._enter(BACK)
                next(iter(self.back.fields.values())).setFocus()
            case 2 if self.back.insist():
                self.start_writing(self._create(), BACK)

    def _show_words(self) -> None:
        self.capture.setText(exclude(self).value)  # before the words are there
        self.grid.show_words(self._words)
        self._enter(WORDS)
        self.yes.setFocus()

    def reject(self) -> None:
        step = self.steps.place
        if step == BACK:
            self._show_words()
        elif step == WORDS:
            self.grid.show_words(())
            self._enter(DETAILS)
        else:
            super().reject()

    async def _create(self) -> Wallet:
        wallet = await wallets.create_wallet(
            self._folder,
            self.name.text().strip(),
            " ".join(self._words),
            self.password.text(),
            self.hotkey.text().strip(),
            generate(),
        )
        self.strength = await asyncio.to_thread(strength.judge, self.password.text(), (wallet.name,))
        if self._dates is not None and wallet.coldkey_ss58 is not None:
            with contextlib.suppress(StorageError):  # the wallet is there; only the date would be missing
                await asyncio.to_thread(self._dates.remember, wallet.coldkey_ss58)
        return wallet

    def wipe(self) -> None:
        self._words = []
        self.grid.show_words(())
        self.back.ask(None)
        self.password.wipe()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Enter goes on, Escape goes one step back and never throws the words away at once.
        if event.key() == Qt.Key.Key_Escape and self.steps.place == WRITING:
            return
        super().keyPressEvent(event)


def _step(*widgets: QWidget) -> QWidget:
    step = QWidget()
    column = QVBoxLayout(step)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(12)
    for widget in widgets:
        column.addWidget(widget)
    if widgets:
        column.addStretch(1)
    return step
