"""SubtensorModule's events about subnets, their owners and child keys, with the numbers of spec 343."""

from __future__ import annotations

from functools import partial

from ranvier.sandbox.codec.composites import Tuple, Vec
from ranvier.sandbox.codec.scale import BOOL, I16, U16, U64, Alias, Bytes, Compact
from ranvier.sandbox.codec.types import ACCOUNT, DISPATCH_ERROR
from ranvier.sandbox.frame.pallet import Event
from ranvier.sandbox.pallets.subtensor.events import INDEX
from ranvier.sandbox.pallets.subtensor.storage import NETUID

_WHO = Alias(ACCOUNT, "T::AccountId")
_CHILDREN = Vec(Tuple((U64, _WHO)))
_event = partial(Event, INDEX)

ALPHA_SIGMOID_STEEPNESS_SET = _event(17, "AlphaSigmoidSteepnessSet", (NETUID, I16))
BONDS_MOVING_AVERAGE_SET = _event(24, "BondsMovingAverageSet", (NETUID, U64))
WEIGHTS_VERSION_KEY_SET = _event(32, "WeightsVersionKeySet", (NETUID, U64))
POW_REGISTRATION_ALLOWED = _event(49, "PowRegistrationAllowed", (NETUID, BOOL))
TEMPO_SET = _event(50, "TempoSet", (NETUID, U16))
BATCH_WEIGHTS_COMPLETED = _event(82, "BatchWeightsCompleted", (Vec(Compact(NETUID)), _WHO))
BATCH_COMPLETED_WITH_ERRORS = _event(83, "BatchCompletedWithErrors")
BATCH_WEIGHT_ITEM_FAILED = _event(84, "BatchWeightItemFailed", (DISPATCH_ERROR,))
SUBNET_OWNER_HOTKEY_SET = _event(88, "SubnetOwnerHotkeySet", (NETUID, _WHO))
NETWORK_REMOVED = _event(1, "NetworkRemoved", (NETUID,))
CHILDKEY_TAKE_SET = _event(46, "ChildKeyTakeSet", (_WHO, U16))
SET_CHILDREN_SCHEDULED = _event(70, "SetChildrenScheduled", (_WHO, NETUID, U64, _CHILDREN))
SET_CHILDREN = _event(71, "SetChildren", (_WHO, NETUID, _CHILDREN))
IDENTITY_SET = _event(72, "ChainIdentitySet", (_WHO,))
SUBNET_IDENTITY_SET = _event(73, "SubnetIdentitySet", (NETUID,))
SUBNET_IDENTITY_REMOVED = _event(74, "SubnetIdentityRemoved", (NETUID,))
FIRST_EMISSION_SET = _event(89, "FirstEmissionBlockNumberSet", (NETUID, U64))
SYMBOL_UPDATED = _event(99, "SymbolUpdated", {"netuid": NETUID, "symbol": Bytes()})

SUBNET_EVENTS = (
    ALPHA_SIGMOID_STEEPNESS_SET,
    BONDS_MOVING_AVERAGE_SET,
    WEIGHTS_VERSION_KEY_SET,
    POW_REGISTRATION_ALLOWED,
    TEMPO_SET,
    BATCH_WEIGHTS_COMPLETED,
    BATCH_COMPLETED_WITH_ERRORS,
    BATCH_WEIGHT_ITEM_FAILED,
    SUBNET_OWNER_HOTKEY_SET,
    NETWORK_REMOVED,
    CHILDKEY_TAKE_SET,
    SET_CHILDREN_SCHEDULED,
    SET_CHILDREN,
    IDENTITY_SET,
    SUBNET_IDENTITY_SET,
    SUBNET_IDENTITY_REMOVED,
    FIRST_EMISSION_SET,
    SYMBOL_UPDATED,
)
