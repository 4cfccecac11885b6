"""A subnet's hardware floor, ``min_compute.yml`` as subnets write it, against a machine: met or not, line by line.

The file follows no schema. What is understood is compared; what is not is shown as "cannot be checked", never as met.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ranvier.benchmark.errors import BenchmarkError

GB = 10**9
_SIZES = {
    "": GB, "b": 1, "kb": 10**3, "mb": 10**6, "gb": GB, "g": GB, "tb": 10**12, "kib": 2**10, "mib": 2**20,
    "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_NUMBER = re.compile(r"^[<>=~\s]*([\d.,_]+)\s*([a-zA-Z]*)")


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU: bytes, CUDA's "8.9", number of cores."""

    name: str
    memory: int | None = None
    capability: str | None = None
    cores: int | None = None


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What is known of the machine; None is unknown. Bytes, GHz, bytes per second."""

    cores: int | None = None
    cpu_ghz: float | None = None
    architecture: str | None = None
    memory: int | None = None
    swap: int | None = None
    disk_free: int | None = None
    rotational: bool | None = None
    system: str | None = None
    cards: tuple[Card, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class FloorLine:
    """``met`` None: it cannot be checked here. ``wanted`` is what the file says, ``have`` what the machine has."""

    key: str
    wanted: str
    have: str
    met: bool | None


def read_floor(path: Path) -> dict[str, Any]:
    """The file's content. Raises BenchmarkError when it is no YAML mapping."""
    import yaml

    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        message = " ".join(str(error).split())[:200]
        raise BenchmarkError("The floor cannot be read", f"{path}: {message}.", "Ask the subnet's owner.") from error
    if not isinstance(raw, dict):
        raise BenchmarkError("The floor cannot be read", f"{path} holds no settings.", "Ask the subnet's owner.")
    return raw


def check_floor(raw: Mapping[str, Any], machine: MachineFacts, role: str = "miner") -> tuple[FloorLine, ...]:
    """Every requirement for ``role``, in the file's order. "recommended" lines and notes are left out."""
    whole = _mapping(raw.get("compute_spec", raw))
    spec = _mapping(whole[role]) if role in whole else whole
    lines: list[FloorLine] = []
    for section, content in spec.items():
        if section == "gpu" and _mapping(content).get("required") is False:
            lines.append(FloorLine("gpu.required", "no", f"{len(machine.cards)} found", True))
            continue
        for key, wanted in _mapping(content).items():
            if wanted in (None, "") or str(key).startswith("recommended") or isinstance(wanted, (dict, list)):
                continue
            check = _CHECKS.get((str(section), str(key)))
            text = ("no", "yes")[wanted] if isinstance(wanted, bool) else str(wanted)
            met, have = (None, "cannot be checked") if check is None else check(wanted, machine)
            lines.append(FloorLine(f"{section}.{key}", text, have, met))
    network = _mapping(_mapping(raw.get("network_spec")).get("bandwidth"))
    for key, wanted in network.items():
        lines.append(FloorLine(f"network.{key}", str(wanted), "cannot be checked", None))
    return tuple(lines)


def size(value: object) -> int | None:
    """Bytes from ``8GB``, ``16 GiB`` or a bare number (gigabytes, as subnets mean it)."""
    match = _NUMBER.match(str(value))
    if match is None or match[2].lower() not in _SIZES:
        return None
    try:
        return round(float(match[1].replace(",", "").replace("_", "")) * _SIZES[match[2].lower()])
    except ValueError:
        return None


def quantity(value: object) -> float | None:
    """The number at the beginning of a text (``2.5GHz``, ``>=20``)."""
    match = _NUMBER.match(str(value))
    try:
        return None if match is None else float(match[1].replace(",", "").replace("_", ""))
    except ValueError:
        return None


Check = Callable[[object, MachineFacts], tuple[bool | None, str]]


def _compare(wanted: float | None, have: float | None, text: str) -> tuple[bool | None, str]:
    if have is None:
        return None, "unknown"
    return (None if wanted is None else have >= wanted), text


def _bytes_check(read: Callable[[MachineFacts], int | None]) -> Check:
    def check(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
        have = read(machine)
        # Machines are sold by round numbers and report a little less: 16 GB that show 15.6 are what was meant.
        return _compare(None if size(wanted) is None else (size(wanted) or 0) * 0.95, have, _gb(have))

    return check


def _number_check(read: Callable[[MachineFacts], float | None], unit: str = "") -> Check:
    def check(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
        have = read(machine)
        return _compare(quantity(wanted), have, "unknown" if have is None else f"{have:g}{unit}")

    return check


def _gpu_required(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
    names = ", ".join(card.name for card in machine.cards)
    return bool(machine.cards), names or "none"


def _best(read: Callable[[Card], float | None]) -> Callable[[MachineFacts], float | None]:
    return lambda machine: max((value for card in machine.cards if (value := read(card)) is not None), default=None)


def _capability(card: Card) -> float | None:
    return quantity(card.capability) if card.capability is not None else None


def _no_card(check: Check) -> Check:
    """Without any card a requirement of one is not met, rather than unknown."""

    def checked(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
        return check(wanted, machine) if machine.cards else (False, "no GPU")

    return checked


def _architecture(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
    names = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}
    have = machine.architecture
    if have is None:
        return None, "unknown"
    asked = {names.get(word, word) for word in re.split(r"[^a-z0-9_]+", str(wanted).lower()) if word}
    return names.get(have.lower(), have.lower()) in asked, have


def _disk_type(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
    if machine.rotational is None:
        return None, "unknown"
    return "hdd" in str(wanted).lower() or not machine.rotational, "turning disk" if machine.rotational else "SSD"


def _system(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
    """A name that is not ours proves nothing: subnets write "Ubuntu" and run on every Linux."""
    if machine.system is None:
        return None, "unknown"
    return (True if str(wanted).lower() in machine.system.lower() else None), machine.system


def _memory_of(card: Card) -> float | None:
    return card.memory


def _best_memory(machine: MachineFacts) -> int | None:
    best = _best(_memory_of)(machine)
    return None if best is None else int(best)


def _gb(value: float | None) -> str:
    return "unknown" if value is None else f"{value / GB:.1f} GB"


_VRAM = _no_card(_bytes_check(_best_memory))
_CHECKS: dict[tuple[str, str], Check] = {
    ("cpu", "min_cores"): _number_check(lambda machine: machine.cores),
    ("cpu", "min_speed"): _number_check(lambda machine: machine.cpu_ghz, " GHz"),
    ("cpu", "architecture"): _architecture,
    ("gpu", "required"): _gpu_required,
    ("gpu", "min_vram"): _VRAM,
    ("gpu", "cuda_cores"): _no_card(_number_check(_best(lambda card: card.cores))),
    ("gpu", "min_compute_capability"): _no_card(_number_check(_best(_capability))),
    ("memory", "min_ram"): _bytes_check(lambda machine: machine.memory),
    ("memory", "min_swap"): _bytes_check(lambda machine: machine.swap),
    ("storage", "min_space"): _bytes_check(lambda machine: machine.disk_free),
    ("storage", "type"): _disk_type,
    ("os", "name"): _system,
}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
