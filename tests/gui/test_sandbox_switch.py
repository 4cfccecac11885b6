"""The practice network is switched on and off where one looks for it: beside its state, and in the settings."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from PySide6.QtWidgets import QPushButton

from gui.fakes import status
from gui.stage import settle, stage, texts, until
from ranvier.agent.api.messages import AgentStatus, Done, StartSandbox, StatusEvent, StopSandbox
from ranvier.core.errors import NetworkError
from ranvier.core.evidence import Level
from ranvier.ui.dialogs.ask import Dialog


def off(network: str = "sandbox") -> AgentStatus:
    whole = status(network=network)
    chain = msgspec.structs.replace(whole.chain, level=Level.OFF, text="The sandbox is stopped.")
    return msgspec.structs.replace(whole, chain=chain, sandbox=False)


async def test_a_sandbox_that_is_off_is_started_from_the_header(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        header, going, calls = it.window.header, asyncio.Event(), []

        call = it.client.call

        async def slow(command: Any, **options: Any) -> Any:
            if isinstance(command, StartSandbox):
                calls.append(command)
                await going.wait()
            return await call(command, **options)

        it.client.call = slow  # type: ignore[method-assign]
        assert not header.start_sandbox.isVisible()
        it.client.send(StatusEvent(off()))
        await until(header.start_sandbox.isVisible)
        assert header.height() == header.sizeHint().height()
        header.start_sandbox.click()
        await until(lambda: calls)
        assert not header.start_sandbox.isEnabled() and "being started" in header.start_sandbox.toolTip()
        going.set()
        await until(header.start_sandbox.isEnabled)
        it.client.send(StatusEvent(status()))
        await until(lambda: not header.start_sandbox.isVisible())
        it.bridge._lost("The agent is not running.")
        assert not header.start_sandbox.isVisible()


async def test_a_start_that_fails_is_told_and_can_be_tried_again(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        it.client.answers[StartSandbox] = NetworkError("Sandbox failed", "The port is taken.", "Free it.")
        it.client.send(StatusEvent(off()))
        await until(it.window.header.start_sandbox.isVisible)
        it.window.header.start_sandbox.click()
        await until(lambda: it.window.messages.messages)
        await until(it.window.header.start_sandbox.isEnabled)


@pytest.mark.parametrize("network", ["sandbox", "finney"])
async def test_the_settings_switch_it_whichever_network_is_chosen(qtbot, tmp_path, network):
    async with stage(tmp_path) as it:
        page = await it.open("settings")
        card = page.sandbox
        assert "unknown" in texts(card) and not card.start.isEnabled() and not card.stop.isEnabled()
        it.client.send(StatusEvent(msgspec.structs.replace(status(network=network), sandbox=True)))
        await until(card.stop.isEnabled)
        assert not card.start.isEnabled() and card.start.toolTip() == "It runs already."
        it.client.answers[StopSandbox] = Done("The sandbox is stopped.")
        card.stop.click()
        await until(lambda: it.window.findChildren(Dialog))
        dialog = it.window.findChildren(Dialog)[0]
        assert not it.client.sent(StopSandbox)
        next(b for b in dialog.findChildren(QPushButton) if b.text() == "Stop sandbox").click()
        await until(lambda: it.client.sent(StopSandbox))
        it.client.send(StatusEvent(off(network)))
        await until(card.start.isEnabled)
        assert "are kept" in texts(card) and not card.stop.isEnabled()
        it.client.answers[StartSandbox] = Done("")
        card.start.click()
        await until(lambda: it.client.sent(StartSandbox))
        it.bridge._lost("The agent is not running.")
        await settle()
        assert "unknown" in texts(card) and not card.start.isEnabled()


async def test_the_ring_of_the_keyboard_stays_with_the_open_page(qtbot, tmp_path):
    async with stage(tmp_path) as it:
        await it.open("overview")
        buttons = it.window.sidebar.buttons
        it.window.activateWindow()
        buttons["overview"].setFocus()
        await it.open("settings")
        assert it.window.focusWidget() is buttons["settings"]
