"""Device benchmarks for callers: one GPU or the processor, in a child process, with one owner for each GPU."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ranvier.benchmark.children import Told, command_of, run_child
from ranvier.benchmark.cpu_work import CpuRequest
from ranvier.benchmark.cuda_work import CudaRequest
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.figures import DeviceResult, Minute
from ranvier.benchmark.journal import Journal, Look, Part, Slice, Unfinished
from ranvier.benchmark.lock import Turns
from ranvier.benchmark.telemetry import Telemetry, TelemetrySample, TelemetrySummary, summarise, together
from ranvier.core.paths import resources

_SPARE_S = 60.0


class DeviceRun(msgspec.Struct, frozen=True):
    """A result with what the card did meanwhile. ``operations_per_joule`` only of a sustained run with known energy."""

    result: DeviceResult
    telemetry: TelemetrySummary | None = None
    samples: tuple[TelemetrySample, ...] = ()
    driver: str | None = None
    operations_per_joule: float | None = None


def _quiet(message: object) -> None:
    return


async def measure_cuda(
    request: CudaRequest,
    turns: Turns,
    told: Told = _quiet,
    *,
    cards: Sequence[str] = (),
    probe: Sequence[str] | None = None,
    journal: Journal | None = None,
    before: Unfinished | None = None,
) -> DeviceRun:
    """Measure one NVIDIA GPU when its turn comes; ``cards`` names it with its parts, where it has some. ``journal``
    takes each sample of a long run; ``before`` is one that was cut off and goes on. Raises BenchmarkError; cancelling
    ends the child."""
    telemetry: Telemetry | None = None
    notes = _Notes(journal, told, before)
    if before is not None:
        if before.done_s >= before.begun.sustained_s - 1.0:
            return _whole(before, None, (), None, None)
        request = msgspec.structs.replace(request, done_s=before.done_s)
    limit = request.check_s * 3 + request.sustained_s + _SPARE_S
    async with turns.take(cards or (request.uuid or "first",), told), contextlib.AsyncExitStack() as stack:
        if request.uuid is not None:
            telemetry = await stack.enter_async_context(Telemetry(request.uuid, probe, saw=notes.saw))
            notes.telemetry = telemetry
        raw = await run_child(command_of("cuda"), request, notes.told, limit_s=limit)
    result = msgspec.convert(raw, DeviceResult)
    if journal is not None and journal.lost:
        lost = "The disk took no more samples while it ran; the result is whole, but it could not have gone on."
        result = msgspec.structs.replace(result, warnings=(*result.warnings, lost))
    samples = tuple(telemetry.samples) if telemetry is not None else ()
    driver = telemetry.driver if telemetry is not None else None
    if before is not None:
        return _whole(before, result, samples, driver, notes.begun_at)
    summary = telemetry.summary() if telemetry is not None else None
    return DeviceRun(result, summary, samples, driver, _per_joule(result, samples))


class _Notes:
    """Keeps what child and telemetry tell, once the long run has begun."""

    def __init__(self, journal: Journal | None, told: Told, before: Unfinished | None) -> None:
        self._journal, self._told, self._before = journal, told, before
        self.begun_at: float | None = None
        self.telemetry: Telemetry | None = None

    def told(self, message: dict[str, Any]) -> None:
        if message.get("event") == "checked":
            result = msgspec.convert(message["result"], DeviceResult)
            result = result if self._before is None else self._before.result
            self.begun_at = time.time()
            self._write(Part(self.begun_at, result, None if self.telemetry is None else self.telemetry.driver))
            return
        if message.get("event") == "sustained":
            self._write(Slice(Minute(message["at"], message["rate"]), time.time()))
        self._told(message)

    def saw(self, sample: TelemetrySample) -> None:
        if self.begun_at is not None:
            self._write(Look(sample))

    def _write(self, line: Part | Slice | Look) -> None:
        if self._journal is not None:
            self._journal.write(line)


def _whole(
    before: Unfinished,
    last: DeviceResult | None,
    samples: tuple[TelemetrySample, ...],
    driver: str | None,
    went_on: float | None,
) -> DeviceRun:
    """The run with its parts put together; the breaks are said, as the card cools down in them. ``went_on``: when
    ``last``, its newest part, began."""
    slices = [minute for segment in before.segments for minute in segment.slices]
    looks: list[TelemetrySample] = []
    for part in (*(segment.looks for segment in before.segments), samples):
        shift = looks[-1].at + 1.0 if looks else 0.0
        first = part[0].at if part else 0.0
        looks += [msgspec.structs.replace(look, at=look.at - first + shift) for look in part]
    summaries = [summarise(part) for part in (*(segment.looks for segment in before.segments), samples)]
    warnings = list(before.result.warnings)
    ends = [*(segment.begun for segment in before.segments[1:]), *([went_on] if went_on is not None else [])]
    for segment, end in zip(before.segments, ends, strict=False):
        warnings.append(
            f"The long run was cut off after {segment.slices[-1].at:.0f} s and went on "
            f"{max(1.0, (end - segment.ended) / 60):.0f} min later: the card had cooled down meanwhile."
        )
    if last is not None:
        slices += last.sustained
        warnings += last.warnings
    if before.driver is not None and driver is not None and driver != before.driver:
        warnings.append(f"The driver changed from {before.driver} to {driver} within the run.")
    result = msgspec.structs.replace(before.result, sustained=tuple(slices), warnings=tuple(warnings))
    summary = together([one for one in summaries if one is not None])
    return DeviceRun(
        result, summary, tuple(looks), driver or before.driver, None if last is None else _per_joule(last, samples)
    )


async def measure_cpu(request: CpuRequest, turns: Turns, told: Told = _quiet) -> DeviceRun:
    """Measure the processor. Raises BenchmarkError."""
    async with turns.take(("cpu",), told):
        raw = await run_child(command_of("cpu"), request, told, limit_s=request.check_s * 5 + _SPARE_S)
    return DeviceRun(msgspec.convert(raw, DeviceResult))


async def measure_wgpu(
    request: dict[str, object], turns: Turns, told: Told = _quiet, *, cards: Sequence[str] = ()
) -> DeviceRun:
    """Measure a GPU of any vendor by shaders (the ``wgpu`` extra). Which of ``cards`` it is cannot be told: it takes
    them all. Raises BenchmarkError."""
    async with turns.take(("wgpu", *cards), told):
        raw = await run_child(command_of("wgpu"), request, told, limit_s=180.0)
    return DeviceRun(msgspec.convert(raw, DeviceResult))


async def measure_torch(
    python: Path, turns: Turns, uuid: str, told: Told = _quiet, *, cards: Sequence[str] = (), limit_s: float = 180
) -> DeviceRun:
    """Measure the matrix library of a miner's own environment with its own ``python``. Raises BenchmarkError."""
    if not python.exists():
        raise BenchmarkError("No such Python", f"{python} does not exist.", "Install the miner's environment first.")
    script = resources() / "benchmark" / "torch_child.py"
    environment = {"CUDA_VISIBLE_DEVICES": uuid} if uuid.startswith(("GPU-", "MIG-")) else {}
    async with turns.take(cards or (uuid,), told):
        raw = await run_child([str(python), "-I", str(script)], {}, told, limit_s=limit_s, environment=environment)
    result = msgspec.convert(raw, DeviceResult)
    return DeviceRun(msgspec.structs.replace(result, device=msgspec.structs.replace(result.device, uuid=uuid)))


def _per_joule(result: DeviceResult, samples: Sequence[TelemetrySample]) -> float | None:
    """Operations for each joule of the sustained part, by the card's counter; None where one of them is unknown."""
    if len(result.sustained) < 2 or len(samples) < 2:
        return None
    length = result.sustained[-1].at - result.sustained[0].at
    part = [sample for sample in samples if sample.at >= samples[-1].at - length and sample.energy_j is not None]
    if len(part) < 2 or length <= 0:
        return None
    joules = (part[-1].energy_j or 0.0) - (part[0].energy_j or 0.0)
    mean = sum(slice_.rate for slice_ in result.sustained) / len(result.sustained)
    return mean * 1e12 * (part[-1].at - part[0].at) / joules if joules > 0 else None
