"""Overview: each miner with its evidence, what was earned, what needs the owner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.agent.api.messages import AgentStatus, Attention, MinerView, StartMiner, StopMiner
from ranvier.core.evidence import Level
from ranvier.miners.status import MinerState
from ranvier.ui.context import Context
from ranvier.ui.header import NetworkChip
from ranvier.ui.phrases import (
    EVIDENCE_NAMES,
    alpha_sums,
    alpha_text,
    level_of,
    seat_words,
    start_refusal,
    state_words,
    stop_refusal,
)
from ranvier.ui.widgets.badge import Badge
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.evidence import EvidenceList
from ranvier.ui.widgets.figures import Figure, FigureRow
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.page import Page, clear
from ranvier.ui.widgets.text import allow, button, label, line
from ranvier.ui.words import UNKNOWN, count_text, short_address

_TWO_COLUMNS_FROM = 900
_NONE_HERE = "no miner on this network"


_LOST = Attention(
    Level.UNKNOWN, "The agent does not answer", "Nobody watches now. What is shown below is what it said last."
)


class MinerCard(Card):
    """One miner: state, evidence with ages, earnings, start and stop."""

    def __init__(self, context: Context, miner: MinerView) -> None:
        super().__init__(miner.name)
        self._context = context
        self.miner = miner
        self.badge = Badge()
        self.chip = NetworkChip()
        self.chip.hide()
        self.add_to_header(self.chip)
        self.add_to_header(self.badge)
        self._about = label("", "muted")
        self.evidence = EvidenceList(EVIDENCE_NAMES)
        self.today, self.week = label(copyable=True), label(copyable=True)
        self.start = button("Start", lambda: self._send(StartMiner(self.miner.id), "start miner"))
        self.stop = button("Stop", lambda: self._send(StopMiner(self.miner.id), "stop miner"))
        self.add(self._about)
        self.add(self.evidence)
        self.body.addStretch(1)
        self.add(line())
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addLayout(self._earned())
        row.addStretch(1)
        self.details = button("Details", partial(context.go, f"miners/{miner.id}"), kind="quiet")
        for widget in (self.details, self.start, self.stop):
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignBottom)
        self.body.addLayout(row)
        self.show_miner(miner)

    def _earned(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        for row, (name, value) in enumerate((("Today", self.today), ("7 days", self.week))):
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(label(name, "muted"), row, 0)
            grid.addWidget(value, row, 1)
        return grid

    def show_miner(self, miner: MinerView, *, known: bool = True) -> None:
        """Draw ``miner``; with ``known`` False it is what was heard last and nothing of it is sure."""
        self.miner = miner
        self.set_title(miner.name)
        seen = max((e.seen_at for e in miner.evidence if e.seen_at is not None), default=None)
        if known:
            self.badge.show_level(level_of(miner), state_words(miner), seen)
        else:
            self.badge.show_level(Level.UNKNOWN, "Unknown", seen, "The agent does not answer")
        seat = seat_words(miner)
        uid = f"uid {miner.neuron.uid}" if miner.neuron is not None else f"uid {seat}" if seat == UNKNOWN else seat
        self._about.setText(f"Subnet {miner.netuid} · {uid} · hotkey {short_address(miner.hotkey_ss58)}")
        self._about.setToolTip(f"Hotkey {miner.hotkey_ss58}\nColdkey {miner.coldkey_ss58}\nRecipe {miner.recipe}")
        self.evidence.show_evidence(miner.evidence, known=known)
        self.today.setText(alpha_text(miner.earned_today_rao, miner.netuid))
        self.week.setText(alpha_text(miner.earned_7d_rao, miner.netuid))
        absent = None if known else "The agent does not answer."
        allow(self.start, absent or start_refusal(miner))
        allow(self.stop, absent or stop_refusal(miner))

    def show_network(self, other: str) -> None:
        """The miner's network where it is not the one that the window works on; empty hides it."""
        self.chip.show_network(other)
        self.chip.setVisible(bool(other))

    def _send(self, command: StartMiner | StopMiner, name: str) -> None:
        self._context.run(self._context.client.call(command), name)


class AttentionCard(Card):
    """What needs the owner, worst first, each with its next step."""

    def __init__(self, context: Context) -> None:
        super().__init__("Needs attention", spacing=12)
        self._context = context
        self._shown: tuple[Attention, ...] | None = None

    def show_items(self, items: Sequence[Attention]) -> None:
        items = tuple(items)
        self.setVisible(bool(items))
        if items == self._shown:
            return
        self._shown = items
        clear(self.body)
        for item in items:
            row = QHBoxLayout()
            row.setSpacing(10)
            row.addWidget(Mark(item.level, 16), 0, Qt.AlignmentFlag.AlignTop)
            words = QVBoxLayout()
            words.setSpacing(1)
            title = label(item.title)
            font = title.font()
            font.setBold(True)
            title.setFont(font)
            words.addWidget(title)
            words.addWidget(label(item.text, "muted", wrap=True, copyable=True))
            words.addStretch(1)
            row.addLayout(words, 1)
            place = item.page if item.miner_id is None else f"miners/{item.miner_id}"
            if place:
                show = button("Show", partial(self._context.go, place))
                row.addWidget(show, 0, Qt.AlignmentFlag.AlignTop)
            self.body.addLayout(row)


class OverviewPage(Page):
    """Draws from ``AgentStatus`` alone."""

    key = "overview"
    title = "Overview"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._status: AgentStatus | None = None
        self.rehearse = button("Rehearsal", lambda: context.go("rehearsal"))
        self.rehearse.hide()
        self.add_action(self.rehearse)
        self.attention = AttentionCard(context)
        self.attention.hide()
        self.totals = Card()
        self.today, self.week, self.running = (
            Figure("Earned today"),
            Figure("Earned in 7 days"),
            Figure("Miners running"),
        )
        self.totals.add(FigureRow((self.today, self.week, self.running), spacing=36))
        self.totals.hide()
        self.empty = EmptyState("Waiting for the agent", "What it knows appears here.")
        self.cards: dict[str, MinerCard] = {}
        self._grid_holder = QWidget()
        self._grid = QGridLayout(self._grid_holder)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(14)
        for widget in (self.attention, self.totals, self._grid_holder):
            self.add(widget)
        self.add(self.empty, 1)
        self.content.addStretch(1)
        self._stretch = self.content.count() - 1
        context.bridge.status.connect(self._show_status)
        context.bridge.agent_lost.connect(self._agent_lost)
        if context.bridge.latest is not None:
            self._show_status(context.bridge.latest)

    def _show_status(self, status: AgentStatus) -> None:
        self._status = status
        self.attention.show_items(status.attention)
        miners = status.miners
        self.totals.setVisible(bool(miners))
        self._grid_holder.setVisible(bool(miners))
        self.empty.setVisible(not miners)
        self.content.setStretch(self._stretch, 1 if miners else 0)
        sandbox = status.chain.network == "sandbox"
        self.rehearse.setVisible(sandbox and bool(miners))
        if not miners:
            self._show_empty(sandbox)
        # Alpha of another network is another currency, even where the subnet's number is the same.
        here = [m for m in miners if m.network == status.chain.network]
        today, today_unknown = alpha_sums((m.netuid, m.earned_today_rao) for m in here)
        week, week_unknown = alpha_sums((m.netuid, m.earned_7d_rao) for m in here)
        for figure, text, unknown in ((self.today, today, today_unknown), (self.week, week, week_unknown)):
            figure.show_value(text if here else "–", _without(unknown) if text else "" if here else _NONE_HERE)
        running = sum(m.state is MinerState.RUNNING for m in miners)
        unknown = sum(m.state is MinerState.UNKNOWN for m in miners)
        self.running.show_value(f"{running} of {len(miners)}", f"{unknown} unknown" if unknown else "")
        self._show_cards(miners, status.chain.network)

    def _show_cards(self, miners: Sequence[MinerView], network: str) -> None:
        if [miner.id for miner in miners] != list(self.cards):
            clear(self._grid)
            self.cards = {miner.id: MinerCard(self.context, miner) for miner in miners}
            self._arrange()
        for miner in miners:
            self.cards[miner.id].show_miner(miner)
            self.cards[miner.id].show_network("" if miner.network == network else miner.network)

    def _show_empty(self, sandbox: bool) -> None:
        if sandbox:
            self._set_empty(
                "No miner yet",
                "The rehearsal takes a node through its whole life on this machine, with play money: "
                "wallet, registration, miner, first query, first earnings.",
                "Go to the rehearsal",
                "rehearsal",
            )
        else:
            self._set_empty(
                "No miner yet", "Add a miner from a recipe, with a wallet of yours.", "Add a miner", "miners"
            )

    def _set_empty(self, title: str, text: str, action: str, key: str) -> None:
        self.empty.set_text(title, text)
        self.empty.set_action(action, lambda: self.context.go(key))

    def _agent_lost(self, _reason: str) -> None:
        if self._status is None:
            return
        for miner in self._status.miners:
            self.cards[miner.id].show_miner(miner, known=False)
        self.attention.show_items((_LOST,))  # what needed attention, and when it is tried again, is not known now
        self.running.show_value(None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """One or two columns of equal width, by the room there is."""
        columns = 2 if self.width() >= _TWO_COLUMNS_FROM and len(self.cards) > 1 else 1
        for place, card in enumerate(self.cards.values()):
            self._grid.addWidget(card, place // columns, place % columns)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1 if columns == 2 else 0)


def _without(unknown: int) -> str:
    return f"without {count_text(unknown, 'miner')} whose earnings are unknown" if unknown else ""
