"""The header: on which network this is, how old the newest block is, and whether the agent is there."""

from __future__ import annotations

import time

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ranvier.agent.api.messages import AgentStatus
from ranvier.core.evidence import Level, age_text
from ranvier.ui.phrases import NETWORK_WORDS
from ranvier.ui.theme import colours_of
from ranvier.ui.widgets.badge import Badge
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import UNKNOWN, block_text

_STALE_S = {"sandbox": 15.0}  # with no block for this long the age is a warning; real networks: 12-s blocks
_STALE_OTHERS_S = 60.0


class Band(QWidget):
    """The strip in the network's colour; diagonal stripes for the sandbox, so that it is never mistaken."""

    def __init__(self) -> None:
        super().__init__()
        self.network = ""
        self.setFixedHeight(6)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(colours_of(self).network(self.network))
        painter.fillRect(self.rect(), colour)
        if self.network == "sandbox":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours_of(self).surface))
            height = self.height()
            for left in range(-height, self.width(), 20):
                corners = [(left, height), (left + height, 0), (left + height + 9, 0), (left + 9, height)]
                painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
        painter.end()


class NetworkChip(QWidget):
    """The network's name on its colour."""

    def __init__(self, network: str = "") -> None:
        super().__init__()
        self.network = ""
        self.text = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        font = self.font()
        font.setBold(True)
        self.setFont(font)
        self.show_network(network)

    def show_network(self, network: str) -> None:
        self.network = network
        self.text = NETWORK_WORDS.get(network, network.upper() or "NO NETWORK CHOSEN")
        self.setAccessibleName(f"Network: {self.text}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text) + 24, metrics.height() + 10)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = colours_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.network(self.network)))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setPen(QColor(colours.on_network))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text)
        painter.end()


class Header(QFrame):
    """Draws from ``AgentStatus`` alone; what was not heard for a while says so. A sandbox that is off can be started
    from here: ``sandbox_wanted``; an agent that nobody starts by himself too: ``agent_wanted``."""

    sandbox_wanted = Signal()
    agent_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "header")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.band = Band()
        column.addWidget(self.band)
        row = QHBoxLayout()
        row.setContentsMargins(28, 9, 28, 9)
        row.setSpacing(12)
        self.chip = NetworkChip()
        self.block = label()
        self.age = label(role="muted")
        self.chain = Badge()
        self.agent = Badge()
        for widget in (self.chip, self.block, self.age):
            row.addWidget(widget)
        row.addStretch(1)
        tip = "The practice network goes on where it was stopped."
        self.start_sandbox = button("Start sandbox", self.sandbox_wanted.emit, kind="small", tip=tip)
        self.start_sandbox.hide()
        self.start_agent = button("", self.agent_wanted.emit, kind="small")
        self.start_agent.hide()
        for one in (self.start_sandbox, self.chain, self.start_agent, self.agent):
            row.addWidget(one)
        column.addLayout(row)
        self._status: AgentStatus | None = None
        self.show_network("")
        self.show_agent(Level.UNKNOWN, "Agent: not asked yet")
        self.chain.hide()

    def show_network(self, network: str) -> None:
        """The chosen network, before the agent has said anything."""
        self.band.network = network
        self.band.update()
        self.chip.show_network(network)

    def show_status(self, status: AgentStatus) -> None:
        self._status = status
        if status.chain.network:
            self.show_network(status.chain.network)
        self.show_agent(Level.GOOD, "Agent running", status.at, f"Agent {status.version}, process {status.pid}")
        chain = status.chain
        self.chain.setVisible(bool(chain.network))
        tip = f"{chain.text}\n{chain.endpoint or 'no endpoint'}"
        self.chain.show_level(chain.level, _CHAIN_WORDS[chain.level], chain.head_seen_at, tip)
        self.start_sandbox.setVisible(chain.network == "sandbox" and chain.level is Level.OFF)
        self.chip.setToolTip(f"Endpoint: {chain.endpoint or UNKNOWN}")
        self.tick(time.time())

    def show_agent(self, level: Level, text: str, seen_at: float | None = None, detail: str = "") -> None:
        """The state of the connection to the agent."""
        self.agent.show_level(level, text, seen_at, detail)

    def offer_agent(self, action: str) -> None:
        """A button for the agent, which stays when the message that told of it was closed; empty hides it. Meanwhile
        nothing is known of the network: that badge gives its room to the button, and comes back with the next status.
        """
        self.start_agent.setText(action)
        self.start_agent.setVisible(bool(action))
        if action:
            self.chain.hide()

    def agent_lost(self, reason: str) -> None:
        """Nothing is heard any more: what was known is kept, and its age goes on counting."""
        seen = self._status.at if self._status is not None else None
        self.show_agent(Level.BAD, "Agent not running", seen, reason)
        self.start_sandbox.hide()
        if self._status is not None:
            self.chain.show_level(Level.UNKNOWN, "Network unknown", self._status.chain.head_seen_at, reason)

    def tick(self, now: float) -> None:
        """Ages."""
        chain = self._status.chain if self._status is not None else None
        if chain is None or chain.head is None:
            self.block.setText("")
            self.age.setText("no block seen yet" if chain is not None and chain.network else "")
        else:
            self.block.setText(f"Block {block_text(chain.head.number)}")
            self.block.setToolTip(f"{chain.head.hash}\nfrom {chain.endpoint or UNKNOWN}")
            age = age_text(chain.head_seen_at, now)
            limit = _STALE_S.get(chain.network, _STALE_OTHERS_S)
            stale = chain.head_seen_at is None or now - chain.head_seen_at > limit
            self.age.setText(f"{age}, no new block" if stale else age)
        self.chain.tick(now)
        self.agent.tick(now)


_CHAIN_WORDS = {
    Level.GOOD: "Network connected",
    Level.BUSY: "Network connecting",
    Level.WARN: "Network slow",
    Level.BAD: "Network unreachable",
    Level.UNKNOWN: "Network unknown",
    Level.OFF: "Network off",
}
