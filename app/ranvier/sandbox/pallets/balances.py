"""Balances: free TAO, transfers, issuance. Follows ``pallet_balances`` (fungible traits) of spec 343."""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.scale import BOOL, U32, U64, Alias, Compact
from ranvier.sandbox.codec.types import ACCOUNT, BALANCE, LOOKUP
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import Constant, DispatchFailure, Errors, Event, Pallet, call, token_failure
from ranvier.sandbox.frame.storage import Item, State, Storage
from ranvier.sandbox.pallets.system import KILLED_ACCOUNT, NEW_ACCOUNT, System

EXISTENTIAL_DEPOSIT = 500
_INDEX = 5
_WHO = Alias(ACCOUNT, "T::AccountId")
_U64_MAX = (1 << 64) - 1


class Balances(Storage):
    """Balances' storage. Accounts themselves are in System."""

    prefix = "Balances"

    TotalIssuance = Item(U64)
    InactiveIssuance = Item(U64)


ENDOWED = Event(_INDEX, 0, "Endowed", {"account": _WHO, "free_balance": BALANCE})
DUST_LOST = Event(_INDEX, 1, "DustLost", {"account": _WHO, "amount": BALANCE})
TRANSFER = Event(_INDEX, 2, "Transfer", {"from": _WHO, "to": _WHO, "amount": BALANCE})
DEPOSIT = Event(_INDEX, 7, "Deposit", {"who": _WHO, "amount": BALANCE})
WITHDRAW = Event(_INDEX, 8, "Withdraw", {"who": _WHO, "amount": BALANCE})
ERRORS = Errors(
    _INDEX,
    {
        name: index
        for index, name in enumerate(
            ("VestingBalance", "LiquidityRestrictions", "InsufficientBalance", "ExistentialDeposit", "Expendability",
             "ExistingVestingSchedule", "DeadAccount", "TooManyReserves", "TooManyHolds", "TooManyFreezes",
             "IssuanceDeactivated", "DeltaZero")
        )
    },
)  # fmt: skip


def free_balance(state: State, who: bytes) -> int:
    """Free rao of an account, 0 for one that does not exist."""
    free: int = System.Account.get(state, who)["data"]["free"]
    return free


def spendable(state: State, who: bytes, *, keep_alive: bool = True) -> int:
    """What can leave the account: free less what is frozen (reserves count against that) and the deposit."""
    data = System.Account.get(state, who)["data"]
    untouchable = max(data["frozen"] - data["reserved"], EXISTENTIAL_DEPOSIT if keep_alive else 0, 0)
    return int(max(data["free"] - untouchable, 0))


def credit(context: Context, who: bytes, amount: int) -> None:
    """Add free balance without touching issuance; a new account needs the existential deposit."""
    if amount == 0:
        return
    account = System.Account.get(context.state, who)
    new = account["providers"] == 0
    if new and amount < EXISTENTIAL_DEPOSIT:
        raise token_failure("BelowMinimum")
    if account["data"]["free"] + amount > _U64_MAX:
        raise DispatchFailure(("Arithmetic", ("Overflow", ())), "Overflow")
    account["data"]["free"] += amount
    if new:
        account["providers"] = 1
        context.deposit(NEW_ACCOUNT, {"account": who})
        context.deposit(ENDOWED, {"account": who, "free_balance": amount})
    System.Account.put(context.state, who, value=account)


def debit(context: Context, who: bytes, amount: int, *, keep_alive: bool) -> None:
    """Take free balance without touching issuance (but for dust: an account below the deposit is removed)."""
    if amount == 0:
        return
    left = _left_after(context.state, who, amount, keep_alive=keep_alive)
    if left < EXISTENTIAL_DEPOSIT:
        _reap(context, who, left)
        return
    account = System.Account.get(context.state, who)
    account["data"]["free"] = left
    System.Account.put(context.state, who, value=account)


def _left_after(state: State, who: bytes, amount: int, *, keep_alive: bool) -> int:
    """What would be left of the free balance; raises why the amount cannot be taken (``can_withdraw``)."""
    free = free_balance(state, who)
    if amount > Balances.TotalIssuance.get(state):
        raise DispatchFailure(("Arithmetic", ("Underflow", ())), "Underflow")
    if amount > free:
        raise token_failure("FundsUnavailable")
    if free - amount < EXISTENTIAL_DEPOSIT and keep_alive:
        raise token_failure("NotExpendable")
    if spendable(state, who, keep_alive=False) < amount:
        raise token_failure("Frozen")
    return free - amount


def _reap(context: Context, who: bytes, dust: int) -> None:
    System.Account.remove(context.state, who)
    context.deposit(KILLED_ACCOUNT, {"account": who})
    if dust:
        Balances.TotalIssuance.add(context.state, amount=-dust)
        context.deposit(DUST_LOST, {"account": who, "amount": dust})


def mint(context: Context, who: bytes, amount: int) -> None:
    """New free balance (TAO that comes out of staking)."""
    credit(context, who, amount)
    Balances.TotalIssuance.add(context.state, amount=amount)
    context.deposit(DEPOSIT, {"who": who, "amount": amount})


def burn(context: Context, who: bytes, amount: int) -> None:
    """Free balance that goes out of circulation (TAO that goes into staking); the account stays alive."""
    debit(context, who, amount, keep_alive=True)
    Balances.TotalIssuance.add(context.state, amount=-amount)
    context.deposit(WITHDRAW, {"who": who, "amount": amount})


def transfer(context: Context, source: bytes, dest: bytes, amount: int, *, keep_alive: bool) -> None:
    """Move free balance; nothing happens between an account and itself (but the checks)."""
    if source == dest:
        if amount:
            _left_after(context.state, source, amount, keep_alive=keep_alive)
        return
    debit(context, source, amount, keep_alive=keep_alive)
    credit(context, dest, amount)
    context.deposit(TRANSFER, {"from": source, "to": dest, "amount": amount})


def lookup(address: tuple[str, Any]) -> bytes:
    """The account behind a ``MultiAddress``; indices and foreign forms are not known here, as on the real chain."""
    kind, value = address
    if kind not in ("Id", "Address32"):
        raise DispatchFailure(("CannotLookup", ()), "CannotLookup")
    account: bytes = value
    return account


_VALUE = Compact(BALANCE)


@call(0, {"dest": LOOKUP, "value": _VALUE}, ref_time=260_000_000)
def transfer_allow_death(context: Context, who: bytes, dest: tuple[str, Any], value: int) -> None:
    """Send free balance; the sender may fall below the deposit and is then removed."""
    transfer(context, who, lookup(dest), value, keep_alive=False)


@call(3, {"dest": LOOKUP, "value": _VALUE}, ref_time=260_000_000)
def transfer_keep_alive(context: Context, who: bytes, dest: tuple[str, Any], value: int) -> None:
    """Send free balance; the sender keeps the existential deposit or nothing is sent."""
    transfer(context, who, lookup(dest), value, keep_alive=True)


@call(4, {"dest": LOOKUP, "keep_alive": BOOL}, ref_time=260_000_000)
def transfer_all(context: Context, who: bytes, dest: tuple[str, Any], keep_alive: bool) -> None:
    """Send all that can be sent."""
    amount = spendable(context.state, who, keep_alive=keep_alive)
    transfer(context, who, lookup(dest), amount, keep_alive=keep_alive)


PALLET = Pallet(
    name="Balances",
    index=_INDEX,
    path="pallet_balances",
    storage=Balances,
    calls=(transfer_allow_death, transfer_keep_alive, transfer_all),
    events=(ENDOWED, DUST_LOST, TRANSFER, DEPOSIT, WITHDRAW),
    errors=ERRORS,
    constants=(
        Constant("ExistentialDeposit", U64, EXISTENTIAL_DEPOSIT),
        Constant("MaxLocks", U32, 50),
        Constant("MaxReserves", U32, 50),
        Constant("MaxFreezes", U32, 50),
    ),
    type_params=("T", "I"),
)
