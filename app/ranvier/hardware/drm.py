"""AMD and Intel GPUs as the Linux kernel shows them: files only, no library, no root rights.

A card that the system put to sleep is listed and not asked: reading a sensor would wake it. ``pcie_bw`` is never read,
because the kernel measures for a whole second behind it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from ranvier.hardware.probe import GpuReading
from ranvier.hardware.snapshot import Gpu, GpuProcess

_VENDORS = {"0x1002": "amd", "0x8086": "intel"}
_TITLES = {"amd": "AMD", "intel": "Intel"}
_CARD = re.compile(r"card\d+")
_NAMES = ("usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids")


class DrmProbe:
    """``root`` is where ``sys`` and ``usr`` are; ``clock`` is monotonic seconds (Intel tells energy, not power)."""

    closes_at_once = True

    def __init__(self, root: Path = Path("/"), clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._names: dict[tuple[str, str], str | None] = {}
        self._energy: dict[str, tuple[float, float]] = {}
        self._uuids: dict[str, str] = {}  # by address: a card that sleeps does not tell its own number
        self._nodes: dict[str, tuple[str, str] | None] = {}

    def read(self) -> GpuReading:
        cards = self._root / "sys" / "class" / "drm"
        if not cards.is_dir():
            return GpuReading()
        gpus: list[Gpu] = []
        for card in sorted(cards.iterdir(), key=lambda path: (len(path.name), path.name)):
            if _CARD.fullmatch(card.name) is None:
                continue  # a connector
            vendor = _VENDORS.get(_line(card / "device" / "vendor") or "")
            if vendor is not None:
                gpus.append(self._card(card, vendor, len(gpus)))
        return GpuReading(tuple(gpus), note=None if gpus else "No AMD or Intel GPU was found.", trouble="none")

    def close(self) -> None:
        self._energy.clear()

    def _card(self, card: Path, vendor: str, index: int) -> Gpu:
        device = card / "device"
        address = device.resolve().name
        driver = device / "driver"
        name = self._name(device, vendor)
        kernel = driver.resolve().name if driver.exists() else None
        if _line(device / "power" / "runtime_status") == "suspended":
            known = self._uuids.get(address, f"pci:{address}")
            return Gpu(known, name, index, vendor=vendor, pci_address=address, asleep=True, kernel_driver=kernel)
        uuid = self._uuids[address] = _unique(device, address)
        monitor = next(iter(sorted((device / "hwmon").glob("hwmon*"))), device / "hwmon" / "none")
        memory_total = _number(device / "mem_info_vram_total")
        energy = _energy(monitor)
        processes = self._processes(address) if vendor == "amd" else None
        return Gpu(
            uuid=uuid,
            name=name,
            index=index,
            vendor=vendor,
            pci_address=address,
            kernel_driver=kernel,
            problem=None if kernel else f"No driver of {_TITLES[vendor]}'s is bound to this GPU.",
            trouble=None if kernel else "no_driver",
            memory_total=memory_total or _number(device / "lmem_total_bytes") or _number(card / "lmem_total_bytes"),
            memory_used=_number(device / "mem_info_vram_used"),
            utilization_percent=_number(device / "gpu_busy_percent"),
            memory_busy_percent=_number(device / "mem_busy_percent"),
            temperature_c=_temperature(monitor),
            power_w=self._power(monitor, address, energy),
            energy_j=None if energy is None else energy / 1e6,
            processes=processes,
            pids=None if processes is None else tuple(process.pid for process in processes),
            power_limit_w=_watts(monitor / "power1_cap") or _watts(monitor / "power1_max"),
            power_default_w=_watts(monitor / "power1_cap_default"),
            clock_sm_mhz=_starred(device / "pp_dpm_sclk") if vendor == "amd" else _intel_clock(card, device, "act"),
            clock_sm_max_mhz=None if vendor == "amd" else _intel_clock(card, device, "max"),
            clock_memory_mhz=_starred(device / "pp_dpm_mclk"),
            fan_rpm=_number(monitor / "fan1_input"),
            pcie_generation=_generation(device / "current_link_speed"),
            pcie_generation_max=_generation(device / "max_link_speed"),
            pcie_width=_number(device / "current_link_width"),
            pcie_width_max=_number(device / "max_link_width"),
            architecture=self._target(address) if vendor == "amd" else None,
        )

    def _power(self, monitor: Path, address: str, energy: int | None) -> float | None:
        """A sensor of watts, or the energy counter's rise since the last reading."""
        for name in ("power1_average", "power1_input"):
            value = _watts(monitor / name)
            if value is not None:
                return value
        if energy is None:
            return None
        now = self._clock()
        before = self._energy.get(address)
        self._energy[address] = (now, float(energy))
        if before is None or now - before[0] < 0.05 or energy < before[1]:
            return None
        return round((energy - before[1]) / 1e6 / (now - before[0]), 1)

    def _name(self, device: Path, vendor: str) -> str:
        own = _line(device / "product_name")
        if own:
            return own
        key = (_line(device / "vendor") or "", _line(device / "device") or "")
        if key not in self._names:
            self._names[key] = _listed_name(self._root, key[0][2:], key[1][2:])
        return f"{_TITLES[vendor]} {self._names[key] or 'GPU ' + key[1]}"

    def _target(self, address: str) -> str | None:
        """The gfx target, by which ROCm decides what runs: ``gfx1100``."""
        node = self._node(address)
        return None if node is None else node[0]

    def _node(self, address: str) -> tuple[str, str] | None:
        """The gfx target of a card and its number in the kernel's compute driver. It stays the same."""
        if address not in self._nodes:
            self._nodes[address] = _compute_node(self._root, address)
        return self._nodes[address]

    def _processes(self, address: str) -> tuple[GpuProcess, ...] | None:
        """ROCm's programs on a card with their memory, as the kernel's compute driver tells everybody."""
        node, folder = self._node(address), self._root / "sys" / "class" / "kfd" / "kfd" / "proc"
        if node is None:
            return None
        try:
            pids = sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdigit())
        except OSError:
            return None
        held = ((pid, _number(folder / str(pid) / f"vram_{node[1]}")) for pid in pids)
        return tuple(GpuProcess(pid, memory, kind="C") for pid, memory in held if memory)


def _compute_node(root: Path, address: str) -> tuple[str, str] | None:
    nodes = root / "sys" / "class" / "kfd" / "kfd" / "topology" / "nodes"
    if not nodes.is_dir():
        return None
    for node in sorted(nodes.iterdir()):
        lines = (_text(node / "properties") or "").splitlines()
        facts = {key: value for key, _, value in (line.partition(" ") for line in lines)}
        try:
            target, place = int(facts.get("gfx_target_version", 0)), int(facts.get("location_id", 0))
            domain = int(facts.get("domain", 0))
        except ValueError:
            continue
        where = f"{domain:04x}:{place >> 8 & 255:02x}:{place >> 3 & 31:02x}.{place & 7}"
        if target and where == address:
            return f"gfx{target // 10000}{target // 100 % 100:x}{target % 100:x}", _line(node / "gpu_id") or "0"
    return None


def _energy(monitor: Path) -> int | None:
    """Microjoules so far; some of Intel's newer drivers count the whole card in the second sensor only."""
    first = _number(monitor / "energy1_input")
    return _number(monitor / "energy2_input") if first is None else first


def _listed_name(root: Path, vendor: str, device: str) -> str | None:
    for path in _NAMES:
        current = ""
        for line in (_text(root / path) or "").splitlines():
            if line[:4] and not line.startswith(("\t", "#")):
                current = line[:4]
            elif current == vendor and line.startswith(f"\t{device}  "):
                return line.split("  ", 1)[1].strip()
    return None


def _unique(device: Path, address: str) -> str:
    serial = _line(device / "unique_id")
    return f"amd:{serial}" if serial and serial.strip("0") else f"pci:{address}"


def _temperature(monitor: Path) -> int | None:
    """The chip's own sensor (``edge`` or ``pkg``), or the first there is."""
    found: dict[str, int] = {}
    for place in range(1, 5):
        value = _number(monitor / f"temp{place}_input")
        if value is not None:
            found[_line(monitor / f"temp{place}_label") or f"temp{place}"] = round(value / 1000)
    return next((found[name] for name in ("edge", "pkg") if name in found), next(iter(found.values()), None))


def _intel_clock(card: Path, device: Path, kind: str) -> int | None:
    new = device / "tile0" / "gt0" / "freq0"
    return _number(new / f"{kind}_freq") if new.is_dir() else _number(card / f"gt_{kind}_freq_mhz")


def _starred(path: Path) -> int | None:
    for line in (_text(path) or "").splitlines():
        match = re.search(r"(\d+)\s*mhz", line, re.IGNORECASE)
        if line.rstrip().endswith("*") and match:
            return int(match[1])
    return None


def _generation(path: Path) -> int | None:
    speed = re.match(r"([\d.]+)", _line(path) or "")
    return {"2.5": 1, "5.0": 2, "5": 2, "8.0": 3, "8": 3, "16.0": 4, "16": 4, "32.0": 5, "32": 5, "64.0": 6}.get(
        speed[1] if speed else ""
    )


def _watts(path: Path) -> float | None:
    value = _number(path)
    return None if value is None else round(value / 1e6, 1)


def _number(path: Path) -> int | None:
    try:
        value = int(_line(path) or "")
    except ValueError:
        return None
    return value if value >= 0 else None


def _line(path: Path) -> str | None:
    whole = _text(path)
    return None if whole is None else whole.strip()


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None  # not there, not allowed, or the card went to sleep or off the bus
