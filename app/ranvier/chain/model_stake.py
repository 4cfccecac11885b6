"""What a person holds, at one block. A position has three values that are never mixed: spot, if sold now, locked."""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.chain.model import BlockRef
from ranvier.chain.quotes import Pool, Quote


@dataclass(frozen=True, slots=True)
class KeySwap:
    """A pending change of a coldkey's ownership: ``execute_block`` is when it happens (None: unknown)."""

    execute_block: int | None
    disputed: bool


@dataclass(frozen=True, slots=True)
class Account:
    """TAO of one coldkey, and whether a swap of the key is announced (None: none, or this chain has no such thing)."""

    ss58: str
    free_rao: int
    reserved_rao: int
    frozen_rao: int
    spendable_rao: int
    key_swap: KeySwap | None


@dataclass(frozen=True, slots=True)
class Collateral:
    """Alpha that a miner's registration locked: it is released by work only and stays when the seat is lost.

    ``work_left_rao`` is the pay that is still needed to release what is above the floor; None when nothing is. Below
    the floor (``min_locked_rao``) pay is locked first.
    """

    locked_rao: int
    min_locked_rao: int
    earned_rao: int
    work_left_rao: int | None


@dataclass(frozen=True, slots=True)
class Lock:
    """A conviction lock of a coldkey on a subnet, as the chain wrote it in ``since_block``.

    ``locked_rao`` is what it holds at the block of the reading. ``perpetual``: it does not decay until its owner says
    so. ``release_blocks``: in that time it decays by a factor of e.
    """

    coldkey_ss58: str
    netuid: int
    hotkey_ss58: str
    locked_rao: int
    since_block: int
    perpetual: bool
    release_blocks: int | None


@dataclass(frozen=True, slots=True)
class Holding:
    """Alpha of (hotkey, coldkey, netuid).

    ``spot_rao``: alpha times price. ``sale``: what selling all that may be sold would bring now, this position alone
    (None: no pool, or nothing to sell). ``locked_rao``: alpha that cannot be unstaked. ``seated``: whether the hotkey
    has a seat there. ``owned``: whether the coldkey owns the hotkey. ``auto_stake_ss58``: where the pay of this
    coldkey's miners on this subnet goes instead. None in any of them is unknown or none.
    """

    hotkey_ss58: str
    coldkey_ss58: str
    netuid: int
    alpha_rao: int
    price_rao: int | None
    spot_rao: int | None
    locked_rao: int
    sale: Quote | None
    collateral: Collateral | None
    seated: bool
    owned: bool
    auto_stake_ss58: str | None

    @property
    def sellable_rao(self) -> int:
        return self.alpha_rao - self.locked_rao


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Everything of these coldkeys at one block. ``pools`` and ``exits`` (selling all of a subnet's sellable alpha at
    once) by netuid; ``requests`` is what the refresh cost."""

    block: BlockRef
    accounts: tuple[Account, ...]
    holdings: tuple[Holding, ...]
    locks: tuple[Lock, ...]
    pools: dict[int, Pool]
    exits: dict[int, Quote]
    requests: int

    @property
    def free_rao(self) -> int:
        return sum(account.free_rao for account in self.accounts)

    @property
    def root_rao(self) -> int:
        """TAO staked on root."""
        return sum(holding.alpha_rao for holding in self.holdings if holding.netuid == 0)

    @property
    def spot_rao(self) -> int | None:
        """All positions at spot price; None as soon as one has no price."""
        values = [holding.spot_rao for holding in self.holdings]
        return None if None in values else sum(value for value in values if value is not None)

    @property
    def sale_rao(self) -> int | None:
        """TAO if all that may be sold were sold now, subnet by subnet; None as soon as one has no quote."""
        wanted = {holding.netuid for holding in self.holdings if holding.sellable_rao > 0}
        if not wanted <= set(self.exits):
            return None
        return sum(self.exits[netuid].gets_rao for netuid in wanted)

    def share_ppm(self, netuid: int) -> int | None:
        """My part of a subnet's alpha outside the pool, in millionths."""
        pool = self.pools.get(netuid)
        if pool is None or pool.alpha_out_rao <= 0:
            return None
        held = sum(holding.alpha_rao for holding in self.holdings if holding.netuid == netuid)
        return held * 1_000_000 // pool.alpha_out_rao
