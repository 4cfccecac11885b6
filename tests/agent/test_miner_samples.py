"""What real programs use, over their whole tree; and one miner's history as the agent keeps and tells it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.agent_fakes import BOB, PROGRAMS, FakeChain, FakePrograms, House
from ranvier.agent.api import messages as m
from ranvier.agent.miners.miner_samples import reading
from ranvier.agent.miners.usage import ProcessTable, TreeMeter, Usage, _Counts, _device_bytes, _seconds
from ranvier.core.errors import LedgerError
from ranvier.hardware.snapshot import Gpu, GpuProcess, Hardware, Host
from ranvier.ledger.miner_sample import MinerSample

LINUX = sys.platform.startswith("linux")
HOST = Host("x", "y", None, None, 1, None, None, 1, 1, None, None, None, None, None, 41.0, 1.0)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a program in a session of its own; all of it is gone afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str, **options: object) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(command, start_new_session=True, **options)  # type: ignore[call-overload]
        started.append(child)
        return child

    yield start
    for child in started:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


class Watch:
    """Reads one program again and again, as the agent does."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid, self.folder = pid, folder
        self.table, self.meter = ProcessTable(), TreeMeter()

    def read(self) -> Usage | None:
        self.table.look()
        return self.meter.read(self.pid, self.table.members(self.pid, 0, self.folder))

    def until(self, true: Callable[[Usage], object]) -> Usage:
        end = time.monotonic() + 15
        while True:
            time.sleep(0.1)
            usage = self.read()
            if usage is not None and true(usage):
                return usage
            assert time.monotonic() < end, usage


def test_usage_counts_the_whole_tree(run, tmp_path: Path) -> None:
    burn = f"'{sys.executable}' -c 'while True: pass' & '{sys.executable}' -c 'import time; time.sleep(60)' & wait"
    child = run("sh", "-c", burn)
    watch = Watch(child.pid, tmp_path)
    usage = watch.until(lambda one: len(one.pids) == 3 and (one.cpu_percent or 0) > 5)
    assert usage.rss > 5_000_000
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert watch.read() is None


def test_memory_is_read_as_it_grows(run, tmp_path: Path) -> None:
    watch = Watch(run(sys.executable, str(PROGRAMS / "memory_eater.py")).pid, tmp_path)
    first = watch.until(lambda one: one.rss > 40 << 20)
    assert watch.until(lambda one: one.rss > first.rss + (80 << 20)).pids == first.pids


@pytest.mark.skipif(not LINUX, reason="who buries a child inherits its seconds only there")
def test_children_that_live_between_two_readings_count(run, tmp_path: Path) -> None:
    code = """
import subprocess, sys, time
for line in sys.stdin:
    burn = "import time\\nwhile time.process_time() < 0.4: pass"
    subprocess.run([sys.executable, "-S", "-c", burn])
    print("done", flush=True)
"""
    child = run(sys.executable, "-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    watch = Watch(child.pid, tmp_path)
    assert watch.read().cpu_percent is None, "nothing to compare with yet"
    began = time.monotonic()
    child.stdin.write(b"go\n")
    child.stdin.flush()
    assert child.stdout.readline() == b"done\n"
    usage = watch.read()
    span = time.monotonic() - began
    assert len(usage.pids) == 1, "the child is gone"
    assert usage.cpu_percent * span / 100 > 0.35


def test_seconds_of_the_dead_are_counted_once() -> None:
    parent, child = (1, 1.0), (2, 2.0)
    before = {parent: _Counts(10.0, 3.0, 0, 0), child: _Counts(5.0, 0.0, 0, 0)}
    # The child used one second more and was buried by its parent, which used half a second itself.
    assert _seconds(before, {parent: _Counts(10.5, 9.0, 0, 0)}) == pytest.approx(1.5)
    # It was buried by somebody else: what is not known is not made up, and never negative.
    assert _seconds(before, {parent: _Counts(10.5, 3.0, 0, 0)}) == pytest.approx(0.5)
    # One that came since counts from its own beginning.
    assert _seconds(before, {**before, (3, 3.0): _Counts(0.25, 0.0, 0, 0)}) == pytest.approx(0.25)


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_disk_writes_are_a_rate(run, tmp_path: Path) -> None:
    code = """
import os, sys
with open(sys.argv[1], "wb", 0) as file:
    for line in sys.stdin:
        file.write(os.urandom(1 << 22))
        os.fsync(file.fileno())
        print("done", flush=True)
"""
    child = run(sys.executable, "-c", code, str(tmp_path / "out"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    watch = Watch(child.pid, tmp_path)
    assert watch.read().write_bps is None
    began = time.monotonic()
    child.stdin.write(b"go\n")
    child.stdin.flush()
    child.stdout.readline()
    time.sleep(0.1)
    usage = watch.read()
    if usage.write_bps == 0.0:
        pytest.skip("this file system is not counted as a disk")
    assert usage.write_bps * (time.monotonic() - began) >= 1 << 22


def test_network_that_is_shared_is_unknown(run, tmp_path: Path) -> None:
    watch = Watch(run(sys.executable, "-c", "import time; time.sleep(60)").pid, tmp_path)
    watch.read()
    time.sleep(0.1)
    usage = watch.read()
    assert (usage.received_bps, usage.sent_bps) == (None, None), "never the machine's own rates"


def test_a_network_of_its_own_is_known(run, tmp_path: Path) -> None:
    if not LINUX or subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no network can be made here")
    child = run("unshare", "-n", sys.executable, "-c", "print(1, flush=True); import time; time.sleep(60)",
                stdout=subprocess.PIPE)  # fmt: skip
    child.stdout.readline()
    watch = Watch(child.pid, tmp_path)
    watch.read()
    time.sleep(0.1)
    usage = watch.read()
    assert (usage.received_bps, usage.sent_bps) == (0.0, 0.0), "its network has only a loopback, which is not counted"


def test_the_loopback_is_no_network() -> None:
    head = "Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n"
    lines = "    lo: 900 1 0 0 0 0 0 0 900 1 0 0\n  eth0: 5 1 0 0 0 0 0 0 7 1 0 0\nveth1:1 1 0 0 0 0 0 0 2 1\n"
    assert _device_bytes(head + lines) == (6, 9)


def test_cards_are_joined_by_process() -> None:
    cards = (
        Gpu("GPU-a", "4090", 0, utilization_percent=90, temperature_c=71, pids=(7,), processes=(GpuProcess(7, 9),)),
        Gpu("GPU-b", "3060", 1, utilization_percent=5, temperature_c=40, pids=(8,), processes=(GpuProcess(8, 4),)),
    )
    seen = Hardware(1.0, HOST, cards)
    used = Usage(50.0, 1000, (7, 9), write_bps=3.0)
    one = reading(used, seen, (), 900.0, 5.0)
    assert one == MinerSample(5.0, 50.0, 1000, 2, 90.0, 9, 71.0, 41.0, None, 3.0, None, None, 900.0)
    other = reading(replace(used, pids=(11,)), seen, (), None, 5.0)
    assert (other.gpu_percent, other.gpu_memory, other.temperature_c) == (None, None, None), "not known is not 0"
    given = reading(replace(used, pids=(11,)), seen, ("GPU-b",), None, 5.0)
    assert (given.gpu_percent, given.gpu_memory, given.temperature_c) == (5.0, None, 40.0)
    assert reading(None, None, (), None, 5.0) == MinerSample(5.0)


# --- with an agent ----------------------------------------------------------------------------------------------


async def taken(house: House, true: Callable[[Sequence[MinerSample]], object]) -> m.MinerHistory:
    """The history once ``true`` of its samples; a reading is taken at each look."""
    end = time.monotonic() + 15
    while True:
        await house.agent.sampler.take()
        told = await house.client.call(m.GetMinerHistory("one", time.time() - 600))
        if true(told.samples):
            return told
        assert time.monotonic() < end, told.samples[-3:]


@pytest.mark.skipif(not LINUX, reason="finds them in /proc")
async def test_what_left_the_tree_still_counts_with_the_keeper_gone(tmp_path: Path, add) -> None:
    pids = tmp_path / "pids"
    programs = FakePrograms([sys.executable, str(PROGRAMS / "forker.py"), str(pids)])
    async with House(tmp_path / "home", programs=programs) as house:
        for command in (m.UseNetwork("test"), add(), m.InstallMiner("one"), m.StartMiner("one")):
            await house.client.call(command)
        told = await taken(house, lambda samples: samples and samples[-1].processes == 4)
        assert told.samples[-1].rss > 4 << 20
        miner = house.agent.miners.get("one")
        pid, keeper = miner.root
        os.kill(keeper, signal.SIGKILL)
        table = ProcessTable()
        end = time.monotonic() + 10
        while True:  # its orphans are given to another parent as the keeper goes
            table.look()
            found = set(table.members(pid, 0, miner.folder))
            if found == {pid, *map(int, pids.read_text().split())}:
                break
            assert time.monotonic() < end, found
        await house.end()


async def test_one_miners_history_on_one_axis(tmp_path: Path, add) -> None:
    chain = FakeChain()
    chain.seat(BOB)
    async with House(tmp_path / "home", chain) as house:
        hotkey = (await house.started(add())).hotkey_ss58
        chain.seat(hotkey)
        chain.pay[hotkey] = 5_000
        chain.height += 2 * chain.tempo
        told = await taken(house, lambda samples: samples and samples[-1].incentive is not None)
        last = told.samples[-1]
        assert (last.incentive, last.processes) == (100.0, 1) and last.rss > 1 << 20
        assert (last.gpu_percent, last.gpu_memory, last.received_bps) == (None, None, None)
        status = await house.until(lambda status: status.miners[0].reading is not None)
        assert status.miners[0].rss == status.miners[0].reading.rss
        assert (await house.client.call(m.WhyMiner("one"))).reading.processes == 1
        # A restart is on it, and stays there when the keeper has forgotten it.
        await house.client.call(m.RestartMiner("one"))
        told = await taken(house, lambda samples: samples)
        assert [(one.wanted, one.signal is not None or one.code is not None) for one in told.exits] == [(True, True)]
        assert told.started_at > told.exits[0].at - 1
        await house.earned(2)
        early = await house.client.call(m.GetMinerHistory("one", 0.0, 20.0))  # its made-up blocks are that old
        assert (early.samples, early.exits, early.moments) == ((), (), ())
        assert [(row.block, row.alpha_rao, row.hotkey_ss58) for row in early.pay] == [
            (10, 5010, hotkey), (20, 5020, hotkey)
        ]  # fmt: skip
        assert (await house.client.call(m.GetMinerHistory("one", 0.0, 15.0))).pay == early.pay[:1]
        assert told.pay == () and told.pay_note == ""

        # A full disk is told, and the agent goes on.
        async def full(*_: object) -> None:
            raise LedgerError("Disk full", "There is no space left.", "Free some.")

        store = house.agent.samples.add_miners
        house.agent.samples.add_miners = full
        await house.agent.sampler.take()
        found = await house.until(lambda status: any(one.title == "Disk full" for one in status.attention))
        assert found.miners[0].pid is not None
        house.agent.samples.add_miners = store
        await house.agent.sampler.take()
        await house.until(lambda status: not any(one.title == "Disk full" for one in status.attention))
        await house.client.call(m.RemoveMiner("one"))
        assert await house.agent.samples.miner("one", 0, time.time(), 10) == ()
        assert await house.agent.samples.ends("one", 0, time.time()) == ()
        await house.end()
