"""Dividends of a child key, shared with the parents whose weight earned them.

Follows ``get_parent_child_dividends_distribution`` (coinbase/run_coinbase.rs), in its U96F32.
"""

from __future__ import annotations

from collections.abc import Mapping

from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.maths.fixed import FRACTION, U16_MAX
from ranvier.sandbox.pallets.subtensor.children import least_take
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

_ONE = 1 << FRACTION
_U64_MAX = (1 << 64) - 1
_ROOT = 0


def shared(state: State, netuid: int, dividends: Mapping[bytes, int], tao_weight: int) -> tuple[dict[bytes, int], int]:
    """(rao owed to each hotkey, parents among them; rao that is burned on the way)."""
    owed: dict[bytes, int] = {}
    burned = 0
    for hotkey in sorted(dividends):
        parents = Subtensor.ParentKeys.get(state, hotkey, netuid)
        if not parents:
            owed[hotkey] = owed.get(hotkey, 0) + dividends[hotkey]
            continue
        rows, lost = _split(state, netuid, hotkey, parents, dividends[hotkey], tao_weight)
        burned += lost
        for other, amount in rows:
            owed[other] = owed.get(other, 0) + amount
    return owed, burned


def _contribution(state: State, netuid: int, hotkey: bytes, part: int, tao_weight: int) -> int:
    """What ``part`` (U96F32 bits) of a hotkey's stake counts for, as bits."""
    alpha = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    root = Subtensor.TotalHotkeyAlpha.get(state, hotkey, _ROOT)
    return int(alpha * part + (root * part * tao_weight >> FRACTION))


def _normal(part: int) -> int:
    return (part << FRACTION) // _U64_MAX


def _split(
    state: State, netuid: int, hotkey: bytes, parents: list[tuple[int, bytes]], dividends: int, tao_weight: int
) -> tuple[list[tuple[bytes, int]], int]:
    lent = sum(_normal(part) for part, _ in Subtensor.ChildKeys.get(state, hotkey, netuid))
    own = _contribution(state, netuid, hotkey, max(_ONE - lent, 0), tao_weight) >> FRACTION << FRACTION
    theirs = [(parent, _contribution(state, netuid, parent, _normal(part), tao_weight)) for part, parent in parents]
    total = own + sum(amount for _, amount in theirs)
    owner, least = Subtensor.Owner.get(state, hotkey), least_take(state, netuid) if rules(state) >= 425 else 0
    take = (max(Subtensor.ChildkeyTake.get(state, hotkey, netuid), least) << FRACTION) // U16_MAX
    burn = _normal(Subtensor.CKBurn.get(state))
    left, taken, burned, rows = dividends << FRACTION, 0, 0, []
    for parent, amount in theirs:
        earned = dividends * ((amount << FRACTION) // total) if total else 0
        left -= min(earned, left)
        if Subtensor.Owner.get(state, parent) != owner:
            lost, kept = burn * earned >> FRACTION, take * earned >> FRACTION
            earned = max(max(earned - lost, 0) - kept, 0)
            taken += kept
            burned += lost >> FRACTION
        rows.append((parent, earned >> FRACTION))
    return [*rows, (hotkey, (left + taken) >> FRACTION)], burned
