"""What the chain says, as frozen dataclasses. Amounts are ints of rao; missing is None."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlockRef:
    """One block; every refresh is pinned to one. ``time_ms`` is the chain's own clock."""

    number: int
    hash: str
    time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """TAO of one account. ``spendable_rao`` keeps the account alive (existential deposit stays)."""

    ss58: str
    free_rao: int
    reserved_rao: int
    spendable_rao: int


@dataclass(frozen=True, slots=True)
class StakePosition:
    """Alpha of (hotkey, coldkey, netuid). ``spot_rao`` is alpha times price: not what a sale would give."""

    hotkey_ss58: str
    coldkey_ss58: str
    netuid: int
    alpha_rao: int
    price_rao: int | None
    spot_rao: int | None


@dataclass(frozen=True, slots=True)
class Axon:
    """Where a neuron says it serves. ``block`` is when it said so."""

    ip: str
    port: int
    block: int


@dataclass(frozen=True, slots=True)
class Neuron:
    """A hotkey's seat on a subnet. ``incentive`` is u16 (65535 = 1.0), ``emission_rao`` alpha per tempo."""

    netuid: int
    uid: int
    hotkey_ss58: str
    registered_block: int
    immune_until_block: int
    incentive: int
    emission_rao: int
    axon: Axon | None


@dataclass(frozen=True, slots=True)
class Subnet:
    """One subnet's rules and pool. ``price_rao`` is rao of TAO for one alpha; ``register_rao`` the burn now."""

    netuid: int
    name: str
    tempo: int
    neurons: int
    max_neurons: int
    register_rao: int
    registration_open: bool
    immunity_blocks: int
    price_rao: int | None
    tao_in_rao: int
    alpha_in_rao: int
    alpha_out_rao: int
    last_epoch_block: int
    next_epoch_block: int | None


@dataclass(frozen=True, slots=True)
class EpochPayment:
    """What one uid was paid at one epoch, from IncentiveAlphaEmittedToMiners: gross, exact, rao of alpha."""

    netuid: int
    mechanism: int
    block: int
    block_hash: str
    time_ms: int
    uid: int
    hotkey_ss58: str
    alpha_rao: int
    price_rao: int | None


class TxStage(enum.StrEnum):
    """The life of a submitted transaction as the node reports it."""

    SUBMITTED = "submitted"
    IN_BLOCK = "in_block"
    FINAL = "final"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Plan:
    """A transaction before it is signed: what it is, costs and does, and on which network (genesis checked).

    ``call_hex`` is the SCALE-encoded call; ``lines`` are (label, value) pairs for people; ``warnings`` sentences.
    """

    network: str
    genesis_hash: str
    spec_version: int
    signer_ss58: str
    title: str
    pallet: str
    function: str
    call_hex: str
    fee_rao: int
    spend_rao: int
    lines: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction. ``error`` is a sentence when the chain refused the call."""

    plan: Plan
    stage: TxStage
    extrinsic_hash: str
    block: BlockRef | None
    fee_rao: int | None
    balance_before_rao: int | None
    balance_after_rao: int | None
    error: str | None = None
