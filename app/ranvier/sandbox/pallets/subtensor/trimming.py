"""Fewer seats: the least paid leave, and those that stay move up (``trim_to_max_allowed_uids`` of subnets/uids.rs)."""

from __future__ import annotations

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.storage import Item, WritableState
from ranvier.sandbox.pallets.subtensor import neurons
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import Subtensor

_MOST_SAFE_PERCENT = 80
_OF_A_HOTKEY = (Subtensor.Axons, Subtensor.NeuronCertificates, Subtensor.Prometheus, Subtensor.AlphaDividendsPerSubnet)
_VECTORS: tuple[Item, ...] = (
    Subtensor.Emission,
    Subtensor.Active,
    Subtensor.Consensus,
    Subtensor.Dividends,
    Subtensor.ValidatorTrust,
    Subtensor.ValidatorPermit,
    Subtensor.StakeWeight,
    Subtensor.Rank,
    Subtensor.Trust,
    Subtensor.PruningScores,
)
_OF_A_UID = (Subtensor.Keys, Subtensor.BlockAtRegistration, Subtensor.AssociatedEvmAddress)


def trim(context: Context, netuid: int, most: int) -> None:
    """Leave ``most`` seats. Owners' seats and those in immunity stay, and may not be 80 % of what is left or more."""
    state = context.state
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    if not Subtensor.MinAllowedUids.get(state, netuid) <= most <= Subtensor.MaxAllowedUids.get(state, netuid):
        raise fail("InvalidValue")
    Subtensor.MaxAllowedUids.put(state, netuid, value=most)
    count = Subtensor.SubnetworkN.get(state, netuid)
    if count <= most:
        return
    owners = neurons.owner_uids(state, netuid)
    safe = {uid for uid in range(count) if uid in owners or neurons.is_immune(state, netuid, uid, context.block)}
    if len(safe) * 100 // most >= _MOST_SAFE_PERCENT:
        raise fail("TrimmingWouldExceedMaxImmunePercentage")
    paid = Subtensor.Emission.get(state, netuid)
    by_pay = sorted(range(count), key=lambda uid: -paid[uid])
    leaving = [uid for uid in reversed(by_pay) if uid not in safe][: count - most]
    for uid in leaving:
        _remove(state, netuid, uid)
    _move_up(state, netuid, [uid for uid in range(count) if uid not in leaving])
    Subtensor.SubnetworkN.put(state, netuid, value=most)


def _remove(state: WritableState, netuid: int, uid: int) -> None:
    hotkey = Subtensor.Keys.get(state, netuid, uid)
    Subtensor.Uids.remove(state, netuid, hotkey)
    Subtensor.IsNetworkMember.remove(state, hotkey, netuid)
    for item in _OF_A_HOTKEY:
        item.remove(state, netuid, hotkey)
    for item in _OF_A_UID:
        item.remove(state, netuid, uid)
    for index in neurons.mechanism_indices(state, netuid):
        for item in (Subtensor.Weights, Subtensor.Bonds):
            item.remove(state, index, uid)


def _move_up(state: WritableState, netuid: int, staying: list[int]) -> None:
    """Give the uids from 0 on to those that stay, in their order, everywhere a uid is written."""
    for item in _VECTORS:
        _compress(state, item, netuid, staying)
    place = {uid: new for new, uid in enumerate(staying)}
    for index in neurons.mechanism_indices(state, netuid):
        for item in (Subtensor.Incentive, Subtensor.LastUpdate):
            _compress(state, item, index, staying)
        for item in (Subtensor.Weights, Subtensor.Bonds):
            for (_, uid), row in list(item.items(state, index)):
                item.remove(state, index, uid)
                kept = [(place[other], value) for other, value in row if other in place]
                item.put(state, index, place[uid], value=kept)
    for item in _OF_A_UID:
        for uid in staying:
            if place[uid] != uid and item.exists(state, netuid, uid):
                item.put(state, netuid, place[uid], value=item.get(state, netuid, uid))
                item.remove(state, netuid, uid)
    for uid in range(len(staying)):
        Subtensor.Uids.put(state, netuid, Subtensor.Keys.get(state, netuid, uid), value=uid)


def _compress(state: WritableState, item: Item, index: int, staying: list[int]) -> None:
    """A vector of 425 that is no longer filled stays as it is."""
    row = item.get(state, index)
    if row:
        item.put(state, index, value=[row[uid] if uid < len(row) else 0 for uid in staying])
