"""The Miners page in trouble: diagnosis, log with a search, time line, the dialogs. Called by ``screenshots.py``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

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
    """The failing miner: its card and log, a search in a gigabyte, the time line; then the dialogs."""
    window = studio.window
    page.table.select_key("writer-2")
    await asyncio.sleep(SETTLE_S)
    studio.shoot(window, "miners-failed")
    page.log.search.setText(r"Errno \d+|stale nonce")
    await page.log_feed.search(page.log.search.text())
    await asyncio.sleep(SETTLE_S)
    studio.shoot(window, "miners-failed-search")
    page.timeline_tab.click()
    page.timeline.spans[21_600].click()
    await samples.until(lambda: page.timeline.view.lines is not None, "the time line")
    await asyncio.sleep(SETTLE_S)
    studio.shoot(window, "miners-failed-timeline")
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
