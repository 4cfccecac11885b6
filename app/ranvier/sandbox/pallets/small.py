"""Small pallets: Timestamp, Aura, TransactionPayment, Utility."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ranvier.sandbox.codec.composites import Vec, enum
from ranvier.sandbox.codec.scale import BOOL, U8, U32, U64, Alias, Compact
from ranvier.sandbox.codec.types import ACCOUNT, BALANCE, DISPATCH_ERROR, FIXED_U128
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.pallet import (
    ROOT_ORIGIN,
    Constant,
    DispatchFailure,
    Errors,
    Event,
    Pallet,
    bad_origin,
    call,
)
from ranvier.sandbox.frame.storage import Item, Storage

BATCHED_CALLS_LIMIT = 10_922
_UTILITY = 11


class Timestamp(Storage):
    """The block's time, milliseconds since 1970."""

    prefix = "Timestamp"

    Now = Item(U64)
    DidUpdate = Item(BOOL)


@call(0, {"now": Compact(Alias(U64, "T::Moment"))}, dispatch_class="Mandatory", pays=False)
def set(context: Context, who: bytes | None, now: int) -> None:  # noqa: A001  # the call's name on the chain
    """The block's own time; only the block author sets it, by an unsigned extrinsic."""
    if who is not None:
        raise bad_origin()
    Timestamp.Now.put(context.state, value=now)


TIMESTAMP = Pallet("Timestamp", 2, "pallet_timestamp", storage=Timestamp, calls=(set,))


def timestamp_pallet(block_ms: int) -> Pallet:
    """With the constant of this network's pace."""
    minimum = Constant("MinimumPeriod", U64, block_ms // 2)
    return Pallet("Timestamp", 2, "pallet_timestamp", storage=Timestamp, calls=(set,), constants=(minimum,))


def aura_pallet(block_ms: int) -> Pallet:
    """Aura has one author here; clients read the block time from it."""
    return Pallet("Aura", 3, "pallet_aura", constants=(Constant("SlotDuration", U64, block_ms),))


class TransactionPayment(Storage):
    """The fee multiplier, which stays 1."""

    prefix = "TransactionPayment"

    NextFeeMultiplier = Item(FIXED_U128, default=10**18)
    StorageVersion = Item(enum("pallet_transaction_payment::Releases", {"V1Ancient": 0, "V2": 1}))


TRANSACTION_FEE_PAID = Event(
    6,
    0,
    "TransactionFeePaid",
    {"who": Alias(ACCOUNT, "T::AccountId"), "actual_fee": Alias(BALANCE, "BalanceOf<T>"), "tip": BALANCE},
)
PAYMENT = Pallet(
    "TransactionPayment",
    6,
    "pallet_transaction_payment",
    storage=TransactionPayment,
    events=(TRANSACTION_FEE_PAID,),
    constants=(Constant("OperationalFeeMultiplier", U8, 5),),
)

BATCH_INTERRUPTED = Event(_UTILITY, 0, "BatchInterrupted", {"index": U32, "error": DISPATCH_ERROR})
BATCH_COMPLETED = Event(_UTILITY, 1, "BatchCompleted")
BATCH_COMPLETED_WITH_ERRORS = Event(_UTILITY, 2, "BatchCompletedWithErrors")
ITEM_COMPLETED = Event(_UTILITY, 3, "ItemCompleted")
ITEM_FAILED = Event(_UTILITY, 4, "ItemFailed", {"error": DISPATCH_ERROR})
_ERRORS = Errors(_UTILITY, {"TooManyCalls": 0})
_CALLS = Vec(RUNTIME_CALL, limit=BATCHED_CALLS_LIMIT)


def inner_calls(value: tuple[str, Any]) -> list[tuple[str, Any]]:
    """The calls that a batch or a call by root contains."""
    arguments = value[1][1] or {}
    return [*arguments.get("calls", ())] if "call" not in arguments else [arguments["call"]]


def dispatch(context: Context, who: bytes | None, value: tuple[str, Any]) -> None:
    """Run one ``RuntimeCall``: all of it happens, or none and DispatchFailure says why."""
    from ranvier.sandbox.pallets.subtensor import coldkeys
    from ranvier.sandbox.runtime.runtime import CALLS

    pallet, (name, arguments) = value
    target = CALLS[pallet, name]
    if who is None and target.dispatch_class != "Mandatory":
        raise bad_origin()
    if who == ROOT_ORIGIN:
        if not target.root:
            raise bad_origin()
    elif who is not None:
        coldkeys.guard(context.state, who, pallet, name)
    with context.attempt():
        target.run(context, who, **(arguments or {}))


@contextmanager
def _counted(calls: list[Any]) -> Iterator[None]:
    if len(calls) > BATCHED_CALLS_LIMIT:
        raise _ERRORS("TooManyCalls")
    yield


@call(0, {"calls": _CALLS}, root=True)
def batch(context: Context, who: bytes, calls: list[Any]) -> None:
    """Run calls in order and stop at the first that fails; what was done stays done."""
    with _counted(calls):
        for index, value in enumerate(calls):
            try:
                dispatch(context, who, value)
            except DispatchFailure as failure:
                context.deposit(BATCH_INTERRUPTED, {"index": index, "error": failure.value})
                return
            context.deposit(ITEM_COMPLETED)
        context.deposit(BATCH_COMPLETED)


@call(2, {"calls": _CALLS}, root=True)
def batch_all(context: Context, who: bytes, calls: list[Any]) -> None:
    """Run all calls or none."""
    with _counted(calls):
        for value in calls:
            dispatch(context, who, value)
            context.deposit(ITEM_COMPLETED)
        context.deposit(BATCH_COMPLETED)


@call(4, {"calls": _CALLS}, root=True)
def force_batch(context: Context, who: bytes, calls: list[Any]) -> None:
    """Run all calls, whatever fails."""
    with _counted(calls):
        failed = False
        for value in calls:
            try:
                dispatch(context, who, value)
            except DispatchFailure as failure:
                failed = True
                context.deposit(ITEM_FAILED, {"error": failure.value})
            else:
                context.deposit(ITEM_COMPLETED)
        context.deposit(BATCH_COMPLETED_WITH_ERRORS if failed else BATCH_COMPLETED)


UTILITY = Pallet(
    "Utility",
    _UTILITY,
    "pallet_subtensor_utility",
    calls=(batch, batch_all, force_batch),
    events=(BATCH_INTERRUPTED, BATCH_COMPLETED, BATCH_COMPLETED_WITH_ERRORS, ITEM_COMPLETED, ITEM_FAILED),
    errors=_ERRORS,
    constants=(Constant("batched_calls_limit", U32, BATCHED_CALLS_LIMIT),),
    event_params=(),
)
