"""Sleep and shutdown as logind announces them: miners stopped before, and back after. A private bus, real keepers."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from agent.agent_fakes import House, up
from ranvier.agent.api import messages as m
from ranvier.core.errors import AgentError
from ranvier.core.settings import STOP_BEFORE_SLEEP, Settings
from ranvier.miners.status import MinerState

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="logind is of Linux"),
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed"),
]


@pytest.fixture
def logind(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    pytest.importorskip("jeepney", reason="jeepney is not installed")
    from agent.fake_logind import FakeLogind

    fake = FakeLogind()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", fake.address)
    monkeypatch.setattr("ranvier.agent.power._LOOK_S", 0.2)
    yield fake
    fake.close()


async def until(found: Callable[[], object], limit_s: float = 10.0) -> None:
    end = time.monotonic() + limit_s
    while not found():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("member", ["PrepareForSleep", "PrepareForShutdown"])
async def test_miners_are_stopped_before_and_started_after(tmp_path: Path, add, logind, member: str) -> None:
    async with House(tmp_path) as house:
        settings = Settings(house.paths.settings_file)
        view = await house.started(add())
        assert logind.asked == [], "not asked for: nobody waits for us"
        settings.set(STOP_BEFORE_SLEEP, True)
        await until(lambda: logind.held == 1)
        assert (logind.asked[0][0], logind.asked[0][3]) == ("sleep:shutdown", "delay")
        logind.say(member, True)
        await until(lambda: logind.held == 0)
        assert not psutil.pid_exists(view.pid or 0), "it ended before the machine was let go"
        status = await house.client.call(m.GetStatus())
        assert (status.miners[0].state, status.miners[0].wanted) == (MinerState.STOPPED, True)
        await asyncio.sleep(0.7)
        assert (await house.client.call(m.GetStatus())).miners[0].pid is None, "no round starts it meanwhile"
        logind.say(member, False)
        status = await house.until(lambda s: up(s.miners[0]))
        assert status.miners[0].pid != view.pid
        await until(lambda: logind.held == 1)
        settings.set(STOP_BEFORE_SLEEP, False)
        await until(lambda: logind.held == 0)
        assert (await house.client.call(m.GetStatus())).miners[0].pid == status.miners[0].pid
        await house.end()


async def test_what_was_not_running_stays_so_and_an_announced_sleep_may_not_come(
    tmp_path: Path, add, logind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ranvier.agent.power._CANCELLED_S", 0.5)
    async with House(tmp_path) as house:
        Settings(house.paths.settings_file).set(STOP_BEFORE_SLEEP, True)
        await house.started(add())
        await until(lambda: logind.held == 1)
        logind.say("PrepareForSleep", True)
        await until(lambda: logind.held == 0)
        await house.until(lambda s: up(s.miners[0]))
        await until(lambda: logind.held == 1)
        await house.client.call(m.StopMiner("one"))
        logind.say("PrepareForSleep", True)
        await until(lambda: logind.held == 0)
        logind.say("PrepareForSleep", False)
        await until(lambda: logind.held == 1)
        await asyncio.sleep(0.7)
        status = await house.client.call(m.GetStatus())
        assert (status.miners[0].pid, status.miners[0].wanted) == (None, False)
        await house.end()


async def test_without_a_bus_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    from ranvier.agent.logind import open_logind

    with pytest.raises(AgentError, match="cannot reach logind"):
        await open_logind()
    monkeypatch.setattr("ranvier.agent.power._LOOK_S", 0.1)
    async with House(tmp_path) as house:
        Settings(house.paths.settings_file).set(STOP_BEFORE_SLEEP, True)
        await house.until(lambda s: any("logind" in one.text for one in s.attention))
