"""The metagraph: what is kept in vectors from storage, the few columns that are not by a call for just those."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ranvier.chain.connection import Connection, Read
from ranvier.chain.model import SUBTENSOR, BlockRef
from ranvier.chain.model_subnet import Metagraph, Registration, Seat
from ranvier.chain.pruning import Candidate, Rule, leaving_line, protected_uids
from ranvier.chain.seats import axon_of, vector_at
from ranvier.core.errors import ChainError
from ranvier.keys import addresses

_NOBODY = addresses.ss58(bytes(32))
_U64_MAX = (1 << 64) - 1
_U16_MAX = 65_535
_MILLION = 1_000_000
_DEFAULT_WEIGHT = 0
_SELECTIVE = ("SubnetInfoRuntimeApi", "get_selective_metagraph")
# What a seat has that is in no vector, and its number in the runtime's ``SelectiveMetagraphIndex``; as in _Person.
_COLUMNS = {
    "hotkeys": 52, "coldkeys": 53, "axons": 55, "block_at_registration": 66,
    "alpha_stake": 67, "tao_stake": 68, "total_stake": 69,
}  # fmt: skip
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


class _Person(NamedTuple):
    """Who sits on a seat, as the chain says it."""

    hotkey_ss58: str
    coldkey_ss58: str | None
    axon: Any
    registered_block: int
    alpha_rao: int
    tao_rao: int
    total_rao: int


async def metagraph(conn: Connection, netuid: int, at: BlockRef) -> Metagraph:
    """Every seat with its numbers, and who leaves next. Raises ChainError when there is no such subnet."""
    wide, persons = await _told(conn, netuid, at)
    if not wide.get("NetworksAdded"):
        raise ChainError("No such subnet", f"{conn.network.title} has no subnet {netuid}.")
    count = int(wide.get("SubnetworkN") or 0)
    if persons is None or len(persons) != count:
        persons = await _stored(conn, netuid, count, at)
    immunity = int(wide.get("ImmunityPeriod") or 0)
    protected = _protected(wide, persons)
    seats = tuple(_seat(uid, person, wide, immunity, uid in protected) for uid, person in enumerate(persons))
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


async def _told(conn: Connection, netuid: int, at: BlockRef) -> tuple[dict[str, Any], list[_Person] | None]:
    """In one round what the subnet says of itself, and who sits there by the runtime's own word (None: it has none).

    Its stakes are those that weigh, after what goes to child keys and comes from parents.
    """
    runtime = await conn.runtime_at(at)
    here = [name for name in _SUBNET_WIDE if runtime.has_item(SUBTENSOR, name)]
    typed = await conn.has_api(*_SELECTIVE, at)
    values, _, answers = await conn.together(
        at,
        reads=[(SUBTENSOR, name, [netuid]) for name in here],
        calls=[(*_SELECTIVE, [netuid, list(_COLUMNS.values())])] if typed else (),
    )
    answer = answers[0] if typed else None
    columns = [answer.get(name) for name in _COLUMNS] if isinstance(answer, dict) else [None]
    if any(column is None for column in columns):  # an older runtime counts the columns in another way
        return dict(zip(here, values, strict=True)), None
    return dict(zip(here, values, strict=True)), [_Person(*row) for row in zip(*columns, strict=True)]


async def _stored(conn: Connection, netuid: int, count: int, at: BlockRef) -> list[_Person]:
    """The same by storage, in two rounds; the stakes are those before child keys."""
    runtime = await conn.runtime_at(at)
    keyed = [(SUBTENSOR, "Keys", [netuid, uid]) for uid in range(count)]
    registered = [(SUBTENSOR, "BlockAtRegistration", [netuid, uid]) for uid in range(count)]
    weight_known = runtime.has_item(SUBTENSOR, "TaoWeight") and not runtime.item(SUBTENSOR, "TaoWeight").key_types
    first = await conn.read([*keyed, *registered, *([(SUBTENSOR, "TaoWeight", [])] if weight_known else [])], at)
    hotkeys, blocks = [str(key) for key in first[:count]], [int(block) for block in first[count : 2 * count]]
    weight = int(first[-1]) if weight_known else _DEFAULT_WEIGHT
    questions: list[Read] = []
    for hotkey in hotkeys:
        questions += [
            (SUBTENSOR, "Owner", [hotkey]),
            (SUBTENSOR, "Axons", [netuid, hotkey]),
            (SUBTENSOR, "TotalHotkeyAlpha", [hotkey, netuid]),
            (SUBTENSOR, "TotalHotkeyAlpha", [hotkey, 0]),
        ]
    rows = iter(await conn.read(questions, at))
    found = []
    for hotkey, block in zip(hotkeys, blocks, strict=True):
        owner, axon, alpha, tao = next(rows), next(rows), int(next(rows) or 0), int(next(rows) or 0)
        found.append(_Person(hotkey, owner, axon, block, alpha, tao, alpha + tao * weight // _U64_MAX))
    return found


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


def _protected(wide: dict[str, Any], persons: Sequence[_Person]) -> frozenset[int]:
    owner, first = wide.get("SubnetOwner"), wide.get("SubnetOwnerHotkey")
    uid_of = next((uid for uid, one in enumerate(persons) if one.hotkey_ss58 == first), None)
    if "ImmuneOwnerUidsLimit" not in wide:
        return frozenset() if uid_of is None else frozenset({uid_of})
    theirs = [(one.registered_block, uid) for uid, one in enumerate(persons) if one.coldkey_ss58 == owner]
    owned = [] if owner in (None, _NOBODY) else theirs
    return protected_uids(uid_of, owned, int(wide.get("ImmuneOwnerUidsLimit") or 0))


def _seat(uid: int, person: _Person, wide: dict[str, Any], immunity: int, protected: bool) -> Seat:
    scores = wide.get("PruningScores")
    return Seat(
        uid=uid,
        hotkey_ss58=person.hotkey_ss58,
        coldkey_ss58=person.coldkey_ss58 if person.coldkey_ss58 != _NOBODY else None,
        registered_block=person.registered_block,
        immune_until_block=person.registered_block + immunity,
        incentive=vector_at(wide.get("Incentive"), uid),
        dividends=vector_at(wide.get("Dividends"), uid),
        consensus=vector_at(wide.get("Consensus"), uid),
        emission_rao=vector_at(wide.get("Emission"), uid),
        active=bool(vector_at(wide.get("Active"), uid)),
        validator_permit=bool(vector_at(wide.get("ValidatorPermit"), uid)),
        last_update=vector_at(wide.get("LastUpdate"), uid),
        alpha_stake_rao=person.alpha_rao,
        tao_stake_rao=person.tao_rao,
        total_stake_rao=person.total_rao,
        pruning_score=vector_at(scores, uid) if scores else None,
        protected=protected,
        axon=axon_of(person.axon),
    )


def _candidate(seat: Seat, rule: Rule, block: int) -> Candidate:
    score = seat.emission_rao if rule is Rule.EMISSION else seat.pruning_score or 0
    return Candidate(seat.uid, score, seat.registered_block, block < seat.immune_until_block, seat.protected)
