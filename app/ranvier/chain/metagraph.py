"""The metagraph by storage vectors: three requests for all seats, instead of one huge runtime call."""

from __future__ import annotations

from typing import Any

from ranvier.chain.connection import Connection
from ranvier.chain.model import BlockRef
from ranvier.chain.model_subnet import Metagraph, Registration, Seat
from ranvier.chain.pools import SUBTENSOR
from ranvier.chain.pruning import Candidate, Rule, leaving_line, protected_uids
from ranvier.chain.seats import axon_of, vector_at
from ranvier.core.errors import ChainError
from ranvier.keys import addresses

_NOBODY = addresses.ss58(bytes(32))
_U64_MAX = (1 << 64) - 1
_U16_MAX = 65_535
_MILLION = 1_000_000
_DEFAULT_WEIGHT = 0
_SUBNET_WIDE = (
    "NetworksAdded", "SubnetworkN", "MaxAllowedUids", "ImmunityPeriod", "Tempo", "Kappa", "MinNonImmuneUids",
    "ImmuneOwnerUidsLimit", "SubnetOwner", "SubnetOwnerHotkey", "Incentive", "Dividends", "Consensus", "Emission",
    "Active", "ValidatorPermit", "LastUpdate", "PruningScores",
)  # fmt: skip
_REGISTRATION = (
    "NetworksAdded", "NetworkRegistrationAllowed", "Burn", "MinBurn", "MaxBurn", "BurnHalfLife", "BurnIncreaseMult",
    "AdjustmentInterval", "TargetRegistrationsPerInterval", "RegistrationsThisInterval", "MaxRegistrationsPerBlock",
    "RegistrationsThisBlock", "CollateralLockShare",
)  # fmt: skip


async def metagraph(conn: Connection, netuid: int, at: BlockRef) -> Metagraph:
    """Every seat with its numbers, and who leaves next. Raises ChainError when there is no such subnet."""
    wide = await _values(conn, netuid, _SUBNET_WIDE, at)
    if not wide.get("NetworksAdded"):
        raise ChainError("No such subnet", f"{conn.network.title} has no subnet {netuid}.")
    runtime = await conn.runtime_at(at)
    count = int(wide.get("SubnetworkN") or 0)
    keyed = [(SUBTENSOR, "Keys", [netuid, uid]) for uid in range(count)]
    registered = [(SUBTENSOR, "BlockAtRegistration", [netuid, uid]) for uid in range(count)]
    weight_known = runtime.has_item(SUBTENSOR, "TaoWeight") and not runtime.item(SUBTENSOR, "TaoWeight").key_types
    first = await conn.read([*keyed, *registered, *([(SUBTENSOR, "TaoWeight", [])] if weight_known else [])], at)
    hotkeys, blocks = [str(key) for key in first[:count]], [int(block) for block in first[count : 2 * count]]
    weight = int(first[-1]) if weight_known else _DEFAULT_WEIGHT
    questions: list[tuple[str, str, list[Any]]] = []
    for hotkey in hotkeys:
        questions += [
            (SUBTENSOR, "Owner", [hotkey]),
            (SUBTENSOR, "Axons", [netuid, hotkey]),
            (SUBTENSOR, "TotalHotkeyAlpha", [hotkey, netuid]),
            (SUBTENSOR, "TotalHotkeyAlpha", [hotkey, 0]),
        ]
    rows = await conn.read(questions, at)
    immunity = int(wide.get("ImmunityPeriod") or 0)
    details = [rows[4 * uid : 4 * uid + 4] for uid in range(count)]
    protected = _protected(wide, hotkeys, blocks, details)
    seats = tuple(
        _seat(uid, hotkeys[uid], blocks[uid], wide, details[uid], immunity, weight, uid in protected)
        for uid in range(count)
    )
    rule = Rule.EMISSION if "MinNonImmuneUids" in wide else Rule.PRUNING_SCORE
    floor, most = int(wide.get("MinNonImmuneUids") or 0), int(wide.get("MaxAllowedUids") or 0)
    return Metagraph(
        netuid=netuid,
        block=at,
        seats=seats,
        max_seats=most,
        immunity_blocks=immunity,
        tempo=int(wide.get("Tempo") or 0),
        kappa=int(wide.get("Kappa") or _U16_MAX // 2),
        rule=rule,
        min_non_immune=floor,
        line=leaving_line([_candidate(seat, rule, at.number) for seat in seats], rule, floor),
    )


async def registration(conn: Connection, netuid: int, at: BlockRef) -> Registration:
    """What a seat costs and by which rules; one request. Raises ChainError when there is no such subnet."""
    values = await _values(conn, netuid, _REGISTRATION, at)
    if not values.get("NetworksAdded"):
        raise ChainError("No such subnet", f"{conn.network.title} has no subnet {netuid}.")
    runtime = await conn.runtime_at(at)

    def number(name: str) -> int | None:
        return int(values[name]) if values.get(name) is not None else None

    price = number("Burn") or 0
    locked = price * (number("CollateralLockShare") or 0) // _U16_MAX
    decays = "BurnHalfLife" in values
    jump = values.get("BurnIncreaseMult")
    bits = int(jump["bits"]) if isinstance(jump, dict) else None
    return Registration(
        netuid=netuid,
        open=bool(values.get("NetworkRegistrationAllowed", True)),
        price_rao=price,
        burned_rao=price - locked,
        locked_rao=locked,
        min_price_rao=number("MinBurn") or 0,
        max_price_rao=number("MaxBurn") or 0,
        half_life_blocks=number("BurnHalfLife"),
        jump_ppm=(bits * _MILLION >> 64) - _MILLION if bits is not None else None,
        interval_blocks=None if decays else number("AdjustmentInterval"),
        target_per_interval=None if decays else number("TargetRegistrationsPerInterval"),
        this_interval=None if decays else number("RegistrationsThisInterval"),
        most_per_block=number("MaxRegistrationsPerBlock"),
        this_block=number("RegistrationsThisBlock"),
        limit_possible=runtime.has_call(SUBTENSOR, "register_limit"),
    )


async def _values(conn: Connection, netuid: int, names: tuple[str, ...], at: BlockRef) -> dict[str, Any]:
    runtime = await conn.runtime_at(at)
    here = [name for name in names if runtime.has_item(SUBTENSOR, name)]
    return dict(zip(here, await conn.read([(SUBTENSOR, name, [netuid]) for name in here], at), strict=True))


def _protected(wide: dict[str, Any], hotkeys: list[str], blocks: list[int], details: list[list[Any]]) -> frozenset[int]:
    owner, first = wide.get("SubnetOwner"), wide.get("SubnetOwnerHotkey")
    uid_of = hotkeys.index(str(first)) if first is not None and str(first) in hotkeys else None
    if "ImmuneOwnerUidsLimit" not in wide:
        return frozenset() if uid_of is None else frozenset({uid_of})
    owned = [] if owner in (None, _NOBODY) else [(blocks[u], u) for u, row in enumerate(details) if row[0] == owner]
    return protected_uids(uid_of, owned, int(wide.get("ImmuneOwnerUidsLimit") or 0))


def _seat(
    uid: int,
    hotkey: str,
    registered: int,
    wide: dict[str, Any],
    details: list[Any],
    immunity: int,
    tao_weight: int,
    protected: bool,
) -> Seat:
    owner, axon, alpha, tao = details
    alpha_rao, tao_rao = int(alpha or 0), int(tao or 0)
    scores = wide.get("PruningScores")
    return Seat(
        uid=uid,
        hotkey_ss58=hotkey,
        coldkey_ss58=str(owner) if owner not in (None, _NOBODY) else None,
        registered_block=registered,
        immune_until_block=registered + immunity,
        incentive=vector_at(wide.get("Incentive"), uid),
        dividends=vector_at(wide.get("Dividends"), uid),
        consensus=vector_at(wide.get("Consensus"), uid),
        emission_rao=vector_at(wide.get("Emission"), uid),
        active=bool(vector_at(wide.get("Active"), uid)),
        validator_permit=bool(vector_at(wide.get("ValidatorPermit"), uid)),
        last_update=vector_at(wide.get("LastUpdate"), uid),
        alpha_stake_rao=alpha_rao,
        tao_stake_rao=tao_rao,
        total_stake_rao=alpha_rao + tao_rao * tao_weight // _U64_MAX,
        pruning_score=vector_at(scores, uid) if scores else None,
        protected=protected,
        axon=axon_of(axon),
    )


def _candidate(seat: Seat, rule: Rule, block: int) -> Candidate:
    score = seat.emission_rao if rule is Rule.EMISSION else seat.pruning_score or 0
    return Candidate(seat.uid, score, seat.registered_block, block < seat.immune_until_block, seat.protected)
