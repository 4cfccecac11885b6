"""Secrets of a program: in the keeper's memory and the child's environment, in no file and on no command line."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pickle
import signal
from pathlib import Path

import msgspec
import psutil
import pytest

from ranvier.core.errors import MinerError
from ranvier.miners.spec import ProgramSpec, Secrets, read_spec, write_spec
from ranvier.miners.status import MinerState

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills by signal")

VALUE = "hunter2-Ω-and-more"
TOKEN = Secrets({"TOKEN": VALUE})


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def assert_nowhere(folder: Path, value: str) -> None:
    """No file of ``folder`` and no command line of the machine has the value, in any of its spellings."""
    spellings = {value.encode(), value.encode("unicode_escape"), value.encode("utf-16-le")}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / "keeper.json" in files and folder / "run" / "status.json" in files
    for path in files:
        data = path.read_bytes()
        assert not any(one in data for one in spellings), path
    for process in psutil.process_iter():
        try:
            words = "\0".join(process.cmdline())
        except psutil.Error:
            continue
        assert value not in words, process


async def kill_both(kept, keeper: int, child: int | None) -> None:
    assert child is not None
    os.kill(keeper, signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, keeper, 0)
    kept.client._started_pid = 0


async def test_the_child_gets_the_value_and_no_file_does(kept, tmp_path) -> None:
    seen = tmp_path / "seen"
    kept.spec("secret_keeper", seen, secrets=TOKEN)
    await kept.ensure()
    status = await kept.client.start(TOKEN)
    await kept.until(lambda: seen.exists() and seen.read_text() == digest(VALUE))
    assert_nowhere(kept.folder, VALUE)
    seen.unlink()
    os.kill(status.pid, signal.SIGKILL)  # the keeper still has it
    await kept.until(lambda: seen.exists() and seen.read_text() == digest(VALUE))
    seen.unlink()
    await kept.client.restart(Secrets({"TOKEN": "another"}))
    await kept.until(lambda: seen.exists() and seen.read_text() == digest("another"))
    assert not kept.client.status().needs_secrets
    assert_nowhere(kept.folder, "another")
    await kept.client.end()
    assert_nowhere(kept.folder, VALUE)


async def test_a_new_keeper_says_that_it_needs_them_again(kept, tmp_path) -> None:
    seen = tmp_path / "seen"
    kept.spec("secret_keeper", seen, secrets=TOKEN)
    keeper = await kept.ensure()
    pid = (await kept.client.start(TOKEN)).pid
    await kept.until(seen.exists)
    await kill_both(kept, keeper, pid)
    seen.unlink()
    await kept.ensure()
    await kept.until(lambda: kept.client.status().needs_secrets)
    status = kept.client.status()
    assert (status.state, status.starts, status.crashes) == (MinerState.STOPPED, 1, 1)
    assert status.reason == "needs its secrets again (TOKEN); start it from Ranvier"
    for lacking in (None, Secrets(), {"OTHER": "x"}):
        with pytest.raises(MinerError, match="needs its secrets again"):
            await kept.client.start(lacking)
    assert not seen.exists()
    assert (await kept.client.start(TOKEN)).starts == 2
    await kept.until(lambda: seen.exists() and seen.read_text() == digest(VALUE))
    assert not kept.client.status().needs_secrets
    assert_nowhere(kept.folder, VALUE)
    await kept.client.end()


async def test_a_program_taken_over_goes_on_and_can_be_stopped_while_it_waits(kept, tmp_path) -> None:
    seen = tmp_path / "seen"
    kept.spec("secret_keeper", seen, secrets=TOKEN)
    keeper = await kept.ensure()
    pid = (await kept.client.start(TOKEN)).pid
    await kept.until(seen.exists)
    os.kill(keeper, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, keeper, 0)
    kept.client._started_pid = 0
    await kept.ensure()
    status = kept.client.status()
    assert (status.state, status.pid, status.needs_secrets) == (MinerState.RUNNING, pid, False)
    os.kill(pid, signal.SIGKILL)
    await kept.until(lambda: kept.client.status().needs_secrets)
    status = await kept.client.stop()
    assert (status.state, status.reason, status.needs_secrets) == (MinerState.STOPPED, "stopped as asked", False)
    await kept.client.end()


async def test_secrets_too_long_for_the_socket_are_refused(kept, tmp_path) -> None:
    kept.spec("secret_keeper", tmp_path / "seen", secrets=TOKEN)
    await kept.ensure()
    with pytest.raises(MinerError, match="60 KiB"):
        await kept.client.start({"TOKEN": "x" * 70_000})
    await kept.client.end()


def test_an_older_file_is_read_and_loses_its_value_at_the_next_write(tmp_path) -> None:
    spec = ProgramSpec(argv=("x",), cwd="/", env={"PATH": "/bin"})
    write_spec(tmp_path, spec)
    data = msgspec.json.decode((tmp_path / "keeper.json").read_bytes())
    del data["secret_names"]
    data["env"]["TOKEN"] = VALUE
    (tmp_path / "keeper.json").write_bytes(msgspec.json.encode(data))
    old = read_spec(tmp_path)
    assert old is not None and old.env["TOKEN"] == VALUE and old.secret_names == ()
    write_spec(tmp_path, msgspec.structs.replace(old, secrets=TOKEN))
    assert VALUE.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    new = read_spec(tmp_path)
    assert new is not None and (new.env, new.secret_names, dict(new.secrets)) == ({"PATH": "/bin"}, ("TOKEN",), {})


def test_a_spec_never_tells_or_encodes_its_secrets() -> None:
    spec = ProgramSpec(argv=("x",), cwd="/", env={}, secrets=TOKEN)
    assert VALUE not in repr(spec) and VALUE not in str(spec.secrets) and "TOKEN" in repr(spec)
    with pytest.raises(TypeError):
        msgspec.json.encode(spec)
    with pytest.raises(TypeError):
        pickle.dumps(spec)
