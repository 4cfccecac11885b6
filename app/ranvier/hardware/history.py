"""Energy of a card over many samples. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ranvier.hardware.snapshot import Gpu, Hardware

_LONGEST_GAP_S = 1500.0  # thinned samples are ten minutes apart; beyond that nobody looked
_SLOTS = 2.5  # the same for samples that were asked for further apart
_SAME_BOOT_S = 120.0  # a clock that is set moves the time of the boot a little


@dataclass(frozen=True, slots=True)
class Energy:
    """``joules`` over ``seconds`` of known time; ``counted`` says by the card's own counter, else from its power."""

    joules: float
    seconds: float
    counted: bool


def energy(samples: Sequence[Hardware], uuid: str, slot_s: float = 0.0) -> Energy | None:
    """Energy of one card in samples that were asked for about ``slot_s`` apart, oldest first.

    The counter's rise counts where there is one and it did not go back (a driver that starts again counts from zero):
    between two samples of one run of the machine over any pause, because the card counts also while nobody looks.
    Elsewhere power times time, as an estimate, and over no pause. None when nothing is known.
    """
    joules = seconds = 0.0
    counted = True
    longest = max(_LONGEST_GAP_S, _SLOTS * slot_s)
    before: tuple[Hardware, Gpu] | None = None
    for sample in samples:
        gpu = next((gpu for gpu in sample.gpus if gpu.uuid == uuid and gpu.problem is None and not gpu.asleep), None)
        if gpu is None:
            continue
        last, before = before, (sample, gpu)
        span = 0.0 if last is None else sample.at - last[0].at
        if last is None or span <= 0 or (span > longest and not _same_boot(last[0], sample)):
            continue
        rise = _counted(last[1], gpu)
        if rise is None and span <= longest and gpu.power_w is not None and last[1].power_w is not None:
            rise = (gpu.power_w + last[1].power_w) / 2 * span
            counted = False
        if rise is not None:
            joules += rise
            seconds += span
    return Energy(joules, seconds, counted) if seconds > 0 else None


def _counted(before: Gpu, now: Gpu) -> float | None:
    """The counter's rise in joules; None where one of them has none, or it went back."""
    if before.energy_j is None or now.energy_j is None or now.energy_j < before.energy_j:
        return None
    return now.energy_j - before.energy_j


def _same_boot(before: Hardware, now: Hardware) -> bool:
    booted = [sample.at - sample.host.uptime_s for sample in (before, now)]
    return abs(booted[1] - booted[0]) <= _SAME_BOOT_S
