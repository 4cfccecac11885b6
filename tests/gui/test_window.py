"""The window's frame: header, sidebar, pages on demand, ticking only while seen."""

from __future__ import annotations

import time

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QShortcut
from PySide6.QtTest import QTest

from gui.fakes import chain, failed_miner, good_miner, log_tail, rich_status, status, status_event
from gui.stage import stage, texts, until, watchdog
from ranvier.agent.api.messages import InstallEvent, InstallProgress, ReadLog
from ranvier.core.evidence import Level
from ranvier.ui.pages import PLACES
from ranvier.ui.shortcuts import KeysDialog, all_keys, close_keys, quit_keys


async def test_header_tells_network_block_age_and_agent(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        header = it.window.header
        assert header.chip.text == "NO NETWORK CHOSEN" and header.agent.level is Level.UNKNOWN
        it.client.send(status_event(good_miner()))
        await until(lambda: header.agent.level is Level.GOOD)
        assert "SANDBOX" in header.chip.text and "PLAY MONEY" in header.chip.text
        assert header.band.network == "sandbox"
        assert header.block.text().startswith("Block 1") and header.age.text() == "just now"
        assert "ws://127.0.0.1:9944" in header.chip.toolTip()
        header.tick(time.time() + 8)
        assert header.age.text() in ("8 s ago", "7 s ago")
        header.tick(time.time() + 40)
        assert "no new block" in header.age.text()


async def test_a_lost_agent_leaves_nothing_green(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.send(status_event(good_miner()))
        page = await it.open("overview")
        await until(lambda: page.cards)
        it.bridge._lost("The agent is not running.")
        header = it.window.header
        assert header.agent.level is Level.BAD and header.chain.level is Level.UNKNOWN
        card = page.cards["practice"]
        assert card.badge.level is Level.UNKNOWN
        assert {line.evidence.level for line in card.evidence.lines} == {Level.UNKNOWN}
        assert not card.start.isEnabled() and "does not answer" in card.start.toolTip()
        assert it.bridge.latest is None


async def test_each_network_looks_different(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        shown = set()
        for network in ("sandbox", "test", "finney"):
            it.bridge._emit(status_event(network=network))
            shown.add((it.window.header.chip.text, it.window.header.chip.grab().toImage().pixelColor(3, 12).name()))
        assert len({text for text, _ in shown}) == 3 and len({colour for _, colour in shown}) == 3


async def test_keys_open_pages_and_names_are_said(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        await it.open("overview")
        # The offscreen platform never makes a window active, so the keys themselves go nowhere there.
        keys = {s.key().toString(): s for s in it.window.findChildren(QShortcut)}
        places = [place for place in PLACES if place.title]
        pages = {*(f"Ctrl+{number % 10}" for number in range(1, len(places))), "Ctrl+,"}
        assert set(keys) - pages == {close_keys()[0].toString(), quit_keys()[0].toString(), "F1"} and pages < set(keys)
        keys["Ctrl+3"].activated.emit()
        await until(lambda: it.window.open_key == "miners")
        assert it.window.sidebar.buttons["miners"].isChecked()
        names = [button.accessibleName() for button in it.window.sidebar.buttons.values()]
        assert names == [place.title for place in places] and names[-1] == "Settings"
        it.window.sidebar.buttons["settings"].click()
        await until(lambda: it.window.open_key == "settings")


async def test_the_list_of_keys_names_every_key_of_the_window(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        await it.open("overview")
        shortcuts = it.window.findChildren(QShortcut)
        bound = {keys.toString() for one in shortcuts for keys in list(one.keys())}
        assert {"Ctrl+W", "Ctrl+Q", "F1"} <= bound
        opener = next(s for s in shortcuts if s.key().toString() == "F1")
        for _ in range(2):
            opener.activated.emit()
        await until(lambda: it.window.findChildren(KeysDialog))
        (dialog,) = it.window.findChildren(KeysDialog)
        listed = {one for _, rows in all_keys() for keys, _ in rows for one in keys.split(", ")}
        assert bound <= listed | {"Ctrl+,"}
        assert all(words in texts(dialog) for _, rows in all_keys() for keys, what in rows for words in (keys, what))
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await until(lambda: not it.window.findChildren(KeysDialog))


async def test_escape_closes_the_shown_message(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        await it.open("overview")
        it.context.say("Saved.")
        QTest.keyClick(it.window, Qt.Key.Key_Escape)
        assert not it.window.messages.messages


async def test_a_hidden_window_polls_nothing(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[ReadLog] = log_tail(5)
        it.client.send(status_event(good_miner()))
        page = await it.open("miners")
        await until(lambda: it.client.sent(ReadLog))
        assert page.log_feed.polling.running and it.window._timer.isActive()
        it.window.hide()
        assert not page.log_feed.polling.running and not it.window._timer.isActive()
        it.window.show()
        assert page.log_feed.polling.running and it.window._timer.isActive()
        await it.open("overview")
        assert not page.log_feed.polling.running


async def test_no_handler_holds_the_loop(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[ReadLog] = log_tail(500)
        mine = ("overview", "miners", "settings", "welcome", "rehearsal")
        for key in mine:  # importing a page is done by a worker; drawing it the first time is not a handler's habit
            await it.open(key)
        it.bridge._emit(msgspec_event())
        async with watchdog() as seen:
            for key in mine:
                await it.open(key)
                for _ in range(3):
                    it.bridge._emit(msgspec_event())
                    it.window._tick()
                    await until(lambda: True)
            it.bridge._emit(InstallEvent(InstallProgress("practice", "Downloading", 5, 10)))
            await until(lambda: True)
        assert seen.busy_s < 0.05, f"a handler worked for {seen.busy_s * 1000:.0f} ms"


def msgspec_event():
    from ranvier.agent.api.messages import StatusEvent

    return StatusEvent(rich_status())


def test_every_page_of_the_table_can_be_imported():
    import importlib

    for place in PLACES:
        page = getattr(importlib.import_module(place.module), place.class_name)
        assert page.key == place.key and page.title


async def test_an_unreachable_network_is_not_green(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        bad = msgspec.structs.replace(
            chain("finney", Level.BAD), head=None, head_seen_at=None, text="No endpoint answers"
        )
        it.bridge._emit(type(status_event())(msgspec.structs.replace(status(), chain=bad)))
        assert it.window.header.chain.level is Level.BAD
        assert "no block seen yet" in texts(it.window.header)


async def test_enter_presses_the_focused_button_and_details_choose_their_miner(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        page = await it.open("overview")
        it.client.send(status_event(good_miner(), failed_miner()))
        await until(lambda: len(page.cards) == 2)
        last = list(page.cards.values())[-1]
        # Offscreen nothing has the keyboard's focus by itself; the window asks who would have it.
        last.details.setFocus()
        QTest.keyClick(it.window, Qt.Key.Key_Return)
        await until(lambda: it.window.open_key == "miners")
        assert it.window.pages["miners"].chosen.id == last.miner.id
