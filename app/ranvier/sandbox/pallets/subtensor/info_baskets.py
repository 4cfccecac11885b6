"""Root baskets (spec 438) as this network has them: not at all. The API says so in its own types; clients ask it."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.composites import Option, Tuple, Vec, struct
from ranvier.sandbox.codec.scale import U64, Codec
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA, TAO
from ranvier.sandbox.frame.api import Api, Method, View
from ranvier.sandbox.pallets.subtensor.storage import NETUID

_POSITION = struct(
    "pallet_subtensor::rpc_info::basket_info::BasketPosition",
    {"hotkey": ACCOUNT, "beta": U64, "beta_total": U64, "nav_tao": TAO, "value_tao": TAO, "spot_value_tao": TAO},
    AccountId=ACCOUNT,
)
_COLDKEY: dict[str, Codec] = {"coldkey": ACCOUNT}
_HOTKEY: dict[str, Codec] = {"hotkey": ACCOUNT}
_BOTH = {**_HOTKEY, **_COLDKEY}


def _nothing(view: View, *of: bytes) -> int:
    """What is owed from no basket, or what is in none."""
    return 0


def _none_of_them(view: View, *of: bytes) -> list[Any]:
    return []


def _none(view: View, *of: bytes) -> None:
    return None


BASKETS = Api(
    "BetaBasketRuntimeApi",
    (
        Method("get_root_basket_owed", _COLDKEY, TAO, _nothing, since=425),
        Method("get_basket_payout", _BOTH, TAO, _nothing, since=425),
        Method("get_validator_basket_nav", _HOTKEY, TAO, _nothing, since=425),
        Method("get_validator_basket", _HOTKEY, Vec(Tuple((NETUID, ALPHA, TAO))), _none_of_them, since=425),
        Method("get_root_basket_total_nav", {}, TAO, _nothing, since=425),
        Method("get_root_basket_positions", _COLDKEY, Vec(Tuple((ACCOUNT, U64, TAO))), _none_of_them, since=425),
        Method("get_basket_position", _BOTH, Option(_POSITION), _none, since=425),
        Method("get_root_basket_portfolio", _COLDKEY, Vec(_POSITION), _none_of_them, since=425),
    ),
)
