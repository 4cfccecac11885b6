"""The rehearsal: a node's whole life on the sandbox, one visible stage after the other."""

from __future__ import annotations

import asyncio
import importlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget
from shiboken6 import isValid

from ranvier.chain.model import Plan
from ranvier.core.errors import Cancelled, ErrorData, RanvierError
from ranvier.core.evidence import Level
from ranvier.core.settings import NETWORK
from ranvier.core.units import Alpha, format_alpha
from ranvier.rehearsal import practice
from ranvier.rehearsal.stages import TITLES, Outcome, Stage, StageReport, StageState
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import ask
from ranvier.ui.dialogs.money.plan import PlanView
from ranvier.ui.phrases import took_text
from ranvier.ui.waiting import agent_known
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.page import Page, clear
from ranvier.ui.widgets.practice_card import PracticeCard
from ranvier.ui.widgets.text import allow, button, label, line, restyle
from ranvier.ui.words import block_text

if TYPE_CHECKING:
    from ranvier.rehearsal.rehearsal import Rehearsal

NEW_WALLET = "new-wallet"
_NETUID = 1  # the practice subnet
_ANEW = (
    "The rehearsal makes it, funds it with play money, and registers it with a miner of its own. The practice wallet "
    "and the miner from before stay as they are; the miner can be removed under Miners."
)
_LEVELS = {
    StageState.WAITING: Level.OFF,
    StageState.RUNNING: Level.BUSY,
    StageState.CONSENT: Level.WARN,
    StageState.DONE: Level.GOOD,
    StageState.FAILED: Level.BAD,
}
_CUT_SHORT = ErrorData("Cut short", "Stopped", "This stage ended before it was done.", "Nothing is lost.")
_INTRODUCTION = (
    "Ten stages take a real miner with a real model from nothing to its first earnings, on a network that runs on "
    "this machine, with play money. Each says what it waits for; each can be repeated, and goes on where it stopped."
)


class StageRow(QWidget):
    """One stage: mark, title, what it does or what proves it done, progress, duration."""

    def __init__(self, number: int, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.report = StageReport(stage, StageState.WAITING)
        self._received = time.monotonic()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self.mark = Mark(Level.OFF, 18)
        row.addWidget(self.mark, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(3)
        head = QHBoxLayout()
        self.title = label(f"{number}.  {TITLES[stage]}")
        self.duration = label("", "muted")
        head.addWidget(self.title, 1)
        head.addWidget(self.duration)
        column.addLayout(head)
        self.text = label("", "muted", wrap=True, copyable=True)
        self.hint = label("", "muted", wrap=True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(f"Progress of {TITLES[stage]}")
        self.extra = QVBoxLayout()
        for widget in (self.text, self.hint, self.progress):
            widget.hide()
            column.addWidget(widget)
        column.addLayout(self.extra)
        row.addLayout(column, 1)
        self.show_report(self.report)

    def show_report(self, report: StageReport) -> None:
        """Draw the stage as reported."""
        self.report = report
        self._received = time.monotonic()
        self.mark.set_level(_LEVELS[report.state])
        waiting, failed = report.state is StageState.WAITING, report.state is StageState.FAILED
        restyle(self.title, "role", "muted" if waiting else "")
        font = self.title.font()
        font.setBold(report.state in (StageState.RUNNING, StageState.CONSENT, StageState.FAILED))
        self.title.setFont(font)
        words, hint = report.evidence if report.state is StageState.DONE else report.text, ""
        if failed and report.error is not None:
            words, hint = f"{report.error.title}: {report.error.message}", report.error.hint
        restyle(self.text, "role", "problem" if failed else "muted")
        self.text.setText(words)
        self.text.setVisible(bool(words))
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        share = report.progress if report.state is StageState.RUNNING else None
        self.progress.setVisible(share is not None)
        if share is not None:
            self.progress.setValue(round(share * 100))
        self.setAccessibleName(f"{TITLES[self.stage]}: {report.state.value}. {words} {hint}".strip())
        self.tick()

    def tick(self) -> None:
        """The duration of a running stage goes on counting between two reports."""
        report = self.report
        if report.state is StageState.WAITING:
            self.duration.setText("")
            return
        runs = report.state in (StageState.RUNNING, StageState.CONSENT)
        self.duration.setText(took_text(report.seconds + (time.monotonic() - self._received if runs else 0)))


class RehearsalPage(Page):
    """Runs one rehearsal at a time; leaving the page does not end it."""

    key = "rehearsal"
    title = "Rehearsal"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.set_subtitle(_INTRODUCTION)
        self.start = button("Start the rehearsal", self._start, kind="primary")
        self.add_action(self.start)
        self._rehearsal: Rehearsal | None = None
        self._answer: asyncio.Future[bool] | None = None
        self.running = False
        self.end = Card("First earnings")
        self.end.hide()
        self.end_text = label("", wrap=True, copyable=True)
        self.end.add(self.end_text)
        row = QHBoxLayout()
        row.addWidget(button("Go to the overview", lambda: context.go("overview"), kind="primary"))
        row.addWidget(button("See the earnings", lambda: context.go("earnings")))
        row.addStretch(1)
        self.end.body.addLayout(row)
        self.add(self.end)
        card = Card(spacing=12)
        self.rows: dict[Stage, StageRow] = {}
        for number, stage in enumerate(Stage, start=1):
            if number > 1:
                card.add(line())
            self.rows[stage] = StageRow(number, stage)
            card.add(self.rows[stage])
        self.add(card)
        self.practice = PracticeCard(lambda: self.choose(NEW_WALLET))
        self.add(self.practice)
        self.content.addStretch(1)
        self._wanted: QWidget | None = None
        self._wanted_ticks = 0
        self.area.verticalScrollBar().rangeChanged.connect(lambda *_: self._look_at_wanted())

    def tick(self, now: float) -> None:
        super().tick(now)
        self._wanted_ticks -= 1
        for row in self.rows.values():
            row.tick()

    def shown(self) -> None:
        self.context.run(self._look_for_practice(), "look for the practice wallet")

    def hidden(self) -> None:
        self.practice.hide_password()

    def choose(self, subject: str) -> None:
        """``rehearsal/new-wallet`` asks whether to begin with a new practice wallet."""
        if subject == NEW_WALLET:
            self.context.run(self._begin_anew(), "a new practice wallet")

    async def _look_for_practice(self) -> None:
        """Which practice wallet there is, and whether this window knows its password."""
        paths = self.context.paths

        def name() -> str | None:
            known = practice.load(paths.rehearsal)
            there = known is not None and (paths.practice_wallets / known.wallet_name).is_dir()
            return known.wallet_name if known is not None and there else None

        found = await asyncio.to_thread(name)
        self.practice.show_wallet(found, None if self._rehearsal is None else self._rehearsal.password)

    # --- running -------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._answer is not None:
            self._bring_into_view(self.rows[Stage.REGISTER])
        elif not self.running:
            self.running = True  # here, or a double click would begin two
            self.context.run(self._run(), "rehearsal")

    async def _begin_anew(self) -> None:
        if self.running:
            self.context.say("The rehearsal runs. A new practice wallet can be taken when it has ended.")
            return
        if await ask(self.window(), "Take a new practice wallet?", _ANEW, yes="Begin") and not self.running:
            self.running = True
            await self._run(new_wallet=True)

    async def _run(self, *, new_wallet: bool = False) -> None:
        self._set_running(True)
        try:
            if self.context.bridge.latest is None:
                self.show_report(StageReport(Stage.SANDBOX, StageState.RUNNING, "Waiting for the agent"))
                await agent_known(self.context.bridge)
            if self._rehearsal is None:
                self._rehearsal = await self._make()
            self.context.settings.set(NETWORK, "sandbox")
            self._show_outcome(await self._rehearsal.run(new_wallet=new_wallet))
        except (RanvierError, Cancelled) as error:
            self._show_failure(error)
        finally:
            for row in self.rows.values():
                if row.report.state in (StageState.RUNNING, StageState.CONSENT):
                    self.show_report(replace(row.report, state=StageState.FAILED, error=_CUT_SHORT))
            self._set_running(False)

    async def _make(self) -> Rehearsal:
        # The chain's library takes half a second to import: not on the UI thread.
        module = await asyncio.get_running_loop().run_in_executor(
            None, importlib.import_module, "ranvier.rehearsal.rehearsal"
        )
        rehearsal: Rehearsal = module.Rehearsal(
            self.context.paths, self.context.client, on_report=self.show_report, consent=self._consent
        )
        return rehearsal

    def _show_failure(self, error: RanvierError | Cancelled) -> None:
        """The failed stage shows the error where it happened; one from before the first stage is shown there."""
        row = next((row for row in self.rows.values() if row.report.state is StageState.RUNNING), None)
        if row is not None and isinstance(error, RanvierError):
            self.show_report(replace(row.report, state=StageState.FAILED, error=error.data()))

    def _set_running(self, running: bool) -> None:
        self.running = running
        if running:
            self.end.hide()
            for row in self.rows.values():
                clear(row.extra)
                row.show_report(StageReport(row.stage, StageState.WAITING))
        self._offer_start()
        self._show_password()

    def _show_password(self) -> None:
        if self._rehearsal is not None and self._rehearsal.password is not None:
            self.practice.show_wallet("", self._rehearsal.password)

    def _offer_start(self) -> None:
        """The button at the top: while a plan waits for a yes it leads there."""
        asked = self._answer is not None
        allow(self.start, "It runs already: the stages below say where it is." if self.running and not asked else None)
        self.start.setText("Show what it asks" if asked else "Running…" if self.running else "Run it again")
        restyle(self.start, "kind", "primary" if asked else "")

    def show_report(self, report: StageReport) -> None:
        """Draw one report of a stage."""
        row = self.rows[report.stage]
        before = row.report.state
        row.show_report(report)
        if report.state is not before:
            clear(row.extra)
            if report.state is StageState.CONSENT and report.plan is not None:
                box = self._consent_box(report.plan)
                row.extra.addWidget(box)
                self._bring_into_view(box)
            elif report.state is StageState.FAILED:
                again = button("Try again from here", self._start, kind="primary")
                row.extra.addWidget(again, 0, Qt.AlignmentFlag.AlignLeft)
                self._bring_into_view(again)
        self._show_password()

    def _show_outcome(self, outcome: Outcome) -> None:
        self.end_text.setText(
            f"{format_alpha(Alpha(outcome.alpha_rao, _NETUID))} at block {block_text(outcome.block)}, "
            f"{took_text(outcome.first_earning_s)} after the start. "
            "The miner goes on earning; close the window if you like."
        )
        self.end.show()
        self._bring_into_view(self.end)

    def _bring_into_view(self, widget: QWidget) -> None:
        """Scroll to the foot of what waits for an answer, as soon as the layout has given it its place."""
        self._wanted, self._wanted_ticks = widget, 2  # for a second or two: places are given in several rounds
        QTimer.singleShot(0, self, self._look_at_wanted)

    def _look_at_wanted(self) -> None:
        if self._wanted_ticks > 0 and self._wanted is not None and isValid(self._wanted):
            self.area.ensureWidgetVisible(self._wanted, 0, 24)

    # --- consent -------------------------------------------------------------------------------------------

    async def _consent(self, plan: Plan) -> bool:
        self._answer = asyncio.get_running_loop().create_future()
        self._offer_start()
        if not self.isVisible():
            self.context.say("The rehearsal waits for your yes to the registration.")
        try:
            return await self._answer
        finally:
            self._answer = None
            self._offer_start()

    def _consent_box(self, plan: Plan) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 8, 0, 4)
        column.setSpacing(12)
        column.addWidget(PlanView(plan))
        row = QHBoxLayout()
        row.addWidget(button("Register", lambda: self._answered(True), kind="primary"))
        row.addWidget(button("Not now", lambda: self._answered(False)))
        row.addStretch(1)
        column.addLayout(row)
        return box

    def _answered(self, yes: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(yes)
