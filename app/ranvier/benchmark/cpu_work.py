"""The processor's benchmark inside its child, for nodes without a GPU: memory bandwidth and matrix rate by numpy.

A machine that does something else measures that too: the load before is part of the result, and a warning above 30 %.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ranvier.benchmark.child import Say
from ranvier.benchmark.figures import Device, DeviceResult, Figure

LABEL = "This processor, by numpy's copy and matrix product; what an inference program reaches depends on its kernels."
_SAMPLES = 5
_BUSY_PERCENT = 30.0


class CpuRequest(msgspec.Struct, frozen=True):
    check_s: float = 10.0
    size_mib: int = 128
    matrix: int = 1024


def work(request: Any, say: Say) -> DeviceResult:
    """Measure the processor."""
    asked = msgspec.convert(request, CpuRequest)
    busy = _busy_percent()
    share = asked.check_s / 2
    skipped: dict[str, str] = {}
    versions = {"python": platform.python_version()}
    say({"event": "progress", "test": "Memory copy", "done": 0, "of": 2})
    try:
        import numpy
    except ImportError:
        figures = [_plain_copy(asked.size_mib * 2**20, share)]
        skipped["matmul"] = "numpy is not installed."
    else:
        versions["numpy"] = numpy.__version__
        figures = [_numpy_copy(numpy, asked.size_mib * 2**20, share)]
        say({"event": "progress", "test": "Matrix product", "done": 1, "of": 2})
        figures.append(_product(numpy, asked.matrix, share))
    warnings: tuple[str, ...] = ()
    if busy is not None and busy > _BUSY_PERCENT:
        warnings = (f"The processor was {busy:.0f} % busy before the run: the figures are too low.",)
    return DeviceResult(
        device=Device(
            uuid="cpu",
            name=_name(),
            kind="cpu",
            details={
                "threads": str(os.cpu_count() or 1),
                "busy_before": "unknown" if busy is None else f"{busy:.0f} %",
            },
        ),
        label=LABEL,
        figures=tuple(figures),
        versions=versions,
        skipped=skipped,
        warnings=warnings,
    )


def _plain_copy(size: int, seconds: float) -> Figure:
    source, target = bytearray(size), memoryview(bytearray(size))

    def copy() -> None:
        target[:] = source

    return _copy_figure(size, copy, seconds)


def _numpy_copy(numpy: Any, size: int, seconds: float) -> Figure:
    source, target = numpy.ones(size // 4, numpy.float32), numpy.zeros(size // 4, numpy.float32)
    return _copy_figure(size, lambda: numpy.copyto(target, source), seconds)


def _copy_figure(size: int, once: Callable[[], object], seconds: float) -> Figure:
    """Each byte is read and written."""
    return _figure("copy", "Memory copy (one thread)", "GB/s", 2 * size / 1e9, once, seconds)


def _product(numpy: Any, side: int, seconds: float) -> Figure:
    chance = numpy.random.default_rng(0)
    left, right = (chance.standard_normal((side, side), numpy.float32) for _ in range(2))
    out = numpy.empty((side, side), numpy.float32)
    return _figure(
        "matmul_fp32", f"fp32 matrix product {side}", "GFLOP/s", 2 * side**3 / 1e9,
        lambda: numpy.matmul(left, right, out=out), seconds,
    )  # fmt: skip


def _figure(name: str, title: str, unit: str, amount: float, once: Callable[[], object], seconds: float) -> Figure:
    """``amount`` of ``unit``-seconds is done by one call; after a warm-up, five samples share the time."""
    once()
    begin = time.perf_counter()
    once()
    inner = max(1, int(seconds / (_SAMPLES + 1) / max(time.perf_counter() - begin, 1e-6)))
    samples = []
    for _ in range(_SAMPLES):
        begin = time.perf_counter()
        for _ in range(inner):
            once()
        samples.append(amount * inner / (time.perf_counter() - begin))
    return Figure(name, title, unit, tuple(samples), inner)


def _busy_percent() -> float | None:
    import psutil

    try:
        return psutil.cpu_percent(interval=0.5)
    except OSError:
        return None


def _name() -> str:
    if sys.platform.startswith("linux"):
        try:
            for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
                if line.startswith("model name"):
                    return " ".join(line.partition(":")[2].split())
        except OSError:
            pass
    return platform.processor() or platform.machine() or "processor"
