"""What limits of how often something may be done are kept by (utils/rate_limiting.rs)."""

from __future__ import annotations

from ranvier.sandbox.codec.composites import Enum, Field, Variant, enum
from ranvier.sandbox.codec.scale import U16, Alias
from ranvier.sandbox.codec.types import ACCOUNT

_NETUID = Alias(U16, "NetUid")
_HYPERPARAMETERS = """
    Unknown ServingRateLimit MaxDifficulty AdjustmentAlpha MaxWeightLimit ImmunityPeriod MinAllowedWeights Kappa Rho
    ActivityCutoff PowRegistrationAllowed MinBurn MaxBurn BondsMovingAverage BondsPenalty CommitRevealEnabled
    LiquidAlphaEnabled AlphaValues WeightCommitInterval TransferEnabled AlphaSigmoidSteepness Yuma3Enabled
    BondsResetEnabled ImmuneNeuronLimit RecycleOrBurn MaxAllowedUids
"""
_LATER = """
    BurnHalfLife BurnIncreaseMult SubnetEmissionEnabled MinChildkeyTake ActivityCutoffFactorMilli TriggerEpoch
    CollateralLockShare CollateralDrainRatio
"""
LATER_HYPERPARAMETERS = frozenset(_LATER.split())
"""Those that 343 does not have."""
HYPERPARAMETER_PATH = ("pallet_subtensor", "utils", "rate_limiting", "Hyperparameter")
HYPERPARAMETER = enum(
    "::".join(HYPERPARAMETER_PATH),
    {name: index for index, name in enumerate((_HYPERPARAMETERS + _LATER).split())},
)
RATE_LIMIT_KEY = Enum(
    ("pallet_subtensor", "RateLimitKey"),
    (
        Variant("SetSNOwnerHotkey", 0, (Field(None, _NETUID),)),
        Variant(
            "OwnerHyperparamUpdate", 1, (Field(None, _NETUID), Field(None, Alias(HYPERPARAMETER, "Hyperparameter")))
        ),
        Variant("NetworkLastRegistered", 2),
        Variant("LastTxBlock", 3, (Field(None, Alias(ACCOUNT, "AccountId")),)),
        Variant("LastTxBlockChildKeyTake", 4, (Field(None, Alias(ACCOUNT, "AccountId")),)),
        Variant("LastTxBlockDelegateTake", 5, (Field(None, Alias(ACCOUNT, "AccountId")),)),
    ),
    (("AccountId", ACCOUNT),),
)
