"""A transaction on its way, step by step, and its receipt: what was planned, what happened, whether they agree."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.chain.model import Plan, Receipt, TxStage
from ranvier.chain.plans.wording import RETRACTED, STEPS, verdict_words
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.core.units import Tao, format_tao
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.header import NetworkChip
from ranvier.ui.widgets.marks import Mark
from ranvier.ui.widgets.text import button, label, line
from ranvier.ui.words import block_text, short_hash

_REACHED = {TxStage.SUBMITTED: 0, TxStage.RETRACTED: 0, TxStage.IN_BLOCK: 1, TxStage.FINAL: 2}


class TransactionDialog(QDialog):
    """Not modal: the window can be used meanwhile, and closing it stops nothing. It ends with the receipt."""

    def __init__(self, parent: QWidget, plan: Plan) -> None:
        super().__init__(parent)
        self.plan = plan
        self.receipt: Receipt | None = None
        self.setWindowTitle(plan.title)
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        self.setMinimumWidth(620)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 20)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(label(plan.title, "heading", wrap=True), 1)
        chip = NetworkChip()
        chip.show_network(plan.network)
        head.addWidget(chip, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        self.marks: list[Mark] = []
        for _stage, words in STEPS:
            mark = Mark(Level.OFF)
            self.marks.append(mark)
            column.addLayout(_row(mark, words))
        self.words = label("", "muted", wrap=True)
        column.addWidget(self.words)
        self.outcome = QVBoxLayout()
        self.outcome.setSpacing(10)
        column.addLayout(self.outcome)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        self.close_button = button("Close", self.close)
        buttons.addWidget(self.close_button)
        column.addSpacing(4)
        column.addLayout(buttons)
        self.show_stage(None)
        fit(self)

    def show_stage(self, stage: TxStage | None) -> None:
        """How far it is; None: it is being signed and sent."""
        reached = -1 if stage is None else _REACHED.get(stage, -1)
        for place, mark in enumerate(self.marks):
            mark.set_level(Level.GOOD if place <= reached else Level.BUSY if place == reached + 1 else Level.OFF)
        text = {
            None: "Being signed and sent…",
            TxStage.SUBMITTED: "It waits for a block. You may close this window; the receipt is kept.",
            TxStage.RETRACTED: RETRACTED,
            TxStage.IN_BLOCK: "It is in a block and took effect; soon it is final.",
        }.get(stage, "")
        self.words.setText(text)
        self.words.setVisible(bool(text))

    def show_receipt(self, receipt: Receipt) -> None:
        """The end of it."""
        self.receipt = receipt
        self.words.hide()
        reached = {TxStage.FINAL: 2, TxStage.IN_BLOCK: 1, TxStage.FAILED: 1, TxStage.SUBMITTED: 0}
        last = reached.get(receipt.stage, -1)
        for place, mark in enumerate(self.marks):
            mark.set_level(Level.GOOD if place <= last else Level.OFF)
        if receipt.stage is TxStage.FAILED:
            self.marks[1].set_level(Level.BAD)
        elif receipt.stage is TxStage.DROPPED:
            self.marks[0].set_level(Level.BAD)
        self.outcome.addWidget(line())
        self.outcome.addWidget(ReceiptView(receipt))
        self.close_button.setDefault(True)
        self.close_button.setFocus()
        fit(self)

    def show_error(self, error: RanvierError) -> None:
        """It was never sent, or nobody can tell."""
        self.words.hide()
        for mark in self.marks:
            if mark.level is Level.BUSY:
                mark.set_level(Level.BAD)
        self.outcome.addWidget(line())
        self.outcome.addLayout(_row(Mark(Level.BAD), f"{error.title}: {error.message}"))
        if error.hint:
            self.outcome.addWidget(label(error.hint, "muted", wrap=True))
        fit(self)


class ReceiptView(QWidget):
    """Verdict, findings, and the facts with which anybody can look it up."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        level, words = verdict_words(receipt)
        head = _row(Mark(level, 18), words, "heading")
        column.addLayout(head)
        if receipt.error:
            column.addWidget(label(f"{receipt.error} {receipt.next_step or ''}".strip(), wrap=True, copyable=True))
        for finding in receipt.findings:
            column.addWidget(label(finding, wrap=True, copyable=True))
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for place, (name, value, kind) in enumerate(facts(receipt)):
            grid.addWidget(label(name, "muted"), place, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label(value, kind, wrap=True, copyable=True), place, 1)
        column.addLayout(grid)


def facts(receipt: Receipt) -> list[tuple[str, str, str]]:
    """(name, value, role) of what is known."""
    found: list[tuple[str, str, str]] = []
    if receipt.fee_rao is not None:
        found.append(("Fee paid", format_tao(Tao(receipt.fee_rao)), ""))
    before, after = receipt.balance_before_rao, receipt.balance_after_rao
    if before is not None and after is not None:
        found.append(("Free TAO before", format_tao(Tao(before)), ""))
        found.append(("Free TAO after", format_tao(Tao(after)), ""))
    if receipt.block is not None:
        where = f"{block_text(receipt.block.number)}, {short_hash(receipt.block.hash)}"
        found.append(("Block", where, ""))
    whole = receipt.extrinsic_hash
    found.append(("Transaction", f"{whole[:34]} {whole[34:]}", "mono"))  # in two halves, so that it can wrap
    return found


def _row(mark: Mark, words: str, role: str = "") -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(10)
    row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(label(words, role, wrap=True), 1)
    return row
