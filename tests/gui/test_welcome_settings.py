"""First start and settings: nothing is sent before a choice; bad input is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

from gui.fakes import COLDKEY, status_event
from gui.stage import stage, texts, until
from ranvier.agent.api.messages import UseNetwork, WatchColdkeys
from ranvier.core.errors import NetworkError
from ranvier.core.settings import DECLARED, NETWORK, THEME, WALLET_FOLDER, WATCHED_COLDKEY
from ranvier.keys.wallets import add_watch_only
from ranvier.ui.dialogs.ask import Dialog


async def test_nothing_is_sent_before_the_choice(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("welcome")
        assert not it.window.sidebar.isVisible()
        page.choices["finney"].choose.click()
        page.watch.address.setText("5NotAnAddress")
        page.watch.watch_address.click()
        assert "not a coldkey address" in page.watch.problem.text()
        assert it.client.commands == [] and it.settings.get(NETWORK) == ""


async def test_sandbox_leads_to_the_rehearsal(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("welcome")
        page.choices["sandbox"].choose.click()
        it.bridge._emit(status_event())
        await until(lambda: it.window.open_key == "rehearsal")
        assert it.client.commands == [UseNetwork("sandbox")]
        assert it.settings.get(NETWORK) == "sandbox" and it.window.sidebar.isVisible()


async def test_watching_an_address_on_mainnet(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("welcome")
        page.choices["finney"].choose.click()
        assert page.watch.isVisible()
        page.watch.address.setText(f" {COLDKEY} ")
        page.watch.watch_address.click()
        it.bridge._emit(status_event())
        await until(lambda: it.window.open_key == "overview")
        assert it.client.commands == [UseNetwork("finney"), WatchColdkeys((COLDKEY,))]
        assert it.settings.get(WATCHED_COLDKEY) == COLDKEY


async def test_watching_a_wallet_folder(qtbot, tmp_path):
    folder = tmp_path / "wallets"
    add_watch_only(folder, "cold", COLDKEY)
    async with stage(tmp_path) as it:
        page = await it.open("welcome")
        page.choices["test"].choose.click()
        page.watch.folder.setText(str(tmp_path / "nothing"))
        page.watch.watch_folder.click()
        await until(lambda: "No wallet" in page.watch.problem.text())
        it.bridge._emit(status_event())
        page.watch.folder.setText(str(folder))
        page.watch.watch_folder.click()
        await until(lambda: it.window.open_key == "overview")
        assert it.client.sent(WatchColdkeys) == [WatchColdkeys((COLDKEY,))]
        assert it.settings.get(WALLET_FOLDER) == str(folder)


async def test_a_failed_choice_can_be_made_again(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[UseNetwork] = NetworkError("Port taken", "Port 9944 is used by another program.", "Free it.")
        page = await it.open("welcome")
        page.choices["sandbox"].choose.click()
        it.bridge._emit(status_event())
        await until(lambda: it.window.messages.messages)
        assert page.choices["sandbox"].choose.isEnabled()
        assert it.settings.get(NETWORK) == "" and it.window.open_key == "welcome"


async def test_every_declared_setting_has_a_field_with_its_help(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("settings")
        assert set(page.fields) == {setting.key for setting in DECLARED}
        shown = texts(page)
        for setting in DECLARED:
            assert setting.label in shown and setting.help in shown
            assert page.fields[setting.key].accessibleName() == setting.label
        it.bridge._emit(status_event())
        assert "process 4242" in page.agent_version.text()
        assert "6.11" in shown


async def test_changes_are_stored_and_bad_ones_refused(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("settings")
        theme = page.fields[THEME.key]
        theme.setCurrentIndex(theme.findData("dark"))
        theme.activated.emit(theme.currentIndex())
        assert it.settings.get(THEME) == "dark"
        field = page.fields[WATCHED_COLDKEY.key]
        field.setText("nonsense")
        field.editingFinished.emit()
        assert field.text() == "" and it.settings.get(WATCHED_COLDKEY) == ""
        assert "not a coldkey address" in it.window.messages.messages[-1].words[1]
        field.setText(COLDKEY)
        field.editingFinished.emit()
        await until(lambda: it.client.sent(WatchColdkeys) == [WatchColdkeys((COLDKEY,), beside=True)])
        field.setText("")
        field.editingFinished.emit()
        gone = WatchColdkeys((), beside=True, dropped=(COLDKEY,))
        await until(lambda: it.client.sent(WatchColdkeys)[1:] == [gone])


async def test_changing_the_network_asks(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.settings.set(NETWORK, "sandbox")
        page = await it.open("settings")
        box = page.fields[NETWORK.key]
        for answer, network in (("no", "sandbox"), ("yes", "test")):
            box.setCurrentIndex(box.findData("test"))
            box.activated.emit(box.currentIndex())
            await until(lambda: any(d.isVisible() for d in it.window.findChildren(Dialog)))
            dialog = next(d for d in it.window.findChildren(Dialog) if d.isVisible())
            getattr(dialog, answer).click()
            await until(lambda network=network: box.currentData() == network and it.settings.get(NETWORK) == network)
        assert it.client.commands == [UseNetwork("test")]


async def test_folders_that_do_not_exist_are_said(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("settings")
        page._open(Path("/nowhere/at/all"))
        assert "does not exist yet" in it.window.messages.messages[-1].words[1]
