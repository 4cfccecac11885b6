"""A keeper and its program: starting, stopping, crashing, giving up. Real processes throughout."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ranvier.core.errors import MinerError
from ranvier.miners.status import MinerState


async def test_start_and_stop(kept) -> None:
    kept.spec("talker")
    await kept.ensure()
    assert kept.client.status().state is MinerState.STOPPED
    started = await kept.client.start()
    assert started.pid is not None and psutil.pid_exists(started.pid)
    assert started.starts == 1
    await kept.until(lambda: kept.client.status().state is MinerState.RUNNING and "line 3 " in kept.texts("out"))
    stopped = await kept.client.stop()
    assert stopped.state is MinerState.STOPPED
    assert stopped.exits[-1].signal == signal.SIGTERM and stopped.exits[-1].code is None
    assert stopped.exits[-1].wanted and stopped.crashes == 0
    assert not psutil.pid_exists(started.pid)
    await kept.client.end()
    assert await kept.client.ping() is None
    assert kept.client.status().state is MinerState.STOPPED


async def test_nothing_was_ever_there(kept) -> None:
    assert kept.client.status().state is MinerState.STOPPED
    assert kept.client.status().reason == "never started"
    await kept.client.end()
    with pytest.raises(MinerError, match="does not answer"):
        await kept.client.start()


async def test_own_stop_signal_is_used_and_waited_for(kept) -> None:
    kept.spec("polite", stop_signal="INT")
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: "ready" in kept.texts())
    status = await kept.client.stop()
    assert (status.exits[-1].code, status.exits[-1].signal) == (0, None)
    assert "saved" in kept.texts("out")
    await kept.client.end()


async def test_the_ladder_ends_at_kill(kept) -> None:
    kept.spec("term_ignorer", stop_signal="INT", stop_grace_s=0.3, term_grace_s=0.3)
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: "ignoring" in kept.texts())
    began = time.monotonic()
    status = await kept.client.stop()
    assert 0.55 < time.monotonic() - began < 5
    assert status.exits[-1].signal == signal.SIGKILL
    assert "sending SIGKILL" in kept.texts("keeper")
    await kept.client.end()


async def test_a_crash_backs_off_and_the_budget_ends_it(kept) -> None:
    kept.spec("crasher", 3, crash_budget=3)
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: kept.client.status().state is MinerState.FAILED)
    status = kept.client.status()
    assert "4 crashes in a row" in status.reason and "ended with code 3" in status.reason
    assert status.starts == status.crashes == 4
    assert [(end.code, end.signal, end.wanted) for end in status.exits] == [(3, None, False)] * 4
    gaps = [b.at - a.at - b.ran_s for a, b in zip(status.exits, status.exits[1:], strict=False)]
    assert gaps[0] >= 0.03 and gaps[1] >= 0.08 and gaps[2] >= 0.18, gaps  # start times count in 10 ms
    assert kept.texts("err") == ["Traceback: it broke"] * 4  # the last line has no line end
    kept.spec("silent")  # repaired: a manual start forgives, and takes the new spec
    assert (await kept.client.start()).starts == 5
    await kept.client.end()


async def test_a_signal_is_not_a_code(kept) -> None:
    kept.spec("crasher", "SIGSEGV", crash_budget=0)
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: kept.client.status().state is MinerState.FAILED)
    status = kept.client.status()
    assert (status.exits[0].code, status.exits[0].signal) == (None, signal.SIGSEGV)
    assert "was ended by SIGSEGV" in status.reason
    await kept.client.end()


async def test_stop_while_backing_off(kept) -> None:
    kept.spec("crasher", backoff_first_s=30.0)
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: kept.client.status().state is MinerState.BACKING_OFF)
    status = kept.client.status()
    assert status.next_start_at is not None and 25 < status.next_start_at - time.time() <= 31
    stopped = await kept.client.stop()
    assert stopped.state is MinerState.STOPPED and stopped.next_start_at is None
    await asyncio.sleep(0.2)
    assert kept.client.status().starts == 1
    await kept.client.end()


async def test_after_a_stable_run_it_starts_again_at_once(kept) -> None:
    kept.spec("crasher", 1, 0.3, stable_s=0.2, backoff_first_s=30.0, crash_budget=0 + 1)
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: kept.client.status().starts >= 4)
    await kept.client.end()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"argv": ("/opt/none/bin/python3", "miner.py")}, "the program /opt/none/bin/python3 does not exist"),
        ({"argv": ("no-such-program",)}, "the program no-such-program is in none of the folders of PATH"),
        ({"cwd": "/opt/none/dir"}, "the working folder /opt/none/dir does not exist"),
        ({"argv": ("/etc/passwd",)}, "the program /etc/passwd may not be executed"),
    ],
)
async def test_failed_starts_name_what_is_missing(kept, changes, text) -> None:
    kept.spec("silent", **changes)
    await kept.ensure()
    with pytest.raises(MinerError) as caught:
        await kept.client.start()
    assert text in caught.value.message
    status = kept.client.status()
    assert status.state is MinerState.FAILED and status.starts == 0 and status.pid is None
    await kept.client.end()


async def test_a_script_without_its_interpreter(kept) -> None:
    script = kept.folder / "run.sh"
    script.write_text("#!/opt/none/interpreter\n")
    script.chmod(0o755)
    kept.spec("silent", argv=(str(script),))
    await kept.ensure()
    with pytest.raises(MinerError, match="names an interpreter in its first line that does not exist"):
        await kept.client.start()
    script.write_bytes(b"\0\1\2\3")
    with pytest.raises(MinerError, match="not in a format that this system can execute"):
        await kept.client.start()
    await kept.client.end()


async def test_a_damaged_spec_is_named(kept) -> None:
    await kept.ensure()
    with pytest.raises(MinerError, match=r"keeper\.json: No such file"):
        await kept.client.start()
    (kept.folder / "keeper.json").write_text('{"argv": ["x"]')
    with pytest.raises(MinerError, match=r"keeper\.json is damaged"):
        await kept.client.start()
    (kept.folder / "keeper.json").write_text('{"argv": ["x"]}')
    with pytest.raises(MinerError, match=r"keeper\.json: cwd is missing"):
        await kept.client.start()
    await kept.client.end()


async def test_stopping_leaves_nothing_of_the_tree(kept) -> None:
    pids = kept.folder / "pids"
    kept.spec("forker", pids, stop_grace_s=0.4, term_grace_s=0.4)
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: "workers are up" in kept.texts())
    await kept.client.stop()
    assert [pid for pid in map(int, pids.read_text().split()) if _lives(pid)] == []
    await kept.client.end()


async def test_a_crash_leaves_nothing_before_the_restart(kept) -> None:
    pids = kept.folder / "pids"
    kept.spec("forker", pids, "crash", crash_budget=0)
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: kept.client.status().state is MinerState.FAILED)
    assert [pid for pid in map(int, pids.read_text().split()) if _lives(pid)] == []
    assert kept.client.status().exits[0].signal == signal.SIGKILL
    await kept.client.end()


async def test_restart_gives_a_new_process(kept) -> None:
    kept.spec("silent")
    await kept.ensure()
    first = await kept.client.start()
    second = await kept.client.restart()
    assert first.pid != second.pid and second.starts == 2 and second.crashes == 0
    assert second.exits[-1].wanted
    await kept.client.end()
    assert not psutil.pid_exists(second.pid)


async def test_a_second_keeper_is_refused(kept) -> None:
    kept.spec("silent")
    pid = await kept.ensure()
    command = [sys.executable, "-m", "ranvier.miners.keeper.keeper", str(kept.folder)]
    second = await asyncio.to_thread(_run, command)
    assert second.returncode == 3
    assert second.stderr == f"Another keeper is already running for {kept.folder}.\n"
    assert await kept.ensure() == pid
    await kept.client.end()


async def test_a_keeper_that_cannot_start_says_why(kept) -> None:
    from ranvier.miners.keeping import KeeperClient

    command = [sys.executable, "-c", "import sys; sys.exit('no luck today')"]
    with pytest.raises(MinerError, match="no luck today"):
        await KeeperClient(kept.folder, command).ensure()
    with pytest.raises(MinerError, match="/opt/none/keeper"):
        await KeeperClient(kept.folder, ["/opt/none/keeper"]).ensure()


async def test_the_environment_is_the_spec_s_and_nothing_else(kept, monkeypatch) -> None:
    monkeypatch.setenv("WALLET_PASSWORD", "do not tell")
    kept.spec("environment", env={"PATH": "/usr/bin", "GREETING": "hallo ä"})
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: kept.texts("out"))
    seen = json.loads(kept.texts("out")[0])
    assert set(seen["env"]) - {"LC_CTYPE"} == {"PATH", "GREETING", "RANVIER_KEEPER"}
    assert seen["env"]["GREETING"] == "hallo ä"
    assert seen["cwd"] == str(kept.folder)
    assert (kept.folder / "keeper.json").stat().st_mode & 0o077 == 0
    await kept.client.end()


async def test_a_very_long_folder_name(tmp_path) -> None:
    from ranvier.miners.keeping import KeeperClient
    from ranvier.miners.spec import ProgramSpec

    folder = tmp_path / ("a" * 90) / ("b" * 90)
    client = KeeperClient(folder)
    client.write_spec(
        ProgramSpec(argv=(sys.executable, "-c", "import time; time.sleep(60)"), cwd="/", env={"PATH": "/usr/bin"})
    )
    await client.ensure()
    try:
        assert (await client.start()).state is MinerState.STARTING
    finally:
        await client.end()


async def test_bad_commands_do_no_harm(kept) -> None:
    kept.spec("silent")
    await kept.ensure()
    socket = kept.folder / "run" / "keeper.sock"
    reader, writer = await asyncio.open_unix_connection(str(socket))
    for line in (b"nonsense\n", b"[1]\n", b'{"command": "fly"}\n'):
        writer.write(line)
        assert json.loads(await reader.readline())["ok"] is False
    writer.write(b"x" * 100_000)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    assert (await kept.client.start()).state is MinerState.STARTING
    assert socket.stat().st_mode & 0o077 == 0
    await kept.client.end()


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    from ranvier.core.processes import child_environment

    return subprocess.run(command, capture_output=True, text=True, env=child_environment(), timeout=20, check=False)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_status_file_has_the_fields_that_readers_expect() -> None:
    import dataclasses

    from ranvier.miners.keeper import policy as rules
    from ranvier.miners.keeper.keeper_record import Record
    from ranvier.miners.status import ExitRecord, KeeperStatus

    class NoHost:
        pid, token = 0, ""

    record = Record()
    record.ended(1, None, 2.0)
    policy = rules.Policy(rules.Limits(), lambda: 0.5)
    written = record.status(policy, NoHost())
    assert set(written) - {"keeper"} == {field.name for field in dataclasses.fields(KeeperStatus)}
    assert set(written["exits"][0]) | {"memory"} == {field.name for field in dataclasses.fields(ExitRecord)}
    states = {rules.STOPPED, rules.STARTING, rules.RUNNING, rules.BACKING_OFF, rules.STOPPING, rules.FAILED}
    assert states | {"unknown"} == {str(state) for state in MinerState}


def test_the_spec_s_defaults_are_the_policy_s() -> None:
    from ranvier.miners.keeper.policy import Limits
    from ranvier.miners.spec import ProgramSpec

    spec = ProgramSpec(argv=("x",), cwd="/", env={})
    limits = Limits()
    assert {name: getattr(spec, name) for name in Limits.__slots__} == {
        name: getattr(limits, name) for name in Limits.__slots__
    }


def test_a_keeper_imports_nothing_heavy() -> None:
    code = (
        "import sys; import ranvier.miners.keeper.keeper, ranvier.miners.keeper.keeper_posix;"
        "print(sorted(set(sys.modules) & {'asyncio','psutil','msgspec','dataclasses','typing','subprocess','inspect',"
        "'logging','pathlib','random','ssl'}))"
    )
    result = _run([sys.executable, "-S", "-c", code])
    assert result.stdout == "[]\n", result.stdout + result.stderr
    assert Path(sys.executable).exists()


def test_on_a_full_disk_the_status_file_is_written_in_its_place(tmp_path, monkeypatch) -> None:
    import errno

    from ranvier.miners.keeper import keeper_spec as files

    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    files.write_status({"state": "running", "reason": "a longer text"}, sync=False)
    real = files._store

    def full(path: str, data: bytes, flags: int, sync: bool) -> None:
        if path.endswith(".new"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data, flags, sync)

    monkeypatch.setattr(files, "_store", full)
    files.write_status({"state": "failed"}, sync=True)
    assert files.read_status() == {"state": "failed"}
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["status.json"]
