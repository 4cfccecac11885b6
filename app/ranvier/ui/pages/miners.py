"""Miners: the table of all, and of the chosen one everything that is known, its log, and what can be done."""

from __future__ import annotations

import asyncio
import importlib

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.api.messages import (
    AgentStatus,
    InstallProgress,
    MinerView,
    RemoveMiner,
)
from ranvier.core.errors import RanvierError
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import ask
from ranvier.ui.models.miners import NAME, STATE, miners_model
from ranvier.ui.pages.miner_history import HistoryPanel
from ranvier.ui.pages.miner_log import MinerLog
from ranvier.ui.pages.miner_steps import MinerSteps, Step
from ranvier.ui.phrases import level_of
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.diagnosis_card import DiagnosisCard
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.install_bar import InstallBar
from ranvier.ui.widgets.level_cell import LevelCell
from ranvier.ui.widgets.log_view import LogView
from ranvier.ui.widgets.miner_detail import Command, MinerDetail, MinerHead
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.secrets_line import SecretsLine
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import button

_MOST_ROWS_SHOWN = 4


class _Turned(QStackedWidget):
    """As narrow as what is shown: the other side has not even been styled before its first turn."""

    def minimumSizeHint(self) -> QSize:
        shown = self.currentWidget()
        return super().minimumSizeHint() if shown is None else shown.minimumSizeHint()


class MinersPage(Page):
    """Draws from ``AgentStatus``; asks for the chosen miner's log or history only while it is looked at."""

    key = "miners"
    title = "Miners"
    scrolls = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.add_miner = button("Add a miner…", self._add_miner)
        self._known = True
        self._rows_shown = 0
        self._awaited = ""  # a miner to choose as soon as it is told of
        self._visible = False
        self.install = InstallBar()
        for action in (self.install, self.add_miner):
            self.add_action(action)
        self.model = miners_model()
        self.table = Table(self.model, stretch=0)
        self.table.setItemDelegateForColumn(STATE, LevelCell(self.table, level_of))
        self.table.setSelectionMode(Table.SelectionMode.SingleSelection)
        self.table.setAccessibleName("Miners")
        self.table.sort_by(NAME)
        self.table.picked.connect(self._picked)
        self.head = MinerHead(
            self._send,
            self._act,
            lambda: context.run(self._remove(), "remove miner"),
        )
        self.diagnosis = DiagnosisCard(self._act, self._show_crash)
        self.secrets = SecretsLine(context)
        self.steps = MinerSteps(context, self, self._carry_out, self.secrets.edit, self._show_crash)
        self.detail = MinerDetail(self.secrets)
        self.log = LogView()
        self.log.export_wanted.connect(lambda: context.run(self._export(), "export logs"))
        self.log_feed = MinerLog(context, self.log, lambda: self._known)
        self.history = HistoryPanel(context)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self._lower())
        self.splitter.setStretchFactor(1, 1)
        self.empty = EmptyState("Waiting for the agent", "What it knows appears here.")
        self.add(self.splitter, 1)
        self.add(self.empty, 1)
        self.splitter.hide()
        context.bridge.status.connect(self._show_status)
        context.bridge.install.connect(self._show_install)
        context.bridge.agent_lost.connect(self._agent_lost)
        if context.bridge.latest is not None:
            self._show_status(context.bridge.latest)

    def _lower(self) -> QWidget:
        card = Card()
        card.add(self.head)
        card.add(self.diagnosis)
        area = QScrollArea()
        area.setProperty("role", "page")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.detail.setProperty("role", "page-body")
        area.setWidget(self.detail)
        area.setMinimumWidth(300)
        row = QHBoxLayout()
        row.setSpacing(22)
        row.addWidget(area, 4)
        row.addLayout(self._right(), 7)
        card.body.addLayout(row, 1)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(card)
        return holder

    def _right(self) -> QVBoxLayout:
        """The log or the history, by two buttons."""
        self.stack = _Turned()
        self.stack.addWidget(self.log)
        self.stack.addWidget(self.history)
        self.log_tab = button("Log", lambda: self._turn_to(self.log))
        self.history_tab = button("History", lambda: self._turn_to(self.history))
        tabs = QHBoxLayout()
        tabs.setSpacing(6)
        for tab in (self.log_tab, self.history_tab):
            tab.setCheckable(True)
            tabs.addWidget(tab)
        self.log_tab.setChecked(True)
        tabs.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addLayout(tabs)
        column.addWidget(self.stack, 1)
        return column

    def _turn_to(self, widget: QWidget) -> None:
        self.stack.setCurrentWidget(widget)
        self.log_tab.setChecked(widget is self.log)
        self.history_tab.setChecked(widget is self.history)
        self._poll()

    # --- drawing -------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> MinerView | None:
        """The miner whose details are shown."""
        row: MinerView | None = self.table.current_row()
        return row

    def _show_status(self, status: AgentStatus) -> None:
        self._known = True
        chosen = self.chosen
        first = not self.model.rows
        self.model.set_rows(status.miners)
        self.splitter.setVisible(bool(status.miners))
        self.empty.setVisible(not status.miners)
        if not status.miners:
            self._show_empty(status.chain.network)
            return
        self.table.fit() if first else self.table.widen()
        if len(status.miners) != self._rows_shown:
            self._rows_shown = len(status.miners)
            self._fit_height()
        if self._awaited and self.table.select_key(self._awaited):
            self._awaited = ""
        elif chosen is None or not self.table.select_key(chosen.id):
            self.table.choose_row(0)
        self._draw()

    def _fit_height(self) -> None:
        """As high as its rows, up to some; the rest is for the chosen miner."""
        rows = min(max(self._rows_shown, 1), _MOST_ROWS_SHOWN)
        height = self.table.horizontalHeader().sizeHint().height() + 8
        height += rows * self.table.verticalHeader().defaultSectionSize()
        self.table.setMinimumHeight(height)
        self.splitter.setSizes([height, max(1, self.splitter.height() - height)])

    def _show_empty(self, network: str) -> None:
        if network == "sandbox":
            self.empty.set_text("No miner yet", "The rehearsal makes the first one, step by step.")
            self.empty.set_action("Go to the rehearsal", lambda: self.context.go("rehearsal"))
        else:
            self.empty.set_text("No miner yet", "A miner needs a recipe (what runs) and a hotkey (who it is).")
            self.empty.set_action("Add a miner…", self._add_miner)

    def choose(self, subject: str) -> None:
        self._awaited = "" if self.table.select_key(subject) else subject  # just added: its row comes with the news

    def _picked(self, _row: object) -> None:
        self._draw()

    def _draw(self) -> None:
        miner = self.chosen
        if miner is None:
            return
        self.head.show_miner(miner, known=self._known)
        self.diagnosis.show_miner(miner, known=self._known)
        self.secrets.choose(miner, known=self._known)
        self.detail.show_miner(miner, known=self._known)
        self.log_feed.choose(miner.id)
        self.history.choose(miner)

    def _show_install(self, progress: InstallProgress) -> None:
        names = {miner.id: miner.name for miner in self.model.rows}
        self.install.show_progress(names.get(progress.miner_id, progress.miner_id), progress)

    def _agent_lost(self, reason: str) -> None:
        self._known = False
        self.log.note.setText(reason)
        self._draw()

    def tick(self, now: float) -> None:
        super().tick(now)
        self.detail.tick(now)
        self.diagnosis.tick(now)

    # --- what is polled ------------------------------------------------------------------------------------

    def shown(self) -> None:
        self._visible = True
        self._poll()

    def hidden(self) -> None:
        self._visible = False
        self._poll()

    def _poll(self) -> None:
        on_log = self.stack.currentWidget() is self.log
        for polling, wanted in ((self.log_feed.polling, on_log), (self.history.polling, not on_log)):
            if self._visible and wanted:
                polling.start()
            else:
                polling.stop()

    # --- doing ---------------------------------------------------------------------------------------------

    def _send(self, command: Command) -> None:
        self.context.run(self._carry_out(command), type(command).__name__)

    async def _carry_out(self, *commands: Command | Step) -> None:
        self.head.wait(True)
        try:
            for command in commands:
                done = await self.context.client.call(command)
                if done.text:
                    self.context.say(done.text)
        finally:
            self.head.wait(False)
            self._draw()

    def _act(self, action: str, subject: str = "") -> None:
        """The safe next step of a diagnosis, or the same from the menu."""
        if self.chosen is not None:
            self.steps.act(self.chosen, action, subject)

    def _show_crash(self) -> None:
        self._turn_to(self.log)
        self.context.run(self.log_feed.show_crash(), "last crash")

    async def _export(self) -> None:
        miner = self.chosen
        if miner is None:
            return
        module = importlib.import_module("ranvier.ui.dialogs.miners.export_logs")
        try:
            await module.export_logs(self.window(), self.context, miner)
        except RanvierError as error:
            self.log.note.setText(error.message)

    async def _remove(self) -> None:
        miner = self.chosen
        if miner is None:
            return
        text = (
            f"{miner.name} is stopped, and its folder with environment and logs is deleted. "
            "Its wallet, its seat on the chain and its earnings in the ledger stay."
        )
        if await ask(self.window(), f"Remove {miner.name}?", text, yes="Remove", danger=True):
            await self.context.client.call(RemoveMiner(miner.id))
            self.context.say(f"{miner.name} was removed.")

    def _add_miner(self) -> None:
        self.context.run(self._ask_for_miner(), "add miner")

    async def _ask_for_miner(self) -> None:
        # Reading wallets brings the crypto library: imported by a worker, not in this handler.
        module = await asyncio.get_running_loop().run_in_executor(
            None, importlib.import_module, "ranvier.ui.dialogs.miners.add_miner"
        )
        await module.add_miner(self.window(), self.context)
