"""One sample of everything, without ever waiting long: a GPU driver that hangs does not hang us."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil

from ranvier.hardware.apple import AppleProbe
from ranvier.hardware.disks import folders_that_matter
from ranvier.hardware.drm import DrmProbe
from ranvier.hardware.host import HostProbe
from ranvier.hardware.nvml_child import NvmlChild
from ranvier.hardware.probe import AllGpus, GpuProbe, GpuReading
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.hardware.windows import RegistryProbe

log = logging.getLogger(__name__)

_GPU_LIMIT_S = 2.0
_SILENT = "The GPU driver does not answer."
_NOT_YET = "The GPU driver has not answered yet."
_PATIENCE_S = 30.0  # without persistence mode a driver wakes its cards one after the other at the first question


class Sampler:
    """``folder`` is the one whose disk matters. Use it on one event loop; ``close`` lets go of the driver."""

    def __init__(
        self,
        folder: Path,
        probe: GpuProbe | None = None,
        *,
        gpu_limit_s: float = _GPU_LIMIT_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._host = HostProbe(*folders_that_matter(folder))
        self._probe: GpuProbe = probe or all_gpus()
        self._names: dict[int, str | None] = {}
        self._last: GpuReading | None = None
        self._asked_at = 0.0
        self._limit_s = gpu_limit_s
        self._now = now
        self._reading: asyncio.Future[GpuReading] | None = None

    async def sample(self) -> Hardware:
        """Read host and GPUs; the GPUs are left out with a note when their driver does not answer in time."""
        host = await asyncio.get_running_loop().run_in_executor(None, self._host.read)
        gpu = await self._gpus()
        return Hardware(
            at=self._now(),
            host=host,
            gpus=self._named(gpu.gpus),
            driver=gpu.driver,
            gpu_note=gpu.note,
            gpu_trouble=gpu.trouble,
            cuda=gpu.cuda,
        )

    def close(self) -> None:
        """Let go of the GPU driver; one that hangs is left where closing would hang too."""
        if self._reading is None or getattr(self._probe, "closes_at_once", False):
            self._probe.close()

    async def _gpus(self) -> GpuReading:
        # A read that hangs stays the only one: a second would hang behind the same lock of the driver.
        if self._reading is None:
            self._asked_at = time.monotonic()
            self._reading = self._start_reading()
        done, _ = await asyncio.wait([self._reading], timeout=self._limit_s)
        if not done:
            return self._silent()
        reading, self._reading = self._reading.result(), None
        self._last = reading
        return reading

    def _silent(self) -> GpuReading:
        """The cards seen last stay listed, marked: a card does not vanish because its driver is slow."""
        last = self._last
        if last is None:
            if time.monotonic() - self._asked_at < _PATIENCE_S:
                return GpuReading(note=_NOT_YET, trouble="starting")
            return GpuReading(note=_SILENT, trouble="silent")
        gpus = tuple(
            Gpu(gpu.uuid, gpu.name, gpu.index, problem=_SILENT, trouble="silent", vendor=gpu.vendor,
                pci_address=gpu.pci_address, parent_uuid=gpu.parent_uuid, mig=gpu.mig)
            for gpu in last.gpus
        )  # fmt: skip
        return GpuReading(gpus, last.driver, _SILENT, "silent", last.cuda)

    def _named(self, gpus: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
        """Fill in the programs' names; each pid is looked up once."""
        seen = {process.pid for gpu in gpus for process in gpu.processes or ()}
        self._names = {pid: self._names[pid] if pid in self._names else _program(pid) for pid in seen}
        if not seen:
            return gpus
        return tuple(
            gpu
            if not gpu.processes
            else replace(gpu, processes=tuple(replace(one, name=self._names[one.pid]) for one in gpu.processes))
            for gpu in gpus
        )

    def _start_reading(self) -> asyncio.Future[GpuReading]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[GpuReading] = loop.create_future()

        def deliver(reading: GpuReading) -> None:
            if not future.done():
                future.set_result(reading)

        def work() -> None:
            try:
                reading = self._probe.read()
            except Exception:  # a bug in the probe must not end sampling
                log.exception("GPU probe failed")
                reading = GpuReading(note="The GPUs could not be read; the log has the details.")
            try:
                loop.call_soon_threadsafe(deliver, reading)
            except RuntimeError:
                log.info("the GPU driver answered after the end")

        # A daemon thread, because a pool's thread that hangs in the driver would keep the process from ending.
        threading.Thread(target=work, name="gpu probe", daemon=True).start()
        return future


def all_gpus() -> GpuProbe:
    """Every vendor's GPUs: NVIDIA's by a child process, the others by what the system lists."""
    return AllGpus((NvmlChild(), DrmProbe(), AppleProbe(), RegistryProbe()))


def _program(pid: int) -> str | None:
    try:
        return psutil.Process(pid).name() or None
    except (psutil.Error, OSError):
        return None
