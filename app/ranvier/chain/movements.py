"""Which alpha came and went with one transaction, by its own events: exact, and apart from what the block did besides.

Every credit and debit has its event, also inside ``unstake_all`` and batches (``staking/helpers``, ``move_stake``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ranvier.chain.model import SUBTENSOR, Movement
from ranvier.chain.runtime.codec import Runtime
from ranvier.chain.runtime.events import Event

_SIGNS = {"StakeAdded": 1, "StakeRemoved": -1}  # coldkey, hotkey, tao, alpha, netuid, fee
# Told after the removal and the addition that belong to it.
_BOTH_ENDS = {"StakeMoved": "move", "StakeTransferred": "transfer", "StakeSwapped": "move"}


def tells_without_fee(runtime: Runtime) -> bool:
    """Whether ``StakeRemoved`` names only the alpha that was sold, and the fee beside it.

    So it is since shares are decimal floats (425); before, the alpha is all that left the position.
    """
    return runtime.has_item(SUBTENSOR, "AlphaV2")


def alpha_removed(values: Sequence[Any], *, without_fee: bool) -> int:
    """Rao of alpha that left the position of a ``StakeRemoved``."""
    return int(values[3]) + (int(values[5]) if without_fee and len(values) > 5 else 0)


def movements(events: Sequence[Event], extrinsic: int | None, *, without_fee: bool) -> tuple[Movement, ...]:
    """What transaction number ``extrinsic`` of a block (None: the block's own work) did to positions; ``events`` are
    all of that block.

    ``without_fee`` is what ``tells_without_fee`` says of the block's runtime.
    """
    found: list[Movement] = []
    loose = 0  # from where on nothing belongs to a move yet
    for index, event in enumerate(events):
        if event.extrinsic != extrinsic or event.pallet != SUBTENSOR:
            continue
        values = event.attributes
        if event.name in _SIGNS and isinstance(values, (list, tuple)):
            sign = _SIGNS[event.name]
            kind = "stake" if sign > 0 else "unstake"
            coldkey, hotkey, tao, added, netuid = values[:5]
            alpha = int(added) if sign > 0 else -alpha_removed(values, without_fee=without_fee)
            found.append(Movement(kind, index, str(coldkey), str(hotkey), int(netuid), alpha, -sign * int(tao)))
        elif event.name in _BOTH_ENDS:
            begin = max(loose, len(found) - 2)
            found[begin:] = _joined(_BOTH_ENDS[event.name], found[begin:])
            loose = len(found)
    return tuple(found)


def _joined(kind: str, parts: Sequence[Movement]) -> list[Movement]:
    """The halves of a move: TAO changed hands for it only where it was sold and bought again for the same coldkey."""
    places = {one.netuid for one in parts}
    traded = len(places) > 1 and len({one.coldkey_ss58 for one in parts}) == 1
    return [replace(one, kind=kind, tao_rao=one.tao_rao if traded else 0) for one in parts]
