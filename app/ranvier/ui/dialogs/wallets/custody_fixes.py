"""The dialogs behind the fixes of the custody check: export for a miner, take a coldkey away, a new password."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from ranvier.core.errors import KeyFileError, RanvierError
from ranvier.keys import files, miner_wallet, storing, strength
from ranvier.keys.listing import COLDKEY, KeyForm, Wallet
from ranvier.keys.remember import PasswordStore
from ranvier.ui.context import Run
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.dialogs.wallets.create_wallet import WritingDialog, writing_note
from ranvier.ui.widgets.fields import Field, NewPassword
from ranvier.ui.widgets.path_field import Choose, PathField, needs_text
from ranvier.ui.widgets.text import button, label


class ExportForMinerDialog(Dialog):
    """Writes exactly what a miner needs into a folder. ``exported`` is the wallet folder that was written."""

    def __init__(self, parent: QWidget, wallets: Sequence[Wallet], run: Run, chosen: Wallet | None = None) -> None:
        super().__init__(parent, "Export what a miner needs", yes="Export")
        self.exported: Path | None = None
        self._run = run
        self._choices = [(w, h) for w in wallets for h in w.hotkeys if h.form is KeyForm.PLAIN]
        self.key = QComboBox()
        for wallet, hotkey in self._choices:
            self.key.addItem(f"{wallet.name}, hotkey {hotkey.name}")
        first = (n for n, (w, _h) in enumerate(self._choices) if chosen is not None and w.path == chosen.path)
        self.key.setCurrentIndex(next(first, 0))
        self.destination = PathField(
            "Into this folder",
            Choose.FOLDER,
            needs_text("Choose a folder: on a stick, or of the miner."),
            hint="A folder with the wallet's name is made in it. Take it to the machine that mines.",
        )
        name = label("Which hotkey")
        name.setBuddy(self.key)
        what = (
            "Written are the hotkey, its address and the coldkey's address: three files. "
            "The coldkey's secret stays here; whoever gets this folder can mine, not spend."
        )
        for widget in (label(what, wrap=True), name, self.key, self.destination):
            self.body.addWidget(widget)
        if not self._choices:
            self.problem("No wallet here has a hotkey without a password. Add one first.")
            self.yes.setEnabled(False)
        fit(self, 600)
        self.destination.field.input.setFocus()

    def submitted(self) -> None:
        self.problem("")
        if self.destination.insist():
            self.busy(True)
            self._run(self._export(), "export for a miner")

    async def _export(self) -> None:
        wallet, hotkey = self._choices[self.key.currentIndex()]
        try:
            self.exported = await asyncio.to_thread(
                miner_wallet.export_for_miner, wallet.path, hotkey.name, self.destination.path()
            )
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
            return
        finally:
            self.busy(False)
        self.accept()


def keep_copy(wallet: Wallet, destination: Path, today: datetime.date) -> Path:
    """Copy the encrypted coldkey to ``destination`` as ``<name>-coldkey-<date>`` and read it back.

    Raises KeyFileError (not encrypted, name taken), or StorageError; the original is not touched.
    """
    if wallet.coldkey is not KeyForm.ENCRYPTED:
        raise KeyFileError(
            "Not encrypted", "This coldkey has no password, and a copy would have none either.", "Encrypt it first."
        )
    data = files.read_bytes(wallet.path / COLDKEY)
    target = destination / f"{wallet.name}-coldkey-{today.isoformat()}"
    files.write_new(target, data)
    return target


class MakeWatchOnlyDialog(Dialog):
    """Takes the coldkey off this machine: only after a drill, with a dated copy elsewhere, with the name typed.

    ``wallet`` is the wallet afterwards, ``copy`` where the copy is. ``drill_wanted`` is True when it was closed for
    the restore drill.
    """

    def __init__(
        self, parent: QWidget, wallet: Wallet, verified_on: datetime.date | None, folders: Sequence[Path], run: Run
    ) -> None:
        super().__init__(parent, f"Make {wallet.name} watch-only", yes="Remove the coldkey from here", danger=True)
        self.wallet: Wallet | None = None
        self.copy: Path | None = None
        self.drill_wanted = False
        self._before, self._verified_on, self._run = wallet, verified_on, run
        self._folders = tuple(folders)
        what = (
            "The coldkey's secret leaves this machine; its address stays, and mining goes on. "
            "To spend, you restore it from your backup on a machine that does not mine."
        )
        self.body.addWidget(label(what, wrap=True))
        self.destination = PathField(
            "Keep a copy of the encrypted file in",
            Choose.FOLDER,
            self._destination_problem,
            hint="A stick or disk that you take away. The copy gets today's date in its name.",
        )
        self.name = Field("To be sure, type the wallet's name", self._name_problem, hint=wallet.name)
        self.drill_button = button("Do the restore drill…", self._drill, kind="primary")
        for unused in (self.destination, self.name) if verified_on is None else ():
            unused.setParent(self)
            unused.hide()
        if verified_on is None:
            note = "First show that your backup works: after this it is all there is. Nobody has verified it here yet."
            self.body.addWidget(label(note, "problem", wrap=True))
            self.body.addWidget(self.drill_button, 0, Qt.AlignmentFlag.AlignLeft)
            self.yes.hide()
        else:
            self.body.addWidget(label(f"Your backup was verified on {verified_on}.", wrap=True))
            self.body.addWidget(self.destination)
            self.body.addWidget(self.name)
        fit(self, 600)

    def _drill(self) -> None:
        self.drill_wanted = True
        self.reject()

    def _name_problem(self, text: str) -> str | None:
        return None if text.strip() == self._before.name else f"Type {self._before.name} exactly."

    def _destination_problem(self, text: str) -> str | None:
        if not text.strip():
            return "Choose where the copy goes."
        path = self.destination.path()
        if any(path.is_relative_to(folder) for folder in self._folders):
            return "That is in a wallet folder of this machine; the copy belongs somewhere else."
        return None if path.is_dir() else "There is no such folder."

    def submitted(self) -> None:
        self.problem("")
        if self._verified_on is not None and self.destination.insist() and self.name.insist():
            self.busy(True)
            self._run(self._remove(), "make watch-only")

    async def _remove(self) -> None:
        today = datetime.datetime.now(datetime.UTC).astimezone().date()
        try:
            self.copy = await asyncio.to_thread(keep_copy, self._before, self.destination.path(), today)
            self.wallet = await asyncio.to_thread(
                storing.make_watch_only,
                self._before.path,
                confirmed=self.name.text().strip(),
                verified_on=self._verified_on,
            )
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
            return
        finally:
            self.busy(False)
        self.accept()


class NewPasswordDialog(WritingDialog):
    """The same coldkey under a new password: for one without, for an old form, for a weak one."""

    def __init__(self, parent: QWidget, wallet: Wallet, run: Run, store: PasswordStore | None = None) -> None:
        plain = wallet.coldkey is KeyForm.PLAIN
        title = f"Encrypt the coldkey of {wallet.name}" if plain else f"New password for {wallet.name}"
        super().__init__(parent, title, run, yes="Encrypt" if plain else "Change the password")
        self._before, self._store = wallet, store
        self.old = Field("Password now", needs_text("Type the password that it has now.") if not plain else _fine)
        self.old.input.setEchoMode(QLineEdit.EchoMode.Password)
        self.old.setVisible(not plain)
        self.password = NewPassword("New password", lambda: (wallet.name,))
        note = (
            "The file is written anew and opened again before it takes the old one's place. "
            "Copies that you made before keep the password that they have."
        )
        step = QWidget()
        column = QVBoxLayout(step)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for widget in (self.old, self.password, label(note, "small", wrap=True)):
            column.addWidget(widget)
        self.steps.add(step)
        self.steps.add(writing_note())
        fit(self, 560)
        (self.password.first if plain else self.old).input.setFocus()

    def submitted(self) -> None:
        self.problem("")
        if self.old.insist() and self.password.insist():
            self.start_writing(self._change(), 0)

    async def _change(self) -> Wallet:
        path, new = self._before.path, self.password.text()
        wallet = await storing.encrypt_coldkey(path, self.old.text(), new)
        self.strength = await asyncio.to_thread(strength.judge, new, (wallet.name,))
        if self._store is not None and self._store.is_on(path):
            with contextlib.suppress(RanvierError):  # a stale password there is only one more question later
                await self._store.remember(path, new)
        return wallet

    def wipe(self) -> None:
        self.old.input.clear()
        self.password.wipe()


_fine: Callable[[str], str | None] = lambda _text: None  # noqa: E731  # a check that is always content
