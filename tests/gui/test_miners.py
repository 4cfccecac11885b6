"""Miners: the table, the chosen one in full, exits in words, the live log, commands with reasons."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt

from gui.fakes import failed_miner, good_miner, rich_status, status_event, unknown_miner
from gui.stage import settle, stage, texts, until
from ranvier.agent.api.messages import (
    InstallEvent,
    InstallMiner,
    InstallProgress,
    RemoveMiner,
    RestartMiner,
    StatusEvent,
)
from ranvier.core.evidence import Evidence, Level
from ranvier.miners.states import ShownState
from ranvier.miners.status import ExitRecord, MinerState
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.miners.add_miner import miner_id
from ranvier.ui.models.miners import COLUMNS, CPU, MEMORY, STATE, TODAY
from ranvier.ui.phrases import exit_text, level_of, restart_refusal, start_refusal, stop_refusal


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (ExitRecord(0, 1, None, False, 3.2), "exit 1 after 3.2 s"),
        (ExitRecord(0, None, 9, False, 125.0), "killed by SIGKILL after 2 min 5 s"),
        (ExitRecord(0, 0, None, True, 7300.0), "stopped as asked (exit 0) after 2 h 1 min"),
        (ExitRecord(0, None, 99, False, 1.0), "killed by signal 99 after 1.0 s"),
        (ExitRecord(0, None, None, False, 1.0), "ended, nobody saw how after 1.0 s"),
    ],
)
def test_exits_in_words(record, words):
    assert exit_text(record) == words


@pytest.mark.parametrize("state", list(MinerState))
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("installed", [True, False])
def test_a_grey_button_always_has_a_reason_and_a_way_out_exists(state, wanted, installed):
    miner = good_miner(state=state, wanted=wanted, installed=installed)
    refusals = [start_refusal(miner), stop_refusal(miner)]
    for reason in (*refusals, restart_refusal(miner)):
        assert reason is None or reason.endswith(".")
    if installed and state is not MinerState.STOPPING:
        assert None in refusals, "neither start nor stop can be pressed"
    if state is MinerState.UNKNOWN:
        assert stop_refusal(miner) is None, "what is not known must be stoppable"
        assert level_of(miner) is Level.UNKNOWN


def test_columns_sort_by_value_not_by_text():
    few, many = good_miner(earned_today_rao=9_000_000_000), good_miner(earned_today_rao=10_000_000_000)
    assert COLUMNS[TODAY].sort(few) < COLUMNS[TODAY].sort(many)
    assert COLUMNS[CPU].sort(unknown_miner()) is None and COLUMNS[CPU].text(unknown_miner()) == "unknown"
    assert COLUMNS[STATE].sort(failed_miner()) < COLUMNS[STATE].sort(good_miner())


async def test_what_does_not_run_uses_nothing_and_no_state_is_cut(qtbot, tmp_path):
    stopped = good_miner(id="rest", name="At rest", pid=None, cpu_percent=None, rss=None, state=MinerState.STOPPED)
    assert [COLUMNS[CPU].text(stopped), COLUMNS[MEMORY].text(stopped)] == ["\N{EN DASH}", "\N{EN DASH}"]
    waits = good_miner(id="wait", name="Waits", state=MinerState.BACKING_OFF, shown=ShownState.BACKING_OFF)
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        for rows in ((stopped,), (waits, stopped)):
            it.bridge._emit(StatusEvent(msgspec.structs.replace(rich_status(), miners=rows)))
            await settle()
        assert page.table.columnWidth(STATE) >= page.table.sizeHintForColumn(STATE), "it was fitted to one row only"
        assert [page.table.proxy.index(row, 0).data() for row in range(2)] == ["At rest", "Waits"]


async def test_detail_shows_everything_with_units(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(StatusEvent(rich_status()))
        assert page.table.select_key("practice")
        await settle()
        shown = texts(page.detail).replace("\N{NARROW NO-BREAK SPACE}", " ")
        for words in ("183 % of one core", "412 MiB", "3 starts, 1 crash", "12.345678901 α1", "exit 1 after 3.2 s",
                      "killed by SIGKILL after 2 h 5 min", "uid 7, since block 1 201", "192.0.2.1:8091"):  # fmt: skip
            assert words in shown, words
        assert page.table.select_key("old")
        assert page.head.badge.level is Level.UNKNOWN
        assert page.detail.values["Memory"].property("text") == "unknown"
        assert page.detail.values["Running for"].property("text") == "unknown"


async def test_commands_go_to_the_chosen_miner(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(StatusEvent(rich_status()))
        page.table.select_key("llm-4090")
        page.head.restart.click()
        await until(lambda: it.client.sent(RestartMiner))
        assert it.client.sent(RestartMiner) == [RestartMiner("llm-4090")]
        await until(lambda: page.head.restart.isEnabled())


async def test_remove_asks_first(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        for answer, expected in (("no", []), ("yes", [RemoveMiner("practice")])):
            page.head.remove.trigger()
            await until(lambda: visible_dialog(it.window) is not None)
            dialog = visible_dialog(it.window)
            assert dialog.no.isDefault() and "earnings in the ledger stay" in texts(dialog)
            getattr(dialog, answer).click()
            await until(lambda: visible_dialog(it.window) is None)
            await until(lambda expected=expected: it.client.sent(RemoveMiner) == expected)
        await until(lambda: it.window.messages.messages)
        assert it.window.messages.messages[0].words[1] == "Practice miner was removed."


def visible_dialog(window):
    return next((d for d in window.findChildren(Dialog) if d.isVisible()), None)


async def test_install_progress_and_its_failure(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner(installed=False, state=MinerState.STOPPED, wanted=False)))
        assert not page.head.start.isEnabled() and "not installed" in page.head.start.toolTip()
        page.head.install.click()
        await until(lambda: it.client.sent(InstallMiner))
        it.bridge._emit(InstallEvent(InstallProgress("practice", "Downloading xllamacpp", 6 * 2**30, 12 * 2**30)))
        assert page.install.progress.value() == 500 and "Practice miner: Downloading" in texts(page.install)
        below = page.area.y()
        for error in ("No space left.", None):
            it.bridge._emit(InstallEvent(InstallProgress("practice", "Downloading", 1, 2)))
            await settle()
            assert page.install.isVisible() and page.area.y() == below, "nothing moves under the mouse"
            it.bridge._emit(InstallEvent(InstallProgress("practice", "Downloading", finished=True, error=error)))
            await settle()
            assert not page.install.isVisible() and page.area.y() == below


async def test_selection_survives_updates(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        rich = rich_status()
        it.bridge._emit(StatusEvent(rich))
        page.table.sortByColumn(TODAY, Qt.SortOrder.DescendingOrder)
        page.table.select_key("old")
        it.bridge._emit(StatusEvent(msgspec.structs.replace(rich, miners=tuple(reversed(rich.miners)))))
        assert page.chosen.id == "old"


def test_ids_are_safe_folder_names():
    assert miner_id("My miner!") == "my-miner" and miner_id("../..") == "" and miner_id("Ä b/c") == "b-c"


async def test_the_menu_of_more_comes_back_after_a_command(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        it.bridge._emit(status_event(good_miner()))
        await settle()
        page.head.restart.click()
        await until(lambda: it.client.sent(RestartMiner))
        await settle()
        assert page.head.more.isEnabled() and "remove it" in page.head.more.toolTip()


async def test_without_a_seat_it_is_not_registered_and_unknown_only_where_nobody_could_ask(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("miners")
        for level, words in ((Level.BAD, "not registered"), (Level.UNKNOWN, "unknown")):
            evidence = list(good_miner().evidence)
            evidence[2] = Evidence(level, "as told", 1.0)
            it.bridge._emit(status_event(good_miner(neuron=None, evidence=tuple(evidence))))
            await settle()
            values = page.detail.values
            assert {values[name].text() for name in ("Seat", "Immune", "Incentive", "Axon on the chain")} == {words}
