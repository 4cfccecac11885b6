"""Stake weight: what a hotkey's stake counts for in a subnet."""

from __future__ import annotations

from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.maths.fixed import FRACTION
from ranvier.sandbox.pallets.subtensor.storage import Subtensor

_U64_MAX = (1 << 64) - 1


def inherited(state: State, netuid: int, hotkey: bytes, place: int) -> int:
    """Stake on the hotkey in ``place`` as it counts in the subnet: less what is lent to children, and parents' loans.

    ``get_inherited_for_hotkey_on_subnet``, and for root ``get_tao_inherited_for_hotkey_on_subnet`` (U96F32).
    """
    own: int = Subtensor.TotalHotkeyAlpha.get(state, hotkey, place)
    children = Subtensor.ChildKeys.get(state, hotkey, netuid)
    parents = Subtensor.ParentKeys.get(state, hotkey, netuid)
    if not children and not parents:
        return own
    lent = sum(own * _part(part) for part, _ in children)
    lent_to_it: int = sum(Subtensor.TotalHotkeyAlpha.get(state, one, place) * _part(part) for part, one in parents)
    return (max((own << FRACTION) - lent, 0) + lent_to_it) >> FRACTION


def _part(part: int) -> int:
    return (part << FRACTION) // _U64_MAX


def stake_weight_bits(state: State, netuid: int, hotkey: bytes) -> int:
    """Alpha that counts for the hotkey in the subnet, plus root stake times TaoWeight; in 2**-32 rao.

    ``get_stake_weights_for_hotkey_on_subnet``: the weight is a U96F32, of which the product loses nothing.
    """
    root_stake = inherited(state, netuid, hotkey, 0)
    weighted = root_stake * _part(Subtensor.TaoWeight.get(state)) if root_stake else 0
    return (inherited(state, netuid, hotkey, netuid) << FRACTION) + weighted


def stake_weight(state: State, netuid: int, hotkey: bytes) -> int:
    """The same in whole rao."""
    return stake_weight_bits(state, netuid, hotkey) >> FRACTION
