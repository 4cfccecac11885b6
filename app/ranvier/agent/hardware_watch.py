"""Samples the hardware while somebody looks or a miner should run, and keeps the samples."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from ranvier.agent.hub import Hub
from ranvier.agent.messages import HardwareEvent, HardwareHistory
from ranvier.core.errors import LedgerError, RanvierError
from ranvier.hardware.packing import pack, unpack
from ranvier.hardware.sampler import Sampler
from ranvier.hardware.snapshot import Hardware
from ranvier.ledger.samples import Samples

log = logging.getLogger(__name__)

_UNWATCHED_S = 10.0
_IDLE_S = 5.0
_FRESH_S = 1.0


class HardwareWatch:
    """``busy`` says whether a miner should run, ``interval_s`` how often to sample for a listener."""

    def __init__(
        self,
        sampler: Sampler,
        samples: Samples,
        hub: Hub,
        busy: Callable[[], bool],
        interval_s: Callable[[], float],
        trouble: Callable[[RanvierError | None], None],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._sampler = sampler
        self._samples = samples
        self._hub = hub
        self._busy = busy
        self._interval_s = interval_s
        self._trouble = trouble
        self._now = now
        self._lock = asyncio.Lock()
        self.latest: Hardware | None = None

    async def run(self) -> None:
        """Sample until cancelled."""
        resting = False
        while True:
            self._hub.arrived.clear()
            watched = self._hub.listeners > 0
            if watched or self._busy():
                resting = False
                await self._keep(await self.sample())
                pause = max(1.0, self._interval_s()) if watched else _UNWATCHED_S
            else:
                if not resting:
                    resting = True
                    self._sampler.close()  # an open driver handle keeps a laptop's GPU awake
                pause = _IDLE_S
            if watched:
                await asyncio.sleep(pause)
            else:
                with contextlib.suppress(TimeoutError):  # a listener that comes does not wait for the pause to end
                    async with asyncio.timeout(pause):
                        await self._hub.arrived.wait()

    async def sample(self) -> Hardware:
        """The newest sample, taken now unless one was a moment ago."""
        async with self._lock:
            latest = self.latest
            if latest is None or not 0 <= self._now() - latest.at < _FRESH_S:
                latest = self.latest = await self._sampler.sample()
                self._hub.send(HardwareEvent(latest))
            return latest

    async def history(self, seconds: int) -> HardwareHistory:
        """Samples of the last ``seconds``, oldest first. Raises LedgerError."""
        bodies = await self._samples.since(self._now() - max(0, seconds))
        samples = (unpack(body) for body in bodies)
        return HardwareHistory(tuple(sample for sample in samples if sample is not None))  # None: another version's

    async def close(self) -> None:
        self._sampler.close()
        await self._samples.close()

    async def _keep(self, sample: Hardware) -> None:
        try:
            await self._samples.add(sample.at, pack(sample), power_mw(sample))
        except LedgerError as error:
            self._trouble(error)
        else:
            self._trouble(None)


def power_mw(sample: Hardware) -> int | None:
    """What the cards draw together, in milliwatts; None when not all of them say. The host itself is not measured.

    A part of a card (MIG) draws through its card, and one that sleeps is switched off: both are left out.
    """
    watts = [gpu.power_w for gpu in sample.gpus if gpu.parent_uuid is None and not gpu.asleep]
    return None if not watts or None in watts else sum(round(one * 1000) for one in watts if one is not None)
