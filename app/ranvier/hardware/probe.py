"""What a GPU probe is, whatever the vendor and whichever process does the asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ranvier.hardware.snapshot import Gpu


@dataclass(frozen=True, slots=True)
class GpuReading:
    """``note`` says in words why there are no GPUs, or what is wrong with all of them; ``trouble`` is its code."""

    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    note: str | None = None
    trouble: str | None = None
    cuda: str | None = None


class GpuProbe(Protocol):
    """Reads all GPUs of one vendor. ``read`` may take long (drivers hang) and never raises.

    ``closes_at_once`` says that ``close`` may be called at any moment from any thread, even while ``read`` hangs.
    """

    closes_at_once: bool

    def read(self) -> GpuReading: ...

    def close(self) -> None:
        """Let go of the driver; a later ``read`` takes it up again."""


class AllGpus:
    """Several probes as one. The first one's driver and note are the ones told; "none here" is no news among cards."""

    def __init__(self, probes: Sequence[GpuProbe]) -> None:
        self._probes = tuple(probes)
        self.closes_at_once = all(probe.closes_at_once for probe in self._probes)

    def read(self) -> GpuReading:
        readings = [probe.read() for probe in self._probes]
        gpus = tuple(gpu for reading in readings for gpu in reading.gpus)
        first = next((r for r in readings if r.note is not None and r.trouble not in (None, "none")), None)
        first = first or next((r for r in readings if r.note is not None), None)
        quiet = first is None or (bool(gpus) and first.trouble == "none")
        return GpuReading(
            gpus=gpus,
            driver=next((r.driver for r in readings if r.driver is not None), None),
            note=None if quiet or first is None else first.note,
            trouble=None if quiet or first is None else first.trouble,
            cuda=next((r.cuda for r in readings if r.cuda is not None), None),
        )

    def close(self) -> None:
        for probe in self._probes:
            probe.close()
