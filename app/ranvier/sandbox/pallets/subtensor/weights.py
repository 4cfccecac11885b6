"""set_weights: what a validator thinks of the others, with the runtime's checks in the runtime's order."""

from __future__ import annotations

from ranvier.sandbox.composites import Vec
from ranvier.sandbox.context import Context
from ranvier.sandbox.pallet import call
from ranvier.sandbox.pallets.subtensor import stakes
from ranvier.sandbox.pallets.subtensor.events import WEIGHTS_SET, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor
from ranvier.sandbox.scale import U16, U64
from ranvier.sandbox.storage import State

_U16_MAX = 65_535


def enough_stake(state: State, netuid: int, hotkey: bytes) -> bool:
    """Whether the hotkey's stake weight reaches StakeThreshold (``check_weights_min_stake``)."""
    threshold: int = Subtensor.StakeThreshold.get(state)
    return threshold == 0 or stakes.stake_weight(state, netuid, hotkey) >= threshold


def _check(context: Context, who: bytes, netuid: int, dests: list[int], weights: list[int], version_key: int) -> int:
    """The signer's uid when the weights may be set; otherwise raises the runtime's error."""
    state = context.state
    if len(dests) != len(weights):
        raise fail("WeightVecNotEqualSize")
    if netuid == 0:
        raise fail("CanNotSetRootNetworkWeights")
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("MechanismDoesNotExist")
    if Subtensor.CommitRevealWeightsEnabled.get(state, netuid):
        raise fail("CommitRevealEnabled")
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
    last = Subtensor.LastUpdate.get(state, netuid)[uid]
    if last and context.block - last < Subtensor.WeightsSetRateLimit.get(state, netuid):
        raise fail("SettingWeightsTooFast")
    own_only = dests == [uid]
    if not own_only and not Subtensor.ValidatorPermit.get(state, netuid)[uid]:
        raise fail("NeuronNoValidatorPermit")
    if len(set(dests)) != len(dests):
        raise fail("DuplicateUids")
    if any(dest >= count for dest in dests):
        raise fail("UidVecContainInvalidOne")
    if not own_only and len(dests) < min(Subtensor.MinAllowedWeights.get(state, netuid), count):
        raise fail("WeightVecLengthIsLow")
    limit = Subtensor.MaxWeightsLimit.get(state, netuid)
    total = sum(weights)
    if limit < _U16_MAX and not own_only and any(weight * _U16_MAX > limit * total for weight in weights):
        raise fail("MaxWeightExceeded")
    return int(uid)


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
    uid = _check(context, who, netuid, dests, weights, version_key)
    greatest = max(weights, default=0)
    scaled = [weight * _U16_MAX // greatest if greatest else 0 for weight in weights]
    Subtensor.Weights.put(context.state, netuid, uid, value=list(zip(dests, scaled, strict=True)))
    updates = Subtensor.LastUpdate.get(context.state, netuid)
    updates[uid] = context.block
    Subtensor.LastUpdate.put(context.state, netuid, value=updates)
    context.deposit(WEIGHTS_SET, (netuid, uid))


CALLS = (set_weights,)
