"""What stands beside the earnings: costs, tariff, price source, lots, and files on their way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QPushButton, QWidget

from ranvier.agent.api.market_messages import ExportEarnings
from ranvier.agent.api.messages import (
    CheckPosition,
    CostsView,
    FetchPrices,
    FollowEarnings,
    Gaps,
    GetCosts,
    GetGaps,
    GetPrices,
    PositionCheck,
    PricesView,
    RemoveCost,
    SetCost,
    SetTariff,
    UseArchive,
    UsePriceSource,
)
from ranvier.agent.api.money_messages import (
    CancelExport,
    ExportLots,
    ExportView,
    GetExport,
    GetLots,
    MendLedger,
    ReadTrades,
    SetBasis,
)
from ranvier.core.errors import RanvierError
from ranvier.ledger.lot_book import LotBook
from ranvier.ledger.payments import Payment
from ranvier.ledger.prices import FiatPrice
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import ask, show
from ranvier.ui.dialogs.explain import ExplainDialog, Place, places_of
from ranvier.ui.dialogs.money.costs import ADD, REMOVE, CostDialog, CostsDialog, TariffDialog
from ranvier.ui.dialogs.money.lots import LotsDialog
from ranvier.ui.dialogs.money.past import PastDialog
from ranvier.ui.dialogs.money.price_source import PriceSourceDialog
from ranvier.ui.models.costs import tariff_words
from ranvier.ui.models.stake import subnet_text
from ranvier.ui.widgets.text import button, label
from ranvier.ui.words import block_text, count_text, utc_time

_EXPORT_S = 600.0
_LOTS_S = 120.0
_CHECK_S = 300.0
_LOOK_S = 0.5
_USUAL_CURRENCY = "EUR"


class EarningBooks:
    """``changed`` is called when costs or prices are others than before."""

    def __init__(self, context: Context, page: QWidget, changed: Callable[[], None]) -> None:
        self._context, self._page, self._changed = context, page, changed

    def menu_button(
        self, lots: Callable[[], None], explain: Callable[[], None], past: Callable[[], None]
    ) -> QPushButton:
        menu = self.menu = QMenu(self._page)
        menu.addAction("Costs…", lambda: self._context.run(self.costs(), "costs"))
        menu.addAction("Electricity tariff…", lambda: self._context.run(self.tariff(), "tariff"))
        menu.addAction("Fiat prices…", lambda: self._context.run(self.prices(), "price source"))
        menu.addSeparator()
        menu.addAction("Lots and disposals…", lots)
        menu.addAction("Check against the chain…", explain)
        menu.addAction("Read the past…", past)
        result = button("Books…", tip="Costs, electricity, fiat prices, lots, and a check against the chain")
        result.clicked.connect(lambda: menu.popup(result.mapToGlobal(result.rect().bottomLeft())))
        return result

    async def costs(self) -> None:
        """The cost book, shown again after each change."""
        while True:
            view = await self._costs()
            dialog = CostsDialog(self._page, view.entries, view.tariff)
            await show(dialog)
            if dialog.chosen is None:
                return
            what, cost = dialog.chosen
            if what == ADD:
                await self._add_cost(view.currency or _USUAL_CURRENCY)
            elif what == REMOVE and cost is not None:
                words = f"“{cost.name}” is taken out of the cost book, for all time it counted."
                if await ask(self._page, "Remove this cost?", words, yes="Remove", danger=True):
                    await self._context.client.call(RemoveCost(cost.id))
            else:
                await self.tariff()
            self._changed()

    async def _add_cost(self, currency: str) -> None:
        dialog = CostDialog(self._page, currency)
        if await show(dialog) and dialog.cost is not None:
            await self._context.client.call(SetCost(dialog.cost))

    async def tariff(self) -> None:
        view = await self._costs()
        dialog = TariffDialog(self._page, view.tariff, view.currency or _USUAL_CURRENCY)
        if await show(dialog):
            await self._context.client.call(SetTariff(dialog.tariff))
            self._context.say(f"Kept. {tariff_words(dialog.tariff)}")
            self._changed()

    async def prices(self) -> None:
        """Choose where prices come from, and ask there once, so that a mistake shows at once."""
        view: PricesView = await self._context.client.call(GetPrices(since_ms=2**62))
        dialog = PriceSourceDialog(self._page, view.source)
        if not await show(dialog):
            return
        await self._context.client.call(UsePriceSource(dialog.source))
        if dialog.source is not None:
            await self._context.client.call(FetchPrices())  # also where the agent has asked already: it says what fails
            known: PricesView = await self._context.client.call(GetPrices())
            self._context.say(prices_words(known.prices))
        self._changed()

    async def lots(self, netuids: list[int], names: dict[int, str]) -> None:
        if not netuids:
            self._context.say("There are no lots before the first payment.")
            return
        subnets = [(netuid, f"Subnet {subnet_text(netuid, names.get(netuid))}") for netuid in netuids]
        call = self._context.client.call

        async def read(netuid: int, order: str) -> LotBook:
            book: LotBook = await call(GetLots(netuid, order), timeout_s=_LOTS_S)
            return book

        async def export(path: str, netuid: int, order: str) -> str:
            return (await call(ExportLots(path, netuid, order), timeout_s=_LOTS_S)).text

        async def follow() -> str:
            return (await call(ReadTrades(), timeout_s=_CHECK_S)).text

        async def basis(netuid: int, lot: str, rao: int) -> str:
            return (await call(SetBasis(netuid, lot, rao))).text

        dialog = LotsDialog(self._context, self._page, subnets, read, export, follow, basis)
        dialog.read()
        await show(dialog)

    async def explain(self, rows: Sequence[Payment], names: dict[int, str]) -> None:
        """Hold a position that the shown pay went to against the chain."""
        places = places_of(rows)
        if not places:
            self._context.say("There is no pay in this range whose position could be checked.")
            return

        async def check(place: Place) -> PositionCheck:
            command = CheckPosition(place.hotkey_ss58, place.coldkey_ss58, place.netuid, place.from_block)
            found: PositionCheck = await self._context.client.call(command, timeout_s=_CHECK_S)
            return found

        await show(ExplainDialog(self._context, self._page, places, names, check))

    async def past(self, newest: Payment | None) -> None:
        """Choose the archive, and whose pay is read up from where; ``newest`` is a row to begin with."""
        call = self._context.client.call
        found: Gaps = await call(GetGaps())
        netuid, hotkey = (None, "") if newest is None else (newest.netuid, newest.hotkey_ss58)
        dialog = PastDialog(self._page, found.archive, netuid, hotkey)
        if not await show(dialog):
            return
        said = []
        if dialog.endpoint is not None:
            said.append((await call(UseArchive(dialog.endpoint))).text)
        if dialog.wanted is not None:
            one = dialog.wanted
            said.append((await call(FollowEarnings(one.netuid, one.hotkey_ss58, one.from_block))).text)
        if said:
            self._context.say(" ".join(said))
            self._changed()

    async def begin_anew(self) -> bool:
        """Set a damaged ledger aside, after a word; whether that was done."""
        words = (
            "The damaged file gets another name and is kept. Receipts, costs and prices that can still be read are"
            " taken over; earnings are read again from the chain, old ones from the archive endpoint."
        )
        if not await ask(self._page, "Begin a new ledger?", words, yes="Begin a new ledger"):
            return False
        done = await self._context.client.call(MendLedger(), timeout_s=_EXPORT_S)
        self._context.say(done.text)
        return True

    async def _costs(self) -> CostsView:
        view: CostsView = await self._context.client.call(GetCosts(0, 0))
        return view


def prices_words(prices: Sequence[FiatPrice]) -> str:
    """How many prices are stored, and of when the newest is."""
    if not prices:
        return "There is no price yet; the source is asked again every hour."
    newest = prices[-1]
    return f"{count_text(len(prices), 'price')} in {newest.currency} known, the newest of {utc_time(newest.at_ms)} UTC."


class ExportLine(QWidget):
    """A file on its way: how far it is, and a way to end it."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._path = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.words = label("", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.end = button("Cancel", lambda: self._context.run(self._cancel(), "cancel export"))
        row.addWidget(self.words)
        row.addWidget(self.bar, 1)
        row.addWidget(self.end)
        self.hide()

    async def write(self, command: ExportEarnings) -> None:
        """Have the agent write it; the line is seen as long as that takes. Raises RanvierErrors."""
        self._path = command.path
        watching = self._context.tasks.start(self._watch(), "export progress")
        try:
            done = await self._context.client.call(command, timeout_s=_EXPORT_S)
        finally:
            watching.cancel()
            self.hide()
        self._context.say(done.text)

    def show_progress(self, found: ExportView) -> None:
        self.bar.setRange(0, found.all or 0)
        self.bar.setValue(found.rows or 0)
        known = found.rows is not None and bool(found.all)
        far = f": {block_text(found.rows)} of {block_text(found.all)} rows"
        self.words.setText(f"Writing the file{far if known else ''}")
        self.show()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                self.show_progress(await self._context.client.call(GetExport(self._path)))
            except RanvierError:
                continue  # the export's own answer tells what is wrong

    async def _cancel(self) -> None:
        await self._context.client.call(CancelExport(self._path))
