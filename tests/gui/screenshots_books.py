"""The pictures of what stands beside the earnings: costs, tariff, price source, lots, an export under way."""

from __future__ import annotations

from typing import Any

from gui import samples_books
from gui.fakes import COLDKEY, HOTKEY
from ranvier.agent.api.money_messages import ExportView
from ranvier.ui.dialogs.explain import ExplainDialog, Place
from ranvier.ui.dialogs.money.costs import CostDialog, CostsDialog, TariffDialog
from ranvier.ui.dialogs.money.lots import BasisDialog, LotsDialog, lot_lines
from ranvier.ui.dialogs.money.past import PastDialog
from ranvier.ui.dialogs.money.price_source import PRESET, PriceSourceDialog


async def shoot_books(studio: Any) -> None:
    page = await studio.page("earnings")
    page.export_line.show_progress(ExportView(412_600, 1_000_000))
    studio.shoot(studio.window, "earnings-export")
    page.export_line.hide()
    cost = CostDialog(page, "EUR")
    cost.name.input.setText("RTX 4090")
    cost.amount.input.setText("1850")
    cost.rest.input.setText("2000")
    preset = PriceSourceDialog(page, samples_books.SOURCE)
    preset.kind.setCurrentIndex(preset.kind.findData(PRESET))
    lots = LotsDialog(
        studio.house.context, page, [(1, "Subnet 1 · practice"), (4, "Subnet 4")], _never, _never, _never, _never
    )
    lots.show_book(samples_books.lots())
    place = Place(HOTKEY, COLDKEY, 1, 47_200)
    explain = ExplainDialog(studio.house.context, page, [place], {1: "practice"}, _never)
    explain.show_check(samples_books.check(), 1)
    for name, dialog in (
        ("costs", CostsDialog(page, samples_books.COSTS, samples_books.TARIFF)),
        ("costs-empty", CostsDialog(page, (), None)),
        ("cost", cost),
        ("tariff", TariffDialog(page, samples_books.TARIFF, "EUR")),
        ("price-off", PriceSourceDialog(page, None)),
        ("price-address", PriceSourceDialog(page, samples_books.SOURCE)),
        ("price-preset", preset),
        ("lots", lots),
        ("lot-cost", BasisDialog(page, lot_lines(samples_books.lots())[4])),
        ("past", PastDialog(page, "wss://archive.chain.opentensor.ai:443", 1, HOTKEY)),
        ("explain", explain),
    ):
        await studio.dialog(dialog, name)
        dialog.close()


async def _never(*_: Any) -> Any:
    raise AssertionError("nothing is asked for a picture")
