"""Weights by other calls: of a mechanism, for several subnets at once, and by commit and reveal.

There is no drand on this network, so that nothing that was committed could be revealed: while commit-reveal is off
these calls fail as on the chain, and while it is on they are said to be unavailable.
"""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.composites import Tuple, Vec, wrapper
from ranvier.sandbox.codec.scale import U8, U16, U64, Alias, Bytes, Compact
from ranvier.sandbox.codec.types import H256
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import Call, DispatchFailure, call
from ranvier.sandbox.pallets.subtensor import weights
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor
from ranvier.sandbox.pallets.subtensor.subnet_events import (
    BATCH_COMPLETED_WITH_ERRORS,
    BATCH_WEIGHT_ITEM_FAILED,
    BATCH_WEIGHTS_COMPLETED,
)

_MECHANISM = Alias(U8, "MechId")
_COMMIT = Alias(
    wrapper("bounded_collections::bounded_vec::BoundedVec", Bytes(), T=U8, S=None),
    "BoundedVec<u8, ConstU32<MAX_CRV3_COMMIT_SIZE_BYTES>>",
)
_U16S = Vec(U16)
_NETUIDS = Vec(Compact(NETUID))
_REVEAL = {"uids": _U16S, "values": _U16S, "salt": _U16S, "version_key": U64}
_VERSION = {"commit": _COMMIT, "reveal_round": U64, "commit_reveal_version": U16}
_OF_MECHANISM = {"netuid": NETUID, "mecid": _MECHANISM}


@call(119, {**_OF_MECHANISM, "dests": _U16S, "weights": _U16S, "version_key": U64}, ref_time=15_540_000_000, pays=False)
def set_mechanism_weights(
    context: Context, who: bytes, netuid: int, mecid: int, dests: list[int], version_key: int, **values: list[int]
) -> None:
    """As set_weights, for one of a subnet's mechanisms."""
    weights.set_row(context, who, netuid, dests, values["weights"], version_key, mecid)


@call(
    80,
    {"netuids": _NETUIDS, "weights": Vec(Vec(Tuple((Compact(U16), Compact(U16))))), "version_keys": Vec(Compact(U64))},
    ref_time=95_460_000,
    pays=False,
)
def batch_set_weights(
    context: Context, who: bytes, netuids: list[int], version_keys: list[int], **values: list[Any]
) -> None:
    """Weights for several subnets; one that fails stops none of the others (``do_batch_set_weights``)."""
    rows = values["weights"]
    if not len(netuids) == len(rows) == len(version_keys):
        raise fail("InputLengthsUnequal")
    failed = False
    for netuid, row, version in zip(netuids, rows, version_keys, strict=True):
        dests, given = [uid for uid, _ in row], [weight for _, weight in row]
        try:
            with context.attempt():
                weights.set_row(context, who, netuid, dests, given, version, 0)
        except DispatchFailure as failure:
            failed = True
            context.deposit(BATCH_WEIGHT_ITEM_FAILED, failure.value)
    if failed:
        context.deposit(BATCH_COMPLETED_WITH_ERRORS)
    context.deposit(BATCH_WEIGHTS_COMPLETED, (netuids, who))


def _no_drand(context: Context, who: bytes, **arguments: Any) -> None:
    netuids = arguments["netuids"] if "netuids" in arguments else [arguments["netuid"]]
    for netuid in netuids:
        if not Subtensor.NetworksAdded.get(context.state, netuid):
            raise fail("SubnetNotExists")
        if arguments.get("mecid", 0) >= Subtensor.MechanismCountCurrent.get(context.state, netuid):
            raise fail("MechanismDoesNotExist")
        if not Subtensor.CommitRevealWeightsEnabled.get(context.state, netuid):
            raise fail("CommitRevealDisabled")
    raise DispatchFailure(("Unavailable", ()), "Unavailable")


def _unavailable(index: int, name: str, arguments: dict[str, Any]) -> Call:
    _no_drand.__name__ = name
    return call(index, arguments, pays=False)(_no_drand)


CALLS = (
    set_mechanism_weights,
    batch_set_weights,
    _unavailable(96, "commit_weights", {"netuid": NETUID, "commit_hash": H256}),
    _unavailable(115, "commit_mechanism_weights", {**_OF_MECHANISM, "commit_hash": H256}),
    _unavailable(100, "batch_commit_weights", {"netuids": _NETUIDS, "commit_hashes": Vec(H256)}),
    _unavailable(97, "reveal_weights", {"netuid": NETUID, **_REVEAL}),
    _unavailable(116, "reveal_mechanism_weights", {**_OF_MECHANISM, **_REVEAL}),
    _unavailable(117, "commit_crv3_mechanism_weights", {**_OF_MECHANISM, "commit": _COMMIT, "reveal_round": U64}),
    _unavailable(
        98,
        "batch_reveal_weights",
        {
            "netuid": NETUID,
            "uids_list": Vec(_U16S),
            "values_list": Vec(_U16S),
            "salts_list": Vec(_U16S),
            "version_keys": Vec(U64),
        },
    ),
    _unavailable(113, "commit_timelocked_weights", {"netuid": NETUID, **_VERSION}),
    _unavailable(118, "commit_timelocked_mechanism_weights", {**_OF_MECHANISM, **_VERSION}),
)
