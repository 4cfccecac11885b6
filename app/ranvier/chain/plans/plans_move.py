"""Plans that move alpha: to another hotkey, another subnet, another owner. Between subnets that is a sale and a buy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ranvier.chain import quotes
from ranvier.chain.connection import Connection
from ranvier.chain.model import ROOT, SUBTENSOR, BlockRef, Effect, Plan
from ranvier.chain.plans.holding import Standing, begin
from ranvier.chain.plans.planning import (
    NOBODY,
    SLIPPAGE_PPM,
    SMALLEST_STAKE,
    Draft,
    Start,
    finish,
    lowered,
    needs_call,
    owner_warning,
    percent,
    raised,
)
from ranvier.chain.quotes import Quote
from ranvier.core.errors import ChainError
from ranvier.core.units import RAO_PER_COIN, Alpha, Tao, format_rao
from ranvier.keys import addresses

_MILLION = 1_000_000
_SWAP_LIMIT = "swap_stake_limit"
_End = tuple[str, str, int]  # coldkey, hotkey, netuid: in an Effect's order


@dataclass(frozen=True, slots=True)
class _Way:
    """What alpha becomes on its way: sold here, bought there (both None inside one subnet)."""

    sale: Quote | None
    purchase: Quote | None
    gets_rao: int | None
    tao_rao: int | None

    @property
    def cost_ppm(self) -> int | None:
        """What both swaps cost together, in millionths of what was given."""
        if self.sale is None or self.purchase is None:
            return None
        kept = (_MILLION - self.sale.cost_ppm) * (_MILLION - self.purchase.cost_ppm) // _MILLION
        return _MILLION - kept


async def plan_move_stake(
    conn: Connection,
    coldkey_ss58: str,
    origin_hotkey_ss58: str,
    destination_hotkey_ss58: str,
    origin_netuid: int,
    destination_netuid: int,
    amount: Alpha,
) -> Plan:
    """Move alpha from one hotkey to another, also across subnets. The chain offers no price limit for this one."""
    needs_call(conn, "move_stake")
    addresses.public_key(destination_hotkey_ss58)
    begun, place, lines, way = await _begin(
        conn, coldkey_ss58, origin_hotkey_ss58, origin_netuid, destination_netuid, amount
    )
    warnings = place.warnings(coldkey_ss58, amount.rao)
    (owner,) = await conn.read([(SUBTENSOR, "Owner", [destination_hotkey_ss58])], begun.at)
    if owner is None or str(owner) == NOBODY:
        warnings.append("The chain does not know the destination hotkey, so it will refuse.")
    warnings += [f"Destination: {text}" for text in owner_warning(owner, coldkey_ss58)]
    if (origin_hotkey_ss58, origin_netuid) == (destination_hotkey_ss58, destination_netuid):
        warnings.append("It is there already.")
    draft = Draft(
        title=f"Move {amount}" + _whereto(origin_netuid, destination_netuid),
        function="move_stake",
        arguments={
            "origin_hotkey": origin_hotkey_ss58,
            "destination_hotkey": destination_hotkey_ss58,
            "origin_netuid": origin_netuid,
            "destination_netuid": destination_netuid,
            "alpha_amount": amount.rao,
        },
        lines=[*lines, ("To hotkey", destination_hotkey_ss58)],
        warnings=warnings,
        effects=_moved(
            (coldkey_ss58, origin_hotkey_ss58, origin_netuid),
            (coldkey_ss58, destination_hotkey_ss58, destination_netuid),
            amount,
            way,
            None,
        ),
    )
    _describe(draft, amount, way, destination_netuid, None, own=True)
    return await finish(conn, begun, draft)


async def plan_swap_stake(
    conn: Connection,
    coldkey_ss58: str,
    hotkey_ss58: str,
    origin_netuid: int,
    destination_netuid: int,
    amount: Alpha,
    *,
    slippage_ppm: int | None = SLIPPAGE_PPM,
    partial: bool = False,
) -> Plan:
    """Turn one subnet's alpha into another's on the same hotkey, with a limit on the exchange unless None."""
    needs_call(conn, "swap_stake")
    if origin_netuid == destination_netuid:
        raise ChainError("Nothing to swap", "Origin and destination are the same subnet.")
    begun, place, lines, way = await _begin(conn, coldkey_ss58, hotkey_ss58, origin_netuid, destination_netuid, amount)
    arguments: dict[str, Any] = {
        "hotkey": hotkey_ss58,
        "origin_netuid": origin_netuid,
        "destination_netuid": destination_netuid,
        "alpha_amount": amount.rao,
    }
    function, limit = "swap_stake", None
    if slippage_ppm is not None and conn.has_call(SUBTENSOR, _SWAP_LIMIT):
        limit = exchange_limit(origin_netuid, destination_netuid, amount.rao, way.sale, way.purchase, slippage_ppm)
    if limit is not None:
        function, arguments = _SWAP_LIMIT, {**arguments, "limit_price": limit, "allow_partial": partial}
    origin, target = (coldkey_ss58, hotkey_ss58, origin_netuid), (coldkey_ss58, hotkey_ss58, destination_netuid)
    draft = Draft(
        title=f"Swap {amount}" + _whereto(origin_netuid, destination_netuid),
        function=function,
        arguments=arguments,
        lines=lines,
        warnings=place.warnings(coldkey_ss58, amount.rao),
        effects=_moved(origin, target, amount, way, None if partial else limit),
        limit_price_rao=limit,
    )
    _describe(draft, amount, way, destination_netuid, limit, own=True)
    return await finish(conn, begun, draft)


async def plan_transfer_stake(
    conn: Connection,
    coldkey_ss58: str,
    destination_coldkey_ss58: str,
    hotkey_ss58: str,
    origin_netuid: int,
    destination_netuid: int,
    amount: Alpha,
) -> Plan:
    """Give alpha to another coldkey, on the same hotkey. Across subnets it is swapped, without a price limit."""
    needs_call(conn, "transfer_stake")
    addresses.public_key(destination_coldkey_ss58)
    begun, place, lines, way = await _begin(conn, coldkey_ss58, hotkey_ss58, origin_netuid, destination_netuid, amount)
    warnings = [
        f"The alpha will belong to {addresses.short(destination_coldkey_ss58)}: you cannot take it back.",
        *place.warnings(coldkey_ss58, amount.rao),
    ]
    if destination_coldkey_ss58 == coldkey_ss58:
        warnings[0] = "You are giving it to yourself."
    if conn.has_item(SUBTENSOR, "TransferToggle"):
        allowed = await conn.read(
            [(SUBTENSOR, "TransferToggle", [netuid]) for netuid in (origin_netuid, destination_netuid)], begun.at
        )
        if not all(allowed):
            warnings.append("The subnet's owner does not allow transfers of its alpha: the chain will refuse.")
    draft = Draft(
        title=f"Give {amount} away" + _whereto(origin_netuid, destination_netuid),
        function="transfer_stake",
        arguments={
            "destination_coldkey": destination_coldkey_ss58,
            "hotkey": hotkey_ss58,
            "origin_netuid": origin_netuid,
            "destination_netuid": destination_netuid,
            "alpha_amount": amount.rao,
        },
        lines=[*lines, ("To coldkey", destination_coldkey_ss58)],
        warnings=warnings,
        effects=_moved(
            (coldkey_ss58, hotkey_ss58, origin_netuid),
            (destination_coldkey_ss58, hotkey_ss58, destination_netuid),
            amount,
            way,
            None,
        ),
    )
    _describe(draft, amount, way, destination_netuid, None, own=False)
    return await finish(conn, begun, draft)


def exchange_limit(
    origin: int, destination: int, amount: int, sale: Quote | None, purchase: Quote | None, slippage_ppm: int
) -> int | None:
    """``limit_price`` of swap_stake_limit, by the runtime's rule; None when it cannot be told.

    Between two subnets it is the least alpha (rao) for one whole alpha given. Into root it is the lowest price after
    the sale; out of root the inverse of the highest price after the purchase.
    """
    if sale is None or purchase is None or amount <= 0:
        return None
    if destination == ROOT:
        return lowered(sale.after_rao, slippage_ppm)
    if origin == ROOT:
        highest = raised(purchase.after_rao, slippage_ppm)
        return RAO_PER_COIN * RAO_PER_COIN // highest if highest else None
    return lowered(purchase.gets_rao * RAO_PER_COIN // amount, slippage_ppm)


async def _begin(
    conn: Connection, coldkey: str, hotkey: str, origin: int, destination: int, amount: Alpha
) -> tuple[Start, Standing, list[tuple[str, str]], _Way]:
    begun, place, lines = await begin(conn, coldkey, hotkey, origin, amount)
    (added,) = await conn.read([(SUBTENSOR, "NetworksAdded", [destination])], begun.at)
    if not added:
        raise ChainError("No such subnet", f"{conn.network.title} has no subnet {destination}.")
    return begun, place, lines, await _way(conn, origin, destination, amount.rao, begun.at)


async def _way(conn: Connection, origin: int, destination: int, amount: int, at: BlockRef) -> _Way:
    if origin == destination:
        pool = (await quotes.pools(conn, [origin], at))[origin]
        worth = amount * pool.price_rao // RAO_PER_COIN if pool.price_rao is not None else None
        return _Way(None, None, amount, worth)
    sale = await quotes.simulate(conn, origin, amount, at, buying=False)
    if sale is None:
        return _Way(None, None, None, None)
    if origin == ROOT:
        purchase = await quotes.simulate(conn, destination, sale.gets_rao, at, buying=True)
    else:  # the sale paid the fee; the runtime takes it once
        purchase = await quotes.simulate_free(conn, destination, sale.gets_rao, at)
    return _Way(sale, purchase, purchase.gets_rao if purchase is not None else None, sale.gets_rao)


def _describe(draft: Draft, amount: Alpha, way: _Way, destination: int, limit: int | None, *, own: bool) -> None:
    """Price, cost and what goes with them, for people; and the value by which limits go."""
    crossing = amount.netuid != destination
    if way.gets_rao is not None:
        draft.lines.append(("Arrives about", str(Alpha(way.gets_rao, destination))))
    if crossing:
        cost = way.cost_ppm
        draft.cost_ppm = cost
        draft.price_rao = way.sale.spot_rao if way.sale is not None else None
        if cost is None:
            draft.warnings.append("A pool cannot do this swap: the chain will probably refuse.")
        else:
            draft.warnings.append(f"This sells and re-buys: costs {percent(cost)} (fees and slippage).")
        if limit is None:
            draft.warnings.append("This has no price limit: it is done at whatever price the block has.")
        else:
            draft.lines.append(("Limit", f"At least {format_rao(limit)} for one alpha; beyond it nothing is swapped"))
    if way.tao_rao is not None and way.tao_rao < SMALLEST_STAKE.rao:
        draft.warnings.append(f"Worth less than {SMALLEST_STAKE}: the chain will refuse.")
    draft.value = Tao(way.tao_rao or 0) if crossing or not own else Tao(0)


def _moved(origin: _End, target: _End, amount: Alpha, way: _Way, limit: int | None) -> list[Effect]:
    if way.gets_rao is None or origin == target:
        return []
    worst = way.gets_rao if origin[2] == target[2] else None
    if limit is not None and way.sale is not None and way.purchase is not None:
        worst = (amount.rao - way.sale.fee_rao - way.purchase.fee_rao) * limit // RAO_PER_COIN  # root's sale has none
    return [Effect(*origin, -amount.rao, -amount.rao), Effect(*target, way.gets_rao, worst)]


def _whereto(origin: int, destination: int) -> str:
    return f" from subnet {origin} to {destination}" if origin != destination else f" within subnet {origin}"
