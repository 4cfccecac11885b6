"""The custody check on the Wallets page: each finding with its level, what can happen, and the button that fixes it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.core import evidence
from ranvier.keys.custody import FIX_WORDS, Finding, Fix, Level
from ranvier.ui.widgets.badge import Badge
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.page import Body, clear, scroll_area
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import count_text

LEVELS = {Level.DANGER: evidence.Level.BAD, Level.WARNING: evidence.Level.WARN, Level.NOTE: evidence.Level.UNKNOWN}
_TITLES = {
    Level.DANGER: ("Danger", "Keys or funds can be lost now."),
    Level.WARNING: ("Warning", "A risk that is better ended soon."),
    Level.NOTE: ("Worth knowing", "Nothing urgent."),
}
_DETAILED = {
    # A button is short; its tooltip says the whole of it.
    Fix.EXPORT_FOR_MINER: "Export for a miner…",
    Fix.MAKE_WATCH_ONLY: "Make watch-only…",
    Fix.MAKE_PRIVATE: "Allow only yourself",
    Fix.MOVE_FOLDER: "Choose another folder…",
    Fix.ENCRYPT_COLDKEY: "Encrypt it…",
    Fix.RESTORE_PUBLIC: "Write the public file",
    Fix.SEPARATE_HOTKEYS: "Add another hotkey…",
    Fix.MOVE_AWAY: "Show the file",
    Fix.CHANGE_PASSWORD: "New password…",
    Fix.RESTORE_DRILL: "Restore drill…",
    Fix.LOOK: "Look at the wallet",
}


def summary(findings: Sequence[Finding]) -> str:
    """``1 danger, 2 warnings, 1 note``; what is not there is left out."""
    counts = [
        (sum(f.level is level for f in findings), one)
        for level, one in ((Level.DANGER, "danger"), (Level.WARNING, "warning"), (Level.NOTE, "note"))
    ]
    return ", ".join(count_text(number, one) for number, one in counts if number) or "nothing found"


class CustodyView(QWidget):
    """``fix_wanted`` carries the finding whose button was pressed."""

    fix_wanted = Signal(object)
    back_wanted = Signal()
    again_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.findings: tuple[Finding, ...] | None = None
        self.buttons: list[tuple[Finding, QWidget]] = []
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(12)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(button("← Wallets", self.back_wanted.emit, kind="quiet"))
        head.addWidget(label("Custody check", "heading"))
        self.badge = Badge()
        head.addWidget(self.badge)
        head.addStretch(1)
        self.when = label("", "small")
        head.addWidget(self.when)
        head.addWidget(button("Check again", self.again_wanted.emit))
        outer.addLayout(head)
        body = Body()
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(14)
        outer.addWidget(scroll_area(body), 1)

    def show_findings(self, findings: Sequence[Finding], at: float) -> None:
        """Show these; nothing is drawn again while they are the same."""
        self.when.setText(f"Checked at {datetime.datetime.fromtimestamp(at).astimezone():%H:%M:%S}")
        if self.findings == tuple(findings):
            return
        self.findings = tuple(findings)
        worst = min((list(Level).index(f.level) for f in findings), default=None)
        level = evidence.Level.GOOD if worst is None else LEVELS[list(Level)[worst]]
        self.badge.show_level(level, summary(findings), at)
        clear(self._column)
        self.buttons = []
        if not findings:
            self._column.addWidget(_nothing())
        for kind in Level:
            found = [finding for finding in findings if finding.level is kind]
            if found:
                self._column.addWidget(self._group(kind, found))
        self._column.addStretch(1)

    def _group(self, kind: Level, findings: Sequence[Finding]) -> Card:
        title, meaning = _TITLES[kind]
        card = Card(title, spacing=14)
        card.add_to_header(label(meaning, "muted"))
        for place, finding in enumerate(findings):
            if place:
                rule = QFrame()
                rule.setProperty("role", "line")
                card.add(rule)
            card.add(self._row(finding))
        return card

    def _row(self, finding: Finding) -> QWidget:
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(Mark(LEVELS[finding.level], size=16), 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(3)
        what = label(finding.what, wrap=True, copyable=True)
        font = what.font()
        font.setBold(True)
        what.setFont(font)
        words.addWidget(what)
        words.addWidget(label(finding.why, "muted", wrap=True))
        if str(finding.path) not in finding.what:
            words.addWidget(label(str(finding.path), "small", wrap=True, copyable=True))
        row.addLayout(words, 1)
        if finding.fix is not None:
            fix = button(_DETAILED[finding.fix], lambda: self.fix_wanted.emit(finding), tip=FIX_WORDS[finding.fix])
            fix.setMinimumWidth(170)
            self.buttons.append((finding, fix))
            row.addWidget(fix, 0, Qt.AlignmentFlag.AlignTop)
        return widget


def _nothing() -> Card:
    card = Card("Nothing found")
    text = (
        "Looked at: who may read the key files, whether they are encrypted and sound, whether coldkeys lie where "
        "miners run, hotkeys used twice, folders that are copied to a cloud, phrases in files nearby, and backups "
        "that were never verified."
    )
    card.add(label(text, "muted", wrap=True))
    return card
