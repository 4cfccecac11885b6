"""A transaction before it is signed, in words: what, on which network, what it costs, what may surprise."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.chain.model import Plan
from ranvier.chain.plans.wording import meaning_of, plan_rows
from ranvier.chain.policy import Verdict, retyped
from ranvier.core.evidence import Level
from ranvier.core.units import Tao, format_rao, parse_rao
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.header import NetworkChip
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.text import label, line
from ranvier.ui.words import breakable, grouped_address, short_hash

_KINDS = {"Spends, with fee": "strong", "Signed by": "mono"}


class PlanView(QWidget):
    """The plan itself, without buttons, so that a dialog and the rehearsal page show the same thing."""

    def __init__(self, plan: Plan, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plan = plan
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(label(plan.title, "heading", wrap=True), 1)
        chip = NetworkChip()
        chip.show_network(plan.network)
        head.addWidget(chip, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(head)
        layout.addWidget(line())
        layout.addLayout(self._facts())
        if plan.lacks:
            layout.addLayout(warning_row(plan.lacks, Level.BAD))
        for warning in plan.warnings:
            layout.addLayout(warning_row(warning))

    def _facts(self) -> QGridLayout:
        plan = self.plan
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for place, (name, value) in enumerate(plan_rows(plan)):
            kind = _KINDS.get(name, "")
            if name == "Signed by":
                value = grouped_address(value)
            elif name == "Network checked":
                value = value.replace(plan.genesis_hash, short_hash(plan.genesis_hash))
            text = label(
                breakable(value),
                "mono" if kind == "mono" else "",
                wrap=True,
                copyable=True,
            )
            if kind == "strong":
                font = text.font()
                font.setBold(True)
                text.setFont(font)
            grid.addWidget(label(name, "muted"), place, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(text, place, 1)
        return grid


class PlanDialog(Dialog):
    """Shows a plan and asks for a yes. Enter alone never spends: Cancel is the default button, unless the amount must
    be typed first; Enter after that means yes, and is refused while it is another amount.

    ``verdict`` is what the user's own limits say: with refusals there is nothing to agree to, and above a limit the
    amount must be typed again, to the rao.
    """

    def __init__(
        self, parent: QWidget, plan: Plan, *, yes: str = "Sign and send", verdict: Verdict | None = None
    ) -> None:
        super().__init__(parent, "Check before signing", yes=yes)
        self.setMinimumWidth(660)
        self._verdict = verdict or Verdict((), None)
        self.again: Field | None = None
        self.body.addWidget(PlanView(plan))
        self.body.addWidget(label(meaning_of(plan.network), "muted", wrap=True))
        limits = [refusal for refusal in self._verdict.refusals if refusal != plan.lacks]
        for refusal in limits:
            self.body.addLayout(warning_row(refusal, Level.BAD))
        if self._verdict.refusals:
            self.yes.setEnabled(False)
            self.yes.setToolTip(" ".join(self._verdict.refusals))
        if limits:
            self.body.addWidget(label("Your limits are in the settings.", "small", wrap=True))
        if not self._verdict.refusals and self._verdict.retype_rao is not None:
            amount = Tao(self._verdict.retype_rao)
            hint = f"This is above the limit in the settings: type {format_rao(amount.rao)} to go on."
            self.again = Field("The amount again, in TAO", self._check_again, hint=hint)
            self.body.addWidget(self.again)
        (self.no if self.again is None else self.yes).setDefault(True)
        (self.again.input if self.again is not None else self.no).setFocus()
        fit(self)

    def _check_again(self, text: str) -> str | None:
        try:
            typed = parse_rao(text)
        except ValueError:
            typed = None
        if retyped(self._verdict, typed):
            return None
        return f"Type {format_rao(self._verdict.retype_rao or 0)}, digit by digit; or cancel."

    def submitted(self) -> None:
        if not self._verdict.refusals and (self.again is None or self.again.insist()):
            self.accept()


def warning_row(text: str, level: Level = Level.WARN) -> QHBoxLayout:
    """A sentence with its mark."""
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(Mark(level), 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(label(text, wrap=True), 1)
    return row
