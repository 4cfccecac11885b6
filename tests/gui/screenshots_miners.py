"""The Miners page in trouble: diagnosis, log with a search, history, the dialogs. Called by ``screenshots.py``."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from gui import samples, samples_miners
from ranvier.agent.api.messages import ExportLogs, GetSecrets, MinerSecrets, MinerView, RecipeText, SecretView
from ranvier.keys.listing import list_wallets
from ranvier.miners.recipe.recipe import bundled_recipes, load_recipe
from ranvier.ui.dialogs.miners.add_miner import AddMinerDialog
from ranvier.ui.dialogs.miners.change_miner import ChangeMinerDialog
from ranvier.ui.dialogs.miners.disk_use import DiskDialog, Use
from ranvier.ui.dialogs.miners.edit_recipe import EditRecipeDialog
from ranvier.ui.dialogs.miners.export_logs import ExportDialog
from ranvier.ui.dialogs.miners.miner_secrets import SecretsDialog
from ranvier.ui.dialogs.miners.miner_source import COMMAND

if TYPE_CHECKING:
    from gui.screenshots import Studio

SETTLE_S = 0.4
SECRETS = MinerSecrets(
    (SecretView("HF_TOKEN", ("HF_TOKEN",), True, False), SecretView("WANDB_API_KEY", ("WANDB_API_KEY",), False, True))
)


async def shoot_miners(studio: Studio, page: Any) -> None:
    """The failing miner: its card and log, a search in a gigabyte, its history; then the dialogs."""
    window = studio.window
    studio.house.client.answers[GetSecrets] = SECRETS
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
    wallets = await asyncio.to_thread(list_wallets, folder)
    context = studio.house.context
    adding = AddMinerDialog(window, recipes, wallets, context.bridge.latest, context.run, context.client.call)
    await studio.dialog(adding, "miner-add")
    adding.source.kind.setCurrentIndex(COMMAND)
    adding.source.command.input.setText("python3 neurons/miner.py --netuid 4 --wallet.name rig --axon.port 8091")
    adding.source.make()
    await asyncio.sleep(SETTLE_S)
    studio.shoot(adding, "miner-add-command")
    adding.done(0)
    await shoot_steps(studio, miner)
    preview = samples_miners.bundle(ExportLogs(miner.id))
    target = studio.house.paths.data / "writer-2-logs.zip"
    await studio.dialog(ExportDialog(window, miner.name, preview, target), "miner-export")


async def shoot_steps(studio: Studio, miner: MinerView) -> None:
    """What the owner does when it needs something: a secret, another recipe, room on the disk."""
    window, paths = studio.window, studio.house.paths
    secrets = SecretsDialog(window, studio.house.context, miner.id, miner.name, SECRETS)
    await studio.dialog(secrets, "miner-secrets")
    secrets.value.insist()
    secrets.problem("The system's password store is locked. Unlock it, then try again.")
    await asyncio.sleep(SETTLE_S)
    studio.shoot(secrets, "miner-secrets-locked")
    secrets.done(0)
    text = (bundled_recipes()["sandbox-llm"] / "recipe.toml").read_text("utf-8")
    recipe = RecipeText(text, str(paths.miner(miner.id) / "recipe" / "recipe.toml"))
    why = "Its command line is not what it expects (--netuidd). Correct its command."
    editing = EditRecipeDialog(window, studio.house.context, miner, recipe, why)
    editing.problem("recipe.toml, line 12: program.comand: unknown key.")
    await studio.dialog(editing, "miner-recipe")
    editing.done(0)
    uses = [
        Use("Downloads for environments; they can be fetched again", paths.cache, 9_300_000_000),
        Use(f"{miner.name}: its environments", paths.miner(miner.id) / "env", 6_100_000_000),
        Use(f"{miner.name}: its log", paths.miner(miner.id) / "logs", 1_070_000_000),
        Use("Ledgers and the sandbox", paths.data / "networks", 84_000_000),
    ]
    disk = DiskDialog(window, paths, (uses, 120_000_000, 256_000_000_000))
    await studio.dialog(disk, "disk-use")
    disk.done(0)


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
