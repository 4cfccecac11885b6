"""Every transaction that was signed here: what was planned, what became of it, and whether it did what it said."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ranvier.agent.api.messages import GetReceipts
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.core.units import Tao, format_tao
from ranvier.ledger.receipts import StoredReceipt
from ranvier.ui.context import Context
from ranvier.ui.dialogs.money.plan import warning_row
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.widgets.empty import EmptyState
from ranvier.ui.widgets.page import Body, clear, scroll_area
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import button, label, line
from ranvier.ui.words import UNKNOWN, block_text, local_time

_EVERY_S = 4.0
_PAGE = 200
_KEPT = {
    "yes": (Level.GOOD, "did what it said"),
    "no": (Level.BAD, "did not do what it said"),
    "unknown": (Level.UNKNOWN, "whether it did what it said cannot be told"),
}


def state_of(receipt: StoredReceipt) -> tuple[Level, str]:
    """What became of it, in short."""
    if receipt.stage == "submitted":
        return Level.BUSY, "On its way"
    if receipt.stage == "dropped":
        return Level.BAD, "Not in any block"
    if receipt.stage == "failed":
        return Level.BAD, "Refused by the chain"
    level, words = _KEPT[receipt.kept]
    return level, f"{'Final' if receipt.stage == 'final' else 'In a block'}, {words}"


def _fee(receipt: StoredReceipt) -> str:
    return UNKNOWN if receipt.fee_rao is None else format_tao(Tao(receipt.fee_rao))


def receipts_model() -> RowsModel[StoredReceipt]:
    """One row per transaction."""
    return RowsModel(
        (
            Column[StoredReceipt]("Signed", lambda row: local_time(row.at_ms, seconds=True), lambda row: row.at_ms),
            Column[StoredReceipt]("What", lambda row: row.title, lambda row: row.title),
            Column[StoredReceipt](
                "What became of it", lambda row: state_of(row)[1], lambda row: state_of(row)[1],
                tooltip=lambda row: "\n".join((row.error or "", *row.sentences)).strip(),
            ),
            Column[StoredReceipt]("Fee", _fee, lambda row: row.fee_rao, number=True),
        ),
        lambda row: row.id,
    )  # fmt: skip


class TransactionsDialog(QDialog):
    """Reads the receipts again every few seconds while it is open: what is on its way ends before one's eyes."""

    def __init__(self, parent: QWidget, context: Context) -> None:
        super().__init__(parent)
        self._context = context
        self._most = _PAGE
        self._shown: StoredReceipt | None = None
        self.setWindowTitle("Transactions")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        self.resize(980, 720)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 22, 24, 20)
        column.setSpacing(12)
        column.addWidget(label("Transactions", "heading"))
        self.note = label("Reading…", "muted", wrap=True)
        column.addWidget(self.note)
        self.model = receipts_model()
        self.table = Table(self.model, stretch=1)
        self.table.setAccessibleName("Transactions")
        self.table.sort_by(0, Qt.SortOrder.DescendingOrder)
        self.table.picked.connect(self._picked)
        column.addWidget(self.table, 3)
        self.empty = EmptyState("Nothing was signed yet", "Each transaction is kept here for ever, with its plan.")
        self.empty.hide()
        column.addWidget(self.empty, 3)
        inside = Body()
        self.detail = QVBoxLayout(inside)
        self.detail.setContentsMargins(0, 0, 10, 0)
        self.detail.setSpacing(8)
        self.area = scroll_area(inside)
        self.area.hide()
        column.addWidget(self.area, 4)
        row = QHBoxLayout()
        self.more = button("Show older ones", self._older, kind="quiet")
        self.more.hide()
        row.addWidget(self.more)
        row.addStretch(1)
        self.close_button = button("Close", self.close)
        row.addWidget(self.close_button)
        column.addLayout(row)
        task = context.tasks.start(self._run(), "transactions")
        self.finished.connect(lambda _: task.cancel())
        self.finished.connect(self.deleteLater)

    async def _run(self) -> None:
        while True:
            await self.read()
            await asyncio.sleep(_EVERY_S)

    async def read(self) -> None:
        """Once."""
        try:
            found = (await self._context.client.call(GetReceipts(limit=self._most + 1))).receipts
        except RanvierError as error:
            self.note.setText(f"{error.message} {error.hint}".strip())
            return
        first = not self.model.rows
        self.more.setVisible(len(found) > self._most)
        self.model.set_rows(found[: self._most])
        self.table.setVisible(bool(found))
        self.empty.setVisible(not found)
        waiting = sum(one.stage == "submitted" for one in found)
        words = f"{waiting} on the way; the agent looks for it at every block." if waiting else ""
        self.note.setText(words or "The newest first. Choose one to see its plan and what became of it.")
        self.note.setVisible(bool(found))
        if first and found:
            self.table.fit()

    def _older(self) -> None:
        self._most += _PAGE
        self._context.run(self.read(), "older transactions")

    def _picked(self, receipt: StoredReceipt | None) -> None:
        if receipt == self._shown:
            return
        self._shown = receipt
        clear(self.detail)
        self.area.setVisible(receipt is not None)
        if receipt is None:
            return
        level, words = state_of(receipt)
        self.detail.addWidget(line())
        self.detail.addLayout(warning_row(f"{receipt.title}: {words[0].lower()}{words[1:]}.", level))
        if receipt.error:
            self._say(f"{receipt.error} {receipt.next_step or ''}".strip())
        for sentence in receipt.sentences:
            self._say(sentence)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        for place, (name, value) in enumerate(facts_of(receipt)):
            grid.addWidget(label(name, "muted"), place, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label(value, wrap=True, copyable=True), place, 1)
        self.detail.addLayout(grid)
        for warning in receipt.warnings:
            self.detail.addLayout(warning_row(warning))
        self.detail.addStretch(1)

    def _say(self, text: str) -> None:
        self.detail.addWidget(label(text, wrap=True, copyable=True))


def facts_of(receipt: StoredReceipt) -> list[tuple[str, str]]:
    """(name, value): what happened, with what proves it, and then the plan as it was agreed to."""
    before, after = receipt.balance_before_rao, receipt.balance_after_rao
    known: list[tuple[str, str | None]] = [
        ("Block", None if receipt.block is None else f"{block_text(receipt.block)}, {receipt.block_hash}"),
        ("Transaction", receipt.id),
        ("Fee paid", None if receipt.fee_rao is None else format_tao(Tao(receipt.fee_rao))),
        ("Paid by", receipt.fee_payer_ss58),
        ("Free TAO before", None if before is None else format_tao(Tao(before))),
        ("Free TAO after", None if after is None else format_tao(Tao(after))),
        ("Signed by", receipt.signer_ss58),
    ]
    facts = [(name, value) for name, value in known if value is not None]
    return [*facts, *((f"Plan: {name[:1].lower()}{name[1:]}", value) for name, value in receipt.lines)]
