"""Adding a miner: a recipe, a hotkey, a name that is free."""

from __future__ import annotations

import pytest

from gui.fakes import COLDKEY, good_miner, status_event
from gui.stage import stage, texts, until
from ranvier.agent.api.messages import AddMiner, InstallMiner
from ranvier.keys.listing import list_wallets
from ranvier.keys.wallets import add_hotkey, add_watch_only
from ranvier.miners.recipe.recipe import bundled_recipes, load_recipe
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.miners.add_miner import AddMinerDialog

PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"


def visible(window):
    return next((d for d in window.findChildren(Dialog) if d.isVisible()), None)


@pytest.fixture
def wallet(tmp_path):
    folder = tmp_path / "home" / "wallets"
    add_watch_only(folder, "cold", COLDKEY)
    add_hotkey(folder / "cold", "hot", PHRASE)
    return folder


async def test_without_a_hotkey_it_says_what_is_missing(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event())
        page.add_miner.click()
        await until(lambda: visible(it.window))
        assert "needs a hotkey" in texts(visible(it.window))
        visible(it.window).yes.click()
        await until(lambda: visible(it.window) is None)
        assert it.client.sent(AddMiner) == []


async def test_the_chosen_recipe_and_hotkey_are_added_and_installed(qtbot, tmp_path, wallet):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        page.add_miner.click()
        await until(lambda: visible(it.window))
        dialog = visible(it.window)
        dialog.name.setText("Practice")
        dialog.yes.click()
        assert visible(it.window) is dialog and "choose another name" in texts(dialog)
        dialog.name.setText("Second miner")
        dialog.yes.click()
        await until(lambda: it.client.sent(InstallMiner))
        command = it.client.sent(AddMiner)[0]
        assert command == AddMiner("second-miner", "Second miner", "sandbox-llm", 1, str(wallet), "cold", "hot")
        assert it.client.sent(InstallMiner) == [InstallMiner("second-miner")]


async def test_a_practice_wallet_will_do_on_the_sandbox(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        practice = it.context.paths.practice_wallets
        add_watch_only(practice, "practice", COLDKEY)
        add_hotkey(practice / "practice", "second", PHRASE)
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        page.add_miner.click()
        await until(lambda: visible(it.window))
        dialog = visible(it.window)
        dialog.name.setText("Second miner")
        dialog.yes.click()
        await until(lambda: it.client.sent(AddMiner))
        assert it.client.sent(AddMiner)[0].wallet_path == str(practice)


def test_the_dialog_says_what_the_miner_gets(qtbot, tmp_path, wallet):
    from PySide6.QtWidgets import QWidget

    parent = QWidget()
    qtbot.addWidget(parent)
    recipes = [load_recipe(folder) for folder in bundled_recipes().values()]
    dialog = AddMinerDialog(parent, recipes, list_wallets(wallet), frozenset(), sandbox=False)
    assert "coldkey itself is never given" in texts(dialog)
    assert dialog.recipe.currentText() == recipes[0].title
    dialog.name.setText("///")
    dialog.submitted()
    assert "letter or digit" in texts(dialog)
