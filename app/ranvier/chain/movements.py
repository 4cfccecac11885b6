"""Which alpha came and went with one transaction, by its own events: exact, and apart from what the block did besides.

Every credit and debit has its event, also inside ``unstake_all`` and batches (``staking/helpers``, ``move_stake``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ranvier.chain.events import Event
from ranvier.chain.model import Movement
from ranvier.chain.pools import SUBTENSOR

_SIGNS = {"StakeAdded": 1, "StakeRemoved": -1}  # coldkey, hotkey, tao, alpha, netuid
# Told after the removal and the addition that belong to it.
_BOTH_ENDS = {"StakeMoved": "move", "StakeTransferred": "transfer", "StakeSwapped": "move"}


def movements(events: Sequence[Event], extrinsic: int) -> tuple[Movement, ...]:
    """What transaction number ``extrinsic`` of a block did to positions; ``events`` are all of that block."""
    found: list[Movement] = []
    loose = 0  # from where on nothing belongs to a move yet
    for index, event in enumerate(events):
        if event.extrinsic != extrinsic or event.pallet != SUBTENSOR:
            continue
        values = event.attributes
        if event.name in _SIGNS and isinstance(values, (list, tuple)):
            sign = _SIGNS[event.name]
            kind = "stake" if sign > 0 else "unstake"
            coldkey, hotkey, tao, alpha, netuid = values[:5]
            found.append(
                Movement(kind, index, str(coldkey), str(hotkey), int(netuid), sign * int(alpha), -sign * int(tao))
            )
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
