"""Seats of a subnet: a new uid, a taken-over uid, and whose turn it is to leave."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.storage import Item, State, WritableState
from ranvier.sandbox.pallets.subtensor.events import NEURON_REGISTERED, fail
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

_U16_MAX = 65_535
MECHANISM_STEP = 4096
_CLEARED: tuple[tuple[Item, Any], ...] = (
    (Subtensor.Active, True),
    (Subtensor.Emission, 0),
    (Subtensor.Trust, 0),
    (Subtensor.Consensus, 0),
    (Subtensor.Incentive, 0),
    (Subtensor.Dividends, 0),
    (Subtensor.StakeWeight, 0),
)
_KEPT: tuple[tuple[Item, Any], ...] = (
    (Subtensor.Rank, 0),
    (Subtensor.ValidatorTrust, 0),
    (Subtensor.PruningScores, 0),
    (Subtensor.ValidatorPermit, False),
)
"""Vectors that start so in a new seat and are left as they are in one that is taken over."""


def create_account_if_new(context: Context, coldkey: bytes, hotkey: bytes) -> None:
    """Tie a hotkey that nobody owns to a coldkey; one that another coldkey owns raises NonAssociatedColdKey."""
    state = context.state
    if not Subtensor.Owner.exists(state, hotkey):
        Subtensor.Owner.put(state, hotkey, value=coldkey)
        owned = Subtensor.OwnedHotkeys.get(state, coldkey)
        Subtensor.OwnedHotkeys.put(state, coldkey, value=[*owned, hotkey])
        staked = Subtensor.StakingHotkeys.get(state, coldkey)
        if hotkey not in staked:
            Subtensor.StakingHotkeys.put(state, coldkey, value=[*staked, hotkey])
    elif Subtensor.Owner.get(state, hotkey) != coldkey:
        raise fail("NonAssociatedColdKey")


def register_neuron(context: Context, netuid: int, hotkey: bytes) -> int:
    """Seat a hotkey: the next uid, or when the subnet is full the uid of the one that must leave."""
    state = context.state
    if Subtensor.SubnetworkN.get(state, netuid) < Subtensor.MaxAllowedUids.get(state, netuid):
        uid = append_neuron(context, netuid, hotkey)
    else:
        chosen = uid_to_prune(state, netuid, context.block)
        if chosen is None:
            raise fail("NoNeuronIdAvailable")
        uid = chosen
        if Subtensor.Keys.get(state, netuid, uid) == Subtensor.SubnetOwnerHotkey.get(state, netuid):
            # 343 picks the owner's seat when there is no other, and then leaves it as it is.
            context.deposit(NEURON_REGISTERED, (netuid, uid, hotkey))
            return uid
        replace_neuron(context, netuid, uid, hotkey)
    context.deposit(NEURON_REGISTERED, (netuid, uid, hotkey))
    return uid


def append_neuron(context: Context, netuid: int, hotkey: bytes) -> int:
    """Give a hotkey the next uid (``append_neuron``)."""
    uid = int(Subtensor.SubnetworkN.get(context.state, netuid))
    Subtensor.SubnetworkN.put(context.state, netuid, value=uid + 1)
    for item, value in (*_CLEARED, *_KEPT):
        _set_at(context.state, item, netuid, uid, value)
    for index in mechanism_indices(context.state, netuid):
        _set_at(context.state, Subtensor.LastUpdate, index, uid, context.block)
    _seat(context, netuid, uid, hotkey)
    return uid


def replace_neuron(context: Context, netuid: int, uid: int, hotkey: bytes) -> None:
    """Give a hotkey the seat of another (``replace_neuron``)."""
    _unseat(context.state, netuid, uid)
    _seat(context, netuid, uid, hotkey)


def _seat(context: Context, netuid: int, uid: int, hotkey: bytes) -> None:
    state = context.state
    Subtensor.Uids.put(state, netuid, hotkey, value=uid)
    Subtensor.Keys.put(state, netuid, uid, value=hotkey)
    Subtensor.IsNetworkMember.put(state, hotkey, netuid, value=True)
    Subtensor.BlockAtRegistration.put(state, netuid, uid, value=context.block)


def mechanism_indices(state: State, netuid: int) -> list[int]:
    """Where each mechanism's vectors are (``get_mechanism_storage_index``)."""
    return [netuid + MECHANISM_STEP * one for one in range(Subtensor.MechanismCountCurrent.get(state, netuid))]


def _unseat(state: WritableState, netuid: int, uid: int) -> None:
    """What the seat has earned and how it weighed goes, stake stays with its owners (``replace_neuron``).

    ``clear_neuron`` leaves some of the predecessor behind until the next epoch: when it last set weights, its rank,
    its validator trust and its permit. At 343 the seat's pruning score is the highest until then.
    """
    hotkey = Subtensor.Keys.get(state, netuid, uid)
    Subtensor.Uids.remove(state, netuid, hotkey)
    Subtensor.IsNetworkMember.remove(state, hotkey, netuid)
    for item in (Subtensor.Axons, Subtensor.NeuronCertificates, Subtensor.Prometheus):
        item.remove(state, netuid, hotkey)
    for index in mechanism_indices(state, netuid):
        for item in (Subtensor.Weights, Subtensor.Bonds):
            item.remove(state, index, uid)
        for (_, voter), row in list(Subtensor.Weights.items(state, index)):
            if any(other == uid and weight for other, weight in row):
                value = [(other, 0 if other == uid else weight) for other, weight in row]
                Subtensor.Weights.put(state, index, voter, value=value)
    for item, value in _CLEARED:
        _set_at(state, item, netuid, uid, value)
    if rules(state) < 425:
        _set_at(state, Subtensor.PruningScores, netuid, uid, _U16_MAX)


def _set_at(state: WritableState, item: Item, netuid: int, uid: int, value: Any) -> None:
    vector = item.get(state, netuid)
    vector += [0] * (uid + 1 - len(vector))
    vector[uid] = value
    item.put(state, netuid, value=vector)


def is_immune(state: State, netuid: int, uid: int, block: int) -> bool:
    registered = Subtensor.BlockAtRegistration.get(state, netuid, uid)
    return bool(block - registered < Subtensor.ImmunityPeriod.get(state, netuid))


def uid_to_prune(state: State, netuid: int, block: int) -> int | None:
    """Who leaves a full subnet (``get_neuron_to_prune``): the owner's seats never; of the others the lowest, older
    first.

    425: by emission, those out of immunity only while more than MinNonImmuneUids of them are left, otherwise the
    immune; None when there is none of those. 343: by pruning score, those out of immunity first; uid 0 when all
    seats are the owner's.
    """
    old = rules(state) < 425
    scores = (Subtensor.PruningScores if old else Subtensor.Emission).get(state, netuid)
    missing = _U16_MAX if old else 0
    owners = owner_uids(state, netuid)
    rows = sorted(
        (scores[uid] if uid < len(scores) else missing, Subtensor.BlockAtRegistration.get(state, netuid, uid), uid)
        for uid in range(Subtensor.SubnetworkN.get(state, netuid))
        if uid not in owners
    )
    open_uids = [uid for _, _, uid in rows if not is_immune(state, netuid, uid, block)]
    immune_uids = [uid for _, _, uid in rows if is_immune(state, netuid, uid, block)]
    if len(open_uids) > (0 if old else Subtensor.MinNonImmuneUids.get(state, netuid)):
        return open_uids[0]
    if immune_uids:
        return immune_uids[0]
    return 0 if old else None


def owner_uids(state: State, netuid: int) -> set[int]:
    """Seats that are never pruned: the owner's hotkey and the owner's oldest, up to ImmuneOwnerUidsLimit."""
    owner = Subtensor.SubnetOwner.get(state, netuid)
    first = Subtensor.Uids.get(state, netuid, Subtensor.SubnetOwnerHotkey.get(state, netuid))
    seated = [Subtensor.Uids.get(state, netuid, hotkey) for hotkey in Subtensor.OwnedHotkeys.get(state, owner)]
    oldest = sorted(
        (Subtensor.BlockAtRegistration.get(state, netuid, uid), uid) for uid in seated if uid not in (None, first)
    )
    ranked = ([] if first is None else [first]) + [uid for _, uid in oldest]
    return set(ranked[: Subtensor.ImmuneOwnerUidsLimit.get(state, netuid)])
