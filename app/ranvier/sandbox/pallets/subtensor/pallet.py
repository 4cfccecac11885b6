"""SubtensorModule: the declaration that puts its parts together."""

from __future__ import annotations

from ranvier.sandbox.codec.scale import U16, U64
from ranvier.sandbox.frame.pallet import Constant, Pallet
from ranvier.sandbox.pallets.admin_settings import SETTING_EVENTS
from ranvier.sandbox.pallets.subtensor import (
    burning,
    children,
    coldkeys,
    collateral_calls,
    dissolution,
    evm,
    hotkeys,
    identities,
    locks,
    moving,
    networks,
    other_weights,
    registration,
    root_claims,
    serving,
    staking,
    symbols,
    weights,
    work,
)
from ranvier.sandbox.pallets.subtensor.coinbase import block_step
from ranvier.sandbox.pallets.subtensor.events import EVENTS, INDEX, fail
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.pallets.subtensor.subnet_events import SUBNET_EVENTS

PALLET = Pallet(
    name="SubtensorModule",
    index=INDEX,
    path="pallet_subtensor",
    storage=Subtensor,
    calls=weights.CALLS
    + staking.CALLS
    + moving.CALLS
    + burning.CALLS
    + serving.CALLS
    + registration.CALLS
    + work.CALLS
    + evm.CALLS
    + hotkeys.CALLS
    + coldkeys.CALLS
    + locks.CALLS
    + collateral_calls.CALLS
    + root_claims.CALLS
    + networks.CALLS
    + dissolution.CALLS
    + identities.CALLS
    + symbols.CALLS
    + children.CALLS
    + other_weights.CALLS,
    events=EVENTS + SUBNET_EVENTS + tuple(event for event in SETTING_EVENTS if event.pallet_index == INDEX),
    errors=fail,
    constants=(
        Constant("KeySwapCost", U64, coldkeys.SWAP_COST_RAO),
        Constant("KeySwapOnSubnetCost", U64, hotkeys.SWAP_ON_SUBNET_COST_RAO),
        Constant("HotkeySwapOnSubnetInterval", U64, 36_000),
        Constant("InitialTempo", U16, 360),
        Constant("DurationOfStartCall", U64, networks.START_DELAY_343),
        Constant("InitialStartCallDelay", U64, 0),  # 425
    ),
    on_initialize=block_step,
)
