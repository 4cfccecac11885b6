"""Registration by burning TAO: burned_register, register_limit, and the price (half-life and jump, spec 425)."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache

from ranvier.sandbox.context import Context
from ranvier.sandbox.pallet import call
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import neurons, swaps
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules
from ranvier.sandbox.scale import U64, Alias
from ranvier.sandbox.storage import State, WritableState
from ranvier.sandbox.types import ACCOUNT

_U64_MAX = (1 << 64) - 1
_HOTKEY = Alias(ACCOUNT, "T::AccountId")


def _register(context: Context, coldkey: bytes, netuid: int, hotkey: bytes, limit: int | None) -> None:
    """``do_burned_registration``: the price is burned exactly, the pool gets the TAO, the bought alpha is destroyed."""
    state = context.state
    if netuid == swaps.ROOT:
        raise fail("RegistrationNotPermittedOnRootSubnet")
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if not Subtensor.NetworkRegistrationAllowed.get(state, netuid):
        raise fail("SubNetRegistrationDisabled")
    if Subtensor.Uids.get(state, netuid, hotkey) is not None:
        raise fail("HotKeyAlreadyRegisteredInSubNet")
    if rules(state) < 425:
        _interval_limits(state, netuid)
    price = Subtensor.Burn.get(state, netuid)
    if limit is not None and price > limit:
        raise fail("RegistrationPriceLimitExceeded")
    if balances.spendable(state, coldkey) < price:
        raise fail("NotEnoughBalanceToStake")
    neurons.create_account_if_new(context, coldkey, hotkey)
    balances.burn(context, coldkey, price)
    swap = swaps.buy(context, netuid, price)
    swaps.record_flow(state, netuid, price - swap.fee)
    Subtensor.SubnetAlphaOut.add(state, netuid, amount=-swap.amount_out)
    neurons.register_neuron(context, netuid, hotkey)
    Subtensor.RAORecycledForRegistration.add(state, netuid, amount=price)
    for counter in (
        Subtensor.RegistrationsThisBlock,
        Subtensor.RegistrationsThisInterval,
        Subtensor.BurnRegistrationsThisInterval,
    ):
        counter.add(state, netuid, amount=1)
    if rules(state) >= 425:
        _jump(state, netuid, price)


def _interval_limits(state: State, netuid: int) -> None:
    """At most MaxRegistrationsPerBlock, and three times the target per interval (specs up to 343)."""
    if Subtensor.RegistrationsThisBlock.get(state, netuid) >= Subtensor.MaxRegistrationsPerBlock.get(state, netuid):
        raise fail("TooManyRegistrationsThisBlock")
    most = 3 * Subtensor.TargetRegistrationsPerInterval.get(state, netuid)
    if Subtensor.RegistrationsThisInterval.get(state, netuid) >= most:
        raise fail("TooManyRegistrationsThisInterval")


def _jump(state: WritableState, netuid: int, price: int) -> None:
    raised = price * Subtensor.BurnIncreaseMult.get(state, netuid) >> 64
    _set_price(state, netuid, raised)


def _set_price(state: WritableState, netuid: int, price: int) -> None:
    low, high = Subtensor.MinBurn.get(state, netuid), Subtensor.MaxBurn.get(state, netuid)
    bounded = max(low, min(price, high))
    if bounded != Subtensor.Burn.get(state, netuid):
        Subtensor.Burn.put(state, netuid, value=bounded)


def adjust_price(state: WritableState, netuid: int, block: int) -> None:
    """The price's own movement at the begin of a block: decay (425), or the interval's adjustment (343)."""
    if rules(state) >= 425:
        decay_price(state, netuid)
        return
    interval = Subtensor.AdjustmentInterval.get(state, netuid)
    if block - Subtensor.LastAdjustmentBlock.get(state, netuid) < interval:
        return
    made = Subtensor.RegistrationsThisInterval.get(state, netuid)
    burned = Subtensor.BurnRegistrationsThisInterval.get(state, netuid)
    target = Subtensor.TargetRegistrationsPerInterval.get(state, netuid)
    # With few registrations the price falls only if none of them was burned; otherwise the difficulty falls.
    if made > target or burned == 0:
        low, high = Subtensor.MinBurn.get(state, netuid), Subtensor.MaxBurn.get(state, netuid)
        raised = adjusted(
            Subtensor.Burn.get(state, netuid), made, target, Subtensor.AdjustmentAlpha.get(state, netuid), low, high
        )
        Subtensor.Burn.put(state, netuid, value=raised)
    if made <= target:
        low, high = Subtensor.MinDifficulty.get(state, netuid), Subtensor.MaxDifficulty.get(state, netuid)
        difficulty, alpha = Subtensor.Difficulty.get(state, netuid), Subtensor.AdjustmentAlpha.get(state, netuid)
        Subtensor.Difficulty.put(state, netuid, value=adjusted(difficulty, made, target, alpha, low, high))
    Subtensor.LastAdjustmentBlock.put(state, netuid, value=block)
    for counter in (Subtensor.RegistrationsThisInterval, Subtensor.BurnRegistrationsThisInterval):
        counter.put(state, netuid, value=0)


def adjusted(current: int, made: int, target: int, alpha: int, low: int, high: int) -> int:
    """``upgraded_burn`` and ``upgraded_difficulty``: current * (made + target) / (2 * target), smoothed by ``alpha``
    (of 2**64 - 1), in I110F18; a target of 0 leaves what the saturating division gives: the upper bound.
    """
    if target == 0:
        return high
    updated = (current << 18) * (made + target) // (2 * target)
    share = (alpha << 18) // _U64_MAX
    smoothed = share * current + (((1 << 18) - share) * updated >> 18)
    if smoothed >= high << 18:
        return high
    return low if smoothed <= low << 18 else smoothed >> 18


def decay_price(state: WritableState, netuid: int) -> None:
    """One block's decay: after BurnHalfLife blocks without a registration the price has halved."""
    half_life = Subtensor.BurnHalfLife.get(state, netuid)
    if half_life:
        _set_price(state, netuid, Subtensor.Burn.get(state, netuid) * decay_bits(half_life) >> 64)


@cache
def decay_bits(half_life: int) -> int:
    """2**(-1 / half_life) with 64 fractional bits, cut off: the same on every machine."""
    with localcontext() as context:
        context.prec = 60
        return int(Decimal(2) ** (Decimal(-1) / half_life) * (1 << 64))


@call(7, {"netuid": NETUID, "hotkey": _HOTKEY}, ref_time=354_000_000)
def burned_register(context: Context, who: bytes, netuid: int, hotkey: bytes) -> None:
    """Seat a hotkey at today's price, paid by its coldkey."""
    _register(context, who, netuid, hotkey, None)


@call(132, {"netuid": NETUID, "hotkey": _HOTKEY, "limit_price": U64}, ref_time=354_000_000)
def register_limit(context: Context, who: bytes, netuid: int, hotkey: bytes, limit_price: int) -> None:
    """Seat a hotkey unless the price has risen above the limit (spec 425)."""
    if rules(context.state) < 425:
        raise fail("CallDisabled")
    _register(context, who, netuid, hotkey, limit_price)


CALLS = (burned_register, register_limit)
