"""set_weights: what a validator thinks of the others, with the runtime's checks in the runtime's order.

Follows subnets/weights.rs (``internal_set_weights``).
"""

from __future__ import annotations

from ranvier.sandbox.codec.composites import Vec
from ranvier.sandbox.codec.scale import U16, U64
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.maths.fixed import max_upscale_weights, within_limit
from ranvier.sandbox.pallets.subtensor import stakes
from ranvier.sandbox.pallets.subtensor.events import WEIGHTS_SET, fail
from ranvier.sandbox.pallets.subtensor.neurons import MECHANISM_STEP
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor


def _is_owner(state: State, netuid: int, hotkey: bytes) -> bool:
    """The subnet owner's hotkey, which needs neither stake nor permit."""
    return bool(hotkey == Subtensor.SubnetOwnerHotkey.get(state, netuid))


def enough_stake(state: State, netuid: int, hotkey: bytes) -> bool:
    """Whether the hotkey's stake weight reaches StakeThreshold (``check_weights_min_stake``)."""
    threshold: int = Subtensor.StakeThreshold.get(state)
    if _is_owner(state, netuid, hotkey) and Subtensor.Uids.get(state, netuid, hotkey) is not None:
        return True
    return threshold == 0 or stakes.stake_weight(state, netuid, hotkey) >= threshold


def too_fast(state: State, block: int, netuid: int, hotkey: bytes, mechanism: int = 0) -> bool:
    """Within WeightsSetRateLimit blocks of the last time (``check_rate_limit``); a hotkey without a seat is not."""
    uid = Subtensor.Uids.get(state, netuid, hotkey)
    if uid is None:
        return False
    last = Subtensor.LastUpdate.get(state, netuid + MECHANISM_STEP * mechanism)[uid]
    return bool(last and block - last < Subtensor.WeightsSetRateLimit.get(state, netuid))


def _check(
    context: Context, who: bytes, netuid: int, dests: list[int], weights: list[int], version_key: int, mechanism: int
) -> int:
    """The signer's uid when the weights may be set; otherwise the runtime's error (``internal_set_weights``)."""
    state = context.state
    if Subtensor.CommitRevealWeightsEnabled.get(state, netuid):
        raise fail("CommitRevealEnabled")
    if netuid == 0:
        raise fail("CanNotSetRootNetworkWeights")
    if len(dests) != len(weights):
        raise fail("WeightVecNotEqualSize")
    there = Subtensor.NetworksAdded.get(state, netuid)
    if not there or mechanism >= Subtensor.MechanismCountCurrent.get(state, netuid):
        raise fail("MechanismDoesNotExist")
    count = Subtensor.SubnetworkN.get(state, netuid)
    if len(dests) > count:
        raise fail("UidsLengthExceedUidsInSubNet")
    uid = Subtensor.Uids.get(state, netuid, who)
    if uid is None:
        raise fail("HotKeyNotRegisteredInSubNet")
    if not enough_stake(state, netuid, who):
        raise fail("NotEnoughStakeToSetWeights")
    if version_key < Subtensor.WeightsVersionKey.get(state, netuid):
        raise fail("IncorrectWeightVersionKey")
    if too_fast(state, context.block, netuid, who, mechanism):
        raise fail("SettingWeightsTooFast")
    own_only = dests == [uid]
    permits = Subtensor.ValidatorPermit.get(state, netuid)
    if not (own_only or _is_owner(state, netuid, who) or permits[uid]):
        raise fail("NeuronNoValidatorPermit")
    if len(set(dests)) != len(dests):
        raise fail("DuplicateUids")
    if any(dest >= count for dest in dests):
        raise fail("UidVecContainInvalidOne")
    if not own_only and len(dests) < min(Subtensor.MinAllowedWeights.get(state, netuid), count):
        raise fail("WeightVecLengthIsLow")
    if not own_only and not within_limit(max_upscale_weights(weights), Subtensor.MaxWeightsLimit.get(state, netuid)):
        raise fail("MaxWeightExceeded")
    return int(uid)


def set_row(
    context: Context, who: bytes, netuid: int, dests: list[int], weights: list[int], version_key: int, mechanism: int
) -> None:
    """Set the signer's row in one of a subnet's mechanisms."""
    uid = _check(context, who, netuid, dests, weights, version_key, mechanism)
    index = netuid + MECHANISM_STEP * mechanism
    Subtensor.Weights.put(context.state, index, uid, value=list(zip(dests, max_upscale_weights(weights), strict=True)))
    updates = Subtensor.LastUpdate.get(context.state, index)
    updates[uid] = context.block
    Subtensor.LastUpdate.put(context.state, index, value=updates)
    context.deposit(WEIGHTS_SET, (index, uid))


@call(
    0,
    {"netuid": NETUID, "dests": Vec(U16), "weights": Vec(U16), "version_key": U64},
    ref_time=15_540_000_000,
    pays=False,
)
def set_weights(
    context: Context, who: bytes, netuid: int, dests: list[int], weights: list[int], version_key: int
) -> None:
    """Set the signer's row of weights, scaled so that its greatest is 65535. Free of charge."""
    set_row(context, who, netuid, dests, weights, version_key, 0)


CALLS = (set_weights,)
