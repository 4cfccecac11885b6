"""A subnet seen closely, at one block: how one gets in, who sits there, who leaves next."""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.chain.model import Axon, BlockRef
from ranvier.chain.pruning import Rule


@dataclass(frozen=True, slots=True)
class Registration:
    """The price of a seat and its rules. ``half_life_blocks`` is set where the price decays every block and jumps
    with each registration (by ``jump_ppm`` of itself); else it moves every ``interval_blocks`` towards
    ``target_per_interval``. ``locked_rao`` of the price becomes collateral, the rest is gone."""

    netuid: int
    open: bool
    price_rao: int
    burned_rao: int
    locked_rao: int
    min_price_rao: int
    max_price_rao: int
    half_life_blocks: int | None
    jump_ppm: int | None
    interval_blocks: int | None
    target_per_interval: int | None
    this_interval: int | None
    most_per_block: int | None
    this_block: int | None
    limit_possible: bool


@dataclass(frozen=True, slots=True)
class Seat:
    """One row of the metagraph. u16 members are of 65535; ``emission_rao`` is alpha per tempo; stakes are rao.

    ``total_stake_rao`` is alpha plus TAO times the network's weight; the three are what weighs, after child keys,
    where the runtime tells it, and what is staked on the hotkey itself where it does not.
    """

    uid: int
    hotkey_ss58: str
    coldkey_ss58: str | None
    registered_block: int
    immune_until_block: int
    incentive: int
    dividends: int
    consensus: int
    emission_rao: int
    active: bool
    validator_permit: bool
    last_update: int
    alpha_stake_rao: int
    tao_stake_rao: int
    total_stake_rao: int
    pruning_score: int | None
    protected: bool
    axon: Axon | None


@dataclass(frozen=True, slots=True)
class Metagraph:
    """Every seat of a subnet at one block, by uid, and the line of those who would leave (first goes first).

    ``line`` is empty while seats are free; ``free_seats`` registrations remove nobody.
    """

    netuid: int
    block: BlockRef
    seats: tuple[Seat, ...]
    max_seats: int
    immunity_blocks: int
    tempo: int
    kappa: int
    rule: Rule
    min_non_immune: int
    line: tuple[int, ...]

    @property
    def free_seats(self) -> int:
        return max(0, self.max_seats - len(self.seats))

    def ahead(self, uid: int) -> int | None:
        """How many would leave before ``uid`` if registrations came now (free seats counted); None: not in line."""
        return self.free_seats + self.line.index(uid) if uid in self.line else None
