"""How a conviction lock changes with time (``ConvictionModel`` of staking/lock), in U64F64 bits. Pure.

The mass of a lock decays with the unlock rate unless it is perpetual; its conviction grows with the maturity rate
towards the mass. A lock on the subnet owner's hotkey has its full mass as conviction at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

FRACTION = 64
ONE = 1 << FRACTION
MOST = (1 << 128) - 1
_U64_MAX = (1 << 64) - 1
_I64F64_MAX = (1 << 127) - 1
_DUST = 100
_MOST_RATIO = 40 * ONE


@dataclass(frozen=True, slots=True)
class LockState:
    """``mass`` in rao of alpha, ``conviction`` in bits with 64 of fraction, ``block`` of the last change."""

    mass: int
    conviction: int
    block: int

    @property
    def is_dust(self) -> bool:
        """Too little to be kept (``is_zero``): less than 100 of both."""
        return self.mass < _DUST and self.conviction < _DUST << FRACTION

    def plus(self, mass: int, conviction: int) -> LockState:
        """With more of both; nothing overflows (``merge_lock``)."""
        return replace(self, mass=min(self.mass + mass, _U64_MAX), conviction=min(self.conviction + conviction, MOST))

    def minus(self, mass: int, conviction: int) -> LockState:
        """With less of both, not below nothing (``reduce_lock``)."""
        return replace(self, mass=max(self.mass - mass, 0), conviction=max(self.conviction - conviction, 0))


@dataclass(frozen=True, slots=True)
class Pace:
    """The chain's two rates, blocks: what decays by a factor of e in that time."""

    unlock_rate: int
    maturity_rate: int


@lru_cache(4096)
def decay(blocks: int, rate: int) -> int:
    """Bits of e ** (-blocks / rate) (``exp_decay``): the series of 62 terms in I64F64, then its inverse."""
    if blocks == 0:
        return ONE
    if rate == 0:
        return 0
    ratio = min((blocks << FRACTION) // rate, _MOST_RATIO)
    if ratio == 0:
        return ONE
    total, term = ratio + ONE, ratio
    for place in range(2, FRACTION):
        term = (term * ratio >> FRACTION) // place
        total += term
    return (ONE << FRACTION) // total


def _aged(lock: LockState, blocks: int, pace: Pace, perpetual: bool) -> tuple[int, int]:
    """Mass and conviction after ``blocks`` (``calculate_decayed_mass_and_conviction``)."""
    unlocked, matured = decay(blocks, pace.unlock_rate), decay(blocks, pace.maturity_rate)
    kept = matured * lock.conviction >> FRACTION
    if perpetual:
        return lock.mass, min(kept + lock.mass * (ONE - matured), MOST)
    if pace.unlock_rate == pace.maturity_rate:
        share = ((blocks << FRACTION) // pace.maturity_rate) * matured >> FRACTION if pace.maturity_rate else 0
    elif pace.unlock_rate == 0 or pace.maturity_rate == 0:
        share = 0
    else:
        share = _gained(pace, unlocked - matured)
    return unlocked * lock.mass >> FRACTION, min(kept + min(lock.mass * share, MOST), MOST)


def _gained(pace: Pace, difference: int) -> int:
    """tau_x * (e**-t/tau_x - e**-t/tau_y) / (tau_x - tau_y) in bits; nothing when that is not positive."""
    product = max(-_I64F64_MAX - 1, min(pace.unlock_rate * difference, _I64F64_MAX))
    between = pace.unlock_rate - pace.maturity_rate
    return product // between if (product > 0) == (between > 0) else 0


def rolled(lock: LockState, now: int, pace: Pace, *, owner: bool, perpetual: bool, dust: bool = False) -> LockState:
    """The lock as it is at block ``now`` (``roll_forward_lock``). ``dust`` keeps what is too little to be kept."""
    if now > lock.block:
        mass, conviction = _aged(lock, now - lock.block, pace, perpetual)
        lock = LockState(mass, conviction, now)
    if owner:
        lock = replace(lock, conviction=lock.mass << FRACTION)
    return lock if dust or not lock.is_dust else replace(lock, mass=0, conviction=0)
