"""Sums over samples: energy, series, and how much of the time a miner used a GPU. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ranvier.hardware.snapshot import Gpu, Hardware

_LONGEST_GAP_S = 1500.0  # thinned samples are ten minutes apart; beyond that nobody looked


@dataclass(frozen=True, slots=True)
class Energy:
    """``joules`` over ``seconds`` of known time; ``counted`` says by the card's own counter, else from its power."""

    joules: float
    seconds: float
    counted: bool


def series(samples: Sequence[Hardware], uuid: str, read: Callable[[Gpu], float | None]) -> list[tuple[float, float]]:
    """(time, value) of one card, oldest first; samples without the value are left out."""
    points = []
    for sample in samples:
        gpu = next((gpu for gpu in sample.gpus if gpu.uuid == uuid), None)
        value = None if gpu is None else read(gpu)
        if value is not None:
            points.append((sample.at, value))
    return points


def energy(samples: Sequence[Hardware], uuid: str, pids: frozenset[int] | None = None) -> Energy | None:
    """Energy of one card; with ``pids`` only of the time in which one of these programs was on it.

    The counter's rise counts where there is one and it did not go back (a driver that starts again counts from zero);
    elsewhere power times time, as an estimate. None when nothing is known.
    """
    joules = seconds = 0.0
    counted = True
    before: tuple[float, Gpu] | None = None
    for sample in samples:
        gpu = next((gpu for gpu in sample.gpus if gpu.uuid == uuid and gpu.problem is None), None)
        if gpu is None:
            before = None
            continue
        last, before = before, (sample.at, gpu)
        if last is None or not 0 < sample.at - last[0] <= _LONGEST_GAP_S:
            continue
        if pids is not None and not pids.intersection(gpu.pids or ()):
            continue
        rise = None
        if gpu.energy_j is not None and last[1].energy_j is not None and gpu.energy_j >= last[1].energy_j:
            rise = gpu.energy_j - last[1].energy_j
        elif gpu.power_w is not None and last[1].power_w is not None:
            rise = (gpu.power_w + last[1].power_w) / 2 * (sample.at - last[0])
            counted = False
        if rise is not None:
            joules += rise
            seconds += sample.at - last[0]
    return Energy(joules, seconds, counted) if seconds > 0 else None
