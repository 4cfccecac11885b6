"""Subnets: what each pays and asks, how it is shared out, and what a machine might earn there."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from ranvier.agent.api.market_messages import GetSubnet, GetSubnets, SubnetDetail, SubnetsView
from ranvier.agent.api.messages import GetHardware
from ranvier.chain.model import BlockRef
from ranvier.core.errors import RanvierError
from ranvier.hardware.snapshot import Hardware
from ranvier.ui.context import Context
from ranvier.ui.dialogs.money.money_forms_miner import REGISTER
from ranvier.ui.models.floors import floor_words, read_floors
from ranvier.ui.models.market import (
    MarketRow,
    earning_words,
    epoch_words,
    market_model,
    market_rows,
    rule_words,
    seats_words,
    sharing_words,
)
from ranvier.ui.models.stake import subnet_text
from ranvier.ui.money_desk import MoneyDesk
from ranvier.ui.pages.reading import ReadingPage
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.page import clear
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import allow, button, label
from ranvier.ui.words import count_text

_MEDIAN_COLUMN = 4


class SubnetsPage(ReadingPage):
    """The table is of one block; the chosen subnet is read more closely, once for each choice and refresh."""

    key = "subnets"
    title = "Subnets"
    scrolls = False
    waiting = "Reading every subnet of this network."
    every_s = 60.0
    sandbox_every_s = 10.0

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.found: SubnetsView | None = None
        self.detail: SubnetDetail | None = None
        self.floors: tuple[str, ...] = ()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find by name or number")
        self.search.setAccessibleName("Find a subnet")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(240)
        self.search.setMinimumHeight(32)
        self.search.textChanged.connect(lambda _: self._show_rows())
        self.add_action(self.search)
        self.model = market_model()
        self.table = Table(self.model, stretch=0)
        self.table.setAccessibleName("Subnets")
        self.table.sort_by(_MEDIAN_COLUMN, Qt.SortOrder.DescendingOrder)
        self.table.picked.connect(self._picked)
        self.card = Card(spacing=6)
        self.card.hide()
        self.desk = MoneyDesk(context, self, lambda _: self.read_again())
        self.register = button("Register…", self._register)
        self.card.add_to_header(self.register)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addWidget(self.table, 1)
        column.addWidget(self.card)
        self.stack.addWidget(whole)
        self.add(self.stack, 1)

    def choose(self, subject: str) -> None:
        """``Context.go("subnets/4")``."""
        if subject.isdigit():
            self.table.select_key(int(subject))

    async def refresh(self) -> None:
        """Read all subnets, and the chosen one closely."""
        found: SubnetsView = await self.context.client.call(GetSubnets())
        self.show_subnets(found)
        row: MarketRow | None = self.table.current_row()
        if row is not None:
            await self._read(row.view.subnet.netuid)

    def show_subnets(self, found: SubnetsView) -> None:
        """Draw this reading."""
        first = not self.model.rows
        self.found = found
        self.stack.setCurrentIndex(1 if found.subnets else 0)
        if not found.subnets:
            self.empty.set_text("No subnets", "This network has none but root.")
        self._show_rows()
        self.show_age()
        if first:
            self.table.fit()

    def _show_rows(self) -> None:
        if self.found is None:
            return
        wanted = self.search.text().strip().casefold()
        rows = market_rows(self.found)
        if wanted:
            rows = tuple(
                row
                for row in rows
                if wanted in row.view.subnet.name.casefold() or wanted == str(row.view.subnet.netuid)
            )
        row = self.table.current_row()
        self.model.set_rows(rows)
        if row is not None:
            self.table.select_key(row.view.subnet.netuid)

    # --- one subnet ------------------------------------------------------------------------------------------

    def _picked(self, row: MarketRow | None) -> None:
        if row is None:
            self.card.hide()
            return
        netuid = row.view.subnet.netuid
        fresh = self.detail is not None and self.detail.registration.netuid == netuid
        self._draw(row, self.detail if fresh else None)
        if not fresh:
            self.context.run(self._read_guarded(netuid), "read subnet")

    async def _read_guarded(self, netuid: int) -> None:
        try:
            await self._read(netuid)
        except RanvierError as error:
            self._failed(error)

    async def _read(self, netuid: int) -> None:
        detail: SubnetDetail = await self.context.client.call(GetSubnet(netuid))
        floors = await self._read_floors(netuid)
        row: MarketRow | None = self.table.current_row()
        if row is not None and row.view.subnet.netuid == netuid:
            self.detail, self.floors = detail, floors
            self._draw(row, detail)

    async def _read_floors(self, netuid: int) -> tuple[str, ...]:
        """What the recipes of own miners there ask of a machine, beside this one."""
        latest = self.context.bridge.latest
        if latest is None:
            return ()
        read = partial(read_floors, self.context.paths, latest.miners, latest.chain.network, netuid)
        found = await asyncio.to_thread(read)
        machine: Hardware | None = None
        if found:
            with contextlib.suppress(RanvierError):  # the floor alone is told then
                machine = await self.context.client.call(GetHardware())
        return tuple(floor_words(title, floor, machine) for title, floor in found.items())

    def _draw(self, row: MarketRow, detail: SubnetDetail | None) -> None:
        subnet = row.view.subnet
        closed = detail is not None and not detail.registration.open
        allow(self.register, "Its owner has closed registration." if closed or not subnet.registration_open else None)
        self.card.set_title(f"What would this machine earn on {subnet_text(subnet.netuid, subnet.name)}?")
        clear(self.card.body)
        sides = QHBoxLayout()
        sides.setSpacing(28)
        left, right = QVBoxLayout(), QVBoxLayout()
        for side in (left, right):
            side.setSpacing(6)
            sides.addLayout(side, 1)
        own = seats_words([one.uid for one in detail.own] if detail is not None else ())
        if own:
            left.addWidget(label(own, wrap=True, copyable=True))
        for words in (*earning_words(row), *(self.floors if detail is not None else ())):
            left.addWidget(label(words, wrap=True, copyable=True))
        if detail is None:
            right.addWidget(label("Reading its seats…", "muted"))
        else:
            stake = sharing_words(
                f"Validators' stake ({detail.validators} with a permit and weights)", detail.validator_stake
            )
            pay = (epoch_words(row, detail.block.number), sharing_words("Pay", detail.miner_incentive))
            for words in (*rule_words(detail, row.block_s), stake, *pay):
                right.addWidget(label(words, "muted", wrap=True, copyable=True))
        left.addStretch(1)
        right.addStretch(1)
        self.card.body.addLayout(sides)
        self.card.show()

    def _register(self) -> None:
        row: MarketRow | None = self.table.current_row()
        if row is not None:
            self.desk.begin(REGISTER, {"netuid": row.view.subnet.netuid})

    # --- state -----------------------------------------------------------------------------------------------

    def block(self) -> BlockRef | None:
        return None if self.found is None else self.found.block

    def about(self, where: str) -> str:
        subnets = self.found.subnets if self.found is not None else ()
        return f"{count_text(len(subnets), 'subnet')} at {where}."

    def forget(self) -> None:
        self.found = self.detail = None
        self.model.set_rows(())
        self.card.hide()
        self.stack.setCurrentIndex(0)
