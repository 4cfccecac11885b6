"""Everything of a few coldkeys at one block: a handful of requests, whatever the number of positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ranvier.chain import quotes
from ranvier.chain.connection import Connection
from ranvier.chain.model import BlockRef
from ranvier.chain.model_stake import Account, Collateral, Holding, KeySwap, Lock, Portfolio
from ranvier.chain.quotes import SUBTENSOR, Pool, Quote
from ranvier.chain.stakes import API, Availability, StakeRow, availability, stake_rows
from ranvier.core.units import RAO_PER_COIN

DEFAULT_DEPOSIT_RAO = 500
_FRACTION = 64
_MANY = 32  # positions in one subnet, from where on its collateral is listed: few keys exist, each is 130 bytes long
_KEY_SWAPS = ("ColdkeySwapAnnouncements", "ColdkeySwapDisputes", "ColdkeySwapScheduled")
Values = dict[tuple[str, ...], Any]


async def portfolio(conn: Connection, coldkeys_ss58: Sequence[str], at: BlockRef) -> Portfolio:
    """Balances, positions with their three values, locks, collateral and pending key swaps, all at ``at``.

    Raises NetworkError, or ChainError when the chain cannot be read.
    """
    started = conn.traffic[0]
    coldkeys = list(dict.fromkeys(coldkeys_ss58))
    rows = await stake_rows(conn, coldkeys, at)
    free = await availability(conn, coldkeys, at) if rows else {}
    wanted = sorted({row.netuid for row in rows})
    pool_items = await quotes.pool_items(conn, at)
    questions = await _questions(conn, coldkeys, rows, at)
    pool_reads = [(*item, [netuid]) for netuid in wanted for item in pool_items]
    values = await conn.read([*questions.values(), *pool_reads], at)
    found: Values = dict(zip(questions, values, strict=False)) | await _listed_collateral(conn, rows, at)
    pools = quotes.read_pools(pool_items, wanted, values[len(questions) :])
    locks = await _locks(conn, coldkeys, at) if rows else ()
    holdings = tuple(_holding(row, found, pools[row.netuid], free, locks) for row in rows)
    runtime = await conn.runtime_at(at)
    deposit = int(runtime.constant("Balances", "ExistentialDeposit") or DEFAULT_DEPOSIT_RAO)
    return Portfolio(
        block=at,
        accounts=tuple(_account(ss58, found, deposit) for ss58 in coldkeys),
        holdings=holdings,
        locks=locks,
        pools=pools,
        exits=_exits(holdings, pools),
        requests=conn.traffic[0] - started,
    )


async def key_swaps(conn: Connection, coldkeys_ss58: Sequence[str], at: BlockRef) -> dict[str, KeySwap]:
    """Which of these coldkeys are about to be replaced, in one request; none on a chain without such swaps.

    Raises NetworkError, or ChainError when the chain cannot be read.
    """
    runtime = await conn.runtime_at(at)
    items = [item for item in _KEY_SWAPS if runtime.has_item(SUBTENSOR, item)]
    places = [(item, ss58) for ss58 in dict.fromkeys(coldkeys_ss58) for item in items]
    if not places:
        return {}
    values = await conn.read([(SUBTENSOR, item, [ss58]) for item, ss58 in places], at)
    found: Values = dict(zip(places, values, strict=True))
    swaps = {ss58: _key_swap(ss58, found) for ss58 in dict.fromkeys(coldkeys_ss58)}
    return {ss58: swap for ss58, swap in swaps.items() if swap is not None}


async def _questions(
    conn: Connection, coldkeys: Sequence[str], rows: Sequence[StakeRow], at: BlockRef
) -> dict[tuple[str, ...], tuple[str, str, list[Any]]]:
    """What to read, by a name of its own; items that this chain lacks are left out."""
    runtime = await conn.runtime_at(at)
    found: dict[tuple[str, ...], tuple[str, str, list[Any]]] = {}
    crowded = _crowded(rows)

    def ask(item: str, *keys: Any, pallet: str = SUBTENSOR) -> None:
        if runtime.has_item(pallet, item):
            found[(item, *map(str, keys))] = (pallet, item, list(keys))

    for coldkey in coldkeys:
        ask("Account", coldkey, pallet="System")
        if rows:
            ask("OwnedHotkeys", coldkey)
        for item in _KEY_SWAPS:
            ask(item, coldkey)
    for row in rows:
        if ("OwnedHotkeys", row.coldkey_ss58) not in found:  # one list is much less than an owner for each
            ask("Owner", row.hotkey_ss58)
        if row.seated is None:
            ask("Uids", row.netuid, row.hotkey_ss58)
        ask("AutoStakeDestination", row.coldkey_ss58, row.netuid)
        if row.netuid not in crowded:
            ask("MinerCollateral", row.netuid, row.hotkey_ss58, row.coldkey_ss58)
    return found


def _crowded(rows: Sequence[StakeRow]) -> set[int]:
    return {netuid for netuid, count in Counter(row.netuid for row in rows).items() if count > _MANY}


async def _listed_collateral(conn: Connection, rows: Sequence[StakeRow], at: BlockRef) -> Values:
    """The collateral that there is in subnets with many positions, by the names of ``_questions``."""
    runtime = await conn.runtime_at(at)
    if not runtime.has_item(SUBTENSOR, "MinerCollateral"):
        return {}
    return {
        ("MinerCollateral", str(netuid), *map(str, keys)): value
        for netuid in sorted(_crowded(rows))
        for keys, value in await conn.read_prefix(SUBTENSOR, "MinerCollateral", [netuid], at)
    }


def _account(ss58: str, found: Values, deposit: int) -> Account:
    data = found["Account", ss58]["data"]
    free, reserved, frozen = int(data["free"]), int(data["reserved"]), int(data.get("frozen") or 0)
    spendable = max(0, free - max(frozen - reserved, deposit))
    return Account(ss58, free, reserved, frozen, spendable, _key_swap(ss58, found))


def _key_swap(ss58: str, found: Values) -> KeySwap | None:
    announced = found.get(("ColdkeySwapAnnouncements", ss58))
    disputed = found.get(("ColdkeySwapDisputes", ss58)) is not None
    scheduled = found.get(("ColdkeySwapScheduled", ss58))
    if announced is None and isinstance(scheduled, (list, tuple)) and int(scheduled[0] or 0) > 0:
        announced = scheduled  # (block, new coldkey) on chains before announcements
    if announced is None and not disputed:
        return None
    block = announced[0] if isinstance(announced, (list, tuple)) and announced else None
    return KeySwap(int(block) if block is not None else None, disputed)


def _holding(
    row: StakeRow, found: Values, pool: Pool, free: dict[tuple[str, int], Availability], locks: Sequence[Lock]
) -> Holding:
    netuid, price = str(row.netuid), pool.price_rao
    collateral = _collateral(found.get(("MinerCollateral", netuid, row.hotkey_ss58, row.coldkey_ss58)))
    sellable = row.alpha_rao - (collateral.locked_rao if collateral is not None else 0)
    stated = free.get((row.coldkey_ss58, row.netuid))
    if stated is not None:
        sellable = min(sellable, stated.available_rao)
    elif locks:
        mine = (row.coldkey_ss58, row.netuid, row.hotkey_ss58)
        sellable -= sum(one.locked_rao for one in locks if (one.coldkey_ss58, one.netuid, one.hotkey_ss58) == mine)
    sellable = max(0, sellable)
    seated = row.seated if row.seated is not None else found.get(("Uids", netuid, row.hotkey_ss58)) is not None
    destination = found.get(("AutoStakeDestination", row.coldkey_ss58, netuid))
    return Holding(
        hotkey_ss58=row.hotkey_ss58,
        coldkey_ss58=row.coldkey_ss58,
        netuid=row.netuid,
        alpha_rao=row.alpha_rao,
        price_rao=price,
        spot_rao=row.alpha_rao * price // RAO_PER_COIN if price is not None else None,
        locked_rao=row.alpha_rao - sellable,
        sale=quotes.quote_sell(pool, sellable) if sellable else None,
        collateral=collateral,
        seated=seated,
        owned=_owned(row, found),
        auto_stake_ss58=str(destination) if destination is not None else None,
    )


def _owned(row: StakeRow, found: Values) -> bool:
    listed = found.get(("OwnedHotkeys", row.coldkey_ss58))
    if listed is not None:
        return row.hotkey_ss58 in listed
    return bool(found.get(("Owner", row.hotkey_ss58)) == row.coldkey_ss58)


def _collateral(value: Any) -> Collateral | None:
    if not isinstance(value, dict):
        return None
    locked, floor = int(value.get("locked") or 0), int(value.get("min_locked") or 0)
    if not locked and not floor:
        return None
    ratio = value.get("drain_ratio")
    bits = int(ratio["bits"]) if isinstance(ratio, dict) else int(ratio or 0)
    above = max(0, locked - floor)
    work = -(-(above << _FRACTION) // bits) if above and bits else None
    return Collateral(locked, floor, int(value.get("earned") or 0), work)


async def _locks(conn: Connection, coldkeys: Sequence[str], at: BlockRef) -> tuple[Lock, ...]:
    """Conviction locks. What one holds by now the chain is asked, where it tells (``get_coldkey_lock``)."""
    runtime = await conn.runtime_at(at)
    if not runtime.has_item(SUBTENSOR, "Lock"):
        return ()
    rows = [
        (coldkey, int(keys[0]), str(keys[1]), value)
        for coldkey in coldkeys
        for keys, value in await conn.read_prefix(SUBTENSOR, "Lock", [coldkey], at)
        if value is not None
    ]
    if not rows:
        return ()
    extra = [name for name in ("DecayingLock",) if runtime.has_item(SUBTENSOR, name)]
    asked: list[tuple[str, str, list[Any]]] = [
        (SUBTENSOR, name, [coldkey, netuid]) for coldkey, netuid, _, _ in rows for name in extra
    ]
    rate_known = runtime.has_item(SUBTENSOR, "UnlockRate")
    values = await conn.read([*asked, *([(SUBTENSOR, "UnlockRate", [])] if rate_known else [])], at)
    rate = int(values[-1]) if rate_known else None
    masses = await _masses(conn, [(coldkey, netuid) for coldkey, netuid, _, _ in rows], at)
    found = []
    for place, (coldkey, netuid, hotkey, state) in enumerate(rows):
        perpetual = bool(extra) and values[place] is False
        mass = masses.get((coldkey, netuid), int(state.get("locked_mass") or 0))
        since = int(state.get("last_update") or 0)
        found.append(Lock(coldkey, netuid, hotkey, mass, since, perpetual, None if perpetual else rate))
    return tuple(found)


async def _masses(conn: Connection, places: Sequence[tuple[str, int]], at: BlockRef) -> dict[tuple[str, int], int]:
    """What locks hold at this block by (coldkey, netuid): there is at most one for each."""
    method = "get_coldkey_lock"
    if not await conn.has_api(API, method, at):
        return {}
    answers = await conn.runtime_calls([(API, method, list(place)) for place in places], at)
    return {
        place: int(answer.get("locked_mass") or 0)
        for place, answer in zip(places, answers, strict=True)
        if isinstance(answer, dict)
    }


def _exits(holdings: Sequence[Holding], pools: dict[int, Pool]) -> dict[int, Quote]:
    """Selling all that may be sold of a subnet at once: later alpha sells lower, so it is less than the sum."""
    amounts: dict[int, int] = {}
    for holding in holdings:
        if holding.sellable_rao:
            amounts[holding.netuid] = amounts.get(holding.netuid, 0) + holding.sellable_rao
    made = {netuid: quotes.quote_sell(pools[netuid], amount) for netuid, amount in amounts.items()}
    return {netuid: quote for netuid, quote in made.items() if quote is not None}
