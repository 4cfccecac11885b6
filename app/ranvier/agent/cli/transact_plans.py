"""What ``ranvier transact`` can do: its arguments, and the plan that each command makes. Nothing is signed here."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ranvier.chain.model import Plan
from ranvier.core.errors import KeyFileError
from ranvier.core.units import Alpha, Tao, parse_rao
from ranvier.keys import addresses
from ranvier.keys.listing import Hotkey, Wallet

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

ALL = -1
_PPM_PER_PERCENT = 10_000


@dataclass(frozen=True, slots=True)
class Keys:
    """The wallet that a command names; addresses go by name here, or are given as they are."""

    wallet: Wallet

    @property
    def coldkey_ss58(self) -> str:
        """Raises KeyFileError when no file says it."""
        if self.wallet.coldkey_ss58 is None:
            raise KeyFileError("Address unknown", f"Nothing says which address {self.wallet.name} has.", "See Wallets.")
        return self.wallet.coldkey_ss58

    def hotkey(self, text: str) -> str:
        """The address of a hotkey of this wallet by its name, or of anybody's. Raises KeyFileError."""
        found = next((one.ss58 for one in self.wallet.hotkeys if one.name == text), None)
        if found is None and not addresses.is_ss58(text):
            names = ", ".join(one.name for one in self.wallet.hotkeys) or "none"
            raise KeyFileError(
                "No such hotkey",
                f"{self.wallet.name} has no hotkey {text!r} whose address is known, and it is no address.",
                f"Its hotkeys: {names}.",
            )
        return found or text

    def hotkey_of(self, ss58: str) -> Hotkey | None:
        """The hotkey of this wallet with that address."""
        return next((one for one in self.wallet.hotkeys if one.ss58 == ss58), None)


Maker = Callable[["Connection", Keys, argparse.Namespace], Awaitable[Plan]]


async def _transfer(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_transfer(c, keys.coldkey_ss58, o.to, Tao(o.amount))


async def _register(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_register(c, keys.coldkey_ss58, keys.hotkey(o.hotkey), o.netuid, limit_ppm=o.limit)


async def _serve(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_serve_axon(c, keys.hotkey(o.hotkey), o.netuid, o.ip, o.port)


async def _commit(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_set_commitment(c, keys.hotkey(o.hotkey), o.netuid, o.text.encode())


async def _stake(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_add_stake(
        c, keys.coldkey_ss58, keys.hotkey(o.hotkey), o.netuid, Tao(o.amount), slippage_ppm=o.slippage
    )


async def _unstake(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    amount = await _alpha(c, keys, o)
    return await plans.plan_remove_stake(
        c, keys.coldkey_ss58, keys.hotkey(o.hotkey), o.netuid, amount, slippage_ppm=o.slippage
    )


async def _unstake_all(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_unstake_all(c, keys.coldkey_ss58, keys.hotkey(o.hotkey), to_root=o.to_root)


async def _move_stake(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    amount, there = await _alpha(c, keys, o), o.netuid if o.to_netuid is None else o.to_netuid
    return await plans.plan_move_stake(
        c, keys.coldkey_ss58, keys.hotkey(o.hotkey), keys.hotkey(o.to_hotkey), o.netuid, there, amount
    )


async def _swap_stake(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    amount = await _alpha(c, keys, o)
    return await plans.plan_swap_stake(
        c, keys.coldkey_ss58, keys.hotkey(o.hotkey), o.netuid, o.to_netuid, amount, slippage_ppm=o.slippage
    )


async def _transfer_stake(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    amount, there = await _alpha(c, keys, o), o.netuid if o.to_netuid is None else o.to_netuid
    return await plans.plan_transfer_stake(
        c, keys.coldkey_ss58, o.to, keys.hotkey(o.hotkey), o.netuid, there, amount
    )  # fmt: skip


async def _auto_stake(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_auto_stake(c, keys.coldkey_ss58, o.netuid, keys.hotkey(o.hotkey))


async def _add_collateral(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    amount = Alpha(o.amount, o.netuid)
    return await plans.plan_add_collateral(
        c, keys.coldkey_ss58, keys.hotkey(o.hotkey), o.netuid, amount, slippage_ppm=o.slippage
    )


async def _min_collateral(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    floor = Alpha(o.amount, o.netuid)
    return await plans.plan_set_min_collateral(c, keys.coldkey_ss58, keys.hotkey(o.hotkey), o.netuid, floor)


async def _swap_hotkey(c: Connection, keys: Keys, o: argparse.Namespace) -> Plan:
    from ranvier.chain.plans import plans

    return await plans.plan_swap_hotkey(c, keys.coldkey_ss58, keys.hotkey(o.hotkey), keys.hotkey(o.new), o.netuid)


async def _alpha(c: Connection, keys: Keys, o: argparse.Namespace) -> Alpha:
    """The amount that was given, or all that can be moved of the position."""
    if o.amount != ALL:
        return Alpha(o.amount, o.netuid)
    from ranvier.chain.plans.holding import standing

    place = await standing(c, keys.coldkey_ss58, keys.hotkey(o.hotkey), o.netuid, await c.head())
    return Alpha(place.sellable_rao, o.netuid)


# name: what it does, its own arguments, who makes its plan
COMMANDS: dict[str, tuple[str, Sequence[str], Maker]] = {
    "transfer": ("send TAO", ("amount", "to"), _transfer),
    "register": ("buy a seat on a subnet for a hotkey", ("hotkey", "netuid", "limit"), _register),
    "serve": ("publish where the miner is reached; signed by the hotkey", ("hotkey", "netuid", "ip", "port"), _serve),
    "commit": ("publish a short text under a hotkey; signed by the hotkey", ("hotkey", "netuid", "text"), _commit),
    "stake": ("buy a subnet's alpha with TAO", ("amount", "hotkey", "netuid", "slippage"), _stake),
    "unstake": ("sell alpha for TAO", ("amount or all", "hotkey", "netuid", "slippage"), _unstake),
    "unstake-all": ("sell all alpha of a hotkey, without a price limit", ("hotkey", "to_root"), _unstake_all),
    "move-stake": (
        "move alpha to another hotkey", ("amount or all", "hotkey", "netuid", "to_hotkey", "to_netuid?"), _move_stake,
    ),
    "swap-stake": (
        "turn a subnet's alpha into another's",
        ("amount or all", "hotkey", "netuid", "to_netuid", "slippage"), _swap_stake,
    ),
    "transfer-stake": (
        "give alpha to another coldkey", ("amount or all", "to", "hotkey", "netuid", "to_netuid?"), _transfer_stake,
    ),
    "auto-stake": ("let miners' pay land on one hotkey", ("hotkey", "netuid"), _auto_stake),
    "add-collateral": ("lock alpha as collateral", ("amount", "hotkey", "netuid", "slippage"), _add_collateral),
    "min-collateral": ("set the collateral floor", ("amount", "hotkey", "netuid"), _min_collateral),
    "swap-hotkey": ("replace a hotkey by another", ("hotkey", "new", "netuid?"), _swap_hotkey),
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Declare a command's own arguments."""
    for name in names:
        _ARGUMENTS[name](parser)


_ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], object]] = {
    "amount": lambda p: p.add_argument("amount", type=amount, help="in coins, for example 1.5"),
    "amount or all": lambda p: p.add_argument("amount", type=_amount_or_all, help="in coins, or: all"),
    "to": lambda p: p.add_argument("to", metavar="ADDRESS", help="to this coldkey's address"),
    "ip": lambda p: p.add_argument("ip", help="the address from outside"),
    "port": lambda p: p.add_argument("port", type=int, help="the port from outside"),
    "text": lambda p: p.add_argument("text", help="up to 128 bytes, readable by everybody for ever"),
    "hotkey": lambda p: p.add_argument("--hotkey", required=True, help="a name in the wallet, or an address"),
    "to_hotkey": lambda p: p.add_argument("--to-hotkey", required=True, help="a name in the wallet, or an address"),
    "new": lambda p: p.add_argument("--new", required=True, metavar="HOTKEY", help="the one that takes its place"),
    "netuid": lambda p: p.add_argument("--netuid", type=int, required=True, help="the subnet"),
    "netuid?": lambda p: p.add_argument("--netuid", type=int, help="on this subnet only"),
    "to_netuid": lambda p: p.add_argument("--to-netuid", type=int, required=True, help="the other subnet"),
    "to_netuid?": lambda p: p.add_argument("--to-netuid", type=int, help="to another subnet, swapped on the way"),
    "to_root": lambda p: p.add_argument("--to-root", action="store_true", help="into root stake, not free TAO"),
    "slippage": lambda p: p.add_argument(
        "--slippage", type=_percent, default=5_000, metavar="PERCENT", help="how far the price may move (default 0.5)"
    ),
    "limit": lambda p: p.add_argument(
        "--limit", type=_percent, default=50_000, metavar="PERCENT", help="how far the price may rise (default 5)"
    ),
}


def amount(text: str) -> int:
    """Rao of what is typed in coins."""
    try:
        return parse_rao(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount; for example 1.5") from None


def _amount_or_all(text: str) -> int:
    return ALL if text == "all" else amount(text)


def _percent(text: str) -> int:
    try:
        found = parse_rao(text) * _PPM_PER_PERCENT // 10**9
    except ValueError:
        found = -1
    if not 0 <= found <= 100 * _PPM_PER_PERCENT:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; for example 0.5")
    return found
