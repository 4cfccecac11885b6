"""The machine itself, by psutil. Nothing here waits: rates are taken between two readings."""

from __future__ import annotations

import os
import platform
import shutil
import time
from pathlib import Path

import psutil

from ranvier.hardware.snapshot import Host

# Chips that measure the processor, best first. Other sensors (disks, network cards) say nothing about load.
_CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "soc_thermal")
_SHORTEST_S = 0.05  # below this a rate is noise


class HostProbe:
    """Keeps the last counters, so that ``read`` can tell rates. The first reading has none: they are None.

    ``folder`` is the one whose disk matters; it need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = platform.node() or "this machine"
        self._system = " ".join(part for part in (platform.system(), platform.release()) if part)
        self._cpu_name = cpu_name()
        self._cpu: tuple[float, float] | None = None
        self._network: tuple[float, int, int] | None = None

    def read(self) -> Host:
        """One reading. Only what the system cannot tell is None; never raises."""
        memory = psutil.virtual_memory()
        disk = _disk(self._folder)
        sent, received = self._network_rates()
        return Host(
            name=self._name,
            system=self._system,
            cpu_name=self._cpu_name,
            cores_physical=psutil.cpu_count(logical=False),
            cores_logical=psutil.cpu_count() or 1,
            cpu_percent=self._cpu_percent(),
            load_1min=_load(),
            memory_total=memory.total,
            memory_available=memory.available,
            swap_used=_swap(),
            disk_total=disk[0],
            disk_free=disk[1],
            net_sent_bps=sent,
            net_received_bps=received,
            temperature_c=_temperature(),
            uptime_s=max(0.0, time.time() - psutil.boot_time()),
        )

    def _cpu_percent(self) -> float | None:
        """Share of all cores' time since the last reading, 0 to 100. Time stolen by a hypervisor counts as busy."""
        times = psutil.cpu_times()
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)  # part of user and nice
        idle = times.idle + getattr(times, "iowait", 0.0)
        before, self._cpu = self._cpu, (total, idle)
        if before is None or total - before[0] < _SHORTEST_S:
            return None
        share = 1.0 - (idle - before[1]) / (total - before[0])
        return round(100.0 * min(1.0, max(0.0, share)), 1)

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


def _disk(folder: Path) -> tuple[int | None, int | None]:
    for place in (folder, *folder.parents):
        try:
            usage = shutil.disk_usage(place)
        except OSError:
            continue
        return usage.total, usage.free
    return None, None


def _swap() -> int | None:
    try:
        return psutil.swap_memory().used
    except (OSError, RuntimeError):
        return None


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
