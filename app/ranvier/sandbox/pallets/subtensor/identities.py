"""What owners say of themselves and of their subnets. Follows utils/identity.rs."""

from __future__ import annotations

from collections.abc import Mapping

from ranvier.sandbox.codec.scale import Bytes
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.pallets.subtensor import info
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor
from ranvier.sandbox.pallets.subtensor.subnet_events import IDENTITY_SET, SUBNET_IDENTITY_SET

_BYTES = Bytes()
_SHORT, _LONG = 256, 1024
_OWNER_LIMITS = {
    "name": _SHORT,
    "url": _SHORT,
    "github_repo": _SHORT,
    "image": _LONG,
    "discord": _SHORT,
    "description": _LONG,
    "additional": _LONG,
}
_SUBNET_LIMITS = {
    "subnet_name": _SHORT,
    "github_repo": _LONG,
    "subnet_contact": _LONG,
    "subnet_url": _LONG,
    "discord": _SHORT,
    "description": _LONG,
    "logo_url": _LONG,
    "additional": _LONG,
}


def _within(fields: Mapping[str, bytes], limits: Mapping[str, int]) -> None:
    if any(len(fields[name]) > limit for name, limit in limits.items()):
        raise fail("InvalidIdentity")


def check_subnet(identity: Mapping[str, bytes]) -> None:
    """``is_valid_subnet_identity``: each field has its limit, with which their sum is within its own."""
    _within(identity, _SUBNET_LIMITS)


@call(68, dict.fromkeys(_OWNER_LIMITS, _BYTES))
def set_identity(context: Context, who: bytes, **fields: bytes) -> None:
    """Say who owns this coldkey; one of its hotkeys must have a seat somewhere (``do_set_identity``)."""
    state = context.state
    hotkeys = Subtensor.OwnedHotkeys.get(state, who)
    if not any(Subtensor.IsNetworkMember.get(state, one, netuid) for one in hotkeys for netuid in info.netuids(state)):
        raise fail("HotKeyNotRegisteredInNetwork")
    _within(fields, _OWNER_LIMITS)
    Subtensor.IdentitiesV2.put(state, who, value=fields)
    context.deposit(IDENTITY_SET, who)


@call(78, {"netuid": NETUID, **dict.fromkeys(_SUBNET_LIMITS, _BYTES)})
def set_subnet_identity(context: Context, who: bytes, netuid: int, **fields: bytes) -> None:
    """Say what a subnet of one's own is (``do_set_subnet_identity``)."""
    state = context.state
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if Subtensor.SubnetOwner.get(state, netuid) != who:
        raise fail("NotSubnetOwner")
    check_subnet(fields)
    Subtensor.SubnetIdentitiesV3.put(state, netuid, value=fields)
    context.deposit(SUBNET_IDENTITY_SET, netuid)


CALLS = (set_identity, set_subnet_identity)
