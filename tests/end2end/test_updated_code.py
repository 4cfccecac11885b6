"""Ranvier's files are written anew under a running agent: it says so, and a restart leaves the miners alone."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ranvier as package
from end2end.conftest import eventually, start_talkers
from programs.survivors import lives
from ranvier.agent.api import messages as m
from ranvier.agent.api.client import AgentClient, ensure_agent, restart_agent
from ranvier.agent.api.endpoint import read_endpoint
from ranvier.agent.cli.status_cli import describe
from ranvier.core.paths import Paths, resources
from ranvier.core.processes import child_environment
from ranvier.miners.keeping import KeeperClient

CODE = Path(package.__file__).parent


async def heard(client: AgentClient) -> m.AgentStatus:
    """The first status that says so, of those that a window hears."""
    async with asyncio.timeout(30):
        async for event in client.events():
            if isinstance(event, m.StatusEvent) and event.status.outdated:
                return event.status
    raise AssertionError("the agent hung up")


@pytest.mark.skipif(os.name != "posix", reason="the copy is found by PYTHONPATH")
async def test_the_agent_says_so_and_the_miner_outlives_its_restart(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "app"
    shutil.copytree(CODE, copy / "ranvier", ignore=shutil.ignore_patterns("__pycache__"))
    (copy.parent / "resources").symlink_to(resources())
    paths = Paths.under(home)
    environment = child_environment() | {"PYTHONPATH": str(copy)}
    old = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", "ranvier", "--home", str(home), "agent"], env=environment, cwd=tmp_path
    )
    try:
        await asyncio.to_thread(eventually, lambda: read_endpoint(paths) is not None)
        await start_talkers(paths, tmp_path, ["one"])
        miner = KeeperClient(paths.miner("one")).status()
        client = await ensure_agent(paths)
        before = await client.call(m.GetStatus())
        assert (before.pid, before.outdated) == (old.pid, False)
        with (copy / "ranvier" / "__init__.py").open("a") as file:
            file.write("# pulled\n")
        status = await heard(client)
        await client.close()
        assert status.pid == old.pid and "code from before" in describe(status)
        client = await restart_agent(paths)
        after = await client.call(m.GetStatus())
        await client.close()
        assert old.wait(10) == 0 and after.pid != old.pid and not after.outdated
        now = KeeperClient(paths.miner("one")).status()
        assert (now.pid, now.starts, now.crashes) == (miner.pid, 1, 0) and lives(now.pid)
    finally:
        old.kill()
        old.wait()
