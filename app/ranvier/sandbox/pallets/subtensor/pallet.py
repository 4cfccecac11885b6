"""SubtensorModule: the declaration that puts its parts together."""

from __future__ import annotations

from ranvier.sandbox.pallet import Pallet
from ranvier.sandbox.pallets.subtensor import hotkeys, moving, registration, serving, staking, weights
from ranvier.sandbox.pallets.subtensor.coinbase import block_step
from ranvier.sandbox.pallets.subtensor.events import EVENTS, INDEX, fail
from ranvier.sandbox.pallets.subtensor.storage import Subtensor

PALLET = Pallet(
    name="SubtensorModule",
    index=INDEX,
    path="pallet_subtensor",
    storage=Subtensor,
    calls=weights.CALLS + staking.CALLS + moving.CALLS + serving.CALLS + registration.CALLS + hotkeys.CALLS,
    events=EVENTS,
    errors=fail,
    on_initialize=block_step,
)
