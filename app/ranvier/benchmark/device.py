"""Device benchmarks for callers: one GPU or the processor, in a child process, with one owner for each GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ranvier.benchmark.children import Told, command_of, run_child
from ranvier.benchmark.cpu_work import CpuRequest
from ranvier.benchmark.cuda_work import CudaRequest
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.figures import Device, DeviceResult, Figure
from ranvier.benchmark.lock import Turns
from ranvier.benchmark.telemetry import Telemetry, TelemetrySample, TelemetrySummary
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
) -> DeviceRun:
    """Measure one NVIDIA GPU when its turn comes; ``cards`` names it with its parts, where it has some. Raises
    BenchmarkError; cancelling ends the child."""
    limit = request.check_s * 3 + request.sustained_s + _SPARE_S
    telemetry: Telemetry | None = None
    async with turns.take(cards or (request.uuid or "first",), told), contextlib.AsyncExitStack() as stack:
        if request.uuid is not None:
            telemetry = await stack.enter_async_context(Telemetry(request.uuid, probe))
        raw = await run_child(command_of("cuda"), request, told, limit_s=limit)
    result = msgspec.convert(raw, DeviceResult)
    summary = telemetry.summary() if telemetry is not None else None
    return DeviceRun(
        result=result,
        telemetry=summary,
        samples=tuple(telemetry.samples) if telemetry is not None else (),
        driver=telemetry.driver if telemetry is not None else None,
        operations_per_joule=_per_joule(result, telemetry.samples if telemetry is not None else ()),
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


def parse_llama_bench(output: bytes) -> tuple[DeviceResult, ...]:
    """Results of ``llama-bench -o json``, one for each model and backend. Raises BenchmarkError."""
    try:
        rows = msgspec.json.decode(output, type=list[dict[str, object]])
    except msgspec.MsgspecError as error:
        raise BenchmarkError("Not from llama-bench", f"{error}.", "Run it with -o json.") from error
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in rows:
        groups.setdefault((str(row.get("model_filename")), str(row.get("backends"))), []).append(row)
    results = []
    for (model, backends), members in groups.items():
        figures = tuple(_llama_figure(row) for row in members if isinstance(row.get("samples_ts"), list))
        first = members[0]
        name = str(first.get("gpu_info") or first.get("cpu_info") or "unknown")
        details = {"model": Path(model).name, "backends": backends, "model_type": str(first.get("model_type"))}
        build = f"{first.get('build_number')} ({first.get('build_commit')})"
        label = "llama-bench: tokens per second without tokenising and sampling, synthetic tokens."
        device = Device(f"llama:{name}", name, "llama-bench", details=details)
        results.append(DeviceResult(device, label, figures, {"llama.cpp": build}))
    return tuple(results)


def _llama_figure(row: dict[str, object]) -> Figure:
    prompt, made, depth = (row.get(key) or 0 for key in ("n_prompt", "n_gen", "n_depth"))
    parts = [f"pp{prompt}" if prompt else "", f"tg{made}" if made else ""]
    name = "+".join(part for part in parts if part) + (f" @ d{depth}" if depth else "")
    samples = row["samples_ts"]
    assert isinstance(samples, list)
    return Figure(name, name, "tokens/s", tuple(float(value) for value in samples))


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
