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

    def price_in(self, blocks: int) -> int | None:
        """An estimate of the price if nobody registers for ``blocks``; None where the rule gives none."""
        if self.half_life_blocks is None or self.half_life_blocks <= 0 or blocks < 0:
            return None
        whole, rest = divmod(blocks, self.half_life_blocks)
        halved = self.price_rao >> whole
        part = 2 ** (-rest / self.half_life_blocks)  # an estimate, so the fraction may be a float
        return max(self.min_price_rao, int(halved * float(part)))


@dataclass(frozen=True, slots=True)
class Seat:
    """One row of the metagraph. u16 members are of 65535; ``emission_rao`` is alpha per tempo; stakes are rao.

    ``total_stake_rao`` is alpha plus TAO times the network's weight, before child keys.
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

    def seat_of(self, hotkey_ss58: str) -> Seat | None:
        return next((seat for seat in self.seats if seat.hotkey_ss58 == hotkey_ss58), None)

    def ahead(self, uid: int) -> int | None:
        """How many would leave before ``uid`` if registrations came now (free seats counted); None: not in line."""
        return self.free_seats + self.line.index(uid) if uid in self.line else None

    def immune_blocks(self, uid: int) -> int:
        """Blocks of immunity left; 0 when it is over."""
        return max(0, self.seats[uid].immune_until_block - self.block.number)
