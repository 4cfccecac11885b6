"""One miner in full: what can be done with it, its evidence, its facts, how it ended before."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from ranvier.agent.api.messages import (
    InstallMiner,
    MinerView,
    PublishAxon,
    RestartMiner,
    StartMiner,
    StopMiner,
    UndoUpdate,
    UpdateMiner,
)
from ranvier.agent.miners.miner_file import PRACTICE_IP
from ranvier.core.evidence import Level, age_text
from ranvier.ledger.miner_sample import MinerSample
from ranvier.miners.status import ExitRecord
from ranvier.rehearsal.practice import AXON_WHY
from ranvier.ui.models.miners import restarts_text, since_text, used_text
from ranvier.ui.phrases import (
    EVIDENCE_NAMES,
    alpha_text,
    exit_text,
    level_of,
    restart_refusal,
    seat_words,
    start_refusal,
    start_words,
    state_words,
    stop_refusal,
)
from ranvier.ui.widgets.badge import Badge
from ranvier.ui.widgets.evidence import EvidenceList
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.text import allow, button, label, restyle
from ranvier.ui.words import UNKNOWN, block_text, percent_text, rate_text, short_address, size_text

Command = StartMiner | StopMiner | RestartMiner | InstallMiner | PublishAxon | UpdateMiner | UndoUpdate

_EXITS = 5


class MinerHead(QWidget):
    """Name, state and buttons. A grey button's tooltip says why it is grey."""

    def __init__(
        self,
        send: Callable[[Command], None],
        act: Callable[[str], None],
        remove: Callable[[], None],
    ) -> None:
        super().__init__()
        self._send = send
        self._miner: MinerView | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.name = label("", "heading")
        self.badge = Badge()
        row.addWidget(self.name)
        row.addWidget(self.badge)
        row.addStretch(1)
        self.install = button("Install", lambda: self._act(InstallMiner))
        self.start = button("Start", lambda: self._act(StartMiner))
        self.stop = button("Stop", lambda: self._act(StopMiner))
        self.restart = button("Restart", lambda: self._act(RestartMiner))
        self.change = button("Change…", lambda: act("edit_miner"))
        self.more = button("More")
        menu = QMenu(self.more)
        menu.setToolTipsVisible(True)  # a grey entry says why
        self.update_action = menu.addAction("Update", lambda: self._act(UpdateMiner))
        self.back = menu.addAction("Undo update", lambda: self._act(UndoUpdate))
        self.publish = menu.addAction("Publish axon", lambda: self._publish(act))
        menu.addSeparator()
        self.recipe = menu.addAction("Recipe…", lambda: act("edit_recipe"))
        self.renew = menu.addAction("Make its environment anew", lambda: act("reinstall"))
        self.secrets = menu.addAction("Secrets…", lambda: act("set_secret"))
        self.register = menu.addAction("Register its hotkey…", lambda: act("register"))
        menu.addSeparator()
        self.remove = menu.addAction("Remove…", remove)
        self.more.setMenu(menu)
        self.buttons = (self.install, self.start, self.stop, self.restart, self.change, self.more)
        for widget in self.buttons:
            row.addWidget(widget)

    def show_miner(self, miner: MinerView, *, known: bool) -> None:
        self._miner = miner
        self.name.setText(miner.name)
        seen = max((e.seen_at for e in miner.evidence if e.seen_at is not None), default=None)
        if known:
            self.badge.show_level(level_of(miner), state_words(miner), miner.shown_at or seen, miner.reason)
        else:
            self.badge.show_level(Level.UNKNOWN, "Unknown", seen, "The agent does not answer")
        self.install.setVisible(not miner.installed)
        absent = None if known else "The agent does not answer."
        allow(self.install, absent, "Make its environment; a broken download goes on where it stopped")
        self.start.setText(start_words(miner))
        allow(self.start, absent or start_refusal(miner), "Run it, now and after every restart of this machine")
        allow(self.stop, absent or stop_refusal(miner))
        allow(self.restart, absent or restart_refusal(miner))
        unserved = "It has no port yet; start it first." if miner.axon_port is None else None
        seatless = "Its hotkey has no seat on the subnet yet." if miner.neuron is None else None
        allow(self.publish, absent or unserved or seatless, "Tell the chain again where this miner serves")
        allow(self.remove, absent, "Stop it and forget it")
        allow(self.change, absent, "Its port and its cards")
        allow(self.more, None, "Its recipe, environment, secrets and seat; update it, remove it")
        allow(self.secrets, absent, "Tokens and keys that its program needs")
        allow(self.recipe, absent, "Its command, packages and checks; a correction is tried, and goes back by itself")
        seat = None if miner.neuron is None else f"It has a seat already: uid {miner.neuron.uid}."
        allow(self.register, absent or seat, "Pay for a seat on its subnet; you see what it costs before you sign")
        version = miner.version
        trying = f"Version {version.number} is still being tried." if version.trial_since is not None else None
        uninstalled = None if miner.installed else "It is not installed yet."
        allow(
            self.update_action,
            absent or trying or uninstalled,
            "Make a new version from its recipe as it is now, and try it; what does not get healthy is taken back",
        )
        allow(
            self.renew,
            absent or trying or uninstalled,
            "Fetch every package again, without what is kept of earlier downloads, and try it",
        )
        self.back.setVisible(version.previous is not None)
        allow(self.back, absent, f"Use version {version.previous} again")

    def wait(self, waiting: bool) -> None:
        """While a command is under way."""
        if waiting:
            for widget in self.buttons:
                allow(widget, "The agent is carrying out the last command.")

    def _publish(self, act: Callable[[str], None]) -> None:
        """On the sandbox nothing is to be asked; elsewhere an address, and a plan comes first."""
        if self._miner is not None and self._miner.network != "sandbox":
            act("publish_axon")
        else:
            self._act(PublishAxon)

    def _act(self, command: type[Command]) -> None:
        if self._miner is not None:
            self._send(command(self._miner.id))


class MinerDetail(QWidget):
    """Evidence with ages, facts with units, the last exits in words. ``between`` stands after the evidence."""

    def __init__(self, between: QWidget | None = None) -> None:
        super().__init__()
        self._miner: MinerView | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(10)
        column.addWidget(label("Evidence", "heading"))
        self.evidence = EvidenceList(EVIDENCE_NAMES)
        column.addWidget(self.evidence)
        if between is not None:
            column.addWidget(between)
        column.addSpacing(4)
        column.addWidget(label("Facts", "heading"))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(1, 1)
        self.values: dict[str, QWidget] = {}
        column.addLayout(self._grid)
        column.addSpacing(4)
        column.addWidget(label("How it ended before", "heading"))
        self._exits = QVBoxLayout()
        self._exits.setSpacing(5)
        column.addLayout(self._exits)
        self._shown_exits: tuple[ExitRecord, ...] | None = None
        column.addStretch(1)

    def show_miner(self, miner: MinerView, *, known: bool) -> None:
        self._miner = miner
        self.evidence.show_evidence(miner.evidence, known=known)
        for name, text, tip in _facts(miner, time.time()):
            value = self.values.get(name) or self._fact(name)
            value.setProperty("text", text)
            value.setToolTip(tip)
            restyle(value, "role", "muted" if text == UNKNOWN else "")
        if miner.exits != self._shown_exits:
            self._show_exits(miner.exits)

    def tick(self, now: float) -> None:
        if self._miner is not None and "Running for" in self.values:
            self.values["Running for"].setProperty("text", since_text(self._miner, now))

    def _fact(self, name: str) -> QWidget:
        row = self._grid.rowCount()
        value = label("", wrap=True, copyable=True)
        self._grid.addWidget(label(name, "muted"), row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(value, row, 1)
        self.values[name] = value
        return value

    def _show_exits(self, exits: Sequence[ExitRecord]) -> None:
        self._shown_exits = tuple(exits)
        clear(self._exits)
        now = time.time()
        for record in sorted(exits, key=lambda e: e.at, reverse=True)[:_EXITS]:
            self._exits.addWidget(label(f"{age_text(record.at, now)}: {exit_text(record)}", wrap=True, copyable=True))
        if not exits:
            self._exits.addWidget(label("It has not ended yet.", "muted"))


def _used(miner: MinerView) -> list[tuple[str, str, str]]:
    used = miner.reading or MinerSample(0.0)
    disk = network = UNKNOWN
    if used.read_bps is not None or used.write_bps is not None:
        disk = f"reads {rate_text(used.read_bps)}, writes {rate_text(used.write_bps)}"
    if used.received_bps is not None:
        network = f"{rate_text(used.received_bps)} in, {rate_text(used.sent_bps)} out"
    found = [
        ("CPU", percent_text(miner.cpu_percent) + (" of one core" if miner.cpu_percent is not None else ""), ""),
        ("Memory", size_text(miner.rss), "Resident memory of all its processes"),
        ("GPU memory", size_text(miner.gpu_memory), "Memory of its processes on all GPUs"),
        ("GPU", percent_text(used.gpu_percent), "The busiest of its cards, with whoever else is on it"),
        ("Disk", disk, "All its processes together"),
        ("Network", network, "Known for a program in a network of its own, as in a container"),
    ]
    return [(name, used_text(miner, text), tip) for name, text, tip in found]


def _facts(miner: MinerView, now: float) -> list[tuple[str, str, str]]:
    """(name, text, tooltip) for everything that is known or unknown about a miner."""
    neuron = miner.neuron
    none = seat_words(miner)
    seat = none if neuron is None else f"uid {neuron.uid}, since block {block_text(neuron.registered_block)}"
    immune = none if neuron is None else f"until block {block_text(neuron.immune_until_block)}"
    incentive = none if neuron is None else f"{neuron.incentive / 65535 * 100:.2f} %"
    axon = none if neuron is None else "not published"
    if neuron is not None and neuron.axon is not None:
        axon = f"{neuron.axon.ip}:{neuron.axon.port}, since block {block_text(neuron.axon.block)}"
        if miner.network == "sandbox" and neuron.axon.ip == PRACTICE_IP:
            axon += f". {AXON_WHY}"
    answered = UNKNOWN if miner.queries_answered is None else f"{miner.queries_answered} answered"
    if miner.queries_answered:
        answered += f", the last {age_text(miner.last_query_at, now)}"
    paid = f"block {block_text(miner.last_paid_block)}" if miner.last_paid_block is not None else "not yet seen"
    version = f"{miner.version.number}, being tried" if miner.version.trial_since is not None else miner.version.number
    cards = ", ".join(short_address(uuid) for uuid in miner.gpus) or "no choice made"
    return [
        ("State", f"{state_words(miner)}{f': {miner.reason}' if miner.reason else ''}", ""),
        ("Running for", since_text(miner, now), f"Process {miner.pid}" if miner.pid is not None else ""),
        *_used(miner),
        ("Restarts", restarts_text(miner), ""),
        ("Queries", answered, ""),
        ("Earned today", alpha_text(miner.earned_today_rao, miner.netuid, 9), ""),
        ("Earned in 7 days", alpha_text(miner.earned_7d_rao, miner.netuid, 9), ""),
        ("Last paid", paid, ""),
        ("Subnet", f"{miner.netuid} on {miner.network}", ""),
        ("Seat", seat, ""),
        ("Immune", immune, "Until then it cannot be replaced by a newcomer"),
        ("Incentive", incentive, "Its share of what the subnet pays to miners"),
        ("Axon on the chain", axon, ""),
        ("Serves on port", UNKNOWN if miner.axon_port is None else str(miner.axon_port), ""),
        ("Hotkey", short_address(miner.hotkey_ss58), miner.hotkey_ss58),
        ("Coldkey", short_address(miner.coldkey_ss58), miner.coldkey_ss58),
        ("Cards", cards, "\n".join(miner.gpus) or "It sees all cards, and shares them"),
        ("Recipe", miner.recipe, ""),
        ("Version", f"{version}" + (f". {miner.version.note}" if miner.version.note else ""), ""),
    ]
