"""Whose alpha is where: from the runtime's own call where it has one, else from storage in whichever form it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ranvier.chain.connection import Connection, Read
from ranvier.chain.model import BlockRef
from ranvier.chain.pools import SUBTENSOR, netuids
from ranvier.chain.shares import read_share, value_rao
from ranvier.core.errors import ChainError

API = "StakeInfoRuntimeApi"
_FORMS = ("Alpha", "AlphaV2")
_TOTALS = ("TotalHotkeyShares", "TotalHotkeySharesV2")


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
    if await conn.has_api(API, "get_stake_info_for_coldkeys", at):
        answer = await conn.runtime_call(API, "get_stake_info_for_coldkeys", [list(coldkeys_ss58)], at)
        rows = [
            StakeRow(str(row["hotkey"]), str(coldkey), int(row["netuid"]), int(row["stake"]), row.get("is_registered"))
            for coldkey, held in answer
            for row in held
            if int(row["stake"]) > 0
        ]
    else:
        rows = await stored_rows(conn, coldkeys_ss58, at)
    order = {coldkey: place for place, coldkey in enumerate(coldkeys_ss58)}
    return tuple(sorted(rows, key=lambda row: (order.get(row.coldkey_ss58, 0), row.netuid, row.hotkey_ss58)))


async def stored_rows(conn: Connection, coldkeys_ss58: Sequence[str], at: BlockRef) -> list[StakeRow]:
    """The same by the share pools in storage: a handful of requests, exact to the rao of the runtime's own sum."""
    lists = await conn.read([(SUBTENSOR, "StakingHotkeys", [ss58]) for ss58 in coldkeys_ss58], at)
    pairs = [
        (str(hotkey), coldkey)
        for coldkey, hotkeys in zip(coldkeys_ss58, lists, strict=True)
        for hotkey in hotkeys or ()
    ]
    if not pairs:
        return []
    everywhere = await netuids(conn, at)
    places = [(hotkey, coldkey, netuid) for hotkey, coldkey in pairs for netuid in everywhere]
    shares = await _shares(conn, _FORMS, places, at)
    held = [(place, share) for place, share in zip(places, shares, strict=True) if share is not None]
    pools = list(dict.fromkeys((hotkey, netuid) for (hotkey, _, netuid), _ in held))
    totals = await conn.read([(SUBTENSOR, "TotalHotkeyAlpha", list(pool)) for pool in pools], at)
    parts = await _shares(conn, _TOTALS, pools, at)
    pool_of = {pool: (int(total or 0), part) for pool, total, part in zip(pools, totals, parts, strict=True)}
    whole = await _whole_shares(conn, at)
    found = []
    for (hotkey, coldkey, netuid), share in held:
        total, denominator = pool_of[hotkey, netuid]
        alpha = value_rao(total, share, denominator, whole=whole) if denominator is not None else 0
        if alpha > 0:
            found.append(StakeRow(hotkey, coldkey, netuid, alpha))
    return found


async def stake_of(conn: Connection, places: Sequence[tuple[str, str, int]], at: BlockRef) -> list[int]:
    """Alpha (rao) of each (hotkey, coldkey, netuid), in one round trip; 0 where nothing is held."""
    method = "get_stake_info_for_hotkey_coldkey_netuid"
    if not places:
        return []
    if await conn.has_api(API, method, at):
        answers = await conn.runtime_calls([(API, method, list(place)) for place in places], at)
        for answer in answers:
            if isinstance(answer, ChainError):
                raise answer
        return [int(answer["stake"]) if answer is not None else 0 for answer in answers]
    rows = await stored_rows(conn, list(dict.fromkeys(place[1] for place in places)), at)
    held = {(row.hotkey_ss58, row.coldkey_ss58, row.netuid): row.alpha_rao for row in rows}
    return [held.get(place, 0) for place in places]


async def stake_each(conn: Connection, place: tuple[str, str, int], blocks: Sequence[BlockRef]) -> list[int]:
    """Alpha (rao) of one (hotkey, coldkey, netuid) at each block, in one round. Raises ChainError."""
    hotkey, coldkey, netuid = place
    wanted: list[tuple[BlockRef, list[Read]]] = []
    for at in blocks:
        runtime = await conn.runtime_at(at)
        if runtime.has_item(SUBTENSOR, "AlphaSharePoolEpoch"):  # shares alone do not tell it there
            return [(await stake_of(conn, [place], one))[0] for one in blocks]
        names = [name for name in (*_FORMS, *_TOTALS, "TotalHotkeyAlpha") if runtime.has_item(SUBTENSOR, name)]
        keys = {name: [hotkey, coldkey, netuid] if name in _FORMS else [hotkey, netuid] for name in names}
        wanted.append((at, [(SUBTENSOR, name, keys[name]) for name in names]))
    found = []
    for (at, items), values in zip(wanted, await conn.read_each(wanted), strict=True):
        if isinstance(values, ChainError):
            raise values
        told = dict(zip((name for _, name, _ in items), values, strict=True))
        share, whole = (
            next((one for one in (read_share(told.get(name)) for name in names) if one is not None), None)
            for names in (_FORMS, _TOTALS)
        )
        total = int(told.get("TotalHotkeyAlpha") or 0)
        plain = False if share is None or whole is None else await _whole_shares(conn, at)
        found.append(0 if share is None or whole is None else value_rao(total, share, whole, whole=plain))
    return found


@dataclass(frozen=True, slots=True)
class Availability:
    """How much alpha of (coldkey, netuid) there is and how much of it may be unstaked."""

    total_rao: int
    locked_rao: int
    available_rao: int


async def availability(
    conn: Connection, coldkeys_ss58: Sequence[str], at: BlockRef
) -> dict[tuple[str, int], Availability]:
    """By (coldkey, netuid), where the chain has locks; empty where it has none."""
    method = "get_stake_availability_for_coldkeys"
    if not coldkeys_ss58 or not await conn.has_api(API, method, at):
        return {}
    answer = await conn.runtime_call(API, method, [list(coldkeys_ss58), None], at)
    found = {}
    for coldkey, subnets in _pairs(answer):
        for netuid, row in _pairs(subnets):
            found[str(coldkey), int(netuid)] = Availability(
                int(row["total"]), int(row["locked"]), int(row["available"])
            )
    return found


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, dict) else [(key, item) for key, item in value or ()]


async def _shares(conn: Connection, forms: Sequence[str], places: Sequence[tuple[Any, ...]], at: BlockRef) -> list[Any]:
    """Shares by place: the older form where it has a row, else the newer one; forms this chain lacks are left out."""
    runtime = await conn.runtime_at(at)
    names = [name for name in forms if runtime.has_item(SUBTENSOR, name)]
    values = await conn.read([(SUBTENSOR, name, list(place)) for place in places for name in names], at)
    found = []
    for index in range(len(places)):
        row = (read_share(value) for value in values[index * len(names) : (index + 1) * len(names)])
        found.append(next((share for share in row if share is not None), None))
    return found


async def _whole_shares(conn: Connection, at: BlockRef) -> bool:
    """Whether this chain keeps shares as plain integers (the oldest form)."""
    runtime = await conn.runtime_at(at)
    if not runtime.has_item(SUBTENSOR, "Alpha") or not runtime.has_item(SUBTENSOR, "TotalHotkeyShares"):
        return False
    return isinstance(runtime.value(runtime.item(SUBTENSOR, "TotalHotkeyShares"), None), int)
