"""System: accounts, block numbers and hashes, events. Follows ``frame_system``."""

from __future__ import annotations

from ranvier.sandbox.codec.composites import Vec, struct
from ranvier.sandbox.codec.scale import U16, U32, U64, Alias, Compact
from ranvier.sandbox.codec.types import ACCOUNT, ACCOUNT_INFO, BYTES, DIGEST, DISPATCH_ERROR, DISPATCH_INFO, H256
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.outer import EVENT_RECORD
from ranvier.sandbox.frame.pallet import Constant, Errors, Event, Pallet, call
from ranvier.sandbox.frame.storage import BLAKE2_128_CONCAT, TWOX_64_CONCAT, Item, Storage, blake2_256
from ranvier.sandbox.frame.version import COW_TEXT, NEWEST, RUNTIME_VERSION

_ERROR_NAMES = (
    "InvalidSpecName",
    "SpecVersionNeedsToIncrease",
    "FailedToExtractRuntimeVersion",
    "NonDefaultComposite",
    "NonZeroRefCount",
    "CallFiltered",
    "MultiBlockMigrationsOngoing",
    "NothingAuthorized",
    "Unauthorized",
)
BLOCK_HASH_COUNT = 2400
SS58_PREFIX = 42
_INDEX = 0
NEW_ACCOUNT_INFO = {
    "nonce": 0,
    "consumers": 0,
    "providers": 0,
    "sufficients": 0,
    "data": {"free": 0, "reserved": 0, "frozen": 0, "flags": 1 << 127},
}


class System(Storage):
    """System's storage; the items of real nodes that no client of a miner owner reads are left out."""

    prefix = "System"

    Account = Item(ACCOUNT_INFO, (ACCOUNT, BLAKE2_128_CONCAT), default=NEW_ACCOUNT_INFO)
    ExtrinsicCount = Item(U32, optional=True)
    BlockHash = Item(H256, (U32, TWOX_64_CONCAT))
    Number = Item(U32)
    ParentHash = Item(H256)
    Digest = Item(DIGEST)
    Events = Item(Vec(EVENT_RECORD))
    EventCount = Item(U32)
    LastRuntimeUpgrade = Item(
        struct(
            "frame_system::LastRuntimeUpgradeInfo",
            {"spec_version": Alias(Compact(U32), "codec::Compact<u32>"), "spec_name": COW_TEXT},
        ),
        optional=True,
    )


EXTRINSIC_SUCCESS = Event(_INDEX, 0, "ExtrinsicSuccess", {"dispatch_info": DISPATCH_INFO})
EXTRINSIC_FAILED = Event(
    _INDEX, 1, "ExtrinsicFailed", {"dispatch_error": DISPATCH_ERROR, "dispatch_info": DISPATCH_INFO}
)
CODE_UPDATED = Event(_INDEX, 2, "CodeUpdated")
NEW_ACCOUNT = Event(_INDEX, 3, "NewAccount", {"account": Alias(ACCOUNT, "T::AccountId")})
KILLED_ACCOUNT = Event(_INDEX, 4, "KilledAccount", {"account": Alias(ACCOUNT, "T::AccountId")})
REMARKED = Event(_INDEX, 5, "Remarked", {"sender": Alias(ACCOUNT, "T::AccountId"), "hash": Alias(H256, "T::Hash")})


@call(0, {"remark": BYTES})
def remark(context: Context, who: bytes, remark: bytes) -> None:
    """Put bytes on the chain and do nothing."""


@call(7, {"remark": BYTES})
def remark_with_event(context: Context, who: bytes, remark: bytes) -> None:
    """Put bytes on the chain and say that they were there."""
    context.deposit(REMARKED, {"sender": who, "hash": blake2_256(remark)})


def initialize(context: Context, parent_hash: bytes, digest: bytes) -> None:
    """Begin a block: its number, its parent, no events yet (``frame_system::initialize``)."""
    state, block = context.state, context.block
    System.Number.put(state, value=block)
    System.ParentHash.put(state, value=parent_hash)
    System.BlockHash.put(state, block - 1, value=parent_hash)
    state.put(System.Digest.key(), digest)
    oldest = block - BLOCK_HASH_COUNT - 1
    if oldest > 0:  # the genesis hash is kept for ever
        System.BlockHash.remove(state, oldest)


def finalize(context: Context) -> None:
    """End a block: its events."""
    state = context.state
    System.EventCount.put(state, value=len(context.events))
    state.put(System.Events.key(), Compact(U32).encode(len(context.events)) + b"".join(context.events))


def increase_nonce(context: Context, who: bytes) -> None:
    account = System.Account.get(context.state, who)
    account["nonce"] += 1
    System.Account.put(context.state, who, value=account)


PALLET = Pallet(
    name="System",
    index=_INDEX,
    path="frame_system",
    storage=System,
    calls=(remark, remark_with_event),
    events=(EXTRINSIC_SUCCESS, EXTRINSIC_FAILED, CODE_UPDATED, NEW_ACCOUNT, KILLED_ACCOUNT, REMARKED),
    errors=Errors(_INDEX, {name: index for index, name in enumerate(_ERROR_NAMES)}),
    constants=(
        Constant("BlockHashCount", U32, BLOCK_HASH_COUNT),
        Constant(
            "DbWeight",
            struct("sp_weights::RuntimeDbWeight", {"read": U64, "write": U64}),
            {"read": 25_000_000, "write": 100_000_000},
        ),
        Constant("Version", RUNTIME_VERSION, NEWEST.value),
        Constant("SS58Prefix", U16, SS58_PREFIX),
    ),
)
