"""A miner with secrets and the agent: handed over at the start, and again to a keeper that has forgotten them."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from agent.agent_fakes import PROGRAMS, FakePrograms, House
from ranvier.agent import messages as m
from ranvier.miners.status import MinerState

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills by signal")

VALUE = "hunter2-and-more"


def assert_not_in(folder: Path) -> None:
    for path in folder.rglob("*"):
        assert not path.is_file() or VALUE.encode() not in path.read_bytes(), path
    for process in psutil.process_iter(["cmdline"]):
        assert VALUE not in "\0".join(process.info["cmdline"] or ()), process


async def test_a_keeper_killed_with_its_miner_is_handed_the_secrets_again(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    seen = tmp_path / "seen"
    programs = FakePrograms([sys.executable, str(PROGRAMS / "secret_keeper.py"), str(seen)])
    programs.values = {"TOKEN": VALUE}
    async with House(tmp_path / "home", programs=programs) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add())
        await house.client.call(m.InstallMiner("one"))
        await house.client.call(m.StartMiner("one"))
        folder = house.paths.miner("one")
        await house.until(lambda s: s.miners[0].state is MinerState.RUNNING and seen.exists())
        assert_not_in(house.paths.data)
        known = json.loads((folder / "run" / "status.json").read_text())
        seen.unlink()
        os.kill(known["keeper_pid"], signal.SIGKILL)
        os.kill(known["pid"], signal.SIGKILL)
        status = await house.until(lambda s: s.miners[0].state is MinerState.RUNNING and seen.exists())
        assert (status.miners[0].starts, status.miners[0].wanted) == (2, True)
        assert_not_in(house.paths.data)
        await house.end()
    assert_not_in(tmp_path / "home")
