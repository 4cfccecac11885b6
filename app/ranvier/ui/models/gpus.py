"""Hardware samples as labelled figures and chart lines. A missing reading stays missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ranvier.core.evidence import Level
from ranvier.hardware.snapshot import Gpu, Hardware, Host
from ranvier.ui.words import (
    clock_text,
    duration_text,
    part_text,
    percent_text,
    power_text,
    rate_text,
    size_text,
    temperature_text,
)

Points = tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled figure; ``known`` False is shown grey."""

    label: str
    text: str
    known: bool = True


def gpu_facts(gpu: Gpu) -> tuple[Fact, ...]:
    """What a GPU card says, in a fixed order."""
    throttled = ", ".join(gpu.throttle_reasons) if gpu.throttle_reasons else "not throttled"
    sees_clock = gpu.clock_sm_mhz is not None or bool(gpu.throttle_reasons)
    return (
        Fact("Utilisation", percent_text(gpu.utilization_percent), gpu.utilization_percent is not None),
        Fact("Memory", part_text(gpu.memory_used, gpu.memory_total), gpu.memory_used is not None),
        Fact("Temperature", temperature_text(gpu.temperature_c), gpu.temperature_c is not None),
        Fact("Power", power_text(gpu.power_w, gpu.power_limit_w), gpu.power_w is not None),
        Fact("Clock", clock_text(gpu.clock_sm_mhz), gpu.clock_sm_mhz is not None),
        Fact("Throttling", throttled if sees_clock else "unknown", sees_clock),
    )


def gpu_level(gpu: Gpu) -> Level:
    """Bad with a problem, warn when throttled, unknown when nothing can be read."""
    if gpu.problem:
        return Level.BAD
    if gpu.throttle_reasons:
        return Level.WARN
    readings = (gpu.utilization_percent, gpu.memory_used, gpu.temperature_c, gpu.power_w)
    return Level.UNKNOWN if all(reading is None for reading in readings) else Level.GOOD


def host_facts(host: Host) -> tuple[Fact, ...]:
    """The machine in a few figures."""
    used = host.memory_total - host.memory_available
    disk_used = None if host.disk_total is None or host.disk_free is None else host.disk_total - host.disk_free
    load = "unknown" if host.load_1min is None else f"{host.load_1min:.2f}"
    network = f"↑ {rate_text(host.net_sent_bps)}   ↓ {rate_text(host.net_received_bps)}"
    network_known = host.net_sent_bps is not None or host.net_received_bps is not None
    return (
        Fact("Processor", percent_text(host.cpu_percent), host.cpu_percent is not None),
        Fact("Load, 1 min", load, host.load_1min is not None),
        Fact("Memory", part_text(used, host.memory_total)),
        Fact("Swap used", size_text(host.swap_used), host.swap_used is not None),
        Fact("Disk", part_text(disk_used, host.disk_total), disk_used is not None),
        Fact("Network", network if network_known else "unknown", network_known),
        Fact("Temperature", temperature_text(host.temperature_c), host.temperature_c is not None),
        Fact("Up for", duration_text(host.uptime_s)),
    )


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
