"""Write every page and dialog in both themes as PNG: ``python tests/gui/screenshots.py OUT_DIR``. No display needed."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "app"), str(ROOT / "tests")]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if len(sys.argv) > 1:
    # Nothing here may read the real home: it would end in a picture.
    os.environ["HOME"] = tempfile.mkdtemp(prefix="ranvier-screenshots-")

import qasync  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QScrollArea, QWidget  # noqa: E402

from gui import samples  # noqa: E402
from ranvier.keys.listing import list_wallets  # noqa: E402
from ranvier.ui.dialogs.create_wallet import BACK, WORDS, WRITING, CreateWalletDialog  # noqa: E402
from ranvier.ui.dialogs.import_wallet import AddHotkeyDialog, ImportWalletDialog  # noqa: E402
from ranvier.ui.dialogs.plan import PlanDialog  # noqa: E402
from ranvier.ui.dialogs.watch_only import WatchOnlyDialog  # noqa: E402
from ranvier.ui.pages import PLACES  # noqa: E402
from ranvier.ui.theme import Theme  # noqa: E402
from ranvier.ui.widgets.chart import Chart  # noqa: E402
from ranvier.ui.window import Window  # noqa: E402

SIZE = (1280, 800)
SETTLE_S = 0.5


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
        studio = Studio(house, out, theme)
        for place in PLACES:
            page = await studio.page(place.key)
            extra = _EXTRA.get(place.key)
            if extra is not None:
                extra(page)
                await asyncio.sleep(SETTLE_S)
            studio.shoot(studio.window, place.key)
            if place.key == "hardware":
                page.findChild(QScrollArea).verticalScrollBar().setValue(10_000)
                await asyncio.sleep(0.1)
                studio.shoot(studio.window, "hardware-below")
        await shoot_dialogs(studio)
        await studio.close()
    with tempfile.TemporaryDirectory() as home:
        await shoot_empty(Path(home), out, theme)
    return studio.made


async def shoot_empty(home: Path, out: Path, theme: str) -> None:
    """The pages of a first day: no wallet, no GPU, no stake, nothing earned."""
    house = samples.House(home, samples.FakeClient(samples.Paths.under(home), gpus=False))
    nothing = samples.portfolio()
    answers = house.client.answers
    answers[samples.GetPortfolio] = samples.Portfolio(nothing.block, (), (), ())
    answers[samples.GetEarnings] = samples.Earnings((), ())
    studio = Studio(house, out, theme)
    for key in ("wallets", "hardware", "stake", "earnings"):
        await studio.page(key)
        studio.shoot(studio.window, f"{key}-empty")
    await studio.close()


async def shoot_dialogs(studio: Studio) -> None:
    """The dialogs, each in its interesting moments."""
    window, folder, run = studio.window, studio.house.paths.wallets, studio.house.context.run
    await studio.dialog(PlanDialog(window, samples.plan()), "plan")
    await studio.dialog(PlanDialog(window, samples.plan("finney")), "plan-mainnet")
    create = CreateWalletDialog(window, folder, ["miner"], run)
    create.name.input.setText("Miner")
    create.password.first.input.setText("correct horse battery")
    create.password.second.input.setText("correct horse batter")
    await studio.dialog(create, "create-1-details")
    create.name.input.setText("rig")
    create.password.second.input.setText("correct horse battery")
    create.submitted()
    create._words = samples.BOTTOM.split()
    create.grid.show_words(create._words)
    assert create.steps.place == WORDS
    await asyncio.sleep(0.1)
    studio.shoot(create, "create-2-words")
    create.submitted()
    for place, field in create.back.fields.items():
        field.setText(create._words[place - 1])
    next(iter(create.back.fields.values())).setText("lone")
    list(create.back.fields.values())[-1].setText("")
    create.submitted()
    assert create.steps.place == BACK
    await asyncio.sleep(0.1)
    studio.shoot(create, "create-3-back")
    create.problem("")
    create.busy(True)
    create.steps.turn_to(WRITING)
    await asyncio.sleep(0.1)
    studio.shoot(create, "create-4-writing")
    create.done(0)
    imported = ImportWalletDialog(window, folder, ["miner"], run)
    imported.name.input.setText("restored")
    imported.entry.text.setPlainText(samples.BOTTOM.replace("hold", "hose"))
    imported.submitted()
    await studio.dialog(imported, "import")
    watch = WatchOnlyDialog(window, folder, ["miner"], run)
    watch.address.input.setText(samples.ALICE[:-1] + "Z")
    watch.name.input.setText("cold")
    await studio.dialog(watch, "watch-only")
    wallet = (await asyncio.to_thread(list_wallets, folder))[0]
    await studio.dialog(AddHotkeyDialog(window, wallet, run), "add-hotkey")


def _half_a_rehearsal(page: QWidget) -> None:
    for report in samples.stages():
        page.show_report(report)


def _select_second(page: QWidget) -> None:
    page.table.selectRow(1)


_EXTRA: dict[str, Callable[[QWidget], None]] = {"rehearsal": _half_a_rehearsal, "earnings": _select_second}


def main(arguments: list[str]) -> int:
    out = Path(arguments[0] if arguments else "screenshots")
    out.mkdir(parents=True, exist_ok=True)
    application = QApplication(["ranvier"])
    application.setQuitOnLastWindowClosed(False)
    loop = qasync.QEventLoop(application)
    asyncio.set_event_loop(loop)
    with loop:
        for theme in ("light", "dark"):
            for path in loop.run_until_complete(shoot_all(application, out, theme)):
                sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
