"""Bad days of a whole home: a restart of the machine met by three agents at once, a home that was moved, a folder
that can only be read. The agent, the keepers and the miners are real."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from end2end.conftest import TALKER, eventually, ours, ranvier, start_talkers
from programs.survivors import each_line_once, kill, lives, whole_log
from ranvier.agent.api import messages as m
from ranvier.agent.api.client import ensure_agent
from ranvier.agent.api.endpoint import read_endpoint
from ranvier.core.paths import Paths
from ranvier.core.processes import child_environment, own_command
from ranvier.miners.keeping import KeeperClient
from ranvier.miners.status import MinerState

NAMES = ("one", "two")


def kept(paths: Paths) -> list[KeeperClient]:
    return [KeeperClient(paths.miner(name)) for name in NAMES]


def kill_agent(paths: Paths) -> None:
    endpoint = read_endpoint(paths)
    assert endpoint is not None
    kill(endpoint.pid)


async def test_three_agents_at_once_after_a_restart_of_the_machine(home: Path, tmp_path: Path) -> None:
    paths = Paths.under(home)
    await start_talkers(paths, tmp_path, NAMES)
    for process in ours(home):
        if lives(process.pid):
            kill(process.pid)
    assert not ours(home)
    for file in home.rglob("run/status.json"):
        known = json.loads(file.read_text())
        known["keeper"]["boot"] = "the boot before"
        file.write_text(json.dumps(known))
    command = own_command("--home", str(home), "agent")
    started = [subprocess.Popen(command, env=child_environment(), stderr=subprocess.PIPE) for _ in range(3)]  # noqa: ASYNC220
    try:
        await asyncio.to_thread(eventually, lambda: all(one.status().starts == 2 for one in kept(paths)))
        await asyncio.to_thread(eventually, lambda: sum(one.poll() is None for one in started) == 1)
        lost = [one for one in started if one.poll() is not None]
        assert [one.returncode for one in lost] == [1, 1]
        assert all(b"already running" in (one.stderr.read() if one.stderr else b"") for one in lost)
        await asyncio.sleep(1.5)  # some rounds of the agent that is left
        for one in kept(paths):
            status = one.status()
            assert (status.starts, status.crashes, status.exits) == (2, 0, ()), "a restart is no crash of the miner"
            assert len(ours(one.folder, str(TALKER))) == 1
    finally:
        for one in started:
            one.send_signal(signal.SIGTERM)
            one.communicate()
    await asyncio.to_thread(ranvier, home, "stop", "--everything")


async def test_a_home_that_was_moved_is_the_same_home(home: Path, tmp_path: Path) -> None:
    """The miners run on while their home gets another name, and are started again in the new place."""
    await start_talkers(Paths.under(home), tmp_path, NAMES)
    before = [one.status() for one in kept(Paths.under(home))]
    kill_agent(Paths.under(home))
    kill(before[1].keeper_pid)
    moved = tmp_path / "elsewhere"
    home.rename(moved)
    paths = Paths.under(moved)
    try:
        client = await ensure_agent(paths)
        await asyncio.to_thread(eventually, lambda: all(lives(one.status().keeper_pid) for one in kept(paths)))
        assert [one.status().pid for one in kept(paths)] == [one.pid for one in before]
        assert kept(paths)[0].status().keeper_pid == before[0].keeper_pid
        kill(before[0].pid or 0)  # what its keeper was told to run is in the old place
        await asyncio.to_thread(eventually, lambda: kept(paths)[0].status().starts == 2)
        again = psutil.Process(kept(paths)[0].status().pid)
        assert str(moved / "miners" / "one" / "wallet") in again.cmdline()
        assert again.cwd() == str(moved / "miners" / "one")
        await asyncio.sleep(1.5)  # a round of the agent
        status = await client.call(m.GetStatus())
        assert [(one.starts, one.crashes) for one in status.miners] == [(2, 1), (1, 0)]
        await client.close()
    finally:
        await asyncio.to_thread(ranvier, moved, "stop", "--everything")
    assert each_line_once(whole_log(paths.miner("one")), 2)
    assert each_line_once(whole_log(paths.miner("two")))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
async def test_a_home_that_can_only_be_read_is_said_and_ends_no_miner(home: Path, tmp_path: Path) -> None:
    paths = Paths.under(home)
    await start_talkers(paths, tmp_path, NAMES)
    pids = [one.status().pid for one in kept(paths)]
    kill_agent(paths)
    for mount in (["--bind", str(home), str(home)], ["-o", "remount,ro,bind", str(home)]):
        subprocess.run(["mount", *mount], check=True)  # noqa: ASYNC221
    try:
        told = await asyncio.to_thread(ranvier, home, "agent", check=False)
        assert told.returncode == 1
        assert "Read-only file system" in told.stderr and "Traceback" not in told.stderr
        told = await asyncio.to_thread(ranvier, home, "stop", "--everything", check=False)
        assert told.returncode == 1
        assert "Read-only file system" in told.stderr and "Traceback" not in told.stderr
        assert all(lives(pid) for pid in pids)
    finally:
        subprocess.run(["umount", str(home)], check=True)  # noqa: ASYNC221
    client = await ensure_agent(paths)
    try:
        miners = (await client.call(m.GetStatus())).miners
        assert [(one.pid, one.starts) for one in miners] == [(pid, 1) for pid in pids]
        assert {one.state for one in miners} <= {MinerState.STARTING, MinerState.RUNNING}
        await client.call(m.StopAgent(everything=True))
    finally:
        await client.close()
    assert all(each_line_once(whole_log(one.folder)) for one in kept(paths))
