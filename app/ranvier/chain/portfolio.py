"""Everything of a few coldkeys at one block: two or three round trips, whatever the number of positions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ranvier.chain import quotes, stakes
from ranvier.chain.connection import Connection, Read
from ranvier.chain.model import SUBTENSOR, BlockRef
from ranvier.chain.model_stake import Account, Collateral, Holding, KeySwap, Lock, Portfolio
from ranvier.chain.quotes import Pool
from ranvier.chain.reads import DEFAULT_DEPOSIT_RAO
from ranvier.chain.stakes import API, StakeRow
from ranvier.core.errors import ChainError
from ranvier.core.units import RAO_PER_COIN

if TYPE_CHECKING:
    from ranvier.chain.runtime.codec import Runtime

_FRACTION = 64
_KEY_SWAPS = ("ColdkeySwapAnnouncements", "ColdkeySwapDisputes", "ColdkeySwapScheduled")
_LOCK_NOW = "get_coldkey_lock"
Values = dict[tuple[str, ...], Any]
Corner = tuple[str, int]  # coldkey, netuid
LockKey = tuple[str, int, str]  # coldkey, netuid, hotkey


class _Questions:
    """What to read, each under a name of its own: the item and its keys. What this chain lacks is left out."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._asked: dict[tuple[str, ...], Read] = {}

    def ask(self, item: str, *keys: Any, pallet: str = SUBTENSOR) -> None:
        if self._runtime.has_item(pallet, item):
            self._asked[(item, *map(str, keys))] = (pallet, item, keys)

    @property
    def reads(self) -> list[Read]:
        return list(self._asked.values())

    def found(self, values: Sequence[Any]) -> Values:
        return dict(zip(self._asked, values, strict=True))


async def portfolio(conn: Connection, coldkeys_ss58: Sequence[str], at: BlockRef) -> Portfolio:
    """Balances, positions with their three values, locks, collateral and pending key swaps, all at ``at``.

    Raises NetworkError, or ChainError when the chain cannot be read.
    """
    started = conn.traffic[0]
    coldkeys = list(dict.fromkeys(coldkeys_ss58))
    runtime = await conn.runtime_at(at)
    rows, found, lock_keys = await _persons(conn, runtime, coldkeys, at)
    pool_items = quotes.pool_items(runtime)
    netuids = sorted({row.netuid for row in rows})
    questions = _of_positions(runtime, rows, found, lock_keys)
    lock_corners = list(dict.fromkeys((coldkey, netuid) for coldkey, netuid, _ in lock_keys))
    told = bool(lock_corners) and await conn.has_api(API, _LOCK_NOW, at)
    values, _, answers = await conn.together(
        at,
        reads=[*questions.reads, *((*item, [netuid]) for netuid in netuids for item in pool_items)],
        calls=[(API, _LOCK_NOW, corner) for corner in lock_corners if told],
    )
    count = len(questions.reads)
    found |= questions.found(values[:count])
    pools = await quotes.stated(conn, quotes.read_pools(pool_items, netuids, values[count:]), at)
    locks = tuple(_lock(key, found, dict(zip(lock_corners, answers, strict=False))) for key in lock_keys)
    free = await _free(conn, runtime, rows, found, locks, at)
    prices = {netuid: pool.price_rao for netuid, pool in pools.items()}
    holdings = tuple(_holding(row, found, pools[row.netuid], prices[row.netuid], free) for row in rows)
    exits = _exits(holdings, free)
    wanted = {(one.netuid, one.sellable_rao) for one in holdings if one.sellable_rao} | set(exits.items())
    curved = sorted((netuid, rao) for netuid, rao in wanted if pools[netuid].curve)
    sales = dict(zip(curved, await quotes.simulate_sales(conn, pools, curved, at), strict=True))
    if sales:
        holdings = tuple(replace(one, sale=sales.get((one.netuid, one.sellable_rao), one.sale)) for one in holdings)
    deposit = int(runtime.constant("Balances", "ExistentialDeposit") or DEFAULT_DEPOSIT_RAO)
    return Portfolio(
        block=at,
        accounts=tuple(_account(ss58, found, deposit) for ss58 in coldkeys),
        holdings=holdings,
        locks=locks,
        pools=pools,
        exits={
            netuid: quote
            for netuid, rao in exits.items()
            if (quote := sales.get((netuid, rao)) or quotes.quote_sell(pools[netuid], rao)) is not None
        },
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


async def _persons(
    conn: Connection, runtime: Runtime, coldkeys: Sequence[str], at: BlockRef
) -> tuple[tuple[StakeRow, ...], Values, list[LockKey]]:
    """In one round what the coldkeys alone lead to: positions, accounts and key swaps, and where locks are."""
    questions = _Questions(runtime)
    for coldkey in coldkeys:
        questions.ask("Account", coldkey, pallet="System")
        questions.ask("OwnedHotkeys", coldkey)  # one list is much less than an owner for each position
        for item in _KEY_SWAPS:
            questions.ask(item, coldkey)
    told = bool(coldkeys) and await conn.has_api(API, stakes.OF_COLDKEYS, at)
    locked = coldkeys if runtime.has_item(SUBTENSOR, "Lock") else ()
    values, below, answers = await conn.together(
        at,
        reads=questions.reads,
        listed=[(SUBTENSOR, "Lock", [coldkey]) for coldkey in locked],
        calls=[(API, stakes.OF_COLDKEYS, [coldkeys])] if told else (),
    )
    if told and not isinstance(answers[0], ChainError):
        rows = stakes.told_rows(coldkeys, answers[0])
    else:  # older, or a node that will not compute so much: what it keeps tells the same
        rows = await stakes.stored_rows(conn, coldkeys, at) if coldkeys else ()
    keys = [
        (coldkey, int(netuid), str(hotkey))
        for coldkey, found in zip(locked, below, strict=True)
        for netuid, hotkey in found
    ]
    return rows, questions.found(values), keys


def _of_positions(
    runtime: Runtime, rows: Sequence[StakeRow], found: Values, lock_keys: Sequence[LockKey]
) -> _Questions:
    """What belongs to the positions and locks that there are."""
    questions = _Questions(runtime)
    indexed = runtime.has_item(SUBTENSOR, "ColdkeyCollateralHotkeys")
    for row in rows:
        if ("OwnedHotkeys", row.coldkey_ss58) not in found:
            questions.ask("Owner", row.hotkey_ss58)
        if row.seated is None:
            questions.ask("Uids", row.netuid, row.hotkey_ss58)
        if not indexed:
            questions.ask("MinerCollateral", row.netuid, row.hotkey_ss58, row.coldkey_ss58)
    for coldkey, netuid in dict.fromkeys((row.coldkey_ss58, row.netuid) for row in rows):
        questions.ask("AutoStakeDestination", coldkey, netuid)
        questions.ask("ColdkeyMinerCollateral", netuid, coldkey)
        questions.ask("ColdkeyCollateralHotkeys", netuid, coldkey)
    for coldkey, netuid, hotkey in lock_keys:
        questions.ask("Lock", coldkey, netuid, hotkey)
        questions.ask("DecayingLock", coldkey, netuid)
    if lock_keys:
        questions.ask("UnlockRate")
    return questions


async def _free(
    conn: Connection,
    runtime: Runtime,
    rows: Sequence[StakeRow],
    found: Values,
    locks: Iterable[Lock],
    at: BlockRef,
) -> dict[Corner, int]:
    """Alpha that each coldkey may unstake of each subnet, whichever hotkey it is on (``stake_availability``).

    All of it where nothing is locked. Elsewhere the chain is asked, which is when the collateral of each position is
    read, too; a chain without that call subtracts locks and collateral, and so does this.
    """
    free: dict[Corner, int] = defaultdict(int)
    held: dict[Corner, int] = defaultdict(int)
    for row in rows:
        free[row.coldkey_ss58, row.netuid] += row.alpha_rao
        if not runtime.has_item(SUBTENSOR, "ColdkeyMinerCollateral"):
            bond = found.get(("MinerCollateral", str(row.netuid), row.hotkey_ss58, row.coldkey_ss58)) or {}
            held[row.coldkey_ss58, row.netuid] += int(bond.get("locked") or 0)
    for lock in locks:
        held[lock.coldkey_ss58, lock.netuid] += lock.locked_rao
    questions = _Questions(runtime)
    for coldkey, netuid in free:
        held[coldkey, netuid] += int(found.get(("ColdkeyMinerCollateral", str(netuid), coldkey)) or 0)
        for hotkey in found.get(("ColdkeyCollateralHotkeys", str(netuid), coldkey)) or ():
            questions.ask("MinerCollateral", netuid, hotkey, coldkey)
    corners = [corner for corner, rao in held.items() if rao and corner in free]
    told = bool(corners) and await conn.has_api(API, stakes.AVAILABLE, at)
    asked = [sorted({coldkey for coldkey, _ in corners}), sorted({netuid for _, netuid in corners})]
    values, _, answers = await conn.together(
        at, reads=questions.reads, calls=[(API, stakes.AVAILABLE, asked)] if told else ()
    )
    found |= questions.found(values)
    known = stakes.told_availability(answers[0]) if told and not isinstance(answers[0], ChainError) else {}
    for corner in corners:
        free[corner] = known[corner].available_rao if corner in known else max(0, free[corner] - held[corner])
    return free


def _lock(key: LockKey, found: Values, told: Mapping[Corner, Any]) -> Lock:
    """A conviction lock. What it holds by now the chain is asked, where it tells (``get_coldkey_lock``)."""
    coldkey, netuid, hotkey = key
    state = found.get(("Lock", coldkey, str(netuid), hotkey)) or {}
    perpetual = found.get(("DecayingLock", coldkey, str(netuid))) is False
    now = told.get((coldkey, netuid))
    mass = int((now if isinstance(now, dict) else state).get("locked_mass") or 0)
    rate = found.get(("UnlockRate",))
    return Lock(
        coldkey_ss58=coldkey,
        netuid=netuid,
        hotkey_ss58=hotkey,
        locked_rao=mass,
        since_block=int(state.get("last_update") or 0),
        perpetual=perpetual,
        release_blocks=None if perpetual or rate is None else int(rate),
    )


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


def _holding(row: StakeRow, found: Values, pool: Pool, price: int | None, free: Mapping[Corner, int]) -> Holding:
    netuid = str(row.netuid)
    collateral = _collateral(found.get(("MinerCollateral", netuid, row.hotkey_ss58, row.coldkey_ss58)))
    unbonded = row.alpha_rao - (collateral.locked_rao if collateral is not None else 0)
    sellable = max(0, min(unbonded, free[row.coldkey_ss58, row.netuid]))
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


def _exits(holdings: Sequence[Holding], free: Mapping[Corner, int]) -> dict[int, int]:
    """By netuid all alpha that may be sold at once: a lock may keep back any of a coldkey's positions, but only one
    time over. Later alpha sells lower, so it brings less than the positions one by one."""
    positions: dict[Corner, int] = defaultdict(int)
    amounts: dict[int, int] = defaultdict(int)
    for holding in holdings:
        positions[holding.coldkey_ss58, holding.netuid] += holding.sellable_rao
    for corner, rao in positions.items():
        amounts[corner[1]] += min(rao, free[corner])
    return {netuid: amount for netuid, amount in amounts.items() if amount}
