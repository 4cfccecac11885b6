"""Staking calls: add_stake, remove_stake, their limit variants, and where miners' pay goes."""

from __future__ import annotations

from ranvier.sandbox.codec.scale import BOOL, Alias
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA, TAO
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure, call
from ranvier.sandbox.frame.storage import State, WritableState
from ranvier.sandbox.maths.fixed64 import div64
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import children, collateral, locks, root_claims, shares, swaps
from ranvier.sandbox.pallets.subtensor.events import AUTO_STAKE_SET, STAKE_ADDED, STAKE_REMOVED, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules

MIN_STAKE_RAO = 2_000_000
_HOTKEY = Alias(ACCOUNT, "T::AccountId")


def hotkey_exists(state: State, hotkey: bytes) -> bool:
    return Subtensor.Owner.exists(state, hotkey)


def open_subnet(state: State, netuid: int) -> None:
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if netuid != swaps.ROOT and not Subtensor.SubtokenEnabled.get(state, netuid):
        raise fail("SubtokenDisabled")


def become_delegate(state: WritableState, hotkey: bytes, coldkey: bytes) -> None:
    """``maybe_become_delegate``: another's stake makes a hotkey a delegate, with the take it would have anyway."""
    if Subtensor.Owner.get(state, hotkey) != coldkey and not Subtensor.Delegates.exists(state, hotkey):
        Subtensor.Delegates.put(state, hotkey, value=Subtensor.Delegates.get(state, hotkey))


def _ensure_enabled(state: State, netuid: int) -> None:
    """``ensure_subtoken_enabled``, which also a subnet that does not exist fails."""
    if netuid != swaps.ROOT and not Subtensor.SubtokenEnabled.get(state, netuid):
        raise fail("SubtokenDisabled")


def _withdraw(context: Context, coldkey: bytes, tao: int) -> int:
    """Take free TAO; what would go below the deposit stays (``remove_balance_...``, ``transfer_tao_to_subnet``)."""
    taken = min(tao, balances.spendable(context.state, coldkey))
    if tao and not taken:
        raise fail("InsufficientBalance" if rules(context.state) >= 425 else "ZeroBalanceAfterWithdrawn")
    balances.burn(context, coldkey, taken)
    return taken


def stake_tao(
    context: Context,
    coldkey: bytes,
    hotkey: bytes,
    netuid: int,
    tao: int,
    *,
    free: bool = False,
    limit_price: int | None = None,
    payer: bytes | None = None,
) -> int:
    """Move free TAO, the coldkey's or ``payer``'s, through the pool into a position; the alpha it became.

    ``stake_into_subnet``, with the withdrawal that comes before it at 343.
    """
    tao = _withdraw(context, payer or coldkey, tao)
    swap = swaps.buy(context, netuid, tao, free=free, limit_price=limit_price)
    if not swap.amount_out:
        raise fail("AmountTooLow")
    if not shares.is_precise_enough(context.state, hotkey, netuid, swap.amount_out):
        raise fail("InsufficientLiquidity")
    if swap.amount_in < tao:  # the price reached its limit before
        balances.mint(context, coldkey, tao - swap.amount_in)
    swaps.record_flow(context.state, netuid, swap.amount_in - swap.fee)
    shares.add_stake(context.state, hotkey, coldkey, netuid, swap.amount_out)
    if netuid == swaps.ROOT:
        root_claims.stake_added(context.state, hotkey, coldkey, swap.amount_out)
        root_claims.remember_coldkey(context.state, coldkey)
    locks.refresh(context.state, coldkey, netuid)
    context.deposit(STAKE_ADDED, (coldkey, hotkey, tao, swap.amount_out, netuid, swap.fee))
    return swap.amount_out


def unstake_alpha(
    context: Context,
    coldkey: bytes,
    hotkey: bytes,
    netuid: int,
    alpha: int,
    *,
    free: bool = False,
    limit_price: int | None = None,
) -> int:
    """Sell alpha of a position through the pool; the TAO that becomes free (``unstake_from_subnet``).

    The event names what left the position at 343, and what the pool got, without the fee, at 425.
    """
    collateral.ensure_available(context.state, coldkey, hotkey, netuid, alpha)
    taken = shares.take_stake(context.state, hotkey, coldkey, netuid, alpha)
    swap = swaps.sell(context, netuid, taken, free=free, limit_price=limit_price)
    shares.add_stake(context.state, hotkey, coldkey, netuid, taken - swap.amount_in)
    swaps.record_flow(context.state, netuid, -swap.amount_out)
    if netuid == swaps.ROOT:
        root_claims.stake_removed(context.state, hotkey, coldkey, alpha)
    balances.mint(context, coldkey, swap.amount_out)
    locks.refresh(context.state, coldkey, netuid)
    shown = swap.amount_in - swap.fee if rules(context.state) >= 425 else taken
    context.deposit(STAKE_REMOVED, (coldkey, hotkey, swap.amount_out, shown, netuid, swap.fee))
    return swap.amount_out


def check_add(state: State, coldkey: bytes, hotkey: bytes, netuid: int, tao: int, most: int, partial: bool) -> int:
    """``validate_add_stake`` in the order of its checks; what of ``tao`` a limit leaves."""
    open_subnet(state, netuid)
    if tao < MIN_STAKE_RAO + swaps.fee_of(state, netuid, MIN_STAKE_RAO):
        raise fail("AmountTooLow")
    amount = _limited(tao, most, partial)
    if balances.spendable(state, coldkey, keep_alive=False) < amount:
        raise fail("NotEnoughBalanceToStake")
    if not hotkey_exists(state, hotkey):
        raise fail("HotKeyAccountNotExists")
    if amount - swaps.quote_buy(state, netuid, amount).fee < MIN_STAKE_RAO:
        raise fail("AmountTooLow")
    return amount


def add(context: Context, coldkey: bytes, hotkey: bytes, netuid: int, tao: int) -> int:
    """``do_add_stake``; the alpha that was bought."""
    if rules(context.state) < 425:
        _ensure_enabled(context.state, netuid)
    swaps.ensure_input_within_limit(context.state, netuid, tao, buying=True)
    check_add(context.state, coldkey, hotkey, netuid, tao, tao, False)
    return stake_tao(context, coldkey, hotkey, netuid, tao)


def add_limited(
    context: Context, coldkey: bytes, hotkey: bytes, netuid: int, tao: int, limit_price: int, partial: bool
) -> int:
    """``do_add_stake_limit``; the alpha that was bought."""
    swaps.ensure_input_within_limit(context.state, netuid, tao, buying=True)
    most = swaps.most_tao_below(context.state, netuid, limit_price)
    amount = check_add(context.state, coldkey, hotkey, netuid, tao, most, partial)
    become_delegate(context.state, hotkey, coldkey)
    return stake_tao(context, coldkey, hotkey, netuid, amount, limit_price=limit_price)


def _sell(
    context: Context,
    coldkey: bytes,
    hotkey: bytes,
    netuid: int,
    alpha: int,
    most: int,
    *,
    partial: bool = False,
    limit_price: int | None = None,
) -> None:
    """``validate_remove_stake`` in the order of its checks, and the sale."""
    state = context.state
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if alpha == 0:
        raise fail("AmountTooLow")
    held = shares.stake_of(state, hotkey, coldkey, netuid)
    if held < alpha:
        raise fail("NotEnoughStakeToWithdraw")
    brings = swaps.quote_sell(state, netuid, alpha).amount_out
    if alpha < held and brings < MIN_STAKE_RAO:
        raise fail("AmountTooLow")
    amount = _limited(alpha, most, partial)
    if not hotkey_exists(state, hotkey):
        raise fail("HotKeyAccountNotExists")
    collateral.ensure_available(state, coldkey, hotkey, netuid, alpha)
    unstake_alpha(context, coldkey, hotkey, netuid, amount, limit_price=limit_price)
    _clear_small_nomination(context, coldkey, hotkey, netuid)
    children.forget_pending(state, hotkey)


def _clear_small_nomination(context: Context, coldkey: bytes, hotkey: bytes, netuid: int) -> None:
    """``clear_small_nomination_if_required``: sell what is left when it is less than a nomination must be."""
    state = context.state
    least = div64(Subtensor.NominatorMinRequiredStake.get(state) << 64, swaps.price_bits(state, netuid)) >> 64
    held = shares.stake_of(state, hotkey, coldkey, netuid)
    if not 0 < held < least or Subtensor.Owner.get(state, hotkey) == coldkey:
        return
    try:
        with context.attempt():
            unstake_alpha(context, coldkey, hotkey, netuid, held)
    except DispatchFailure:
        shares.take_stake(state, hotkey, coldkey, netuid, held)


def remove(context: Context, coldkey: bytes, hotkey: bytes, netuid: int, alpha: int) -> None:
    """``do_remove_stake``: more than there is counts as all of it."""
    _ensure_enabled(context.state, netuid)
    alpha = min(alpha, shares.stake_of(context.state, hotkey, coldkey, netuid))
    swaps.ensure_input_within_limit(context.state, netuid, alpha, buying=False)
    _sell(context, coldkey, hotkey, netuid, alpha, alpha)


def remove_limited(
    context: Context, coldkey: bytes, hotkey: bytes, netuid: int, alpha: int, limit_price: int, partial: bool
) -> None:
    """``do_remove_stake_limit``."""
    swaps.ensure_input_within_limit(context.state, netuid, alpha, buying=False)
    most = swaps.most_alpha_above(context.state, netuid, limit_price)
    _sell(context, coldkey, hotkey, netuid, alpha, most, partial=partial, limit_price=limit_price)


def _limited(amount: int, most: int, allow_partial: bool) -> int:
    """The amount that a price limit leaves; SlippageTooHigh when it leaves less and all was asked for."""
    if most < amount and not allow_partial:
        raise fail("SlippageTooHigh")
    return min(amount, most)


@call(2, {"hotkey": _HOTKEY, "netuid": NETUID, "amount_staked": TAO}, ref_time=530_000_000)
def add_stake(context: Context, who: bytes, hotkey: bytes, netuid: int, amount_staked: int) -> None:
    """Stake free TAO on a hotkey at the pool's price."""
    add(context, who, hotkey, netuid, amount_staked)


@call(3, {"hotkey": _HOTKEY, "netuid": NETUID, "amount_unstaked": ALPHA}, ref_time=530_000_000)
def remove_stake(context: Context, who: bytes, hotkey: bytes, netuid: int, amount_unstaked: int) -> None:
    """Sell alpha of a position for free TAO at the pool's price."""
    remove(context, who, hotkey, netuid, amount_unstaked)


@call(
    88,
    {"hotkey": _HOTKEY, "netuid": NETUID, "amount_staked": TAO, "limit_price": TAO, "allow_partial": BOOL},
    ref_time=530_000_000,
)
def add_stake_limit(
    context: Context, who: bytes, hotkey: bytes, netuid: int, amount_staked: int, limit_price: int, allow_partial: bool
) -> None:
    """Stake, but only as far as the price stays at or below the limit (rao per whole alpha)."""
    add_limited(context, who, hotkey, netuid, amount_staked, limit_price, allow_partial)


@call(
    89,
    {"hotkey": _HOTKEY, "netuid": NETUID, "amount_unstaked": ALPHA, "limit_price": TAO, "allow_partial": BOOL},
    ref_time=530_000_000,
)
def remove_stake_limit(
    context: Context,
    who: bytes,
    hotkey: bytes,
    netuid: int,
    amount_unstaked: int,
    limit_price: int,
    allow_partial: bool,
) -> None:
    """Unstake, but only as far as the price stays at or above the limit (rao per whole alpha)."""
    remove_limited(context, who, hotkey, netuid, amount_unstaked, limit_price, allow_partial)


@call(114, {"netuid": NETUID, "hotkey": _HOTKEY}, paid_since=425)
def set_coldkey_auto_stake_hotkey(context: Context, who: bytes, netuid: int, hotkey: bytes) -> None:
    """Send the pay of this coldkey's miners on a subnet to the stake of one hotkey."""
    state = context.state
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if Subtensor.Uids.get(state, netuid, hotkey) is None:
        raise fail("HotKeyNotRegisteredInSubNet")
    before = Subtensor.AutoStakeDestination.get(state, who, netuid)
    if before == hotkey:
        raise fail("SameAutoStakeHotkeyAlreadySet")
    if before is not None:
        listed = Subtensor.AutoStakeDestinationColdkeys.get(state, before, netuid)
        Subtensor.AutoStakeDestinationColdkeys.put(
            state, before, netuid, value=[coldkey for coldkey in listed if coldkey != who]
        )
    Subtensor.AutoStakeDestination.put(state, who, netuid, value=hotkey)
    listed = Subtensor.AutoStakeDestinationColdkeys.get(state, hotkey, netuid)
    if who not in listed:
        Subtensor.AutoStakeDestinationColdkeys.put(state, hotkey, netuid, value=[*listed, who])
    context.deposit(AUTO_STAKE_SET, {"coldkey": who, "netuid": netuid, "hotkey": hotkey})


CALLS = (add_stake, remove_stake, add_stake_limit, remove_stake_limit, set_coldkey_auto_stake_hotkey)
