"""A failing miner on screen: the diagnosis card with its one step, the time line, changing and adding miners."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtWidgets import QWidget

from gui import samples, samples_miners
from gui.fakes import COLDKEY, FakeClient, failed_miner, good_miner, status_event
from gui.stage import settle, stage, texts, until
from ranvier.agent import autostart
from ranvier.agent.api.messages import (
    ChangeMiner,
    LogCrash,
    MinerView,
    StartMiner,
    UndoUpdate,
    UpdateMiner,
    Version,
)
from ranvier.agent.miners.incidents import LABELS
from ranvier.keys.listing import list_wallets
from ranvier.keys.wallets import add_hotkey, add_watch_only
from ranvier.miners.recipe.recipe import bundled_recipes, load_recipe
from ranvier.miners.states import ShownState
from ranvier.miners.status import MinerState
from ranvier.ui.dialogs.miners.add_miner import AddMinerDialog
from ranvier.ui.dialogs.miners.change_miner import ChangeMinerDialog
from ranvier.ui.dialogs.miners.miner_source import COMMAND, IMAGE, IMPORT, PROJECT
from ranvier.ui.phrases import SHOWN_WORDS, start_refusal, start_words, state_words

PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"


def sick(action: str = "change_port", *, known: bool = True) -> MinerView:
    why = msgspec.structs.replace(samples_miners.diagnosis(), action=action, label=LABELS[action], known=known)
    return msgspec.structs.replace(failed_miner(), diagnosis=why, shown=ShownState.BACKING_OFF, reason="ended")


def test_every_shown_state_has_words_and_an_old_agent_is_understood():
    assert set(SHOWN_WORDS) == set(ShownState)
    assert state_words(good_miner()) == "Running", "an older agent sends no more than the keeper's word"
    assert state_words(good_miner(shown=ShownState.DEGRADED)) == "Degraded"
    assert start_words(good_miner(state=MinerState.FAILED)) == "Retry now"
    assert "being installed" in (start_refusal(good_miner(shown=ShownState.INSTALLING)) or "")


async def test_the_card_says_why_and_goes_when_it_is_well(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(sick()))
        await settle()
        shown = texts(page.diagnosis)
        for words in ("Port 8092 is in use by python3", "address already in use", "Next step: End that program",
                      "4 times, first 6 min ago", "Take another port and start"):  # fmt: skip
            assert words in shown, words
        assert page.head.badge.text == "Waiting to restart" and page.head.start.text() == "Retry now"
        it.bridge._emit(status_event(sick(known=False)))
        assert "none is claimed" in texts(page.diagnosis)
        page._agent_lost("gone")
        assert not page.diagnosis.button.isEnabled() and "does not answer" in page.diagnosis.button.toolTip()
        it.bridge._emit(status_event(msgspec.structs.replace(sick(), diagnosis=None)))
        assert page.diagnosis.isHidden()


@pytest.mark.parametrize(
    ("action", "commands"),
    [
        ("retry", [StartMiner("llm-4090")]),
        ("change_port", [ChangeMiner("llm-4090", axon_port=0), StartMiner("llm-4090")]),
        ("reinstall", [UpdateMiner("llm-4090", fresh=True)]),
    ],
)
async def test_the_one_button_does_the_step(qtbot, tmp_path, action, commands):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(sick(action)))
        assert page.diagnosis.button.text() == LABELS[action]
        page.diagnosis.button.click()
        kinds = tuple(type(command) for command in commands)
        await until(lambda: [c for c in it.client.commands if isinstance(c, kinds)] == commands)
        await until(lambda: page.head.start.isEnabled())
        page.diagnosis.log.click()
        await until(lambda: it.client.sent(LogCrash))


async def test_a_step_may_lead_to_another_page(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr("ranvier.agent.autostart._run", _no_systemd)
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(sick("change_endpoint")))
        went = []
        object.__setattr__(it.context, "go", went.append)
        page.diagnosis.button.click()
        assert went == ["settings"]


async def _no_systemd(*_command):
    return 1, "disabled"


async def test_versions_are_updated_and_undone_with_reasons(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner(version=Version(2, 1, 5.0, "Version 2 is being tried."))))
        assert not page.head.update_action.isEnabled() and "being tried" in page.head.update_action.toolTip()
        page.head.back.trigger()
        await until(lambda: it.client.sent(UndoUpdate) == [UndoUpdate("practice")])
        assert "2, being tried" in texts(page.detail)
        it.bridge._emit(status_event(good_miner()))
        await until(lambda: page.head.update_action.isEnabled())
        assert not page.head.back.isVisible()
        page.head.update_action.trigger()
        await until(lambda: it.client.sent(UpdateMiner) == [UpdateMiner("practice")])


def test_cards_of_others_cannot_be_taken(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    gpus = samples.hardware().gpus
    miner = good_miner(gpus=("GPU-gone",), axon_port=8091)
    dialog = ChangeMinerDialog(parent, miner, gpus, {gpus[0].uuid: "Other"})
    taken = dialog.cards[gpus[0].uuid]
    assert not taken.isEnabled() and "Other has it" in taken.toolTip()
    assert dialog.command() == ChangeMiner("practice"), "nothing was changed"
    dialog.cards[gpus[1].uuid].setChecked(True)
    dialog.cards["GPU-gone"].setChecked(False)
    dialog.port.setValue(0)
    assert dialog.command() == ChangeMiner("practice", axon_port=0, gpus=(gpus[1].uuid,))


def test_where_others_reach_it_is_told_and_checked(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ChangeMinerDialog(parent, good_miner(external_ip="203.0.113.7"), (), {})
    assert dialog.command() == ChangeMiner("practice")
    dialog.address.input.setText("my house")
    dialog.accept()
    assert dialog.result() == 0 and "IP address" in dialog.address.note.text()
    dialog.address.input.setText("")
    dialog.outside.setValue(9000)
    dialog.accept()
    assert dialog.result() == 1
    assert dialog.command() == ChangeMiner("practice", external_ip="", external_port=9000)


@pytest.fixture
def adding(qtbot, tmp_path):
    folder = tmp_path / "wallets"
    add_watch_only(folder, "cold", COLDKEY)
    add_hotkey(folder / "cold", "hot", PHRASE)
    parent = QWidget()
    qtbot.addWidget(parent)
    recipes = [load_recipe(one) for one in bundled_recipes().values()]
    yield AddMinerDialog(parent, recipes, list_wallets(folder), None, lambda work, _: work.close(), FakeClient().call)


def test_any_command_becomes_a_recipe_that_is_read_first(adding):
    adding.name.setText("Mine")
    adding.source.kind.setCurrentIndex(COMMAND)
    adding.submitted()
    assert "nothing to run" in texts(adding), "Enter proposes; there was nothing to propose for"
    adding.source.command.input.setText("python3 'miner.py")
    adding.source.make()
    assert "not closed" in texts(adding)
    adding.source.command.input.setText("python3 miner.py --netuid 4 --axon.port 8091")
    adding.submitted()
    assert adding.source.proposal is not None and adding.result() == 0, "proposed, to be read first"
    assert adding.netuid.value() == 4, "what the command named"
    command = adding.command()
    assert command.recipe == "mine" and '"{netuid}"' in command.recipe_text
    adding.source.recipe_text.setPlainText("name = ")
    adding.submitted()
    assert "not valid" in texts(adding)


def test_a_projects_folder_and_an_image_are_proposed(adding, tmp_path):
    project = tmp_path / "project"
    (project / "neurons").mkdir(parents=True)
    (project / "neurons" / "miner.py").write_text("import bittensor\n")
    adding.source.kind.setCurrentIndex(PROJECT)
    adding.source.project.field.input.setText(str(project))
    adding.source.make()
    assert "{source}/neurons/miner.py" in adding.source.text
    assert "looks like a Bittensor miner" in texts(adding)
    adding.source.entry.input.setText("nope.py")
    adding.source.make()
    assert "nope.py is not in" in texts(adding) and adding.source.proposal is None
    (project / "other.py").write_text("")
    adding.source.entry.input.setText("other.py")
    adding.source.make()
    assert "{source}/other.py" in adding.source.text
    adding.source.kind.setCurrentIndex(IMAGE)
    assert adding.source.proposal is None, "another kind, another proposal"
    adding.source.image.input.setText("ghcr.io/team/miner:1.4 --fast")
    adding.source.make()
    assert 'image = "ghcr.io/team/miner:1.4"' in adding.source.text


def test_what_pm2_runs_is_read_and_the_switch_is_told(adding, tmp_path, away_from_home):
    dump = away_from_home / ".pm2" / "dump.pm2"
    dump.parent.mkdir()
    app = {"name": "sn1", "pm_exec_path": "/srv/miner.py", "exec_interpreter": "python3", "args": ["--netuid", "1"]}
    dump.write_bytes(msgspec.json.encode([app]))
    adding.source.kind.setCurrentIndex(IMPORT)
    adding.source.found.setCurrentIndex(adding.source.found.findText("PM2: sn1"))
    adding.source.make()
    assert "pm2 delete sn1" in texts(adding)
    assert adding.command().recipe == "sn1"


async def test_log_in_start_is_offered_and_never_silent(qtbot, tmp_path, monkeypatch):
    calls = []

    async def run(*command):
        calls.append(command)
        on = ("systemctl", "--user", "enable") in [one[:3] for one in calls]
        return (0, "enabled") if on or "is-enabled" not in command else (1, "disabled")

    monkeypatch.setattr("ranvier.agent.autostart._run", run)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    async with stage(tmp_path) as it:
        page = await it.open("settings")
        card = page.autostart
        await until(lambda: card.box.isEnabled())
        assert not card.box.isChecked()
        assert all("is-enabled" in call for call in calls), "looking changes nothing"
        entry = autostart.entry(it.context.paths)
        assert not entry.file.exists()
        card.box.click()
        await until(lambda: entry.file.exists() and card.box.isChecked())
