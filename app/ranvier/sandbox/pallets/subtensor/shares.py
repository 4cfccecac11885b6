"""Stake positions as shares of a hotkey's alpha (``share-pool``).

A position (hotkey, coldkey, netuid) is worth TotalHotkeyAlpha * its shares / all shares. Up to 343 shares are U64F64
(``Alpha``, ``TotalHotkeyShares``); at 425 decimal floats (``AlphaV2``, ``TotalHotkeySharesV2``), and rows of before an
upgrade are read as they are until they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ranvier.sandbox.frame.storage import Item, State, WritableState
from ranvier.sandbox.maths.safe_float import ZERO, SafeFloat
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

_MAX, _SIGNED_MAX = (1 << 128) - 1, (1 << 127) - 1
_YEAR_OF_EMISSION = 2_628_000_000_000_000
_DUST = round(0.00001 * 2**64)
"""Below this part of the shares before, what remains goes with the withdrawal (343)."""


def stake_of(state: State, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
    """Rao of alpha (of TAO on root) that ``coldkey`` has on ``hotkey``."""
    total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    if rules(state) >= 425:
        share = _float(state, Subtensor.Alpha, Subtensor.AlphaV2, hotkey, coldkey, netuid)
        if not share.mantissa:
            return 0
        return SafeFloat.of(total).part(share, _denominator(state, hotkey, netuid)).floor()
    bits = Subtensor.Alpha.get(state, hotkey, coldkey, netuid)
    return _value(total, bits, Subtensor.TotalHotkeyShares.get(state, hotkey, netuid)) if bits else 0


def total_of(state: State, coldkey: bytes, netuid: int) -> int:
    """Rao of alpha that a coldkey has in a subnet, on whatever hotkey (``total_coldkey_alpha_on_subnet``)."""
    return sum(stake_of(state, hotkey, coldkey, netuid) for hotkey in Subtensor.StakingHotkeys.get(state, coldkey))


def positions(state: State, hotkey: bytes | None = None) -> list[tuple[bytes, bytes, int]]:
    """(hotkey, coldkey, netuid) of every position, or of those on one hotkey; new rows first, in the maps' order."""

    def keys() -> Iterator[tuple[bytes, bytes, int]]:
        for item in (Subtensor.AlphaV2, Subtensor.Alpha):
            yield from (key for key, _ in (item.items(state) if hotkey is None else item.items(state, hotkey)))

    return list(dict.fromkeys(keys()))


def hotkeys(state: State) -> list[bytes]:
    """Hotkeys that somebody stakes on, ascending."""
    maps = (Subtensor.TotalHotkeyShares, Subtensor.TotalHotkeySharesV2)
    return sorted({hotkey for item in maps for (hotkey, _), _ in item.items(state)})


def credit_all(state: WritableState, hotkey: bytes, netuid: int, amount: int) -> None:
    """Dividends: every position on the hotkey grows in proportion."""
    Subtensor.TotalHotkeyAlpha.add(state, hotkey, netuid, amount=amount)


def is_precise_enough(state: State, hotkey: bytes, netuid: int, amount: int) -> bool:
    """Whether so much more stake would be any shares at all (``sim_update_value_for_one``)."""
    total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    if rules(state) >= 425:
        whole = _denominator(state, hotkey, netuid)
        return not whole.mantissa or bool(SafeFloat.of(amount).part(whole, SafeFloat.of(total)).mantissa)
    denominator = Subtensor.TotalHotkeyShares.get(state, hotkey, netuid)
    return not denominator or bool(_shares(amount, total, denominator))


def add_stake(state: WritableState, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> None:
    """Give one position ``amount`` rao more; its coldkey is listed as a staker of the hotkey."""
    if amount <= 0:
        return
    staking = Subtensor.StakingHotkeys.get(state, coldkey)
    if hotkey not in staking:
        Subtensor.StakingHotkeys.put(state, coldkey, value=[*staking, hotkey])
    if rules(state) >= 425:
        _update(state, hotkey, coldkey, netuid, amount)
        return
    total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    denominator = Subtensor.TotalHotkeyShares.get(state, hotkey, netuid)
    share = Subtensor.Alpha.get(state, hotkey, coldkey, netuid)
    bought = _shares(amount, total, denominator) if denominator else amount << 64
    Subtensor.TotalHotkeyShares.put(state, hotkey, netuid, value=denominator + bought)
    Subtensor.Alpha.put(state, hotkey, coldkey, netuid, value=share + bought)
    Subtensor.TotalHotkeyAlpha.put(state, hotkey, netuid, value=total + amount)


def take_stake(state: WritableState, hotkey: bytes, coldkey: bytes, netuid: int, amount: int) -> int:
    """Take ``amount`` rao from one position; what really left it. Nothing where there is less."""
    held = stake_of(state, hotkey, coldkey, netuid)
    if held < amount or not amount:
        return 0
    if rules(state) >= 425:
        _update(state, hotkey, coldkey, netuid, -amount)
        return amount
    total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    denominator = Subtensor.TotalHotkeyShares.get(state, hotkey, netuid)
    share = Subtensor.Alpha.get(state, hotkey, coldkey, netuid)
    sold = _shares(amount, total, denominator)
    new_share, new_denominator, taken = max(share - sold, 0), max(denominator - sold, 0), amount
    too_fine = not new_denominator or ((total + _YEAR_OF_EMISSION) << 128) // new_denominator > _MAX
    if sold and ((new_share << 64) // share < _DUST or too_fine):
        new_share, new_denominator, taken = 0, max(denominator - share, 0), held
    _put_or_remove(state, Subtensor.Alpha, new_share, hotkey, coldkey, netuid)
    _put_or_remove(state, Subtensor.TotalHotkeyShares, new_denominator, hotkey, netuid)
    Subtensor.TotalHotkeyAlpha.put(state, hotkey, netuid, value=max(total - taken, 0))
    return taken


def _update(state: WritableState, hotkey: bytes, coldkey: bytes, netuid: int, change: int) -> None:
    """``update_value_for_one`` of 425: shares in proportion, the total by the whole change."""
    total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    whole = _denominator(state, hotkey, netuid)
    amount = SafeFloat.of(abs(change))
    if not whole.mantissa:
        whole = share = amount
    else:
        share = _float(state, Subtensor.Alpha, Subtensor.AlphaV2, hotkey, coldkey, netuid)
        moved = amount.part(whole, SafeFloat.of(total))
        whole, share = (whole + moved, share + moved) if change > 0 else (whole - moved, share - moved)
    _put_float(state, Subtensor.Alpha, Subtensor.AlphaV2, share, hotkey, coldkey, netuid)
    _put_float(state, Subtensor.TotalHotkeyShares, Subtensor.TotalHotkeySharesV2, whole, hotkey, netuid)
    _put_or_remove(state, Subtensor.TotalHotkeyAlpha, max(total + change, 0), hotkey, netuid)


def _denominator(state: State, hotkey: bytes, netuid: int) -> SafeFloat:
    return _float(state, Subtensor.TotalHotkeyShares, Subtensor.TotalHotkeySharesV2, hotkey, netuid)


def _float(state: State, old: Item, new: Item, *keys: Any) -> SafeFloat:
    """The old row while there is one, else the new."""
    bits = old.get(state, *keys)
    if bits:
        return SafeFloat.of_bits(bits)
    value = new.get(state, *keys)
    return SafeFloat(value["mantissa"], value["exponent"])


def _put_float(state: WritableState, old: Item, new: Item, value: SafeFloat, *keys: Any) -> None:
    old.remove(state, *keys)
    _put_or_remove(state, new, value._asdict() if value != ZERO else None, *keys)


def _value(total: int, share: int, denominator: int) -> int:
    """Whole rao that ``share`` bits of ``denominator`` bits are worth (343)."""
    if denominator == 0:
        return 0
    per_share = (total << 128) // denominator
    if per_share <= _MAX:
        return min(per_share * share >> 64, _MAX) >> 64
    value = (min(total * share, _MAX) << 64) // denominator  # the division overflows; it multiplies first then
    return value >> 64 if value <= _MAX else 0


def _shares(amount: int, total: int, denominator: int) -> int:
    """Bits of shares that ``amount`` rao are, in the signed I64F64 (343; ``get_shares_per_update``)."""
    per_share = (total << 128) // denominator
    if per_share <= _MAX:
        per_share = min(per_share, _SIGNED_MAX)
        shares = (amount << 128) // per_share if per_share else 0
        return shares if shares <= _SIGNED_MAX else 0
    return min(((amount << 64) // total) * min(denominator, _SIGNED_MAX) >> 64, _SIGNED_MAX)


def _put_or_remove(state: WritableState, item: Item, value: Any, *keys: Any) -> None:
    if value:
        item.put(state, *keys, value=value)
    else:
        item.remove(state, *keys)
