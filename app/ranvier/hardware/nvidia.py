"""NVIDIA GPUs by NVML. Every field is optional: what a card, driver or permission does not give is None.

Reads the source rule of NVML: identity is the UUID; an index may change at boot. A call may hang or, when a card
has fallen off the bus, crash the process: the caller gives ``read`` a thread of its own and a time limit.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ranvier.hardware.pci import SYSFS, PciCard, nvidia_cards
from ranvier.hardware.probe import GpuReading
from ranvier.hardware.snapshot import Gpu

T = TypeVar("T")

_SLOW_EVERY_S = 5.0  # process lists take milliseconds under the driver's lock
_RETRY_S = 5.0  # between two attempts to open a driver that would not
_NOT_AVAILABLE = 2**64 - 1  # what older drivers write into a field they do not know

# NVML's return codes by number: old and new pynvml name the classes alike, the numbers are the library's own.
_UNINITIALIZED, _NOT_SUPPORTED, _NO_PERMISSION, _NOT_LOADED, _NO_LIBRARY = 1, 3, 4, 9, 12
_LOST, _NEEDS_RESET, _MISMATCH = 15, 16, 18

_REASONS = (  # nvmlClocksEventReasons; 0x1 (idle) is no throttling
    (0x2, "application clocks"),
    (0x4, "power limit"),
    (0x8, "hardware slowdown"),
    (0x10, "sync boost"),
    (0x20, "heat (software)"),
    (0x40, "heat (hardware)"),
    (0x80, "power brake"),
    (0x100, "display clocks"),
)


class NvmlProbe:
    """All NVIDIA GPUs. ``sysfs`` is where the kernel lists PCI devices; ``clock`` is monotonic seconds."""

    def __init__(self, sysfs: Path = SYSFS, clock: Callable[[], float] = time.monotonic) -> None:
        self._sysfs = sysfs
        self._clock = clock
        self._open = False
        self._closed_note: str | None = None
        self._retry_at = 0.0
        self._slow_at: dict[str, float] = {}
        self._pids: dict[str, tuple[int, ...] | None] = {}

    def read(self) -> GpuReading:
        """One reading of every card; a card that fails has ``problem`` set and the others go on."""
        if not self._open:
            if self._closed_note is not None and self._clock() < self._retry_at:
                return GpuReading(note=self._closed_note)
            self._closed_note = self._start()
            if self._closed_note is not None:
                self._retry_at = self._clock() + _RETRY_S
                return GpuReading(note=self._closed_note)
        import pynvml

        try:
            count = pynvml.nvmlDeviceGetCount()
            gpus = tuple(self._gpu(pynvml, index) for index in range(count))
        except pynvml.NVMLError as error:
            self.close()
            return GpuReading(note=_sentence(error.value, nvidia_cards(self._sysfs)))
        driver = _ask(pynvml, pynvml.nvmlSystemGetDriverVersion)
        note = None if gpus else "The NVIDIA driver is there and sees no GPU."
        return GpuReading(gpus, _text(driver), note)

    def close(self) -> None:
        """Let go of the driver, so that a sleeping card may go to sleep."""
        if self._open:
            self._open = False
            import pynvml

            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()

    def _start(self) -> str | None:
        """Open the driver; returns why it cannot be opened."""
        cards = nvidia_cards(self._sysfs)
        if cards and all(card.asleep for card in cards):
            return "The NVIDIA GPU is asleep; looking at it would wake it."
        try:
            import pynvml
        except ImportError:
            return "The NVIDIA reader (nvidia-ml-py) is not installed."
        if not hasattr(pynvml, "_nvmlGetFunctionPointer"):
            return "Another package took the place of nvidia-ml-py; reinstall nvidia-ml-py."
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            return _sentence(error.value, cards)
        self._open = True
        return None

    def _gpu(self, nvml: Any, index: int) -> Gpu:
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            uuid = _text(nvml.nvmlDeviceGetUUID(handle))
        except nvml.NVMLError as error:
            return Gpu(uuid="", name=f"GPU {index}", index=index, problem=_gpu_problem(error.value))
        if uuid is None:
            return Gpu(uuid="", name=f"GPU {index}", index=index, problem="It does not tell its identity.")
        read = _Reader(nvml, handle)
        total, used = read.memory()
        rates = read(nvml.nvmlDeviceGetUtilizationRates)
        gpu = Gpu(
            uuid=uuid,
            name=_text(read(nvml.nvmlDeviceGetName)) or f"GPU {index}",
            index=index,
            memory_total=total,
            memory_used=used,
            utilization_percent=None if rates is None else _number(rates.gpu),
            temperature_c=_number(read(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU)),
            power_w=_watts(read(nvml.nvmlDeviceGetPowerUsage)),
            power_limit_w=_watts(read(nvml.nvmlDeviceGetEnforcedPowerLimit)),
            clock_sm_mhz=_number(read(nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_SM)),
            throttle_reasons=read.throttle_reasons(),
            pids=self._processes(uuid, read),
            problem=None,
        )
        return gpu if read.fatal is None else _with_problem(gpu, _gpu_problem(read.fatal))

    def _processes(self, uuid: str, read: _Reader) -> tuple[int, ...] | None:
        now = self._clock()
        if now >= self._slow_at.get(uuid, 0.0):
            self._slow_at[uuid] = now + _SLOW_EVERY_S
            self._pids[uuid] = read.pids()
        return self._pids.get(uuid)


class _Reader:
    """Asks one card; remembers the one error that is about the whole card."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle
        self.fatal: int | None = None

    def __call__(self, function: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return function(self._handle, *arguments)
        except self._nvml.NVMLError as error:
            if error.value in (_LOST, _NEEDS_RESET):
                self.fatal = error.value
            return None
        except (ValueError, OSError):
            return None

    def memory(self) -> tuple[int | None, int | None]:
        """Total and used bytes. Version 2 counts the driver's own reserve apart; version 1 is the fallback."""
        nvml = self._nvml
        info: Any = None
        if hasattr(nvml, "nvmlMemory_v2"):
            info = self(nvml.nvmlDeviceGetMemoryInfo, nvml.nvmlMemory_v2)
        info = info or self(nvml.nvmlDeviceGetMemoryInfo)
        total = None if info is None else _number(info.total)
        return (total, _number(info.used)) if total else (None, None)  # unified memory: some drivers say 0

    def throttle_reasons(self) -> tuple[str, ...]:
        nvml = self._nvml
        bits = None
        for name in ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"):
            if bits is None and hasattr(nvml, name):
                bits = self(getattr(nvml, name))
        return tuple(words for bit, words in _REASONS if bits and bits & bit)

    def pids(self) -> tuple[int, ...] | None:
        nvml = self._nvml
        lists = [
            self(nvml.nvmlDeviceGetComputeRunningProcesses),
            self(nvml.nvmlDeviceGetGraphicsRunningProcesses),
        ]
        known = [entries for entries in lists if entries is not None]
        return tuple(sorted({int(entry.pid) for entries in known for entry in entries})) if known else None


def _with_problem(gpu: Gpu, problem: str) -> Gpu:
    return Gpu(uuid=gpu.uuid, name=gpu.name, index=gpu.index, problem=problem)


def _ask(nvml: Any, function: Callable[[], T]) -> T | None:
    try:
        return function()
    except nvml.NVMLError:
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> int | None:
    return None if value is None or int(value) < 0 or int(value) >= _NOT_AVAILABLE else int(value)


def _watts(milliwatts: Any) -> float | None:
    value = _number(milliwatts)
    return None if value is None else round(value / 1000, 1)


def _gpu_problem(code: int) -> str:
    return {
        _LOST: "The GPU is lost: it fell off the bus. Restart the machine; check power and seating if it returns.",
        _NEEDS_RESET: "The GPU needs a reset: stop what uses it, then restart the machine.",
        _NO_PERMISSION: "This user may not read the GPU.",
    }.get(code, f"The driver cannot read this GPU (NVML error {code}).")


def _sentence(code: int, cards: tuple[PciCard, ...] | None) -> str:
    """Why the driver as a whole does not answer, and the next step. ``cards`` are what the kernel sees."""
    if code == _NO_LIBRARY:
        if not cards:
            return "No NVIDIA GPU or driver was found."
        return "An NVIDIA GPU is there, its driver is not installed. Install NVIDIA's driver."
    if code == _NOT_LOADED:
        if cards and any(card.driver == "nouveau" for card in cards):
            return "The nouveau driver holds the GPU; NVIDIA's own driver is not loaded."
        return "NVIDIA's driver is installed but not loaded. Restart the machine."
    if code == _MISMATCH:
        return "The NVIDIA driver was updated and the old one still runs. Restart the machine."
    if code == _NO_PERMISSION:
        return "This user may not use the NVIDIA driver. Check the permissions of /dev/nvidia*."
    if code in (_LOST, _NEEDS_RESET):
        return _gpu_problem(code)
    return f"The NVIDIA driver does not answer (NVML error {code})."
