"""The remaining plans: where pay lands, collateral, commitments, a new hotkey for an old one, several at once."""

from __future__ import annotations

from collections.abc import Sequence

from ranvier.chain import quotes
from ranvier.chain.connection import Connection
from ranvier.chain.effects import merged
from ranvier.chain.model import SUBTENSOR, Effect, Fact, Plan
from ranvier.chain.plans.holding import begin, standing
from ranvier.chain.plans.planning import (
    NOBODY,
    SLIPPAGE_PPM,
    Draft,
    backup_warning,
    finish,
    needs_call,
    owner_warning,
    raised,
    start,
)
from ranvier.core.errors import ChainError
from ranvier.core.units import RAO_PER_COIN, Alpha, Tao
from ranvier.keys import addresses

_SWAP_ALL_RAO = 100_000_000
_SWAP_ONE_RAO = 1_000_000
_LONGEST_FIELD = 128
_MOST_CALLS = 100
_OF_THE_WHOLE = ("Fee", "Left to spend", "Network", "Call", "Amount")


async def plan_auto_stake(conn: Connection, coldkey_ss58: str, netuid: int, hotkey_ss58: str) -> Plan:
    """Let the pay of all this coldkey's miners on a subnet land on one hotkey."""
    needs_call(conn, "set_coldkey_auto_stake_hotkey")
    addresses.public_key(hotkey_ss58)
    begun = await start(conn, coldkey_ss58)
    added, now, owner, uid = await conn.read(
        [
            (SUBTENSOR, "NetworksAdded", [netuid]),
            (SUBTENSOR, "AutoStakeDestination", [coldkey_ss58, netuid]),
            (SUBTENSOR, "Owner", [hotkey_ss58]),
            (SUBTENSOR, "Uids", [netuid, hotkey_ss58]),
        ],
        begun.at,
    )
    if not added:
        raise ChainError("No such subnet", f"{conn.network.title} has no subnet {netuid}.")
    warnings = owner_warning(owner, coldkey_ss58)
    if uid is None:
        warnings.append("That hotkey has no seat on this subnet, so the chain will refuse.")
    if now == hotkey_ss58:
        warnings.append("That hotkey is the destination already, so the chain will refuse.")
    draft = Draft(
        title=f"Send miners' pay on subnet {netuid} to one hotkey",
        function="set_coldkey_auto_stake_hotkey",
        arguments={"netuid": netuid, "hotkey": hotkey_ss58},
        lines=[
            ("Destination", hotkey_ss58),
            ("Until now", str(now) if now is not None else "each miner's own hotkey"),
            ("Effect", "The alpha stays yours. It cannot be cleared again, only pointed at another hotkey."),
        ],
        warnings=warnings,
        facts=[
            Fact(
                SUBTENSOR,
                "AutoStakeDestination",
                (coldkey_ss58, netuid),
                (hotkey_ss58,),
                f"The pay of your miners on subnet {netuid} lands on {addresses.short(hotkey_ss58)}.",
            )
        ],
    )
    return await finish(conn, begun, draft)


async def plan_add_collateral(
    conn: Connection,
    coldkey_ss58: str,
    hotkey_ss58: str,
    netuid: int,
    amount: Alpha,
    *,
    slippage_ppm: int = SLIPPAGE_PPM,
) -> Plan:
    """Lock more alpha as a miner's collateral: free stake of the position first, the rest is bought within the limit.

    There is no call that gives it back: only work releases it.
    """
    needs_call(conn, "add_collateral")
    begun, place, lines = await begin(conn, coldkey_ss58, hotkey_ss58, netuid, amount)
    pool = (await quotes.pools(conn, [netuid], begun.at))[netuid]
    price = pool.price_rao
    if price is None:
        raise ChainError("No price", "The pool has no price, so no limit can be set.", "Try again later.")
    limit = raised(price, slippage_ppm)
    collateral = place.holding.collateral if place.holding is not None else None
    bought = Alpha(max(0, amount.rao - place.sellable_rao), netuid)
    about, most = bought.at_price(price), Tao(-(-bought.rao * limit // RAO_PER_COIN))
    source = [("From free stake", str(amount - bought))]
    if bought:
        source.append(("Bought for it", f"{bought}, for about {about} and at most {most}"))
    draft = Draft(
        title=f"Lock {amount} as collateral on subnet {netuid}",
        function="add_collateral",
        values=(netuid, hotkey_ss58, amount.rao, limit),
        spend=most,
        value=amount.at_price(price),
        lines=[
            *lines,
            *source,
            ("Locked now", str(Alpha(collateral.locked_rao if collateral is not None else 0, netuid))),
            ("Effect", "It is released bit by bit as the miner earns, down to the floor; it survives deregistration."),
        ],
        warnings=[
            "Collateral cannot be withdrawn: if you stop mining here, it stays locked.",
            *owner_warning(place.owner, coldkey_ss58),
        ],
        effects=[Effect(coldkey_ss58, None, None, -about.rao, -most.rao)] if bought else [],
        facts=[
            Fact(SUBTENSOR, "MinerCollateral", (netuid, hotkey_ss58, coldkey_ss58), (), "Collateral is locked there.")
        ],
        price_rao=price,
        limit_price_rao=limit,
    )
    return await finish(conn, begun, draft)


async def plan_set_min_collateral(
    conn: Connection, coldkey_ss58: str, hotkey_ss58: str, netuid: int, floor: Alpha
) -> Plan:
    """Set the collateral below which work releases nothing, and up to which pay is captured."""
    needs_call(conn, "set_min_collateral")
    begun = await start(conn, coldkey_ss58)
    place = await standing(conn, coldkey_ss58, hotkey_ss58, netuid, begun.at)
    collateral = place.holding.collateral if place.holding is not None else None
    locked = collateral.locked_rao if collateral is not None else 0
    warnings = owner_warning(place.owner, coldkey_ss58)
    if floor.rao > locked:
        missing = Alpha(floor.rao - locked, netuid)
        warnings.append(f"The next {missing} of pay will be locked instead of paid out.")
    draft = Draft(
        title=f"Set the collateral floor on subnet {netuid}",
        function="set_min_collateral",
        values=(netuid, hotkey_ss58, floor.rao),
        lines=[("Hotkey", hotkey_ss58), ("Floor", str(floor)), ("Locked now", str(Alpha(locked, netuid)))],
        warnings=warnings,
        facts=_floor_facts(coldkey_ss58, hotkey_ss58, netuid, floor),
    )
    return await finish(conn, begun, draft)


def _floor_facts(coldkey: str, hotkey: str, netuid: int, floor: Alpha) -> list[Fact]:
    """None for a floor of zero: the chain may forget the whole entry then."""
    said = (f"'min_locked': {floor.rao},", f"'min_locked': {floor.rao}}}")
    words = f"The floor is {floor}."
    return [Fact(SUBTENSOR, "MinerCollateral", (netuid, hotkey, coldkey), said, words)] if floor else []


async def plan_set_commitment(conn: Connection, hotkey_ss58: str, netuid: int, data: bytes) -> Plan:
    """Publish up to 128 bytes under the hotkey on a subnet; signed by the hotkey."""
    needs_call(conn, "set_commitment", "Commitments")
    if not 0 < len(data) <= _LONGEST_FIELD:
        raise ChainError("Too long", f"A commitment has 1 to {_LONGEST_FIELD} bytes, not {len(data)}.")
    begun = await start(conn, hotkey_ss58)
    (uid,) = await conn.read([(SUBTENSOR, "Uids", [netuid, hotkey_ss58])], begun.at)
    warnings = ["What is published stays readable by everybody for ever."]
    if uid is None:
        warnings.append("This hotkey has no seat on that subnet, so the chain will refuse.")
    draft = Draft(
        title=f"Publish a commitment on subnet {netuid}",
        pallet="Commitments",
        function="set_commitment",
        arguments={"netuid": netuid, "info": {"fields": [{f"Raw{len(data)}": "0x" + data.hex()}]}},
        lines=[("Hotkey", hotkey_ss58), ("Bytes", str(len(data))), ("Content", data.decode(errors="replace"))],
        warnings=warnings,
        facts=[
            Fact(
                "Commitments",
                "CommitmentOf",
                (netuid, hotkey_ss58),
                (data.hex(), data.decode(errors="replace")),
                "What was published can be read there.",
            )
        ],
    )
    return await finish(conn, begun, draft)


async def plan_swap_hotkey(
    conn: Connection, coldkey_ss58: str, hotkey_ss58: str, new_hotkey_ss58: str, netuid: int | None = None
) -> Plan:
    """Replace a hotkey by a new one, on one subnet or (None) on all; seats, stake and pay go over to it."""
    needs_call(conn, "swap_hotkey")
    addresses.public_key(new_hotkey_ss58)
    begun = await start(conn, coldkey_ss58)
    owner, new_owner = await conn.read(
        [(SUBTENSOR, "Owner", [hotkey_ss58]), (SUBTENSOR, "Owner", [new_hotkey_ss58])], begun.at
    )
    arguments = await conn.compute(lambda runtime: runtime.call_arguments(SUBTENSOR, "swap_hotkey"))
    if netuid is not None and len(arguments) < 3:
        raise ChainError("Cannot be done here", "This chain swaps a hotkey on all subnets at once only.")
    known, usual = ("KeySwapCost", _SWAP_ALL_RAO) if netuid is None else ("KeySwapOnSubnetCost", _SWAP_ONE_RAO)
    stated = conn.constant(SUBTENSOR, known) or conn.constant(SUBTENSOR, f"Initial{known}")
    cost = Tao(int(stated) if stated else usual)
    values = (hotkey_ss58, new_hotkey_ss58, *([netuid] if len(arguments) >= 3 else []))
    warnings = backup_warning(conn, new_owner)
    if owner is None or str(owner) != coldkey_ss58:
        warnings.append("The old hotkey is not yours, so the chain will refuse.")
    if new_owner is not None and str(new_owner) not in (NOBODY, coldkey_ss58):
        warnings.append("The new hotkey belongs to somebody else, so the chain will refuse.")
    warnings.append("The miner must then run with the new hotkey: until it does, the old one earns nothing.")
    draft = Draft(
        title="Swap a hotkey" + (f" on subnet {netuid}" if netuid is not None else " on all subnets"),
        function="swap_hotkey",
        values=values,
        spend=cost,
        value=cost,
        lines=[
            ("Old hotkey", hotkey_ss58),
            ("New hotkey", new_hotkey_ss58),
            ("Price", f"{cost}, gone"),
            ("Effect", "Seat, stake and future pay go over to the new hotkey; it may be done again after 7200 blocks."),
        ],
        warnings=warnings,
        effects=[Effect(coldkey_ss58, None, None, -cost.rao)],
        facts=[
            Fact(SUBTENSOR, "Owner", (new_hotkey_ss58,), (coldkey_ss58,), "The new hotkey belongs to this coldkey.")
        ],
    )
    return await finish(conn, begun, draft)


async def plan_batch(conn: Connection, plans: Sequence[Plan], *, all_or_nothing: bool = True) -> Plan:
    """Several plans of one signer as one transaction: all or nothing, or up to the first that fails."""
    if not 1 <= len(plans) <= _MOST_CALLS:
        raise ChainError("Not a batch", f"A batch has 1 to {_MOST_CALLS} parts.")
    signer = plans[0].signer_ss58
    if any(plan.signer_ss58 != signer for plan in plans):
        raise ChainError("Not a batch", "All parts of a batch must have the same signer.")
    begun = await start(conn, signer)
    runtime = conn.runtime
    if any((plan.genesis_hash, plan.spec_version) != (runtime.genesis, runtime.spec_version) for plan in plans):
        raise ChainError("Not a batch", "A part was planned for another network or version.", "Plan it again.")
    function = "batch_all" if all_or_nothing else "batch"
    needs_call(conn, function, "Utility")
    warnings = [f"{plan.title}: {warning}" for plan in plans for warning in plan.warnings]
    touched = [netuid for plan in plans for netuid in {effect.netuid for effect in plan.effects if effect.netuid}]
    if len(set(touched)) < len(touched):
        warnings.append("Parts that use the same pool move the price for each other: together they cost more.")
    if not all_or_nothing:
        warnings.append("If a part fails, the parts before it stay done and those after it are not tried.")
    draft = Draft(
        title=f"{len(plans)} transactions at once",
        pallet="Utility",
        function=function,
        arguments={"calls": [plan.call_hex for plan in plans]},
        spend=Tao(sum(plan.spend_rao for plan in plans)),
        value=Tao(sum(plan.value_rao for plan in plans)),
        lines=[(f"Part {place}", _in_short(plan)) for place, plan in enumerate(plans, 1)],
        warnings=warnings,
        effects=merged(effect for plan in plans for effect in plan.effects),
        facts=[fact for plan in plans for fact in plan.facts],
        cost_ppm=max((plan.cost_ppm for plan in plans if plan.cost_ppm is not None), default=None),
    )
    return await finish(conn, begun, draft)


def _in_short(plan: Plan) -> str:
    """A part with all that it says itself: nobody signs a sum without seeing to whom it goes."""
    said = "; ".join(f"{name}: {value}" for name, value in plan.lines if name not in _OF_THE_WHOLE)
    return f"{plan.title}. {said}"
