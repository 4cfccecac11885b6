"""Apple GPUs by ``ioreg``: name, cores, load and memory in use, without root rights. Power and heat are not public."""

from __future__ import annotations

import plistlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ranvier.hardware.probe import GpuReading
from ranvier.hardware.snapshot import Gpu

_IOREG = ("/usr/sbin/ioreg", "-a", "-r", "-d", "1", "-c", "IOAccelerator")
_MEMORY = ("/usr/sbin/sysctl", "-n", "hw.memsize")
_LIMIT_S = 3.0


def run(command: Sequence[str]) -> bytes:
    """The output of a system tool; empty when it fails."""
    try:
        return subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return b""


class AppleProbe:
    """On macOS only; elsewhere it finds nothing. ``tool`` runs a command."""

    closes_at_once = True

    def __init__(
        self, tool: Callable[[Sequence[str]], bytes] = run, *, active: bool = sys.platform == "darwin"
    ) -> None:
        self._tool, self._active = tool, active
        self._memory: int | None = None

    def read(self) -> GpuReading:
        if not self._active:
            return GpuReading()
        if self._memory is None:
            self._memory = parse_memory(self._tool(_MEMORY))
        gpus = parse_accelerators(self._tool(_IOREG), self._memory)
        return GpuReading(gpus, note=None if gpus else "No GPU was found.", trouble="none")

    def close(self) -> None:
        return


def parse_memory(output: bytes) -> int | None:
    """Bytes from ``sysctl -n hw.memsize``."""
    text = output.decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else None


def parse_accelerators(output: bytes, machine_memory: int | None) -> tuple[Gpu, ...]:
    """The GPUs in a property list of ``IOAccelerator`` entries; memory is the machine's own on Apple silicon."""
    try:
        entries: Any = plistlib.loads(output) if output else []
    except (plistlib.InvalidFileException, ValueError, OverflowError):
        return ()
    except Exception as error:  # plistlib passes on what its XML parser raises
        if type(error).__name__ == "ExpatError":
            return ()
        raise
    gpus: list[Gpu] = []
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        model = entry.get("model", entry.get("IOClass"))
        name = model.decode("utf-8", "replace").rstrip("\0") if isinstance(model, bytes) else str(model or "GPU")
        statistics = entry.get("PerformanceStatistics")
        statistics = statistics if isinstance(statistics, dict) else {}
        unified = name.startswith("Apple") or str(entry.get("IOClass", "")).startswith("AGX")
        own = _whole(entry.get("VRAM,totalMB"))
        gpus.append(
            Gpu(
                uuid=f"registry:{entry.get('IORegistryEntryID', len(gpus))}",
                name=name,
                index=len(gpus),
                vendor="apple" if unified else "other",
                unified_memory=unified,
                memory_total=machine_memory if unified else None if own is None else own * 2**20,
                memory_used=_first(statistics, "In use system memory", "vramUsedBytes", "inUseVidMemoryBytes"),
                utilization_percent=_first(statistics, "Device Utilization %", "GPU Activity(%)"),
                cores=_whole(entry.get("gpu-core-count")),
            )
        )
    return tuple(gpus)


def _first(statistics: Mapping[str, Any], *names: str) -> int | None:
    return next((value for name in names if (value := _whole(statistics.get(name))) is not None), None)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
