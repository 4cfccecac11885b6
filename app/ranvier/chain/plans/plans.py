"""Transactions before they are signed: what they are, cost and do. Making a plan changes nothing anywhere.

Transfers, seats and axons are here; stake is in plans_stake.py, the rest in plans_more.py; all are offered from here.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from ranvier.chain import reads
from ranvier.chain.connection import Connection
from ranvier.chain.metagraph import registration
from ranvier.chain.model import SUBTENSOR, Effect, Fact, Plan, Subnet
from ranvier.chain.model_subnet import Registration
from ranvier.chain.plans.planning import (
    Draft,
    backup_warning,
    finish,
    owner_warning,
    positive,
    start,
)
from ranvier.chain.plans.plans_more import (
    plan_add_collateral,
    plan_auto_stake,
    plan_batch,
    plan_set_commitment,
    plan_set_min_collateral,
    plan_swap_hotkey,
)
from ranvier.chain.plans.plans_move import plan_move_stake, plan_swap_stake, plan_transfer_stake
from ranvier.chain.plans.plans_stake import plan_add_stake, plan_remove_stake, plan_unstake_all
from ranvier.core.errors import ChainError
from ranvier.core.units import Tao
from ranvier.keys import addresses

__all__ = [
    "plan_add_collateral",
    "plan_add_stake",
    "plan_auto_stake",
    "plan_batch",
    "plan_move_stake",
    "plan_register",
    "plan_remove_stake",
    "plan_serve_axon",
    "plan_set_commitment",
    "plan_set_min_collateral",
    "plan_swap_hotkey",
    "plan_swap_stake",
    "plan_transfer",
    "plan_transfer_stake",
    "plan_unstake_all",
]

_LIMIT_PPM = 50_000
_MILLION = 1_000_000
_AXON_VERSION = 1
_AXON_PROTOCOL = 4


async def plan_transfer(conn: Connection, signer_ss58: str, dest_ss58: str, amount: Tao) -> Plan:
    """Send TAO; the sender's account stays alive. Raises ChainError, NetworkError, AddressError."""
    addresses.public_key(dest_ss58)
    positive(amount)
    begun = await start(conn, signer_ss58)
    own = signer_ss58 == dest_ss58
    (there,) = await reads.balances(conn, [dest_ss58], begun.at)
    warnings = ["You are sending to yourself: only the fee is spent."] if own else []
    if not own and there.free_rao == 0 and there.reserved_rao == 0:
        warnings.append("That address holds nothing yet on this network: check it letter by letter.")
    draft = Draft(
        title=f"Send {amount}",
        pallet="Balances",
        function="transfer_keep_alive",
        arguments={"dest": dest_ss58, "value": amount.rao},
        spend=amount,
        value=amount,
        lines=[("From", signer_ss58), ("To", dest_ss58), ("Amount", str(amount))],
        warnings=warnings,
        effects=[Effect(signer_ss58, None, None, 0, 0)]
        if own
        else [
            Effect(signer_ss58, None, None, -amount.rao, -amount.rao),
            Effect(dest_ss58, None, None, amount.rao, amount.rao),
        ],
    )
    return await finish(conn, begun, draft)


async def plan_register(
    conn: Connection, coldkey_ss58: str, hotkey_ss58: str, netuid: int, *, limit_ppm: int = _LIMIT_PPM
) -> Plan:
    """Register a hotkey on a subnet, paid by the coldkey; where the chain has a price limit, at most ``limit_ppm``
    millionths above the price now."""
    addresses.public_key(hotkey_ss58)
    begun = await start(conn, coldkey_ss58)
    subnet = await reads.subnet(conn, netuid, begun.at)
    rules = await registration(conn, netuid, begun.at)
    uid, owner = await conn.read(
        [(SUBTENSOR, "Uids", [netuid, hotkey_ss58]), (SUBTENSOR, "Owner", [hotkey_ss58])], begun.at
    )
    price = Tao(rules.price_rao)
    arguments: dict[str, Any] = {"netuid": netuid, "hotkey": hotkey_ss58}
    function, limit, highest = "burned_register", [], price.rao
    if rules.limit_possible:
        highest = price.rao * (_MILLION + limit_ppm) // _MILLION
        function, arguments = "register_limit", {**arguments, "limit_price": highest}
        limit = [("At most", f"{Tao(highest)}; if the price rises above it, nothing but the fee is charged")]
    gone = "The price is gone."
    if rules.locked_rao:
        gone = f"{Tao(rules.burned_rao)} is gone, {Tao(rules.locked_rao)} becomes collateral that only work releases."
    draft = Draft(
        title=f"Register on {subnet.name} (netuid {netuid})",
        function=function,
        arguments=arguments,
        spend=price,
        value=price,
        lines=[
            ("Hotkey", hotkey_ss58),
            ("Paid by", coldkey_ss58),
            ("Price now", str(price)),
            *limit,
            ("Effect", f"The hotkey gets a seat and is immune for {subnet.immunity_blocks} blocks. {gone}"),
            ("Seats", f"{subnet.neurons} of {subnet.max_neurons} taken"),
        ],
        warnings=[*_register_warnings(subnet, rules, uid, owner, coldkey_ss58), *backup_warning(conn, owner)],
        effects=[Effect(coldkey_ss58, None, None, -price.rao, -highest)],
        facts=[Fact(SUBTENSOR, "Uids", (netuid, hotkey_ss58), (), f"The hotkey has a seat on subnet {netuid}.")],
        price_rao=price.rao,
        limit_price_rao=highest if rules.limit_possible else None,
    )
    return await finish(conn, begun, draft)


async def plan_serve_axon(conn: Connection, hotkey_ss58: str, netuid: int, ip: str, port: int) -> Plan:
    """Publish where the hotkey's miner is reached; signed by the hotkey."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        raise ChainError(
            "Not an IP address", f"{ip[:50]!r} is not an IP address.", "For example 203.0.113.7."
        ) from None
    if not 1 <= port <= 65_535:
        raise ChainError("Not a port", f"{port} is not a port; ports go from 1 to 65535.")
    begun = await start(conn, hotkey_ss58)
    subnet = await reads.subnet(conn, netuid, begun.at)
    seat = await reads.neuron(conn, netuid, hotkey_ss58, begun.at)
    warnings = []
    if seat is None:
        warnings.append("This hotkey has no seat on that subnet, so the chain will refuse.")
    if not address.is_global and conn.network.name != "sandbox":  # its validators live on this machine
        warnings.append(f"{ip} is not a public address: validators elsewhere cannot reach it.")
    if seat is not None and seat.axon is not None and (seat.axon.ip, seat.axon.port) == (str(address), port):
        warnings.append("The chain says this already.")
    arguments = {
        "netuid": netuid,
        "version": _AXON_VERSION,
        "ip": int(address),
        "port": port,
        "ip_type": address.version,
        "protocol": _AXON_PROTOCOL,
        "placeholder1": 0,
        "placeholder2": 0,
    }
    draft = Draft(
        title=f"Publish the axon on {subnet.name}",
        function="serve_axon",
        arguments=arguments,
        lines=[
            ("Hotkey", hotkey_ss58),
            ("Address", f"{address} port {port}"),
            ("Effect", "Validators will ask there."),
        ],
        warnings=warnings,
        facts=[
            Fact(
                SUBTENSOR,
                "Axons",
                (netuid, hotkey_ss58),
                (f"'ip': {int(address)}, 'port': {port},",),
                f"The chain tells validators to ask {address} port {port}.",
            )
        ],
    )
    return await finish(conn, begun, draft)


def _register_warnings(subnet: Subnet, rules: Registration, uid: Any, owner: Any, coldkey_ss58: str) -> list[str]:
    warnings = []
    if not rules.limit_possible:
        warnings.append("This chain knows no limit for it: what the seat costs in the block that holds it is charged.")
    if uid is not None:
        warnings.append(f"This hotkey already has uid {uid} here, so the chain will refuse.")
    if not rules.open:
        warnings.append("Registration on this subnet is closed, so the chain will refuse.")
    if owner_warning(owner, coldkey_ss58):
        warnings.append(f"This hotkey belongs to another coldkey ({addresses.short(str(owner))}).")
    if subnet.neurons >= subnet.max_neurons > 0:
        warnings.append("The subnet is full: somebody is removed for you, and later you may be removed for others.")
    most, target, now = rules.most_per_block, rules.target_per_interval, rules.this_interval
    if target is not None and now is not None and now >= 3 * target > 0:
        warnings.append("This interval's registrations are used up: the chain will refuse until the next.")
    elif rules.half_life_blocks is None and most is not None and (rules.this_block or 0) >= most > 0:
        warnings.append("This block's registrations are used up; others may come first in the next, too.")
    return warnings
