"""Lots and disposals of one subnet's alpha: which lot each disposal took, what it cost and brought, what is left."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from ranvier.core.errors import RanvierError
from ranvier.core.evidence import block_text
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao, parse_rao
from ranvier.ledger.lot_book import LotBook
from ranvier.ledger.payments import DAY_MS
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import Dialog, show
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.widgets.earning_sums import fiat_text
from ranvier.ui.widgets.path_field import Choose, open_chooser
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import allow, button, label
from ranvier.ui.words import count_text, here_text, utc_time

ORDERS = (("fifo", "First in, first out"), ("lifo", "Last in, first out"), ("hifo", "Dearest first"))
_NOWHERE = "origin not known"
_PICK = "Pick a row whose cost is unknown, of alpha that was sent to you or held at the start."


@dataclass(frozen=True, slots=True)
class LotLine:
    """A row: a part of a disposal, or (``disposed_ms`` None) what is left of a lot. Amounts in the book's unit."""

    number: int
    acquired_ms: int | None
    disposed_ms: int | None
    alpha: Alpha
    cost: int | None
    proceeds: int | None
    lot: str
    disposal: str
    currency: str

    @property
    def gain(self) -> int | None:
        return None if self.cost is None or self.proceeds is None else self.proceeds - self.cost


def lot_lines(book: LotBook) -> tuple[LotLine, ...]:
    """Disposals newest first, then what is left, newest first."""
    taken = [
        LotLine(number, one.acquired_ms, one.disposed_ms, Alpha(one.rao, book.netuid), one.cost, one.proceeds,
                one.lot or _NOWHERE, one.disposal, book.currency)
        for number, one in enumerate(book.taken)
    ]  # fmt: skip
    left = [
        LotLine(len(taken) + number, one.at_ms, None, Alpha(one.rao, book.netuid), one.cost, None, one.lot,
                "still held", book.currency)
        for number, one in enumerate(book.left)
    ]  # fmt: skip
    return (*reversed(taken), *reversed(left))


def lots_model() -> RowsModel[LotLine]:
    def money(value: int | None, line: LotLine) -> str:
        return "" if value is None and line.disposed_ms is None else money_text(value, line.currency)

    return RowsModel(
        (
            Column[LotLine](
                "Left on (UTC)",
                lambda one: "still held" if one.disposed_ms is None else utc_time(one.disposed_ms),
                lambda one: one.disposed_ms or 0,
                tooltip=lambda one: _proof(one.disposal, one.disposed_ms),
            ),
            Column[LotLine]("Alpha", lambda one: format_alpha(one.alpha, 6), lambda one: one.alpha.rao, number=True),
            Column[LotLine](
                "Came on (UTC)",
                lambda one: utc_time(one.acquired_ms),
                lambda one: one.acquired_ms,
                tooltip=lambda one: _proof(one.lot, one.acquired_ms),
            ),
            Column[LotLine](
                "Held",
                lambda one: _held(one),
                lambda one: None if one.acquired_ms is None else (one.disposed_ms or _now()) - one.acquired_ms,
                number=True,
            ),
            Column[LotLine]("Cost", lambda one: money_text(one.cost, one.currency), lambda one: one.cost, number=True),
            Column[LotLine]("Brought", lambda one: money(one.proceeds, one), lambda one: one.proceeds, number=True),
            Column[LotLine]("Gain", lambda one: money(one.gain, one), lambda one: one.gain, number=True),
        ),
        key=lambda one: one.number,
    )


def _proof(event: str, at_ms: int | None) -> str:
    """The event, and its moment on the clock that one looks at."""
    return "\n".join(part for part in (event, "" if at_ms is None else here_text(at_ms)) if part)


def money_text(amount: int | None, currency: str) -> str:
    """An amount in the book's unit; ``unknown`` where the ledger has no price."""
    if amount is None:
        return "unknown"
    return format_tao(Tao(amount), 6) if currency == "TAO" else fiat_text(amount, currency)


def sums_words(book: LotBook) -> str:
    """What all disposals together brought."""
    parts = count_text(book.parts, "part", "parts")
    if not book.taken:
        return f"Nothing has left yet; {count_text(book.lots, 'lot')} held."
    text = (
        f"{parts} of disposals: cost {money_text(book.cost, book.currency)}, brought"
        f" {money_text(book.proceeds, book.currency)}, gain {money_text(book.gain, book.currency)}"
    )
    if book.unknown:
        text += f"; {book.unknown} of them without a known cost or price are not in these sums"
    return f"{text}. {count_text(book.lots, 'lot')} still held."


def followed_words(book: LotBook) -> str:
    """How far the chain was read, and what is not known."""
    if book.trouble:
        return f"Not read further than block {block_text(book.read_to)}: {book.trouble}"
    if book.read_to is None:
        return "No position was followed yet: trades of other tools are not in it."
    gifts = f" The cost of {count_text(book.unknown_lots, 'lot')} is unknown." if book.unknown_lots else ""
    return f"Your positions are followed to block {block_text(book.read_to)}.{gifts}"


class BasisDialog(Dialog):
    """What was paid for a lot whose cost the chain cannot tell; ``rao`` of TAO once it was given."""

    def __init__(self, parent: QWidget, line: LotLine) -> None:
        super().__init__(parent, "What did this lot cost?", yes="Keep")
        self.rao: int | None = None
        self.body.addWidget(label(f"{line.lot[:1].upper()}{line.lot[1:]}", "muted", wrap=True))
        self.body.addWidget(
            label(
                "The TAO that was paid for the whole lot, as it came. It is your own word; the chain has none.",
                wrap=True,
            )
        )
        self.amount = QLineEdit()
        self.amount.setPlaceholderText("TAO, such as 12.5")
        self.amount.setAccessibleName("What was paid, in TAO")
        self.amount.setMinimumHeight(32)
        self.body.addWidget(self.amount)
        self.amount.setFocus()
        fit(self, 480)

    def submitted(self) -> None:
        try:
            self.rao = parse_rao(self.amount.text())
        except ValueError:
            self.problem("Write an amount of TAO like 12.5.")
            return
        self.accept()


class LotsDialog(Dialog):
    """``ask`` reads a book (netuid, order), ``export`` writes it to a path, ``follow`` brings the books up to the
    chain, ``basis`` keeps what a lot cost (netuid, lot, rao of TAO); all may raise RanvierErrors."""

    def __init__(
        self,
        context: Context,
        parent: QWidget,
        subnets: Sequence[tuple[int, str]],
        ask: Callable[[int, str], Awaitable[LotBook]],
        export: Callable[[str, int, str], Awaitable[str]],
        follow: Callable[[], Awaitable[str]],
        basis: Callable[[int, str, int], Awaitable[str]],
    ) -> None:
        super().__init__(parent, "Lots and disposals", yes="Close", no="")
        self._context, self._ask, self._export, self._follow, self._basis = context, ask, export, follow, basis
        self.book: LotBook | None = None
        self.body.addWidget(
            label(
                "What was mined is a lot at its value when it was paid; what was bought, at what it cost. Trades of any"
                " tool are here, by the chain's own events. What somebody sent has no cost until you tell it. How your"
                " tax office sees it, and in which order, is for you to know.",
                wrap=True,
            )
        )
        row = QHBoxLayout()
        self.subnet, self.order = QComboBox(), QComboBox()
        self.subnet.setAccessibleName("Subnet")
        self.order.setAccessibleName("Which lot goes first")
        for netuid, name in subnets:
            self.subnet.addItem(name, netuid)
        for key, words in ORDERS:
            self.order.addItem(words, key)
        self.file = button("Export…", self._choose_file, tip="Every row as CSV")
        for widget in (self.subnet, self.order):
            row.addWidget(widget)
            widget.currentIndexChanged.connect(lambda _: self.read())
        row.addStretch(1)
        self.chain = button("Read the chain now", self._read_chain, tip="The agent does it by itself now and then")
        self.cost = button("Tell its cost…", self._tell_cost)
        allow(self.cost, _PICK)
        for wide in (self.chain, self.cost, self.file):
            row.addWidget(wide)
        self.body.addLayout(row)
        self.table = Table(lots_model(), stretch=0)
        self.table.sort_by(0, Qt.SortOrder.DescendingOrder)
        self.table.setMinimumHeight(300)
        self.table.picked.connect(lambda one: allow(self.cost, None if _tellable(one) else _PICK))
        self.body.addWidget(self.table, 1)
        self.sums = label("Reading the ledger…", wrap=True)
        self.body.addWidget(self.sums)
        fit(self, 900)

    def read(self) -> None:
        """Read the chosen book."""
        allow(self.file, "The lots are being read.")
        self.sums.setText("Reading the ledger…")
        self._context.run(self._read(self.subnet.currentData(), self.order.currentData()), "read lots")

    async def _read(self, netuid: int, order: str) -> None:
        try:
            book = await self._ask(netuid, order)
        except RanvierError as error:
            self.sums.setText(f"{error.message} {error.hint}".strip())
            return
        if (netuid, order) == (self.subnet.currentData(), self.order.currentData()):
            self.show_book(book)

    def show_book(self, book: LotBook) -> None:
        self.book = book
        self.table.rows_model.set_rows(lot_lines(book))
        self.table.fit()
        rows, shown = book.parts + book.lots, len(self.table.rows_model.rows)
        more = f" The newest {shown} rows are shown; the file has all {rows}." if rows > shown else ""
        self.sums.setText(f"{sums_words(book)}{more} {followed_words(book)}")
        allow(self.file, None)

    def _read_chain(self) -> None:
        allow(self.chain, "The chain is being read.")
        self.sums.setText("Reading your positions from the chain…")
        self._context.run(self._followed(), "follow positions")

    async def _followed(self) -> None:
        try:
            await self._follow()
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
        allow(self.chain, None)
        self.read()

    def _tell_cost(self) -> None:
        line: LotLine | None = self.table.current_row()
        if line is not None and _tellable(line):
            self._context.run(self._told(line), "tell a lot's cost")

    async def _told(self, line: LotLine) -> None:
        dialog = BasisDialog(self, line)
        if not await show(dialog) or dialog.rao is None:
            return
        try:
            await self._basis(line.alpha.netuid, line.lot, dialog.rao)
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())
        self.read()

    def _choose_file(self) -> None:
        if self.book is None:
            return
        name = f"ranvier-lots-{self.book.netuid}-{self.book.order}-{time.strftime('%Y-%m-%d')}.csv"
        open_chooser(
            self, Choose.NEW_FILE, "Export lots", name, partial(self._write, self.book.netuid, self.book.order)
        )

    def _write(self, netuid: int, order: str, path: str) -> None:
        self._context.run(self._written(netuid, order, path), "export lots")

    async def _written(self, netuid: int, order: str, path: str) -> None:
        try:
            self.sums.setText(await self._export(path, netuid, order))
        except RanvierError as error:
            self.problem(f"{error.message} {error.hint}".strip())


def _tellable(one: LotLine | None) -> bool:
    """Mined lots are valued by the chain's price; what is not known of those cannot be told."""
    return one is not None and one.cost is None and one.lot != _NOWHERE and not one.lot.startswith("block ")


def _held(one: LotLine) -> str:
    if one.acquired_ms is None:
        return "unknown"
    return count_text(((one.disposed_ms or _now()) - one.acquired_ms) // DAY_MS, "day")


def _now() -> int:
    return time.time_ns() // 1_000_000
