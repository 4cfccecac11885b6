"""Wallets: the list, one wallet in full, and making, importing or watching one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.messages import GetPortfolio, Portfolio, WatchColdkeys
from ranvier.core.errors import RanvierError
from ranvier.keys.folders import WalletFolder, wallet_folder
from ranvier.keys.listing import Wallet, list_wallets
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import show
from ranvier.ui.dialogs.create_wallet import CreateWalletDialog
from ranvier.ui.dialogs.import_wallet import AddHotkeyDialog, ImportWalletDialog
from ranvier.ui.dialogs.watch_only import WatchOnlyDialog
from ranvier.ui.models.wallets import wallets_model
from ranvier.ui.pages.wallet_detail import WalletDetail
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import button
from ranvier.ui.words import count_text

_LOOK_S = 4.0  # other tools change the folder too
_BALANCE_S = 12.0


class WalletsPage(Page):
    """Reads the wallet folder in a worker thread; secrets are never read for the list."""

    key = "wallets"
    title = "Wallets"
    scrolls = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.folder: WalletFolder = wallet_folder(context.settings, context.paths)
        self.model = wallets_model()
        self.table = Table(self.model, stretch=0)
        self.table.sort_by(0)
        self.detail = WalletDetail()
        self.portfolio: Portfolio | None = None
        self._wanted: Path | None = None
        self._balance_trouble = ""
        self.create_button = button("Create…", self.create_wallet, kind="primary")
        self.import_button = button("Import…", self.import_phrase)
        self.watch_button = button("Watch-only…", self.watch_only)
        for action in (self.watch_button, self.import_button, self.create_button):
            self.add_action(action)
        self.stack = QStackedWidget()
        self.empty = EmptyState(
            "Looking for wallets", "Reading the wallet folder.", "Create a wallet", self.create_wallet
        )
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._split())
        self.add(self.stack, 1)
        self.table.picked.connect(self._show)
        self.detail.add_hotkey_wanted.connect(self.add_hotkey)
        self.detail.watch_wanted.connect(self.watch)
        self._folder_polling = Polling(
            context.tasks, "wallet folder", self.refresh, self._folder_error, lambda: _LOOK_S
        )
        self._balance_polling = Polling(
            context.tasks, "wallet balances", self.refresh_balances, self._balance_error, lambda: _BALANCE_S
        )

    def _split(self) -> QWidget:
        area = QScrollArea()
        area.setProperty("role", "page")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        body.setProperty("role", "page-body")
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.detail)
        column.addStretch(1)
        area.setWidget(body)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(14)
        split.addWidget(self.table)
        split.addWidget(area)
        split.setSizes([420, 560])
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(split)
        return whole

    def shown(self) -> None:
        self.folder = wallet_folder(self.context.settings, self.context.paths)
        self._folder_polling.start()
        self._balance_polling.start()

    def hidden(self) -> None:
        self._folder_polling.stop()
        self._balance_polling.stop()

    # --- reading ---------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Read the folder again; what is selected stays selected."""
        found = await asyncio.to_thread(list_wallets, self.folder.path)
        before = self.table.current_row()
        first = not self.model.rows
        self.model.set_rows(found)
        self.set_subtitle(f"{count_text(len(found), 'wallet')} in {self.folder.path}, {self.folder.why}.")
        self.stack.setCurrentIndex(1 if found else 0)
        if not found:
            self.empty.set_text(
                "No wallet yet",
                "Create one, import one from its recovery phrase, or watch a coldkey by its address: "
                "then no secret is on this machine.",
            )
            return
        if first:
            self.table.fit()
        wanted = self._wanted or (before.path if before is not None else None)
        self._wanted = None
        if wanted is None or not self.table.select_key(wanted):
            self.table.selectRow(0)
        self._show(self.table.current_row())

    def _folder_error(self, error: RanvierError) -> None:
        self.stack.setCurrentIndex(0)
        self.model.set_rows(())
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

    def _show(self, wallet: Wallet | None) -> None:
        self.detail.setVisible(wallet is not None)
        if wallet is not None:
            self.detail.show_wallet(wallet)
            self._show_balance()

    def _show_balance(self) -> None:
        wallet = self.detail.wallet
        if wallet is None or wallet.coldkey_ss58 is None:
            return
        balances = self.portfolio.balances if self.portfolio is not None else ()
        found = next((balance for balance in balances if balance.ss58 == wallet.coldkey_ss58), None)
        block = self.portfolio.block.number if self.portfolio is not None else None
        self.detail.show_balance(found, block, self._balance_trouble, asked=self.portfolio is not None)

    # --- actions ---------------------------------------------------------------------------------------------

    def create_wallet(self) -> None:
        """Open the dialog for a new wallet."""
        self.context.run(self._open(CreateWalletDialog), "create a wallet")

    def import_phrase(self) -> None:
        """Open the dialog for a wallet from its recovery phrase."""
        self.context.run(self._open(ImportWalletDialog), "import a wallet")

    def watch_only(self) -> None:
        """Open the dialog for a coldkey that is elsewhere."""
        self.context.run(self._open(WatchOnlyDialog), "watch a coldkey")

    async def _open(self, kind: type[CreateWalletDialog] | type[ImportWalletDialog] | type[WatchOnlyDialog]) -> None:
        taken = [wallet.name for wallet in self.model.rows]
        dialog = kind(self, self.folder.path, taken, self.context.run)
        if await show(dialog) and dialog.wallet is not None:
            await self._made(dialog.wallet, f"Wallet {dialog.wallet.name} was written and read back.")

    def add_hotkey(self) -> None:
        """Open the dialog for one more hotkey of the shown wallet."""
        if self.detail.wallet is not None:
            self.context.run(self._add_hotkey(self.detail.wallet), "add a hotkey")

    async def _add_hotkey(self, wallet: Wallet) -> None:
        dialog = AddHotkeyDialog(self, wallet, self.context.run)
        if await show(dialog) and dialog.wallet is not None:
            await self._made(dialog.wallet, f"The hotkey was added to {wallet.name}.")

    async def _made(self, wallet: Wallet, note: str) -> None:
        self._wanted = wallet.path
        self.context.say(note)
        await self.refresh()

    def watch(self) -> None:
        """Have the agent watch the shown coldkey, beside those it watches already."""
        wallet = self.detail.wallet
        if wallet is not None and wallet.coldkey_ss58 is not None:
            self.context.run(self._watch(wallet.coldkey_ss58), "watch a balance")

    async def _watch(self, coldkey_ss58: str) -> None:
        watched = [balance.ss58 for balance in self.portfolio.balances] if self.portfolio is not None else []
        await self.context.client.call(WatchColdkeys(tuple(dict.fromkeys([*watched, coldkey_ss58]))))
        self._balance_polling.now()
