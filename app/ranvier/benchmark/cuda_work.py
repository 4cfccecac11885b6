"""NVIDIA's device benchmark inside its child: bandwidth, fp32 and tensor-core peaks; a short check or a long run."""

from __future__ import annotations

import ctypes
import hashlib
import time
from dataclasses import dataclass
from typing import Any

import msgspec

from ranvier.benchmark.child import Say
from ranvier.benchmark.cuda_driver import Context, Cuda
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.figures import Device, DeviceResult, Figure, Minute
from ranvier.core.paths import resources

LABEL = (
    "Peak rates by instruction on data of random bits, not by a matrix library; tensor rates with 32-bit sums. Hopper "
    "and newer can do more with instructions not used here. These kernels have not yet been compared with cuBLAS on a "
    "real card."
)
_WARPS, _ROUNDS, _TILES = 8, 2048, 8
_SAMPLES = 7
_SMALLEST = 64 * 2**20


class CudaRequest(msgspec.Struct, frozen=True):
    """``uuid`` None: the first card. ``check_s`` is shared by the tests; ``sustained_s`` 0 leaves the long run out.
    Of a run that goes on ``done_s`` seconds are measured already, and the check is not run again."""

    uuid: str | None = None
    check_s: float = 20.0
    sustained_s: float = 0.0
    library: str | None = None
    done_s: float | None = None


@dataclass(frozen=True)
class _Test:
    """``work`` is bytes or operations of one launch."""

    name: str
    title: str
    unit: str
    kernel: str
    work: float
    grid: int
    block: int
    arguments: list[Any]


def work(request: Any, say: Say) -> DeviceResult:
    """Measure one card. Raises BenchmarkError."""
    asked = msgspec.convert(request, CudaRequest)
    cuda = Cuda(asked.library)
    device = cuda.find(asked.uuid)
    with Context(cuda, device) as context:
        if context.capability < (7, 5):
            message = f"{context.name} (compute capability {context.capability[0]}.{context.capability[1]}) is too old."
            raise BenchmarkError("Not for this card", message, "Turing and newer can be measured this way.")
        file = "kernels_80.ptx" if context.capability >= (8, 0) else "kernels_75.ptx"
        kernels = (resources() / "benchmark" / file).read_bytes()
        context.load(kernels)
        free, total = context.memory()
        size = _buffer(free, context.cache)
        buffers = [context.allocate(size), context.allocate(size)]
        tests = _tests(context, buffers, size)
        figures, skipped = ((), {}) if asked.done_s is not None else _check(context, tests, asked.check_s, say)
        heavy = next((test for test in reversed(tests) if test.name in ("bf16", "fp16")), None)
        long_run = asked.sustained_s > 0 and heavy is not None
        named = f"{file} {hashlib.sha256(kernels).hexdigest()[:8]}"  # figures of other kernels are not the same figures
        result = _result(cuda, device, context, size, named, (free, total), figures, skipped, long_run)
        if long_run and heavy is not None:
            say({"event": "checked", "result": result})
            sustained = _sustain(context, heavy, asked.sustained_s, asked.done_s or 0.0, say)
            result = msgspec.structs.replace(result, sustained=sustained)
        for buffer in buffers:
            context.free(buffer)
    return result


def _result(
    cuda: Cuda,
    device: int,
    context: Context,
    size: int,
    kernels: str,
    memory: tuple[int, int],
    figures: tuple[Figure, ...],
    skipped: dict[str, str],
    long_run: bool,
) -> DeviceResult:
    major, minor = context.capability
    return DeviceResult(
        device=Device(
            uuid=cuda.uuid(device),
            name=context.name,
            kind="cuda",
            pci_address=cuda.address(device),
            memory_total=memory[1],
            memory_free=memory[0],
            details={
                "compute_capability": f"{major}.{minor}",
                "multiprocessors": str(context.multiprocessors),
                "l2_bytes": str(context.cache),
                "buffer_bytes": str(size),
            },
        ),
        label=LABEL,
        figures=figures,
        versions={"cuda_driver": cuda.version, "kernels": kernels},
        skipped=skipped,
        sustained_unit="TFLOP/s" if long_run else "",
    )


def _buffer(free: int, cache: int) -> int:
    """Four times the cache at least, so that memory is measured; at most a quarter of what is free."""
    size = min(max(4 * cache, 512 * 2**20), free // 4) // 256 * 256
    if size < _SMALLEST:
        message = f"Only {free / 2**20:.0f} MiB of the GPU's memory are free."
        raise BenchmarkError("Too little memory", message, "Stop what uses the GPU first.")
    return size


def _tests(context: Context, buffers: list[ctypes.c_uint64], size: int) -> list[_Test]:
    source, target = buffers
    count, rounds = ctypes.c_uint64(size // 16), ctypes.c_int(_ROUNDS)
    wide, blocks = context.multiprocessors * 16, context.multiprocessors * 8
    threads = 32 * _WARPS
    instructions = float(_ROUNDS) * _TILES * _WARPS * blocks
    depth = 16 if context.capability >= (8, 0) else 8
    out = [
        _Test("read", "Memory read", "GB/s", "ranvier_read", size, wide, 512, [source, target, count]),
        _Test("copy", "Memory copy", "GB/s", "ranvier_copy", 2 * size, wide, 512, [source, target, count]),
        _Test("fp32", "fp32", "TFLOP/s", "ranvier_fp32", 16.0 * _ROUNDS * threads * blocks, blocks, threads,
              [target, rounds]),
        _Test("fp16", "fp16 tensor", "TFLOP/s", "ranvier_fp16", 2.0 * 16 * 8 * depth * instructions, blocks, threads,
              [target, rounds]),
    ]  # fmt: skip
    if context.capability >= (8, 0):
        out += [
            _Test("int8", "int8 tensor", "TOP/s", "ranvier_int8", 2.0 * 16 * 8 * 32 * instructions, blocks, threads,
                  [target, rounds]),
            _Test("bf16", "bf16 tensor", "TFLOP/s", "ranvier_bf16", 2.0 * 16 * 8 * 16 * instructions, blocks, threads,
                  [target, rounds]),
        ]  # fmt: skip
    return out


def _check(context: Context, tests: list[_Test], seconds: float, say: Say) -> tuple[tuple[Figure, ...], dict[str, str]]:
    """Each test for its share of the time, after a warm-up that wakes the clocks."""
    figures: list[Figure] = []
    skipped: dict[str, str] = {}
    for number, test in enumerate(tests):
        say({"event": "progress", "test": test.title, "done": number, "of": len(tests)})
        try:
            function = context.function(test.kernel)
            samples, inner = _measure(context, function, test, seconds / len(tests))
        except BenchmarkError as error:
            skipped[test.name] = error.message
            continue
        figures.append(Figure(test.name, test.title, test.unit, samples, inner))
    if not figures:
        raise BenchmarkError("Nothing could be measured", next(iter(skipped.values()), "No test ran."), "")
    return tuple(figures), skipped


def _measure(context: Context, function: ctypes.c_void_p, test: _Test, seconds: float) -> tuple[tuple[float, ...], int]:
    once = context.time(function, test.grid, test.block, test.arguments, 1)
    launches = _launches(once, min(0.2, seconds / 4))
    context.time(function, test.grid, test.block, test.arguments, launches)  # clocks are up now
    once = context.time(function, test.grid, test.block, test.arguments, 1)
    launches = _launches(once, seconds / (_SAMPLES + 2))
    samples = []
    for _ in range(_SAMPLES):
        taken = context.time(function, test.grid, test.block, test.arguments, launches)
        samples.append(_rate(test, launches, taken))
    return tuple(samples), launches


def _launches(once: float, seconds: float) -> int:
    return max(1, min(2000, int(seconds / max(once, 1e-6))))


def _rate(test: _Test, launches: int, seconds: float) -> float:
    if seconds <= 0:
        raise BenchmarkError("The GPU's clock stands still", f"{test.title} took no time.", "Update the driver.")
    return test.work * launches / seconds / (1e9 if test.unit == "GB/s" else 1e12)


def _sustain(context: Context, test: _Test, seconds: float, done: float, say: Say) -> tuple[Minute, ...]:
    """The heaviest test again and again, about a second at a time, from ``done`` seconds on; the parent watches clocks,
    heat and energy."""
    function = context.function(test.kernel)
    launches = _launches(context.time(function, test.grid, test.block, test.arguments, 1), 1.0)
    begin = time.monotonic() - done
    slices: list[Minute] = []
    while (passed := time.monotonic() - begin) < seconds:
        taken = context.time(function, test.grid, test.block, test.arguments, launches)
        slices.append(Minute(round(passed, 3), _rate(test, launches, taken)))
        say({"event": "sustained", "at": slices[-1].at, "rate": slices[-1].rate, "of": seconds, "unit": test.unit})
    return tuple(slices)
