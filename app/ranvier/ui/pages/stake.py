"""Stake: what the watched coldkeys hold at one block, in three values, and how to change it."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.market_messages import GetHoldings, Holdings
from ranvier.chain.model import Receipt
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import age_text
from ranvier.core.units import Tao, format_tao
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import show
from ranvier.ui.dialogs.money import AddStakeDialog, MoneyDialog, Place, RemoveStakeDialog, TransferDialog
from ranvier.ui.models.holdings import (
    HoldingRow,
    Sums,
    depth_words,
    holding_rows,
    holdings_model,
    locked_words,
    seat_words,
    sums,
)
from ranvier.ui.models.stake import subnet_text
from ranvier.ui.polling import Polling
from ranvier.ui.transacting import Transacting
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.figures import Figure
from ranvier.ui.widgets.page import Page, clear
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import allow, button, label
from ranvier.ui.words import block_text, count_text, grouped_address, short_address

_EVERY_S = {"sandbox": 4.0}
_EVERY_OTHERS_S = 12.0
_DECIMALS = 6
_SPOT_COLUMN = 3


class StakePage(Page):
    """Draws from one ``Holdings`` at a time: every number on it is of the same block."""

    key = "stake"
    title = "Stake"
    scrolls = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.found: Holdings | None = None
        self._trouble = ""
        self._network = ""
        self.free = Figure("Free TAO")
        self.spot = Figure("Staked, at spot price")
        self.sale = Figure("Staked, if all were sold now")
        self.total = Figure("Free and staked, at spot price")
        self.model = holdings_model()
        self.table = Table(self.model, stretch=0)
        self.table.sort_by(_SPOT_COLUMN, Qt.SortOrder.DescendingOrder)
        self.table.picked.connect(self._picked)
        self.empty = EmptyState("Asking the agent", "Reading balances and stake.", "Open Wallets", self._go_wallets)
        self.empty.button.hide()
        self.no_positions = EmptyState(
            "Nothing staked",
            "Alpha that a miner earns is staked to its hotkey and shows here from its first payment on.",
        )
        self.detail = Card(spacing=4)
        self.detail.hide()
        self.stack = QStackedWidget()
        self.inner = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._filled())
        self.add(self.stack, 1)
        self.transacting = Transacting(context, self, self._transacted)
        self.send = button("Send TAO", lambda: self._begin(self._send()))
        self.remove = button("Remove stake", lambda: self._begin(self._remove()))
        self.add_stake = button("Add stake", lambda: self._begin(self._add()), kind="primary")
        for widget in (self.send, self.remove, self.add_stake):
            self.add_action(widget)
        self._allow()
        context.bridge.status.connect(self._status)
        self._polling = Polling(context.tasks, "holdings", self.refresh, self._failed, self._every_s)

    def _filled(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        card = Card()
        row = QHBoxLayout()
        row.setSpacing(24)
        for figure in (self.free, self.spot, self.sale, self.total):
            row.addWidget(figure, 1)
        card.body.addLayout(row)
        column.addWidget(card)
        self.inner.addWidget(self.no_positions)
        self.inner.addWidget(self.table)
        column.addWidget(self.inner, 1)
        column.addWidget(self.detail)
        return whole

    def shown(self) -> None:
        self._polling.start()

    def hidden(self) -> None:
        self._polling.stop()

    def tick(self, now: float) -> None:
        super().tick(now)
        self._show_age(now)

    async def refresh(self) -> None:
        """Read the positions once."""
        found: Holdings = await self.context.client.call(GetHoldings())
        self._trouble = ""
        self.show_holdings(found)

    def show_holdings(self, found: Holdings) -> None:
        """Draw one reading."""
        first = not self.model.rows
        self.found = found
        whole = found.portfolio
        self._show_age(time.time())
        self._allow()
        if not whole.accounts and not whole.holdings:
            self.empty.set_text(
                "No coldkey is watched",
                "Choose a wallet and press “Watch its balance”, or start a miner: its coldkey is watched by itself.",
            )
            self.empty.button.show()
            self.stack.setCurrentIndex(0)
            return
        self.stack.setCurrentIndex(1)
        self._show_sums(sums(whole), len(whole.accounts))
        self.model.set_rows(holding_rows(found))
        self.inner.setCurrentIndex(1 if whole.holdings else 0)
        if first and whole.holdings:
            self.table.fit()
        self._picked(self.table.current_row())

    def _show_sums(self, found: Sums, accounts: int) -> None:
        spendable = _tao(found.spendable_rao)
        self.free.show_value(_tao(found.free_rao), f"in {count_text(accounts, 'coldkey')}; {spendable} can be spent")
        note = f"{count_text(found.positions, 'position')}, before slippage and fee"
        rest = "before slippage and fee"
        if found.unpriced:
            note = f"{found.unpriced} of {count_text(found.positions, 'position')} without a price"
            rest = "and more: a price is missing"
        known = found.unpriced < found.positions or not found.positions
        self.spot.show_value(_tao(found.spot_rao) if known else None, note)
        locked = f"; {count_text(found.locked, 'position')} partly locked" if found.locked else ""
        self.sale.show_value(_tao(found.sale_rao) if known else None, f"after slippage and fee{locked}")
        self.total.show_value(_tao(found.free_rao + found.spot_rao), rest)

    # --- one position ----------------------------------------------------------------------------------------

    def _picked(self, row: HoldingRow | None) -> None:
        self._allow()
        self.detail.setVisible(row is not None)
        clear(self.detail.body)
        if row is None or self.found is None:
            return
        holding = row.holding
        where = subnet_text(holding.netuid, row.subnet_name)
        self.detail.set_title(f"Subnet {where}, on {short_address(holding.hotkey_ss58)}")
        lines = [seat_words(row), depth_words(row), *locked_words(row, self.found.portfolio)]
        for words in lines:
            self.detail.add(label(words, wrap=True, copyable=True))
        keys = f"hotkey {grouped_address(holding.hotkey_ss58)}\ncoldkey {grouped_address(holding.coldkey_ss58)}"
        self.detail.add(label(keys, "small", wrap=True, copyable=True))

    # --- actions ---------------------------------------------------------------------------------------------

    def _allow(self) -> None:
        accounts = self.found is not None and bool(self.found.portfolio.accounts)
        nothing = None if accounts else "No coldkey is watched."
        allow(self.send, nothing)
        allow(self.add_stake, nothing or (None if self._places() else "There is no hotkey yet on which to stake."))
        row: HoldingRow | None = self.table.current_row()
        reason = nothing or (None if row is not None else "Choose a position in the table first.")
        if row is not None and not row.holding.sellable_rao:
            reason = "All of this position is locked."
        allow(self.remove, reason)

    def _places(self) -> tuple[Place, ...]:
        """Own seats first, then every hotkey that is staked on."""
        if self.found is None:
            return ()
        whole = self.found.portfolio
        found = [
            Place(one.netuid, self.found.names.get(one.netuid), one.hotkey_ss58, one.owned, whole.pools.get(one.netuid))
            for one in whole.holdings
        ]
        return tuple(sorted(dict.fromkeys(found), key=lambda place: (not place.own, place.netuid)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.context.run(work, "money dialog")

    async def _add(self) -> None:
        assert self.found is not None
        dialog = AddStakeDialog(self, self.found.portfolio.accounts, self._places())
        row: HoldingRow | None = self.table.current_row()
        if row is not None:
            dialog.choose_place(row.holding.netuid, row.holding.hotkey_ss58)
            dialog.choose_coldkey(row.holding.coldkey_ss58)
        await self._carry_out(dialog)

    async def _remove(self) -> None:
        row: HoldingRow | None = self.table.current_row()
        if row is not None:
            await self._carry_out(RemoveStakeDialog(self, row.holding, row.subnet_name, row.pool))

    async def _send(self) -> None:
        assert self.found is not None
        dialog = TransferDialog(self, self.found.portfolio.accounts)
        row: HoldingRow | None = self.table.current_row()
        if row is not None:
            dialog.choose_coldkey(row.holding.coldkey_ss58)
        await self._carry_out(dialog)

    async def _carry_out(self, dialog: MoneyDialog) -> None:
        if await show(dialog) and dialog.wish is not None:
            self.transacting.begin(dialog.wish)

    def _transacted(self, _receipt: Receipt) -> None:
        if self._polling.running:
            self._polling.now()

    # --- state -----------------------------------------------------------------------------------------------

    def _show_age(self, now: float) -> None:
        if self.found is None:
            return
        block = self.found.portfolio.block
        read = age_text(block.time_ms / 1000 if block.time_ms is not None else None, now)
        text = f"Block {block_text(block.number)}, {read if block.time_ms is not None else 'age unknown'}."
        self.set_subtitle(f"{text} Not up to date: {self._trouble}" if self._trouble else text)

    def _failed(self, error: RanvierError) -> None:
        self._trouble = error.message
        if self.found is None:
            self.empty.set_text(error.title, f"{error.message} {error.hint}".strip())
        else:
            self._show_age(time.time())

    def _status(self, status: object) -> None:
        network = getattr(getattr(status, "chain", None), "network", "")
        if network != self._network:
            # What was read on another network must not stand under this one's colour.
            self._network = network
            self.found = None
            self.model.set_rows(())
            self.set_subtitle("")
            self.empty.set_text("Asking the agent", "Reading balances and stake.")
            self.stack.setCurrentIndex(0)
            self._picked(None)
            if self._polling.running:
                self._polling.now()

    def _every_s(self) -> float:
        return _EVERY_S.get(self._network, _EVERY_OTHERS_S)

    def _go_wallets(self) -> None:
        self.context.go("wallets")


def _tao(rao: int) -> str:
    return format_tao(Tao(rao), _DECIMALS)
