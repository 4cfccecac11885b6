"""NVIDIA cards as the Linux kernel lists them: seen without waking them, and without their driver."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys")
_NVIDIA = "0x10de"
_DISPLAY_CLASS = "0x03"
_LIBRARY_FOLDERS = (  # where systems keep libnvidia-ml: Debian, Fedora, Arch, WSL, containers, NixOS
    "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/usr/lib/nvidia", "/run/opengl-driver/lib", "/lib64",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PciCard:
    """``driver`` is the bound kernel module (None: no module); ``asleep`` is the kernel's runtime power state."""

    address: str
    driver: str | None
    asleep: bool


def nvidia_cards(sysfs: Path = SYSFS) -> tuple[PciCard, ...] | None:
    """Every NVIDIA display controller, or None where the kernel has no such list (not Linux)."""
    devices = sysfs / "bus" / "pci" / "devices"
    if not devices.is_dir():
        return None
    cards = []
    for folder in sorted(devices.iterdir()):
        if _line(folder / "vendor") == _NVIDIA and _line(folder / "class").startswith(_DISPLAY_CLASS):
            driver = folder / "driver"
            cards.append(
                PciCard(
                    address=folder.name,
                    driver=driver.resolve().name if driver.exists() else None,
                    asleep=asleep(sysfs, folder.name),
                )
            )
    return tuple(cards)


def asleep(sysfs: Path, address: str) -> bool:
    """Whether the kernel has switched this device off to save power. Asking does not wake it."""
    return _line(sysfs / "bus" / "pci" / "devices" / address / "power" / "runtime_status") == "suspended"


def loaded_version(sysfs: Path = SYSFS) -> str | None:
    """The version of NVIDIA's kernel module that runs, or None."""
    return _line(sysfs / "module" / "nvidia" / "version") or None


def _line(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""


def on_battery(sysfs: Path = SYSFS) -> bool:
    """Whether the machine has mains sockets and none of them gives power."""
    supplies = sysfs / "class" / "power_supply"
    if not supplies.is_dir():
        return False
    mains = [_line(supply / "online") for supply in sorted(supplies.iterdir()) if _line(supply / "type") == "Mains"]
    return bool(mains) and all(online == "0" for online in mains)


def nvidia_possible(sysfs: Path = SYSFS, environment: Mapping[str, str] | None = None) -> bool:
    """Whether an NVIDIA card or driver may be here, by files alone: where not, nothing needs to be started to ask."""
    if sys.platform == "darwin":
        return False
    if sys.platform != "win32" and nvidia_cards(sysfs):
        return True
    return any(place.exists() for place in _library_places(os.environ if environment is None else environment))


def driver_signs(sysfs: Path = SYSFS, environment: Mapping[str, str] | None = None) -> tuple[object, ...]:
    """What the files tell of the driver that a program started now would meet: each library and the module that runs.

    Two that differ: a driver was installed, removed or loaded in between. Costs a few stats and wakes nothing.
    """
    found: list[object] = [loaded_version(sysfs)]
    for place in _library_places(os.environ if environment is None else environment):
        with contextlib.suppress(OSError):
            seen = place.stat()
            found.append((str(place), seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns))
    return tuple(found)


def _library_places(variables: Mapping[str, str]) -> list[Path]:
    """Where NVML may lie on this system."""
    if sys.platform == "win32":
        windows = Path(variables.get("SystemRoot", "C:/Windows")) / "System32" / "nvml.dll"
        programs = Path(variables.get("ProgramFiles", "C:/Program Files")) / "NVIDIA Corporation" / "NVSMI" / "nvml.dll"
        return [windows, programs]
    folders = [*filter(None, variables.get("LD_LIBRARY_PATH", "").split(":")), *_LIBRARY_FOLDERS]
    return [Path(folder) / "libnvidia-ml.so.1" for folder in folders]
