"""What can be done with a wallet, each in its dialog: drill, export, encrypt, repair, and the fix for each finding."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from ranvier.agent.api.messages import WatchColdkeys
from ranvier.core.errors import NetworkError, RanvierError
from ranvier.core.units import format_tao
from ranvier.keys import permissions, storing
from ranvier.keys.custody import Finding, Fix
from ranvier.keys.drill import Drills
from ranvier.keys.encryption import OnAttempt
from ranvier.keys.folders import WalletFolder
from ranvier.keys.listing import KeyForm, Wallet
from ranvier.keys.remember import PasswordStore
from ranvier.keys.strength import Strength
from ranvier.rehearsal.deadline import Deadline
from ranvier.rehearsal.practice import FUND
from ranvier.ui.chain_link import connected
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import ask, show
from ranvier.ui.dialogs.folders import FoldersDialog
from ranvier.ui.dialogs.wallets.custody_fixes import ExportForMinerDialog, MakeWatchOnlyDialog, NewPasswordDialog
from ranvier.ui.dialogs.wallets.import_wallet import AddHotkeyDialog
from ranvier.ui.dialogs.wallets.restore_drill import RestoreDrillDialog
from ranvier.ui.dialogs.wallets.unlock import UnlockDialog


class Host(Protocol):
    """What the actions need of the page they belong to."""

    strengths: dict[Path, Strength]
    folders: tuple[WalletFolder, ...]

    def wallets(self) -> Sequence[Wallet]:
        """Every listed wallet that is not a practice one."""

    def wallet_at(self, path: Path) -> Wallet | None:
        """The wallet that ``path`` belongs to."""

    def look_at(self, wallet: Wallet) -> None:
        """Show this wallet."""

    async def changed(self) -> None:
        """Read folders and findings again."""


class WalletActions:
    """Each action says what came of it in the message bar, then has the page read again."""

    def __init__(self, context: Context, widget: QWidget, host: Host, store: PasswordStore, drills: Drills) -> None:
        self._context, self._widget, self._host = context, widget, host
        self._store, self._drills = store, drills

    async def drill(self, wallet: Wallet) -> bool:
        """The restore drill; True when it went well."""
        dialog = RestoreDrillDialog(self._widget, wallet, self._drills, self._context.run)
        done = await show(dialog)
        if done and dialog.verified_on is not None:
            self._context.say(f"The backup opens {wallet.name}. Verified on {dialog.verified_on}.")
            await self._host.changed()
        return done

    async def export(self, chosen: Wallet | None) -> None:
        """Write what a miner needs."""
        dialog = ExportForMinerDialog(self._widget, self._host.wallets(), self._context.run, chosen)
        if await show(dialog) and dialog.exported is not None:
            self._context.say(f"Written to {dialog.exported}: a hotkey and two addresses, nothing that can spend.")

    async def make_watch_only(self, wallet: Wallet) -> None:
        """Take the coldkey off this machine; by way of the drill when there was none."""
        folders = [folder.path for folder in self._host.folders]
        while wallet.coldkey_ss58 is not None:
            verified = await asyncio.to_thread(self._drills.verified_on, wallet.coldkey_ss58)
            dialog = MakeWatchOnlyDialog(self._widget, wallet, verified, folders, self._context.run)
            if await show(dialog):
                self._context.say(f"{wallet.name} is watch-only now. The copy is {dialog.copy}.")
                await self._host.changed()
                return
            if not dialog.drill_wanted or not await self.drill(wallet):
                return

    async def new_password(self, wallet: Wallet) -> None:
        """Encrypt a plain coldkey, or give an encrypted one another password."""
        dialog = NewPasswordDialog(self._widget, wallet, self._context.run, self._store)
        if await show(dialog):
            if dialog.strength is not None:
                self._host.strengths[wallet.path] = dialog.strength
            self._context.say(f"The coldkey of {wallet.name} was encrypted with the new password and opened again.")
            await self._host.changed()

    async def restore_public(self, wallet: Wallet, hotkey_name: str | None) -> None:
        """Write a missing public file; asks for the password only where the key has one."""
        form = wallet.coldkey
        if hotkey_name is not None:
            form = next((h.form for h in wallet.hotkeys if h.name == hotkey_name), KeyForm.NONE)
        which = "coldkey" if hotkey_name is None else f"hotkey {hotkey_name}"
        if form is KeyForm.ENCRYPTED:
            title, why = "Write the public file", f"Its address can only be read from the {which} itself."
            work = partial(self._restore_with, wallet.path, hotkey_name)
            store = self._store if hotkey_name is None else None
            strengths = self._host.strengths if hotkey_name is None else None
            run = self._context.run
            dialog = UnlockDialog(self._widget, title, why, wallet.path, work, run, store, strengths=strengths)
            if not await show(dialog):
                return
        else:
            await storing.restore_public(wallet.path, "", hotkey_name)
        self._context.say(f"The public file of {wallet.name}, {which}, was written.")
        await self._host.changed()

    @staticmethod
    async def _restore_with(path: Path, hotkey_name: str | None, password: str, _on_attempt: OnAttempt) -> Wallet:
        return await storing.restore_public(path, password, hotkey_name)

    async def add_hotkey(self, wallet: Wallet) -> None:
        """One more hotkey."""
        dialog = AddHotkeyDialog(self._widget, wallet, self._context.run)
        if await show(dialog) and dialog.wallet is not None:
            self._context.say(f"The hotkey was added to {wallet.name}.")
            await self._host.changed()

    async def fund(self, wallet: Wallet) -> None:
        """Have the sandbox's faucet pay, and return when it has. Raises NetworkError elsewhere or without a block."""
        coldkey = wallet.coldkey_ss58
        if coldkey is None:
            return
        async with connected(self._context) as connection:
            if connection.network.name != "sandbox":
                raise NetworkError("No play money here", "Only the sandbox has a faucet.", "Choose it under Settings.")
            from ranvier.chain import reads  # loaded by now: the connection brings it along

            before = (await reads.balances(connection, [coldkey], await connection.head()))[0].free_rao
            await connection.rpc("sandbox_fund", [coldkey, FUND.rao])
            deadline = Deadline(30, "The faucet's transfer did not arrive.")
            while (await reads.balances(connection, [coldkey], await connection.head()))[0].free_rao <= before:
                await deadline.pause()
        await self._context.client.call(WatchColdkeys((coldkey,), beside=True))
        self._context.say(f"{format_tao(FUND, 0)} of play money came to {wallet.name}.")

    async def choose_folders(self) -> None:
        """Which folders are watched."""
        if await show(FoldersDialog(self._widget, self._context.settings, self._host.folders)):
            await self._host.changed()

    async def make_private(self, path: Path) -> None:
        """Repair modes after a yes."""
        text = f"Only you will be able to read and change {path}. Programs that run as you still can."
        if await ask(self._widget, "Allow only yourself?", text, yes="Repair"):
            await asyncio.to_thread(permissions.make_private, path)
            self._context.say(f"{path} is yours alone now.")
            await self._host.changed()

    async def fix(self, finding: Finding) -> None:
        """Do what the button of a finding offers. Expected failures are shown in the message bar."""
        try:
            await self._fix(finding)
        except RanvierError as error:
            self._context.show_error(error)

    async def _fix(self, finding: Finding) -> None:
        wallet = self._host.wallet_at(finding.path)
        match finding.fix:
            case Fix.EXPORT_FOR_MINER:
                await self.export(wallet)
            case Fix.MAKE_PRIVATE:
                await self.make_private(finding.path)
            case Fix.MOVE_FOLDER:
                await self.choose_folders()
            case Fix.MOVE_AWAY:
                QDesktopServices.openUrl(QUrl.fromLocalFile(str(finding.path.parent)))
                self._context.say(f"Move {finding.path.name} to a safe place, or shred it: Ranvier deletes no file.")
            case _ if wallet is None:
                self._context.say("That wallet is not there any more.")
                await self._host.changed()
            case Fix.MAKE_WATCH_ONLY:
                await self.make_watch_only(wallet)
            case Fix.ENCRYPT_COLDKEY | Fix.CHANGE_PASSWORD:
                await self.new_password(wallet)
            case Fix.RESTORE_PUBLIC:
                await self.restore_public(wallet, finding.hotkey)
            case Fix.SEPARATE_HOTKEYS:
                await self.add_hotkey(wallet)
            case Fix.RESTORE_DRILL:
                await self.drill(wallet)
            case _:
                self._host.look_at(wallet)
