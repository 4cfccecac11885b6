"""Whose alpha is where: from the runtime's own call where it has one, else from storage in whichever form it keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ranvier.chain.connection import Connection, Read
from ranvier.chain.model import SUBTENSOR, BlockRef, Place
from ranvier.chain.pools import netuids
from ranvier.chain.shares import SafeFloat, read_share, value_rao
from ranvier.core.errors import ChainError

if TYPE_CHECKING:
    from ranvier.chain.runtime.codec import Runtime

API = "StakeInfoRuntimeApi"
OF_COLDKEYS = "get_stake_info_for_coldkeys"
OF_PLACE = "get_stake_info_for_hotkey_coldkey_netuid"
AVAILABLE = "get_stake_availability_for_coldkeys"
# A share and the whole that it is a part of: the older form where it has a row, else the newer one. Where a pool that
# lost all its value was closed, its epoch says so: shares of an older epoch are worth nothing.
_SHARES = ("Alpha", "AlphaV2", "AlphaShareEpoch")
_POOL = ("TotalHotkeyAlpha", "TotalHotkeyShares", "TotalHotkeySharesV2", "AlphaSharePoolEpoch")


@dataclass(frozen=True, slots=True)
class StakeRow:
    """Alpha (rao) of one (hotkey, coldkey, netuid); always above zero. ``seated``: whether the hotkey has a seat
    there; None where the chain was not asked that."""

    hotkey_ss58: str
    coldkey_ss58: str
    netuid: int
    alpha_rao: int
    seated: bool | None = None


async def stake_rows(conn: Connection, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[StakeRow, ...]:
    """Every position above zero of these coldkeys, by coldkey, netuid and hotkey."""
    if not coldkeys_ss58:
        return ()
    if await conn.has_api(API, OF_COLDKEYS, at):
        answer = await conn.runtime_call(API, OF_COLDKEYS, [list(coldkeys_ss58)], at)
        return told_rows(coldkeys_ss58, answer)
    return await stored_rows(conn, coldkeys_ss58, at)


def told_rows(coldkeys_ss58: Sequence[str], answer: Any) -> tuple[StakeRow, ...]:
    """The rows in an answer of ``get_stake_info_for_coldkeys``."""
    rows = (
        StakeRow(row["hotkey"], coldkey, row["netuid"], row["stake"], row.get("is_registered"))
        for coldkey, held in answer
        for row in held
        if row["stake"] > 0
    )
    return _ordered(coldkeys_ss58, rows)


async def stored_rows(conn: Connection, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[StakeRow, ...]:
    """The same by the share pools in storage: a handful of requests, exact to the rao of the runtime's own sum."""
    lists = await conn.read([(SUBTENSOR, "StakingHotkeys", [ss58]) for ss58 in coldkeys_ss58], at)
    pairs = [
        (str(hotkey), coldkey)
        for coldkey, hotkeys in zip(coldkeys_ss58, lists, strict=True)
        for hotkey in hotkeys or ()
    ]
    if not pairs:
        return ()
    everywhere = await netuids(conn, at)
    places = [(hotkey, coldkey, netuid) for hotkey, coldkey in pairs for netuid in everywhere]
    runtime = await conn.runtime_at(at)
    shares = await _items(conn, runtime, _SHARES, places, at)
    held = {place: share for place, share in shares.items() if _first_share(share, _SHARES) is not None}
    pools = list(dict.fromkeys((hotkey, netuid) for hotkey, _, netuid in held))
    wholes = await _items(conn, runtime, _POOL, pools, at)
    rows = (
        StakeRow(hotkey, coldkey, netuid, _value(runtime, share | wholes[hotkey, netuid]))
        for (hotkey, coldkey, netuid), share in held.items()
    )
    return _ordered(coldkeys_ss58, (row for row in rows if row.alpha_rao > 0))


async def stake_of(conn: Connection, places: Sequence[Place], at: BlockRef) -> list[int]:
    """Alpha (rao) of each (hotkey, coldkey, netuid), in one round trip; 0 where nothing is held."""
    if not places:
        return []
    if await conn.has_api(API, OF_PLACE, at):
        answers = await conn.runtime_calls([(API, OF_PLACE, list(place)) for place in places], at)
        for answer in answers:
            if isinstance(answer, ChainError):
                raise answer
        return [int(answer["stake"]) if answer is not None else 0 for answer in answers]
    runtime = await conn.runtime_at(at)
    reads = [_place_items(runtime, place) for place in places]
    values = iter(await conn.read([one for part in reads for one in part], at))
    return [_value(runtime, {name: next(values) for _, name, _ in part}) for part in reads]


async def stake_each(conn: Connection, place: Place, blocks: Sequence[BlockRef]) -> list[int]:
    """Alpha (rao) of one (hotkey, coldkey, netuid) at each block, in one round. Raises ChainError."""
    runtimes = [await conn.runtime_at(at) for at in blocks]
    wanted = [(at, _place_items(runtime, place)) for at, runtime in zip(blocks, runtimes, strict=True)]
    found = []
    for runtime, (_, items), values in zip(runtimes, wanted, await conn.read_each(wanted), strict=True):
        if isinstance(values, ChainError):
            raise values
        found.append(_value(runtime, dict(zip((name for _, name, _ in items), values, strict=True))))
    return found


@dataclass(frozen=True, slots=True)
class Availability:
    """How much alpha of (coldkey, netuid) there is and how much of it may be unstaked."""

    total_rao: int
    locked_rao: int
    available_rao: int


def told_availability(answer: Any) -> dict[tuple[str, int], Availability]:
    """By (coldkey, netuid), from an answer of ``get_stake_availability_for_coldkeys``."""
    found = {}
    for coldkey, subnets in _pairs(answer):
        for netuid, row in _pairs(subnets):
            found[str(coldkey), int(netuid)] = Availability(
                int(row["total"]), int(row["locked"]), int(row["available"])
            )
    return found


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, dict) else [(key, item) for key, item in value or ()]


def _ordered(coldkeys_ss58: Sequence[str], rows: Iterable[StakeRow]) -> tuple[StakeRow, ...]:
    order = {coldkey: place for place, coldkey in enumerate(coldkeys_ss58)}
    return tuple(sorted(rows, key=lambda row: (order.get(row.coldkey_ss58, 0), row.netuid, row.hotkey_ss58)))


def _here(runtime: Runtime, names: Sequence[str]) -> list[str]:
    return [name for name in names if runtime.has_item(SUBTENSOR, name)]


def _place_items(runtime: Runtime, place: Place) -> list[Read]:
    """Everything that says what one position is worth."""
    hotkey, _, netuid = place
    mine: list[Read] = [(SUBTENSOR, name, place) for name in _here(runtime, _SHARES)]
    return mine + [(SUBTENSOR, name, (hotkey, netuid)) for name in _here(runtime, _POOL)]


async def _items(
    conn: Connection, runtime: Runtime, names: Sequence[str], places: Sequence[Any], at: BlockRef
) -> dict[Any, dict[str, Any]]:
    """By place, the values of those items that this chain has, by their names; one request."""
    here = _here(runtime, names)
    values = iter(await conn.read([(SUBTENSOR, name, place) for place in places for name in here], at))
    return {place: {name: next(values) for name in here} for place in places}


def _first_share(told: Mapping[str, Any], names: Sequence[str]) -> int | SafeFloat | None:
    shares = (read_share(told.get(name)) for name in names[:2])
    return next((one for one in shares if one is not None), None)


def _value(runtime: Runtime, told: Mapping[str, Any]) -> int:
    """Alpha (rao) by the items of ``_SHARES`` and ``_POOL`` (``get_stake_for_hotkey_and_coldkey_on_subnet``)."""
    share, denominator = _first_share(told, _SHARES), _first_share(told, _POOL[1:])
    epoch = told.get("AlphaSharePoolEpoch") or 0
    retired = epoch and told.get("AlphaShareEpoch", 0) != epoch
    if share is None or denominator is None or retired:
        return 0
    return value_rao(int(told["TotalHotkeyAlpha"] or 0), share, denominator, whole=_whole_shares(runtime))


def _whole_shares(runtime: Runtime) -> bool:
    """Whether this chain keeps shares as plain integers (the oldest form)."""
    if not runtime.has_item(SUBTENSOR, "Alpha") or not runtime.has_item(SUBTENSOR, "TotalHotkeyShares"):
        return False
    return isinstance(runtime.value(runtime.item(SUBTENSOR, "TotalHotkeyShares"), None), int)
