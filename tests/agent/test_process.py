"""The agent as a process of its own: starting, refusing a second one, signals, kills, the command line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from ranvier.agent.api import messages as m
from ranvier.agent.api.client import AgentClient, ensure_agent
from ranvier.agent.api.endpoint import read_endpoint
from ranvier.agent.api.hub import Hub
from ranvier.agent.api.messages import AgentStatus, ChainView, StatusEvent
from ranvier.agent.api.server import Server
from ranvier.agent.cli import status_cli
from ranvier.agent.sandbox import SandboxNode
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.core.paths import Paths
from ranvier.core.processes import child_environment, own_command
from ranvier.miners.keeping import KeeperClient

ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills by signal")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Paths]:
    """A home whose agent is killed afterwards if it still runs."""
    paths = Paths.under(tmp_path / "home")
    yield paths
    endpoint = read_endpoint(paths)
    if endpoint is not None and psutil.pid_exists(endpoint.pid):
        os.kill(endpoint.pid, signal.SIGKILL)


def run(paths: Paths, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = own_command(*paths.arguments(), *arguments)
    return subprocess.run(command, env=child_environment(), capture_output=True, text=True, timeout=30, check=False)


async def test_a_newer_window_takes_an_old_agents_place(home: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await ensure_agent(home)
    first: m.AgentStatus = await client.call(m.GetStatus())
    with monkeypatch.context() as old:
        old.setattr("ranvier.agent.api.client.__version__", "0.0.1")
        other = await ensure_agent(home)
        assert (await other.call(m.GetStatus())).pid == first.pid, "an older window leaves a newer agent alone"
        await other.close()
        old.setattr("ranvier.agent.api.client.PROTOCOL", 0)
        with pytest.raises(RanvierError, match="another version"):
            await ensure_agent(home)
    monkeypatch.setattr("ranvier.agent.api.client.__version__", "99.0.0")
    newer = await ensure_agent(home)
    assert not (psutil.pid_exists(first.pid) and psutil.Process(first.pid).status() != psutil.STATUS_ZOMBIE)
    assert (await newer.call(m.GetStatus())).pid != first.pid
    await newer.call(m.StopAgent())
    await newer.close()
    await client.close()


async def test_a_client_starts_the_agent_and_a_second_client_finds_it(home: Paths) -> None:
    client = await ensure_agent(home)
    first: m.AgentStatus = await client.call(m.GetStatus())
    other = await ensure_agent(home)
    second: m.AgentStatus = await other.call(m.GetStatus())
    assert first.pid == second.pid != os.getpid()
    refused = await asyncio.to_thread(run, home, "agent")
    assert refused.returncode == 1
    assert "already running" in refused.stderr
    told = await asyncio.to_thread(run, home, "status", "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout)["pid"] == first.pid
    told = await asyncio.to_thread(run, home, "status")
    assert "network  none: No network chosen." in told.stdout
    await other.close()
    stopped = await asyncio.to_thread(run, home, "stop")
    assert stopped.returncode == 0
    await asyncio.to_thread(gone, first.pid)
    with pytest.raises(RanvierError, match="not running"):
        await client.call(m.GetStatus())
    await client.close()
    log = (home.logs / "agent.log").read_text()
    assert "agent ended" in log
    assert "ERROR" not in log


async def test_a_sandbox_that_cannot_start_says_why(home: Paths) -> None:
    code = "import sys; sys.exit('Port 5 is in use by another program.')"
    node = SandboxNode(home, KeeperClient, lambda: 1000, command=[sys.executable, "-c", code])
    with pytest.raises(RanvierError, match="Port 5 is in use") as caught:
        await node.start(limit_s=25)
    assert caught.value.title == "Sandbox keeps ending"
    await node.stop()


async def test_stop_everything_ends_what_a_killed_agent_left(home: Paths) -> None:
    client = await ensure_agent(home)
    await client.call(m.UseNetwork("sandbox"))
    first = await seen(client, lambda status: status.chain.level is Level.GOOD)
    await client.close()
    os.kill(first.pid, signal.SIGKILL)
    await asyncio.to_thread(gone, first.pid)
    node = json.loads((home.network("sandbox") / "data" / "endpoint.json").read_text())
    assert psutil.pid_exists(node["pid"])
    stopped = await asyncio.to_thread(run, home, "stop")
    assert (stopped.returncode, stopped.stdout) == (0, "No agent is running.\n")
    assert psutil.pid_exists(node["pid"]), "only --everything is everything"
    stopped = await asyncio.to_thread(run, home, "stop", "--everything")
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert "the sandbox have ended" in stopped.stdout
    await asyncio.to_thread(gone, node["pid"])
    stopped = await asyncio.to_thread(run, home, "stop", "--everything")
    assert stopped.stdout == "No agent is running.\n", "nothing is left, so none is started for it"


async def test_a_killed_agent_finds_its_sandbox_and_ledger_again(home: Paths) -> None:
    """Everything real: agent, keeper, sandbox and chain; the agent and the sandbox are killed."""
    client = await ensure_agent(home)
    await client.call(m.UseNetwork("sandbox"))
    first = await seen(client, lambda status: status.chain.level is Level.GOOD)
    assert first.chain.spec_version
    await client.call(m.WatchColdkeys((ALICE,)))
    portfolio: m.Portfolio = await client.call(m.GetPortfolio())
    assert [one.ss58 for one in portfolio.balances] == [ALICE]
    assert [one.netuid for one in portfolio.subnets] == [0, 1]
    os.kill(first.pid, signal.SIGKILL)
    await asyncio.to_thread(gone, first.pid)
    with pytest.raises(RanvierError):
        await client.call(m.GetStatus())
    node = json.loads((home.network("sandbox") / "data" / "endpoint.json").read_text())
    os.kill(node["pid"], signal.SIGKILL)
    again = await ensure_agent(home)
    second = await seen(client, lambda status: status.chain.level is Level.GOOD)
    assert second.pid != first.pid
    assert second.chain.genesis_hash == first.chain.genesis_hash
    assert second.chain.endpoint == first.chain.endpoint
    portfolio = await client.call(m.GetPortfolio())
    assert [one.ss58 for one in portfolio.balances] == [ALICE], "watched coldkeys are kept"
    assert sum(1 for path in home.agent.iterdir() if path.suffix == ".sock") <= 1
    await client.call(m.StopAgent(everything=True))
    await asyncio.to_thread(gone, second.pid)
    await again.close()
    await client.close()


async def seen(client: AgentClient, found: Callable[[m.AgentStatus], bool]) -> m.AgentStatus:
    end = time.monotonic() + 30
    while True:
        status: m.AgentStatus = await client.call(m.GetStatus())
        if found(status):
            return status
        assert time.monotonic() < end, status.chain
        await asyncio.sleep(0.1)


def test_sigterm_ends_it_cleanly(home: Paths) -> None:
    child = subprocess.Popen(own_command(*home.arguments(), "agent"), env=child_environment())
    deadline = time.monotonic() + 20
    while read_endpoint(home) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0
    assert not (home.agent / "endpoint.json").exists()
    assert not list(home.agent.glob("*.sock"))


def test_without_an_agent_status_says_so(home: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_cli.main([], home) == 1
    assert "not running" in capsys.readouterr().out
    assert status_cli.main(["--json"], home) == 1
    assert json.loads(capsys.readouterr().out)["error"]["title"] == "No agent"


def test_an_agent_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    told = run(Paths.under(tmp_path / "home"), "agent")
    assert told.returncode == 1
    assert "home" in told.stderr
    assert "Traceback" not in told.stderr


def test_the_agent_imports_nothing_heavy_before_it_is_needed(python: str) -> None:
    code = (
        "import sys, ranvier.agent.main;"
        "print([n for n in ('PySide6', 'substrateinterface', 'scalecodec', 'keyring', 'pynvml')"
        " if n in sys.modules])"
    )
    told = subprocess.run(
        [python, "-c", code], env=child_environment(), capture_output=True, text=True, check=True, timeout=30
    )
    assert told.stdout.strip() == "[]"


async def test_over_loopback_the_token_is_needed(tmp_path: Path) -> None:
    """What Windows uses, tried here."""
    paths, hub = Paths.under(tmp_path), Hub()
    status = AgentStatus("0", m.PROTOCOL, 1, 1.0, 1.0, ChainView("", None, Level.OFF, ""))

    async def get_status(_: m.GetStatus) -> AgentStatus:
        return status

    server = Server(paths, {m.GetStatus: get_status}, hub, lambda: StatusEvent(status), tcp=True)
    endpoint = await server.open()
    assert endpoint.port
    client = AgentClient(paths)
    assert await client.call(m.GetStatus()) == status
    event = await anext(events := client.events())
    assert event == StatusEvent(status)
    await events.aclose()
    async with aiohttp.ClientSession() as stranger:
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            async with stranger.post(f"{endpoint.url}/call/GetStatus", data=b"{}", headers=headers) as answer:
                assert answer.status == 401
            async with stranger.get(f"{endpoint.url}/events", headers=headers) as answer:
                assert answer.status == 401
    await client.close()
    await server.close()


def gone(pid: int) -> None:
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not psutil.pid_exists(pid)
