"""One sample of everything, without ever waiting long: a GPU driver that hangs does not hang us."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ranvier.hardware.host import HostProbe
from ranvier.hardware.nvidia import NvmlProbe
from ranvier.hardware.probe import GpuProbe, GpuReading
from ranvier.hardware.snapshot import Hardware

log = logging.getLogger(__name__)

_GPU_LIMIT_S = 2.0
_SILENT = "The GPU driver does not answer."


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
        self._host = HostProbe(folder)
        self._probe: GpuProbe = probe or NvmlProbe()
        self._limit_s = gpu_limit_s
        self._now = now
        self._reading: asyncio.Future[GpuReading] | None = None

    async def sample(self) -> Hardware:
        """Read host and GPUs; the GPUs are left out with a note when their driver does not answer in time."""
        host = await asyncio.get_running_loop().run_in_executor(None, self._host.read)
        gpu = await self._gpus()
        return Hardware(at=self._now(), host=host, gpus=gpu.gpus, driver=gpu.driver, gpu_note=gpu.note)

    def close(self) -> None:
        """Let go of the GPU driver, unless it hangs."""
        if self._reading is None:
            self._probe.close()

    async def _gpus(self) -> GpuReading:
        # A read that hangs stays the only one: a second would hang behind the same lock of the driver.
        if self._reading is None:
            self._reading = self._start_reading()
        done, _ = await asyncio.wait([self._reading], timeout=self._limit_s)
        if not done:
            return GpuReading(note=_SILENT)
        reading, self._reading = self._reading.result(), None
        return reading

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
