"""GPUs as the Windows registry lists them: names and true memory sizes.

Only cards that NVML does not speak for are told. ``Win32_VideoController.AdapterRAM`` is never used: it has 32 bits,
and says 4 GB for every larger card.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ranvier.hardware.probe import GpuReading
from ranvier.hardware.snapshot import Gpu

_CLASS = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
_FIELDS = ("DriverDesc", "MatchingDeviceId", "HardwareInformation.qwMemorySize", "DriverVersion")


def registry() -> list[dict[str, Any]]:
    """The display adapters' keys, one mapping each; empty on other systems."""
    rows: list[dict[str, Any]] = []
    if sys.platform == "win32":
        import contextlib
        import winreg

        with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _CLASS) as adapters:
            for number in range(winreg.QueryInfoKey(adapters)[0]):
                name = winreg.EnumKey(adapters, number)
                if not name.isdigit():
                    continue
                row: dict[str, Any] = {"key": name}
                with contextlib.suppress(OSError), winreg.OpenKey(adapters, name) as key:
                    for field in _FIELDS:
                        with contextlib.suppress(OSError):
                            row[field] = winreg.QueryValueEx(key, field)[0]
                rows.append(row)
    return rows


class RegistryProbe:
    """``rows`` reads the registry. The list is read once: cards do not change under a running Windows session."""

    closes_at_once = True

    def __init__(self, rows: Callable[[], Iterable[Mapping[str, Any]]] = registry) -> None:
        self._rows = rows
        self._reading: GpuReading | None = None

    def read(self) -> GpuReading:
        if self._reading is None:
            self._reading = GpuReading(adapters(self._rows()))
        return self._reading

    def close(self) -> None:
        self._reading = None


def adapters(rows: Iterable[Mapping[str, Any]]) -> tuple[Gpu, ...]:
    """AMD and Intel adapters of registry rows; software adapters and NVIDIA's are left out."""
    gpus: list[Gpu] = []
    for row in rows:
        device = str(row.get("MatchingDeviceId", "")).lower()
        vendor = "amd" if "ven_1002" in device else "intel" if "ven_8086" in device else None
        if vendor is None:
            continue
        size = row.get("HardwareInformation.qwMemorySize")
        if isinstance(size, bytes):
            size = int.from_bytes(size, "little")
        gpus.append(
            Gpu(
                uuid=f"registry:{row.get('key', len(gpus))}",
                name=str(row.get("DriverDesc") or "GPU"),
                index=len(gpus),
                vendor=vendor,
                memory_total=size if isinstance(size, int) and size > 0 else None,
                kernel_driver=str(row["DriverVersion"]) if row.get("DriverVersion") else None,
            )
        )
    return tuple(gpus)
