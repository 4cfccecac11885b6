"""Adding a miner: a recipe, a hotkey, a name that is free."""

from __future__ import annotations

import pytest

from gui.fakes import COLDKEY, FakeClient, good_miner, status_event
from gui.stage import stage, texts, until
from ranvier.agent.api.messages import AddMiner, InstallMiner
from ranvier.core.errors import MinerError
from ranvier.keys import mnemonic
from ranvier.keys.listing import list_wallets
from ranvier.keys.wallets import add_hotkey, add_watch_only
from ranvier.miners.recipe.recipe import bundled_recipes, load_recipe
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.miners.add_miner import AddMinerDialog
from ranvier.ui.dialogs.miners.miner_source import COMMAND

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
    add = FakeClient().call
    dialog = AddMinerDialog(parent, recipes, list_wallets(wallet), None, lambda work, _: work.close(), add)
    assert "coldkey itself is never given" in texts(dialog)
    assert dialog.recipe.currentText() == recipes[0].title
    dialog.name.setText("///")
    dialog.submitted()
    assert "letter or digit" in texts(dialog)


async def test_what_the_agent_refuses_is_said_in_the_dialog_and_nothing_typed_is_lost(qtbot, tmp_path, wallet):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        it.client.answers[AddMiner] = MinerError("Hotkey in use", "Another miner has it.", "Use another.")
        page.add_miner.click()
        await until(lambda: visible(it.window))
        dialog = visible(it.window)
        dialog.name.setText("Second miner")
        dialog.yes.click()
        await until(lambda: "Another miner has it." in texts(dialog))
        assert dialog.isVisible() and dialog.yes.isEnabled() and it.window.messages.messages == []
        del it.client.answers[AddMiner]
        dialog.yes.click()
        await until(lambda: it.client.sent(InstallMiner))
        added = good_miner(id="second-miner", name="Second miner")
        it.bridge._emit(status_event(good_miner(), added))
        await until(lambda: page.chosen is not None and page.chosen.id == "second-miner")


async def test_it_begins_with_a_hotkey_that_no_miner_uses(qtbot, tmp_path, wallet):
    add_hotkey(wallet / "cold", "spare", mnemonic.generate())
    (used,) = (one for one in list_wallets(wallet)[0].hotkeys if one.name == "hot")
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner(hotkey_ss58=used.ss58)))
        page.add_miner.click()
        await until(lambda: visible(it.window))
        dialog = visible(it.window)
        assert dialog.hotkey.currentData() == "spare"
        words = [dialog.hotkey.itemText(place) for place in range(dialog.hotkey.count())]
        assert sum("used by Practice miner" in one for one in words) == 1


async def test_a_dialog_that_grows_keeps_its_buttons_on_the_screen(qtbot, tmp_path, wallet):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        page.add_miner.click()
        await until(lambda: visible(it.window))
        dialog = visible(it.window)
        screen = dialog.screen().availableGeometry()
        dialog.move(dialog.x(), screen.bottom() - dialog.height() - 40)
        dialog.source.kind.setCurrentIndex(COMMAND)
        dialog.source.command.input.setText("python3 miner.py --netuid 4")
        dialog.yes.click()
        assert dialog.source.proposal is not None
        await until(lambda: dialog.frameGeometry().bottom() <= screen.bottom())
        assert dialog.frameGeometry().top() >= screen.top()
