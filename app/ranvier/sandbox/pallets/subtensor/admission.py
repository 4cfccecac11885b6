"""What the pallet refuses before dispatch, free of charge (``SubtensorTransactionExtension``): "Custom error: N"."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.frame.pallet import DispatchFailure
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.pallets.subtensor import coldkeys, evm, hotkeys, serving, weights
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

_OTHER = 255
_NUMBERS = {
    "ColdkeySwapAnnounced": 0,
    "NotEnoughStakeToSetWeights": 1,
    "SubnetNotExists": 3,
    "HotKeyAccountNotExists": 4,
    "SettingWeightsTooFast": 6,
    "HotKeyNotRegisteredInNetwork": 10,
    "InvalidIpAddress": 11,
    "ServingRateLimitExceeded": 12,
    "InvalidPort": 13,
    "HotKeyNotRegisteredInSubNet": 19,
    "EvmKeyAssociateRateLimitExceeded": 20,
    "ColdkeySwapDisputed": 21,
    "NonAssociatedColdKey": 25,
    "DelegateTakeTooLow": 26,
    "DelegateTakeTooHigh": 27,
}
_ADDRESS = ("netuid", "ip", "port", "ip_type")


def refusal(state: State, block: int, who: bytes, call: tuple[str, tuple[str, Any]]) -> int | None:
    """The custom error number for a call that must not enter the pool, or None. Calls in batches are not looked at."""
    pallet, (name, arguments) = call
    try:
        if rules(state) >= 425:
            _check_425(state, block, who, pallet, name, arguments)
        else:
            _check_343(state, block, who, pallet, name, arguments)
    except DispatchFailure as failure:
        return _NUMBERS.get(failure.name, _OTHER)
    return None


def _check_343(state: State, block: int, who: bytes, pallet: str, name: str, arguments: dict[str, Any]) -> None:
    if pallet != "SubtensorModule":
        return
    if name == "set_weights" and not weights.enough_stake(state, arguments["netuid"], who):
        raise fail("NotEnoughStakeToSetWeights")
    if name == "serve_axon":
        serving.check(state, block, who, *(arguments[key] for key in _ADDRESS))
    if name == "associate_evm_key":
        evm.check(state, block, who, arguments["netuid"])


def _check_425(state: State, block: int, who: bytes, pallet: str, name: str, arguments: dict[str, Any]) -> None:
    """The guards of the later runtime, in the order of its extension."""
    coldkeys.guard(state, who, pallet, name)
    if pallet == "Commitments" and name == "set_commitment":
        if not Subtensor.NetworksAdded.get(state, arguments["netuid"]):
            raise fail("SubnetNotExists")
        if Subtensor.Uids.get(state, arguments["netuid"], who) is None:
            raise fail("HotKeyNotRegisteredInSubNet")
    if pallet != "SubtensorModule":
        return
    if name == "set_weights":
        netuid = arguments["netuid"]
        if not weights.enough_stake(state, netuid, who):
            raise fail("NotEnoughStakeToSetWeights")
        if not Subtensor.CommitRevealWeightsEnabled.get(state, netuid) and weights.too_fast(state, block, netuid, who):
            raise fail("SettingWeightsTooFast")
    elif name in ("increase_take", "decrease_take"):
        hotkeys.check_take(state, who, arguments["hotkey"], arguments["take"])
    elif name in ("serve_axon", "serve_axon_tls"):
        serving.check(state, block, who, *(arguments[key] for key in _ADDRESS))
    elif name == "serve_prometheus":
        serving.check_prometheus(state, block, who, *(arguments[key] for key in _ADDRESS))
    elif name == "associate_evm_key":
        evm.check(state, block, who, arguments["netuid"])
