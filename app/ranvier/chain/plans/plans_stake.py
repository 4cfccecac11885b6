"""Plans that swap: buying a subnet's alpha, selling it, selling everything. Price-limited unless told otherwise."""

from __future__ import annotations

from ranvier.chain import quotes
from ranvier.chain.connection import Connection
from ranvier.chain.model import ROOT, SUBTENSOR, BlockRef, Effect, Plan
from ranvier.chain.model_stake import Holding
from ranvier.chain.plans.holding import begin
from ranvier.chain.plans.planning import (
    NOBODY,
    SLIPPAGE_PPM,
    SMALLEST_STAKE,
    Draft,
    finish,
    lowered,
    needs_call,
    raised,
    start,
    swap_lines,
    swap_warnings,
)
from ranvier.chain.portfolio import portfolio
from ranvier.chain.quotes import Quote
from ranvier.chain.reads import subnet as read_subnet
from ranvier.core.units import RAO_PER_COIN, Alpha, Tao
from ranvier.keys import addresses

_EITHER_WAY = "Within the limit the price of the block decides; beyond it nothing but the fee is spent."
_ANY_PRICE = "The price decides at the moment of the block; it may have moved."


async def plan_add_stake(
    conn: Connection,
    coldkey_ss58: str,
    hotkey_ss58: str,
    netuid: int,
    amount: Tao,
    *,
    slippage_ppm: int | None = SLIPPAGE_PPM,
    partial: bool = False,
) -> Plan:
    """Buy a subnet's alpha with TAO and hold it on a hotkey.

    The price limit is what the chain's own simulation leaves, plus ``slippage_ppm`` (None: no limit). ``partial``:
    buy what the limit allows instead of all or nothing.
    """
    addresses.public_key(hotkey_ss58)
    begun, place, lines = await begin(conn, coldkey_ss58, hotkey_ss58, netuid, amount)
    subnet = await read_subnet(conn, netuid, begun.at)
    quote = await quotes.simulate(conn, netuid, amount.rao, begun.at, buying=True)
    limit = None
    if slippage_ppm is not None and netuid != ROOT and quote is not None and conn.has_call(SUBTENSOR, _ADD_LIMIT):
        limit = raised(quote.after_rao, slippage_ppm)
    arguments = {"hotkey": hotkey_ss58, "netuid": netuid, "amount_staked": amount.rao}
    function = "add_stake"
    if limit is not None:
        function, arguments = _ADD_LIMIT, {**arguments, "limit_price": limit, "allow_partial": partial}
    warnings = [] if amount >= SMALLEST_STAKE else [f"The chain accepts {SMALLEST_STAKE} or more."]
    if place.owner is None or str(place.owner) == NOBODY:
        warnings.append("The chain does not know this hotkey, so it will refuse: register it first.")
    got = quote.gets_rao if quote is not None else 0
    draft = Draft(
        title=f"Stake {amount} on {subnet.name}",
        function=function,
        arguments=arguments,
        spend=amount,
        value=amount,
        lines=[
            *lines,
            *swap_lines(quote, limit),
            ("Position", f"{Alpha(place.held_rao, netuid)} now, about {Alpha(place.held_rao + got, netuid)} after"),
            ("Effect", _EITHER_WAY if limit is not None else _ANY_PRICE),
        ],
        warnings=[*warnings, *place.warnings(coldkey_ss58, 0), *swap_warnings(quote, limit)],
        effects=_bought(coldkey_ss58, hotkey_ss58, netuid, amount.rao, quote, limit, partial),
        price_rao=quote.spot_rao if quote is not None else None,
        limit_price_rao=limit,
        cost_ppm=quote.cost_ppm if quote is not None else None,
    )
    return await finish(conn, begun, draft)


async def plan_remove_stake(
    conn: Connection,
    coldkey_ss58: str,
    hotkey_ss58: str,
    netuid: int,
    amount: Alpha,
    *,
    slippage_ppm: int | None = SLIPPAGE_PPM,
    partial: bool = False,
) -> Plan:
    """Sell alpha that is held on a hotkey for TAO; price limit as in ``plan_add_stake``."""
    begun, place, lines = await begin(conn, coldkey_ss58, hotkey_ss58, netuid, amount)
    subnet = await read_subnet(conn, netuid, begun.at)
    quote = await quotes.simulate(conn, netuid, amount.rao, begun.at, buying=False)
    limit = None
    if slippage_ppm is not None and netuid != ROOT and quote is not None and conn.has_call(SUBTENSOR, _REMOVE_LIMIT):
        limit = lowered(quote.after_rao, slippage_ppm)
    arguments = {"hotkey": hotkey_ss58, "netuid": netuid, "amount_unstaked": amount.rao}
    function = "remove_stake"
    if limit is not None:
        function, arguments = _REMOVE_LIMIT, {**arguments, "limit_price": limit, "allow_partial": partial}
    warnings = place.warnings(coldkey_ss58, amount.rao)
    if quote is not None and quote.fair_rao < SMALLEST_STAKE.rao and amount.rao < place.held_rao:
        warnings.append(f"Worth less than {SMALLEST_STAKE}: the chain accepts so little only if it is all you hold.")
    draft = Draft(
        title=f"Unstake {amount} from {subnet.name}",
        function=function,
        arguments=arguments,
        value=Tao(quote.gets_rao if quote is not None else 0),
        lines=[
            *lines,
            ("Held there", str(Alpha(place.held_rao, netuid))),
            *swap_lines(quote, limit),
            ("Effect", _EITHER_WAY if limit is not None else _ANY_PRICE),
        ],
        warnings=[*warnings, *swap_warnings(quote, limit)],
        effects=_sold(coldkey_ss58, hotkey_ss58, netuid, amount.rao, quote, limit, partial),
        price_rao=quote.spot_rao if quote is not None else None,
        limit_price_rao=limit,
        cost_ppm=quote.cost_ppm if quote is not None else None,
    )
    return await finish(conn, begun, draft)


async def plan_unstake_all(conn: Connection, coldkey_ss58: str, hotkey_ss58: str, *, to_root: bool = False) -> Plan:
    """Sell all alpha of one hotkey on every subnet, for TAO or (``to_root``) into root stake. It has no price limit."""
    function = "unstake_all_alpha" if to_root else "unstake_all"
    needs_call(conn, function)
    begun = await start(conn, coldkey_ss58)
    found = await portfolio(conn, [coldkey_ss58], begun.at)
    held = [one for one in found.holdings if one.hotkey_ss58 == hotkey_ss58 and (one.netuid != ROOT or not to_root)]
    # The runtime leaves a position whole of which a part is locked, and goes on with the next.
    sales = [(one, await _sale(conn, one, begun.at)) for one in held if not one.locked_rao]
    known = [sale.gets_rao for _, sale in sales if sale is not None]
    total = Tao(sum(known))
    warnings = ["This has no price limit: everything is sold at whatever price the block has."] if held else []
    warnings += [] if held else ["This hotkey holds nothing of yours, so there is nothing to sell."]
    warnings += [
        f"Subnet {one.netuid} stays as it is, because {Alpha(one.locked_rao, one.netuid)} of it is locked. To sell the "
        "rest, remove stake from that position alone."
        for one in held
        if one.locked_rao
    ]
    if held and not sales:
        warnings.append("Nothing of it can be sold, so the chain will refuse.")
    if len(known) < len(sales):
        warnings.append("For some of it there is no quote: you may get more than this says.")
    effects = [Effect(coldkey_ss58, hotkey_ss58, one.netuid, -one.alpha_rao) for one, _ in sales]
    gain = (
        Effect(coldkey_ss58, hotkey_ss58, ROOT, total.rao) if to_root else Effect(coldkey_ss58, None, None, total.rao)
    )
    draft = Draft(
        title="Unstake everything into root" if to_root else "Unstake everything",
        function=function,
        arguments={"hotkey": hotkey_ss58},
        value=total,
        lines=[
            ("Hotkey", hotkey_ss58),
            *((f"Subnet {one.netuid}", _sale_words(one, sale)) for one, sale in sales),
            ("You get about", str(total)),
        ],
        warnings=[*warnings, *(text for _, sale in sales if sale is not None for text in _costly(sale))],
        effects=[*effects, gain],
    )
    return await finish(conn, begun, draft)


async def _sale(conn: Connection, one: Holding, at: BlockRef) -> Quote | None:
    return await quotes.simulate(conn, one.netuid, one.sellable_rao, at, buying=False) if one.sellable_rao else None


def _sale_words(one: Holding, sale: Quote | None) -> str:
    return f"{Alpha(one.alpha_rao, one.netuid)} for about {Tao(sale.gets_rao) if sale is not None else 'unknown'}"


def _costly(sale: Quote) -> list[str]:
    return [text for text in swap_warnings(sale, 0) if "cost" in text]


def _bought(
    coldkey: str, hotkey: str, netuid: int, tao: int, quote: Quote | None, limit: int | None, partial: bool
) -> list[Effect]:
    if quote is None:
        return []
    worst = None
    if limit and not partial:
        worst = (tao - quote.fee_rao) * RAO_PER_COIN // limit
    return [
        Effect(coldkey, None, None, -tao, -tao),
        Effect(coldkey, hotkey, netuid, quote.gets_rao, quote.gets_rao if netuid == ROOT else worst),
    ]


def _sold(
    coldkey: str, hotkey: str, netuid: int, alpha: int, quote: Quote | None, limit: int | None, partial: bool
) -> list[Effect]:
    if quote is None:
        return []
    worst = None
    if limit is not None and not partial:
        worst = (alpha - quote.fee_rao) * limit // RAO_PER_COIN
    return [
        Effect(coldkey, hotkey, netuid, -alpha, -alpha),
        Effect(coldkey, None, None, quote.gets_rao, quote.gets_rao if netuid == ROOT else worst),
    ]


_ADD_LIMIT = "add_stake_limit"
_REMOVE_LIMIT = "remove_stake_limit"
