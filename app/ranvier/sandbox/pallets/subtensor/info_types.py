"""Types of the subtensor's runtime APIs, field by field as metadata 15 of spec 343; later ones say their spec."""

from __future__ import annotations

from collections.abc import Mapping

from ranvier.sandbox.codec.composites import Enum, Field, Option, Struct, Tuple, Variant, Vec, struct, wrapper
from ranvier.sandbox.codec.scale import BOOL, U8, U16, U32, U64, U128, Codec, Compact, FixedArray
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA, BYTES, I32F32, I96F32, TAO, U64F64
from ranvier.sandbox.pallets.subtensor.storage import (
    AXON_INFO,
    IDENTITY_V2,
    NETUID,
    PROMETHEUS_INFO,
    SUBNET_IDENTITY,
)

C8, C16, C32, C64, C128 = Compact(U8), Compact(U16), Compact(U32), Compact(U64), Compact(U128)
CNETUID, CTAO, CALPHA = Compact(NETUID), Compact(TAO), Compact(ALPHA)
_INFO = "pallet_subtensor::rpc_info::"
_STAKES = Vec(Tuple((ACCOUNT, CALPHA)))
_PAIRS = Vec(Tuple((C16, C16)))

STAKE_INFO = struct(
    _INFO + "stake_info::StakeInfo",
    {
        "hotkey": ACCOUNT,
        "coldkey": ACCOUNT,
        "netuid": CNETUID,
        "stake": CALPHA,
        "locked": C64,
        "emission": CALPHA,
        "tao_emission": CTAO,
        "drain": C64,
        "is_registered": BOOL,
    },
    AccountId=ACCOUNT,
)
AVAILABILITY = struct(  # 425
    _INFO + "stake_info::StakeAvailability", {"total": CALPHA, "locked": CALPHA, "available": CALPHA}
)
_SIM_SWAP = {"tao_amount": TAO, "alpha_amount": ALPHA, "tao_fee": TAO, "alpha_fee": ALPHA}
SIM_SWAP_343 = struct("pallet_subtensor_swap_runtime_api::SimSwapResult", _SIM_SWAP)
SIM_SWAP = struct(
    "pallet_subtensor_swap_runtime_api::SimSwapResult", {**_SIM_SWAP, "tao_slippage": TAO, "alpha_slippage": ALPHA}
)
SUBNET_PRICE = struct("pallet_subtensor_swap_runtime_api::SubnetPrice", {"netuid": NETUID, "price": U64})  # 425

_NEURON_LITE: dict[str, Codec] = {
    "hotkey": ACCOUNT,
    "coldkey": ACCOUNT,
    "uid": C16,
    "netuid": CNETUID,
    "active": BOOL,
    "axon_info": AXON_INFO,
    "prometheus_info": PROMETHEUS_INFO,
    "stake": _STAKES,
    "rank": C16,
    "emission": CALPHA,
    "incentive": C16,
    "consensus": C16,
    "trust": C16,
    "validator_trust": C16,
    "dividends": C16,
    "last_update": C64,
    "validator_permit": BOOL,
}
NEURON_LITE = struct(_INFO + "neuron_info::NeuronInfoLite", {**_NEURON_LITE, "pruning_score": C16}, AccountId=ACCOUNT)
NEURON = struct(
    _INFO + "neuron_info::NeuronInfo",
    {**_NEURON_LITE, "weights": _PAIRS, "bonds": _PAIRS, "pruning_score": C16},
    AccountId=ACCOUNT,
)
DELEGATE = struct(
    _INFO + "delegate_info::DelegateInfo",
    {
        "delegate_ss58": ACCOUNT,
        "take": C16,
        "nominators": Vec(Tuple((ACCOUNT, Vec(Tuple((CNETUID, C64)))))),
        "owner_ss58": ACCOUNT,
        "registrations": Vec(CNETUID),
        "validator_permits": Vec(CNETUID),
        "return_per_1000": C64,
        "total_daily_return": C64,
    },
    AccountId=ACCOUNT,
)

_SUBNET: dict[str, Codec] = {
    "netuid": CNETUID,
    **dict.fromkeys(("rho", "kappa"), C16),
    "difficulty": C64,
    **dict.fromkeys(
        (
            "immunity_period",
            "max_allowed_validators",
            "min_allowed_weights",
            "max_weights_limit",
            "scaling_law_power",
            "subnetwork_n",
            "max_allowed_uids",
        ),
        C16,
    ),
    "blocks_since_last_step": C64,
    "tempo": C16,
    "network_modality": C16,
    "network_connect": Vec(FixedArray(U16, 2)),
}
_SUBNET_END: dict[str, Codec] = {"burn": CTAO, "owner": ACCOUNT}
SUBNET = struct(
    _INFO + "subnet_info::SubnetInfo", {**_SUBNET, "emission_values": C64, **_SUBNET_END}, AccountId=ACCOUNT
)
SUBNET_V2 = struct(
    _INFO + "subnet_info::SubnetInfov2",
    {**_SUBNET, "emission_value": C64, **_SUBNET_END, "identity": Option(SUBNET_IDENTITY)},
    AccountId=ACCOUNT,
)

_HYPERPARAMS: dict[str, Codec] = {
    **dict.fromkeys(("rho", "kappa", "immunity_period", "min_allowed_weights", "max_weights_limit", "tempo"), C16),
    **dict.fromkeys(("min_difficulty", "max_difficulty", "weights_version", "weights_rate_limit"), C64),
    "adjustment_interval": C16,
    "activity_cutoff": C16,
    "registration_allowed": BOOL,
    "target_regs_per_interval": C16,
    "min_burn": CTAO,
    "max_burn": CTAO,
    "bonds_moving_avg": C64,
    "max_regs_per_block": C16,
    "serving_rate_limit": C64,
    "max_validators": C16,
    "adjustment_alpha": C64,
    "difficulty": C64,
    "commit_reveal_period": C64,
    "commit_reveal_weights_enabled": BOOL,
    "alpha_high": C16,
    "alpha_low": C16,
    "liquid_alpha_enabled": BOOL,
}
HYPERPARAMS = struct(_INFO + "subnet_info::SubnetHyperparams", _HYPERPARAMS)
HYPERPARAMS_V2 = struct(
    _INFO + "subnet_info::SubnetHyperparamsV2",
    {
        **_HYPERPARAMS,
        "alpha_sigmoid_steepness": I32F32,
        "yuma_version": C16,
        "subnet_is_active": BOOL,
        "transfers_enabled": BOOL,
        "bonds_reset_enabled": BOOL,
        "user_liquidity_enabled": BOOL,
    },
)
_VALUES = {"Bool": BOOL, "U16": C16, "U32": C32, "U64": C64, "U128": C128, "TaoBalance": CTAO, "I32F32": I32F32,
           "U64F64": U64F64}  # fmt: skip
HYPERPARAM_VALUE = Enum(  # 425
    ("pallet_subtensor", "rpc_info", "subnet_info", "HyperparamValue"),
    tuple(Variant(name, index, (Field(None, codec),)) for index, (name, codec) in enumerate(_VALUES.items())),
)
HYPERPARAM = struct(_INFO + "subnet_info::HyperparamEntry", {"name": BYTES, "value": HYPERPARAM_VALUE})  # 425

_TEXT = Vec(C8)
_POOL: dict[str, Codec] = {
    "alpha_in": CALPHA,
    "alpha_out": CALPHA,
    "tao_in": CTAO,
    "alpha_out_emission": CALPHA,
    "alpha_in_emission": CALPHA,
    "tao_in_emission": CTAO,
    "pending_alpha_emission": CALPHA,
    "pending_root_emission": CTAO,
    "subnet_volume": C128,
}
DYNAMIC = struct(
    _INFO + "dynamic_info::DynamicInfo",
    {
        "netuid": CNETUID,
        "owner_hotkey": ACCOUNT,
        "owner_coldkey": ACCOUNT,
        "subnet_name": _TEXT,
        "token_symbol": _TEXT,
        "tempo": C16,
        "last_step": C64,
        "blocks_since_last_step": C64,
        "emission": C64,
        **_POOL,
        "network_registered_at": C64,
        "subnet_identity": Option(SUBNET_IDENTITY),
        "moving_price": I96F32,
    },
    AccountId=ACCOUNT,
)
_SCORES: dict[str, Codec] = {
    "active": Vec(BOOL),
    "validator_permit": Vec(BOOL),
    "pruning_score": Vec(C16),
    "last_update": Vec(C64),
    "emission": Vec(CALPHA),
    **dict.fromkeys(("dividends", "incentives", "consensus", "trust", "rank"), Vec(C16)),
    "block_at_registration": Vec(C64),
    "alpha_stake": Vec(CALPHA),
    "tao_stake": Vec(CTAO),
    "total_stake": Vec(CTAO),
}
METAGRAPH_FIELDS: Mapping[str, Codec] = {
    "netuid": CNETUID,
    "name": _TEXT,
    "symbol": _TEXT,
    "identity": Option(SUBNET_IDENTITY),
    "network_registered_at": C64,
    "owner_hotkey": ACCOUNT,
    "owner_coldkey": ACCOUNT,
    "block": C64,
    "tempo": C16,
    "last_step": C64,
    "blocks_since_last_step": C64,
    "subnet_emission": C64,
    **_POOL,
    "moving_price": I96F32,
    **dict.fromkeys(("rho", "kappa", "min_allowed_weights", "max_weights_limit"), C16),
    **dict.fromkeys(("weights_version", "weights_rate_limit"), C64),
    **dict.fromkeys(("activity_cutoff", "max_validators", "num_uids", "max_uids"), C16),
    "burn": CTAO,
    "difficulty": C64,
    "registration_allowed": BOOL,
    "pow_registration_allowed": BOOL,
    "immunity_period": C16,
    "min_difficulty": C64,
    "max_difficulty": C64,
    "min_burn": CTAO,
    "max_burn": CTAO,
    "adjustment_alpha": C64,
    **dict.fromkeys(("adjustment_interval", "target_regs_per_interval", "max_regs_per_block"), C16),
    "serving_rate_limit": C64,
    "commit_reveal_weights_enabled": BOOL,
    "commit_reveal_period": C64,
    "liquid_alpha_enabled": BOOL,
    "alpha_high": C16,
    "alpha_low": C16,
    "bonds_moving_avg": C64,
    "hotkeys": Vec(ACCOUNT),
    "coldkeys": Vec(ACCOUNT),
    "identities": Vec(Option(IDENTITY_V2)),
    "axons": Vec(AXON_INFO),
    **_SCORES,
    "tao_dividends_per_hotkey": Vec(Tuple((ACCOUNT, CTAO))),
    "alpha_dividends_per_hotkey": _STAKES,
}
METAGRAPH = struct(_INFO + "metagraph::Metagraph", METAGRAPH_FIELDS, AccountId=ACCOUNT)
SELECTIVE_FIELDS: Mapping[str, Codec] = {
    **METAGRAPH_FIELDS,
    "validators": Vec(C16),
    "commitments": Vec(Tuple((ACCOUNT, _TEXT))),
}
SELECTIVE = struct(
    _INFO + "metagraph::SelectiveMetagraph",
    {name: codec if name == "netuid" else Option(codec) for name, codec in SELECTIVE_FIELDS.items()},
    AccountId=ACCOUNT,
)
SUBNET_STATE = struct(
    _INFO + "show_subnet::SubnetState",
    {
        "netuid": CNETUID,
        "hotkeys": Vec(ACCOUNT),
        "coldkeys": Vec(ACCOUNT),
        **_SCORES,
        "emission_history": Vec(Vec(CALPHA)),
    },
    AccountId=ACCOUNT,
)


def map_of(key: Codec, value: Codec) -> Struct:
    """A ``BTreeMap``: its value here is a list of pairs, sorted by key."""
    return wrapper("BTreeMap", Vec(Tuple((key, value))), K=key, V=value)
