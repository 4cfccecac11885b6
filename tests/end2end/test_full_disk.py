"""A disk that is full to the last byte: what runs goes on, and what is told to stop stops, for good."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from end2end.conftest import ours, ranvier, start_talkers
from programs.survivors import lives
from ranvier.agent.api import messages as m
from ranvier.agent.api.client import AgentClient, ensure_agent
from ranvier.core.paths import Paths
from ranvier.miners.keeping import KeeperClient
from ranvier.miners.status import MinerState


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    ranvier(folder / "home", "stop", "--everything", check=False)
    for process in ours(folder):
        process.kill()
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no block free; returns the file that has taken them."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return ballast


async def test_stopping_everything_on_a_full_disk_ends_everything_for_good(disk: Path, tmp_path: Path) -> None:
    paths = Paths.under(disk / "home")
    await start_talkers(paths, tmp_path, ("one", "two"))
    keepers = [KeeperClient(paths.miner(name)) for name in ("one", "two")]
    pids = [keeper.status().pid for keeper in keepers]
    ballast = fill(disk)
    await asyncio.sleep(0.5)
    assert all(lives(pid) for pid in pids), "a full disk ends no miner"
    stopped = await asyncio.to_thread(ranvier, paths.data, "stop", "--everything", check=False)
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert "have ended" in stopped.stdout
    assert not ours(paths.data)
    ballast.unlink()
    client: AgentClient = await ensure_agent(paths)
    await asyncio.sleep(1.5)  # it would start what it found to be wanted
    status = await client.call(m.GetStatus())
    assert [(one.state, one.wanted) for one in status.miners] == [(MinerState.STOPPED, False)] * 2
    assert not [keeper for keeper in keepers if lives(keeper.status().keeper_pid)]
    await client.call(m.StopAgent(everything=True))
    await client.close()
