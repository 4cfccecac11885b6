"""Transactions before they are signed: what they are, cost and do. Making a plan changes nothing anywhere."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from ranvier.chain import fees, reads
from ranvier.chain.connection import Connection
from ranvier.chain.model import Balance, BlockRef, Plan, Subnet
from ranvier.chain.pools import SUBTENSOR
from ranvier.core.errors import ChainError
from ranvier.core.units import Alpha, Tao
from ranvier.keys import addresses

_LIMIT_PERCENT = 105
_AXON_VERSION = 1
_AXON_PROTOCOL = 4
_SMALLEST_STAKE = Tao(2_000_000)
_NOBODY = b"\0" * 32


@dataclass(frozen=True, slots=True)
class _Start:
    """What every plan begins with: the block it is made at, and the signer's money."""

    at: BlockRef
    balance: Balance


async def plan_transfer(conn: Connection, signer_ss58: str, dest_ss58: str, amount: Tao) -> Plan:
    """Send TAO; the sender's account stays alive. Raises ChainError, NetworkError, AddressError."""
    addresses.public_key(dest_ss58)
    _positive(amount)
    start = await _start(conn, signer_ss58)
    warnings = ["You are sending to yourself: only the fee is spent."] if signer_ss58 == dest_ss58 else []
    return await _plan(
        conn,
        start,
        title=f"Send {amount}",
        call=("Balances", "transfer_keep_alive", {"dest": dest_ss58, "value": amount.rao}),
        spend=amount,
        lines=[("From", signer_ss58), ("To", dest_ss58), ("Amount", str(amount))],
        warnings=warnings,
    )


async def plan_register(conn: Connection, coldkey_ss58: str, hotkey_ss58: str, netuid: int) -> Plan:
    """Register a hotkey on a subnet, paid by the coldkey; with a price limit where the chain has one."""
    addresses.public_key(hotkey_ss58)
    start = await _start(conn, coldkey_ss58)
    subnet = await reads.subnet(conn, netuid, start.at)
    uid, owner = await conn.read(
        [(SUBTENSOR, "Uids", [netuid, hotkey_ss58]), (SUBTENSOR, "Owner", [hotkey_ss58])], start.at
    )
    price = Tao(subnet.register_rao)
    arguments: dict[str, Any] = {"netuid": netuid, "hotkey": hotkey_ss58}
    function, limit = "burned_register", []
    if conn.has_call(SUBTENSOR, "register_limit"):
        highest = Tao(price.rao * _LIMIT_PERCENT // 100)
        function, arguments = "register_limit", {**arguments, "limit_price": highest.rao}
        limit = [("At most", f"{highest}; if the price rises above it, nothing but the fee is charged")]
    return await _plan(
        conn,
        start,
        title=f"Register on {subnet.name} (netuid {netuid})",
        call=(SUBTENSOR, function, arguments),
        spend=price,
        lines=[
            ("Hotkey", hotkey_ss58),
            ("Paid by", coldkey_ss58),
            ("Price now", str(price)),
            *limit,
            ("Effect", f"The hotkey gets a seat and is immune for {subnet.immunity_blocks} blocks. The price is gone."),
            ("Seats", f"{subnet.neurons} of {subnet.max_neurons} taken"),
        ],
        warnings=_register_warnings(subnet, uid, owner, coldkey_ss58),
    )


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
    start = await _start(conn, hotkey_ss58)
    subnet = await reads.subnet(conn, netuid, start.at)
    seat = await reads.neuron(conn, netuid, hotkey_ss58, start.at)
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
    return await _plan(
        conn,
        start,
        title=f"Publish the axon on {subnet.name}",
        call=(SUBTENSOR, "serve_axon", arguments),
        spend=Tao(0),
        lines=[
            ("Hotkey", hotkey_ss58),
            ("Address", f"{address} port {port}"),
            ("Effect", "Validators will ask there."),
        ],
        warnings=warnings,
    )


async def plan_add_stake(conn: Connection, coldkey_ss58: str, hotkey_ss58: str, netuid: int, amount: Tao) -> Plan:
    """Buy a subnet's alpha with TAO and hold it on a hotkey."""
    _positive(amount)
    addresses.public_key(hotkey_ss58)
    start = await _start(conn, coldkey_ss58)
    subnet = await reads.subnet(conn, netuid, start.at)
    warnings = [] if amount >= _SMALLEST_STAKE else [f"The chain accepts {_SMALLEST_STAKE} or more."]
    got = _bought(subnet, amount)
    return await _plan(
        conn,
        start,
        title=f"Stake {amount} on {subnet.name}",
        call=(SUBTENSOR, "add_stake", {"hotkey": hotkey_ss58, "netuid": netuid, "amount_staked": amount.rao}),
        spend=amount,
        lines=[
            ("Hotkey", hotkey_ss58),
            ("Amount", str(amount)),
            ("You get about", str(got) if got is not None else "unknown"),
            ("Effect", "The price decides at the moment of the block; it may have moved."),
        ],
        warnings=warnings,
    )


async def plan_remove_stake(conn: Connection, coldkey_ss58: str, hotkey_ss58: str, netuid: int, amount: Alpha) -> Plan:
    """Sell alpha that is held on a hotkey for TAO."""
    _positive(amount)
    if amount.netuid != netuid:
        raise ChainError("Wrong currency", f"{amount} is not the alpha of subnet {netuid}.")
    start = await _start(conn, coldkey_ss58)
    subnet = await reads.subnet(conn, netuid, start.at)
    held = sum(
        p.alpha_rao
        for p in await reads.stake_positions(conn, [coldkey_ss58], start.at)
        if (p.hotkey_ss58, p.netuid) == (hotkey_ss58, netuid)
    )
    warnings = []
    if amount.rao > held:
        warnings.append(f"You hold {Alpha(held, netuid)} there, less than that: the chain will refuse.")
    got = _sold(subnet, amount)
    return await _plan(
        conn,
        start,
        title=f"Unstake {amount} from {subnet.name}",
        call=(SUBTENSOR, "remove_stake", {"hotkey": hotkey_ss58, "netuid": netuid, "amount_unstaked": amount.rao}),
        spend=Tao(0),
        lines=[
            ("Hotkey", hotkey_ss58),
            ("Amount", str(amount)),
            ("Held there", str(Alpha(held, netuid))),
            ("You get about", str(got) if got is not None else "unknown"),
            ("Effect", "The price decides at the moment of the block; it may have moved."),
        ],
        warnings=warnings,
    )


async def _start(conn: Connection, signer_ss58: str) -> _Start:
    addresses.public_key(signer_ss58)
    await conn.current_runtime()
    at = await conn.head()
    return _Start(at, (await reads.balances(conn, [signer_ss58], at))[0])


async def _plan(
    conn: Connection,
    start: _Start,
    *,
    title: str,
    call: tuple[str, str, dict[str, Any]],
    spend: Tao,
    lines: list[tuple[str, str]],
    warnings: list[str],
) -> Plan:
    pallet, function, arguments = call
    call_hex = await conn.compute(lambda runtime: runtime.call(pallet, function, arguments))
    words = await conn.compute(lambda runtime: runtime.call_words(call_hex))
    signer = start.balance.ss58
    fee = Tao(await fees.estimate(conn, call_hex, signer, start.at))
    spendable = Tao(start.balance.spendable_rao)
    left = spendable - spend - fee
    if left < Tao(0):
        warnings = [f"Not enough TAO: {spendable} can be spent, {spend + fee} are needed.", *warnings]
    runtime = conn.runtime
    return Plan(
        network=conn.network.name,
        genesis_hash=runtime.genesis,
        spec_version=runtime.spec_version,
        signer_ss58=signer,
        title=title,
        pallet=pallet,
        function=function,
        call_hex=call_hex,
        fee_rao=fee.rao,
        spend_rao=spend.rao,
        lines=(
            *lines,
            ("Fee", str(fee) if fee else "none"),
            ("Left to spend", str(left) if left >= Tao(0) else "not enough"),
            ("Network", f"{conn.network.title} ({runtime.genesis[:10]}…)"),
            ("Call", words),
        ),
        warnings=tuple(warnings),
    )


def _register_warnings(subnet: Subnet, uid: Any, owner: Any, coldkey_ss58: str) -> list[str]:
    warnings = []
    if uid is not None:
        warnings.append(f"This hotkey already has uid {uid} here, so the chain will refuse.")
    if not subnet.registration_open:
        warnings.append("Registration on this subnet is closed, so the chain will refuse.")
    nobody = owner is None or str(owner) == addresses.ss58(_NOBODY)
    if not nobody and str(owner) != coldkey_ss58:
        warnings.append(f"This hotkey belongs to another coldkey ({addresses.short(str(owner))}).")
    if subnet.neurons >= subnet.max_neurons > 0:
        warnings.append("The subnet is full: somebody is removed for you, and later you may be removed for others.")
    return warnings


def _bought(subnet: Subnet, amount: Tao) -> Alpha | None:
    """What a constant-product pool gives; a good guess for the others, before their fee."""
    if subnet.netuid == 0:
        return Alpha(amount.rao, 0)
    if subnet.tao_in_rao <= 0 or subnet.alpha_in_rao <= 0:
        return None
    return Alpha(subnet.alpha_in_rao * amount.rao // (subnet.tao_in_rao + amount.rao), subnet.netuid)


def _sold(subnet: Subnet, amount: Alpha) -> Tao | None:
    if subnet.netuid == 0:
        return Tao(amount.rao)
    if subnet.tao_in_rao <= 0 or subnet.alpha_in_rao <= 0:
        return None
    return Tao(subnet.tao_in_rao * amount.rao // (subnet.alpha_in_rao + amount.rao))


def _positive(amount: Tao | Alpha) -> None:
    if amount.rao <= 0:
        raise ChainError("Not an amount", "The amount must be more than zero.")
