"""The history of the chosen miner: asks for the part of time that is shown, and lets the reader choose it."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from ranvier.agent.api.messages import GetMinerHistory, MinerView
from ranvier.core.errors import RanvierError
from ranvier.ui.context import Context
from ranvier.ui.models.miner_history import build
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.miner_history import HistoryView
from ranvier.ui.widgets.text import button, label

_SPANS = (
    ("15 min", 900),
    ("1 h", 3600),
    ("6 h", 21_600),
    ("1 day", 86_400),
    ("1 week", 604_800),
    ("30 days", 2_592_000),
)
_POINTS = 480
_SOON_S, _SELDOM_S = 2.0, 60.0
_SETTLE_S = 0.15
_HINT = "The wheel zooms, dragging moves, a double click follows again."


class HistoryPanel(QWidget):
    """``choose`` a miner; ``polling`` is started and stopped by the page."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._miner: MinerView | None = None
        self._seconds = 3600
        self._part: tuple[float, float] | None = None  # None: follows now
        self._settling = False
        self.view = HistoryView(time.time)
        self.note = label(_HINT, "muted", wrap=True)
        self.spans = {seconds: button(words, partial(self._span, seconds)) for words, seconds in _SPANS}
        self.follow = button("Follow now", self._follow, tip="Go back to the newest readings")
        row = QHBoxLayout()
        row.setSpacing(6)
        for one in self.spans.values():
            one.setCheckable(True)
            row.addWidget(one)
        row.addStretch(1)
        foot = QHBoxLayout()
        foot.addWidget(self.note, 1)
        foot.addWidget(self.follow)
        area = QScrollArea()
        area.setProperty("role", "page")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        holder = QWidget()  # see-through; a widget that paints itself takes its theme from its own background
        holder.setProperty("role", "page-body")
        inside = QVBoxLayout(holder)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.view)
        area.setWidget(holder)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(area, 1)
        column.addLayout(foot)
        self.polling = Polling(context.tasks, "miner history", self._read, self._failed, self._pause)
        self.view.range_wanted.connect(self._look)
        self.view.follow_wanted.connect(self._follow)
        self._draw_choice()

    def choose(self, miner: MinerView) -> None:
        """Show this miner's history."""
        other = self._miner is None or miner.id != self._miner.id
        self._miner = miner
        if other:
            self.view.clear()
            self._ask()

    # --- which time ----------------------------------------------------------------------------------------

    def _span(self, seconds: int) -> None:
        self._seconds, self._part = seconds, None
        self._draw_choice()
        self._ask()

    def _follow(self) -> None:
        self._span(self._seconds)

    def _look(self, start: float, end: float) -> None:
        """A part was chosen with the wheel or by dragging: asked for once that has settled."""
        self._part = (start, end)
        self._draw_choice()
        self._settling = True
        self._ask()

    def _draw_choice(self) -> None:
        for seconds, one in self.spans.items():
            one.setChecked(self._part is None and seconds == self._seconds)
        self.follow.setVisible(self._part is not None)

    # --- asking --------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        if self.polling.running:
            self.polling.now()

    def _pause(self) -> float:
        """As often as a new point may come; a part of the past changes no more."""
        return _SELDOM_S if self._part is not None else min(max(_SOON_S, self._seconds / _POINTS), _SELDOM_S)

    def _failed(self, error: RanvierError) -> None:
        self.note.setText(error.message)

    async def _read(self) -> None:
        if self._settling:
            await asyncio.sleep(_SETTLE_S)
            self._settling = False
        miner, part = self._miner, self._part
        if miner is None:
            return
        start, end = part if part is not None else (time.time() - self._seconds, None)
        told = await self._context.client.call(GetMinerHistory(miner.id, start, end, _POINTS))
        if self._miner is None or miner.id != self._miner.id or part != self._part:
            return
        self.view.show_lines(build(miner, told))
        self.note.setText(_HINT)
