"""The info APIs: SubnetInfo, NeuronInfo, DelegateInfo, SubnetRegistration. Types in info_types, values in info."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.composites import Option, Tuple, Vec
from ranvier.sandbox.codec.scale import U8, U16, U64, Alias, Codec
from ranvier.sandbox.codec.types import ACCOUNT, TAO
from ranvier.sandbox.frame.api import Api, Method, View
from ranvier.sandbox.pallets.subtensor import epochs, info, networks, shares
from ranvier.sandbox.pallets.subtensor.info_types import (
    C64,
    CNETUID,
    DELEGATE,
    DYNAMIC,
    HYPERPARAM,
    HYPERPARAMS,
    HYPERPARAMS_V2,
    METAGRAPH,
    NEURON,
    NEURON_LITE,
    SELECTIVE,
    SUBNET,
    SUBNET_STATE,
    SUBNET_V2,
)
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor

_MECHANISM = Alias(U8, "MechId")
_INDEXES = Vec(U16)
_BY_NETUID: dict[str, Codec] = {"netuid": NETUID}


def _picked(wanted: Codec, values: dict[str, Any]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in wanted.fields}  # type: ignore[attr-defined]


def _subnet(view: View, netuid: int) -> dict[str, Any] | None:
    return _picked(SUBNET, info.subnet(view.state, netuid)) if info.exists(view.state, netuid) else None


def _subnet_v2(view: View, netuid: int) -> dict[str, Any] | None:
    return _picked(SUBNET_V2, info.subnet(view.state, netuid)) if info.exists(view.state, netuid) else None


def _subnets(view: View) -> list[Any]:
    return [_subnet(view, netuid) for netuid in info.netuids(view.state)]


def _subnets_v2(view: View) -> list[Any]:
    return [_subnet_v2(view, netuid) for netuid in info.netuids(view.state)]


def _hyperparams(view: View, netuid: int) -> dict[str, Any] | None:
    return info.hyperparams(view.state, netuid) if info.exists(view.state, netuid) else None


def _hyperparams_v2(view: View, netuid: int) -> dict[str, Any] | None:
    return info.hyperparams_v2(view.state, netuid) if info.exists(view.state, netuid) else None


def _hyperparams_v3(view: View, netuid: int) -> list[dict[str, Any]] | None:
    return info.hyperparams_v3(view.state, netuid) if info.exists(view.state, netuid) else None


def _dynamic(view: View, netuid: int) -> dict[str, Any] | None:
    return info.dynamic(view.state, netuid)


def _all_dynamic(view: View) -> list[Any]:
    return [info.dynamic(view.state, netuid) for netuid in info.netuids(view.state)]


def _metagraph(view: View, netuid: int) -> dict[str, Any] | None:
    return info.metagraph(view.state, view.block, netuid)


def _all_metagraphs(view: View) -> list[Any]:
    return [_metagraph(view, netuid) for netuid in info.netuids(view.state)]


def _mechagraph(view: View, netuid: int, mechanism: int) -> dict[str, Any] | None:
    """Every subnet here has one mechanism, number 0."""
    return _metagraph(view, netuid) if mechanism == 0 else None


def _selective(view: View, netuid: int, indexes: list[int]) -> dict[str, Any] | None:
    return info.selective(view.state, view.block, netuid, indexes)


def _selective_mechagraph(view: View, netuid: int, mechanism: int, indexes: list[int]) -> dict[str, Any] | None:
    return _selective(view, netuid, indexes) if mechanism == 0 else None


def _state(view: View, netuid: int) -> dict[str, Any] | None:
    return info.subnet_state(view.state, netuid)


def _auto_stake(view: View, coldkey: bytes, netuid: int) -> bytes | None:
    destination: bytes | None = Subtensor.AutoStakeDestination.get(view.state, coldkey, netuid)
    return destination


def _to_prune(view: View) -> int | None:
    """No subnet is ever dissolved here."""
    return None


def _next_epoch(view: View, netuid: int) -> int | None:
    """``get_next_epoch_start_block`` (425)."""
    return epochs.next_epoch(view.state, view.block, netuid) if info.exists(view.state, netuid) else None


def _block_emission(view: View) -> int:
    made: int = Subtensor.BlockEmission.get(view.state)
    return made


def _neurons(view: View, netuid: int) -> list[dict[str, Any]]:
    return info.neurons(view.state, netuid, lite=False)


def _neurons_lite(view: View, netuid: int) -> list[dict[str, Any]]:
    return info.neurons(view.state, netuid, lite=True)


def _neuron(view: View, netuid: int, uid: int) -> dict[str, Any] | None:
    rows = _neurons(view, netuid)
    return rows[uid] if uid < len(rows) else None


def _neuron_lite(view: View, netuid: int, uid: int) -> dict[str, Any] | None:
    rows = _neurons_lite(view, netuid)
    return rows[uid] if uid < len(rows) else None


def _delegates(view: View) -> list[dict[str, Any]]:
    return [info.delegate(view.state, hotkey) for hotkey in shares.hotkeys(view.state)]


def _delegate(view: View, hotkey: bytes) -> dict[str, Any] | None:
    return info.delegate(view.state, hotkey) if Subtensor.Owner.exists(view.state, hotkey) else None


def _delegated(view: View, coldkey: bytes) -> list[Any]:
    rows = []
    for hotkey in Subtensor.StakingHotkeys.get(view.state, coldkey):
        one = info.delegate(view.state, hotkey)
        for netuid, amount in dict(one["nominators"]).get(coldkey, []):
            rows.append((one, (netuid, amount)))
    return rows


def _network_cost(view: View) -> int:
    return networks.lock_cost(view.state, view.block)


SUBNETS = Api(
    "SubnetInfoRuntimeApi",
    (
        Method("get_subnet_info", _BY_NETUID, Option(SUBNET), _subnet),
        Method("get_subnets_info", {}, Vec(Option(SUBNET)), _subnets),
        Method("get_subnet_info_v2", _BY_NETUID, Option(SUBNET_V2), _subnet_v2),
        Method("get_subnets_info_v2", {}, Vec(Option(SUBNET_V2)), _subnets_v2),
        Method("get_subnet_hyperparams", _BY_NETUID, Option(HYPERPARAMS), _hyperparams),
        Method("get_subnet_hyperparams_v2", _BY_NETUID, Option(HYPERPARAMS_V2), _hyperparams_v2),
        Method("get_subnet_hyperparams_v3", _BY_NETUID, Option(Vec(HYPERPARAM)), _hyperparams_v3, since=425),
        Method("get_all_dynamic_info", {}, Vec(Option(DYNAMIC)), _all_dynamic),
        Method("get_all_metagraphs", {}, Vec(Option(METAGRAPH)), _all_metagraphs),
        Method("get_metagraph", _BY_NETUID, Option(METAGRAPH), _metagraph),
        Method("get_all_mechagraphs", {}, Vec(Option(METAGRAPH)), _all_metagraphs),
        Method("get_mechagraph", {**_BY_NETUID, "mecid": _MECHANISM}, Option(METAGRAPH), _mechagraph),
        Method("get_dynamic_info", _BY_NETUID, Option(DYNAMIC), _dynamic),
        Method("get_subnet_state", _BY_NETUID, Option(SUBNET_STATE), _state),
        Method("get_selective_metagraph", {**_BY_NETUID, "metagraph_indexes": _INDEXES}, Option(SELECTIVE), _selective),
        Method("get_coldkey_auto_stake_hotkey", {"coldkey": ACCOUNT, **_BY_NETUID}, Option(ACCOUNT), _auto_stake),
        Method(
            "get_selective_mechagraph",
            {**_BY_NETUID, "subid": _MECHANISM, "metagraph_indexes": _INDEXES},
            Option(SELECTIVE),
            _selective_mechagraph,
        ),
        Method("get_subnet_to_prune", {}, Option(NETUID), _to_prune),
        Method("get_next_epoch_start_block", _BY_NETUID, Option(U64), _next_epoch, since=425),
        Method("get_block_emission", {}, TAO, _block_emission, since=425),
    ),
)
NEURONS = Api(
    "NeuronInfoRuntimeApi",
    (
        Method("get_neurons", _BY_NETUID, Vec(NEURON), _neurons),
        Method("get_neuron", {**_BY_NETUID, "uid": U16}, Option(NEURON), _neuron),
        Method("get_neurons_lite", _BY_NETUID, Vec(NEURON_LITE), _neurons_lite),
        Method("get_neuron_lite", {**_BY_NETUID, "uid": U16}, Option(NEURON_LITE), _neuron_lite),
    ),
)
DELEGATES = Api(
    "DelegateInfoRuntimeApi",
    (
        Method("get_delegates", {}, Vec(DELEGATE), _delegates),
        Method("get_delegate", {"delegate_account": ACCOUNT}, Option(DELEGATE), _delegate),
        Method(
            "get_delegated",
            {"delegatee_account": ACCOUNT},
            Vec(Tuple((DELEGATE, Tuple((CNETUID, C64))))),
            _delegated,
        ),
    ),
)
REGISTRATION = Api("SubnetRegistrationRuntimeApi", (Method("get_network_registration_cost", {}, TAO, _network_cost),))
