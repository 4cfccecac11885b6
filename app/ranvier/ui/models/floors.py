"""What the recipes of one's own miners ask of a machine, beside what this machine has."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from ranvier.agent.api.messages import MinerView
from ranvier.core.errors import RecipeError
from ranvier.core.paths import Paths
from ranvier.hardware.snapshot import Hardware
from ranvier.miners.recipe.recipe import load_recipe
from ranvier.miners.recipe.recipe_model import HardwareFloor
from ranvier.ui.words import UNKNOWN, count_text, size_text

_SHORT = 0.95  # machines are sold by round numbers and report a little less


def read_floors(paths: Paths, miners: Iterable[MinerView], network: str, netuid: int) -> dict[str, HardwareFloor]:
    """Floors by the recipe's title, of the miners of this subnet whose recipe names one. It reads files."""
    found: dict[str, HardwareFloor] = {}
    for one in miners:
        if (one.network, one.netuid) != (network, netuid):
            continue
        with contextlib.suppress(RecipeError):  # the miner's own page tells what is wrong with it
            recipe = load_recipe(paths.miner(one.id) / "recipe")
            if recipe.hardware != HardwareFloor():
                found[recipe.title] = recipe.hardware
    return found


def floor_words(title: str, floor: HardwareFloor, machine: Hardware | None) -> str:
    """``“Story writer” asks for 16 cores (has 8: too few) and 24 GiB of memory (has 31 GiB).``"""
    host = None if machine is None else machine.host
    card = None if machine is None else max((gpu.memory_total or 0 for gpu in machine.gpus), default=0)
    sizes = (
        ("of GPU memory", floor.gpu_memory_bytes, card),
        ("of memory", floor.memory_bytes, None if host is None else host.memory_total),
        ("of disk", floor.disk_bytes, None if host is None else host.disk_free),
    )
    said = [
        f"{size_text(wanted)} {what} ({_has(wanted * _SHORT, have, size_text(have))})"
        for what, wanted, have in sizes
        if wanted is not None
    ]
    if floor.cores is not None:
        cores = None if host is None else host.cores_logical
        said.insert(0, f"{count_text(floor.cores, 'core')} ({_has(floor.cores, cores, str(cores))})")
    return f"The recipe “{title}” asks for at least {', '.join(said)}."


def _has(wanted: float, have: int | None, text: str) -> str:
    if have is None:
        return UNKNOWN
    return f"here: {text if have else 'none'}{'' if have >= wanted else ', too little'}"
