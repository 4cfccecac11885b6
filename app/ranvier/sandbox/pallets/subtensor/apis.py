"""SubtensorModule's runtime APIs, in the typed form of spec 343."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox.codec.composites import Option, Tuple, Vec
from ranvier.sandbox.codec.scale import U64, Codec
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA, TAO
from ranvier.sandbox.frame.api import Api, Method, View
from ranvier.sandbox.pallets.subtensor import collateral, info, locks, shares, swaps
from ranvier.sandbox.pallets.subtensor.info_apis import DELEGATES, NEURONS, REGISTRATION, SUBNETS
from ranvier.sandbox.pallets.subtensor.info_baskets import BASKETS
from ranvier.sandbox.pallets.subtensor.info_types import (
    AVAILABILITY,
    SIM_SWAP,
    SIM_SWAP_343,
    STAKE_INFO,
    SUBNET_PRICE,
    map_of,
)
from ranvier.sandbox.pallets.subtensor.storage import LOCK_STATE, NETUID, Subtensor

_BUY: dict[str, Codec] = {"netuid": NETUID, "tao": TAO}
_SELL: dict[str, Codec] = {"netuid": NETUID, "alpha": ALPHA}
_ACCOUNT_NETUID = Option(Tuple((ACCOUNT, NETUID)))


def _position(view: View, hotkey: bytes, coldkey: bytes, netuid: int) -> dict[str, Any]:
    state = view.state
    return {
        "hotkey": hotkey,
        "coldkey": coldkey,
        "netuid": netuid,
        "stake": shares.stake_of(state, hotkey, coldkey, netuid),
        "locked": 0,
        "emission": Subtensor.AlphaDividendsPerSubnet.get(state, netuid, hotkey),
        "tao_emission": 0,
        "drain": 0,
        "is_registered": bool(Subtensor.IsNetworkMember.get(state, hotkey, netuid)),
    }


def stake_of_coldkey(view: View, coldkey: bytes) -> list[dict[str, Any]]:
    """Every position of a coldkey that is worth anything."""
    netuids = sorted(netuid for (netuid,), added in Subtensor.NetworksAdded.items(view.state) if added)
    hotkeys = Subtensor.StakingHotkeys.get(view.state, coldkey)
    rows = [_position(view, hotkey, coldkey, netuid) for netuid in netuids for hotkey in hotkeys]
    return [row for row in rows if row["stake"]]


def _of_coldkeys(view: View, coldkeys: list[bytes]) -> list[tuple[bytes, list[dict[str, Any]]]]:
    return [(coldkey, stake_of_coldkey(view, coldkey)) for coldkey in coldkeys]


def _one_position(view: View, hotkey: bytes, coldkey: bytes, netuid: int) -> dict[str, Any]:
    return _position(view, hotkey, coldkey, netuid)


def _price(view: View, netuid: int) -> int:
    return swaps.price_rao(view.state, netuid)


def _prices(view: View) -> list[dict[str, int]]:
    """``current_alpha_price_all`` (425)."""
    return [{"netuid": netuid, "price": _price(view, netuid)} for netuid in info.netuids(view.state)]


def _sim_buy(view: View, netuid: int, tao: int) -> dict[str, int]:
    swap = swaps.quote_buy(view.state, netuid, tao)
    paid = swap.amount_in - swap.fee
    at_spot = paid * RAO_PER_COIN // max(_price(view, netuid), 1)
    return {
        "tao_amount": paid,
        "alpha_amount": swap.amount_out,
        "tao_fee": swap.fee,
        "alpha_fee": 0,
        "tao_slippage": 0,
        "alpha_slippage": max(at_spot - swap.amount_out, 0),
    }


def _sim_sell(view: View, netuid: int, alpha: int) -> dict[str, int]:
    swap = swaps.quote_sell(view.state, netuid, alpha)
    paid = swap.amount_in - swap.fee
    at_spot = paid * _price(view, netuid) // RAO_PER_COIN
    return {
        "tao_amount": swap.amount_out,
        "alpha_amount": paid,
        "tao_fee": 0,
        "alpha_fee": swap.fee,
        "tao_slippage": max(at_spot - swap.amount_out, 0),
        "alpha_slippage": 0,
    }


def _without_slippage(quote: Callable[[View, int, int], dict[str, int]]) -> Callable[[View, int, int], dict[str, int]]:
    """A quote as 343 gives it."""
    names = {field.name for field in SIM_SWAP_343.fields}
    return lambda view, netuid, amount: {k: v for k, v in quote(view, netuid, amount).items() if k in names}


def _availability(view: View, coldkeys: list[bytes], wanted: list[int] | None) -> list[tuple[bytes, Any]]:
    """``get_stake_availability_for_coldkeys`` (425)."""
    state = view.state
    known = info.netuids(state)
    chosen = known if wanted is None else sorted(set(wanted))
    if wanted is not None and not 0 < len(chosen) <= len(known):
        chosen = []
    rows = []
    for coldkey in sorted(set(coldkeys)):
        listed = []
        for netuid in chosen:
            total, locked = shares.total_of(state, coldkey, netuid), locks.locked_of(state, coldkey, netuid)
            if total or locked:
                free = collateral.available_of(state, coldkey, netuid)
                listed.append((netuid, {"total": total, "locked": locked, "available": free}))
        rows.append((coldkey, listed))
    return rows


def _lock(view: View, coldkey: bytes, netuid: int) -> dict[str, Any] | None:
    """``get_coldkey_lock`` (425): the lock as it is now."""
    lock = locks.coldkey_lock(view.state, coldkey, netuid)
    if lock is None:
        return None
    return {"locked_mass": lock.mass, "conviction": lock.conviction, "last_update": lock.block}


def _stake_fee(view: View, *arguments: Any) -> int:
    """The pool's fee on the amount; moving between root positions costs none (``get_stake_fee``)."""
    origin, _, destination, _, amount = arguments
    sides = [side[1] for side in (origin, destination) if side is not None and side[1] != swaps.ROOT]
    return swaps.fee_of(view.state, sides[0], amount) if sides else 0


APIS: tuple[Api, ...] = (
    Api(
        "StakeInfoRuntimeApi",
        (
            Method("get_stake_info_for_coldkey", {"coldkey_account": ACCOUNT}, Vec(STAKE_INFO), stake_of_coldkey),
            Method(
                "get_stake_info_for_coldkeys",
                {"coldkey_accounts": Vec(ACCOUNT)},
                Vec(Tuple((ACCOUNT, Vec(STAKE_INFO)))),
                _of_coldkeys,
            ),
            Method(
                "get_stake_info_for_hotkey_coldkey_netuid",
                {"hotkey_account": ACCOUNT, "coldkey_account": ACCOUNT, "netuid": NETUID},
                Option(STAKE_INFO),
                _one_position,
            ),
            Method(
                "get_stake_availability_for_coldkeys",
                {"coldkey_accounts": Vec(ACCOUNT), "netuids": Option(Vec(NETUID))},
                map_of(ACCOUNT, map_of(NETUID, AVAILABILITY)),
                _availability,
                since=425,
            ),
            Method("get_coldkey_lock", {"coldkey": ACCOUNT, "netuid": NETUID}, Option(LOCK_STATE), _lock, since=425),
            Method(
                "get_stake_fee",
                {
                    "origin": _ACCOUNT_NETUID,
                    "origin_coldkey_account": ACCOUNT,
                    "destination": _ACCOUNT_NETUID,
                    "destination_coldkey_account": ACCOUNT,
                    "amount": U64,
                },
                U64,
                _stake_fee,
            ),
        ),
    ),
    BASKETS,
    SUBNETS,
    NEURONS,
    DELEGATES,
    REGISTRATION,
    Api(
        "SwapRuntimeApi",
        (
            Method("current_alpha_price", {"netuid": NETUID}, U64, _price),
            Method("current_alpha_price_all", {}, Vec(SUBNET_PRICE), _prices, since=425),
            Method("sim_swap_tao_for_alpha", _BUY, SIM_SWAP_343, _without_slippage(_sim_buy), until=343),
            Method("sim_swap_alpha_for_tao", _SELL, SIM_SWAP_343, _without_slippage(_sim_sell), until=343),
            Method("sim_swap_tao_for_alpha", _BUY, SIM_SWAP, _sim_buy, since=425),
            Method("sim_swap_alpha_for_tao", _SELL, SIM_SWAP, _sim_sell, since=425),
        ),
    ),
)
