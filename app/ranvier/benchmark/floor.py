"""A subnet's hardware floor, ``min_compute.yml`` as subnets write it, against a machine: met or not, line by line.

The file follows no schema: most subnets fill in one template, some write a few lines of their own. What is understood
is compared; what is not is shown as "cannot be checked", never as met and never left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    spec = _part_of(raw, role)
    lines = [*_lines((), spec, machine)]
    if spec and not _SAID_OF_NETWORK & set(spec):
        lines += _lines(("network_spec",), _mapping(raw.get("network_spec")), machine)
    return tuple(lines)


_ROLES = ("miner", "validator")
_SAID_OF_NETWORK = {"network", "network_spec"}
_EITHER = ("profiles", "tiers", "options")  # one of what they hold is enough
_NO_FLOOR = re.compile(r"recommend|^top_tier|(^|_)(note|notes|reason)$|^(why|rationale|enforced|version|netuid)$")
_SECTIONS = {
    "cpu": "cpu", "gpu": "gpu", "memory": "memory", "ram": "memory", "storage": "storage", "disk": "storage",
    "os": "os",
}  # fmt: skip


def _part_of(raw: Mapping[str, Any], role: str) -> Mapping[str, Any]:
    """What the file says of this role: ``compute_spec.ROLE``, ``roles.ROLE``, ``ROLE``, or all of it where it names no
    role."""
    whole = next((_mapping(raw[key]) for key in ("compute_spec", "roles") if _mapping(raw.get(key))), raw)
    if role in whole:
        return _mapping(whole[role])
    if any(other in whole for other in _ROLES):
        return {}
    return {key: value for key, value in whole.items() if key not in ("version", "network_spec")}


def _lines(path: Sequence[str], content: Mapping[Any, Any], machine: MachineFacts) -> Iterator[FloorLine]:
    for key, wanted in content.items():
        here = (*path, str(key))
        name = ".".join(part.removesuffix("_spec") for part in here if part not in ("compute_spec", "bandwidth"))
        if wanted in (None, "", {}, []) or (_NO_FLOOR.search(str(key)) and here[-2:] != ("os", "version")):
            continue
        if str(key) in _ROLES:
            continue  # another role's ports and the like
        if _SECTIONS.get(str(key)) == "gpu" and _no_gpu(wanted):
            yield FloorLine(f"{name}.required" if isinstance(wanted, dict) else name, "no", _found(machine), True)
        elif isinstance(wanted, dict) and key in _EITHER and all(isinstance(one, dict) for one in wanted.values()):
            yield _either(name, here, wanted, machine)
        elif isinstance(wanted, dict):
            yield from _lines(here, wanted, machine)
        elif isinstance(wanted, list):
            yield FloorLine(name, ", ".join(map(_item, wanted))[:60], "cannot be checked", None)
        else:
            check = _check_for(here)
            text = ("no", "yes")[wanted] if isinstance(wanted, bool) else str(wanted)
            met, have = (None, "cannot be checked") if check is None else check(wanted, machine)
            yield FloorLine(name, text, have, met)


def _item(one: object) -> str:
    return " ".join(str(part) for part in one.values()) if isinstance(one, dict) else str(one)


def _no_gpu(wanted: object) -> bool:
    if isinstance(wanted, dict):
        return wanted.get("required") is False
    return wanted is False or str(wanted).lower() in ("none", "no", "optional")


def _found(machine: MachineFacts) -> str:
    return f"{len(machine.cards)} found"


def _either(name: str, path: Sequence[str], choices: Mapping[Any, Any], machine: MachineFacts) -> FloorLine:
    """Several sets of lines of which one is enough."""
    met: dict[str, bool | None] = {}
    for key, content in choices.items():
        answers = [line.met for line in _lines((*path, str(key)), content, machine)]
        met[str(key)] = False if False in answers else None if None in answers or not answers else True
    good = [key for key, answer in met.items() if answer]
    wanted = f"one of {', '.join(met)}"
    if good:
        return FloorLine(name, wanted, f"enough for {', '.join(good)}", True)
    unknown = [key for key, answer in met.items() if answer is None]
    return FloorLine(name, wanted, "cannot be checked" if unknown else "enough for none", None if unknown else False)


def _check_for(path: Sequence[str]) -> Check | None:
    """The check for a line, found by the section it stands in and its own name without a unit."""
    key = path[-1].lower().removesuffix("_gb").removesuffix("_ghz")
    section = next((_SECTIONS[part] for part in reversed(path[:-1]) if part in _SECTIONS), "")
    if not section:
        first, _, rest = key.partition("_")
        section, key = _SECTIONS.get(first, ""), rest  # cpu_cores, ram_gb, disk_type
    return _CHECKS.get((section, _NAMES.get((section, key), key)))


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
    have, text = "turning disk" if machine.rotational else "SSD", str(wanted).lower()
    if "hdd" in text or machine.rotational:
        return "hdd" in text, have
    return (True if "ssd" in text else None), have  # whether it is an NVMe one is not known


def _system(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
    """A name that is not ours proves nothing: subnets write "Ubuntu" and run on every Linux."""
    if machine.system is None:
        return None, "unknown"
    return (True if str(wanted).lower() in machine.system.lower() else None), machine.system


def _card_name(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
    """A card of another name may be as good: only the same one is certain."""
    asked = set(re.findall(r"[a-z0-9]+", str(wanted).lower().split("(")[0])) - {"nvidia", "geforce", "only"}
    names = [card.name for card in machine.cards]
    same = any(asked <= set(re.findall(r"[a-z0-9]+", name.lower())) for name in names)
    return (True if asked and same else None), ", ".join(names)


def _vendor(wanted: object, machine: MachineFacts) -> tuple[bool | None, str]:
    """CUDA's number is known of NVIDIA's cards only."""
    names = ", ".join(card.name for card in machine.cards)
    cuda = any(card.capability is not None for card in machine.cards)
    return (True if cuda and "nvidia" in str(wanted).lower() else None), names


def _count(machine: MachineFacts) -> float:
    return len(machine.cards)


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
    ("gpu", "min_count"): _number_check(_count),
    ("gpu", "min_gpu"): _no_card(_card_name),
    ("gpu", "vendor"): _no_card(_vendor),
    ("memory", "min_ram"): _bytes_check(lambda machine: machine.memory),
    ("memory", "min_swap"): _bytes_check(lambda machine: machine.swap),
    ("storage", "min_space"): _bytes_check(lambda machine: machine.disk_free),
    ("storage", "type"): _disk_type,
    ("os", "name"): _system,
}
# Other names that subnets give to the same lines; "" is a section that is one value (``ram: 8``).
_NAMES: dict[tuple[str, str], str] = {
    ("cpu", ""): "min_cores", ("cpu", "cores"): "min_cores", ("cpu", "vcpu_count"): "min_cores",
    ("gpu", ""): "min_gpu", ("gpu", "minimum_gpu"): "min_gpu", ("gpu", "vram"): "min_vram",
    ("gpu", "min_amount"): "min_count", ("gpu", "count"): "min_count", ("gpu", "min_gpus"): "min_count",
    ("gpu", "type"): "vendor",
    ("memory", ""): "min_ram", ("memory", "min"): "min_ram", ("memory", "ram"): "min_ram",
    ("storage", ""): "min_space", ("storage", "min"): "min_space", ("os", ""): "name",
}  # fmt: skip


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
