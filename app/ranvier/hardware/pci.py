"""NVIDIA cards as the Linux kernel lists them: seen without waking them, and without their driver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys")
_NVIDIA = "0x10de"
_DISPLAY_CLASS = "0x03"


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
                    asleep=_line(folder / "power" / "runtime_status") == "suspended",
                )
            )
    return tuple(cards)


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
