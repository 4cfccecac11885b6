"""Hardware samples as labelled figures and chart lines. A missing reading stays missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ranvier.core.evidence import Level
from ranvier.hardware.snapshot import Disk, Gpu, GpuProcess, Hardware, Host
from ranvier.ui.words import (
    UNKNOWN,
    clock_text,
    duration_text,
    part_text,
    percent_text,
    power_text,
    rate_text,
    size_text,
    temperature_text,
)

_PER_WH = 3_600_000_000  # microjoules
_NARROW = "\N{NARROW NO-BREAK SPACE}"
Points = tuple[tuple[float, float | None], ...]
_HARMLESS = {"application clocks", "sync boost", "display clocks"}
_NORMAL = _HARMLESS | {"power limit"}
_SHOWN_PROGRAMS = 4


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled figure; ``known`` False is shown grey."""

    label: str
    text: str
    known: bool = True


def gpu_facts(gpu: Gpu) -> tuple[Fact, ...]:
    """What a GPU card says, in a fixed order: six figures always, others only where the card tells them."""
    told = gpu.throttle_reasons is not None
    throttled = ", ".join(gpu.throttle_reasons or ()) or "not throttled"
    memory = part_text(gpu.memory_used, gpu.memory_total)
    clock = clock_text(gpu.clock_sm_mhz)
    if gpu.clock_sm_mhz is not None and gpu.clock_sm_max_mhz:
        clock += f" of {clock_text(gpu.clock_sm_max_mhz)}"
    return (
        Fact("Utilisation", percent_text(gpu.utilization_percent), gpu.utilization_percent is not None),
        Fact(
            "Memory, shared with the machine" if gpu.unified_memory else "Memory", memory, gpu.memory_used is not None
        ),
        Fact("Temperature", temperature_text(gpu.temperature_c), gpu.temperature_c is not None),
        Fact("Power", power_text(gpu.power_w, gpu.power_limit_w), gpu.power_w is not None),
        Fact("Clock", clock, gpu.clock_sm_mhz is not None),
        Fact("Throttling", throttled if told else "unknown", told),
        *_gpu_extras(gpu),
    )


def _gpu_extras(gpu: Gpu) -> Iterable[Fact]:
    if gpu.performance_state is not None:
        yield Fact("Performance state", f"P{gpu.performance_state}")
    if gpu.memory_busy_percent is not None:
        yield Fact("Memory bus", f"{percent_text(gpu.memory_busy_percent)} busy")
    if gpu.clock_memory_mhz is not None:
        yield Fact("Memory clock", clock_text(gpu.clock_memory_mhz))
    if gpu.fan_percent is not None or gpu.fan_rpm is not None:
        parts = [percent_text(gpu.fan_percent)] if gpu.fan_percent is not None else []
        parts += [f"{gpu.fan_rpm} rpm"] if gpu.fan_rpm is not None else []
        yield Fact("Fan", ", ".join(parts))
    if gpu.pcie_width is not None:
        yield Fact("PCIe link", link_text(gpu))
    if gpu.energy_j is not None:
        yield Fact("Energy since driver start", energy_text(round(gpu.energy_j * 1e6)))
    if gpu.ecc_uncorrected is not None:
        yield Fact("Uncorrected errors", str(gpu.ecc_uncorrected))


def energy_text(microjoules: int | None) -> str:
    """``12.4 Wh``, ``3.21 kWh``, ``1.50 MWh``."""
    if microjoules is None:
        return UNKNOWN
    hours = microjoules / _PER_WH
    for unit, size in (("MWh", 1e6), ("kWh", 1e3)):
        if hours >= size:
            return f"{hours / size:.2f}{_NARROW}{unit}"
    return f"{hours:.1f}{_NARROW}Wh"


def link_text(gpu: Gpu) -> str:
    """``generation 4 x16 of 4 x16``: what it runs at, of what both ends can do."""
    now = f"generation {gpu.pcie_generation or '?'} x{gpu.pcie_width or '?'}"
    if gpu.pcie_width_max is None:
        return now
    return f"{now} of {gpu.pcie_generation_max or '?'} x{gpu.pcie_width_max}"


def programs_text(gpu: Gpu) -> str:
    """Who uses it: ``python (pid 41877, 16 GiB)``. Empty when nobody does, or nobody says."""
    users = sorted(gpu.processes or (), key=lambda process: -(process.memory or 0))
    if not users:
        return ""
    words = ", ".join(_program(user) for user in users[:_SHOWN_PROGRAMS])
    more = len(users) - _SHOWN_PROGRAMS
    return f"Programs: {words}" + (f" and {more} more" if more > 0 else "")


def _program(process: GpuProcess) -> str:
    memory = "" if process.memory is None else f", {size_text(process.memory)}"
    return f"{process.name or 'a program'} (pid {process.pid}{memory})"


def details_text(gpu: Gpu) -> str:
    """What stays the same: architecture, compute capability, bus address, and what it is known by."""
    capability = None if gpu.compute_capability is None else f"compute capability {gpu.compute_capability}"
    known_by = None if gpu.uuid == f"pci:{gpu.pci_address}" else gpu.uuid
    parts = (gpu.architecture, capability, gpu.pci_address, gpu.kernel_driver, known_by)
    return " · ".join(part for part in parts if part)


def gpu_level(gpu: Gpu) -> Level:
    """Bad with a problem, warn when throttled by more than its power limit, unknown when nothing can be read."""
    if gpu.problem:
        return Level.BAD
    if gpu.asleep:
        return Level.OFF
    reasons = set(gpu.throttle_reasons or ())
    if reasons - _NORMAL:
        return Level.WARN
    if reasons - _HARMLESS:
        return Level.BUSY
    readings = (gpu.utilization_percent, gpu.memory_used, gpu.temperature_c, gpu.power_w)
    return Level.UNKNOWN if all(reading is None for reading in readings) else Level.GOOD


def host_facts(host: Host) -> tuple[Fact, ...]:
    """The machine in a few figures; those that not every machine has only where they are known."""
    used = host.memory_total - host.memory_available
    load = "unknown" if host.load_1min is None else f"{host.load_1min:.2f}"
    network = f"↑ {rate_text(host.net_sent_bps)}   ↓ {rate_text(host.net_received_bps)}"
    network_known = host.net_sent_bps is not None or host.net_received_bps is not None
    swap = size_text(host.swap_used) if host.swap_total is None else part_text(host.swap_used, host.swap_total)
    swap = "none" if host.swap_total == 0 else swap
    return (
        Fact("Processor", percent_text(host.cpu_percent), host.cpu_percent is not None),
        Fact("Load, 1 min", load, host.load_1min is not None),
        Fact("Memory", part_text(used, host.memory_total)),
        Fact("Swap used", swap, host.swap_used is not None),
        _disk(host.disks[0] if host.disks else None, "Disk used"),
        Fact("Network", network if network_known else "unknown", network_known),
        Fact("Temperature", temperature_text(host.temperature_c), host.temperature_c is not None),
        Fact("Up for", duration_text(host.uptime_s)),
        *_host_extras(host),
    )


def _disk(disk: Disk | None, name: str) -> Fact:
    if disk is None:
        return Fact(name, UNKNOWN, known=False)
    kind = {True: "spinning", False: "flash", None: ""}[disk.rotational]
    hints = (disk.file_system, kind, "read-only" if disk.read_only else "")
    return Fact(name, ", ".join(word for word in (part_text(disk.total - disk.free, disk.total), *hints) if word))


def _host_extras(host: Host) -> Iterable[Fact]:
    for disk in host.disks[1:]:
        yield _disk(disk, f"Disk of {disk.path}")
    if host.battery_percent is not None:
        state = {True: ", on battery", False: ", plugged in", None: ""}[host.on_battery]
        yield Fact("Battery", f"{percent_text(host.battery_percent)}{state}")
    if host.steal_percent:
        yield Fact("Taken by the hypervisor", percent_text(host.steal_percent))
    where = place_text(host)
    if where:
        yield Fact("Runs in", where)


def place_text(host: Host) -> str:
    """``WSL 2``, ``a docker container``, ``a virtual machine (kvm)``; empty on bare metal or where nobody tells."""
    parts = []
    if host.container is not None:
        parts.append(f"a {host.container} container")
    if host.wsl is not None:
        parts.append(f"WSL {host.wsl}")
    elif host.virtual is not None:
        unnamed = host.virtual == "a hypervisor"  # it does not say whose
        parts.append("a virtual machine" if unnamed else f"a virtual machine ({host.virtual})")
    return ", ".join(parts)


def cores_text(host: Host) -> str:
    """``AMD Ryzen 9 7950X, 16 cores, 32 threads``, with what is known."""
    name = host.cpu_name or "Processor"
    physical = f"{host.cores_physical} cores, " if host.cores_physical is not None else ""
    return f"{name}, {physical}{host.cores_logical} threads"


def _points(samples: Sequence[Hardware], read: Callable[[Hardware], float | None]) -> Points:
    return tuple((sample.at, read(sample)) for sample in samples)


def cpu_points(samples: Sequence[Hardware]) -> Points:
    """Percent of all cores."""
    return _points(samples, lambda sample: sample.host.cpu_percent)


def memory_points(samples: Sequence[Hardware]) -> Points:
    """Percent of the machine's memory in use."""

    def used(sample: Hardware) -> float | None:
        host = sample.host
        return 100 * (1 - host.memory_available / host.memory_total) if host.memory_total else None

    return _points(samples, used)


def network_points(samples: Sequence[Hardware]) -> tuple[Points, Points]:
    """Bytes per second sent and received."""
    return (
        _points(samples, lambda sample: sample.host.net_sent_bps),
        _points(samples, lambda sample: sample.host.net_received_bps),
    )


def gpu_points(samples: Sequence[Hardware], uuid: str, read: Callable[[Gpu], float | None]) -> Points:
    """One reading of one GPU over time; None where that GPU was not seen."""

    def of(sample: Hardware) -> float | None:
        return next((read(gpu) for gpu in sample.gpus if gpu.uuid == uuid), None)

    return _points(samples, of)


def memory_percent(gpu: Gpu) -> float | None:
    """Percent of a GPU's memory in use."""
    if gpu.memory_used is None or not gpu.memory_total:
        return None
    return 100 * gpu.memory_used / gpu.memory_total
