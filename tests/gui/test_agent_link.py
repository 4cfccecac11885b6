"""The window keeps an agent beside it, never starts one for ever, and never one that was stopped on purpose."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import msgspec

from gui.fakes import FakeClient, status_event
from gui.stage import until
from ranvier.agent.api.endpoint import Endpoint, endpoint_file, write_endpoint
from ranvier.agent.api.messages import StatusEvent
from ranvier.core.errors import AgentError
from ranvier.core.evidence import Level
from ranvier.core.paths import Paths
from ranvier.ui import agent_link
from ranvier.ui.agent_link import STOPPED_TITLE, UPDATED_TITLE, AgentLink
from ranvier.ui.bridge import Bridge
from ranvier.ui.header import Header
from ranvier.ui.messages import MessageBar


class Link:
    """An ``AgentLink`` with an agent that starts or fails as told."""

    def __init__(self, qtbot, folder):
        self.paths = Paths.under(folder)
        self.header, self.bar = Header(), MessageBar()
        for widget in (self.header, self.bar):
            qtbot.addWidget(widget)
        self.bridge = Bridge(FakeClient())
        self.starts = 0
        self.failure = None
        self.restarts = 0
        self.link = AgentLink(self.paths, self.bridge, self.header, self.bar, self.ensure, self.restart)

    async def ensure(self, paths):
        self.starts += 1
        if self.failure is not None:
            raise self.failure
        write_endpoint(self.paths, Endpoint(1, 1.0, socket="x"))
        return FakeClient()

    async def restart(self, paths):
        self.restarts += 1
        return await self.ensure(paths)


@asynccontextmanager
async def running(qtbot, folder, monkeypatch):
    monkeypatch.setattr(agent_link, "_SETTLE_S", 0.01)
    it = Link(qtbot, folder)
    task = asyncio.get_running_loop().create_task(it.link.run())
    try:
        yield it
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_killed_agent_is_started_again(qtbot, tmp_path, monkeypatch):
    async with running(qtbot, tmp_path, monkeypatch) as it:
        await until(lambda: it.starts == 1)
        it.bridge._emit(status_event())
        it.bridge._lost("The connection to the agent broke.")
        assert it.header.agent.level is not Level.GOOD
        await until(lambda: it.starts == 2)


async def test_one_that_was_stopped_on_purpose_waits_for_the_user(qtbot, tmp_path, monkeypatch):
    async with running(qtbot, tmp_path, monkeypatch) as it:
        await until(lambda: it.starts == 1)
        endpoint_file(it.paths).unlink()
        it.bridge._lost("The agent ended the connection.")
        await until(lambda: it.bar.messages)
        await asyncio.sleep(0.05)
        assert it.starts == 1 and it.bar.messages[0].words[0] == STOPPED_TITLE
        assert it.header.agent.level is Level.OFF
        press(it.bar)
        await until(lambda: it.starts == 2)


async def test_a_start_that_fails_is_told_with_a_way_to_try_again(qtbot, tmp_path, monkeypatch):
    async with running(qtbot, tmp_path, monkeypatch) as it:
        await until(lambda: it.starts == 1)
        it.failure = AgentError("Agent did not start", "ImportError: no module.", "Its log is here.")
        it.bridge._lost("gone")
        await until(lambda: it.bar.messages)
        assert it.header.agent.level is Level.BAD
        assert it.bar.messages[0].words == ("Agent did not start", "ImportError: no module.", "Its log is here.")
        it.failure = None
        press(it.bar)
        await until(lambda: it.starts == 3)


async def test_a_message_that_was_closed_leaves_a_way_to_start_the_agent(qtbot, tmp_path, monkeypatch):
    async with running(qtbot, tmp_path, monkeypatch) as it:
        await until(lambda: it.starts == 1)
        assert it.header.start_agent.isHidden()
        for closed in (True, False):
            started = it.starts
            endpoint_file(it.paths).unlink(missing_ok=True)
            it.bridge._lost("The agent ended the connection.")
            await until(lambda: not it.header.start_agent.isHidden())
            assert it.header.start_agent.text() == "Start the agent" and it.bar.messages
            if closed:
                it.bar.close_shown()
            it.header.start_agent.click()
            await until(lambda before=started: it.starts == before + 1)
            assert it.header.start_agent.isHidden() and not it.bar.messages


async def test_an_agent_that_keeps_dying_is_not_started_for_ever(qtbot, tmp_path, monkeypatch):
    async with running(qtbot, tmp_path, monkeypatch) as it:
        for _ in range(20):
            it.bridge._lost("gone")
            await asyncio.sleep(0.02)
        assert it.starts == agent_link._MOST_STARTS
        assert it.bar.messages[0].words[0] == "The agent keeps ending"


def updated(pid, *, outdated=True):
    return StatusEvent(msgspec.structs.replace(status_event().status, pid=pid, outdated=outdated))


async def test_an_agent_that_runs_older_code_is_restarted_when_one_says_so(qtbot, tmp_path, monkeypatch):
    async with running(qtbot, tmp_path, monkeypatch) as it:
        await until(lambda: it.starts == 1)
        for _ in range(3):
            it.bridge._emit(updated(7))
        (message,) = it.bar.messages
        assert message.words[0] == UPDATED_TITLE and not message.is_error
        assert "your miners go on" in message.words[1]
        for _ in range(20):
            it.bar.tick()
        assert it.bar.messages == [message], "it stays"
        it.bar.close_message(message)
        it.bridge._emit(updated(7))
        assert not it.bar.messages, "once is enough"
        it.bridge._emit(updated(8))
        assert (it.starts, it.restarts) == (1, 0)
        press(it.bar)
        await until(lambda: it.restarts == 1)
        it.bridge._lost("The agent ended the connection.")
        it.bridge._emit(updated(9, outdated=False))
        await asyncio.sleep(0.05)
        assert not it.bar.messages and it.restarts == 1


async def test_a_restart_that_fails_is_told_and_offered_again(qtbot, tmp_path, monkeypatch):
    async with running(qtbot, tmp_path, monkeypatch) as it:
        await until(lambda: it.starts == 1)
        it.bridge._emit(updated(7))
        it.failure = AgentError("Old agent does not end", "It was asked to end and still runs.", "End it.")
        press(it.bar)
        await until(lambda: it.bar.messages)
        assert it.bar.messages[0].words[0] == "Old agent does not end" and it.restarts == 1
        it.failure = None
        it.bridge._emit(updated(7))
        assert it.bar.messages[-1].words[0] == UPDATED_TITLE
        await until(lambda: it.starts == 3)


def press(bar):
    assert bar.shown is bar.messages[0]
    bar.action.click()
