"""Host readings and the sampler's promise that a hanging driver hangs nothing else."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import psutil
import pytest

from ranvier.hardware.host import HostProbe
from ranvier.hardware.probe import GpuReading
from ranvier.hardware.sampler import Sampler
from ranvier.hardware.snapshot import Gpu


class Cards:
    """A probe that can be held up, and that can have a bug."""

    closes_at_once = False

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.bug = False
        self.reads = 0
        self.closed = False

    def read(self) -> GpuReading:
        self.reads += 1
        self.free.wait(20)
        if self.bug:
            raise ZeroDivisionError
        return GpuReading((Gpu("GPU-1", "Card", 0, memory_used=self.reads),), "1.0")

    def close(self) -> None:
        self.closed = True


def test_the_first_reading_has_no_rates_and_the_second_has(tmp_path: Path) -> None:
    probe = HostProbe(tmp_path / "not" / "made" / "yet")
    first = probe.read()
    assert first.cpu_percent is None
    assert first.net_sent_bps is None
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        pass
    second = probe.read()
    assert second.cpu_percent is not None
    assert 0 < second.cpu_percent <= 100
    assert second.memory_total == psutil.virtual_memory().total
    assert 0 < second.memory_available <= second.memory_total
    assert second.disk_total is not None
    assert second.disk_free is not None
    assert second.uptime_s > 0


def test_sensors_that_fail_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(psutil, "sensors_temperatures", fails, raising=False)
    monkeypatch.setattr(psutil, "net_io_counters", fails)
    monkeypatch.setattr(psutil, "swap_memory", fails)
    host = HostProbe(tmp_path).read()
    assert (host.temperature_c, host.net_sent_bps, host.swap_used) == (None, None, None)


def test_the_processors_hottest_sensor_is_taken_and_no_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        def __init__(self, current: float) -> None:
            self.current = current

    sensors = {"nvme": [Entry(80.0)], "k10temp": [Entry(51.5), Entry(62.25)]}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: sensors, raising=False)
    assert HostProbe(tmp_path).read().temperature_c == 62.25
    sensors.pop("k10temp")
    assert HostProbe(tmp_path).read().temperature_c is None


async def test_a_sample_holds_host_and_cards(tmp_path: Path) -> None:
    cards = Cards()
    sampler = Sampler(tmp_path, cards, now=lambda: 123.0)
    sample = await sampler.sample()
    assert (sample.at, sample.driver, sample.gpu_note) == (123.0, "1.0", None)
    assert sample.gpus[0].uuid == "GPU-1"
    sampler.close()
    assert cards.closed


async def test_a_hanging_driver_is_told_and_not_asked_twice(tmp_path: Path) -> None:
    cards = Cards()
    cards.free.clear()
    sampler = Sampler(tmp_path, cards, gpu_limit_s=0.05)
    for _ in range(3):
        sample = await sampler.sample()
        assert sample.gpus == ()
        assert sample.gpu_note == "The GPU driver has not answered yet."
        assert sample.host.memory_total > 0
    assert cards.reads == 1
    sampler.close()
    assert not cards.closed, "closing would hang too"
    cards.free.set()
    await asyncio.sleep(0.1)
    assert (await sampler.sample()).gpus[0].memory_used == 1
    assert (await sampler.sample()).gpus[0].memory_used == 2
    cards.free.clear()
    sample = await sampler.sample()
    assert sample.gpu_note == "The GPU driver does not answer."
    assert (sample.gpus[0].uuid, sample.gpus[0].memory_used, sample.gpus[0].trouble) == ("GPU-1", None, "silent")
    cards.free.set()
    await asyncio.sleep(0.1)


async def test_a_bug_in_a_probe_ends_nothing(tmp_path: Path) -> None:
    cards = Cards()
    cards.bug = True
    sampler = Sampler(tmp_path, cards)
    sample = await sampler.sample()
    assert "could not be read" in (sample.gpu_note or "")
    cards.bug = False
    assert len((await sampler.sample()).gpus) == 1
