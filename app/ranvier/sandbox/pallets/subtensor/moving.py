"""Stake from one position to another: move, transfer, swap; and all of a hotkey's stake at once.

Follows staking/move_stake.rs and staking/remove_stake.rs.
"""

from __future__ import annotations

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox.codec.composites import Option
from ranvier.sandbox.codec.scale import BOOL, Alias
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA, TAO
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure, call
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.maths.fixed64 import div64, mul64, whole
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import collateral, info, lock_moves, root_claims, shares, staking, swaps
from ranvier.sandbox.pallets.subtensor.events import (
    STAKE_ADDED,
    STAKE_AND_HOTKEY_TRANSFERRED,
    STAKE_MOVED,
    STAKE_REMOVED,
    STAKE_SWAPPED,
    STAKE_TRANSFERRED,
    fail,
)
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules

_HOTKEY = Alias(ACCOUNT, "T::AccountId")
_U64_MAX = (1 << 64) - 1
_Place = tuple[bytes, bytes, int]
"""(coldkey, hotkey, netuid)."""


def _worth(state: State, netuid: int, alpha: int) -> int:
    """TAO that alpha is worth at the spot price."""
    return alpha * swaps.price_bits(state, netuid) >> 64


def most_to_move(state: State, origin: int, destination: int, limit_price: int) -> int:
    """``get_max_amount_move``: alpha that can go while its price in the destination's alpha stays at the limit.

    Where nothing can go: 0 at 425, ZeroMaxStakeAmount at 343; to or from root also what those swaps raise.
    """
    if origin == destination:
        return _U64_MAX
    coin = RAO_PER_COIN << 64
    if origin == swaps.ROOT:
        price = whole(mul64(div64(coin, limit_price << 64), coin))
        return swaps.most_tao_below(state, destination, price) if limit_price else _U64_MAX
    if destination == swaps.ROOT:
        return swaps.most_alpha_above(state, origin, limit_price)
    most = _most_between(state, origin, destination, limit_price)
    if most == 0 and rules(state) < 425:
        raise fail("ZeroMaxStakeAmount")
    return most


def _most_between(state: State, origin: int, destination: int, limit_price: int) -> int:
    """The rule for two pools of constant product, in U64F64."""
    tao = [Subtensor.SubnetTAO.get(state, netuid) for netuid in (origin, destination)]
    alpha = [Subtensor.SubnetAlphaIn.get(state, netuid) for netuid in (origin, destination)]
    if not all(tao) or not all(alpha):
        return 0
    limit = (limit_price << 64) // RAO_PER_COIN
    if limit > div64(swaps.price_bits(state, origin), swaps.price_bits(state, destination)):
        return 0
    if limit_price == 0:
        return _U64_MAX
    first, second = (div64(one << 64, sum(tao) << 64) for one in tao)
    gained = div64(mul64(alpha[1] << 64, first), limit)
    return whole(max(gained - mul64(alpha[0] << 64, second), 0))


def _check(
    state: State, origin: _Place, destination: _Place, alpha: int, most: int, *, partial: bool, transfers: bool
) -> None:
    """``validate_stake_transition`` in the order of its checks."""
    (coldkey, hotkey, netuid), (other_coldkey, other_hotkey, other_netuid) = origin, destination
    if origin == destination:
        raise fail("SameNetuid")
    for one in (netuid, other_netuid):
        if not Subtensor.NetworksAdded.get(state, one):
            raise fail("SubnetNotExists")
    for one in (netuid, other_netuid):
        staking.open_subnet(state, one)
    for key in (hotkey, other_hotkey):
        if not staking.hotkey_exists(state, key):
            raise fail("HotKeyAccountNotExists")
    if shares.stake_of(state, hotkey, coldkey, netuid) < alpha:
        raise fail("NotEnoughStakeToWithdraw")
    if netuid != other_netuid or rules(state) < 425:
        if swaps.quote_sell(state, netuid, alpha).amount_out <= staking.MIN_STAKE_RAO:
            raise fail("AmountTooLow")
        if alpha > most and not partial:
            raise fail("SlippageTooHigh")
    if transfers:
        for one in (netuid, other_netuid):
            if not Subtensor.TransferToggle.get(state, one):
                raise fail("TransferDisallowed")
    if netuid != other_netuid:
        collateral.ensure_available(state, coldkey, hotkey, netuid, alpha)
        return
    if coldkey != other_coldkey:
        collateral.ensure_transferable(state, coldkey, netuid, alpha)
    collateral.ensure_covered(state, coldkey, hotkey, netuid, alpha)


def _transition(
    context: Context,
    origin: _Place,
    destination: _Place,
    alpha: int,
    most: int = _U64_MAX,
    *,
    partial: bool = False,
    transfers: bool = False,
) -> int:
    """``transition_stake_across_positions``; the TAO that moved, or what moved alpha is worth."""
    state = context.state
    _check(state, origin, destination, alpha, most, partial=partial, transfers=transfers)
    amount = min(alpha, most)
    (coldkey, hotkey, netuid), (other_coldkey, other_hotkey, other_netuid) = origin, destination
    if netuid == other_netuid:
        return _within(context, origin, destination, amount)
    # One fee for the two swaps: where the alpha is sold, or where it is bought when it comes from root.
    from_root = netuid == swaps.ROOT
    tao = staking.unstake_alpha(context, coldkey, hotkey, netuid, amount, free=from_root)
    payer = coldkey  # at 343 the TAO goes from pool to pool and through nobody's hands
    if rules(state) >= 425 and coldkey != other_coldkey:
        balances.transfer(context, coldkey, other_coldkey, tao, keep_alive=False)
        payer = other_coldkey
    if tao >= staking.MIN_STAKE_RAO:
        staking.become_delegate(state, other_hotkey, other_coldkey)
        staking.stake_tao(context, other_coldkey, other_hotkey, other_netuid, tao, free=not from_root, payer=payer)
    return tao


def _within(context: Context, origin: _Place, destination: _Place, alpha: int) -> int:
    """``transfer_stake_within_subnet``: no swap, no fee; a lock goes along with what is not free."""
    state, (coldkey, hotkey, netuid), (other_coldkey, other_hotkey, _) = context.state, origin, destination
    lock_moves.transfer(state, coldkey, other_coldkey, other_hotkey, netuid, alpha)
    taken = shares.take_stake(state, hotkey, coldkey, netuid, alpha)
    shares.add_stake(state, other_hotkey, other_coldkey, netuid, taken)
    if netuid == swaps.ROOT:
        root_claims.stake_removed(state, hotkey, coldkey, alpha)
        root_claims.stake_added(state, other_hotkey, other_coldkey, taken)
    worth = _worth(state, netuid, taken)
    if worth < staking.MIN_STAKE_RAO:
        raise fail("AmountTooLow")
    context.deposit(STAKE_REMOVED, (coldkey, hotkey, worth, taken, netuid, 0))
    context.deposit(STAKE_ADDED, (other_coldkey, other_hotkey, worth, taken, netuid, 0))
    return worth


_ROUTE = {"origin_netuid": NETUID, "destination_netuid": NETUID, "alpha_amount": ALPHA}


@call(85, {"origin_hotkey": _HOTKEY, "destination_hotkey": _HOTKEY, **_ROUTE}, ref_time=630_000_000)
def move_stake(
    context: Context,
    who: bytes,
    origin_hotkey: bytes,
    destination_hotkey: bytes,
    origin_netuid: int,
    destination_netuid: int,
    alpha_amount: int,
) -> None:
    """To another hotkey, here or in another subnet (``do_move_stake``)."""
    origin, destination = (who, origin_hotkey, origin_netuid), (who, destination_hotkey, destination_netuid)
    tao = _transition(context, origin, destination, alpha_amount)
    value = (who, origin_hotkey, origin_netuid, destination_hotkey, destination_netuid, tao)
    context.deposit(STAKE_MOVED, value)


@call(86, {"destination_coldkey": _HOTKEY, "hotkey": _HOTKEY, **_ROUTE}, ref_time=630_000_000)
def transfer_stake(
    context: Context,
    who: bytes,
    destination_coldkey: bytes,
    hotkey: bytes,
    origin_netuid: int,
    destination_netuid: int,
    alpha_amount: int,
) -> None:
    """To another coldkey, on the same hotkey (``do_transfer_stake``)."""
    origin, destination = (who, hotkey, origin_netuid), (destination_coldkey, hotkey, destination_netuid)
    tao = _transition(context, origin, destination, alpha_amount, transfers=True)
    value = (who, destination_coldkey, hotkey, origin_netuid, destination_netuid, tao)
    context.deposit(STAKE_TRANSFERRED, value)


@call(87, {"hotkey": _HOTKEY, **_ROUTE}, ref_time=630_000_000)
def swap_stake(
    context: Context, who: bytes, hotkey: bytes, origin_netuid: int, destination_netuid: int, alpha_amount: int
) -> None:
    """To another subnet, on the same hotkey (``do_swap_stake``)."""
    tao = _transition(context, (who, hotkey, origin_netuid), (who, hotkey, destination_netuid), alpha_amount)
    context.deposit(STAKE_SWAPPED, (who, hotkey, origin_netuid, destination_netuid, tao))


@call(90, {"hotkey": _HOTKEY, **_ROUTE, "limit_price": TAO, "allow_partial": BOOL}, ref_time=630_000_000)
def swap_stake_limit(
    context: Context,
    who: bytes,
    hotkey: bytes,
    origin_netuid: int,
    destination_netuid: int,
    alpha_amount: int,
    limit_price: int,
    allow_partial: bool,
) -> None:
    """As swap_stake, but only as far as the price stays at the limit (``do_swap_stake_limit``)."""
    most = most_to_move(context.state, origin_netuid, destination_netuid, limit_price)
    places = (who, hotkey, origin_netuid), (who, hotkey, destination_netuid)
    tao = _transition(context, *places, alpha_amount, most, partial=allow_partial)
    context.deposit(STAKE_SWAPPED, (who, hotkey, origin_netuid, destination_netuid, tao))


@call(83, {"hotkey": _HOTKEY}, ref_time=530_000_000)
def unstake_all(context: Context, who: bytes, hotkey: bytes) -> None:
    """All of the signer's stake on a hotkey becomes free TAO; what cannot be sold stays (``do_unstake_all``)."""
    _sell_everything(context, who, hotkey, info.netuids(context.state))


@call(84, {"hotkey": _HOTKEY}, ref_time=530_000_000)
def unstake_all_alpha(context: Context, who: bytes, hotkey: bytes) -> None:
    """All of the signer's alpha on a hotkey becomes stake on root (``do_unstake_all_alpha``)."""
    netuids = [netuid for netuid in info.netuids(context.state) if netuid != swaps.ROOT]
    tao = _sell_everything(context, who, hotkey, netuids)
    if tao == 0:
        raise fail("AmountTooLow")
    staking.stake_tao(context, who, hotkey, swaps.ROOT, tao)


def _sell_everything(context: Context, coldkey: bytes, hotkey: bytes, netuids: list[int]) -> int:
    state = context.state
    if not staking.hotkey_exists(state, hotkey):
        raise fail("HotKeyAccountNotExists")
    freed = 0
    for netuid in netuids:
        before = balances.free_balance(state, coldkey)
        try:
            with context.attempt():
                staking.remove(context, coldkey, hotkey, netuid, shares.stake_of(state, hotkey, coldkey, netuid))
        except DispatchFailure:
            continue
        freed += balances.free_balance(state, coldkey) - before
    return freed


@call(103, {"hotkey": _HOTKEY, "netuid": NETUID, "limit_price": Option(TAO)}, ref_time=530_000_000)
def remove_stake_full_limit(context: Context, who: bytes, hotkey: bytes, netuid: int, limit_price: int | None) -> None:
    """The whole position, at the limit or better, or nothing (``do_remove_stake_full_limit``)."""
    alpha = shares.stake_of(context.state, hotkey, who, netuid)
    if limit_price is None:
        staking.remove(context, who, hotkey, netuid, alpha)
    else:
        staking.remove_limited(context, who, hotkey, netuid, alpha, limit_price, False)


@call(
    143,
    {"destination_coldkey": _HOTKEY, "origin_hotkey": _HOTKEY, "destination_hotkey": _HOTKEY, **_ROUTE},
    ref_time=630_000_000,
)
def transfer_stake_and_hotkey(
    context: Context,
    who: bytes,
    destination_coldkey: bytes,
    origin_hotkey: bytes,
    destination_hotkey: bytes,
    origin_netuid: int,
    destination_netuid: int,
    alpha_amount: int,
) -> None:
    """To another coldkey and another hotkey at once (``do_transfer_stake_and_hotkey``, 434)."""
    origin = who, origin_hotkey, origin_netuid
    destination = destination_coldkey, destination_hotkey, destination_netuid
    tao = _transition(context, origin, destination, alpha_amount, transfers=True)
    fields = {
        "origin_coldkey": who,
        "destination_coldkey": destination_coldkey,
        "origin_hotkey": origin_hotkey,
        "destination_hotkey": destination_hotkey,
        "origin_netuid": origin_netuid,
        "destination_netuid": destination_netuid,
        "amount": tao,
    }
    context.deposit(STAKE_AND_HOTKEY_TRANSFERRED, fields)


CALLS = (
    unstake_all,
    unstake_all_alpha,
    move_stake,
    transfer_stake,
    swap_stake,
    swap_stake_limit,
    remove_stake_full_limit,
    transfer_stake_and_hotkey,
)
