"""Earnings: what the chain paid, by subnet or miner, per epoch to month; each row with its proof, gaps as gaps."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QMenu, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.api.market_messages import ExportEarnings
from ranvier.agent.api.messages import (
    CostsView,
    EarningBucket,
    Earnings,
    FillGaps,
    Gaps,
    GetCosts,
    GetEarnings,
    GetGaps,
    GetPortfolio,
)
from ranvier.core.errors import RanvierError
from ranvier.core.units import alpha_unit
from ranvier.ledger.errors import needs_mending
from ranvier.ledger.payments import Payment
from ranvier.ui.context import Context
from ranvier.ui.models.bars import bars_of, cumulative, legend_names, series_of
from ranvier.ui.models.bars_before import bars_before
from ranvier.ui.models.earnings import (
    DAY_MS,
    compared,
    earnings_model,
    fold_in,
    gap_spans,
    gap_words,
    nothing_words,
    row_key,
)
from ranvier.ui.models.rows import ROW_ROLE
from ranvier.ui.models.stake import subnet_names
from ranvier.ui.pages.earning_books import EarningBooks, ExportLine
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.charts.bar_chart import Bar, BarChart
from ranvier.ui.widgets.charts.legend import ChartPanel
from ranvier.ui.widgets.earning_choices import EarningChoices
from ranvier.ui.widgets.earning_sums import EarningSums
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.path_field import Choose, open_chooser
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import block_text, count_text

FORMATS = (
    ("csv", "CSV, every column", "csv"),
    ("koinly", "CSV for Koinly", "csv"),
    ("cointracking", "CSV for CoinTracking", "csv"),
    ("json", "JSON", "json"),
)
_ROWS = 1000
_REFRESH_S = 60.0  # live rows come by event; this repairs what an event did not bring
_SHOWN_GAPS = 3


class EarningsPage(Page):
    """The chart shows TAO at each epoch's own price, or the alpha of one subnet: alphas are never stacked."""

    key = "earnings"
    title = "Earnings"
    scrolls = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.buckets: tuple[EarningBucket, ...] = ()
        self.before: tuple[EarningBucket, ...] = ()
        self._since_ms: int | None = None  # of what is shown
        self.costs: CostsView | None = None
        self.currency: str | None = None
        self.gaps: Gaps | None = None
        self.names: dict[int, str] = {}
        self._network = ""
        self._nothing = False  # the ledger was read and has nothing to show
        self.choices = EarningChoices(self._ask_again, self._draw)
        self.model = earnings_model(self.names)
        self.table = Table(self.model, stretch=1)
        self.table.setAccessibleName("Payments")
        self.table.sort_by(0, Qt.SortOrder.DescendingOrder)
        self.table.doubleClicked.connect(self._copy_proof)
        self.chart = BarChart(unit="TAO", height=150)
        self.panel = ChartPanel("", self.chart)
        self.beside = QCheckBox()
        self.beside.setChecked(True)
        self.beside.toggled.connect(lambda _: self._draw())
        self.panel.add_choice(self.beside)
        self.sums = EarningSums()
        self.copy_button = button("Copy block hash", self._copy_selected, tip="The block that paid the selected row")
        self.copy_button.setEnabled(False)
        self.gap_line = QWidget()
        self.gap_text = label("", "muted", wrap=True)
        self.empty = EmptyState("Asking the agent", "Reading the ledger.")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self._filled())
        self.books = EarningBooks(context, self, self._ask_again)
        self.export_line = ExportLine(context)
        self.add(self.choices)
        self.add(self.stack, 1)
        self.add(self.export_line)
        self.add_action(self.copy_button)
        self.add_action(self.books.menu_button(self._open_lots, self._open_check, self._open_past))
        self.add_action(self._export_button())
        self.table.picked.connect(lambda row: self.copy_button.setEnabled(row is not None))
        context.bridge.earnings.connect(self._live)
        context.bridge.status.connect(self._status)
        self._polling = Polling(context.tasks, "earnings", self.refresh, self._failed, lambda: _REFRESH_S)

    def _filled(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addWidget(self.sums)
        chart = Card()
        chart.add(self.panel, 1)
        row = QHBoxLayout(self.gap_line)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.gap_text, 1)
        row.addWidget(button("Read them now", lambda: self.context.run(self._fill(), "fill gaps")))
        self.gap_line.hide()
        chart.add(self.gap_line)
        column.addWidget(chart, 2)
        self.table.setMinimumHeight(140)
        column.addWidget(self.table, 3)
        return whole

    def _export_button(self) -> QPushButton:
        menu = QMenu(self)
        for kind, words, ending in FORMATS:
            menu.addAction(words, partial(self._choose_file, kind, ending))
        result = button("Export…", tip="The payments of this range as a file, each with its proof")
        result.clicked.connect(lambda: menu.popup(result.mapToGlobal(result.rect().bottomLeft())))
        return result

    def shown(self) -> None:
        if not self.chart.loaded:
            self.context.run(self.chart.load(), "load charts")
        self._polling.start()

    def hidden(self) -> None:
        self._polling.stop()

    # --- data ------------------------------------------------------------------------------------------------

    def since_ms(self) -> int | None:
        """Where the range begins; None for all."""
        days = self.choices.days
        return None if days is None else int(time.time() * 1000) - days * DAY_MS

    async def refresh(self) -> None:
        """Read the ledger for the chosen range and the one before it, costs, gaps, and names when they are known."""
        asked, since = self.choices.state(), self.since_ms()
        size, by_hotkey = self.choices.slot, self.choices.by_miner
        call = self.context.client.call
        found: Earnings = await call(GetEarnings(bucket=size, since_ms=since, limit=_ROWS, by_hotkey=by_hotkey))
        before: tuple[EarningBucket, ...] = ()
        if since is not None and self.choices.days is not None:
            start, slot = since - self.choices.days * DAY_MS, "day" if size == "epoch" else size
            earlier: Earnings = await call(GetEarnings(bucket=slot, since_ms=start, until_ms=since, limit=0))
            before = earlier.buckets
        if asked != self.choices.state():
            return
        self.before, self._since_ms, self.costs = before, since, await self._read_costs(since, found)
        self.gaps = await self._read_gaps()
        self.show_earnings(found)
        if not self.names and found.rows:
            await self._read_names()

    async def _read_costs(self, since: int | None, found: Earnings) -> CostsView | None:
        """Of the range; where it has no beginning, from the first payment on."""
        if since is None:
            since = min((one.start_ms for one in found.buckets), default=None)
        if found.currency is None or since is None:
            return None
        try:
            costs: CostsView = await self.context.client.call(GetCosts(since, int(time.time() * 1000)))
        except RanvierError:
            return None  # earnings are shown gross
        return costs

    async def _read_gaps(self) -> Gaps | None:
        try:
            found: Gaps = await self.context.client.call(GetGaps())
        except RanvierError:
            return None  # what is known is shown without its gaps
        return found

    async def _read_names(self) -> None:
        try:
            portfolio = await self.context.client.call(GetPortfolio())
        except RanvierError:
            return  # the numbers of the subnets are enough
        self.names.update(subnet_names(portfolio.subnets))
        self._draw()
        self.table.viewport().update()

    async def _fill(self) -> None:
        await self.context.client.call(FillGaps())
        self.context.say("Every gap is read again; what comes shows by itself.")

    def show_earnings(self, found: Earnings) -> None:
        """Draw this answer of the ledger."""
        first = not self.model.rows
        self.buckets, self.currency = found.buckets, found.currency
        self.model.set_rows(found.rows)
        if not found.rows and not found.buckets:
            self.empty.set_action("", self._begin_anew)
            self.stack.setCurrentIndex(0)
            self._nothing = True
            self._show_nothing()
            return
        self._nothing = False
        self.stack.setCurrentIndex(1)
        self.choices.offer(sorted({one.netuid for one in self.buckets}), self.names)
        self._draw()
        if first:
            self.table.fit()
        shown = count_text(len(found.rows), "payment")
        more = f"the newest {_ROWS} payments" if len(found.rows) >= _ROWS else shown
        self.set_subtitle(f"{more[0].upper()}{more[1:]}, gross, as the chain's own events say. All times are UTC.")

    def _show_nothing(self) -> None:
        """Why there is nothing to see: nobody was paid, or nobody knows."""
        if self._nothing:
            latest, gaps = self.context.bridge.latest, () if self.gaps is None else self.gaps.gaps
            period = None if self.choices.days is None else self.choices.period()
            self.empty.set_text(*nothing_words(period, None if latest is None else latest.chain, gaps))
            self.set_subtitle("")

    def _live(self, rows: tuple[Payment, ...]) -> None:
        """New rows of the ledger: added at once, whatever page is open."""
        known = {row_key(row) for row in self.model.rows}
        new = [row for row in rows if row_key(row) not in known]
        if not new or (self.stack.currentIndex() == 0 and not self._polling.running):
            return
        buckets = tuple(fold_in(self.buckets, new, size=self.choices.slot, by_hotkey=self.choices.by_miner))
        self.show_earnings(Earnings((*new, *self.model.rows)[:_ROWS], buckets, self.currency))

    def _status(self, status: Any) -> None:
        if status.chain.network == self._network:
            self._show_nothing()
            return
        # Another network has another ledger; nothing of the old one may stay on the page.
        self._network = status.chain.network
        self.names.clear()
        self.buckets = self.before = ()
        self.costs = self.gaps = None
        self._nothing = False
        self.model.set_rows(())
        self.set_subtitle("")
        self.empty.set_text("Asking the agent", "Reading the ledger.")
        self.stack.setCurrentIndex(0)
        self._ask_again()

    def _ask_again(self) -> None:
        if self._polling.running:
            self._polling.now()

    def _failed(self, error: RanvierError) -> None:
        self._nothing = False
        damaged = needs_mending(error)
        self.empty.set_action("Begin a new ledger…" if damaged else "", self._begin_anew)
        if damaged or self.stack.currentIndex() == 0:
            self.stack.setCurrentIndex(0)
            self.empty.set_text(error.title, f"{error.message} {error.hint}".strip())
        else:
            self.set_subtitle(f"Not up to date: {error.message}")

    def _begin_anew(self) -> None:
        self.context.run(self._mend(), "begin a new ledger")

    async def _mend(self) -> None:
        if await self.books.begin_anew():
            await self.refresh()

    # --- drawing ---------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        chosen, size = self.choices.netuid, self.choices.slot
        series = series_of(self.buckets, chosen)
        unit = "TAO" if chosen is None else alpha_unit(chosen)
        bars = bars_of(self.buckets, series, self.names, size=size, alpha=chosen is not None)
        if self.choices.summed:
            bars = cumulative(bars, unit)
        self.chart.set_bars([*bars, *self._gap_bars(bars)], unit, utc=True, behind=self._bars_before())
        what = "TAO at the price of each epoch" if chosen is None else f"Alpha of subnet {chosen}"
        how = f"summed up per {size}" if self.choices.summed else f"per {size}"
        self.panel.title.setText(f"{what}, {how}")
        self.panel.set_names(legend_names(series, self.names))
        comparison = compared(self.buckets, self.before) if self.choices.days is not None else None
        costs = self.costs if self.costs is not None and self.costs.currency == self.currency else None
        self.sums.show_sums(self.buckets, self.names, comparison, self.choices.period(), self.currency, costs)

    def _bars_before(self) -> list[Bar]:
        """The period before, when it is wanted; the box for it says why it cannot be."""
        days, since, choices = self.choices.days, self._since_ms, self.choices
        self.beside.setVisible(days is not None)
        if days is None or since is None:
            return []
        self.beside.setText(f"{choices.period()} before (grey)")
        found = bars_before(
            self.before,
            since_ms=since,
            days=days,
            size=choices.slot,
            netuid=choices.netuid,
            summed=choices.summed,
            now=self.buckets,
        )
        tip = f"Draw the {choices.period()} before behind these, each day, week or month behind its own."
        if choices.slot == "epoch":
            tip = "Single epochs have none that they could be compared with: choose days, weeks or months."
        elif not found:
            tip = f"The ledger knows no payment of the {choices.period()} before."
        self.beside.setEnabled(bool(found))
        self.beside.setToolTip(tip)
        return found if self.beside.isChecked() else []

    def _gap_bars(self, bars: list[Bar]) -> list[Bar]:
        """Grey bands where earnings are not known, and the sentence below the chart."""
        gaps = () if self.gaps is None else self.gaps.gaps
        self.gap_line.setVisible(bool(gaps))
        if not gaps:
            return []
        said = "; ".join(gap_words(one, self.names) for one in gaps[:_SHOWN_GAPS])
        more = f"; and {len(gaps) - _SHOWN_GAPS} more" if len(gaps) > _SHOWN_GAPS else ""
        self.gap_text.setText(f"Not known: {said}{more}.")
        low = min((bar.start for bar in bars), default=0.0)
        spans = gap_spans(gaps, self.model.rows)
        return [Bar(max(low, a), b - max(low, a), None, 0, words) for a, b, words in spans if b > low and bars]

    # --- actions ---------------------------------------------------------------------------------------------

    def _choose_file(self, kind: str, ending: str) -> None:
        name = f"ranvier-earnings-{self._network or 'network'}-{time.strftime('%Y-%m-%d')}.{ending}"
        open_chooser(self, Choose.NEW_FILE, "Export earnings", name, lambda path: self.export(kind, path))

    def export(self, kind: str, path: str) -> None:
        """Have the agent write the range as a file."""
        self.context.run(self._export(kind, path), "export earnings")

    async def _export(self, kind: str, path: str) -> None:
        await self.export_line.write(ExportEarnings(path, kind, since_ms=self.since_ms(), netuid=self.choices.netuid))

    def _open_check(self) -> None:
        self.context.run(self.books.explain(self.model.rows, self.names), "check position")

    def _open_lots(self) -> None:
        netuids = sorted({one.netuid for one in self.buckets})
        self.context.run(self.books.lots(netuids, self.names), "lots")

    def _open_past(self) -> None:
        self.context.run(self.books.past(next(iter(self.model.rows), None)), "read the past")

    def _copy_selected(self) -> None:
        row = self.table.current_row()
        if row is not None:
            self._copy(row)

    def _copy_proof(self, index: QModelIndex) -> None:
        self._copy(index.data(ROW_ROLE))

    def _copy(self, row: Payment) -> None:
        QGuiApplication.clipboard().setText(row.block_hash)
        self.context.say(f"Copied the hash of block {block_text(row.block)}.")
