"""Network check: which endpoint is quick and up to date, and how long a payment takes to settle."""

from __future__ import annotations

import asyncio
import time

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.api.market_messages import AskAxon, AxonView, GetHoldings, GetNetCheck, Holdings, NetCheckView
from ranvier.agent.api.messages import AgentStatus, MinerView
from ranvier.chain.model import Receipt, TxStage
from ranvier.chain.networks import NETWORKS
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level, age_text
from ranvier.core.units import Tao, format_tao
from ranvier.miners.status import MinerState
from ranvier.ui.context import Context
from ranvier.ui.dialogs.money.money import self_transfer
from ranvier.ui.models.endpoints import (
    best_words,
    endpoint_rows,
    endpoints_model,
    friction_words,
    problem_words,
    took_text,
)
from ranvier.ui.transacting import Transacting
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.figures import Figure, FigureRow
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import allow, button, label

_TIMEOUT_S = 90.0
_MOST_ROWS = 8  # of the table before it scrolls


class NetCheckPage(Page):
    """Checks once when it is first opened, then when asked."""

    key = "netcheck"
    title = "Network check"
    scrolls = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.found: NetCheckView | None = None
        self._network = ""
        self._running = self._was_here = False
        self._payment: tuple[float | None, int | None] = (None, None)  # seconds until final, fee in rao
        self._answer_s: float | None = None
        self._level: Level | None = None
        self._miner: MinerView | None = None
        self.again = button("Check again", self._begin, kind="primary")
        self.add_action(self.again)
        self.model = endpoints_model()
        self.table = Table(self.model, stretch=0)
        self.table.setAccessibleName("Endpoints")
        self.table.sort_by(1)
        self.best = label("", wrap=True)
        self.problems = label("", "muted", wrap=True, copyable=True)
        self.empty = EmptyState("Checking", "Every endpoint of this network is asked some questions.")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        card = Card()
        card.add(self.best)
        card.add(self.problems)
        column.addWidget(card)
        column.addWidget(self.table)
        column.addWidget(self._settling())
        column.addWidget(self._asking())
        column.addStretch(1)
        self.stack.addWidget(whole)
        self.add(self.stack, 1)
        self.transacting = Transacting(context, self, self._settled)
        self._offer_asking(None)
        context.bridge.status.connect(self._status)
        if context.bridge.latest is not None:
            self._status(context.bridge.latest)

    def _settling(self) -> QWidget:
        card = Card("How long does a payment take?")
        text = (
            "A payment of one rao to yourself, signed by you: how long until it is accepted, in a block and final, "
            "and what it costs. Measured with play money only."
        )
        self.measure = button("Measure it", lambda: self.context.run(self._measure(), "measure settling"))
        card.add_to_header(self.measure)
        card.add(label(text, "muted", wrap=True))
        self.pool, self.block, self.final, self.fee = (
            Figure(name) for name in ("Accepted after", "In a block after", "Final after", "Fee")
        )
        self.results = FigureRow((self.pool, self.block, self.final, self.fee))
        self.results.hide()
        card.add(self.results)
        return card

    def _asking(self) -> QWidget:
        card = Card("And an answer of your own axon?")
        self.ask = button("Ask it", lambda: self.context.run(self._ask(), "ask axon"))
        card.add_to_header(self.ask)
        text = "One real question to a miner that runs here, signed by its own hotkey: what a payment for it waits for."
        card.add(label(text, "muted", wrap=True))
        self.first_word, self.whole = Figure("First word after"), Figure("Whole answer after")
        self.answer = FigureRow((self.first_word, self.whole))
        self.answer.hide()
        card.add(self.answer)
        self.friction = label("", wrap=True, copyable=True)
        self.friction.hide()
        card.add(self.friction)
        return card

    def shown(self) -> None:
        if self.found is None:
            self._begin()

    def tick(self, now: float) -> None:
        super().tick(now)
        self._show_age(now)

    # --- endpoints -------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self._running:
            self._running = True
            self._was_here = self.again.hasFocus()  # a button that is off loses the keyboard
            self.again.setEnabled(False)
            self.again.setText("Checking…")
            self.context.run(self._check(), "network check")

    async def _check(self) -> None:
        network = self._network
        try:
            found: NetCheckView = await self.context.client.call(GetNetCheck(), timeout_s=_TIMEOUT_S)
            if network == self._network:
                self.show_check(found)
        except RanvierError as error:
            if self.found is None:
                self.empty.set_text(error.title, f"{error.message} {error.hint}".strip())
            else:
                self.context.show_error(error)
        finally:
            self._running = False
            self.again.setEnabled(True)
            self.again.setText("Check again")
            if self._was_here and self.isVisible():
                self.again.setFocus()
            if network != self._network and self.isVisible():
                self._begin()  # what was asked meanwhile is of the network before

    def _answered(self) -> bool:
        return self.found is not None and any(one.latency_ms is not None for one in self.found.endpoints)

    def show_check(self, found: NetCheckView) -> None:
        """Draw this check."""
        first = self.found is None
        self.found = found
        self.stack.setCurrentIndex(1)
        self.model.set_rows(endpoint_rows(found))
        row = self.table.verticalHeader().defaultSectionSize()
        self.table.setFixedHeight((min(max(1, len(found.endpoints)), _MOST_ROWS) + 1) * row + 16)
        self.best.setText(best_words(found))
        problems = problem_words(found)
        self.problems.setText("\n".join(problems))
        self.problems.setVisible(bool(problems))
        self._show_age(time.time())
        if first:
            self.table.fit()

    def _show_age(self, now: float) -> None:
        if self.found is not None:
            self.set_subtitle(f"Checked {age_text(self.found.at, now)}, each endpoint at the same time.")

    # --- settling --------------------------------------------------------------------------------------------

    async def _measure(self) -> None:
        try:
            holdings: Holdings = await self.context.client.call(GetHoldings())
        except RanvierError as error:
            self.context.show_error(error)
            return
        rich = [one for one in holdings.portfolio.accounts if one.spendable_rao > 0]
        if not rich:
            self.context.say("No watched coldkey has TAO here. Watch one that has: see Wallets.")
            return
        await asyncio.sleep(0)
        self.transacting.begin(self_transfer(max(rich, key=lambda one: one.spendable_rao).ss58))

    def _settled(self, receipt: Receipt) -> None:
        times = self.transacting.times
        self.results.show()
        for figure, stage in (
            (self.pool, TxStage.SUBMITTED), (self.block, TxStage.IN_BLOCK), (self.final, TxStage.FINAL),
        ):  # fmt: skip
            took = times.get(stage)
            figure.show_value(took_text(took))
        self.fee.show_value(None if receipt.fee_rao is None else format_tao(Tao(receipt.fee_rao)))
        self._payment = times.get(TxStage.FINAL), receipt.fee_rao
        self._compare()

    # --- own axon --------------------------------------------------------------------------------------------

    async def _ask(self) -> None:
        if self._miner is None:
            return
        allow(self.ask, "It is being asked.")
        try:
            found: AxonView = await self.context.client.call(AskAxon(self._miner.id), timeout_s=_TIMEOUT_S)
        finally:
            self._offer_asking(self._miner)
        self.show_answer(found)

    def show_answer(self, found: AxonView) -> None:
        """Draw this answer; what is not known says why."""
        self.answer.show()
        for figure, took in ((self.first_word, found.first_word_ms), (self.whole, found.whole_ms)):
            figure.show_value(None if took is None else took_text(took / 1000), found.error or "")
        self._answer_s = None if found.whole_ms is None else found.whole_ms / 1000
        self._compare()

    def _compare(self) -> None:
        words = friction_words(self._payment[0], self._answer_s, self._payment[1])
        self.friction.setText(words)
        self.friction.setVisible(bool(words))

    def _offer_asking(self, miner: MinerView | None) -> None:
        if miner is None or (self._miner is not None and miner.id != self._miner.id):
            self.answer.hide()
            self._answer_s = None
            self._compare()
        self._miner = miner
        allow(self.ask, None if miner is not None else "No miner with an axon runs on this network.")

    def _status(self, status: AgentStatus) -> None:
        running = [
            one
            for one in status.miners
            if one.network == status.chain.network and one.axon_port and one.state is MinerState.RUNNING
        ]
        self._offer_asking(running[0] if running else None)
        network = status.chain.network
        back = status.chain.level is Level.GOOD and self._level is not Level.GOOD
        self._level = status.chain.level
        if network == self._network:
            if back and self.isVisible() and not self._answered():
                self._begin()  # nothing answered before
            return
        self._network = network
        self.found = None
        self.model.set_rows(())
        self.results.hide()
        self._payment = (None, None)
        self._compare()
        self.set_subtitle("")
        self.empty.set_text("Checking", "Every endpoint of this network is asked some questions.")
        self.stack.setCurrentIndex(0)
        known = NETWORKS.get(network)
        real = known is None or not known.play_money
        allow(self.measure, "Measured with play money only: on the sandbox or the testnet." if real else None)
        if self.isVisible():
            self._begin()
