"""Earnings: what the chain paid, per day or per epoch, each row with its proof."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.messages import EarningBucket, EarningRow, Earnings, GetEarnings, GetPortfolio
from ranvier.core.errors import RanvierError
from ranvier.core.units import RAO_PER_COIN, format_alpha, format_tao
from ranvier.ui.context import Context
from ranvier.ui.models.earnings import (
    DAY_MS,
    SubnetTotal,
    bucket_words,
    earnings_model,
    fold_in,
    row_key,
    subnet_totals,
)
from ranvier.ui.models.rows import ROW_ROLE
from ranvier.ui.models.stake import subnet_names, subnet_text
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.chart import Bar, BarChart
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.figures import Figure
from ranvier.ui.widgets.legend import ChartPanel
from ranvier.ui.widgets.page import Page, clear
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import button
from ranvier.ui.words import count_text

RANGES = (("24 hours", 1), ("7 days", 7), ("30 days", 30), ("All", None))
_ROWS = 1000
_REFRESH_S = 60.0  # live rows come by event; this repairs what an event did not bring


class EarningsPage(Page):
    """The chart shows TAO at each epoch's own price, or the alpha of one subnet: alphas are never stacked."""

    key = "earnings"
    title = "Earnings"
    scrolls = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.buckets: tuple[EarningBucket, ...] = ()
        self.names: dict[int, str] = {}
        self.days: int | None = 7
        self.epoch = False
        self._network = ""
        self.model = earnings_model(self.names)
        self.table = Table(self.model)
        self.table.sort_by(0, Qt.SortOrder.DescendingOrder)
        self.table.doubleClicked.connect(self._copy_proof)
        self.chart = BarChart(unit="TAO", height=220)
        self.panel = ChartPanel("", self.chart)
        self.measure = QComboBox()
        self.measure.setAccessibleName("What the chart shows")
        self.measure.addItem("TAO, value then", None)
        self.measure.currentIndexChanged.connect(lambda _index: self._draw())
        self.copy_button = button("Copy block hash", self._copy_selected, tip="The block that paid the selected row")
        self.copy_button.setEnabled(False)
        self.empty = EmptyState("Asking the agent", "Reading the ledger.")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._filled())
        self.add(self.stack, 1)
        self._add_choices()
        self.table.picked.connect(lambda row: self.copy_button.setEnabled(row is not None))
        context.bridge.earnings.connect(self._live)
        context.bridge.status.connect(self._status)
        self._polling = Polling(context.tasks, "earnings", self.refresh, self._failed, lambda: _REFRESH_S)

    def _filled(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        sums = Card()
        self._sums = QHBoxLayout()
        self._sums.setSpacing(28)
        sums.body.addLayout(self._sums)
        column.addWidget(sums)
        chart = Card()
        chart.add(self.panel, 1)
        column.addWidget(chart, 3)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.copy_button)
        column.addWidget(self.table, 4)
        column.addLayout(row)
        return whole

    def _add_choices(self) -> None:
        self.add_action(self.measure)
        self.by_day, self.by_epoch = _choice("Per day"), _choice("Per epoch")
        self.by_day.setChecked(True)
        sizes = QButtonGroup(self)
        for choice in (self.by_day, self.by_epoch):
            sizes.addButton(choice)
            self.add_action(choice)
        self.by_epoch.toggled.connect(self._choose_epoch)
        self._head.addSpacing(10)
        ranges = QButtonGroup(self)
        self.range_buttons: dict[int | None, QPushButton] = {}
        for name, days in RANGES:
            choice = _choice(name)
            choice.setChecked(days == self.days)
            choice.toggled.connect(lambda on, days=days: self._choose_range(days) if on else None)
            ranges.addButton(choice)
            self.add_action(choice)
            self.range_buttons[days] = choice

    def shown(self) -> None:
        if not self.chart.loaded:
            self.context.run(self.chart.load(), "load charts")
        self._polling.start()

    def hidden(self) -> None:
        self._polling.stop()

    # --- data ------------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Read the ledger for the chosen range, and the subnets' names when the agent knows them."""
        since = None if self.days is None else int(time.time() * 1000) - self.days * DAY_MS
        asked = (self.days, self.epoch)
        bucket = "epoch" if self.epoch else "day"
        found: Earnings = await self.context.client.call(GetEarnings(bucket=bucket, since_ms=since, limit=_ROWS))
        if asked != (self.days, self.epoch):
            return
        self.show_earnings(found)
        if not self.names and found.rows:
            await self._read_names()

    async def _read_names(self) -> None:
        try:
            portfolio = await self.context.client.call(GetPortfolio())
        except RanvierError:
            return  # the numbers of the subnets are enough
        self.names.update(subnet_names(portfolio.subnets))
        self._draw()
        self.table.viewport().update()

    def show_earnings(self, found: Earnings) -> None:
        """Draw this answer of the ledger."""
        first = not self.model.rows
        self.buckets = found.buckets
        self.model.set_rows(found.rows)
        if not found.rows and not found.buckets:
            range_name = next(name for name, days in RANGES if days == self.days)
            nothing = "The ledger has no payment yet" if self.days is None else f"No payment in the last {range_name}"
            self.empty.set_text(
                "No earnings here",
                f"{nothing}. A registered miner is paid at the end of an epoch when validators have scored it.",
            )
            self.stack.setCurrentIndex(0)
            return
        self.stack.setCurrentIndex(1)
        self._fill_measures()
        self._draw()
        if first:
            self.table.fit()
        shown = count_text(len(found.rows), "payment")
        more = f"the newest {_ROWS} payments" if len(found.rows) >= _ROWS else shown
        self.set_subtitle(f"{more[0].upper()}{more[1:]}, gross, as the chain's own events say. Days are UTC days.")

    def _live(self, rows: tuple[EarningRow, ...]) -> None:
        """New rows of the ledger: added at once, whatever page is open."""
        known = {row_key(row) for row in self.model.rows}
        new = [row for row in rows if row_key(row) not in known]
        if not new or (self.stack.currentIndex() == 0 and not self._polling.running):
            return
        self.buckets = tuple(fold_in(self.buckets, new, epoch=self.epoch))
        self.show_earnings(Earnings(rows=(*new, *self.model.rows)[:_ROWS], buckets=self.buckets))

    def _status(self, status: Any) -> None:
        if status.chain.network == self._network:
            return
        # Another network has another ledger; nothing of the old one may stay on the page.
        self._network = status.chain.network
        self.names.clear()
        self.buckets = ()
        self.model.set_rows(())
        self.set_subtitle("")
        self.empty.set_text("Asking the agent", "Reading the ledger.")
        self.stack.setCurrentIndex(0)
        if self._polling.running:
            self._polling.now()

    def _failed(self, error: RanvierError) -> None:
        if self.stack.currentIndex() == 0:
            self.empty.set_text(error.title, f"{error.message} {error.hint}".strip())
        else:
            self.set_subtitle(f"Not up to date: {error.message}")

    # --- drawing ---------------------------------------------------------------------------------------------

    def _fill_measures(self) -> None:
        netuids = sorted({bucket.netuid for bucket in self.buckets})
        known = [self.measure.itemData(place) for place in range(1, self.measure.count())]
        if netuids == known:
            return
        chosen = self.measure.currentData()
        self.measure.blockSignals(True)
        while self.measure.count() > 1:
            self.measure.removeItem(1)
        for netuid in netuids:
            self.measure.addItem(f"Alpha of subnet {subnet_text(netuid, self.names.get(netuid))}", netuid)
        self.measure.setCurrentIndex(netuids.index(chosen) + 1 if chosen in netuids else 0)
        self.measure.blockSignals(False)

    def _draw(self) -> None:
        chosen = self.measure.currentData()
        netuids = sorted({bucket.netuid for bucket in self.buckets})
        shown = netuids if chosen is None else [chosen]
        bars = bars_of(self.buckets, shown, self.names, epoch=self.epoch, alpha=chosen is not None)
        self.chart.set_bars(bars, "TAO" if chosen is None else f"α{chosen}", utc=not self.epoch)
        what = "TAO at the price of each epoch" if chosen is None else f"Alpha of subnet {chosen}"
        self.panel.title.setText(f"{what}, per {'epoch' if self.epoch else 'day'}")
        self.panel.set_names([f"subnet {subnet_text(netuid, self.names.get(netuid))}" for netuid in shown])
        self._draw_sums()

    def _draw_sums(self) -> None:
        clear(self._sums)
        for total in subnet_totals(self.buckets):
            figure = Figure(f"Subnet {subnet_text(total.netuid, self.names.get(total.netuid))}")
            figure.show_value(format_alpha(total.alpha, 6), total_words(total))
            self._sums.addWidget(figure, 1)

    # --- actions ---------------------------------------------------------------------------------------------

    def _choose_range(self, days: int | None) -> None:
        self.days = days
        self._polling.now()

    def _choose_epoch(self, epoch: bool) -> None:
        self.epoch = epoch
        self._polling.now()

    def _copy_selected(self) -> None:
        row = self.table.current_row()
        if row is not None:
            self._copy(row)

    def _copy_proof(self, index: QModelIndex) -> None:
        self._copy(index.data(ROW_ROLE))

    def _copy(self, row: EarningRow) -> None:
        QGuiApplication.clipboard().setText(row.block_hash)
        self.context.say(f"Copied the hash of block {row.block}.")


def total_words(total: SubnetTotal) -> str:
    """The TAO value below a subnet's alpha, and how much of it is known."""
    payments = count_text(total.epochs, "payment")
    if not total.unpriced:
        return f"{format_tao(total.tao, 6)} then · {payments}"
    if not total.tao:
        return f"TAO value unknown · {payments}"
    return f"more than {format_tao(total.tao, 6)} then (a price is missing) · {payments}"


def bars_of(
    buckets: Sequence[EarningBucket], netuids: Sequence[int], names: dict[int, str], *, epoch: bool, alpha: bool
) -> list[Bar]:
    """Bars for the chart, oldest first. Floats for their height only: the words come from the exact amounts."""
    chosen = [bucket for bucket in buckets if bucket.netuid in netuids]
    width = _width_s(chosen) if epoch else DAY_MS / 1000
    return [
        Bar(
            start=bucket.start_ms / 1000,
            width=width,
            value=_height(bucket.alpha_rao if alpha else bucket.tao_rao),
            series=netuids.index(bucket.netuid),
            words=bucket_words(bucket, names, epoch=epoch),
        )
        for bucket in chosen
    ]


def _height(rao: int | None) -> float | None:
    return None if rao is None else rao / RAO_PER_COIN


def _width_s(buckets: Sequence[EarningBucket]) -> float:
    """The usual time between two payments, of whichever subnet, so that bars stand side by side."""
    starts = sorted({bucket.start_ms for bucket in buckets})
    steps = [after - before for before, after in itertools.pairwise(starts)]
    return statistics.median(steps) / 1000 if steps else 3600.0


def _choice(text: str) -> QPushButton:
    choice = button(text)
    choice.setCheckable(True)
    return choice
