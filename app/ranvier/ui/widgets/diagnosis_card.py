"""Why a miner failed, on one card: the sentence, the lines it rests on, one button with the safe next step."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from ranvier.agent.api.messages import DiagnosisView, MinerView
from ranvier.core.evidence import Level, age_text
from ranvier.miners.states import ShownState
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.text import allow, button, label

_MOST_LINES = 6


class DiagnosisCard(QFrame):
    """``act`` gets (action, subject) of the button; ``show_log`` is asked for by the other one. Hidden without one."""

    def __init__(self, act: Callable[[str, str], None], show_log: Callable[[], None]) -> None:
        super().__init__()
        self.setProperty("role", "diagnosis")
        self._act = act
        self.view: DiagnosisView | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 12, 14, 12)
        row.setSpacing(12)
        self._mark = Mark(size=18)
        side = QVBoxLayout()
        side.addWidget(self._mark)
        side.addStretch(1)
        row.addLayout(side)
        words = QVBoxLayout()
        words.setSpacing(6)
        self.sentence = label("", "strong", wrap=True, copyable=True)
        self.when = label("", "small")
        self.lines = label("", "mono", wrap=True, copyable=True)
        self.step = label("", wrap=True)
        for widget in (self.sentence, self.when, self.lines, self.step):
            words.addWidget(widget)
        row.addLayout(words, 1)
        buttons = QVBoxLayout()
        buttons.setSpacing(6)
        self.button = button("", self._pressed, kind="primary")
        self.log = button("Show in the log", show_log)
        buttons.addWidget(self.button)
        buttons.addWidget(self.log)
        buttons.addStretch(1)
        row.addLayout(buttons)
        self.hide()

    def show_miner(self, miner: MinerView, *, known: bool) -> None:
        """Draw the miner's diagnosis, or hide."""
        found = self.view = miner.diagnosis
        self.setVisible(found is not None)
        if found is None:
            return
        self._mark.set_level(Level.BAD if miner.shown is ShownState.FAILED else Level.WARN)
        self.sentence.setText(found.sentence)
        self.lines.setText("\n".join(found.evidence[:_MOST_LINES]))
        self.lines.setVisible(bool(found.evidence))
        self.step.setText(f"Next step: {found.step}" if found.step else "")
        self.step.setVisible(bool(found.step))
        self.button.setText(found.label)
        self.log.setVisible(found.at is not None)  # of what did not end there is no such place
        self.button.setVisible(bool(found.label) and found.action != "open_log")
        allow(self.button, None if known else "The agent does not answer.", found.step)
        self.tick(time.time())

    def tick(self, now: float) -> None:
        """Bring the ages up to date."""
        found = self.view
        if found is None:
            return
        often = f"Ended {age_text(found.at, now)}"
        if found.ends > 1:
            often = f"{found.ends} times, first {age_text(found.since, now)}, last {age_text(found.at, now)}"
        unsure = "" if found.known else "  ·  no known cause fits, so none is claimed"
        self.when.setText(often + unsure if found.at is not None else unsure.strip(" ·"))
        self.when.setVisible(bool(self.when.text()))

    def _pressed(self) -> None:
        if self.view is not None:
            self._act(self.view.action, self.view.subject)
