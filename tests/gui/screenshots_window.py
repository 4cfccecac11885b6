"""The window's frame: messages at its foot, the list of keys, its questions, a practice wallet without password."""

from __future__ import annotations

import asyncio
from typing import Any

from PySide6.QtWidgets import QDialog

from gui import samples
from ranvier.core.errors import AgentError
from ranvier.rehearsal import practice
from ranvier.ui.closing import QUIT_TEXT, QUIT_TITLE
from ranvier.ui.dialogs.ask import ask
from ranvier.ui.shortcuts import show_keys

_SETTLE_S = 0.2


async def shoot_window(studio: Any) -> None:
    """Leaves no message and no dialog behind."""
    window, house = studio.window, studio.house
    bar, size = window.messages, window.size()
    await studio.page("overview")
    window.resize(940, 640)
    bar.say("Saved as practice-2026-11.json in the folder of your documents.")
    await _shoot(studio, "message-note")
    bar.offer("Ranvier was updated", "The agent still runs the code from before. Restart it; your miners go on "
              "meanwhile.", "Was this window open during the update? Then close it and open it anew too.",
              "Restart the agent", lambda: None)  # fmt: skip
    long = "It ended 3 times within a minute and is not started again by itself. " * 3
    bar.show_error(AgentError("The agent keeps ending", long, "Its log is /home/alice/ranvier/logs/agent.log."))
    await _shoot(studio, "message-error")
    bar.close_shown()
    await _shoot(studio, "message-offer")
    while bar.close_shown():
        pass
    window.resize(size)
    show_keys(window)
    await _close_dialog(studio, "keys")
    asking = house.tasks.start(ask(window, QUIT_TITLE, QUIT_TEXT, yes="Quit", no="Stay"), "ask")
    await _close_dialog(studio, "quit")
    await asking
    page = await studio.page("rehearsal")
    known = practice.Practice("rehearsal", "default", samples.COLDKEY, samples.HOTKEY, samples.GENESIS)
    practice.save(house.paths.rehearsal, known)
    page.shown()
    await samples.until(page.practice.isVisible, "the practice wallet")
    page.area.verticalScrollBar().setValue(10_000)
    await _shoot(studio, "rehearsal-password-gone")


async def _shoot(studio: Any, name: str) -> None:
    await asyncio.sleep(_SETTLE_S)
    studio.shoot(studio.window, name)


async def _close_dialog(studio: Any, name: str) -> None:
    await asyncio.sleep(_SETTLE_S)
    dialog = next(one for one in studio.window.findChildren(QDialog) if one.isVisible())
    studio.shoot(dialog, name)
    dialog.done(0)
    await asyncio.sleep(0)
