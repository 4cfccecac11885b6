"""Wallets: the list by folder, one wallet in full, the custody check, and making, importing, watching, signing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.api.messages import GetPortfolio, Portfolio, WatchColdkeys
from ranvier.core.errors import RanvierError
from ranvier.core.settings import NETWORK
from ranvier.keys import custody, custody_facts
from ranvier.keys.drill import Drills
from ranvier.keys.folders import WalletFolder, wallet_folders
from ranvier.keys.listing import Wallet
from ranvier.keys.remember import PasswordStore
from ranvier.keys.strength import Strength
from ranvier.keys.watching import Scan, Watcher
from ranvier.ui.backup_dates import BackupDates
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import show
from ranvier.ui.dialogs.wallets.create_wallet import CreateWalletDialog
from ranvier.ui.dialogs.wallets.import_wallet import ImportWalletDialog
from ranvier.ui.dialogs.wallets.sign import SignDialog
from ranvier.ui.dialogs.wallets.watch_only import WatchOnlyDialog
from ranvier.ui.models.wallets import Listed
from ranvier.ui.pages.custody import CustodyView
from ranvier.ui.pages.wallet_actions import WalletActions
from ranvier.ui.pages.wallet_detail import WalletDetail
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.page import Body, Page, scroll_area
from ranvier.ui.widgets.text import allow, button, restyle
from ranvier.ui.widgets.wallet_groups import Group, WalletGroups
from ranvier.ui.words import count_text

_LOOK_S = 3.0  # other tools change the folders too
_BALANCE_S = 12.0
_CHECK_S = 60.0
_EMPTY, _LIST, _CUSTODY = range(3)
PRACTICE_TITLE = "Practice wallets (sandbox)"

Action = Callable[[], Coroutine[Any, Any, Any]]
WalletAction = Callable[[Wallet], Coroutine[Any, Any, Any]]


class WalletsPage(Page):
    """Reads the wallet folders in a worker thread; secrets are never read for the list."""

    key = "wallets"
    title = "Wallets"
    scrolls = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.folders: tuple[WalletFolder, ...] = ()
        self.strengths: dict[Path, Strength] = {}
        self.portfolio: Portfolio | None = None
        self.drills = Drills(context.paths)
        self.dates = BackupDates(context.paths)
        self.store = PasswordStore(context.paths)
        self.wallet_actions = WalletActions(context, self, self, self.store, self.drills)
        self._watcher = Watcher(())
        self._wanted: Path | None = None
        self._checked_at = 0.0
        # One at a time: a look that began before a repair must not be shown after the one that began behind it.
        self._looking, self._checking = asyncio.Lock(), asyncio.Lock()
        self._balance_trouble = ""
        self._make_buttons()
        self.groups = WalletGroups()
        self.detail = WalletDetail()
        self.custody = CustodyView()
        self.empty = EmptyState(
            "Looking for wallets", "Reading the wallet folders.", "Create a wallet", self.create_wallet
        )
        self.stack = QStackedWidget()
        for part in (self.empty, self._split(), self.custody):
            self.stack.addWidget(part)
        self.add(self.stack, 1)
        self._connect()
        tasks = context.tasks
        self._folder_polling = Polling(tasks, "wallet folder", self.refresh, self._folder_error, lambda: _LOOK_S)
        self._balance_polling = Polling(
            tasks, "wallet balances", self.refresh_balances, self._balance_error, lambda: _BALANCE_S
        )

    def _make_buttons(self) -> None:
        self.folders_button = button("Folders…", self._run(self.wallet_actions.choose_folders, "folders"), kind="quiet")
        self.sign_button = button("Sign or check…", self.sign, kind="quiet")
        self.custody_button = button("Custody check", self.open_custody)
        self.watch_button = button("Watch-only…", self.watch_only)
        self.import_button = button("Import…", self.import_wallet)
        self.create_button = button("Create…", self.create_wallet)
        for action in (
            self.folders_button, self.sign_button, self.custody_button, self.watch_button, self.import_button,
            self.create_button,
        ):  # fmt: skip
            self.add_action(action)

    def _connect(self) -> None:
        self.groups.picked.connect(self._show)
        self.detail.add_hotkey_wanted.connect(self._with_shown(self.wallet_actions.add_hotkey, "add a hotkey"))
        self.detail.drill_wanted.connect(self._with_shown(self.wallet_actions.drill, "restore drill"))
        self.detail.export_wanted.connect(self._with_shown(self.wallet_actions.export, "export for a miner"))
        self.detail.sign_wanted.connect(self.sign)
        self.detail.watch_wanted.connect(self.watch)
        self.detail.fund_wanted.connect(self.fund)
        self.custody.back_wanted.connect(self.close_custody)
        self.custody.again_wanted.connect(self._run(self.check_custody, "custody check"))
        self.custody.fix_wanted.connect(lambda finding: self.context.run(self.wallet_actions.fix(finding), "fix"))

    def _split(self) -> QWidget:
        body = Body()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 12, 0)
        column.addWidget(self.detail)
        column.addStretch(1)
        area = scroll_area(body)
        area.setMinimumWidth(500)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(14)
        split.addWidget(self.groups)
        split.addWidget(area)
        split.setSizes([457, 517])
        return split

    def shown(self) -> None:
        self._checked_at = 0.0
        self._folder_polling.start()
        self._balance_polling.start()

    def hidden(self) -> None:
        self._folder_polling.stop()
        self._balance_polling.stop()

    # --- reading ---------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Look at the folders again, after the look that is under way; what is selected stays selected."""
        async with self._looking:
            await self._refresh()

    async def _refresh(self) -> None:
        network = self.context.settings.get(NETWORK)
        folders, scan, groups = await asyncio.to_thread(self._look, network)
        self.folders = folders
        self.detail.show_network(network)
        self._say_where(groups)
        self.groups.show_groups(groups)
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.groups.select(wanted)
        if self.stack.currentIndex() != _CUSTODY:
            self.stack.setCurrentIndex(_LIST if self.groups.rows else _EMPTY)
        if not self.groups.rows:
            self._say_empty(scan.problems)
        # Opening every plain key to see whether it is sound takes a while where there are many.
        looking = self.stack.currentIndex() == _CUSTODY and time.monotonic() - self._checked_at > _CHECK_S
        if scan.changed or self._checked_at == 0.0 or looking:
            await self.check_custody()

    def _look(self, network: str) -> tuple[tuple[WalletFolder, ...], Scan, list[Group]]:
        """In a worker: folders (settings of other tools may change too), what is in them, and when it was verified."""
        folders = wallet_folders(self.context.settings, self.context.paths)
        practice = self.context.paths.practice_wallets
        watched = [folder.path for folder in folders] + ([practice] if network == "sandbox" else [])
        if self._watcher.folders != tuple(dict.fromkeys(watched)):
            self._watcher = Watcher(watched)
        scan = self._watcher.scan()
        groups = []
        for path in self._watcher.folders:
            play = path == practice
            rows = tuple(self._listed(wallet, play=play) for wallet in scan.wallets if wallet.path.parent == path)
            if rows or (not play and len(folders) > 1):
                groups.append(Group(path, PRACTICE_TITLE if play else str(path), rows))
        return folders, scan, groups

    def _listed(self, wallet: Wallet, *, play: bool) -> Listed:
        if wallet.coldkey_ss58 is None or play:
            return Listed(wallet, practice=play)
        ss58 = wallet.coldkey_ss58
        return Listed(wallet, self.drills.verified_on(ss58), self.dates.written_on(ss58))

    def _say_where(self, groups: Sequence[Group]) -> None:
        first = self.folders[0]
        number = sum(len(g.rows) for g in groups if g.title != PRACTICE_TITLE)
        count = count_text(number, "wallet") if number else "No wallets"
        if len(self.folders) == 1:
            text = f"{count} in {first.path}, {first.why}."
        else:
            text = f"{count} in {len(self.folders)} folders, {first.why}; new ones go to {first.path}."
        self.set_subtitle(" ".join([text, *first.ignored]))

    def _say_empty(self, problems: Sequence[str]) -> None:
        if problems:
            self.empty.set_text("Wallet folder unreadable", f"{' '.join(problems)} Check it, or choose another folder.")
            return
        self.empty.set_text(
            "No wallet yet",
            "Create one, import one from its words, seed or file, or watch a coldkey by its address: "
            "then no secret is on this machine.",
        )

    def _folder_error(self, error: RanvierError) -> None:
        self.stack.setCurrentIndex(_EMPTY)
        self.empty.set_text(error.title, f"{error.message} {error.hint}".strip())

    async def refresh_balances(self) -> None:
        """Ask the agent for the balances it watches."""
        self.portfolio = await self.context.client.call(GetPortfolio())
        self._balance_trouble = ""
        self._show_balance()

    def _balance_error(self, error: RanvierError) -> None:
        self.portfolio = None
        self._balance_trouble = error.message
        self._show_balance()

    def _show(self, row: Listed | None) -> None:
        self.detail.setVisible(row is not None)
        if row is not None:
            self.detail.show_wallet(row)
            self._show_balance()

    def _show_balance(self) -> None:
        wallet = self.detail.wallet
        if wallet is None or wallet.coldkey_ss58 is None:
            return
        balances = self.portfolio.balances if self.portfolio is not None else ()
        found = next((balance for balance in balances if balance.ss58 == wallet.coldkey_ss58), None)
        block = self.portfolio.block.number if self.portfolio is not None else None
        self.detail.show_balance(found, block, self._balance_trouble, asked=self.portfolio is not None)

    # --- custody ---------------------------------------------------------------------------------------------

    async def check_custody(self) -> None:
        """Collect the facts in a worker and show what follows from them, after the check that is under way.
        Play keys are left out."""
        async with self._checking:
            await self._check_custody()

    async def _check_custody(self) -> None:
        self._checked_at = time.monotonic()
        folders = [folder.path for folder in self.folders]
        paths, strengths = self.context.paths, dict(self.strengths)

        def find() -> tuple[custody.Finding, ...]:
            return custody.check(custody_facts.gather(folders, paths, strengths=strengths))

        findings = await asyncio.to_thread(find)
        self.custody.show_findings(findings, time.time())
        serious = sum(finding.level is not custody.Level.NOTE for finding in findings)
        self.custody_button.setText(f"Custody check · {serious}" if serious else "Custody check")
        restyle(self.custody_button, "kind", "danger" if custody.worst(findings) is custody.Level.DANGER else "")

    def open_custody(self) -> None:
        """Show the findings."""
        self.stack.setCurrentIndex(_CUSTODY)
        self.context.run(self.check_custody(), "custody check")

    def close_custody(self) -> None:
        """Back to the list."""
        self.stack.setCurrentIndex(_LIST if self.groups.rows else _EMPTY)

    # --- what the actions ask of their page ----------------------------------------------------------------

    def wallets(self) -> Sequence[Wallet]:
        return [row.wallet for row in self.groups.rows if not row.practice]

    def wallet_at(self, path: Path) -> Wallet | None:
        return next((wallet for wallet in self.wallets() if path.is_relative_to(wallet.path)), None)

    def look_at(self, wallet: Wallet) -> None:
        self.close_custody()
        self.groups.select(wallet.path)

    async def changed(self) -> None:
        self._checked_at = 0.0
        await self.refresh()

    # --- actions ---------------------------------------------------------------------------------------------

    def create_wallet(self) -> None:
        """Open the dialog for a new wallet."""
        self.context.run(self._make(CreateWalletDialog), "create a wallet")

    def import_wallet(self) -> None:
        """Open the dialog for a key that the user has, or an address to watch."""
        self.context.run(self._make(ImportWalletDialog), "import a wallet")

    def watch_only(self) -> None:
        """Open the dialog for a coldkey that is elsewhere."""
        self.context.run(self._make(WatchOnlyDialog), "watch a coldkey")

    async def _make(self, kind: type[CreateWalletDialog] | type[ImportWalletDialog] | type[WatchOnlyDialog]) -> None:
        if not self.folders:
            await self.refresh()
        folder = self.folders[0].path
        taken = [wallet.name for wallet in self.wallets() if wallet.path.parent == folder]
        dialog: CreateWalletDialog | ImportWalletDialog | WatchOnlyDialog
        if kind is CreateWalletDialog:
            dialog = CreateWalletDialog(self, folder, taken, self.context.run, self.dates)
        elif kind is ImportWalletDialog:
            watched = {w.name: w.coldkey_ss58 for w in self.wallets() if w.watch_only and w.path.parent == folder}
            known = {name: ss58 for name, ss58 in watched.items() if ss58 is not None}
            dialog = ImportWalletDialog(self, folder, taken, self.context.run, known)
        else:
            dialog = WatchOnlyDialog(self, folder, taken, self.context.run)
        if await show(dialog) and dialog.wallet is not None:
            self._wanted = dialog.wallet.path
            if not isinstance(dialog, WatchOnlyDialog) and dialog.strength is not None:
                self.strengths[dialog.wallet.path] = dialog.strength
            self.context.say(f"Wallet {dialog.wallet.name} was written and read back.")
            await self.changed()
            if dialog.wallet.watch_only and dialog.wallet.coldkey_ss58 is not None:  # it was added to be watched
                await self._watch(dialog.wallet.coldkey_ss58)

    def sign(self) -> None:
        """Open the dialog for messages and payloads, at the shown wallet."""
        rows = [row.wallet for row in self.groups.rows]
        chosen, run = self.detail.wallet, self.context.run
        dialog = SignDialog(self, rows, run, self.store, chosen=chosen, strengths=self.strengths)
        run(show(dialog), "sign or check")

    def watch(self) -> None:
        """Have the agent watch the shown coldkey, beside those it watches already."""
        wallet = self.detail.wallet
        if wallet is not None and wallet.coldkey_ss58 is not None:
            self.context.run(self._watch(wallet.coldkey_ss58), "watch a balance")

    async def _watch(self, coldkey_ss58: str) -> None:
        await self.context.client.call(WatchColdkeys((coldkey_ss58,), beside=True))
        self._balance_polling.now()

    def fund(self) -> None:
        """Ask the sandbox's faucet for play money for the shown wallet."""
        if self.detail.wallet is not None:
            allow(self.detail.fund_button, "It is asked for and comes with the next block.")
            self.context.run(self._fund(self.detail.wallet), "get play money")

    async def _fund(self, wallet: Wallet) -> None:
        try:
            await self.wallet_actions.fund(wallet)
        finally:
            allow(self.detail.fund_button, None)
        self._balance_polling.now()

    def _run(self, work: Action, name: str) -> Callable[[], None]:
        return lambda: self.context.run(work(), name)

    def _with_shown(self, work: WalletAction, name: str) -> Callable[[], None]:
        """A slot that does ``work`` with the wallet that is shown."""

        def act() -> None:
            if self.detail.wallet is not None:
                self.context.run(work(self.detail.wallet), name)

        return act
