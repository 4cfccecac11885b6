"""The machine itself, by psutil. Nothing here waits: rates are taken between two readings."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import psutil

from ranvier.hardware.disks import disks
from ranvier.hardware.machine import machine
from ranvier.hardware.snapshot import Disk, Host

# Chips that measure the processor, best first. Other sensors (disks, network cards) say nothing about load.
_CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "soc_thermal")
_SHORTEST_S = 0.05  # below this a rate is noise
_SLOW_EVERY_S = 10.0  # disks, sensors and the battery change slowly, and some are asked over slow buses


_Times = tuple[float, float, float | None]  # all, idle and stolen seconds of one core


class HostProbe:
    """Keeps the last counters, so that ``read`` can tell rates. The first reading has none: they are None.

    The disks of ``folders`` are told, the first one's as the main one; they need not exist yet.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._machine = machine()
        self._name = platform.node() or "this machine"
        self._system = " ".join(part for part in (platform.system(), platform.release()) if part)
        self._cpu_name = cpu_name()
        self._cpu: tuple[_Times, ...] | None = None
        self._slow_at = 0.0
        self._disks: tuple[Disk, ...] = ()
        self._temperature: float | None = None
        self._battery: tuple[float | None, bool | None] = (None, None)
        self._network: tuple[float, int, int] | None = None

    def read(self) -> Host:
        """One reading. Only what the system cannot tell is None; never raises."""
        memory = psutil.virtual_memory()
        self._read_slow()
        sent, received = self._network_rates()
        cpu, cores, steal = self._processor()
        main = self._disks[0] if self._disks else None
        swap = _swap()
        return Host(
            name=self._name,
            system=self._system,
            cpu_name=self._cpu_name,
            cores_physical=psutil.cpu_count(logical=False),
            cores_logical=psutil.cpu_count() or 1,
            cpu_percent=cpu,
            load_1min=_load(),
            memory_total=memory.total,
            memory_available=memory.available,
            swap_used=swap[0],
            disk_total=None if main is None else main.total,
            disk_free=None if main is None else main.free,
            net_sent_bps=sent,
            net_received_bps=received,
            temperature_c=self._temperature,
            uptime_s=max(0.0, time.time() - psutil.boot_time()),
            core_percents=cores,
            steal_percent=steal,
            swap_total=swap[1],
            disks=self._disks,
            battery_percent=self._battery[0],
            on_battery=self._battery[1],
            virtual=self._machine.virtual,
            container=self._machine.container,
            wsl=self._machine.wsl,
        )

    def _read_slow(self) -> None:
        now = time.monotonic()
        if self._slow_at and now - self._slow_at < _SLOW_EVERY_S:
            return
        self._slow_at = now
        self._disks = disks(self._folders)
        self._temperature = _temperature()
        self._battery = _battery()

    def _processor(self) -> tuple[float | None, tuple[float, ...] | None, float | None]:
        """Share of all cores' time since the last reading, of each core's, and the share that a hypervisor kept.

        0 to 100. Time stolen by a hypervisor counts as busy: the machine could not use it.
        """
        now = tuple(_times(core) for core in psutil.cpu_times(percpu=True))
        before, self._cpu = self._cpu, now
        if before is None or len(before) != len(now):
            return None, None, None
        passed = sum(new[0] - old[0] for new, old in zip(now, before, strict=True))
        if passed < _SHORTEST_S:
            return None, None, None
        idle = sum(new[1] - old[1] for new, old in zip(now, before, strict=True))
        stolen = [(new[2], old[2]) for new, old in zip(now, before, strict=True)]
        steal = None
        if all(new is not None and old is not None for new, old in stolen):
            steal = _share(sum((new or 0.0) - (old or 0.0) for new, old in stolen), passed)
        cores = tuple(
            _share((new[0] - old[0]) - (new[1] - old[1]), new[0] - old[0]) for new, old in zip(now, before, strict=True)
        )
        return _share(passed - idle, passed), cores, steal

    def _network_rates(self) -> tuple[float | None, float | None]:
        """Bytes per second sent and received, the loopback left out."""
        try:
            counters = psutil.net_io_counters(pernic=True)
        except OSError:
            counters = {}
        cards = [card for name, card in counters.items() if name != "lo" and not name.startswith(("lo0", "Loopback"))]
        if not cards:
            self._network = None
            return None, None
        now = time.monotonic()
        sent, received = sum(card.bytes_sent for card in cards), sum(card.bytes_recv for card in cards)
        before, self._network = self._network, (now, sent, received)
        if before is None or now - before[0] < _SHORTEST_S or sent < before[1] or received < before[2]:
            return None, None  # a card came or went: no rate this time
        seconds = now - before[0]
        return round((sent - before[1]) / seconds, 1), round((received - before[2]) / seconds, 1)


def cpu_name() -> str | None:
    """The processor's name as its maker writes it, or None."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith(("model name", "Model", "Hardware")):
                return " ".join(line.partition(":")[2].split()) or None
    except OSError:
        pass
    return platform.processor() or None


def _times(core: Any) -> _Times:
    total = sum(core) - getattr(core, "guest", 0.0) - getattr(core, "guest_nice", 0.0)  # part of user and nice
    return total, core.idle + getattr(core, "iowait", 0.0), getattr(core, "steal", None)


def _share(part: float, whole: float) -> float:
    return round(100.0 * min(1.0, max(0.0, part / whole)), 1) if whole > 0 else 0.0


def _swap() -> tuple[int | None, int | None]:
    try:
        swap = psutil.swap_memory()
    except (OSError, RuntimeError):
        return None, None
    return swap.used, swap.total


def _battery() -> tuple[float | None, bool | None]:
    read = getattr(psutil, "sensors_battery", None)
    try:
        battery = None if read is None else read()
    except (OSError, RuntimeError, ValueError, TypeError):
        return None, None
    if battery is None:
        return None, None
    plugged = battery.power_plugged
    return round(float(battery.percent), 1), None if plugged is None else not plugged


def _load() -> float | None:
    try:
        return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    except OSError:
        return None


def _temperature() -> float | None:
    read = getattr(psutil, "sensors_temperatures", None)
    if read is None:
        return None
    try:
        sensors = read()
    except (OSError, RuntimeError, ValueError):
        return None
    for chip in _CPU_SENSORS:
        values = [entry.current for entry in sensors.get(chip, []) if entry.current is not None and entry.current > 0]
        if values:
            return float(max(values))
    return None
