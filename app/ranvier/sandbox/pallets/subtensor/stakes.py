"""Stake weight: what a hotkey's stake counts for in a subnet."""

from __future__ import annotations

from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.storage import State

_U64_MAX = (1 << 64) - 1


def weighted_tao(state: State, hotkey: bytes) -> int:
    """Root stake on the hotkey times TaoWeight."""
    tao: int = Subtensor.TotalHotkeyAlpha.get(state, hotkey, 0)
    return tao * Subtensor.TaoWeight.get(state) // _U64_MAX if tao else 0


def stake_weight(state: State, netuid: int, hotkey: bytes) -> int:
    """Alpha on the hotkey in the subnet plus its root stake times TaoWeight.

    ``get_stake_weights_for_hotkey_on_subnet``, without child keys.
    """
    alpha: int = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    return alpha + weighted_tao(state, hotkey)
