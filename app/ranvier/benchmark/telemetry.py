"""What a card does while it is measured: clocks, heat, throttling, energy; told by the hardware reader's process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import msgspec

from ranvier.core.processes import NO_WINDOW, child_environment, own_command
from ranvier.core.tasks import Tasks

_LIMIT_S = 5.0
_LEAST_S = 3.0  # of samples inside a time whose energy is told: the counter moves in steps of about 0.1 s


class TelemetrySample(msgspec.Struct, frozen=True):
    """One look; ``at`` is seconds since the begin. None where the card does not tell."""

    at: float
    clock_sm_mhz: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    energy_j: float | None = None
    throttle_reasons: tuple[str, ...] | None = None


class TelemetrySummary(msgspec.Struct, frozen=True):
    """Over a run. ``throttled_s``: seconds in each reason. ``counted``: ``joules`` are by the card's own counter."""

    seconds: float
    clock_median_mhz: float | None
    temperature_max_c: int | None
    power_mean_w: float | None
    joules: float | None
    counted: bool
    throttled_s: dict[str, float]


class Telemetry:
    """``async with`` it around a measurement; ``samples`` and ``summary()`` hold afterwards. It never fails the run.
    ``saw`` is told each sample as it comes."""

    def __init__(
        self,
        uuid: str,
        command: Sequence[str] | None = None,
        *,
        every_s: float = 1.0,
        saw: Callable[[TelemetrySample], None] = lambda sample: None,
    ) -> None:
        self._saw = saw
        self._uuid, self._every_s = uuid, every_s
        self._command = list(command) if command is not None else own_command("hardware-probe")
        self._tasks = Tasks()
        self._child: asyncio.subprocess.Process | None = None
        self._begin = 0.0
        self._lock = asyncio.Lock()
        self.samples: list[TelemetrySample] = []
        self.driver: str | None = None

    async def __aenter__(self) -> Telemetry:
        self._begin = time.monotonic()
        with contextlib.suppress(OSError):
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=child_environment(),
                creationflags=NO_WINDOW,
            )
            await self._look()
            self._begin = self.samples[0].at + self._begin if self.samples else time.monotonic()
            self.samples = [msgspec.structs.replace(sample, at=0.0) for sample in self.samples]
            self._tasks.start(self._watch(), "benchmark telemetry")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._tasks.close()
        child = self._child
        if child is None:
            return
        if kind is None:
            await self._look()
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        await child.wait()

    def summary(self) -> TelemetrySummary | None:
        """None when the card was not seen at least twice."""
        return summarise(self.samples)

    def joules(self, seconds: float) -> float | None:
        """What the card drew in the ``seconds`` before now; None where it was seen for too little of them."""
        now = time.monotonic() - self._begin
        return drawn(self.samples, now - seconds, now)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self._look()

    async def _look(self) -> None:
        child = self._child
        if child is None or child.stdin is None or child.stdout is None or child.returncode is not None:
            return
        async with self._lock:
            try:
                child.stdin.write(b"read\n")
                async with asyncio.timeout(_LIMIT_S):
                    await child.stdin.drain()
                    line = await child.stdout.readline()
                    while b'"opening"' in line[:12]:
                        line = await child.stdout.readline()
                reading: Any = json.loads(line)
                rows = reading.get("gpus", [])
            except (TimeoutError, OSError, ValueError, AttributeError):
                return
        self.driver = reading.get("driver") or self.driver
        row = next((row for row in rows if row.get("uuid") == self._uuid), None)
        if row is not None:
            known = {field: row.get(field) for field in TelemetrySample.__struct_fields__ if field != "at"}
            with contextlib.suppress(msgspec.ValidationError):
                sample = msgspec.convert({**known, "at": time.monotonic() - self._begin}, TelemetrySample)
                self.samples.append(sample)
                self._saw(sample)


def summarise(samples: Sequence[TelemetrySample]) -> TelemetrySummary | None:
    """Sums over ``samples``, oldest first. Energy is the counter's rise, or else power over time as an estimate."""
    if len(samples) < 2:
        return None
    seconds = samples[-1].at - samples[0].at
    clocks = [sample.clock_sm_mhz for sample in samples if sample.clock_sm_mhz is not None]
    heat = [sample.temperature_c for sample in samples if sample.temperature_c is not None]
    power = [sample.power_w for sample in samples if sample.power_w is not None]
    throttled: dict[str, float] = {}
    for before, now in itertools.pairwise(samples):
        for reason in now.throttle_reasons or ():
            throttled[reason] = throttled.get(reason, 0.0) + now.at - before.at
    first, last = samples[0].energy_j, samples[-1].energy_j
    counted = first is not None and last is not None and last > first  # one that stands still counts nothing
    joules = None
    if counted:
        joules = (last or 0.0) - (first or 0.0)
    elif power:
        joules = statistics.fmean(power) * seconds
    return TelemetrySummary(
        seconds=seconds,
        clock_median_mhz=statistics.median(clocks) if clocks else None,
        temperature_max_c=max(heat, default=None),
        power_mean_w=statistics.fmean(power) if power else None,
        joules=joules,
        counted=counted,
        throttled_s=throttled,
    )


def drawn(samples: Sequence[TelemetrySample], since: float, until: float) -> float | None:
    """Joules of a time: the mean rate between the first and the last sample inside it, for all of it. None where they
    lie less than ``_LEAST_S``, or half of it, apart, and where the card tells neither energy nor power."""
    seen = summarise([sample for sample in samples if since <= sample.at <= until])
    if seen is None or seen.joules is None or seen.seconds < max(_LEAST_S, (until - since) / 2):
        return None
    return seen.joules / seen.seconds * (until - since)


def together(parts: Sequence[TelemetrySummary]) -> TelemetrySummary | None:
    """Of a run with breaks: what happened between its parts is in none of them. None without parts."""
    if not parts:
        return None
    seconds = sum(part.seconds for part in parts)
    clocks = [part.clock_median_mhz for part in parts if part.clock_median_mhz is not None]
    power = [part.power_mean_w for part in parts if part.power_mean_w is not None]
    joules = [part.joules for part in parts if part.joules is not None]
    throttled: dict[str, float] = {}
    for part in parts:
        for reason, lasting in part.throttled_s.items():
            throttled[reason] = throttled.get(reason, 0.0) + lasting
    return TelemetrySummary(
        seconds=seconds,
        clock_median_mhz=statistics.median(clocks) if clocks else None,
        temperature_max_c=max((p.temperature_max_c for p in parts if p.temperature_max_c is not None), default=None),
        power_mean_w=statistics.fmean(power) if power else None,
        joules=sum(joules) if len(joules) == len(parts) else None,
        counted=all(part.counted for part in parts),
        throttled_s=throttled,
    )
