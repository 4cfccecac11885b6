"""A miner with secrets and the agent: handed over at the start, and again to a keeper that has forgotten them."""

from __future__ import annotations

import json
import os
import signal
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import keyring.errors
import psutil
import pytest

from agent.agent_fakes import PROGRAMS, FakePrograms, House
from agent.secret_fakes import FakeBackend
from ranvier.agent.api import messages as m
from ranvier.agent.miners.secret_store import SecretStore
from ranvier.miners.keeper.keeper_log import LogWriter
from ranvier.miners.logs.log_format import OUT
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


async def test_what_a_miner_prints_of_its_secrets_is_not_handed_out(
    tmp_path: Path, add: Callable[..., m.AddMiner]
) -> None:
    backend = FakeBackend()
    store = SecretStore(backend)
    async with House(tmp_path / "home", programs=FakePrograms(), secrets=store) as house:
        await house.client.call(m.UseNetwork("test"))
        await house.client.call(add())
        await house.client.call(m.SetSecret("one", "ODD", VALUE))
        folder = house.paths.miner("one")
        LogWriter(str(folder / "logs"), 1 << 20, 1 << 22).write(OUT, f"I was given {VALUE}!\n".encode())
        made = await house.client.call(m.ExportLogs("one", str(tmp_path / "out.zip")))
        with zipfile.ZipFile(tmp_path / "out.zip") as archive:
            handed = b"".join(archive.read(name) for name in archive.namelist())
        assert b"I was given [own secret]!" in handed and VALUE.encode() not in handed and not made.problem
        assert VALUE not in repr(made) and [cut.kind for cut in made.cuts if cut.file == "log.txt"]
        backend.trouble = keyring.errors.KeyringLocked()
        said = (await house.client.call(m.ExportLogs("one"))).problem
        assert said.startswith("The values of ODD were not looked for.") and "locked" in said
