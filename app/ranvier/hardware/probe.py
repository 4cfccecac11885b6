"""What a GPU probe is, whatever the vendor: so that it can move to a child process without anybody noticing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ranvier.hardware.snapshot import Gpu


@dataclass(frozen=True, slots=True)
class GpuReading:
    """``note`` says in words why there are no GPUs, or what is wrong with all of them."""

    gpus: tuple[Gpu, ...] = ()
    driver: str | None = None
    note: str | None = None


class GpuProbe(Protocol):
    """Reads all GPUs of one vendor. ``read`` may take long (drivers hang) and never raises."""

    def read(self) -> GpuReading: ...

    def close(self) -> None:
        """Let go of the driver; a later ``read`` takes it up again."""
