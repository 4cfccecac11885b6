"""The reader's child process against a make-believe NVML that crashes, hangs and changes: the truth in two samples."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ranvier.hardware.nvml_child import NvmlChild
from ranvier.hardware.pci import nvidia_possible
from ranvier.hardware.sampler import Sampler

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or not sys.platform.startswith("linux"), reason="needs gcc and Linux"
)

CARD = """\
{n}.name NVIDIA GeForce RTX 4090
{n}.uuid GPU-{n:04d}
{n}.total 25757220864
{n}.used 1073741824
{n}.util 40
{n}.temp 60
{n}.power 300000
{n}.limit 400000
{n}.default_limit 450000
{n}.capability 89
{n}.architecture 8
{n}.pcie 1
{n}.lanes 8
{n}.pcie_max 4
{n}.lanes_max 16
{n}.energy 123456
{n}.pids 42:1000000,43
"""
MIG = """\
count 1
0.name NVIDIA A100-SXM4-40GB
0.uuid GPU-a100
0.total 42949672960
0.mig 1
0.instances 2
0.temp 41
0.0.uuid MIG-one
0.0.name NVIDIA A100-SXM4-40GB MIG 3g.20gb
0.0.total 20937965568
0.0.used 5000000000
0.0.pids 77:4900000000
0.1.uuid MIG-two
0.1.name NVIDIA A100-SXM4-40GB MIG 3g.20gb
0.1.total 20937965568
"""


def cards(count: int) -> str:
    return f"count {count}\n" + "".join(CARD.format(n=n) for n in range(count))


class Bed:
    """A scenario file and the probe that reads it by a child."""

    def __init__(self, folder: Path, library: Path) -> None:
        self.scenario = folder / "gpus.txt"
        self.say(cards(1))
        (folder / "sys").mkdir()
        self.time = 0.0
        self.probe = NvmlChild(
            [sys.executable, "-m", "ranvier.hardware.probe_process", str(folder / "sys")],
            environment={"LD_LIBRARY_PATH": str(library), "FAKE_NVML": str(self.scenario)},
            answer_s=1.2,
            opening_s=20.0,
            healthy_s=5.0,
            possible=lambda: True,
        )

    def say(self, text: str) -> None:
        new = self.scenario.with_suffix(".new")
        new.write_text(text)
        new.replace(self.scenario)

    def read_until(self, good: Callable[[object], bool], seconds: float = 8.0) -> object:
        end = time.monotonic() + seconds
        while True:
            reading = self.probe.read()
            if good(reading) or time.monotonic() > end:
                return reading
            time.sleep(0.1)


@pytest.fixture
def bed(tmp_path: Path, library: Path) -> Iterator[Bed]:
    bed = Bed(tmp_path, library)
    yield bed
    bed.probe.close()


def test_a_card_is_read_through_the_child_and_the_driver_is_never_loaded_here(bed: Bed) -> None:
    reading = bed.probe.read()
    gpu = reading.gpus[0]
    assert (gpu.uuid, gpu.temperature_c, gpu.power_default_w, gpu.architecture) == (
        "GPU-0000",
        60,
        450.0,
        "Ada Lovelace",
    )
    assert (gpu.pcie_generation, gpu.pcie_generation_max, gpu.pcie_width, gpu.pcie_width_max) == (1, 4, 8, 16)
    assert gpu.energy_j == 123.456
    assert [(p.pid, p.memory) for p in gpu.processes or ()] == [(42, 1000000), (43, None)]
    assert reading.cuda == "13.0"
    assert "libnvidia-ml" not in Path("/proc/self/maps").read_text()


def test_a_crash_of_the_library_costs_one_sample(bed: Bed) -> None:
    bed.probe.read()
    bed.say(cards(1) + "0.crash.power 1\n")
    reading = bed.probe.read()
    assert reading.trouble == "crashed"
    assert "SIGSEGV" in (reading.note or "")
    assert reading.gpus[0].uuid == "GPU-0000", "the card stays listed"
    assert reading.gpus[0].trouble == "crashed"
    bed.say(cards(1))
    assert bed.read_until(lambda r: r.note is None).gpus[0].power_w == 300.0
    assert bed.probe.restarts == 1


def test_a_hang_is_ended_and_the_process_is_gone(bed: Bed) -> None:
    bed.probe.read()
    pid = bed.probe._child.pid
    bed.say(cards(1) + "0.hang.temp 1\n")
    begun = time.monotonic()
    reading = bed.probe.read()
    assert time.monotonic() - begun < 4.0
    assert reading.trouble == "hangs"
    assert not psutil.pid_exists(pid)
    bed.say(cards(1))
    assert bed.read_until(lambda r: r.note is None).gpus[0].temperature_c == 60


def test_the_pause_grows_while_it_goes_on_and_only_health_makes_it_short_again(tmp_path: Path) -> None:
    now = [0.0]
    probe = NvmlChild([sys.executable, "-c", "pass"], clock=lambda: now[0], healthy_s=5.0, possible=lambda: True)
    pauses = []
    for _ in range(9):
        assert probe.read().trouble == "crashed"
        pauses.append(probe._retry_at - now[0])
        now[0] = probe._retry_at + 0.01
    assert pauses == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0])
    good = [sys.executable, "-u", "-c", "import sys\nfor l in sys.stdin: print('{}')"]
    probe._command = good
    assert probe.read().note is None
    assert probe._pause_s == 60.0, "one good answer is not health"
    now[0] += 5.0
    probe.read()
    assert probe._pause_s == 0.5
    probe.close()


def test_a_driver_that_was_changed_is_seen_at_the_next_reading(bed: Bed, library: Path, tmp_path: Path) -> None:
    """Both from a reader that goes well with the old library, and in the middle of a long pause after crashes."""
    own = tmp_path / "driver"
    own.mkdir()
    shutil.copy(library / "libnvidia-ml.so.1", own)
    environment = {"LD_LIBRARY_PATH": str(own), "FAKE_NVML": str(bed.scenario)}
    command = [sys.executable, "-m", "ranvier.hardware.probe_process", str(tmp_path / "sys")]
    probe = NvmlChild(command, environment=environment, possible=lambda: True)
    assert probe.read().note is None
    bed.say("init 18\n")
    assert probe.read().note is None, "the old library is still open"
    shutil.copy(library / "libnvidia-ml.so.1", own / "new")
    (own / "new").replace(own / "libnvidia-ml.so.1")
    assert (probe.read().trouble, probe.restarts) == ("mismatch", 0)
    bed.say(cards(1) + "0.crash.power 1\n")
    (own / "libnvidia-ml.so.1").touch()
    assert probe.read().trouble == "crashed"
    probe._pause_s, probe._retry_at = 60.0, time.monotonic() + 60.0
    assert probe.read().trouble == "crashed"
    (own / "libnvidia-ml.so.1").unlink()
    assert probe.read().trouble == "none", "the library is gone, and this kernel lists no card"
    assert probe._pause_s == 0.5
    probe.close()


def test_a_reader_that_something_else_ends_is_no_crash_and_comes_back_soon_each_time(bed: Bed) -> None:
    for times in range(1, 5):
        assert bed.read_until(lambda r: r.note is None, 3.0).note is None
        bed.probe._child.kill()
        reading = bed.probe.read()
        assert (reading.trouble, bed.probe.restarts) == ("ended", times)
        assert "something else on this machine ended it" in (reading.note or "")
        assert bed.probe._pause_s == 1.0, "the next pause is the first one again"


def test_a_program_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    reading = NvmlChild([str(tmp_path / "none")], possible=lambda: True).read()
    assert "cannot be started" in (reading.note or "")


def test_unreadable_answers_are_a_failure_not_a_reading() -> None:
    probe = NvmlChild(
        [sys.executable, "-u", "-c", "import sys\nfor l in sys.stdin: print('[1, 2')"], possible=lambda: True
    )
    assert probe.read().trouble == "crashed"
    probe.close()


@pytest.mark.parametrize(("code", "trouble"), [(18, "mismatch"), (9, "not_loaded"), (4, "no_permission"), (12, "none")])
def test_a_driver_that_will_not_open_has_its_code(bed: Bed, code: int, trouble: str) -> None:
    bed.say(f"init {code}\n")
    assert bed.probe.read().trouble == trouble


def test_instances_are_rows_of_their_own_below_their_card(bed: Bed) -> None:
    bed.say(MIG)
    card, one, two = bed.probe.read().gpus
    assert (card.mig, card.parent_uuid, card.utilization_percent, card.temperature_c) == (True, None, None, 41)
    assert (one.uuid, one.parent_uuid, one.memory_used, one.utilization_percent) == (
        "MIG-one", "GPU-a100", 5000000000, None,
    )  # fmt: skip
    assert one.pids == (77,)
    assert (two.uuid, two.memory_total) == ("MIG-two", 20937965568)


def test_sixteen_cards_that_come_go_and_fall_off_the_bus(bed: Bed) -> None:
    bed.say(cards(16))
    assert len({gpu.uuid for gpu in bed.probe.read().gpus}) == 16
    bed.say(cards(16) + "3.fail 15\n7.fail.handle 15\n")
    gpus = bed.probe.read().gpus
    assert [gpu.index for gpu in gpus if gpu.trouble == "lost"] == [3, 7]
    assert gpus[7].uuid == "GPU-0007", "a card that was seen before keeps its identity"
    bed.say(cards(2))
    assert len(bed.probe.read().gpus) == 2


def test_a_fatal_error_that_the_driver_reports_is_kept(bed: Bed) -> None:
    assert bed.probe.read().gpus[0].xid is None
    bed.say(cards(1) + "0.xid 79\n")
    assert bed.probe.read().gpus[0].xid == 79
    bed.say(cards(1))
    assert bed.probe.read().gpus[0].xid == 79


async def test_nothing_else_stops_while_the_driver_hangs_and_closing_ends_the_child(bed: Bed) -> None:
    sampler = Sampler(bed.scenario.parent, bed.probe, gpu_limit_s=0.2)
    assert (await _cards(sampler))[0].problem is None
    bed.probe._answer_s = 30.0
    bed.say(cards(1) + "0.hang.power 1\n")
    begun = time.monotonic()
    sample = await sampler.sample()
    assert time.monotonic() - begun < 1.0
    assert sample.gpu_trouble == "silent"
    assert (sample.gpus[0].uuid, sample.gpus[0].trouble) == ("GPU-0000", "silent")
    assert sample.host.memory_total > 0
    child = bed.probe._child.pid
    sampler.close()
    assert not psutil.pid_exists(child)
    await asyncio.sleep(0.1)


async def test_programs_get_their_names(bed: Bed) -> None:
    bed.say(cards(1).replace("42:1000000,43", f"{os.getpid()}:5"))
    sampler = Sampler(bed.scenario.parent, bed.probe)
    process = ((await _cards(sampler))[0].processes or ())[0]
    assert (process.name, process.kind, process.memory) == (psutil.Process().name(), "C", 5)
    sampler.close()


async def _cards(sampler: Sampler) -> tuple:
    for _ in range(20):
        sample = await sampler.sample()
        if sample.gpus:
            return sample.gpus
        await asyncio.sleep(0.2)
    raise AssertionError("no cards")


def test_where_no_card_and_no_library_is_no_child_is_started(tmp_path: Path, library: Path) -> None:
    probe = NvmlChild(possible=lambda: False)
    assert probe.read().trouble == "none"
    assert probe._child is None
    assert not nvidia_possible(tmp_path, {}) or Path("/dev/nvidiactl").exists()
    assert nvidia_possible(tmp_path, {"LD_LIBRARY_PATH": f"/none:{library}"})
