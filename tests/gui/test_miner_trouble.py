"""A failing miner on screen: the diagnosis card with its one step, the time line, changing and adding miners."""

from __future__ import annotations

import time

import msgspec
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from gui import samples, samples_miners
from gui.fakes import COLDKEY, failed_miner, good_miner, rich_status, status_event
from gui.stage import settle, stage, texts, until
from ranvier.agent import autostart
from ranvier.agent.incidents import LABELS
from ranvier.agent.messages import (
    ChangeMiner,
    GetTimeline,
    InstallMiner,
    LogCrash,
    MinerView,
    StartMiner,
    StatusEvent,
    Timeline,
    UndoUpdate,
    UpdateMiner,
    Version,
)
from ranvier.keys.listing import list_wallets
from ranvier.keys.wallets import add_hotkey, add_watch_only
from ranvier.miners.recipe import bundled_recipes, load_recipe
from ranvier.miners.states import ShownState
from ranvier.miners.status import ExitRecord, MinerState
from ranvier.ui.dialogs.add_miner import AddMinerDialog
from ranvier.ui.dialogs.change_miner import ChangeMinerDialog
from ranvier.ui.dialogs.miner_source import COMMAND, IMAGE, IMPORT, PROJECT
from ranvier.ui.models.timeline import build, words_at
from ranvier.ui.phrases import SHOWN_WORDS, start_refusal, start_words, state_words
from ranvier.ui.widgets.timeline import TimelineView

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
        ("reinstall", [InstallMiner("llm-4090", again=True)]),
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


@pytest.mark.parametrize(("action", "place"), [("free_disk", "hardware"), ("change_endpoint", "settings")])
async def test_a_step_may_lead_to_another_page(qtbot, tmp_path, monkeypatch, action, place):
    monkeypatch.setattr("ranvier.agent.autostart._run", _no_systemd)
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(sick(action)))
        went = []
        object.__setattr__(it.context, "go", went.append)
        page.diagnosis.button.click()
        assert went == [place]


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


def test_the_time_line_holds_what_was_told():
    now = time.time()
    miner = samples.failing_miner()
    lines = build(miner, samples_miners.timeline(GetTimeline("x", 86_400)), samples.earnings_rows(),
                  samples.history(900).samples, now - 86_400, now)  # fmt: skip
    assert [round(span.end - span.start) for span in lines.runs][:2] == [5120, 660]
    assert sum(dot.bad for dot in lines.ends) == 7
    assert len(lines.drops) == 1 and round(lines.drops[0].end - lines.drops[0].start) == 220
    assert len(lines.pay) == 6 and all(dot.value for dot in lines.pay)
    assert len(lines.heat) == 1 and lines.heat_of == "Card"
    assert len(lines.versions) == 2
    assert any("killed by SIGKILL" in words for words in words_at(lines, now - 3000, 60))
    assert any("endpoint lost" in words for words in words_at(lines, now - 1600, 1))
    assert words_at(lines, now - 80_000, 1) == []


def test_what_goes_on_is_drawn_to_now_and_gaps_stay_gaps():
    miner = good_miner()
    lost = samples_miners.Moment(50.0, "endpoint lost", "gone")
    told = Timeline((lost,), (ExitRecord(20.0, 0, None, True, 500.0),), 30.0)
    none = build(miner, Timeline((), ()), (), (), 0.0, 100.0)
    assert none.empty
    lines = build(miner, told, (), (), 0.0, 100.0)
    assert [(span.start, span.end) for span in lines.runs] == [(0.0, 20.0), (30.0, 100.0)]
    assert [(span.start, span.end) for span in lines.drops] == [(50.0, 100.0)]


async def test_the_time_line_asks_only_while_it_is_looked_at(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[GetTimeline] = samples_miners.timeline
        page = await it.open("miners")
        it.bridge._emit(StatusEvent(rich_status()))
        await settle()
        assert not it.client.sent(GetTimeline)
        page.timeline_tab.click()
        await until(lambda: page.timeline.view.lines is not None)
        assert not page.log_feed.polling.running
        page.timeline.spans[900].click()
        await until(lambda: it.client.sent(GetTimeline)[-1].seconds == 900)
        view: TimelineView = page.timeline.view
        qtbot.mouseMove(view, QPoint(view.width() // 2, 20))
        await settle()
        view.grab()
        assert "crashes" in view.accessibleDescription()
        page.log_tab.click()
        assert not page.timeline.polling.running


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


@pytest.fixture
def adding(qtbot, tmp_path):
    folder = tmp_path / "wallets"
    add_watch_only(folder, "cold", COLDKEY)
    add_hotkey(folder / "cold", "hot", PHRASE)
    parent = QWidget()
    qtbot.addWidget(parent)
    recipes = [load_recipe(one) for one in bundled_recipes().values()]
    yield AddMinerDialog(parent, recipes, list_wallets(folder), frozenset(), sandbox=False)


def test_any_command_becomes_a_recipe_that_is_read_first(adding):
    adding.name.setText("Mine")
    adding.source.kind.setCurrentIndex(COMMAND)
    adding.submitted()
    assert "proposed first" in texts(adding)
    adding.source.command.input.setText("python3 'miner.py")
    adding.source.make()
    assert "not closed" in texts(adding)
    adding.source.command.input.setText("python3 miner.py --netuid 4 --axon.port 8091")
    adding.source.make()
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
