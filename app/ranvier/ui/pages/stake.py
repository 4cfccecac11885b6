"""Stake: what the watched coldkeys hold at one block, in three values, and how to change it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.api.history_messages import GetPositionHistory, PositionHistory
from ranvier.agent.api.ladder_messages import ChangeLadder, GetLadders, Ladder, Ladders
from ranvier.agent.api.market_messages import GetHoldings, Holdings
from ranvier.chain.model import BlockRef, Receipt, TxStage
from ranvier.core.errors import RanvierError
from ranvier.core.units import Tao, format_tao
from ranvier.ui.context import Context
from ranvier.ui.dialogs.money import money_forms as forms
from ranvier.ui.dialogs.money import money_forms_ladder as ladder_forms
from ranvier.ui.dialogs.money import money_forms_miner as miner_forms
from ranvier.ui.dialogs.money.money import Form
from ranvier.ui.dialogs.money.money_ground import position_key
from ranvier.ui.dialogs.money.transactions import TransactionsDialog
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
from ranvier.ui.money_desk import HAPPENED, MoneyDesk
from ranvier.ui.pages.reading import ReadingPage
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.figures import Figure, FigureRow
from ranvier.ui.widgets.ladder_card import LadderCard
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.position_history import PositionHistoryView
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import allow, button, label
from ranvier.ui.words import count_text, grouped_address, short_address

_DECIMALS = 6
_SPOT_COLUMN = 3
# (words in the menu, form, whether it needs a position); None is a line between.
_MORE: tuple[tuple[str, Form, bool] | None, ...] = (
    ("Move to another hotkey…", forms.MOVE, True),
    ("Swap to another subnet…", forms.SWAP, True),
    ("Give to another coldkey…", forms.GIVE, True),
    ("Unstake everything of a hotkey…", forms.UNSTAKE_ALL, True),
    None,
    ("Buy in steps…", ladder_forms.BUY_IN_STEPS, False),
    ("Sell in steps…", ladder_forms.SELL_IN_STEPS, True),
    None,
    ("Register a hotkey…", miner_forms.REGISTER, False),
    ("Where miners' pay lands…", miner_forms.AUTO_STAKE, False),
    ("Lock more collateral…", miner_forms.ADD_COLLATERAL, True),
    ("Set the collateral floor…", miner_forms.COLLATERAL_FLOOR, True),
    ("Publish a commitment…", miner_forms.COMMITMENT, False),
    ("Publish an axon…", miner_forms.SERVE_AXON, False),
    ("Replace a hotkey…", miner_forms.SWAP_HOTKEY, False),
)


class StakePage(ReadingPage):
    """Draws from one ``Holdings`` at a time: every number on it is of the same block."""

    key = "stake"
    title = "Stake"
    scrolls = False
    waiting = "Reading balances and stake."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.found: Holdings | None = None
        self.free = Figure("Free TAO")
        self.spot = Figure("Staked, at spot price")
        self.sale = Figure("Staked, if all were sold now")
        self.total = Figure("Free and staked, at spot price")
        self.model = holdings_model()
        self.table = Table(self.model, stretch=0)
        self.table.setAccessibleName("Positions")
        self.table.sort_by(_SPOT_COLUMN, Qt.SortOrder.DescendingOrder)
        self.table.picked.connect(self._picked)
        self.empty.set_action("Open Wallets", self._go_wallets)
        self.empty.button.hide()
        self.no_positions = EmptyState(
            "Nothing staked",
            "Alpha that a miner earns is staked to its hotkey and shows here from its first payment on.",
        )
        self.detail = self._detail()
        self.ladders = LadderCard(self._step)
        self._signing: set[str] = set()  # ids of plans whose step is followed here now
        self.stack = QStackedWidget()
        self.inner = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._filled())
        self.add(self.stack, 1)
        self.desk = MoneyDesk(context, self, self._transacted, changed=self._allow, commanded=self.read_again)
        self.send = button("Send TAO", lambda: self._open(forms.SEND))
        self.remove = button("Remove stake", lambda: self._open(forms.UNSTAKE))
        self.add_stake = button("Add stake", lambda: self._open(forms.STAKE), kind="primary")
        self.more = button("More")
        self.menu_actions: dict[str, QAction] = {}
        self.more.setMenu(self._menu())
        self.together = button("", self.desk.begin_batch)
        for widget in (self.together, self.more, self.send, self.remove, self.add_stake):
            self.add_action(widget)
        self._allow()

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for entry in _MORE:
            if entry is None:
                menu.addSeparator()
                continue
            words, form, _ = entry
            action = menu.addAction(words)
            action.triggered.connect(partial(self._open, form))
            self.menu_actions[form.title] = action
        menu.addSeparator()
        menu.addAction("Transactions…").triggered.connect(lambda: TransactionsDialog(self, self.context).show())
        return menu

    def _detail(self) -> Card:
        """One position: words at the left, its past at the right."""
        card = Card(spacing=4)
        sides = QHBoxLayout()
        sides.setSpacing(28)
        self.position_words = QVBoxLayout()
        self.position_words.setSpacing(4)
        sides.addLayout(self.position_words, 1)
        self.past = PositionHistoryView()
        sides.addWidget(self.past, 1)
        card.body.addLayout(sides)
        card.hide()
        self._past_of: tuple[str, str, int] | None = None
        return card

    def _filled(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        card = Card()
        card.add(FigureRow((self.free, self.spot, self.sale, self.total)))
        column.addWidget(card)
        column.addWidget(self.ladders)
        self.inner.addWidget(self.no_positions)
        self.inner.addWidget(self.table)
        column.addWidget(self.inner, 1)
        column.addWidget(self.detail)
        return whole

    async def refresh(self) -> None:
        """Read the positions once."""
        found: Holdings = await self.context.client.call(GetHoldings())
        self.show_holdings(found)
        ladders: Ladders = await self.context.client.call(GetLadders())
        self.ladders.show_ladders(ladders.ladders, found.names, signing=self._signing)
        await self._read_past()

    def show_holdings(self, found: Holdings) -> None:
        """Draw one reading."""
        first = not self.model.rows
        self.found = found
        whole = found.portfolio
        self.show_age()
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
        reserved = f"; {_tao(found.reserved_rao)} more is reserved" if found.reserved_rao else ""
        words = f"in {count_text(accounts, 'coldkey')}; {spendable} can be spent{reserved}"
        self.free.show_value(_tao(found.free_rao), words)
        note = f"{count_text(found.positions, 'position')}, before slippage and fee"
        rest = "before slippage and fee"
        if found.unpriced:
            note = f"{found.unpriced} of {count_text(found.positions, 'position')} without a price"
            rest = "and more: a price is missing"
        known = found.unpriced < found.positions or not found.positions
        self.spot.show_value(_tao(found.spot_rao) if known else None, note)
        locked = f"; {count_text(found.locked, 'position')} partly locked" if found.locked else ""
        sale = _tao(found.sale_rao) if known and found.sale_rao is not None else None
        self.sale.show_value(sale, f"after slippage and fee{locked}")
        self.total.show_value(_tao(found.free_rao + found.spot_rao), rest)

    # --- one position ----------------------------------------------------------------------------------------

    def _picked(self, row: HoldingRow | None) -> None:
        self._allow()
        self.detail.setVisible(row is not None)
        clear(self.position_words)
        if row is None or self.found is None:
            self._past_of = None
            return
        holding = row.holding
        where = subnet_text(holding.netuid, row.subnet_name)
        self.detail.set_title(f"Subnet {where}, on {short_address(holding.hotkey_ss58)}")
        lines = [seat_words(row), depth_words(row), *locked_words(row, self.found.portfolio)]
        for words in lines:
            self.position_words.addWidget(label(words, wrap=True, copyable=True))
        keys = f"hotkey {grouped_address(holding.hotkey_ss58)}\ncoldkey {grouped_address(holding.coldkey_ss58)}"
        self.position_words.addWidget(label(keys, "small", wrap=True, copyable=True))
        self.position_words.addStretch(1)
        if self._past_of != position_key(row):
            self._past_of = position_key(row)
            self.past.show_history(None, holding.netuid)
            self.context.run(self._read_past_guarded(), "read a position's past")

    async def _read_past_guarded(self) -> None:
        try:
            await self.past.load()
            await self._read_past()
        except RanvierError as error:
            self._failed(error)

    async def _read_past(self) -> None:
        """The chosen position's, if one is chosen still when the answer comes."""
        place = self._past_of
        if place is None:
            return
        found: PositionHistory = await self.context.client.call(GetPositionHistory(*place))
        if self._past_of == place:
            self.past.show_history(found, place[2])

    # --- actions ---------------------------------------------------------------------------------------------

    def _allow(self) -> None:
        accounts = self.found is not None and bool(self.found.portfolio.accounts)
        nothing = None if accounts else "No coldkey is watched."
        held = bool(self.found and self.found.portfolio.holdings)
        no_position = nothing or (None if held else "Nothing is staked yet.")
        row: HoldingRow | None = self.table.current_row()
        locked = row is not None and not row.holding.sellable_rao
        for widget in (self.send, self.add_stake):
            allow(widget, nothing)
        allow(self.remove, no_position or ("All of this position is locked." if locked else None))
        for entry in _MORE:
            if entry is not None:
                allow(self.menu_actions[entry[1].title], no_position if entry[2] else nothing)
        self.together.setVisible(bool(self.desk.basket))
        self.together.setText(f"Sign together ({len(self.desk.basket)})")
        self.together.setToolTip("\n".join(words for words, _ in self.desk.basket))

    def _open(self, form: Form, _checked: bool = False) -> None:
        """Open a form; what is chosen in the table is filled in."""
        row: HoldingRow | None = self.table.current_row()
        begin: dict[str, Any] = {}
        if row is not None:
            holding = row.holding
            begin = {"position": position_key(row), "coldkey": holding.coldkey_ss58}
            if form is not miner_forms.SWAP_HOTKEY or holding.owned:
                begin["hotkey"] = holding.hotkey_ss58
            if form in (forms.MOVE, miner_forms.REGISTER):
                del begin["hotkey"]  # another one is wanted
            if form not in (forms.SWAP, miner_forms.SWAP_HOTKEY):
                begin["netuid"] = holding.netuid
        self.desk.begin(form, begin)

    # --- plans in steps --------------------------------------------------------------------------------------

    def _step(self, one: Ladder, action: str, seconds: float) -> None:
        if action == "sign":
            self.desk.sign(replace(ladder_forms.step_wish(one), sending=self._sending(one), ended=self._ended(one)))
        else:
            self.context.run(self._change(one, action, seconds=seconds), "change plan")

    async def _change(self, one: Ladder, action: str, *, receipt_id: str = "", seconds: float = 0.0) -> None:
        await self.context.client.call(ChangeLadder(one.id, len(one.done), action, receipt_id, seconds))
        self.read_again()

    def _sending(self, one: Ladder) -> Callable[[], Awaitable[None]]:
        """The agent knows that it is being signed before it is sent: a kill in between never leads to a second one."""

        async def sending() -> None:
            self._signing.add(one.id)
            try:
                await self._change(one, "signing")
            except BaseException:
                self._signing.discard(one.id)
                raise

        return sending

    def _ended(self, one: Ladder) -> Callable[[Receipt | None], Awaitable[None]]:
        async def ended(receipt: Receipt | None) -> None:
            self._signing.discard(one.id)
            if receipt is None or receipt.stage in (TxStage.FAILED, TxStage.DROPPED):
                await self._change(one, "unsent")
            elif receipt.stage in HAPPENED:
                await self._change(one, "signed", receipt_id=receipt.extrinsic_hash)

        return ended

    def _transacted(self, _receipt: Receipt) -> None:
        self.read_again()

    # --- state -----------------------------------------------------------------------------------------------

    def block(self) -> BlockRef | None:
        return None if self.found is None else self.found.portfolio.block

    def forget(self) -> None:
        self.found = None
        self.model.set_rows(())
        self.empty.button.hide()
        self.stack.setCurrentIndex(0)
        self._picked(None)
        self.ladders.show_ladders((), {})
        self.desk.forget()

    def _go_wallets(self) -> None:
        self.context.go("wallets")


def _tao(rao: int) -> str:
    return format_tao(Tao(rao), _DECIMALS)
