"""Hard days of a keeper: limits, ports, a changed clock, damaged or full folders, two clients at once, fifty miners."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from miners.test_keeper_survival import kill_keeper
from programs.survivors import lives
from ranvier.core.errors import MinerError, StorageError
from ranvier.core.processes import ProcessIdentity
from ranvier.miners.diagnosis import Diagnoser
from ranvier.miners.diagnosis_facts import Facts
from ranvier.miners.keeper.keeper_limits import Group, held_ports
from ranvier.miners.keeper.keeper_spec import Spec
from ranvier.miners.keeping import KeeperClient
from ranvier.miners.logs.logs import tail
from ranvier.miners.spec import ProgramSpec
from ranvier.miners.status import MinerState

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")


# -- limits --------------------------------------------------------------------------------------------------------


async def test_priority_is_the_whole_tree_s_and_missing_groups_are_said(kept, monkeypatch) -> None:
    kept.spec("forker", kept.folder / "pids", nice=7, memory_bytes=1 << 30, stop_grace_s=0.3, term_grace_s=0.3)
    await kept.ensure()
    pid = (await kept.client.start()).pid
    await kept.until(lambda: "workers are up" in kept.texts())
    workers = [int(word) for word in (kept.folder / "pids").read_text().split()]
    assert {psutil.Process(one).nice() for one in (pid, *workers)} == {7}
    limited = "ranvier-" in Path(f"/proc/{pid}/cgroup").read_text()
    assert limited or any("not limited" in text for text in kept.texts("keeper"))
    await kept.client.end()


def spec(**limits: int) -> Spec:
    base = ProgramSpec(argv=("x",), cwd="/", env={}, **limits)  # type: ignore[arg-type]
    return Spec({name: getattr(base, name) for name in base.__struct_fields__})


def test_the_spec_of_an_older_agent_is_understood() -> None:
    base = ProgramSpec(argv=("x",), cwd="/", env={})
    new = {"log_segment_s", "log_keep_s", "nice", "memory_bytes", "cpu_weight", "ports"}
    old = Spec({name: getattr(base, name) for name in base.__struct_fields__ if name not in new})
    assert (old.nice, old.memory_bytes, old.cpu_weight, old.ports, old.log_keep_s) == (None, None, None, [], 0.0)


def test_a_control_group_where_one_may_be_made(tmp_path, monkeypatch) -> None:
    """A made-up tree: our own place has no memory control, the one above it has."""
    above = tmp_path / "cg" / "app.slice"
    (above / "ours.scope").mkdir(parents=True)
    (tmp_path / "own").write_text("4:memory:/elsewhere\n0::/app.slice/ours.scope\n")
    real = os.mkdir

    def mkdir(path: str, mode: int = 0o777) -> None:
        real(path, mode)
        if os.path.dirname(path) == str(above):  # noqa: PTH120
            for name in ("memory.max", "cpu.weight", "cgroup.procs", "memory.oom.group"):
                (Path(path) / name).write_text("")

    monkeypatch.setattr(os, "mkdir", mkdir)
    group = Group("1-2", str(tmp_path / "cg"), str(tmp_path / "own"))
    assert group.prepare(spec(memory_bytes=50_000_000, cpu_weight=20)) == []
    assert group.folder == str(above / "ranvier-1-2") and not list((above / "ours.scope").iterdir())
    group.add(77)
    folder = Path(group.folder)
    assert [(folder / name).read_text() for name in ("memory.max", "cpu.weight", "cgroup.procs")] == [
        "50000000",
        "20",
        "77",
    ]
    assert not group.killed()
    (folder / "memory.events").write_text("low 0\noom 3\noom_kill 1\n")
    assert group.killed()
    assert group.prepare(spec(memory_bytes=60_000_000)) == [] and not group.killed()
    assert group.prepare(spec()) == [] and group.folder == ""


def test_an_old_control_group_limits_memory_and_says_what_it_does_not(tmp_path, monkeypatch) -> None:
    """A made-up tree as systems have it that gave memory to v1: the new hierarchy is there, and empty."""
    ours = tmp_path / "cg" / "memory" / "user.slice"
    ours.mkdir(parents=True)
    (tmp_path / "own").write_text("7:cpu,cpuacct:/\n4:memory:/user.slice\n0::/\n")
    real = os.mkdir

    def mkdir(path: str, mode: int = 0o777) -> None:
        real(path, mode)
        if os.path.dirname(path) == str(ours):  # noqa: PTH120
            for name in ("memory.limit_in_bytes", "cgroup.procs", "memory.oom_control"):
                (Path(path) / name).write_text("")

    monkeypatch.setattr(os, "mkdir", mkdir)
    group = Group("1-2", str(tmp_path / "cg"), str(tmp_path / "own"))
    assert group.prepare(spec(memory_bytes=50_000_000)) == []
    folder = Path(group.folder)
    assert folder == ours / "ranvier-1-2" and (folder / "memory.limit_in_bytes").read_text() == "50000000"
    (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    assert group.killed()
    said = group.prepare(spec(cpu_weight=20))
    assert len(said) == 1 and "processor share is not limited" in said[0]
    assert (folder / "memory.limit_in_bytes").read_text().startswith("-1"), "no limit any more"


def test_no_control_group_anywhere(tmp_path) -> None:
    (tmp_path / "own").write_text("0::/a/b\n")
    said = Group("1-2", str(tmp_path / "none"), str(tmp_path / "own")).prepare(spec(memory_bytes=50_000_000))
    assert len(said) == 1 and "may make no control group" in said[0]
    assert Group("1-2", str(tmp_path), str(tmp_path / "missing")).prepare(spec(cpu_weight=3))
    assert list(tmp_path.iterdir()) == [tmp_path / "own"]


async def test_a_memory_eater_is_explained(kept) -> None:
    kept.spec("memory_eater", 200, crash_budget=0)
    await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: kept.client.status().state is MinerState.FAILED)
    found = Diagnoser().explain(Facts(exit=kept.client.status().exits[-1], lines=tail(kept.folder)[0]))
    assert (found.cause, found.known) == ("out_of_memory", True), found
    await kept.client.end()


@pytest.mark.parametrize("without_keeper", [True, False])
async def test_a_memory_eater_at_its_limit_is_killed_by_the_kernel_and_explained(kept, without_keeper) -> None:
    """A real control group, a real limit, the kernel's own kill: of a program that a new keeper has taken over, or
    that has none at the moment, and of one that it started itself."""
    probe = Group("probe")
    said = probe.prepare(spec(memory_bytes=64 << 20))
    probe.remove()
    if said:
        pytest.skip(said[0])
    kept.spec("memory_eater", memory_bytes=64 << 20, crash_budget=1, stop_grace_s=0.3)
    keeper = await kept.ensure()
    pid = (await kept.client.start()).pid
    await kill_keeper(kept, keeper)
    if without_keeper:
        await kept.until(lambda: not lives(pid))
    await kept.ensure()
    await kept.until(lambda: kept.client.status().state is MinerState.FAILED)
    status = kept.client.status()
    assert (status.starts, status.crashes) == (2, 2)
    assert [end.memory for end in status.exits] == [True, True]
    assert status.exits[-1].signal == signal.SIGKILL
    found = Diagnoser().explain(Facts(exit=status.exits[-1], lines=tail(kept.folder)[0]))
    assert (found.cause, found.known) == ("killed_by_kernel", True), found
    assert any("memory limit" in text for text in found.evidence), found
    kept.spec("silent", memory_bytes=64 << 20)
    again = await kept.client.start()
    assert "ranvier-" in Path(f"/proc/{again.pid}/cgroup").read_text()
    await kept.client.end()
    here = kept.folder.stat()
    left = [str(path) for path in Path("/sys/fs/cgroup").rglob(f"ranvier-{here.st_dev}-{here.st_ino}")]
    assert left == [], "the group is taken away with its keeper"


# -- ports ---------------------------------------------------------------------------------------------------------


async def test_a_stop_frees_the_port_of_an_escaped_daemon(kept) -> None:
    file = kept.folder / "port"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept.spec("port_squatter", file, port, ports=(port,), stop_grace_s=0.3, term_grace_s=0.3)
    await kept.ensure()
    await kept.client.start()
    await kept.until(file.exists)
    assert held_ports([port]) == [port]
    status = await kept.client.stop()
    assert status.held_ports == () and held_ports([port]) == []
    await kept.client.end()


async def test_a_port_that_somebody_else_holds_is_said(kept) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        kept.spec("silent", ports=(port,))
        await kept.ensure()
        await kept.client.start()
        status = await kept.client.stop()
        assert status.held_ports == (port,)
        assert f"port {port} is still in use, by a program that is not of this miner" in kept.texts("keeper")
    assert (await kept.client.start()).held_ports == ()
    await kept.client.end()


# -- clocks and identities -------------------------------------------------------------------------------------------


async def test_a_clock_that_was_set_back_or_ahead(kept) -> None:
    """The system counts start times from the clock: after a change a recorded one no longer fits."""
    kept.spec("silent")
    keeper = await kept.ensure()
    pid = (await kept.client.start()).pid
    await kept.until(lambda: kept.client.status().state is MinerState.RUNNING)
    file = kept.folder / "run" / "status.json"
    for shift in (-7200.0, 86_400.0):
        whole = json.loads(file.read_text())
        known = {**whole, **{name: whole[name] + shift for name in ("keeper_started", "pid_started", "written_at")}}
        file.write_text(json.dumps(known))
        status = kept.client.status()
        assert status.state is MinerState.RUNNING
        assert ProcessIdentity(status.keeper_pid, status.keeper_started).alive()
        assert ProcessIdentity(pid, status.pid_started).alive()
        await kill_keeper(kept, keeper)
        keeper = await kept.ensure()
        assert kept.client.status().pid == pid
    await kept.client.end()


async def test_a_keeper_s_pid_given_to_somebody_else(kept) -> None:
    kept.spec("silent")
    keeper = await kept.ensure()
    pid = (await kept.client.start()).pid
    await kill_keeper(kept, keeper)
    file = kept.folder / "run" / "status.json"
    known = json.loads(file.read_text())
    known["keeper_pid"] = os.getpid()
    file.write_text(json.dumps(known))
    assert kept.client.status().state is MinerState.UNKNOWN
    await kept.ensure()
    assert kept.client.status().pid == pid
    await kept.client.end()


# -- folders ---------------------------------------------------------------------------------------------------------


async def test_half_written_files_while_it_runs(kept) -> None:
    kept.spec("silent")
    keeper = await kept.ensure()
    pid = (await kept.client.start()).pid
    await kill_keeper(kept, keeper)
    (kept.folder / "keeper.json").write_text('{"argv": ["x')
    (kept.folder / "run" / "status.json").write_text('{"state": "runn')
    keeper = await kept.ensure()
    status = kept.client.status()
    assert (status.state, status.pid) == (MinerState.RUNNING, pid)
    stopped = await kept.client.stop()
    assert stopped.state is MinerState.STOPPED and not lives(pid)
    with pytest.raises(MinerError, match=r"keeper\.json is damaged"):
        await kept.client.start()
    await kept.client.end()


@ROOT_ONLY
async def test_a_read_only_folder_is_said(kept) -> None:
    kept.spec("silent")
    folder = str(kept.folder)
    (kept.folder / "run").mkdir(exist_ok=True)
    (kept.folder / "run" / "keeper.err").touch()
    subprocess.run(["mount", "--bind", folder, folder], check=True)  # noqa: ASYNC221
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)  # noqa: ASYNC221
        with pytest.raises(StorageError) as caught:
            await kept.client.ensure()
        assert "Read-only file system" in str(caught.value)
    finally:
        subprocess.run(["umount", folder], check=True)  # noqa: ASYNC221
    await kept.ensure()
    assert (await kept.client.start()).pid
    await kept.client.end()


@ROOT_ONLY
async def test_a_full_disk_stops_neither_miner_nor_truth(kept) -> None:
    folder = str(kept.folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=True)  # noqa: ASYNC221
    try:
        kept.spec("talker", -1, 0.0005, 200, cwd="/")
        keeper = await kept.ensure()
        pid = (await kept.client.start()).pid
        ballast = kept.folder / "ballast"
        ballast.write_bytes(b"")
        with ballast.open("r+b", buffering=0) as file:
            while True:
                try:
                    file.seek(0, os.SEEK_END)
                    if not file.write(b"x" * 4096):
                        break
                except OSError:
                    break
        await asyncio.sleep(1.0)
        assert kept.client.status().state is MinerState.RUNNING and kept.client.status().pid == pid
        await kill_keeper(kept, keeper)
        await kept.ensure()  # a keeper comes up on a full disk too
        assert kept.client.status().pid == pid
        ballast.unlink()
        await kept.until(lambda: any("were not stored" in text for text in kept.texts("keeper")))
        count = len(kept.texts("out"))
        await kept.until(lambda: len(kept.texts("out")) > count)
        stopped = await kept.client.stop()
        assert (stopped.state, stopped.starts, stopped.crashes) == (MinerState.STOPPED, 1, 0)
        await kept.client.end()
    finally:
        kept.clean_up()
        subprocess.run(["umount", "-l", folder], check=True)  # noqa: ASYNC221


# -- many ------------------------------------------------------------------------------------------------------------


async def test_two_clients_at_once_start_one_program(kept) -> None:
    kept.spec("silent")
    clients = [KeeperClient(kept.folder) for _ in range(4)]
    statuses = await asyncio.gather(*(client.ensure() for client in clients))
    kept.keepers += [client._started_pid for client in clients if client._started_pid]
    assert len({status.keeper_pid for status in statuses}) == 1
    started = await asyncio.gather(*(client.start() for client in clients))
    assert len({status.pid for status in started}) == 1 and {status.starts for status in started} == {1}
    await clients[0].end()


async def test_fifty_miners(tmp_path) -> None:
    """All at once: started once each, their keepers killed, taken over again, ended without a trace."""
    clients = [KeeperClient(tmp_path / f"m{number}") for number in range(50)]
    sleeper = ProgramSpec(argv=("/bin/sleep", "600"), cwd="/", env={"PATH": "/bin"}, start_mark_s=0.05)
    gate = asyncio.Semaphore(8)

    async def begin(client: KeeperClient) -> int | None:
        async with gate:
            client.write_spec(sleeper)
            await client.ensure()
            return (await client.start()).pid

    began = time.monotonic()
    pids = await asyncio.gather(*(begin(client) for client in clients))
    try:
        assert len(set(pids)) == 50 and None not in pids
        for client in clients[::2]:
            os.kill(client.status().keeper_pid, signal.SIGKILL)
        assert await asyncio.gather(*(begin(client) for client in clients)) == pids
        statuses = [client.status() for client in clients]
        assert {(status.starts, status.crashes) for status in statuses} == {(1, 0)}
        assert all(status.state in (MinerState.STARTING, MinerState.RUNNING) for status in statuses)
    finally:
        await asyncio.gather(*(client.end() for client in clients))
    assert not [pid for pid in pids if lives(pid)]
    assert dataclasses.astuple(clients[0].status())[0] is MinerState.STOPPED
    assert time.monotonic() - began < 60
