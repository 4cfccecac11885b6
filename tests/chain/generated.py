"""Runtimes made by hand for chains older and newer than the recorded one: only what money needs, in each form."""

from __future__ import annotations

from typing import Any

from ranvier.chain.runtime import codec
from ranvier.chain.runtime.metadata import FORMAT, Constant, Field, Index, Pallet, StorageItem, Type, Variant

GENESIS = "0x" + "5a" * 32
BOOL, U8, U16, U32, U64, U128, I64, BYTES32, ACCOUNT, ACCOUNTS, FIXED, FLOAT = range(12)
(KEYS3, KEYS2, NETUID_ACCOUNT, COLLATERAL_KEYS, COLLATERAL, LOCK, LOCK_KEYS, DATA, INFO, SWAP, COLD_NETUID) = range(
    12, 23
)
COLLATERAL_OPTION, BALANCER = 23, 24

_A, _I = "Blake2_128Concat", "Identity"


def _struct(**fields: int) -> Type:
    return Type("composite", fields=tuple(Field(name, number) for name, number in fields.items()))


def _types() -> tuple[Type, ...]:
    def plain(name: str) -> Type:
        return Type("primitive", primitive=name)

    def several(*items: int) -> Type:
        return Type("tuple", items=items)

    return (
        *(plain(name) for name in ("bool", "u8", "u16", "u32", "u64", "u128", "i64")),
        Type("array", inner=U8, length=32),
        Type("composite", path=("sp_core", "crypto", "AccountId32"), fields=(Field(None, BYTES32),)),
        Type("sequence", inner=ACCOUNT),
        _struct(bits=U128),
        _struct(mantissa=U128, exponent=I64),
        several(ACCOUNT, ACCOUNT, U16),
        several(ACCOUNT, U16),
        several(U16, ACCOUNT),
        several(U16, ACCOUNT, ACCOUNT),
        _struct(locked=U64, drain_ratio=FIXED, min_locked=U64, earned=U64),
        _struct(locked_mass=U64, conviction=FIXED, last_update=U64),
        several(ACCOUNT, U16, ACCOUNT),
        _struct(free=U64, reserved=U64, frozen=U64, flags=U128),
        _struct(nonce=U32, consumers=U32, providers=U32, sufficients=U32, data=DATA),
        several(U32, BYTES32),
        several(ACCOUNT, U16),
        Type("variant", path=("Option",), variants=(Variant("None", 0, ()), Variant("Some", 1, (Field(None, BOOL),)))),
        _struct(quote=U64),
    )


def _item(
    name: str, value: int, key: int | None = None, hashers: tuple[str, ...] = (), default: Any = 0
) -> StorageItem:
    data = b"" if default is None else bytes(64) if default == 0 else default
    return StorageItem(name, default is None, hashers, key, value, data)


_ZERO = {
    U16: bytes(2),
    U32: bytes(4),
    U64: bytes(8),
    BOOL: b"\0",
    FIXED: bytes(16),
    FLOAT: bytes(24),
    ACCOUNT: bytes(32),
}


def _map(name: str, value: int, key: int, *hashers: str, optional: bool = False) -> StorageItem:
    return _item(name, value, key, hashers, None if optional else _ZERO.get(value, b"\0"))


def runtime(form: str) -> Any:
    """``form``: "u64" (the oldest shares), "fixed" (343), "float" (425: floats beside the older form, locks,
    collateral, balancer) or "epochs" (newest: floats alone, pools that can be closed, an index of the collateral)."""
    shares = {"u64": U64, "fixed": FIXED, "float": FIXED, "epochs": FIXED}[form]
    older = [_map("Alpha", shares, KEYS3, _A, _A, _I), _map("TotalHotkeyShares", shares, KEYS2, _A, _I)]
    items = [
        _map("NetworksAdded", BOOL, U16, _I),
        _map("StakingHotkeys", ACCOUNTS, ACCOUNT, _A),
        _map("Owner", ACCOUNT, ACCOUNT, _A),
        _map("Uids", U16, NETUID_ACCOUNT, _I, _A, optional=True),
        _map("TotalHotkeyAlpha", U64, KEYS2, _A, _I),
        *(older if form != "epochs" else ()),
        *(_map(name, U64, U16, _I) for name in ("SubnetTAO", "SubnetAlphaIn", "SubnetAlphaOut")),
    ]
    swap: tuple[StorageItem, ...] = ()
    if form == "epochs":
        items += [
            _map("AlphaShareEpoch", U64, KEYS3, _A, _A, _I),
            _map("AlphaSharePoolEpoch", U64, KEYS2, _A, _I),
            _map("ColdkeyMinerCollateral", U64, NETUID_ACCOUNT, _I, _A),
            _map("ColdkeyCollateralHotkeys", ACCOUNTS, NETUID_ACCOUNT, _I, _A),
            _map("OwnedHotkeys", ACCOUNTS, ACCOUNT, _A),
            *(_item(name, U64, default=bytes(8)) for name in ("TotalIssuance", "TotalStake", "BlockEmission")),
            _map("Tempo", U16, U16, _I),
            *(_map(name, U64, U16, _I) for name in ("LastEpochBlock", "PendingEpochAt")),
        ]
    if form in ("float", "epochs"):
        items += [
            _map("AlphaV2", FLOAT, KEYS3, _A, _A, _I),
            _map("TotalHotkeySharesV2", FLOAT, KEYS2, _A, _I),
            _map("MinerCollateral", COLLATERAL, COLLATERAL_KEYS, _I, _A, _A, optional=True),
            _map("Lock", LOCK, LOCK_KEYS, _A, _I, _A, optional=True),
            _map("DecayingLock", BOOL, COLD_NETUID, _A, _I, optional=True),
            _item("UnlockRate", U64, default=(7200).to_bytes(8, "little")),
            _map("ColdkeySwapAnnouncements", SWAP, ACCOUNT, _A, optional=True),
            _map("ColdkeySwapDisputes", U32, ACCOUNT, _A, optional=True),
        ]
        swap = (
            _map("FeeRate", U16, U16, "Twox64Concat"),
            _map("SwapBalancer", BALANCER, U16, "Twox64Concat", optional=True),
        )
    if form == "epochs":
        swap = (*swap, _map("SwapSuperellipse", BALANCER, U16, "Twox64Concat", optional=True))
    account = _map("Account", INFO, ACCOUNT, _A)
    account = StorageItem("Account", False, account.hashers, account.key, INFO, bytes(16 + 24 + 16))
    system = (account, _item("LastRuntimeUpgrade", U32, default=None))
    deposit = (Constant("ExistentialDeposit", U64, (500).to_bytes(8, "little")),)
    pallets = (
        Pallet("System", "System", 0, system, None, None, None, ()),
        Pallet("Balances", "Balances", 1, (), None, None, None, deposit),
        Pallet("SubtensorModule", "SubtensorModule", 7, tuple(items), None, None, None, ()),
        Pallet("Swap", "Swap", 8, swap, None, None, None, ()),
    )
    spec = {"u64": 218, "fixed": 320, "float": 425, "epochs": 475}[form]
    return codec.decode_runtime(GENESIS, spec, 1, Index(FORMAT, 14, _types(), pallets, 4, ()))
