"""What a killed keeper leaves: the same program, started once, each line of its log exactly once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from pathlib import Path

import psutil
import pytest

from programs.survivors import each_line_once, kill, lives, numbers, whole_log
from ranvier.miners.status import MinerState


async def kill_keeper(kept, pid: int) -> None:
    """SIGKILL the keeper and see it gone."""
    await asyncio.to_thread(kill, pid)
    kept.client._started_pid = 0


@pytest.mark.parametrize("rounds", [50, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.limit_s(1200)])])
async def test_killed_keepers_lose_no_line_and_start_nothing_twice(kept, rounds) -> None:
    chance = random.Random(7)
    kept.spec("talker", -1, 0.0005, 40)
    keeper = await kept.ensure()
    pid = (await kept.client.start()).pid
    for _ in range(rounds):
        await asyncio.sleep(chance.random() * 0.04)
        await kill_keeper(kept, keeper)
        assert kept.client.status().state is MinerState.UNKNOWN
        assert f"the program runs (process {pid})" in kept.client.status().reason
        await asyncio.sleep(chance.random() * 0.02)
        keeper = await kept.ensure()
        status = kept.client.status()
        assert (status.state, status.pid, status.starts, status.crashes) == (MinerState.RUNNING, pid, 1, 0)
    stopped = await kept.client.stop()
    assert stopped.state is MinerState.STOPPED and not lives(pid)
    assert each_line_once(whole_log(kept.folder)) > 100
    await kept.client.end()


async def test_a_program_blocked_on_a_full_pipe_goes_on(kept) -> None:
    """With no keeper for long, the program waits; it neither dies nor loses anything."""
    kept.spec("talker", 30_000, 0, 90, backoff_first_s=60.0)  # how it ended is not known: it is started again
    keeper = await kept.ensure()
    await kept.client.start()
    await kill_keeper(kept, keeper)
    await asyncio.sleep(0.3)
    await kept.ensure()
    await kept.until(lambda: kept.client.status().exits)
    await kept.client.stop()
    assert sorted(numbers(kept.texts("out") + kept.texts("err"))) == list(range(30_000))
    await kept.client.end()


async def test_a_keeper_ended_by_sigterm_leaves_the_program(kept) -> None:
    kept.spec("silent")
    keeper = await kept.ensure()
    pid = (await kept.client.start()).pid
    os.kill(keeper, signal.SIGTERM)
    await asyncio.to_thread(os.waitpid, keeper, 0)
    kept.client._started_pid = 0
    assert lives(pid)
    await kept.client.end()  # ends also what a keeper left behind
    assert not lives(pid)


async def test_an_adopted_program_that_ends_is_started_again(kept) -> None:
    kept.spec("silent")
    keeper = await kept.ensure()
    first = (await kept.client.start()).pid
    await kill_keeper(kept, keeper)
    await kept.ensure()
    os.kill(first, signal.SIGKILL)
    await kept.until(lambda: kept.client.status().starts == 2 and kept.client.status().pid)
    status = kept.client.status()
    assert status.pid != first and status.crashes == 1
    assert status.exits[0].signal in (signal.SIGKILL, None)  # told by the kernel from Linux 6.15 on
    assert not status.exits[0].wanted
    await kept.client.end()


async def test_a_program_that_died_with_its_keeper_is_started_again(kept) -> None:
    pids = kept.folder / "pids"
    kept.spec("forker", pids)
    keeper = await kept.ensure()
    first = (await kept.client.start()).pid
    await kept.until(lambda: "workers are up" in kept.texts())
    old = [int(pid) for pid in pids.read_text().split()]
    os.kill(keeper, signal.SIGKILL)
    os.kill(first, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, keeper, 0)
    kept.client._started_pid = 0
    await kept.until(lambda: not lives(first))
    assert "neither the keeper nor the program runs" in kept.client.status().reason
    path = kept.folder / "run" / "status.json"
    told = json.loads(path.read_bytes())  # as of a program that said something for a quarter of an hour
    path.write_text(
        json.dumps({**told, "started_at": told["started_at"] - 900, "written_at": told["written_at"] - 899})
    )
    await kept.ensure()
    await kept.until(lambda: kept.client.status().starts == 2)
    assert [pid for pid in old if lives(pid)] == []
    status = kept.client.status()
    assert status.exits[0].ran_s > 800, "its last word counts, not the keeper's last note"
    assert status.crashes == 1 and (status.exits[0].code, status.exits[0].signal) == (None, None)
    await kept.client.end()


async def test_a_keeper_killed_while_stopping_finishes_the_stop(kept) -> None:
    kept.spec("term_ignorer", stop_grace_s=0.5)
    keeper = await kept.ensure()
    pid = (await kept.client.start()).pid
    await kept.until(lambda: "ignoring" in kept.texts())
    stop = asyncio.ensure_future(kept.client.stop())
    await kept.until(lambda: kept.client.status().state is MinerState.STOPPING)
    await kill_keeper(kept, keeper)
    await asyncio.gather(stop, return_exceptions=True)
    await kept.ensure()
    await kept.until(lambda: kept.client.status().state is MinerState.STOPPED)
    assert not lives(pid)
    await kept.client.end()


@pytest.mark.parametrize("damage", ["half", "empty", "gone", "nonsense"])
async def test_a_damaged_status_file_starts_nothing_twice(kept, damage) -> None:
    kept.spec("silent")
    keeper = await kept.ensure()
    pid = (await kept.client.start()).pid
    await kill_keeper(kept, keeper)
    file = kept.folder / "run" / "status.json"
    whole = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes({"half": whole[: len(whole) // 2], "empty": b"", "nonsense": b"\xff\xfe[]"}[damage])
        assert kept.client.status().state is MinerState.UNKNOWN
        assert "cannot be read" in kept.client.status().reason
    await kept.ensure()
    status = kept.client.status()
    assert (status.state, status.pid) == (MinerState.RUNNING, pid)
    await kept.client.end()
    assert not lives(pid)


async def test_another_process_with_the_old_pid_is_left_alone(kept) -> None:
    """After a reboot, or when the pid was given away, the recorded pid is somebody else's."""
    import json
    import subprocess
    import sys

    kept.spec("silent")
    await kept.ensure()
    await kept.client.start()
    await kept.client.stop()
    await kept.client.end()
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    stranger = subprocess.Popen(command, start_new_session=True)  # noqa: ASYNC220
    try:
        file = kept.folder / "run" / "status.json"
        for boot in (Path("/proc/sys/kernel/random/boot_id").read_text().strip(), "another boot"):
            known = json.loads(file.read_text())
            known.update(state="running", pid=stranger.pid, started_at=1.0)
            known["keeper"].update(token="12345", boot=boot)
            file.write_text(json.dumps(known))
            await kept.ensure()
            await kept.until(lambda: kept.client.status().state is MinerState.STOPPED)
            assert stranger.poll() is None
            await kept.client.end()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_wanted_and_failed_survive_without_a_keeper(kept) -> None:
    kept.spec("crasher", crash_budget=0)
    keeper = await kept.ensure()
    await kept.client.start()
    await kept.until(lambda: kept.client.status().state is MinerState.FAILED)
    await kill_keeper(kept, keeper)
    assert kept.client.status().state is MinerState.FAILED  # known without a keeper
    await kept.ensure()
    await asyncio.sleep(0.2)
    status = kept.client.status()
    assert status.state is MinerState.FAILED and "given up" in status.reason and status.starts == 1
    await kept.client.end()


async def test_a_reboot_starts_what_should_run(kept) -> None:
    import json

    kept.spec("silent")
    keeper = await kept.ensure()
    first = (await kept.client.start()).pid
    os.kill(keeper, signal.SIGKILL)
    os.kill(first, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, keeper, 0)
    kept.client._started_pid = 0
    file = kept.folder / "run" / "status.json"
    known = json.loads(file.read_text())
    known["keeper"]["boot"] = "the boot before"
    file.write_text(json.dumps(known))
    await kept.ensure()
    await kept.until(lambda: kept.client.status().starts == 2)
    status = kept.client.status()
    assert status.crashes == 0 and status.exits == ()
    await kept.client.end()


async def test_a_moved_folder_keeps_its_program(kept, tmp_path) -> None:
    kept.spec("talker", -1, 0.01, cwd="/")
    keeper = await kept.ensure()
    pid = (await kept.client.start()).pid
    await kill_keeper(kept, keeper)
    moved = tmp_path / "moved"
    kept.folder.rename(moved)
    kept.folder = moved
    from ranvier.miners.keeping import KeeperClient

    kept.client = KeeperClient(moved)
    await kept.ensure()
    assert kept.client.status().pid == pid
    count = len(kept.texts("out"))
    await kept.until(lambda: len(kept.texts("out")) > count)
    await kept.client.end()


async def test_an_idle_keeper_sleeps(kept) -> None:
    kept.spec("silent", start_mark_s=0.05)
    keeper = psutil.Process(await kept.ensure())
    await kept.client.start()
    await kept.until(lambda: kept.client.status().state is MinerState.RUNNING)
    await asyncio.sleep(0.2)
    before = keeper.num_ctx_switches().voluntary
    await asyncio.sleep(1.0)
    assert keeper.num_ctx_switches().voluntary - before <= 1
    assert keeper.memory_info().rss < 20_000_000
    await kept.client.end()
