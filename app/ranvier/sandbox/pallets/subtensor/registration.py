"""Registration by burning TAO: burned_register, register_limit, and the price.

Follows subnets/registration.rs: a half-life and a jump at 425, an interval with a target at 343.
"""

from __future__ import annotations

from functools import cache

from ranvier.sandbox.codec.scale import U64, Alias
from ranvier.sandbox.codec.types import ACCOUNT
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.frame.storage import Item, State, WritableState
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import collateral, neurons, swaps
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules

_U64_MAX = (1 << 64) - 1
_ONE_Q32 = 1 << 32
_INTERVAL_COUNTERS = (
    Subtensor.RegistrationsThisInterval,
    Subtensor.BurnRegistrationsThisInterval,
    Subtensor.POWRegistrationsThisInterval,
)
_HOTKEY = Alias(ACCOUNT, "T::AccountId")


def ensure_open(state: State, netuid: int) -> None:
    if netuid == swaps.ROOT:
        raise fail("RegistrationNotPermittedOnRootSubnet")
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")


def register(context: Context, coldkey: bytes, netuid: int, hotkey: bytes) -> None:
    """``do_register`` and ``do_burned_registration`` in the order of their checks.

    The pool gets the TAO; the alpha that it buys is destroyed, but for what becomes collateral (435).
    """
    state, new_rules = context.state, rules(context.state) >= 425
    ensure_open(state, netuid)
    if not Subtensor.NetworkRegistrationAllowed.get(state, netuid):
        raise fail("SubNetRegistrationDisabled")
    if not new_rules:
        interval_limits(state, netuid)
    if Subtensor.Uids.get(state, netuid, hotkey) is not None:
        raise fail("HotKeyAlreadyRegisteredInSubNet")
    price = Subtensor.Burn.get(state, netuid)
    burned, top_up = collateral.split(state, netuid, hotkey, coldkey, price) if new_rules else (price, 0)
    if balances.spendable(state, coldkey) < burned + top_up:
        raise fail("NotEnoughBalanceToStake")
    neurons.create_account_if_new(context, coldkey, hotkey)
    if Subtensor.MaxAllowedUids.get(state, netuid) == 0:
        raise fail("NoNeuronIdAvailable")
    collateral.pay_registration(context, netuid, hotkey, coldkey, burned, top_up)
    neurons.register_neuron(context, netuid, hotkey)
    Subtensor.RAORecycledForRegistration.add(state, netuid, amount=burned)
    if new_rules:
        Subtensor.RegistrationsThisBlock.add(state, netuid, amount=1)
        _jump(state, netuid)
    else:
        count(state, netuid, Subtensor.BurnRegistrationsThisInterval)


def count(state: WritableState, netuid: int, kind: Item) -> None:
    """One registration more, by burning or by work (specs up to 343)."""
    for counter in (Subtensor.RegistrationsThisBlock, Subtensor.RegistrationsThisInterval, kind):
        counter.add(state, netuid, amount=1)


def interval_limits(state: State, netuid: int) -> None:
    """At most MaxRegistrationsPerBlock, and three times the target per interval (specs up to 343)."""
    if Subtensor.RegistrationsThisBlock.get(state, netuid) >= Subtensor.MaxRegistrationsPerBlock.get(state, netuid):
        raise fail("TooManyRegistrationsThisBlock")
    most = 3 * Subtensor.TargetRegistrationsPerInterval.get(state, netuid)
    if Subtensor.RegistrationsThisInterval.get(state, netuid) >= most:
        raise fail("TooManyRegistrationsThisInterval")


def _jump(state: WritableState, netuid: int) -> None:
    """``bump_registration_price_after_registration``; a factor below one counts as one."""
    factor = max(Subtensor.BurnIncreaseMult.get(state, netuid), 1 << 64)
    _set_price(state, netuid, min(Subtensor.Burn.get(state, netuid) * factor >> 64, _U64_MAX))


def _set_price(state: WritableState, netuid: int, price: int) -> None:
    low, high = Subtensor.MinBurn.get(state, netuid), Subtensor.MaxBurn.get(state, netuid)
    bounded = min(max(low, price), high)
    if bounded != Subtensor.Burn.get(state, netuid):
        Subtensor.Burn.put(state, netuid, value=bounded)


def adjust_price(state: WritableState, netuid: int, block: int) -> None:
    """The price's own movement at the begin of a block: decay (425), or the interval's adjustment (343)."""
    if rules(state) >= 425:
        decay_price(state, netuid, block)
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
    for counter in _INTERVAL_COUNTERS:
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


def decay_price(state: WritableState, netuid: int, block: int) -> None:
    """One block's decay: after BurnHalfLife blocks without a registration the price has halved.

    ``update_registration_prices_for_networks``: block 1 decays nothing, a half-life of 0 never does; the bounds
    hold in any case.
    """
    price, half_life = Subtensor.Burn.get(state, netuid), Subtensor.BurnHalfLife.get(state, netuid)
    if half_life and block > 1:
        price = price * decay_factor(half_life) >> 32
    _set_price(state, netuid, price)


@cache
def decay_factor(half_life: int) -> int:
    """The greatest factor with 32 fractional bits whose power does not exceed a half (``decay_factor_q32``)."""
    low, high = 0, _ONE_Q32
    while low + 1 < high:
        middle = low + (high - low >> 1)
        if _power(middle, half_life) > _ONE_Q32 >> 1:
            high = middle
        else:
            low = middle
    return low


def _power(base: int, exponent: int) -> int:
    """By squaring, cut off to 32 fractional bits after each step (``pow_q32``)."""
    result = _ONE_Q32
    while exponent:
        if exponent & 1:
            result = result * base >> 32
        base, exponent = base * base >> 32, exponent >> 1
    return result


@call(7, {"netuid": NETUID, "hotkey": _HOTKEY}, ref_time=354_000_000)
def burned_register(context: Context, who: bytes, netuid: int, hotkey: bytes) -> None:
    """Seat a hotkey at today's price, paid by its coldkey."""
    register(context, who, netuid, hotkey)


@call(134, {"netuid": NETUID, "hotkey": _HOTKEY, "limit_price": U64}, ref_time=354_000_000)
def register_limit(context: Context, who: bytes, netuid: int, hotkey: bytes, limit_price: int) -> None:
    """Seat a hotkey unless the price has risen above the limit (``do_register_limit``, 425)."""
    ensure_open(context.state, netuid)
    if Subtensor.Burn.get(context.state, netuid) > limit_price:
        raise fail("RegistrationPriceLimitExceeded")
    register(context, who, netuid, hotkey)


CALLS = (burned_register, register_limit)
