"""Figures of device benchmarks: every sample is kept; median, range and spread are shown. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One test: ``samples`` in ``unit``, each over ``inner`` launches. ``spread_percent`` is (max - min) / median."""

    name: str
    title: str
    unit: str
    samples: tuple[float, ...]
    inner: int = 1
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def spread_percent(self) -> float:
        middle = self.median
        return 100 * (max(self.samples) - min(self.samples)) / middle if middle else 0.0


class Device(msgspec.Struct, frozen=True):
    """What was measured. ``uuid`` as the driver writes it (``GPU-...``), or ``cpu``."""

    uuid: str
    name: str
    kind: str
    pci_address: str | None = None
    memory_total: int | None = None
    memory_free: int | None = None
    details: dict[str, str] = {}


class Minute(msgspec.Struct, frozen=True):
    """One slice of a sustained run: seconds from its start and the rate then."""

    at: float
    rate: float


class DeviceResult(msgspec.Struct, frozen=True):
    """What a child measured. ``versions`` are of driver and libraries; ``label`` says what the figures are and are not.

    ``skipped`` maps tests that could not be run to the reason. ``sustained`` is the rate over time of the long run.
    """

    device: Device
    label: str
    figures: tuple[Figure, ...]
    versions: dict[str, str]
    skipped: dict[str, str] = {}
    sustained: tuple[Minute, ...] = ()
    sustained_unit: str = ""
    warnings: tuple[str, ...] = ()


def kept_share(sustained: Sequence[Minute]) -> float | None:
    """Rate of the last sixth over the rate of the first: what heat and limits leave. None for fewer than six slices."""
    if len(sustained) < 6:
        return None
    part = max(1, len(sustained) // 6)
    first = statistics.fmean(slice_.rate for slice_ in sustained[:part])
    last = statistics.fmean(slice_.rate for slice_ in sustained[-part:])
    return last / first if first else None
