"""A wallet from whatever key a person has (or only its address), and a further hotkey: new, or from a key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QRadioButton, QVBoxLayout, QWidget

from ranvier.core.errors import RanvierError
from ranvier.keys import storing, strength, wallets
from ranvier.keys.listing import Wallet, read_wallet
from ranvier.keys.mnemonic import generate
from ranvier.ui.capture import exclude
from ranvier.ui.context import Run
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.dialogs.wallets.create_wallet import WritingDialog, name_check, writing_note
from ranvier.ui.widgets.fields import Field, NewPassword
from ranvier.ui.widgets.secret_entry import SecretEntry
from ranvier.ui.widgets.text import label


class ImportWalletDialog(WritingDialog):
    """Says what was recognised and which address it opens before anything is written. ``wallet`` is the result.

    ``watched`` are the wallets that know their coldkey by its address only: the coldkey itself may join its own.
    """

    def __init__(
        self,
        parent: QWidget,
        folder: Path,
        taken: Iterable[str],
        run: Run,
        watched: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(parent, "Import a wallet", run, yes="Import the wallet")
        self._folder = folder
        self.entry = SecretEntry()
        self._watched = dict(watched or {})
        self._free_name = name_check(taken, "wallet")
        self.name = Field("Name of the wallet", self._name_problem)
        self.joins = label("This wallet knows the address already; the coldkey is added to it.", "small", wrap=True)
        self.joins.hide()
        self.password = NewPassword("Password for this machine", lambda: (self.name.text(),))
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
        for widget in (self.entry, self.name, self.joins, self.password, self.hotkey):
            column.addWidget(widget)
        column.addStretch(1)
        self.steps.add(step)
        self.steps.add(writing_note())
        self.entry.changed.connect(self._recognised)
        self.name.changed.connect(self._recognised)
        fit(self, 720)
        self.entry.text.setFocus()

    def open(self) -> None:
        exclude(self)
        super().open()

    def _recognised(self) -> None:
        watching, joining = self.entry.recognised.address_only, self._joining()
        self.name.draw_again()
        self.joins.setVisible(joining)
        self.password.setVisible(not watching)
        self.hotkey.setVisible(not watching and not joining)
        self.yes.setText("Watch it" if watching else "Import the wallet")
        self.problem("")

    def _joining(self) -> bool:
        """Whether the coldkey of a watched wallet comes to it."""
        found = self.entry.recognised
        known = self._watched.get(self.name.text().strip())
        return not found.address_only and known is not None and known == found.ss58

    def _name_problem(self, text: str) -> str | None:
        return None if self._joining() else self._free_name(text)

    def submitted(self) -> None:
        self.problem("")
        checks = [self.entry.insist, self.name.insist]
        if not self.entry.recognised.address_only:
            checks += [self.password.insist, *([] if self._joining() else [self.hotkey.insist])]
        if all(check() for check in checks):
            self.start_writing(self._import(), 0)

    async def _import(self) -> Wallet:
        name, found, joining = self.name.text().strip(), self.entry.recognised, self._joining()
        if found.address_only and found.ss58 is not None:
            return await asyncio.to_thread(wallets.add_watch_only, self._folder, name, found.ss58)
        secret = await self.entry.secret()
        with secret.signer:
            wallet = await storing.store_coldkey(self._folder, name, secret, self.password.text())
        self.strength = await asyncio.to_thread(strength.judge, self.password.text(), (name,))
        if joining:
            return wallet
        await asyncio.to_thread(wallets.add_hotkey, wallet.path, self.hotkey.text().strip(), generate())
        return await asyncio.to_thread(read_wallet, wallet.path)

    def wipe(self) -> None:
        self.entry.wipe()
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
        self.old = QRadioButton("From a key that I have")
        self.entry = SecretEntry()
        choice = QButtonGroup(self)
        choice.addButton(self.new)
        choice.addButton(self.old)
        self.new.setChecked(True)
        self.entry.hide()
        note = label(
            "A hotkey is stored without a password, as all miners expect; its phrase stands in its file. "
            "It never holds your funds and can be replaced.",
            "small",
            wrap=True,
        )
        for widget in (self.name, self.new, self.old, self.entry, note):
            self.body.addWidget(widget)
        self.old.toggled.connect(self._chose)
        self.entry.changed.connect(lambda: self.problem(""))
        fit(self, 560)
        self.name.input.setFocus()

    def open(self) -> None:
        exclude(self)
        super().open()

    def _chose(self, old: bool) -> None:
        self.entry.setVisible(old)
        fit(self, 720 if old else 560)

    def submitted(self) -> None:
        self.problem("")
        if not self.name.insist() or (self.old.isChecked() and not self.entry.insist()):
            return
        if self.old.isChecked() and self.entry.recognised.address_only:
            self.problem("An address cannot sign, and a hotkey has to.")
            return
        self.busy(True)
        self._run(self._add(), "add hotkey")

    async def _add(self) -> None:
        name = self.name.text().strip()
        try:
            if self.new.isChecked():
                await asyncio.to_thread(wallets.add_hotkey, self._path, name, generate())
            else:
                secret = await self.entry.secret()
                with secret.signer:
                    await storing.store_hotkey(self._path, name, secret)
            self.wallet = await asyncio.to_thread(read_wallet, self._path)
        except RanvierError as error:
            self.busy(False)
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self.entry.wipe()
        self.accept()

    def reject(self) -> None:
        if not self._busy:
            self.entry.wipe()
        super().reject()
