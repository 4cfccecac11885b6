"""Write every page and dialog in both themes as PNG. No display needed."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "app"), str(ROOT / "tests")]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if __name__ == "__main__":
    # Nothing here may read the real home: it would end in a picture.
    os.environ["HOME"] = tempfile.mkdtemp(prefix="ranvier-screenshots-")

import qasync  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QScrollArea, QWidget  # noqa: E402

from gui import samples, samples_money  # noqa: E402
from gui.screenshots_books import shoot_books  # noqa: E402
from gui.screenshots_hardware import shoot_hardware  # noqa: E402
from gui.screenshots_miners import shoot_miners  # noqa: E402
from gui.screenshots_money import shoot_money  # noqa: E402
from gui.screenshots_pages import shoot_pages  # noqa: E402
from gui.screenshots_wallets import shoot_custody, shoot_wallet_dialogs  # noqa: E402
from gui.screenshots_window import shoot_window  # noqa: E402
from ranvier.agent.api.market_messages import GetHoldings  # noqa: E402
from ranvier.ui.dialogs.money.plan import PlanDialog  # noqa: E402
from ranvier.ui.pages import PLACES  # noqa: E402
from ranvier.ui.theme import Theme  # noqa: E402
from ranvier.ui.widgets.charts.chart import Chart  # noqa: E402
from ranvier.ui.window import Window  # noqa: E402

SIZE = (1280, 800)
SETTLE_S = 0.5
_THEMES = ("light", "dark")


class Studio:
    """One window over made-up data; ``shoot`` saves what can be seen."""

    def __init__(self, house: samples.House, out: Path, theme: str) -> None:
        self.house, self.out, self.theme = house, out, theme
        self.window = Window()
        self.window.resize(*SIZE)
        self.window.show()
        self.window.attach(house.context)
        header = self.window.header
        house.bridge.status.connect(header.show_status)
        self.made: list[Path] = []

    def shoot(self, widget: QWidget, name: str) -> None:
        path = self.out / f"{name}-{self.theme}.png"
        widget.grab().save(str(path))
        self.made.append(path)

    async def page(self, key: str) -> QWidget:
        self.window.go(key)
        await samples.until(lambda: self.window.open_key == key or self.house.errors, f"page {key}")
        if self.house.errors:
            raise self.house.errors[0]
        self.house.bridge.status.emit(samples.status(self.house.client.network))
        page = self.window.pages[key]
        await asyncio.sleep(SETTLE_S)
        await samples.until(lambda: all(c.loaded for c in page.findChildren(Chart) if c.isVisible()), "charts")
        await asyncio.sleep(SETTLE_S)
        return page

    async def dialog(self, dialog: QDialog, name: str) -> None:
        dialog.open()
        await asyncio.sleep(0.1)
        self.shoot(dialog, name)

    async def close(self) -> None:
        self.window.end()
        await self.house.close()
        self.window.deleteLater()
        await asyncio.sleep(0.05)


async def shoot_all(application: QApplication, out: Path, theme: str) -> list[Path]:
    """Every page and dialog in one theme."""
    Theme(application, theme)
    with tempfile.TemporaryDirectory() as home:
        house = samples.House(Path(home) / "alice")
        await samples.make_wallets(house.paths.wallets)
        await samples.make_practice_wallet(house.paths.practice_wallets)
        house.client.answers |= samples_money.rich_earnings(samples.earnings_rows())
        studio = Studio(house, out, theme)
        for place in PLACES:
            page = await studio.page(place.key)
            extra = _EXTRA.get(place.key)
            if extra is not None:
                extra(page)
                await asyncio.sleep(SETTLE_S)
            studio.shoot(studio.window, place.key)
            if place.key == "wallets":
                await shoot_custody(studio, page)
            if place.key == "miners":
                await shoot_miners(studio, page)
            if place.key == "hardware":
                page.findChild(QScrollArea).verticalScrollBar().setValue(10_000)
                await asyncio.sleep(0.1)
                studio.shoot(studio.window, "hardware-below")
        await shoot_dialogs(studio)
        await shoot_money(studio)
        await shoot_books(studio)
        await shoot_pages(studio)
        for left in studio.window.findChildren(QDialog):  # the next stage looks for its own among the open ones
            left.close()
        await shoot_window(studio)
        await studio.close()
    with tempfile.TemporaryDirectory() as home:
        await shoot_empty(Path(home), out, theme)
    with tempfile.TemporaryDirectory() as home:
        studio.made += await shoot_hardware(Path(home), lambda house: Studio(house, out, theme))
    return studio.made


async def shoot_empty(home: Path, out: Path, theme: str) -> None:
    """The pages of a first day: no wallet, no GPU, no stake, nothing earned."""
    house = samples.House(home, samples.FakeClient(samples.Paths.under(home), gpus=False))
    nothing = samples.portfolio()
    answers = house.client.answers
    answers[samples.GetPortfolio] = samples.Portfolio(nothing.block, (), (), ())
    answers[GetHoldings] = samples_money.nothing_held()
    answers[samples.GetEarnings] = samples.Earnings((), ())
    studio = Studio(house, out, theme)
    for key in ("wallets", "hardware", "stake", "earnings"):
        await studio.page(key)
        studio.shoot(studio.window, f"{key}-empty")
    await studio.close()


async def shoot_dialogs(studio: Studio) -> None:
    """The dialogs, each in its interesting moments."""
    window = studio.window
    await studio.dialog(PlanDialog(window, samples.plan()), "plan")
    await studio.dialog(PlanDialog(window, samples.plan("finney")), "plan-mainnet")
    await shoot_wallet_dialogs(studio)


def _half_a_rehearsal(page: QWidget) -> None:
    for report in samples.stages():
        page.show_report(report)


def _select_second(page: QWidget) -> None:
    page.table.selectRow(1)


def _select_first(page: QWidget) -> None:
    page.table.selectRow(0)


_EXTRA: dict[str, Callable[[QWidget], None]] = {
    "rehearsal": _half_a_rehearsal,
    "earnings": _select_second,
    "stake": _select_second,
    "subnets": _select_first,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="screenshots.py", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("screenshots"), help="folder for the pictures")
    parser.add_argument("--theme", choices=_THEMES, help="only this one (default: both)")
    options = parser.parse_args(arguments)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    application = QApplication(["ranvier"])
    application.setQuitOnLastWindowClosed(False)
    loop = qasync.QEventLoop(application)
    asyncio.set_event_loop(loop)
    with loop:
        for theme in (options.theme,) if options.theme else _THEMES:
            for path in loop.run_until_complete(shoot_all(application, out, theme)):
                sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
