"""Commitments: what a hotkey publishes about itself. Follows ``pallet_commitments`` of spec 343.

Not here: the reveal of time-locked commitments (it needs the drand beacon); they are kept as they were sent.
"""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.composites import Enum, Field, Tuple, Variant, Vec, struct, wrapper
from ranvier.sandbox.codec.scale import U8, U32, U64, Alias, FixedBytes
from ranvier.sandbox.codec.types import ACCOUNT, BYTES
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import Constant, Errors, Event, Pallet, call, ensure_root
from ranvier.sandbox.frame.storage import IDENTITY, TWOX_64_CONCAT, Item, Storage, WritableState
from ranvier.sandbox.pallets.subtensor.storage import NETUID, Subtensor, rules

_INDEX = 18
_MAX_FIELDS = 3
_LONGEST_RAW = 128
_LEAST_SPACE = 100
_HASHES = ("BlakeTwo256", "Sha256", "Keccak256", "ShaThree256")


def _raw(size: int) -> Variant:
    return Variant(f"Raw{size}", size + 1, (Field(None, FixedBytes(size)),))


_LOCKED_TEXT = wrapper("bounded_collections::bounded_vec::BoundedVec", BYTES, T=U8, S=None)
_AFTER = _LONGEST_RAW + 2
DATA = Enum(
    ("pallet_commitments", "types", "Data"),
    (
        Variant("None", 0),
        *(_raw(size) for size in range(_LONGEST_RAW + 1)),
        *(Variant(name, _AFTER + place, (Field(None, FixedBytes(32)),)) for place, name in enumerate(_HASHES)),
        Variant("TimelockEncrypted", _AFTER + 4, (Field("encrypted", _LOCKED_TEXT), Field("reveal_round", U64))),
        Variant("ResetBondsFlag", _AFTER + 5),
        Variant("BigRaw", _AFTER + 6, (Field(None, _LOCKED_TEXT),)),
    ),
)
_FIELDS = wrapper("bounded_collections::bounded_vec::BoundedVec", Vec(DATA), T=DATA, S=None)
INFO = struct("pallet_commitments::types::CommitmentInfo", {"fields": _FIELDS}, FieldLimit=None)
REGISTRATION = struct(
    "pallet_commitments::types::Registration",
    {"deposit": U64, "block": U32, "info": INFO},
    Balance=U64,
    MaxFields=None,
    BlockNumber=U32,
)
_USAGE = struct("pallet_commitments::types::UsageTracker", {"last_epoch": U64, "used_space": U64})
_WHO = Alias(ACCOUNT, "T::AccountId")
_NETUID, _ACCOUNT = (NETUID, IDENTITY), (ACCOUNT, TWOX_64_CONCAT)


class Commitments(Storage):
    """Commitments' storage."""

    prefix = "Commitments"

    CommitmentOf = Item(REGISTRATION, _NETUID, _ACCOUNT, optional=True)
    LastCommitment = Item(U32, _NETUID, _ACCOUNT, optional=True)
    RevealedCommitments = Item(Vec(Tuple((BYTES, U64))), _NETUID, _ACCOUNT, optional=True)
    LastBondsReset = Item(U32, _NETUID, _ACCOUNT, optional=True)
    UsedSpaceOf = Item(_USAGE, _NETUID, _ACCOUNT, optional=True)
    MaxSpace = Item(U32, default=3100)


COMMITMENT = Event(_INDEX, 0, "Commitment", {"netuid": NETUID, "who": _WHO})
TIMELOCK = Event(_INDEX, 1, "TimelockCommitment", {"netuid": NETUID, "who": _WHO, "reveal_round": U64})
_ERRORS = Errors(
    _INDEX,
    {
        "TooManyFieldsInCommitmentInfo": 0,
        "AccountNotAllowedCommit": 1,
        "SpaceLimitExceeded": 2,
        "UnexpectedUnreserveLeftover": 3,
    },
)


def _plain(data: tuple[str, Any]) -> bytes:
    kind, value = data
    if kind == "TimelockEncrypted":
        return bytes(value["encrypted"])
    return bytes(value) if value else b""


def info_bytes(info: dict[str, Any]) -> bytes:
    """The commitment as the metagraph shows it: the SCALE bytes of its info."""
    return INFO.encode(info)


def _epoch(context: Context, netuid: int) -> int:
    """The number of the subnet's epoch, in which space is counted (``get_epoch_index``)."""
    if rules(context.state) >= 425:
        return int(Subtensor.SubnetEpochIndex.get(context.state, netuid))
    return int((context.block + netuid + 1) // (Subtensor.Tempo.get(context.state, netuid) + 1))


def _reset_bonds(state: WritableState, netuid: int, hotkey: bytes) -> None:
    """Nobody has bonds to the hotkey any more, if the subnet allows that (``do_reset_bonds``)."""
    uid = Subtensor.Uids.get(state, netuid, hotkey)
    if not Subtensor.BondsResetOn.get(state, netuid) or uid is None:
        return
    for (index, other), row in list(Subtensor.Bonds.items(state, netuid)):
        Subtensor.Bonds.put(state, index, other, value=[pair for pair in row if pair[0] != uid])


@call(0, {"netuid": NETUID, "info": Alias(INFO, "Box<CommitmentInfo<T::MaxFields>>")}, pays=False)
def set_commitment(context: Context, who: bytes, netuid: int, info: dict[str, Any]) -> None:
    """Publish up to three fields, at most MaxSpace bytes an epoch (``set_commitment``). Free of charge."""
    state = context.state
    if Subtensor.Uids.get(state, netuid, who) is None:
        raise _ERRORS("AccountNotAllowedCommit")
    if len(info["fields"]) > _MAX_FIELDS:
        raise _ERRORS("TooManyFieldsInCommitmentInfo")
    needed = max(sum(len(_plain(data)) for data in info["fields"]), _LEAST_SPACE)
    epoch = _epoch(context, netuid)
    usage = Commitments.UsedSpaceOf.get(state, netuid, who) or {"last_epoch": epoch, "used_space": 0}
    if usage["last_epoch"] != epoch:
        usage = {"last_epoch": epoch, "used_space": 0}
    usage["used_space"] += needed
    if usage["used_space"] > Commitments.MaxSpace.get(state):
        raise _ERRORS("SpaceLimitExceeded")
    Commitments.UsedSpaceOf.put(state, netuid, who, value=usage)
    row = {"deposit": 0, "block": context.block, "info": info}
    Commitments.CommitmentOf.put(state, netuid, who, value=row)
    Commitments.LastCommitment.put(state, netuid, who, value=context.block)
    locked = [value for kind, value in info["fields"] if kind == "TimelockEncrypted"]
    if locked:
        context.deposit(TIMELOCK, {"netuid": netuid, "who": who, "reveal_round": locked[0]["reveal_round"]})
    else:
        context.deposit(COMMITMENT, {"netuid": netuid, "who": who})
    if any(kind == "ResetBondsFlag" for kind, _ in info["fields"]):
        Commitments.LastBondsReset.put(state, netuid, who, value=context.block)
        _reset_bonds(state, netuid, who)


@call(2, {"new_limit": U32}, root=True)
def set_max_space(context: Context, who: bytes, new_limit: int) -> None:
    """Root says how many bytes one may publish in an epoch."""
    ensure_root(who)
    Commitments.MaxSpace.put(context.state, value=new_limit)


PALLET = Pallet(
    name="Commitments",
    index=_INDEX,
    path="pallet_commitments",
    storage=Commitments,
    calls=(set_commitment, set_max_space),
    events=(COMMITMENT, TIMELOCK),
    errors=_ERRORS,
    constants=(
        Constant("MaxFields", U32, _MAX_FIELDS),
        Constant("InitialDeposit", U64, 0),
        Constant("FieldDeposit", U64, 0),
    ),
)
