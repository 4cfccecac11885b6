"""Subnets with several incentive mechanisms: weights, bonds and incentive of each, one epoch each, one pay.

Follows subnets/mechanism.rs. Mechanism ``m`` keeps its vectors at netuid + 4096 m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ranvier.sandbox.frame.storage import State, WritableState
from ranvier.sandbox.maths.yuma import EpochResult
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.neurons import MECHANISM_STEP, mechanism_indices
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

MOST = 2
"""``MaxMechanismCount``."""
_MOST_UIDS = {343: 256, 425: 4096}
_U16_MAX = 65_535
_WEIGHTED = ("dividends", "stake_weight", "consensus", "validator_trust", "rank", "trust", "pruning_scores",
             "emission_rao")  # fmt: skip
_EITHER = ("active", "validator_permit")
_SUMMED = ("server_emission_rao", "validator_emission_rao")


def index_of(netuid: int, mechanism: int) -> int:
    """``get_mechanism_storage_index``."""
    return netuid + MECHANISM_STEP * mechanism


def ensure_room(uids: int, count: int) -> None:
    """``ensure_max_uids_over_all_mechanisms``."""
    if uids * count > _MOST_UIDS[425]:
        raise fail("TooManyUIDsPerMechanism")


def set_count(state: WritableState, netuid: int, count: int) -> None:
    """``do_set_mechanism_count``: what is given up is forgotten, and the split is even again."""
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("MechanismDoesNotExist")
    if not 1 <= count <= MOST:
        raise fail("InvalidValue")
    uids = Subtensor.MaxAllowedUids.get(state, netuid)
    if rules(state) >= 425:
        ensure_room(uids, count)
    elif uids * count > _MOST_UIDS[343]:
        raise fail("InvalidValue")
    before = mechanism_indices(state, netuid)
    if len(before) == count:
        return
    for index in before[count:]:
        for item in (Subtensor.Weights, Subtensor.Bonds, Subtensor.Incentive, Subtensor.LastUpdate):
            for key in list(state.keys_under(item.key(index))):
                state.put(key, None)
    seats = Subtensor.SubnetworkN.get(state, netuid)
    for index in range(index_of(netuid, len(before)), index_of(netuid, count), MECHANISM_STEP):
        Subtensor.LastUpdate.put(state, index, value=[0] * seats)
    Subtensor.MechanismCountCurrent.put(state, netuid, value=count)
    Subtensor.MechanismEmissionSplit.remove(state, netuid)


def set_split(state: WritableState, netuid: int, split: list[int] | None) -> None:
    """``do_set_emission_split``."""
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("MechanismDoesNotExist")
    if split is None:
        Subtensor.MechanismEmissionSplit.remove(state, netuid)
        return
    if len(split) != Subtensor.MechanismCountCurrent.get(state, netuid) or sum(split) != _U16_MAX:
        raise fail("InvalidValue")
    Subtensor.MechanismEmissionSplit.put(state, netuid, value=split)


def split_emission(state: State, netuid: int, amount: int) -> list[int]:
    """Each mechanism's part in rao; the rests go to the first (``split_emissions``)."""
    count = Subtensor.MechanismCountCurrent.get(state, netuid)
    split = Subtensor.MechanismEmissionSplit.get(state, netuid)
    even = split is None or len(split) != count
    parts = [amount // count] * count if even else [amount * part // _U16_MAX for part in split]
    parts[0] += max(amount - sum(parts), 0)
    return parts


def merged(results: Sequence[EpochResult], parts: Sequence[int]) -> EpochResult:
    """One result of all (``epoch_with_mechanisms``): pay adds up, vectors are averages by emission, cut off at each
    step, and who is active or permitted in one is so in all. Incentive and bonds stay each mechanism's own.
    """
    if len(results) == 1:
        return results[0]
    total = sum(parts)
    weights = [(part << 64) // total if total else (place == 0) << 64 for place, part in enumerate(parts)]
    columns: dict[str, tuple[int, ...]] = {}
    for name in _WEIGHTED:
        row = [0] * len(results[0].active)
        for result, weight in zip(results, weights, strict=True):
            row = [have + (value * weight >> 64) for have, value in zip(row, getattr(result, name), strict=True)]
        columns[name] = tuple(row)
    for name in _EITHER:
        columns[name] = tuple(any(row) for row in zip(*(getattr(one, name) for one in results), strict=True))
    for name in _SUMMED:
        columns[name] = tuple(map(sum, zip(*(getattr(one, name) for one in results), strict=True)))
    return replace(results[0], **columns)  # type: ignore[arg-type]  # each column has its field's type
