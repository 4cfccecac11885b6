"""Stake: what the watched coldkeys hold, at spot price, at one block. Alphas of different subnets are never added."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.messages import GetPortfolio, Portfolio
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import age_text
from ranvier.core.units import Tao, format_tao
from ranvier.ui.context import Context
from ranvier.ui.models.stake import position_rows, stake_model, totals
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.figures import Figure
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import label
from ranvier.ui.words import block_text, count_text

_EVERY_S = {"sandbox": 4.0}
_EVERY_OTHERS_S = 12.0
_DECIMALS = 6


class StakePage(Page):
    """Draws from one ``Portfolio`` at a time: every number on it is of the same block."""

    key = "stake"
    title = "Stake"
    scrolls = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.portfolio: Portfolio | None = None
        self._trouble = ""
        self._network = ""
        self.free = Figure("Free TAO")
        self.spendable = Figure("Spendable")
        self.staked = Figure("Staked, at spot price")
        self.total = Figure("Free and staked, at spot price")
        self.model = stake_model()
        self.table = Table(self.model, stretch=1)
        self.table.sort_by(4, Qt.SortOrder.DescendingOrder)
        self.empty = EmptyState("Asking the agent", "Reading balances and stake.", "Open Wallets", self._go_wallets)
        self.empty.button.hide()
        self.no_positions = EmptyState(
            "Nothing staked",
            "Alpha that a miner earns is staked to its hotkey and shows here from its first payment on.",
        )
        self.stack = QStackedWidget()
        self.inner = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._filled())
        self.add(self.stack, 1)
        context.bridge.status.connect(self._status)
        self._polling = Polling(context.tasks, "portfolio", self.refresh, self._failed, self._every_s)

    def _filled(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        card = Card()
        row = QHBoxLayout()
        row.setSpacing(24)
        for figure in (self.free, self.spendable, self.staked, self.total):
            row.addWidget(figure, 1)
        card.body.addLayout(row)
        card.add(
            label(
                "At spot price: alpha times the price now, before slippage and fee. Selling gives less.",
                "small",
                wrap=True,
            )
        )
        column.addWidget(card)
        self.inner.addWidget(self.no_positions)
        self.inner.addWidget(self.table)
        column.addWidget(self.inner, 1)
        return whole

    def shown(self) -> None:
        self._polling.start()

    def hidden(self) -> None:
        self._polling.stop()

    def tick(self, now: float) -> None:
        super().tick(now)
        self._show_age(now)

    async def refresh(self) -> None:
        """Read the portfolio once."""
        portfolio: Portfolio = await self.context.client.call(GetPortfolio())
        self._trouble = ""
        self.show_portfolio(portfolio)

    def show_portfolio(self, portfolio: Portfolio) -> None:
        """Draw one portfolio."""
        first = not self.model.rows
        self.portfolio = portfolio
        self._show_age(time.time())
        if not portfolio.balances and not portfolio.positions:
            self.empty.set_text(
                "No coldkey is watched",
                "Choose a wallet and press “Watch its balance”, or start a miner: its coldkey is watched by itself.",
            )
            self.empty.button.show()
            self.stack.setCurrentIndex(0)
            return
        self.stack.setCurrentIndex(1)
        sums = totals(portfolio)
        coldkeys = count_text(len(portfolio.balances), "coldkey")
        self.free.show_value(_tao(sums.free), f"in {coldkeys}")
        self.spendable.show_value(_tao(sums.spendable), "the accounts stay alive")
        self._show_sums(portfolio)
        self.model.set_rows(position_rows(portfolio))
        self.inner.setCurrentIndex(1 if portfolio.positions else 0)
        if first and portfolio.positions:
            self.table.fit()

    def _show_sums(self, portfolio: Portfolio) -> None:
        sums = totals(portfolio)
        note = count_text(sums.positions, "position")
        rest = "before slippage and fee"
        if sums.unpriced:
            note = f"{sums.unpriced} of {note} without a price"
            rest = "and more: a price is missing"
        known = sums.unpriced < sums.positions or not sums.positions
        self.staked.show_value(_tao(sums.staked_spot) if known else None, note)
        self.total.show_value(_tao(sums.spot), rest)

    def _show_age(self, now: float) -> None:
        if self.portfolio is None:
            return
        block = self.portfolio.block
        read = age_text(block.time_ms / 1000 if block.time_ms is not None else None, now)
        text = f"Block {block_text(block.number)}, {read if block.time_ms is not None else 'age unknown'}."
        self.set_subtitle(f"{text} Not up to date: {self._trouble}" if self._trouble else text)

    def _failed(self, error: RanvierError) -> None:
        self._trouble = error.message
        if self.portfolio is None:
            self.empty.set_text(error.title, f"{error.message} {error.hint}".strip())
        else:
            self._show_age(time.time())

    def _status(self, status: object) -> None:
        network = getattr(getattr(status, "chain", None), "network", "")
        if network != self._network:
            # What was read on another network must not stand under this one's colour.
            self._network = network
            self.portfolio = None
            self.model.set_rows(())
            self.set_subtitle("")
            self.empty.set_text("Asking the agent", "Reading balances and stake.")
            self.stack.setCurrentIndex(0)
            if self._polling.running:
                self._polling.now()

    def _every_s(self) -> float:
        return _EVERY_S.get(self._network, _EVERY_OTHERS_S)

    def _go_wallets(self) -> None:
        self.context.go("wallets")


def _tao(amount: Tao) -> str:
    return format_tao(amount, _DECIMALS)
