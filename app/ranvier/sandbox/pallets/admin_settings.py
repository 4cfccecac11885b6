"""AdminUtils' plain settings: each puts one value into one item, for a subnet or for the network.

A subnet's owner may change what names a hyperparameter, once in OwnerHyperparamRateLimit tempos; root may change
everything. Most are closed in the last blocks before an epoch (``ensure_admin_window_open``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ranvier.sandbox.codec.scale import BOOL, U8, U16, U32, U64, Codec
from ranvier.sandbox.codec.types import I64F64, I96F32, TAO, U64F64
from ranvier.sandbox.frame.pallet import Errors, Event
from ranvier.sandbox.frame.storage import Item, State
from ranvier.sandbox.pallets.subtensor.events import INDEX as SUBTENSOR
from ranvier.sandbox.pallets.subtensor.events import fail as subtensor_fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor

INDEX = 19
_ERRORS = """
    SubnetDoesNotExist MaxValidatorsLargerThanMaxUIds MaxAllowedUIdsLessThanCurrentUIds BondsMovingAverageMaxReached
    NegativeSigmoidSteepness ValueNotInBounds MinAllowedUidsGreaterThanCurrentUids
    MinAllowedUidsGreaterThanMaxAllowedUids MaxAllowedUidsLessThanMinAllowedUids
    MaxAllowedUidsGreaterThanDefaultMaxAllowedUids InvalidValue NotPermittedOnRootSubnet POWRegistrationDisabled
    Deprecated CollateralLockShareTooHigh CollateralDrainRatioOutOfBounds
"""
fail = Errors(INDEX, {name: index for index, name in enumerate(_ERRORS.split())})
Check = Callable[[State, int, Any], None]
_MOST_UIDS = 4096
_MOST_BURN_HALF_LIFE = 36_100
_MOST_LOCK_SHARE = 62_258
_ONE64 = 1 << 64


@dataclass(frozen=True)
class Setting:
    """``sudo_set_NAME(netuid, ARGUMENT)``; without a subnet where ``item`` has no key.

    ``owner`` is the hyperparameter that the owner is limited by, "" for no limit; None: only root may.
    """

    index: int
    name: str
    item: Item
    argument: str
    codec: Codec
    owner: str | None = None
    window: bool = True
    event: Event | None = None
    check: Check | None = None
    since: int = 0

    @property
    def of_a_subnet(self) -> bool:
        return bool(self.item.keys)


def _told(index: int, name: str, codec: Codec, *, network: bool = False) -> Event:
    return Event(SUBTENSOR, index, name, (codec,) if network else (NETUID, codec))


def _bounds(low: int, high: int, error: str = "InvalidValue", errors: Errors = fail) -> Check:
    def check(state: State, netuid: int, value: int) -> None:
        if not low <= value <= high:
            raise errors(error)

    return check


def _uids(state: State, netuid: int, value: int) -> None:
    if value < Subtensor.MinAllowedUids.get(state, netuid):
        raise fail("MaxAllowedUidsLessThanMinAllowedUids")
    if value < Subtensor.SubnetworkN.get(state, netuid):
        raise fail("MaxAllowedUIdsLessThanCurrentUIds")
    if value > _MOST_UIDS:
        raise fail("MaxAllowedUidsGreaterThanDefaultMaxAllowedUids")


def _least_uids(state: State, netuid: int, value: int) -> None:
    if value >= Subtensor.MaxAllowedUids.get(state, netuid):
        raise fail("MinAllowedUidsGreaterThanMaxAllowedUids")
    if value >= Subtensor.SubnetworkN.get(state, netuid):
        raise fail("MinAllowedUidsGreaterThanCurrentUids")


def _validators(state: State, netuid: int, value: int) -> None:
    if value > Subtensor.MaxAllowedUids.get(state, netuid):
        raise fail("MaxValidatorsLargerThanMaxUIds")


def _cutoff(state: State, netuid: int, value: int) -> None:
    if value < Subtensor.MinActivityCutoff.get(state):
        raise subtensor_fail("ActivityCutoffTooLow")


def _least_burn(state: State, netuid: int, value: int) -> None:
    if value >= 10**9 or value >= Subtensor.MaxBurn.get(state, netuid):
        raise fail("ValueNotInBounds")


def _most_burn(state: State, netuid: int, value: int) -> None:
    if value <= 10**8 or value <= Subtensor.MinBurn.get(state, netuid):
        raise fail("ValueNotInBounds")


def _childkey_take(state: State, netuid: int, value: int) -> None:
    if not Subtensor.MinChildkeyTake.get(state) <= value <= Subtensor.MaxChildkeyTake.get(state):
        raise fail("InvalidValue")


def _reveal_period(state: State, netuid: int, value: int) -> None:
    if value < 1:
        raise subtensor_fail("RevealPeriodTooSmall")
    if value > 100:
        raise subtensor_fail("RevealPeriodTooLarge")


S = Subtensor
_immune_limit = _bounds(1, 10, errors=subtensor_fail)
SETTINGS = (
    # Of a subnet, by its owner or root
    Setting(3, "serving_rate_limit", S.ServingRateLimit, "serving_rate_limit", U64, "ServingRateLimit",
            event=_told(35, "ServingRateLimitSet", U64)),
    Setting(5, "max_difficulty", S.MaxDifficulty, "max_difficulty", U64, "MaxDifficulty",
            event=_told(34, "MaxDifficultySet", U64)),
    Setting(9, "adjustment_alpha", S.AdjustmentAlpha, "adjustment_alpha", U64, "AdjustmentAlpha",
            event=_told(53, "AdjustmentAlphaSet", U64)),
    Setting(13, "immunity_period", S.ImmunityPeriod, "immunity_period", U16, "ImmunityPeriod",
            event=_told(23, "ImmunityPeriodSet", U16)),
    Setting(14, "min_allowed_weights", S.MinAllowedWeights, "min_allowed_weights", U16, "MinAllowedWeights",
            event=_told(19, "MinAllowedWeightSet", U16)),
    Setting(15, "max_allowed_uids", S.MaxAllowedUids, "max_allowed_uids", U16, "MaxAllowedUids",
            event=_told(9, "MaxAllowedUidsSet", U16), check=_uids),
    Setting(17, "rho", S.Rho, "rho", U16, "Rho", event=_told(16, "RhoSet", U16)),
    Setting(18, "activity_cutoff", S.ActivityCutoff, "activity_cutoff", U16, "ActivityCutoff",
            event=_told(15, "ActivityCutoffSet", U16), check=_cutoff),
    Setting(22, "min_burn", S.MinBurn, "min_burn", TAO, "MinBurn", event=_told(38, "MinBurnSet", TAO),
            check=_least_burn),
    Setting(23, "max_burn", S.MaxBurn, "max_burn", TAO, "MaxBurn", event=_told(37, "MaxBurnSet", TAO),
            check=_most_burn),
    Setting(60, "bonds_penalty", S.BondsPenalty, "bonds_penalty", U16, "BondsPenalty",
            event=_told(25, "BondsPenaltySet", U16)),
    Setting(49, "commit_reveal_weights_enabled", S.CommitRevealWeightsEnabled, "enabled", BOOL, "CommitRevealEnabled",
            event=_told(95, "CommitRevealEnabled", BOOL)),
    Setting(50, "liquid_alpha_enabled", S.LiquidAlphaOn, "enabled", BOOL, "LiquidAlphaEnabled"),
    Setting(57, "commit_reveal_weights_interval", S.RevealPeriodEpochs, "interval", U64, "WeightCommitInterval",
            event=_told(94, "CommitRevealPeriodsSet", U64), check=_reveal_period),
    Setting(61, "toggle_transfer", S.TransferToggle, "toggle", BOOL, "TransferEnabled",
            event=_told(87, "TransferToggle", BOOL)),
    Setting(80, "recycle_or_burn", S.RecycleOrBurn, "recycle_or_burn", S.RecycleOrBurn.value, "RecycleOrBurn"),
    Setting(72, "owner_immune_neuron_limit", S.ImmuneOwnerUidsLimit, "immune_neurons", U16, "ImmuneNeuronLimit",
            check=_immune_limit),
    Setting(69, "yuma3_enabled", S.Yuma3On, "enabled", BOOL, "Yuma3Enabled",
            event=Event(INDEX, 1, "Yuma3EnableToggled", {"netuid": NETUID, "enabled": BOOL})),
    Setting(70, "bonds_reset_enabled", S.BondsResetOn, "enabled", BOOL, "BondsResetEnabled",
            event=Event(INDEX, 2, "BondsResetToggled", {"netuid": NETUID, "enabled": BOOL})),
    Setting(89, "burn_half_life", S.BurnHalfLife, "burn_half_life", U16, "BurnHalfLife", since=425,
            check=_bounds(1, _MOST_BURN_HALF_LIFE)),
    Setting(90, "burn_increase_mult", S.BurnIncreaseMult, "burn_increase_mult", U64F64, "BurnIncreaseMult", since=425,
            check=_bounds(_ONE64, 3 * _ONE64)),
    Setting(93, "min_childkey_take_per_subnet", S.MinChildkeyTakePerSubnet, "take", U16, "MinChildkeyTake", since=425,
            check=_childkey_take),
    Setting(98, "collateral_lock_share", S.CollateralLockShare, "lock_share", U16, "CollateralLockShare", since=425,
            check=_bounds(0, _MOST_LOCK_SHARE, "CollateralLockShareTooHigh")),
    Setting(99, "collateral_drain_ratio", S.CollateralDrainRatio, "drain_ratio", U64F64, "CollateralDrainRatio",
            since=425, check=_bounds(1, 10 * _ONE64, "CollateralDrainRatioOutOfBounds")),
    Setting(92, "owner_cut_enabled", S.OwnerCutEnabled, "enabled", BOOL, "", since=425),
    Setting(95, "owner_cut_auto_lock_enabled", S.OwnerCutAutoLockEnabled, "enabled", BOOL, "", since=425),
    # Of a subnet, by root
    Setting(4, "min_difficulty", S.MinDifficulty, "min_difficulty", U64, event=_told(33, "MinDifficultySet", U64)),
    Setting(24, "difficulty", S.Difficulty, "difficulty", U64, event=_told(11, "DifficultySet", U64)),
    Setting(7, "weights_set_rate_limit", S.WeightsSetRateLimit, "weights_set_rate_limit", U64, window=False,
            event=_told(22, "WeightsSetRateLimitSet", U64)),
    Setting(8, "adjustment_interval", S.AdjustmentInterval, "adjustment_interval", U16, window=False,
            event=_told(12, "AdjustmentIntervalSet", U16)),
    Setting(16, "kappa", S.Kappa, "kappa", U16, window=False, event=_told(18, "KappaSet", U16)),
    Setting(19, "network_registration_allowed", S.NetworkRegistrationAllowed, "registration_allowed", BOOL,
            window=False, event=_told(48, "RegistrationAllowed", BOOL)),
    Setting(21, "target_registrations_per_interval", S.TargetRegistrationsPerInterval,
            "target_registrations_per_interval", U16, event=_told(13, "RegistrationPerIntervalSet", U16)),
    Setting(25, "max_allowed_validators", S.MaxAllowedValidators, "max_allowed_validators", U16,
            event=_told(27, "MaxAllowedValidatorsSet", U16), check=_validators),
    Setting(27, "max_registrations_per_block", S.MaxRegistrationsPerBlock, "max_registrations_per_block", U16,
            event=_told(14, "MaxRegistrationsPerBlockSet", U16)),
    Setting(39, "rao_recycled", S.RAORecycledForRegistration, "rao_recycled", TAO, window=False,
            event=_told(51, "RAORecycledForRegistrationSet", TAO)),
    Setting(65, "ema_price_halving_period", S.EMAPriceHalvingBlocks, "ema_halving", U64, window=False),
    Setting(66, "subtoken_enabled", S.SubtokenEnabled, "subtoken_enabled", BOOL),
    Setting(79, "min_allowed_uids", S.MinAllowedUids, "min_allowed_uids", U16,
            event=_told(105, "MinAllowedUidsSet", U16), check=_least_uids),
    Setting(84, "min_non_immune_uids", S.MinNonImmuneUids, "min", U16, window=False, since=425),
    Setting(94, "subnet_emission_enabled", S.SubnetEmissionEnabled, "enabled", BOOL, window=False, since=425),
    # Of the network, by root
    Setting(1, "default_take", S.MaxDelegateTake, "default_take", U16,
            event=_told(64, "MaxDelegateTakeSet", U16, network=True)),
    Setting(2, "tx_rate_limit", S.TxRateLimit, "tx_rate_limit", U64, event=_told(39, "TxRateLimitSet", U64,
            network=True)),
    Setting(28, "subnet_owner_cut", S.SubnetOwnerCut, "subnet_owner_cut", U16,
            event=_told(55, "SubnetOwnerCutSet", U16, network=True)),
    Setting(29, "network_rate_limit", S.NetworkRateLimit, "rate_limit", U64,
            event=_told(56, "NetworkRateLimitSet", U64, network=True)),
    Setting(35, "network_immunity_period", S.NetworkImmunityPeriod, "immunity_period", U64,
            event=_told(57, "NetworkImmunityPeriodSet", U64, network=True)),
    Setting(36, "network_min_lock_cost", S.NetworkMinLockCost, "lock_cost", TAO,
            event=_told(58, "NetworkMinLockCostSet", TAO, network=True)),
    Setting(37, "subnet_limit", S.SubnetLimit, "max_subnets", U16, event=_told(59, "SubnetLimitSet", U16,
            network=True)),
    Setting(38, "lock_reduction_interval", S.NetworkLockReductionInterval, "interval", U64,
            event=_told(60, "NetworkLockCostReductionIntervalSet", U64, network=True)),
    Setting(42, "stake_threshold", S.StakeThreshold, "min_stake", U64,
            event=_told(52, "StakeThresholdSet", U64, network=True)),
    Setting(45, "tx_delegate_take_rate_limit", S.TxDelegateTakeRateLimit, "tx_rate_limit", U64,
            event=_told(40, "TxDelegateTakeRateLimitSet", U64, network=True)),
    Setting(46, "min_delegate_take", S.MinDelegateTake, "take", U16,
            event=_told(65, "MinDelegateTakeSet", U16, network=True)),
    Setting(63, "subnet_moving_alpha", S.SubnetMovingAlpha, "alpha", I96F32),
    Setting(71, "commit_reveal_version", S.CommitRevealWeightsVersion, "version", U16,
            event=_told(100, "CommitRevealVersionSet", U16, network=True)),
    Setting(73, "ck_burn", S.CKBurn, "burn", U64),
    Setting(74, "admin_freeze_window", S.AdminFreezeWindow, "window", U16,
            event=_told(42, "AdminFreezeWindowSet", U16, network=True)),
    Setting(75, "owner_hparam_rate_limit", S.OwnerHyperparamRateLimit, "epochs", U16,
            event=_told(43, "OwnerHyperparamRateLimitSet", U16, network=True)),
    Setting(81, "tao_flow_cutoff", S.TaoFlowCutoff, "flow_cutoff", I64F64),
    Setting(82, "tao_flow_normalization_exponent", S.FlowNormExponent, "exponent", U64F64,
            check=_bounds(_ONE64, 2 * _ONE64)),
    Setting(83, "tao_flow_smoothing_factor", S.FlowEmaSmoothingFactor, "smoothing_factor", U64),
    Setting(85, "start_call_delay", S.StartCallDelay, "delay", U64, since=425),
    Setting(86, "coldkey_swap_announcement_delay", S.ColdkeySwapAnnouncementDelay, "duration", U32, since=425),
    Setting(87, "coldkey_swap_reannouncement_delay", S.ColdkeySwapReannouncementDelay, "duration", U32, since=425),
    Setting(96, "max_epochs_per_block", S.MaxEpochsPerBlock, "max_epochs_per_block", U8, since=425,
            check=_bounds(1, 255, "ValueNotInBounds")),
)  # fmt: skip
SETTING_EVENTS = tuple(one.event for one in SETTINGS if one.event is not None)
