"""One owner for each card: who comes second waits, holds nothing meanwhile, and goes on by itself; a kill frees it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ranvier.benchmark import lock
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.guard import RunningMiner, cost_of, users_of
from ranvier.benchmark.lock import Turns, gpu_lock, owner_of, related
from ranvier.core.processes import ProcessIdentity

HERE = Path(__file__).parent


async def test_the_second_waits_with_a_reason_and_goes_on_by_itself(tmp_path: Path) -> None:
    told: list[dict] = []
    turns = Turns(tmp_path, every_s=0.02)
    begun, heard = asyncio.Event(), asyncio.Event()

    def hear(message: dict) -> None:
        told.append(message)
        heard.set()

    async def second() -> None:
        async with turns.take(("GPU-1", "MIG-1"), hear):
            begun.set()
            assert owner_of(tmp_path, "MIG-1") == "the benchmark"

    with gpu_lock(tmp_path, "MIG-1", "llama-bench"):
        task = asyncio.ensure_future(second())
        await heard.wait()
        assert told == [{"event": "waiting", "for": "llama-bench"}] and not begun.is_set()
        assert owner_of(tmp_path, "GPU-1") is None, "who waits holds nothing"
    await task
    assert begun.is_set() and owner_of(tmp_path, "GPU-1") is None and len(told) == 1


async def test_a_miner_on_the_card_is_waited_for_and_asked_again_under_the_lock(tmp_path: Path) -> None:
    asked: list[str | None] = []

    async def others(uuids: tuple[str, ...]) -> str | None:
        asked.append(owner_of(tmp_path, "GPU-1"))
        # Nobody at first; a miner that starts between question and lock; one that stays for two rounds; then nobody.
        return None if len(asked) in (1, 5, 6) else "Writer"

    told: list[dict] = []
    async with Turns(tmp_path, others, every_s=0.01).take(("GPU-1",), told.append):
        pass
    assert asked[:2] == [None, "the benchmark"] and asked[-1] == "the benchmark" and len(asked) == 6
    assert told == [{"event": "waiting", "for": "Writer"}]


async def test_a_cancelled_wait_leaves_nothing_behind(tmp_path: Path) -> None:
    with gpu_lock(tmp_path, "GPU-1", "me"):

        async def wait() -> None:
            async with Turns(tmp_path, every_s=0.02).take(("GPU-0", "GPU-1"), lambda message: None):
                raise AssertionError

        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    for uuid in ("GPU-0", "GPU-1"):
        with gpu_lock(tmp_path, uuid, "x"):
            pass


def test_a_killed_owner_owns_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\nfrom ranvier.benchmark.lock import gpu_lock\n"
        "with gpu_lock(pathlib.Path(sys.argv[1]), 'GPU-1', 'child'):\n"
        "    print('have', flush=True)\n    sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(HERE.parents[1] / "app")},
    )  # fmt: skip
    assert child.stdout.readline() == b"have\n"
    assert owner_of(tmp_path, "GPU-1") == "child"
    child.kill()
    child.communicate()
    assert b"child" in (tmp_path / "GPU-1.lock").read_bytes(), "its words are left"
    assert owner_of(tmp_path, "GPU-1") is None


def test_without_locks_pid_and_start_time_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows always has them")
    import fcntl

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    me = ProcessIdentity.of(os.getpid())
    assert me is not None
    path = tmp_path / "GPU-1.lock"
    for started, taken in ((me.started, True), (me.started - 500, False)):
        path.write_bytes(b" " + json.dumps({"owner": "Somebody", "pid": me.pid, "started": started}).encode())
        assert owner_of(tmp_path, "GPU-1") == ("Somebody" if taken else None)
    path.write_bytes(b" {garbage")
    assert owner_of(tmp_path, "GPU-1") is None
    with gpu_lock(tmp_path, "GPU-1", "x"), pytest.raises(BenchmarkError, match="x uses it"):
        gpu_lock(tmp_path, "GPU-1", "y").__enter__()
    assert owner_of(tmp_path, "GPU-1") is None and lock.owner_of(tmp_path / "nowhere", "GPU-1") is None


def test_parts_of_a_card_belong_together() -> None:
    cards = [("GPU-1", None), ("MIG-a", "GPU-1"), ("MIG-b", "GPU-1"), ("GPU-2", None)]
    assert related("GPU-1", cards) == ("GPU-1", "MIG-a", "MIG-b")
    assert related("MIG-b", cards) == ("MIG-b", "GPU-1")
    assert related("GPU-9", cards) == ("GPU-9",)


def test_who_uses_a_card_and_whom_it_may_cost() -> None:
    runs = RunningMiner("a", "Writer", True, gpus=("GPU-1",))
    waits = RunningMiner("b", "Other", True, gpus=("GPU-2",), up=False)
    assert users_of([runs, waits], ("GPU-1",)) == "Writer" and users_of([runs, waits], ("GPU-2", "x")) == "Other"
    assert users_of([runs, waits], ()) is None
    anywhere = RunningMiner("c", "Roamer", True, any_gpu=True)
    assert users_of([runs, anywhere], ("GPU-2",)) == "Roamer" and users_of([anywhere], ("wgpu",)) == "Roamer"
    assert users_of([anywhere], ("cpu",)) is None and users_of([anywhere], ()) is None
    assert cost_of([waits]) is None and "Writer is registered" in (cost_of([runs, waits]) or "")
