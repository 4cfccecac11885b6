"""The window's process as a whole, without an agent: closing, trays that go, bugs in slots, broken settings."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeySequence, QShortcut

from gui.stage import texts, until
from ranvier.core.paths import Paths
from ranvier.core.settings import CLOSE_TO_TRAY, THEME
from ranvier.ui.agent_link import AgentLink
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.garbage import GarbageOnThisThread
from ranvier.ui.instance import Instance
from ranvier.ui.root import Application, Options
from ranvier.ui.theme import DARK, LIGHT, colours_of
from ranvier.ui.tray import Tray


@pytest.fixture(autouse=True)
def no_agent(monkeypatch):
    """No process is started: the link waits for ever."""

    async def wait(_self):
        await asyncio.Event().wait()

    monkeypatch.setattr(AgentLink, "_start", wait)


@asynccontextmanager
async def running(qapp, folder):
    """The application and the task that runs it; ended at the end whatever happened."""
    instance = Instance(Paths.under(folder / "home"))
    assert instance.first()
    application = Application(qapp, Paths.under(folder / "home"), Options(), instance, GarbageOnThisThread())
    task = asyncio.get_running_loop().create_task(application.run())
    try:
        yield application, task
    finally:
        application.quit_window()
        await task
        instance.close()


def shortcut(application, keys):
    every = application.window.findChildren(QShortcut)
    return next(one for one in every if keys in map(QKeySequence.toString, one.keys()))


def dialog_of(application):
    return next((d for d in application.window.findChildren(Dialog) if d.isVisible()), None)


async def test_without_a_tray_closing_says_what_it_does(qapp, tmp_path):
    async with running(qapp, tmp_path) as (application, task):
        await until(lambda: application.window.open_key == "welcome")
        application.window.close()
        await until(lambda: dialog_of(application))
        assert "miners go on" in texts(dialog_of(application)) and application.window.isVisible()
        dialog_of(application).no.click()
        await until(lambda: dialog_of(application) is None)
        assert application.window.isVisible() and not task.done()
        application.window.close()
        await until(lambda: dialog_of(application))
        dialog_of(application).yes.click()
        assert await asyncio.wait_for(asyncio.shield(task), 5) == 0


async def test_with_a_tray_it_hides_and_comes_back_when_the_tray_goes(qapp, tmp_path, monkeypatch):
    monkeypatch.setattr(Tray, "available", property(lambda _self: True))
    async with running(qapp, tmp_path) as (application, task):
        await until(lambda: application.window.open_key == "welcome")
        application.window.close()
        assert not application.window.isVisible() and not task.done()
        application.tray.open_wanted.emit()
        assert application.window.isVisible()
        application.window.close()
        application.tray.host_changed.emit(False)
        assert application.window.isVisible(), "nobody could have found it again"
        application.settings.set(CLOSE_TO_TRAY, False)
        application.window.close()
        assert await asyncio.wait_for(asyncio.shield(task), 5) == 0


async def test_the_key_to_close_does_what_the_cross_does(qapp, tmp_path, monkeypatch):
    monkeypatch.setattr(Tray, "available", property(lambda _self: True))
    told = []
    monkeypatch.setattr(Tray, "tell", lambda _self, title, _text: told.append(title))
    async with running(qapp, tmp_path) as (application, task):
        await until(lambda: application.window.open_key == "welcome")
        key = shortcut(application, "Ctrl+W")
        for _ in range(2):
            key.activated.emit()
            assert not application.window.isVisible() and not task.done()
            application.tray.open_wanted.emit()
        assert told == ["Ranvier is still here"], "once is enough"


@pytest.mark.parametrize("tray", [True, False])
async def test_the_key_to_quit_asks_and_says_what_goes_on(qapp, tmp_path, monkeypatch, tray):
    monkeypatch.setattr(Tray, "available", property(lambda _self: tray))
    async with running(qapp, tmp_path) as (application, task):
        await until(lambda: application.window.open_key == "welcome")
        key = shortcut(application, "Ctrl+Q")
        for _ in range(2):
            key.activated.emit()
        await until(lambda: dialog_of(application))
        assert len([d for d in application.window.findChildren(Dialog) if d.isVisible()]) == 1
        assert "miners go on without" in texts(dialog_of(application))
        dialog_of(application).no.click()
        await until(lambda: dialog_of(application) is None)
        assert not task.done()
        await until(lambda: not application._asking)
        key.activated.emit()
        await until(lambda: dialog_of(application))
        dialog_of(application).yes.click()
        assert await asyncio.wait_for(asyncio.shield(task), 5) == 0


async def test_quit_from_the_tray_ends_the_window(qapp, tmp_path):
    async with running(qapp, tmp_path) as (application, task):
        await until(lambda: application.tray is not None)
        application.tray.quit_wanted.emit()
        assert await asyncio.wait_for(asyncio.shield(task), 5) == 0


async def test_stop_everything_asks_and_no_means_no(qapp, tmp_path):
    async with running(qapp, tmp_path) as (application, task):
        await until(lambda: application.window.open_key == "welcome")
        application.tray.stop_all_wanted.emit()
        await until(lambda: dialog_of(application))
        assert dialog_of(application).no.isDefault()
        dialog_of(application).no.click()
        await until(lambda: dialog_of(application) is None)
        assert not task.done()


async def test_a_bug_in_a_slot_is_one_sentence_and_the_window_goes_on(qapp, tmp_path):
    async with running(qapp, tmp_path) as (application, task):
        await until(lambda: application.window.open_key == "welcome")
        QTimer.singleShot(0, lambda: 1 / 0)
        await until(lambda: application.window.messages.messages)
        assert "ZeroDivisionError" in application.window.messages.messages[0].words[1]
        assert not task.done()


async def test_the_theme_follows_the_setting(qapp, tmp_path):
    async with running(qapp, tmp_path) as (application, _task):
        await until(lambda: application.window.open_key == "welcome")
        for choice, colours in (("dark", DARK), ("light", LIGHT)):
            application.settings.set(THEME, choice)
            assert colours_of(application.window.header.agent) is colours
            picture = application.window.grab().toImage()
            corner = picture.pixelColor(picture.width() - 3, picture.height() // 2).name()
            assert corner == colours.window


async def test_broken_settings_are_told_and_never_overwritten(qapp, tmp_path):
    file = Paths.under(tmp_path / "home").settings_file
    file.parent.mkdir(parents=True)
    file.write_text("network = [not toml")
    async with running(qapp, tmp_path) as (application, task):
        await until(lambda: dialog_of(application))
        assert "settings.toml" in texts(dialog_of(application))
        dialog_of(application).yes.click()
        assert await asyncio.wait_for(asyncio.shield(task), 5) == 1
    assert file.read_text() == "network = [not toml"


async def test_a_signal_ends_the_window_that_tells_of_broken_settings(qapp, tmp_path):
    file = Paths.under(tmp_path / "home").settings_file
    file.parent.mkdir(parents=True)
    file.write_text("network = [not toml")
    async with running(qapp, tmp_path) as (application, task):
        await until(lambda: dialog_of(application))
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.wait_for(asyncio.shield(task), 5) == 1
