"""The Miners page in trouble: diagnosis, log with a search, history, the dialogs. Called by ``screenshots.py``."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from gui import samples, samples_miners
from ranvier.agent.messages import ExportLogs
from ranvier.keys.listing import list_wallets
from ranvier.miners.recipe import bundled_recipes, load_recipe
from ranvier.ui.dialogs.add_miner import AddMinerDialog
from ranvier.ui.dialogs.change_miner import ChangeMinerDialog
from ranvier.ui.dialogs.export_logs import ExportDialog
from ranvier.ui.dialogs.miner_source import COMMAND

if TYPE_CHECKING:
    from gui.screenshots import Studio

SETTLE_S = 0.4


async def shoot_miners(studio: Studio, page: Any) -> None:
    """The failing miner: its card and log, a search in a gigabyte, its history; then the dialogs."""
    window = studio.window
    page.table.select_key("writer-2")
    await asyncio.sleep(SETTLE_S)
    studio.shoot(window, "miners-failed")
    page.log.search.setText(r"Errno \d+|stale nonce")
    await page.log_feed.search(page.log.search.text())
    await asyncio.sleep(SETTLE_S)
    studio.shoot(window, "miners-failed-search")
    page.history_tab.click()
    page.history.spans[21_600].click()
    await samples.until(lambda: page.history.view.lines is not None, "the history")
    await asyncio.sleep(SETTLE_S)
    studio.shoot(window, "miners-failed-history")
    await shoot_history(studio, page.history)
    page.log_tab.click()
    page.log.search.clear()
    miner = next(one for one in page.model.rows if one.id == "writer-2")
    gpus = samples.hardware().gpus
    await studio.dialog(ChangeMinerDialog(window, miner, gpus, {gpus[0].uuid: "Practice miner"}), "miner-change")
    folder = studio.house.paths.wallets
    recipes = [load_recipe(one) for one in bundled_recipes().values()]
    adding = AddMinerDialog(window, recipes, await asyncio.to_thread(list_wallets, folder), frozenset(), sandbox=False)
    await studio.dialog(adding, "miner-add")
    adding.source.kind.setCurrentIndex(COMMAND)
    adding.source.command.input.setText("python3 neurons/miner.py --netuid 4 --wallet.name rig --axon.port 8091")
    adding.source.make()
    await asyncio.sleep(SETTLE_S)
    studio.shoot(adding, "miner-add-command")
    adding.done(0)
    preview = samples_miners.bundle(ExportLogs(miner.id))
    target = studio.house.paths.data / "writer-2-logs.zip"
    await studio.dialog(ExportDialog(window, miner.name, preview, target), "miner-export")


async def shoot_history(studio: Studio, panel: Any) -> None:
    """All its lanes at once, with words at a moment; then an hour of them, zoomed into."""
    size = studio.window.size()
    studio.window.resize(1280, 1120)
    await asyncio.sleep(SETTLE_S)
    view = panel.view
    place = QPointF(view._x(time.time() - 1600), 190.0)
    move = QMouseEvent(QEvent.Type.MouseMove, place, place, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton,
                       Qt.KeyboardModifier.NoModifier)  # fmt: skip
    view.mouseMoveEvent(move)
    studio.shoot(studio.window, "miners-history")
    view.look(time.time() - 4200, time.time() - 600)
    await samples.until(lambda: view.lines.end < time.time() - 500, "the part of it")
    await asyncio.sleep(SETTLE_S)
    studio.shoot(studio.window, "miners-history-zoomed")
    panel.follow.click()
    studio.window.resize(size)
