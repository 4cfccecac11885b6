"""SubtensorModule's runtime APIs, in the typed form of spec 343."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.api import Api, Method, View
from ranvier.sandbox.composites import Option, Tuple, Vec, struct
from ranvier.sandbox.pallets.subtensor import shares, swaps
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor
from ranvier.sandbox.scale import BOOL, U64, Compact
from ranvier.sandbox.types import ACCOUNT, ALPHA, TAO

STAKE_INFO = struct(
    "pallet_subtensor::rpc_info::stake_info::StakeInfo",
    {
        "hotkey": ACCOUNT,
        "coldkey": ACCOUNT,
        "netuid": Compact(NETUID),
        "stake": Compact(ALPHA),
        "locked": Compact(U64),
        "emission": Compact(ALPHA),
        "tao_emission": Compact(TAO),
        "drain": Compact(U64),
        "is_registered": BOOL,
    },
    AccountId=ACCOUNT,
)
SIM_SWAP = struct(
    "pallet_subtensor_swap_runtime_api::SimSwapResult",
    {"tao_amount": TAO, "alpha_amount": ALPHA, "tao_fee": TAO, "alpha_fee": ALPHA},
)
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


def _sim_buy(view: View, netuid: int, tao: int) -> dict[str, int]:
    swap = swaps.quote_buy(view.state, netuid, tao)
    return {"tao_amount": tao - swap.fee, "alpha_amount": swap.amount_out, "tao_fee": swap.fee, "alpha_fee": 0}


def _sim_sell(view: View, netuid: int, alpha: int) -> dict[str, int]:
    swap = swaps.quote_sell(view.state, netuid, alpha)
    return {"tao_amount": swap.amount_out, "alpha_amount": alpha - swap.fee, "tao_fee": 0, "alpha_fee": swap.fee}


def _auto_stake(view: View, coldkey: bytes, netuid: int) -> bytes | None:
    destination: bytes | None = Subtensor.AutoStakeDestination.get(view.state, coldkey, netuid)
    return destination


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
    Api(
        "SubnetInfoRuntimeApi",
        (
            Method(
                "get_coldkey_auto_stake_hotkey",
                {"coldkey": ACCOUNT, "netuid": NETUID},
                Option(ACCOUNT),
                _auto_stake,
            ),
        ),
    ),
    Api(
        "SwapRuntimeApi",
        (
            Method("current_alpha_price", {"netuid": NETUID}, U64, _price),
            Method("sim_swap_tao_for_alpha", {"netuid": NETUID, "tao": TAO}, SIM_SWAP, _sim_buy),
            Method("sim_swap_alpha_for_tao", {"netuid": NETUID, "alpha": ALPHA}, SIM_SWAP, _sim_sell),
        ),
    ),
)
