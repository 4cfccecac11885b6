"""What the pallet refuses before dispatch, free of charge (``SubtensorTransactionExtension``): "Custom error: N"."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.pallet import DispatchFailure
from ranvier.sandbox.pallets.subtensor import serving, weights
from ranvier.sandbox.storage import State

_STAKE_TOO_LOW = 1
_OTHER = 255
_NUMBERS = {
    "SubnetNotExists": 3,
    "HotKeyAccountNotExists": 4,
    "HotKeyNotRegisteredInNetwork": 10,
    "InvalidIpAddress": 11,
    "InvalidIpType": 11,
    "ServingRateLimitExceeded": 12,
    "InvalidPort": 13,
}


def refusal(state: State, block: int, who: bytes, call: tuple[str, tuple[str, Any]]) -> int | None:
    """The custom error number for a call that must not enter the pool, or None. Calls in batches are not looked at."""
    pallet, (name, arguments) = call
    if pallet != "SubtensorModule":
        return None
    if name == "set_weights" and not weights.enough_stake(state, arguments["netuid"], who):
        return _STAKE_TOO_LOW
    if name == "serve_axon":
        try:
            serving.check(
                state, block, who, arguments["netuid"], arguments["ip"], arguments["port"], arguments["ip_type"]
            )
        except DispatchFailure as failure:
            return _NUMBERS.get(failure.name, _OTHER)
    return None
