"""Stake positions as shares of a hotkey's alpha (``share-pool`` of specs 320 and 343, U64F64 throughout).

A position (hotkey, coldkey, netuid) is worth TotalHotkeyAlpha * Alpha / TotalHotkeyShares.
"""

from __future__ import annotations

from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.storage import State, WritableState

_LIMIT = 1 << 128
_YEAR_OF_EMISSION = 2_628_000_000_000_000
_DUST_PER = 100_000  # a rest below 1/100000 of the shares goes with the withdrawal


def _value(total: int, share: int, denominator: int) -> int:
    """Whole rao that ``share`` bits of ``denominator`` bits are worth."""
    if denominator == 0:
        return 0
    per_share = (total << 64 << 64) // denominator
    if per_share >= _LIMIT:  # the runtime's division overflows; it multiplies first then
        return min((total << 64) * share // denominator, _LIMIT - 1) >> 64
    return min(per_share * share >> 64, _LIMIT - 1) >> 64


def stake_of(state: State, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
    """Rao of alpha (of TAO on root) that ``coldkey`` has on ``hotkey``."""
    share = Subtensor.Alpha.get(state, hotkey, coldkey, netuid)
    if not share:
        return 0
    total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    return _value(total, share, Subtensor.TotalHotkeyShares.get(state, hotkey, netuid))


def total_of(state: State, coldkey: bytes, netuid: int) -> int:
    """Rao of alpha that a coldkey has in a subnet, on whatever hotkey (``total_coldkey_alpha_on_subnet``)."""
    return sum(stake_of(state, hotkey, coldkey, netuid) for hotkey in Subtensor.StakingHotkeys.get(state, coldkey))


def credit_all(state: WritableState, hotkey: bytes, netuid: int, amount: int) -> None:
    """Dividends: every position on the hotkey grows in proportion."""
    Subtensor.TotalHotkeyAlpha.add(state, hotkey, netuid, amount=amount)


def add_stake(state: WritableState, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> None:
    """Give one position ``amount`` rao more; its coldkey is listed as a staker of the hotkey."""
    if amount <= 0:
        return
    total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    denominator = Subtensor.TotalHotkeyShares.get(state, hotkey, netuid)
    share = Subtensor.Alpha.get(state, hotkey, coldkey, netuid)
    bought = _shares(amount, total, denominator)
    Subtensor.TotalHotkeyShares.put(state, hotkey, netuid, value=denominator + bought)
    Subtensor.Alpha.put(state, hotkey, coldkey, netuid, value=share + bought)
    Subtensor.TotalHotkeyAlpha.put(state, hotkey, netuid, value=total + amount)
    staking = Subtensor.StakingHotkeys.get(state, coldkey)
    if hotkey not in staking:
        Subtensor.StakingHotkeys.put(state, coldkey, value=[*staking, hotkey])


def take_stake(state: WritableState, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> int:
    """Take ``amount`` rao from one position (the caller has checked that it is there); what really left it."""
    total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    denominator = Subtensor.TotalHotkeyShares.get(state, hotkey, netuid)
    share = Subtensor.Alpha.get(state, hotkey, coldkey, netuid)
    held = _value(total, share, denominator)
    sold = _shares(amount, total, denominator)
    new_share, new_denominator = max(share - sold, 0), max(denominator - sold, 0)
    taken = amount
    too_fine = not new_denominator or ((total + _YEAR_OF_EMISSION) << 128) // new_denominator >= _LIMIT
    if new_share * _DUST_PER < share or too_fine:
        new_share, new_denominator, taken = 0, max(denominator - share, 0), held
    _put_or_remove(state, new_share, new_denominator, hotkey, coldkey, netuid)
    Subtensor.TotalHotkeyAlpha.put(state, hotkey, netuid, value=max(total - taken, 0))
    return taken


def _shares(amount: int, total: int, denominator: int) -> int:
    """Bits of shares that ``amount`` rao are; the first position's shares are its rao."""
    if denominator == 0 or total == 0:
        return amount << 64
    per_share = (total << 64 << 64) // denominator
    if 0 < per_share < _LIMIT >> 1:
        return (amount << 64 << 64) // per_share
    return (amount << 64) // total * denominator >> 64


def _put_or_remove(
    state: WritableState, share: int, denominator: int, hotkey: bytes, coldkey: bytes, netuid: int
) -> None:
    if share:
        Subtensor.Alpha.put(state, hotkey, coldkey, netuid, value=share)
    else:
        Subtensor.Alpha.remove(state, hotkey, coldkey, netuid)
    if denominator:
        Subtensor.TotalHotkeyShares.put(state, hotkey, netuid, value=denominator)
    else:
        Subtensor.TotalHotkeyShares.remove(state, hotkey, netuid)
