"""What the info APIs answer, read from the state: metagraph, dynamic info, hyperparameters, neurons, delegates.

Follows the getters of ``rpc_info`` (metagraph.rs, dynamic_info.rs, subnet_info.rs, neuron_info.rs, show_subnet.rs).
"""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.pallets.commitments import Commitments, info_bytes
from ranvier.sandbox.pallets.subtensor import shares, stakes, swaps
from ranvier.sandbox.pallets.subtensor.info_types import METAGRAPH_FIELDS, SELECTIVE_FIELDS
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

_NO_AXON = dict.fromkeys(("block", "version", "ip", "port", "ip_type", "protocol", "placeholder1", "placeholder2"), 0)
_U16_MAX = 65_535
_NO_PROMETHEUS = dict.fromkeys(("block", "version", "ip", "port", "ip_type"), 0)


def netuids(state: State) -> list[int]:
    """All subnets, root first."""
    return sorted(netuid for (netuid,), added in Subtensor.NetworksAdded.items(state) if added)


def exists(state: State, netuid: int) -> bool:
    return bool(Subtensor.NetworksAdded.get(state, netuid))


def subnet_name(state: State, netuid: int) -> bytes:
    """The published name, else "root" and, as in the runtime's table, one word per netuid."""
    identity = Subtensor.SubnetIdentitiesV3.get(state, netuid)
    if identity is not None and identity["subnet_name"]:
        return bytes(identity["subnet_name"])
    return b"root" if netuid == swaps.ROOT else b"unknown"


def _pool(state: State, netuid: int) -> dict[str, Any]:
    pending = Subtensor.PendingServerEmission.get(state, netuid) + Subtensor.PendingValidatorEmission.get(state, netuid)
    return {
        "alpha_in": Subtensor.SubnetAlphaIn.get(state, netuid),
        "alpha_out": Subtensor.SubnetAlphaOut.get(state, netuid),
        "tao_in": Subtensor.SubnetTAO.get(state, netuid),
        "alpha_out_emission": Subtensor.SubnetAlphaOutEmission.get(state, netuid),
        "alpha_in_emission": Subtensor.SubnetAlphaInEmission.get(state, netuid),
        "tao_in_emission": Subtensor.SubnetTaoInEmission.get(state, netuid),
        "pending_alpha_emission": pending,
        "pending_root_emission": 0,
        "subnet_volume": Subtensor.SubnetVolume.get(state, netuid),
    }


def _head(state: State, netuid: int) -> dict[str, Any]:
    return {
        "netuid": netuid,
        "owner_hotkey": Subtensor.SubnetOwnerHotkey.get(state, netuid),
        "owner_coldkey": Subtensor.SubnetOwner.get(state, netuid),
        "tempo": Subtensor.Tempo.get(state, netuid),
        "last_step": Subtensor.LastMechansimStepBlock.get(state, netuid),
        "blocks_since_last_step": Subtensor.BlocksSinceLastStep.get(state, netuid),
        "network_registered_at": Subtensor.NetworkRegisteredAt.get(state, netuid),
        "moving_price": Subtensor.SubnetMovingPrice.get(state, netuid),
    }


def dynamic(state: State, netuid: int) -> dict[str, Any] | None:
    """``get_dynamic_info``."""
    if not exists(state, netuid):
        return None
    return {
        **_head(state, netuid),
        **_pool(state, netuid),
        "subnet_name": list(subnet_name(state, netuid)),
        "token_symbol": list(Subtensor.TokenSymbol.get(state, netuid)),
        "emission": 0,
        "subnet_identity": Subtensor.SubnetIdentitiesV3.get(state, netuid),
    }


def hyperparams(state: State, netuid: int) -> dict[str, Any]:
    """Every hyperparameter that one of the three forms, the metagraph or the subnet's summary shows."""

    def get(item: Any) -> Any:
        return item.get(state, netuid)

    low, high = get(Subtensor.AlphaValues)
    return {
        "rho": get(Subtensor.Rho),
        "kappa": get(Subtensor.Kappa),
        "immunity_period": get(Subtensor.ImmunityPeriod),
        "min_allowed_weights": get(Subtensor.MinAllowedWeights),
        "max_weights_limit": get(Subtensor.MaxWeightsLimit),
        "tempo": get(Subtensor.Tempo),
        "min_difficulty": get(Subtensor.MinDifficulty),
        "max_difficulty": get(Subtensor.MaxDifficulty),
        "weights_version": get(Subtensor.WeightsVersionKey),
        "weights_rate_limit": get(Subtensor.WeightsSetRateLimit),
        "adjustment_interval": get(Subtensor.AdjustmentInterval),
        "activity_cutoff": get(Subtensor.ActivityCutoff),
        "registration_allowed": get(Subtensor.NetworkRegistrationAllowed),
        "target_regs_per_interval": get(Subtensor.TargetRegistrationsPerInterval),
        "min_burn": get(Subtensor.MinBurn),
        "max_burn": get(Subtensor.MaxBurn),
        "bonds_moving_avg": get(Subtensor.BondsMovingAverage),
        "max_regs_per_block": get(Subtensor.MaxRegistrationsPerBlock),
        "serving_rate_limit": get(Subtensor.ServingRateLimit),
        "max_validators": get(Subtensor.MaxAllowedValidators),
        "adjustment_alpha": get(Subtensor.AdjustmentAlpha),
        "difficulty": get(Subtensor.Difficulty),
        "commit_reveal_period": get(Subtensor.RevealPeriodEpochs),
        "commit_reveal_weights_enabled": get(Subtensor.CommitRevealWeightsEnabled),
        "alpha_high": high,
        "alpha_low": low,
        "liquid_alpha_enabled": get(Subtensor.LiquidAlphaOn),
    }


def hyperparams_v2(state: State, netuid: int) -> dict[str, Any]:
    return {
        **hyperparams(state, netuid),
        "alpha_sigmoid_steepness": Subtensor.AlphaSigmoidSteepness.get(state, netuid) << 32,
        "yuma_version": 3 if Subtensor.Yuma3On.get(state, netuid) else 2,
        "subnet_is_active": Subtensor.SubtokenEnabled.get(state, netuid),
        "transfers_enabled": Subtensor.TransferToggle.get(state, netuid),
        "bonds_reset_enabled": Subtensor.BondsResetOn.get(state, netuid),
        "user_liquidity_enabled": False,
    }


_LEFT_OUT_OF_V3 = {"rho", "min_difficulty", "max_difficulty", "adjustment_interval", "adjustment_alpha", "difficulty"}
_TAO_NAMES, _U64_NAMES = {"min_burn", "max_burn"}, {
    "weights_version", "weights_rate_limit", "activity_cutoff", "bonds_moving_avg", "serving_rate_limit",
    "commit_reveal_period",
}  # fmt: skip


def hyperparams_v3(state: State, netuid: int) -> list[dict[str, Any]]:
    """``get_subnet_hyperparams_v3`` (425): names with tagged values."""
    values = {name: one for name, one in hyperparams_v2(state, netuid).items() if name not in _LEFT_OUT_OF_V3}
    values["burn_half_life"] = Subtensor.BurnHalfLife.get(state, netuid)
    listed = [{"name": name.encode(), "value": (_kind(name, value), value)} for name, value in values.items()]
    jump = ("U64F64", Subtensor.BurnIncreaseMult.get(state, netuid))
    return [*listed, {"name": b"burn_increase_mult", "value": jump}]


def _kind(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "Bool"
    if name == "alpha_sigmoid_steepness":
        return "I32F32"
    return "TaoBalance" if name in _TAO_NAMES else "U64" if name in _U64_NAMES else "U16"


def subnet(state: State, netuid: int) -> dict[str, Any]:
    """Fields of ``SubnetInfo`` and ``SubnetInfov2`` together."""
    known = hyperparams(state, netuid)
    names = ("rho", "kappa", "difficulty", "immunity_period", "min_allowed_weights", "max_weights_limit", "tempo")
    return {
        **{name: known[name] for name in names},
        "netuid": netuid,
        "max_allowed_validators": known["max_validators"],
        "scaling_law_power": Subtensor.ScalingLawPower.get(state, netuid),
        "subnetwork_n": Subtensor.SubnetworkN.get(state, netuid),
        "max_allowed_uids": Subtensor.MaxAllowedUids.get(state, netuid),
        "blocks_since_last_step": Subtensor.BlocksSinceLastStep.get(state, netuid),
        "network_modality": 0,
        "network_connect": [],
        "emission_values": 0,
        "emission_value": 0,
        "burn": Subtensor.Burn.get(state, netuid),
        "owner": Subtensor.SubnetOwner.get(state, netuid),
        "identity": Subtensor.SubnetIdentitiesV3.get(state, netuid),
    }


def seats(state: State, netuid: int) -> tuple[list[bytes], list[bytes]]:
    """Hotkeys and coldkeys by uid."""
    hotkeys = [Subtensor.Keys.get(state, netuid, uid) for uid in range(Subtensor.SubnetworkN.get(state, netuid))]
    return hotkeys, [Subtensor.Owner.get(state, hotkey) for hotkey in hotkeys]


def scores(state: State, netuid: int, hotkeys: list[bytes]) -> dict[str, Any]:
    """The columns that are stored or computed per uid."""
    count = len(hotkeys)

    def column(item: Any, empty: Any = 0) -> list[Any]:
        values: list[Any] = item.get(state, netuid)[:count]
        return values + [empty] * (count - len(values))

    alpha = [stakes.inherited(state, netuid, hotkey, netuid) for hotkey in hotkeys]
    tao = [stakes.inherited(state, netuid, hotkey, swaps.ROOT) for hotkey in hotkeys]
    return {
        "active": column(Subtensor.Active, False),
        "validator_permit": column(Subtensor.ValidatorPermit, False),
        "pruning_score": column(Subtensor.PruningScores),
        "last_update": column(Subtensor.LastUpdate),
        "emission": column(Subtensor.Emission),
        "dividends": column(Subtensor.Dividends),
        "incentives": column(Subtensor.Incentive),
        "consensus": column(Subtensor.Consensus),
        "trust": column(Subtensor.Trust),
        "rank": column(Subtensor.Rank),
        "block_at_registration": [Subtensor.BlockAtRegistration.get(state, netuid, uid) for uid in range(count)],
        "alpha_stake": alpha,
        "tao_stake": tao,
        "total_stake": [stakes.stake_weight(state, netuid, hotkey) for hotkey in hotkeys],
        # What 425 no longer computes it shows as nothing.
        **({key: [] for key in ("rank", "trust", "pruning_score")} if rules(state) >= 425 else {}),
    }


def metagraph(state: State, block: int, netuid: int) -> dict[str, Any] | None:
    """``get_metagraph``."""
    if not exists(state, netuid):
        return None
    hotkeys, coldkeys = seats(state, netuid)
    dividends = [(hotkey, Subtensor.AlphaDividendsPerSubnet.get(state, netuid, hotkey)) for hotkey in hotkeys]
    everything = {
        **hyperparams(state, netuid),
        **_head(state, netuid),
        **_pool(state, netuid),
        **scores(state, netuid, hotkeys),
        "name": list(subnet_name(state, netuid)),
        "symbol": list(Subtensor.TokenSymbol.get(state, netuid)),
        "identity": Subtensor.SubnetIdentitiesV3.get(state, netuid),
        "block": block,
        "subnet_emission": 0,
        "num_uids": len(hotkeys),
        "max_uids": Subtensor.MaxAllowedUids.get(state, netuid),
        "burn": Subtensor.Burn.get(state, netuid),
        "pow_registration_allowed": Subtensor.NetworkPowRegistrationAllowed.get(state, netuid),
        "hotkeys": hotkeys,
        "coldkeys": coldkeys,
        "identities": [Subtensor.IdentitiesV2.get(state, coldkey) for coldkey in coldkeys],
        "axons": [Subtensor.Axons.get(state, netuid, hotkey) or _NO_AXON for hotkey in hotkeys],
        "tao_dividends_per_hotkey": [(hotkey, 0) for hotkey in hotkeys],
        "alpha_dividends_per_hotkey": dividends,
    }
    return {name: everything[name] for name in METAGRAPH_FIELDS}


def selective(state: State, block: int, netuid: int, indexes: list[int]) -> dict[str, Any] | None:
    """``get_selective_metagraph``: the fields with the wanted places; the others are None."""
    whole = metagraph(state, block, netuid)
    if whole is None:
        return None
    if len(SELECTIVE_FIELDS) > max(indexes, default=0) >= len(METAGRAPH_FIELDS):
        permits = whole["validator_permit"]
        whole["validators"] = [uid for uid, permit in enumerate(permits) if permit]
        rows = Commitments.CommitmentOf.items(state, netuid)
        whole["commitments"] = [(who, list(info_bytes(one["info"]))) for (_, who), one in rows]
    wanted = {name for place, name in enumerate(SELECTIVE_FIELDS) if place in indexes}
    return {name: whole.get(name) if name in wanted or name == "netuid" else None for name in SELECTIVE_FIELDS}


def subnet_state(state: State, netuid: int) -> dict[str, Any] | None:
    """``get_subnet_state``."""
    if not exists(state, netuid):
        return None
    hotkeys, coldkeys = seats(state, netuid)
    columns = scores(state, netuid, hotkeys)
    history: list[list[int]] = [[] for _ in hotkeys]
    return {"netuid": netuid, "hotkeys": hotkeys, "coldkeys": coldkeys, **columns, "emission_history": history}


def neurons(state: State, netuid: int, *, lite: bool) -> list[dict[str, Any]]:
    """``get_neurons`` and ``get_neurons_lite``."""
    hotkeys, coldkeys = seats(state, netuid)
    columns = scores(state, netuid, hotkeys)
    trust = Subtensor.ValidatorTrust.get(state, netuid)
    rows = []
    for uid, (hotkey, coldkey) in enumerate(zip(hotkeys, coldkeys, strict=True)):
        row = {name: columns[name][uid] for name in ("emission", "consensus", "dividends")}
        row |= {name: columns[name][uid] for name in ("active", "last_update", "validator_permit")}
        for name, gone in (("rank", 0), ("trust", 0), ("pruning_score", _U16_MAX)):
            row[name] = columns[name][uid] if columns[name] else gone
        row |= {
            "hotkey": hotkey,
            "coldkey": coldkey,
            "uid": uid,
            "netuid": netuid,
            "axon_info": Subtensor.Axons.get(state, netuid, hotkey) or _NO_AXON,
            "prometheus_info": Subtensor.Prometheus.get(state, netuid, hotkey) or _NO_PROMETHEUS,
            "stake": [(coldkey, Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid))],
            "incentive": columns["incentives"][uid],
            "validator_trust": trust[uid] if uid < len(trust) else 0,
        }
        if not lite:
            row["weights"] = Subtensor.Weights.get(state, netuid, uid)
            row["bonds"] = Subtensor.Bonds.get(state, netuid, uid)
        rows.append(row)
    return rows


def delegate(state: State, hotkey: bytes) -> dict[str, Any]:
    """``get_delegate``: who stakes on a hotkey, and where it sits."""
    registered = [netuid for netuid in netuids(state) if Subtensor.IsNetworkMember.get(state, hotkey, netuid)]
    nominators: dict[bytes, list[tuple[int, int]]] = {}
    for _, coldkey, netuid in shares.positions(state, hotkey):
        amount = shares.stake_of(state, hotkey, coldkey, netuid)
        if amount:
            nominators.setdefault(coldkey, []).append((netuid, amount))
    permits = []
    for netuid in registered:
        uid = Subtensor.Uids.get(state, netuid, hotkey)
        granted = Subtensor.ValidatorPermit.get(state, netuid)
        if uid is not None and uid < len(granted) and granted[uid]:
            permits.append(netuid)
    return {
        "delegate_ss58": hotkey,
        "take": Subtensor.Delegates.get(state, hotkey),
        "nominators": list(nominators.items()),
        "owner_ss58": Subtensor.Owner.get(state, hotkey),
        "registrations": registered,
        "validator_permits": permits,
        "return_per_1000": 0,
        "total_daily_return": 0,
    }
