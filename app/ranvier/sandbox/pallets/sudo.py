"""Sudo: one key that may call as root. Here it is Alice's well-known development key, as on any localnet."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.composites import UNIT, Option, enum
from ranvier.sandbox.codec.scale import Alias
from ranvier.sandbox.codec.types import ACCOUNT, DISPATCH_ERROR, LOOKUP, WEIGHT
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.pallet import ROOT_ORIGIN, DispatchFailure, Errors, Event, Pallet, call
from ranvier.sandbox.frame.storage import Item, Storage
from ranvier.sandbox.pallets.balances import lookup
from ranvier.sandbox.pallets.small import dispatch

ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
_INDEX = 12
_CALL = Alias(RUNTIME_CALL, "Box<<T as Config>::RuntimeCall>")
_RESULT = Alias(
    enum("Result", {"Ok": (0, UNIT), "Err": (1, DISPATCH_ERROR)}, T=UNIT, E=DISPATCH_ERROR), "DispatchResult"
)
_WHO = Alias(ACCOUNT, "T::AccountId")


class Sudo(Storage):
    """Whose calls count as root's; None: nobody's."""

    prefix = "Sudo"

    Key = Item(ACCOUNT, optional=True)


SUDID = Event(_INDEX, 0, "Sudid", {"sudo_result": _RESULT})
KEY_CHANGED = Event(_INDEX, 1, "KeyChanged", {"old": Option(_WHO), "new": _WHO})
KEY_REMOVED = Event(_INDEX, 2, "KeyRemoved")
SUDO_AS_DONE = Event(_INDEX, 3, "SudoAsDone", {"sudo_result": _RESULT})
fail = Errors(_INDEX, {"RequireSudo": 0})


def _ensure_sudo(context: Context, who: bytes) -> None:
    if who != Sudo.Key.get(context.state):
        raise fail("RequireSudo")


def _outcome(context: Context, who: bytes, value: tuple[str, Any]) -> tuple[str, Any]:
    """Run the inner call. What it fails with is told by the event: the outer call succeeds."""
    try:
        dispatch(context, who, value)
    except DispatchFailure as failure:
        return "Err", failure.value
    return "Ok", ()


@call(0, {"call": _CALL}, pays=False)
def sudo(context: Context, who: bytes, call: tuple[str, Any]) -> None:
    """Run a call as root. Free for the key's owner (whom the pool alone lets in at 425)."""
    _ensure_sudo(context, who)
    context.deposit(SUDID, {"sudo_result": _outcome(context, ROOT_ORIGIN, call)})


@call(1, {"call": _CALL, "weight": WEIGHT}, pays=False)
def sudo_unchecked_weight(context: Context, who: bytes, call: tuple[str, Any], weight: dict[str, int]) -> None:
    """As sudo; the weight that is given counts for nothing here."""
    _ensure_sudo(context, who)
    context.deposit(SUDID, {"sudo_result": _outcome(context, ROOT_ORIGIN, call)})


@call(2, {"new": LOOKUP}, pays=False)
def set_key(context: Context, who: bytes, new: tuple[str, Any]) -> None:
    """Give the key to another account."""
    _ensure_sudo(context, who)
    key = lookup(new)
    Sudo.Key.put(context.state, value=key)
    context.deposit(KEY_CHANGED, {"old": who, "new": key})


@call(3, {"who": LOOKUP, "call": _CALL}, pays=False)
def sudo_as(context: Context, signer: bytes, who: tuple[str, Any], call: tuple[str, Any]) -> None:
    """Run a call as any account."""
    _ensure_sudo(context, signer)
    context.deposit(SUDO_AS_DONE, {"sudo_result": _outcome(context, lookup(who), call)})


@call(4, {}, pays=False)
def remove_key(context: Context, who: bytes) -> None:
    """Give root up for good."""
    _ensure_sudo(context, who)
    Sudo.Key.remove(context.state)
    context.deposit(KEY_REMOVED)


PALLET = Pallet(
    "Sudo",
    _INDEX,
    "pallet_sudo",
    storage=Sudo,
    calls=(sudo, sudo_unchecked_weight, set_key, sudo_as, remove_key),
    events=(SUDID, KEY_CHANGED, KEY_REMOVED, SUDO_AS_DONE),
    errors=fail,
)
