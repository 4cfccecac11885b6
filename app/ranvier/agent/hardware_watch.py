"""Samples the hardware while somebody looks or a miner should run, keeps the samples, and says what needs the owner.

Where a person has set a threshold, a glance now and then goes on without either.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from ranvier.agent.api.hub import Hub
from ranvier.agent.api.messages import Attention, GetHardwareHistory, HardwareEvent, HardwareHistory
from ranvier.agent.miners.miner import Miner
from ranvier.core.errors import LedgerError, RanvierError
from ranvier.hardware.alerts import Alerts
from ranvier.hardware.diagnosis import Surroundings
from ranvier.hardware.packing import pack, unpack
from ranvier.hardware.sampler import Sampler
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.hardware.thresholds import Thresholds
from ranvier.ledger.samples import Samples

log = logging.getLogger(__name__)

_UNWATCHED_S = 10.0
_IDLE_S = 5.0
_GLANCE_S = 60.0
_LOOKED_S = 10.0
_FRESH_S = 1.0
_MOST_POINTS = 2000


class HardwareWatch:
    """``miners`` are all there are; those that should run have it sample also when nobody looks. ``interval_s``: how
    often to sample for one who looks. A window that comes gets one sample; to go on, it asks. ``limits`` are the
    person's; ``changed`` is called when an alert comes or goes."""

    def __init__(
        self,
        sampler: Sampler,
        samples: Samples,
        hub: Hub,
        miners: Callable[[], Iterable[Miner]],
        interval_s: Callable[[], float],
        limits: Callable[[], Thresholds],
        changed: Callable[[], None],
        trouble: Callable[[RanvierError | None], None],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._sampler = sampler
        self._samples = samples
        self._hub = hub
        self._miners = miners
        self._interval_s = interval_s
        self._limits = limits
        self._changed = changed
        self._alerts = Alerts()
        self._trouble = trouble
        self._now = now
        self._lock = asyncio.Lock()
        self._looked_until = float("-inf")
        self.latest: Hardware | None = None

    async def run(self) -> None:
        """Sample until cancelled."""
        resting = False
        glance_at = time.monotonic() + _GLANCE_S
        while True:
            arrived = self._hub.arrived.is_set()
            self._hub.arrived.clear()
            watched = time.monotonic() < self._looked_until
            needed = watched or arrived or any(miner.file.wanted for miner in self._miners())
            if needed or (time.monotonic() >= glance_at and self._limits().set_by_person):
                resting = False
                sample = await self.sample()
                if arrived:
                    self._hub.send(HardwareEvent(sample))  # it may be a moment old, and was told to the others only
                await self._keep(sample)
                pause = max(1.0, self._interval_s()) if watched else _UNWATCHED_S
                # What is about to be told is looked at again soon; an alert comes only of what lasts.
                glance_at = time.monotonic() + (_UNWATCHED_S if self._alerts.waiting else _GLANCE_S)
            if not needed:
                if not resting:
                    resting = True
                    self._sampler.close()  # an open driver handle keeps a laptop's GPU awake
                pause = _IDLE_S
            if watched:
                await asyncio.sleep(pause)
            else:
                with contextlib.suppress(TimeoutError):  # who comes or begins to look does not wait for the pause's end
                    async with asyncio.timeout(pause):
                        await self._hub.arrived.wait()

    def looked_at(self) -> None:
        """Somebody looks: for some seconds more, samples come often, by event, and are kept."""
        if time.monotonic() >= self._looked_until:
            self._hub.arrived.set()
        self._looked_until = time.monotonic() + _LOOKED_S

    async def sample(self) -> Hardware:
        """The newest sample, taken now unless one was a moment ago."""
        async with self._lock:
            latest = self.latest
            if latest is None or not 0 <= self._now() - latest.at < _FRESH_S:
                latest = self.latest = with_miners(await self._sampler.sample(), self._miners())
                self._hub.send(HardwareEvent(latest))
                if self._alerts.look(latest, surroundings(self._miners()), self._limits()):
                    self._changed()
            return latest

    def attention(self) -> list[Attention]:
        """What is wrong with the hardware, with its reason and one next step. The same key is the same incident."""
        return [
            Attention(
                one.finding.level, self._alerts.title(one), f"{one.finding.text} {one.finding.next_step}",
                one.finding.miner_id, one.key, page="hardware",
            )
            for one in self._alerts.current
        ]  # fmt: skip

    async def history(self, asked: GetHardwareHistory) -> HardwareHistory:
        """Samples of the time asked for, oldest first. Raises LedgerError."""
        until = self._now() if asked.until is None else asked.until
        since = until - max(0, asked.seconds)
        bodies = await self._samples.between(since, until, min(max(2, asked.points), _MOST_POINTS))
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


def surroundings(miners: Iterable[Miner]) -> Surroundings:
    """What the diagnosis wants to know of the miners that run or should."""
    active = [miner for miner in miners if miner.file.wanted or miner.pids]
    return Surroundings(
        miner_pids={miner.file.id: frozenset(miner.pids) for miner in active},
        miner_gpus={miner.file.id: frozenset(miner.file.gpus) for miner in active},
        miner_cuda={miner.file.id: miner.torch_cuda for miner in active if miner.torch_cuda is not None},
        miner_names={miner.file.id: miner.file.name for miner in active},
    )


def with_miners(sample: Hardware, miners: Iterable[Miner]) -> Hardware:
    """The sample with the ids of those that run on each card: seen there by a process, or given it. So its history
    knows later who it was, also when a miner has moved or is gone."""
    running = [miner for miner in miners if miner.pids]

    def on(gpu: Gpu) -> tuple[str, ...]:
        seen = set(gpu.pids or ())
        return tuple(one.file.id for one in running if gpu.uuid in one.file.gpus or not seen.isdisjoint(one.pids))

    return replace(sample, gpus=tuple(replace(gpu, miners=on(gpu)) for gpu in sample.gpus))


def power_mw(sample: Hardware) -> int | None:
    """What the cards draw together, in milliwatts; None when not all of them say. The host itself is not measured.

    A part of a card (MIG) draws through its card, and one that sleeps is switched off: both are left out.
    """
    watts = [gpu.power_w for gpu in sample.gpus if gpu.parent_uuid is None and not gpu.asleep]
    return None if not watts or None in watts else sum(round(one * 1000) for one in watts if one is not None)
