"""Frozen readings of host and GPUs. Every field that can be missing is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU at one moment; identity is ``uuid``, never the index. Bytes, watts, MHz, degrees C, percent."""

    uuid: str
    name: str
    index: int
    memory_total: int | None = None
    memory_used: int | None = None
    utilization_percent: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    clock_sm_mhz: int | None = None
    throttle_reasons: tuple[str, ...] = ()
    pids: tuple[int, ...] | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """The machine at one moment. ``cpu_percent`` is over all cores (0-100); bytes for memory and disk."""

    name: str
    system: str
    cpu_name: str | None
    cores_physical: int | None
    cores_logical: int
    cpu_percent: float | None
    load_1min: float | None
    memory_total: int
    memory_available: int
    swap_used: int | None
    disk_total: int | None
    disk_free: int | None
    net_sent_bps: float | None
    net_received_bps: float | None
    temperature_c: float | None
    uptime_s: float


@dataclass(frozen=True, slots=True)
class Hardware:
    """One sample. ``gpu_note`` says in words why there are no GPUs, or what is wrong with the driver."""

    at: float
    host: Host
    gpus: tuple[Gpu, ...]
    driver: str | None = None
    gpu_note: str | None = None
