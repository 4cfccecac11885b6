"""What the chain says, as frozen dataclasses. Amounts are ints of rao; missing is None."""

from __future__ import annotations

import enum
from dataclasses import dataclass

SUBTENSOR = "SubtensorModule"  # the pallet
ROOT = 0  # the netuid whose stake is TAO
Place = tuple[str, str, int]  # of a position: hotkey, coldkey, netuid


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


class TxStage(enum.StrEnum):
    """The life of a submitted transaction as the node reports it.

    RETRACTED: the block that held it lost against another; the node tries it again, and IN_BLOCK comes once more.
    """

    SUBMITTED = "submitted"
    IN_BLOCK = "in_block"
    RETRACTED = "retracted"
    FINAL = "final"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Effect:
    """One change that a plan expects: TAO of an account (``netuid`` and ``hotkey_ss58`` None), or alpha of a position.

    Signed rao, fees not included. ``at_least_rao`` is the worst that the plan's limit lets happen; None: no limit.
    """

    coldkey_ss58: str
    hotkey_ss58: str | None
    netuid: int | None
    expected_rao: int
    at_least_rao: int | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """What the chain must say afterwards, besides amounts: ``item`` of ``pallet`` at ``params`` is there and, unless
    ``said`` is empty, holds one of these texts. ``words`` say it for people, as a sentence."""

    pallet: str
    item: str
    params: tuple[str | int, ...]
    said: tuple[str, ...]
    words: str

    def holds(self, value: object) -> bool:
        """Whether a value read from the chain says it."""
        return value is not None and (not self.said or any(text in str(value) for text in self.said))


@dataclass(frozen=True, slots=True)
class Plan:
    """A transaction before it is signed: what it is, costs and does, and on which network (genesis checked).

    ``call_hex`` is the SCALE-encoded call; ``lines`` are (label, value) pairs for people; ``warnings`` sentences.
    ``spend_rao`` is TAO that leaves the account, ``value_rao`` the TAO value of all that is moved or swapped: what
    limits go by. ``price_rao`` is the price now, ``limit_price_rao`` the worst accepted, ``cost_ppm`` what fee and
    slippage of the pool cost, in millionths. ``effects`` and ``facts`` are what the receipt is held against.
    ``fee_payer_ss58`` is who pays the fee (None: the signer). ``lacks`` says why it cannot be paid; empty: it can.
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
    block: BlockRef | None = None
    effects: tuple[Effect, ...] = ()
    value_rao: int = 0
    price_rao: int | None = None
    limit_price_rao: int | None = None
    cost_ppm: int | None = None
    facts: tuple[Fact, ...] = ()
    fee_payer_ss58: str | None = None
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an Effect: the amount before and after the block (None: could not be read)."""

    effect: Effect
    before_rao: int | None
    after_rao: int | None


@dataclass(frozen=True, slots=True)
class Movement:
    """Alpha that came to a position or left it (``alpha_rao`` below zero), by event ``event_index`` of the block.

    ``kind`` is ``stake``, ``unstake``, ``move`` or ``transfer``; ``tao_rao`` what it was sold (above zero) or bought
    for, 0 where nothing was traded.
    """

    kind: str
    event_index: int
    coldkey_ss58: str
    hotkey_ss58: str
    netuid: int
    alpha_rao: int
    tao_rao: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction. ``error`` is a sentence when the chain refused the call.

    ``findings`` say in sentences whether it did what the plan said; ``as_planned`` is the short of it (None: unknown).
    ``next_step`` goes with ``error``. ``fee_payer_ss58`` is who paid, which need not be the signer. ``movements`` are
    everybody's whom it touched.
    """

    plan: Plan
    stage: TxStage
    extrinsic_hash: str
    block: BlockRef | None
    fee_rao: int | None
    balance_before_rao: int | None
    balance_after_rao: int | None
    error: str | None = None
    next_step: str | None = None
    fee_payer_ss58: str | None = None
    changes: tuple[Change, ...] = ()
    findings: tuple[str, ...] = ()
    as_planned: bool | None = None
    movements: tuple[Movement, ...] = ()
