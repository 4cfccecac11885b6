"""A wallet from its recovery phrase, and a further hotkey: new, or from a phrase."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QRadioButton, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.keys import wallets
from ranvier.keys.listing import Wallet, read_wallet
from ranvier.keys.mnemonic import generate
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.create_wallet import Run, WritingDialog, name_check, writing_note
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.widgets.fields import Field, NewPassword
from ranvier.ui.widgets.mnemonic_entry import MnemonicEntry
from ranvier.ui.widgets.text import label


class ImportWalletDialog(WritingDialog):
    """Types a phrase word by word; a wrong one is named. ``wallet`` is the result."""

    def __init__(self, parent: QWidget, folder: Path, taken: Iterable[str], run: Run) -> None:
        super().__init__(parent, "Import a wallet from its recovery phrase", run, yes="Import the wallet")
        self._folder = folder
        self.name = Field("Name of the wallet", name_check(taken, "wallet"))
        self.phrase = MnemonicEntry()
        self.password = NewPassword()
        self.hotkey = Field(
            "Name of a new hotkey",
            name_check((), "hotkey"),
            hint="Made new for mining. Your own hotkeys can be added to the wallet afterwards.",
            text="default",
        )
        step = QWidget()
        column = QVBoxLayout(step)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for widget in (self.name, self.phrase, self.password, self.hotkey):
            column.addWidget(widget)
        column.addStretch(1)
        self.steps.add(step)
        self.steps.add(writing_note())
        fit(self, 720)
        self.name.input.setFocus()

    def submitted(self) -> None:
        self.problem("")
        checks = (self.name.insist, self.phrase.insist, self.password.insist, self.hotkey.insist)
        if all(check() for check in checks):
            self.start_writing(self._import(), 0)

    async def _import(self) -> Wallet:
        return await wallets.create_wallet(
            self._folder,
            self.name.text().strip(),
            self.phrase.phrase(),
            self.password.text(),
            self.hotkey.text().strip(),
            generate(),
        )

    def wipe(self) -> None:
        self.phrase.wipe()
        self.password.wipe()


class AddHotkeyDialog(Dialog):
    """One more hotkey for a wallet. ``wallet`` is the wallet as it is afterwards."""

    def __init__(self, parent: QWidget, wallet: Wallet, run: Run) -> None:
        super().__init__(parent, f"Add a hotkey to {wallet.name}", yes="Add the hotkey")
        self.wallet: Wallet | None = None
        self._path = wallet.path
        self._run = run
        self.name = Field("Name of the hotkey", name_check((key.name for key in wallet.hotkeys), "hotkey"))
        self.new = QRadioButton("Make a new one")
        self.old = QRadioButton("From its recovery phrase")
        self.phrase = MnemonicEntry()
        choice = QButtonGroup(self)
        choice.addButton(self.new)
        choice.addButton(self.old)
        self.new.setChecked(True)
        self.phrase.hide()
        note = label(
            "A hotkey is stored without a password, as all miners expect; its phrase stands in its file. "
            "It never holds your funds and can be replaced.",
            "small",
            wrap=True,
        )
        for widget in (self.name, self.new, self.old, self.phrase, note):
            self.body.addWidget(widget)
        self.old.toggled.connect(self._chose)
        fit(self, 560)
        self.name.input.setFocus()

    def _chose(self, old: bool) -> None:
        self.phrase.setVisible(old)
        fit(self, 720 if old else 560)

    def submitted(self) -> None:
        self.problem("")
        if self.name.insist() and (self.new.isChecked() or self.phrase.insist()):
            self.busy(True)
            self._run(self._add(), "add hotkey")

    async def _add(self) -> None:
        phrase = generate() if self.new.isChecked() else self.phrase.phrase()
        try:
            await asyncio.to_thread(wallets.add_hotkey, self._path, self.name.text().strip(), phrase)
            self.wallet = await asyncio.to_thread(read_wallet, self._path)
        except RanvierError as error:
            self.busy(False)
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self.phrase.wipe()
        self.accept()
