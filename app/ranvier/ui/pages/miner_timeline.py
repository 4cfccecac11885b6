"""The time line of the chosen miner: asks for its parts now and then, and lets the reader choose how far back."""

from __future__ import annotations

import time
from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ranvier.agent.messages import GetEarnings, GetHardwareHistory, GetTimeline, MinerView
from ranvier.core.errors import RanvierError
from ranvier.ui.context import Context
from ranvier.ui.models.timeline import build
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.text import button, label
from ranvier.ui.widgets.timeline import TimelineView

_EVERY_S = 5.0
_SPANS = (("15 min", 900), ("1 h", 3600), ("6 h", 21_600), ("1 day", 86_400), ("7 days", 604_800))
_MOST_ROWS = 5000


class TimelinePanel(QWidget):
    """``choose`` a miner; ``polling`` is started and stopped by the page."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._miner: MinerView | None = None
        self._seconds = 3600
        self.view = TimelineView()
        self.note = label("", "muted", wrap=True)
        self.spans = {seconds: button(words, partial(self._span, seconds)) for words, seconds in _SPANS}
        row = QHBoxLayout()
        row.setSpacing(6)
        for one in self.spans.values():
            one.setCheckable(True)
            row.addWidget(one)
        row.addStretch(1)
        row.addWidget(self.note)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.view, 1)
        self.polling = Polling(context.tasks, "time line", self._read, self._failed, lambda: _EVERY_S)
        self.spans[self._seconds].setChecked(True)

    def choose(self, miner: MinerView) -> None:
        """Show this miner's time line."""
        other = self._miner is None or miner.id != self._miner.id
        self._miner = miner
        if other and self.polling.running:
            self.polling.now()

    def _span(self, seconds: int) -> None:
        self._seconds = seconds
        for one, widget in self.spans.items():
            widget.setChecked(one == seconds)
        if self.polling.running:
            self.polling.now()

    def _failed(self, error: RanvierError) -> None:
        self.note.setText(error.message)

    async def _read(self) -> None:
        miner, seconds = self._miner, self._seconds
        if miner is None:
            return
        now = time.time()
        call = self._context.client.call
        told = await call(GetTimeline(miner.id, seconds))
        samples = (await call(GetHardwareHistory(seconds))).samples
        note = ""
        try:
            since = int((now - seconds) * 1000)
            rows = (
                await call(GetEarnings("epoch", since_ms=since, hotkey_ss58=miner.hotkey_ss58, limit=_MOST_ROWS))
            ).rows
        except RanvierError as error:  # no ledger: the rest is still worth seeing
            rows, note = (), f"pay is not known: {error.message}"
        if self._miner is None or miner.id != self._miner.id:
            return
        lines = build(miner, told, rows, samples, now - seconds, now)
        self.view.show_lines(lines)
        self.note.setText(note)
