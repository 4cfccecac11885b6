"""Miner collateral (spec 435): a part of the price of a seat that only work gives back. Follows subnets/collateral.rs.

It belongs to one (hotkey, coldkey) position of a subnet, stays there as stake that cannot leave, survives the loss of
the seat, and counts towards the next registration of the same pair. No call withdraws it.
"""

from __future__ import annotations

from typing import Any

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.storage import State, WritableState
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import locks, shares, swaps
from ranvier.sandbox.pallets.subtensor.events import COLLATERAL_LOCKED, STAKE_ADDED, fail
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

_FRACTION = 64
_U16_MAX = 65_535
_U64_MAX = (1 << 64) - 1
_MOST_HOTKEYS = 32


def locked(state: State, netuid: int, hotkey: bytes, coldkey: bytes) -> int:
    """Rao of alpha that are collateral on one position."""
    row = Subtensor.MinerCollateral.get(state, netuid, hotkey, coldkey)
    return 0 if row is None else int(row["locked"])


def available_of(state: State, coldkey: bytes, netuid: int) -> int:
    """What the coldkey can take out of a subnet: its stake there less lock and collateral (``stake_availability``)."""
    held = locks.locked_of(state, coldkey, netuid) + Subtensor.ColdkeyMinerCollateral.get(state, netuid, coldkey)
    return max(shares.total_of(state, coldkey, netuid) - int(held), 0)


def ensure_covered(state: State, coldkey: bytes, hotkey: bytes, netuid: int, alpha: int) -> None:
    """What leaves a position must leave its collateral there (``ensure_hotkey_covers_collateral``)."""
    if alpha > max(shares.stake_of(state, hotkey, coldkey, netuid) - locked(state, netuid, hotkey, coldkey), 0):
        raise fail("StakeUnavailable")


def ensure_available(state: State, coldkey: bytes, hotkey: bytes, netuid: int, alpha: int) -> None:
    """Neither locked alpha nor collateral can leave (``ensure_available_to_unstake``)."""
    if available_of(state, coldkey, netuid) < alpha:
        raise fail("StakeUnavailable")
    ensure_covered(state, coldkey, hotkey, netuid, alpha)


def ensure_transferable(state: State, coldkey: bytes, netuid: int, alpha: int) -> None:
    """A lock goes with given alpha, collateral does not (``ensure_transfer_respects_collateral``)."""
    kept = Subtensor.ColdkeyMinerCollateral.get(state, netuid, coldkey)
    if alpha > max(shares.total_of(state, coldkey, netuid) - kept, 0):
        raise fail("StakeUnavailable")


def moving_price_bits(state: State, netuid: int) -> int:
    """The moving average of the price with 64 bits of fraction (``get_moving_alpha_price``); root's is one."""
    if netuid == swaps.ROOT:
        return 1 << _FRACTION
    bits: int = Subtensor.SubnetMovingPrice.get(state, netuid)
    return max(bits, 0) << 32


def split(state: State, netuid: int, hotkey: bytes, coldkey: bytes, price: int) -> tuple[int, int]:
    """(burned, to be locked) rao of TAO of a registration: what is locked already counts, at the moving price."""
    share = (Subtensor.CollateralLockShare.get(state, netuid) << _FRACTION) // _U16_MAX
    required = price * share >> _FRACTION
    if required == 0:
        return price, 0
    worth: int = locked(state, netuid, hotkey, coldkey) * moving_price_bits(state, netuid) >> _FRACTION
    return price - required, max(required - min(worth, _U64_MAX), 0)


def pay_registration(context: Context, netuid: int, hotkey: bytes, coldkey: bytes, burned: int, top_up: int) -> None:
    """One payment and one swap; the alpha is destroyed and locked in the proportion of the TAO (``pay_registration``).

    With collateral in it the swap stops 5 % above the spot price, and what is left of the payment is given back.
    """
    state, charge = context.state, burned + top_up
    paid = charge
    if top_up:
        limit = (swaps.price_bits(state, netuid) * 105 // 100) * RAO_PER_COIN >> _FRACTION
        if limit == 0:
            raise fail("InsufficientLiquidity")
        paid = min(charge, swaps.most_tao_below(state, netuid, limit))
    if paid == 0:
        _renew_ratio(state, netuid, hotkey, coldkey)
        return
    balances.burn(context, coldkey, paid)
    swap = swaps.buy(context, netuid, paid)
    if rules(state) >= 425:
        swaps.record_flow(state, netuid, swap.amount_in - swap.fee)
    lock_alpha = swap.amount_out * top_up // charge
    Subtensor.SubnetAlphaOut.add(state, netuid, amount=-(swap.amount_out - lock_alpha))
    if lock_alpha == 0:
        _renew_ratio(state, netuid, hotkey, coldkey)
        return
    shares.add_stake(state, hotkey, coldkey, netuid, lock_alpha)
    locks.refresh(state, coldkey, netuid)
    context.deposit(STAKE_ADDED, (coldkey, hotkey, top_up, lock_alpha, netuid, swap.fee))
    total = credit(state, netuid, hotkey, coldkey, lock_alpha, renew=True)
    context.deposit(
        COLLATERAL_LOCKED, {"netuid": netuid, "hotkey": hotkey, "locked": lock_alpha, "total_locked": total}
    )


def _new_row(state: State, netuid: int, *, held: int, floor: int) -> dict[str, Any]:
    ratio = Subtensor.CollateralDrainRatio.get(state, netuid)
    return {"locked": held, "drain_ratio": ratio, "min_locked": floor, "earned": 0}


def _renew_ratio(state: WritableState, netuid: int, hotkey: bytes, coldkey: bytes) -> None:
    """A registration takes the subnet's drain ratio of today (``resnapshot_collateral_drain``)."""
    row = Subtensor.MinerCollateral.get(state, netuid, hotkey, coldkey)
    if row is not None:
        row["drain_ratio"] = Subtensor.CollateralDrainRatio.get(state, netuid)
        Subtensor.MinerCollateral.put(state, netuid, hotkey, coldkey, value=row)


def put_row(state: WritableState, netuid: int, hotkey: bytes, coldkey: bytes, row: dict[str, Any] | None) -> None:
    """Keep a position's collateral (None: none is left), the coldkey's sum of it and the list of its hotkeys."""
    change = (0 if row is None else row["locked"]) - locked(state, netuid, hotkey, coldkey)
    listed = Subtensor.ColdkeyCollateralHotkeys.get(state, netuid, coldkey)
    if row is None:
        Subtensor.MinerCollateral.remove(state, netuid, hotkey, coldkey)
        listed = [one for one in listed if one != hotkey]
    else:
        Subtensor.MinerCollateral.put(state, netuid, hotkey, coldkey, value=row)
        if hotkey not in listed:
            if len(listed) >= _MOST_HOTKEYS:
                raise fail("ColdkeyCollateralPositionsFull")
            listed = [*listed, hotkey]
    _put_or_remove(state, Subtensor.ColdkeyCollateralHotkeys, netuid, coldkey, listed)
    total = Subtensor.ColdkeyMinerCollateral.get(state, netuid, coldkey) + change
    _put_or_remove(state, Subtensor.ColdkeyMinerCollateral, netuid, coldkey, total)


def _put_or_remove(state: WritableState, item: Any, netuid: int, coldkey: bytes, value: Any) -> None:
    if value:
        item.put(state, netuid, coldkey, value=value)
    elif item.exists(state, netuid, coldkey):
        item.remove(state, netuid, coldkey)


def credit(state: WritableState, netuid: int, hotkey: bytes, coldkey: bytes, alpha: int, *, renew: bool) -> int:
    """More collateral on a position; returns all that is locked there (``credit_miner_collateral``)."""
    row = Subtensor.MinerCollateral.get(state, netuid, hotkey, coldkey)
    if row is None:
        row = _new_row(state, netuid, held=0, floor=0)
    elif renew:
        row["drain_ratio"] = Subtensor.CollateralDrainRatio.get(state, netuid)
    row["locked"] += alpha
    put_row(state, netuid, hotkey, coldkey, row)
    return int(row["locked"])


def set_floor(state: WritableState, netuid: int, hotkey: bytes, coldkey: bytes, floor: int) -> None:
    """The amount that stays locked; pay fills it up, work releases only what is above it."""
    row = Subtensor.MinerCollateral.get(state, netuid, hotkey, coldkey)
    if row is None and floor == 0:
        return
    row = row or _new_row(state, netuid, held=0, floor=0)
    row["min_locked"] = floor
    put_row(state, netuid, hotkey, coldkey, row if row["locked"] or floor else None)


def settle(state: WritableState, netuid: int, hotkey: bytes, owner: bytes, emission: int, capturable: int) -> int:
    """What a payout does to collateral; returns how much of it became collateral (``settle_miner_collateral``).

    Below the floor up to ``capturable`` is staked to the hotkey and locked; at or above it ``drain_ratio`` times the
    emission is released, down to the floor.
    """
    row = Subtensor.MinerCollateral.get(state, netuid, hotkey, owner) if emission else None
    if row is None:
        return 0
    row["earned"] = min(row["earned"] + emission, _U64_MAX)
    missing = max(row["min_locked"] - row["locked"], 0)
    captured = min(capturable, int(missing))
    if captured:
        shares.add_stake(state, hotkey, owner, netuid, captured)
        row["locked"] += captured
    elif not missing:
        released = min(emission * row["drain_ratio"] >> _FRACTION, _U64_MAX)
        row["locked"] -= min(row["locked"] - row["min_locked"], released)
    put_row(state, netuid, hotkey, owner, row if row["locked"] or row["min_locked"] else None)
    return captured


def tao_for(state: State, netuid: int, alpha: int) -> int:
    """TAO that ``alpha`` costs at the moving price."""
    price = moving_price_bits(state, netuid)
    if price == 0:
        raise fail("InsufficientLiquidity")
    return alpha * price >> _FRACTION


def _merge(there: dict[str, Any] | None, row: dict[str, Any]) -> dict[str, Any]:
    """Two rows as one: sums, and the slower of the two ratios (``merge_miner_collateral_state``)."""
    if there is None:
        return row
    sums = {name: min(there[name] + row[name], _U64_MAX) for name in ("locked", "min_locked", "earned")}
    return {**sums, "drain_ratio": min(there["drain_ratio"], row["drain_ratio"])}


def move(state: WritableState, netuid: int, source: tuple[bytes, bytes], target: tuple[bytes, bytes]) -> None:
    """Collateral follows a swapped hotkey or coldkey; ``source`` and ``target`` are (hotkey, coldkey)."""
    row = Subtensor.MinerCollateral.get(state, netuid, *source)
    if row is None or source == target:
        return
    there = Subtensor.MinerCollateral.get(state, netuid, *target)
    put_row(state, netuid, *source, None)
    put_row(state, netuid, *target, _merge(there, row))


def move_coldkey(state: WritableState, netuid: int, old: bytes, new: bytes) -> None:
    """All of a coldkey's collateral in a subnet (``transfer_coldkey_miner_collateral``)."""
    for hotkey in Subtensor.ColdkeyCollateralHotkeys.get(state, netuid, old):
        move(state, netuid, (hotkey, old), (hotkey, new))
    if Subtensor.ColdkeyMinerCollateral.get(state, netuid, old):
        raise fail("ColdkeyCollateralIncomplete")
