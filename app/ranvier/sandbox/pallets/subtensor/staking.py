"""Staking calls: add_stake, remove_stake, their limit variants, and where miners' pay goes."""

from __future__ import annotations

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox.context import Context
from ranvier.sandbox.pallet import call
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import shares, swaps
from ranvier.sandbox.pallets.subtensor.events import AUTO_STAKE_SET, STAKE_ADDED, STAKE_REMOVED, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor
from ranvier.sandbox.scale import BOOL, Alias
from ranvier.sandbox.storage import State
from ranvier.sandbox.types import ACCOUNT, ALPHA, TAO

MIN_STAKE_RAO = 2_000_000
_HOTKEY = Alias(ACCOUNT, "T::AccountId")


def hotkey_exists(state: State, hotkey: bytes) -> bool:
    return Subtensor.Owner.exists(state, hotkey)


def open_subnet(state: State, netuid: int) -> None:
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if netuid != swaps.ROOT and not Subtensor.SubtokenEnabled.get(state, netuid):
        raise fail("SubtokenDisabled")


def stake_tao(context: Context, coldkey: bytes, hotkey: bytes, netuid: int, tao: int, *, free: bool = False) -> None:
    """Move free TAO through the pool into a position (``stake_into_subnet``)."""
    balances.burn(context, coldkey, tao)
    swap = swaps.buy(context, netuid, tao, free=free)
    swaps.record_flow(context.state, netuid, tao - swap.fee)
    shares.add_stake(context.state, hotkey, coldkey, netuid, swap.amount_out)
    context.deposit(STAKE_ADDED, (coldkey, hotkey, tao, swap.amount_out, netuid, swap.fee))


def ensure_available(state: State, coldkey: bytes, netuid: int, alpha: int) -> None:
    """Locked alpha cannot leave (425)."""
    if shares.locked_of(state, coldkey, netuid) and shares.available_of(state, coldkey, netuid) < alpha:
        raise fail("StakeUnavailable")


def unstake_alpha(
    context: Context, coldkey: bytes, hotkey: bytes, netuid: int, alpha: int, *, free: bool = False
) -> int:
    """Sell alpha of a position through the pool; the TAO that becomes free (``unstake_from_subnet``)."""
    taken = shares.take_stake(context.state, hotkey, coldkey, netuid, alpha)
    swap = swaps.sell(context, netuid, taken, free=free)
    swaps.record_flow(context.state, netuid, -swap.amount_out)
    balances.mint(context, coldkey, swap.amount_out)
    context.deposit(STAKE_REMOVED, (coldkey, hotkey, swap.amount_out, taken, netuid, swap.fee))
    return swap.amount_out


def _add(context: Context, coldkey: bytes, hotkey: bytes, netuid: int, tao: int) -> None:
    """``do_add_stake`` in the order of its checks (``validate_add_stake``)."""
    state = context.state
    open_subnet(state, netuid)
    if tao - swaps.fee_of(state, netuid, tao) < MIN_STAKE_RAO:
        raise fail("AmountTooLow")
    if not hotkey_exists(state, hotkey):
        raise fail("HotKeyAccountNotExists")
    if balances.spendable(state, coldkey) < tao:
        raise fail("NotEnoughBalanceToStake")
    stake_tao(context, coldkey, hotkey, netuid, tao)


def remove(context: Context, coldkey: bytes, hotkey: bytes, netuid: int, alpha: int) -> None:
    """``do_remove_stake`` in the order of its checks (``validate_remove_stake``)."""
    state = context.state
    open_subnet(state, netuid)
    if not hotkey_exists(state, hotkey):
        raise fail("HotKeyAccountNotExists")
    held = shares.stake_of(state, hotkey, coldkey, netuid)
    if alpha == 0 or (alpha * swaps.price_rao(state, netuid) // RAO_PER_COIN < MIN_STAKE_RAO and alpha < held):
        raise fail("AmountTooLow")
    if held < alpha:
        raise fail("NotEnoughStakeToWithdraw")
    ensure_available(state, coldkey, netuid, alpha)
    unstake_alpha(context, coldkey, hotkey, netuid, alpha)


def limited(amount: int, most: int, allow_partial: bool) -> int:
    """The amount that a price limit leaves (``SlippageTooHigh`` when it leaves too little)."""
    if most < amount and not allow_partial:
        raise fail("SlippageTooHigh")
    left = min(amount, most)
    if left == 0:
        raise fail("SlippageTooHigh")
    return left


@call(2, {"hotkey": _HOTKEY, "netuid": NETUID, "amount_staked": TAO}, ref_time=530_000_000)
def add_stake(context: Context, who: bytes, hotkey: bytes, netuid: int, amount_staked: int) -> None:
    """Stake free TAO on a hotkey at the pool's price."""
    _add(context, who, hotkey, netuid, amount_staked)


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
    open_subnet(context.state, netuid)
    most = swaps.most_tao_below(context.state, netuid, limit_price)
    _add(context, who, hotkey, netuid, limited(amount_staked, most, allow_partial))


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
    open_subnet(context.state, netuid)
    most = swaps.most_alpha_above(context.state, netuid, limit_price)
    remove(context, who, hotkey, netuid, limited(amount_unstaked, most, allow_partial))


@call(114, {"netuid": NETUID, "hotkey": _HOTKEY}, pays=False)
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
    Subtensor.AutoStakeDestinationColdkeys.put(state, hotkey, netuid, value=[*listed, who])
    context.deposit(AUTO_STAKE_SET, {"coldkey": who, "netuid": netuid, "hotkey": hotkey})


CALLS = (add_stake, remove_stake, add_stake_limit, remove_stake_limit, set_coldkey_auto_stake_hotkey)
