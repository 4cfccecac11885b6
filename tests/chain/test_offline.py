"""What needs no node: transactions byte for byte, types by the real metadata, shares, prices, epochs, words."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain import fixtures_343 as real
from chain.fixtures_343 import needs_343
from ranvier.chain import epochs, errors, pools
from ranvier.chain.runtime import extrinsics
from ranvier.chain.runtime.extrinsics import Mortality
from ranvier.chain.shares import SafeFloat, read_share, value_rao
from ranvier.core.errors import ChainError
from ranvier.keys import addresses
from ranvier.keys.signing import LocalSigner, verify

SIGNATURE = b"\x5a" * 64


@needs_343
@pytest.mark.parametrize("vector", real.vectors(), ids=lambda v: f"{v[1]}-{'immortal' if v[3] == '00' else 'mortal'}")
def test_transactions_equal_two_other_implementations(vector: list[Any]) -> None:
    pallet, function, arguments, era, call, payload, extrinsic = vector
    mortality = None if era == "00" else Mortality(era["current"], "0x" + "ab" * 32)
    runtime = real.runtime()
    assert runtime.call(pallet, function, arguments) == call
    assert "0x" + extrinsics.signature_payload(runtime, call, 7, mortality).hex() == payload
    made = extrinsics.signed(runtime, call, addresses.public_key(real.ALICE), 1, SIGNATURE, 7, mortality)
    assert "0x" + made.hex() == extrinsic
    assert f"{pallet}.{function}(" in runtime.call_words(call)


@needs_343
def test_types_by_the_real_metadata() -> None:
    runtime = real.runtime()
    assert extrinsics.signing_problem(runtime) is None
    assert runtime.constant("Balances", "ExistentialDeposit") == 500
    assert runtime.constant("Balances", "Nothing") is None
    assert runtime.has_event("SubtensorModule", "IncentiveAlphaEmittedToMiners")
    assert not runtime.has_item("SubtensorModule", "BurnHalfLife") and not runtime.has_item("Nothing", "There")
    assert not runtime.has_call("SubtensorModule", "register_limit")
    tempo, axons = runtime.item("SubtensorModule", "Tempo"), runtime.item("SubtensorModule", "Axons")
    assert runtime.value(tempo, None) == 360  # a missing item reads its default
    assert runtime.value(axons, None) is None
    key = runtime.key("SubtensorModule", "Alpha", [real.ALICE, real.BOB, 5])
    assert runtime.map_keys(runtime.item("SubtensorModule", "Alpha"), key, 1) == (real.BOB, 5)
    assert key.startswith(runtime.key("SubtensorModule", "Alpha", [real.ALICE]))
    with pytest.raises(ChainError, match="has no"):
        runtime.item("SubtensorModule", "AlphaV2")
    with pytest.raises(ChainError):
        runtime.key("SubtensorModule", "Uids", [1, "5nonsense"])
    with pytest.raises(ChainError):
        runtime.value(tempo, "0x01")
    for arguments in ({"dest": real.BOB}, {"dest": "5xx", "value": 1}, {"dest": real.BOB, "value": -1}):
        with pytest.raises(ChainError):
            runtime.call("Balances", "transfer_keep_alive", arguments)
    with pytest.raises(ChainError):
        runtime.call("SubtensorModule", "register_limit", {"netuid": 1})
    with pytest.raises(ChainError):
        runtime.call_words("0xffff")


@needs_343
def test_dispatch_errors_go_by_name() -> None:
    runtime = real.runtime()
    name, docs = runtime.error_name({"Module": {"index": 7, "error": "0x15000000"}})
    assert name.startswith("SubtensorModule.") and docs
    assert runtime.error_name({"Token": "FundsUnavailable"})[0] == "Token.FundsUnavailable"
    assert runtime.error_name("BadOrigin") == ("BadOrigin", "")
    assert "Module 99" in runtime.error_name({"Module": {"index": 99, "error": "0x01000000"}})[0]
    known = set(runtime.names("SubtensorModule", "errors"))
    named = {"HotKeyAlreadyRegisteredInSubNet", "AmountTooLow", "ServingRateLimitExceeded", "NonAssociatedColdKey"}
    assert named <= known & set(errors.WORDS)


@needs_343
def test_every_error_of_every_pallet_has_words_and_a_next_step() -> None:
    runtime = real.runtime()
    seen = 0
    for pallet in runtime.index.pallets:
        for name in runtime.names(pallet.name, "errors"):
            whole = f"{pallet.name}.{name}"
            sentence, hint = errors.dispatch_sentence(whole, "What the chain says."), errors.dispatch_hint(whole)
            assert hint and (name in errors.WORDS) != (whole in sentence and "What the chain says." in sentence), whole
            seen += 1
    assert seen > 250


# What the app's own transactions may be refused with by a runtime of 2026, without what is a validator's or an owner's.
OWN = """
ActiveLockExists AmountTooLow CallDisabled CannotUseSystemAccount ColdkeyCollateralPositionsFull
ColdkeySwapAnnounced ColdkeySwapDisputed Deprecated DisabledTemporarily HotKeyAccountNotExists
HotKeyAlreadyRegisteredInSubNet InsufficientAlphaBalance InsufficientLiquidity InsufficientStakeForLock
InsufficientTaoBalance LockHotkeyMismatch NewHotKeyNotCleanForRootSwap NonAssociatedColdKey
NotEnoughBalanceToStake RegistrationPriceLimitExceeded RootStakeLocked SameAutoStakeHotkeyAlreadySet
SlippageTooHigh StakeUnavailable SubnetNotExists SubtokenDisabled TooManyStakingHotkeys TransferDisallowed
WaitingForDissolvedSubnetCleanup ZeroBalanceAfterWithdrawn
"""


@pytest.mark.parametrize("name", OWN.split())
def test_refusals_of_own_transactions_have_words_of_their_own(name: str) -> None:
    assert "refused:" not in errors.dispatch_sentence(f"SubtensorModule.{name}")
    assert "documentation" not in errors.dispatch_hint(f"SubtensorModule.{name}")


@needs_343
def test_unknown_extension_stops_signing(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = real.runtime()
    monkeypatch.setattr(type(runtime), "signed_extensions", lambda _: (("CheckNonce", False), ("NewThing", False)))
    assert "NewThing" in str(extrinsics.signing_problem(runtime))
    monkeypatch.undo()
    monkeypatch.setattr(type(runtime), "extrinsic_version", 5)
    assert "format 5" in str(extrinsics.signing_problem(runtime))


@needs_343
@settings(deadline=None)  # the library takes seconds the first time
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.sampled_from([0, 1]))
def test_made_transaction_decodes_to_its_parts(nonce: int, block: int, crypto_type: int) -> None:
    runtime = real.runtime()
    signer = LocalSigner.from_seed(bytes(32), crypto_type)
    call = runtime.call("Balances", "transfer_keep_alive", {"dest": real.BOB, "value": 1})
    mortality = Mortality(block, "0x" + "cd" * 32)
    payload = extrinsics.signature_payload(runtime, call, nonce, mortality)
    signature = signer.sign(payload)
    assert verify(signer.ss58, payload, signature)
    data = extrinsics.signed(runtime, call, signer.public_key, crypto_type, signature, nonce, mortality)
    from scalecodec.base import ScaleBytes

    config, metadata = real.library()
    read = config.create_scale_object("Extrinsic", ScaleBytes(data), metadata=metadata)
    value = read.decode()
    assert value["address"] == signer.ss58 and value["nonce"] == nonce
    assert value["call"]["call_args"][1]["value"] == 1
    kind = next(iter(value["signature"]))
    assert kind == ("Sr25519" if crypto_type else "Ed25519")
    assert read.value_object  # all bytes were used


@needs_343
def test_v15_runtime_calls() -> None:
    from ranvier.chain.runtime.runtime_apis import RuntimeApis

    apis = RuntimeApis(real.blob(real.V15))
    assert apis.has("StakeInfoRuntimeApi", "get_stake_info_for_coldkey")
    assert apis.encode("SwapRuntimeApi", "current_alpha_price", [258]) == "0x0201"
    assert apis.decode("SwapRuntimeApi", "current_alpha_price", "0x0100000000000000") == 1
    assert apis.encode("StakeInfoRuntimeApi", "get_stake_info_for_coldkey", [real.BOB])[2:] == (
        addresses.public_key(real.BOB).hex()
    )
    for bad in (lambda: apis.encode("Swap", "x", []), lambda: apis.encode("SwapRuntimeApi", "current_alpha_price", [])):
        with pytest.raises(ChainError):
            bad()
    with pytest.raises(ChainError):
        apis.decode("SwapRuntimeApi", "current_alpha_price", "0x01")


# Shares, prices, epochs

AMOUNTS = st.integers(1, 21 * 10**15)


@given(AMOUNTS, st.integers(1, 2**63), st.integers(1, 2**63))
def test_share_forms_agree(total: int, share: int, others: int) -> None:
    denominator = share + others
    exact = total * share // denominator
    fixed = value_rao(total, share << 64, denominator << 64)
    assert exact - 2 - exact * 2**-40 <= fixed <= exact
    safe = value_rao(total, SafeFloat(share, 0).normal(), SafeFloat(denominator, 0).normal())
    assert abs(exact - safe) <= 1 + exact * 10**-18
    mixed = value_rao(total, share << 64, SafeFloat(denominator, 0).normal())
    assert abs(exact - mixed) <= 1 + exact * 10**-18


@given(AMOUNTS, st.integers(1, 2**63))
def test_the_only_holder_has_all(total: int, share: int) -> None:
    assert total - 1 <= value_rao(total, share << 64, share << 64) <= total
    safe = SafeFloat(share, 0).normal()
    assert value_rao(total, safe, safe) == total


def test_whole_shares_as_the_oldest_chain_rounds() -> None:
    total, share, denominator = 1_000_000_007, 333, 1000
    assert (
        value_rao(total, share << 64, denominator << 64, whole=True) == (((total << 32) // denominator) * share) >> 32
    )


@pytest.mark.parametrize(
    ("value", "read"),
    [(None, None), (0, None), ({"bits": 0}, None), ({"bits": 5}, 5), (3, 3 << 64),
     ({"mantissa": 0, "exponent": 0}, None), ({"mantissa": 7, "exponent": -2}, SafeFloat(7, -2))],
)  # fmt: skip
def test_stored_shares(value: Any, read: Any) -> None:
    assert read_share(value) == read


def test_impossible_share_is_refused() -> None:
    with pytest.raises(ValueError):
        SafeFloat(10**21, 10**9).floor()
    assert SafeFloat(10**21, -(10**9)).floor() == 0


@given(st.integers(0, 10**7), st.integers(0, 500), st.integers(1, 2000))
def test_epoch_rule(block: int, netuid: int, tempo: int) -> None:
    last = epochs.epoch_before(block, netuid, tempo)
    assert last <= block
    if last:
        assert (last + netuid + 1) % (tempo + 1) == tempo
    assert not any((b + netuid + 1) % (tempo + 1) == tempo for b in range(last + 1, block + 1)) or last == 0


def test_prices_of_pools() -> None:
    assert pools.price_of_sqrt(1 << 64) == 10**9
    assert pools.price_of_sqrt(1 << 63) == 10**9 // 4
    assert pools.price_of_balancer(5 * 10**17, 1000, 4000) == 10**9 // 4  # even weights: the reserves decide
    assert pools.price_of_balancer(0, 1, 1) is None
    assert pools._pool_price({"SubnetTAO": 10, "SubnetAlphaIn": 40}) == 10**9 // 4
    assert pools._pool_price({"SubnetTAO": 10, "SubnetAlphaIn": 0}) is None


# Words


def test_errors_in_words() -> None:
    assert "already has a place" in errors.dispatch_sentence("SubtensorModule.HotKeyAlreadyRegisteredInSubNet")
    assert "Strange.Thing" in errors.dispatch_sentence("Strange.Thing", " what it is ")
    assert "what it is" in errors.dispatch_sentence("Strange.Thing", " what it is ")
    for answer, says in (
        ({"code": 1010, "message": "Invalid Transaction", "data": "Custom error: 12"}, "announced a short while ago"),
        ({"code": 1010, "message": "Invalid Transaction", "data": "Custom error: 19"}, "no place in this subnet"),
        ({"code": 1010, "message": "Invalid Transaction", "data": "Custom error: 33"}, "already has a place"),
        ({"code": 1010, "message": "Invalid Transaction", "data": "Custom error: 200"}, "custom error 200"),
        ({"code": 1010, "message": "Invalid Transaction", "data": "Transaction is outdated"}, "outdated"),
        ({"code": 1010, "message": "Invalid Transaction", "data": "Transaction has a bad signature"}, "signature"),
        ({"code": 1010, "message": "Invalid Transaction", "data": "Inability to pay some fees (e.g. …)"}, "fee"),
        ({"code": 1014, "message": "Priority is too low"}, "same number"),
        ({"code": 4003, "message": "Client error: … State already discarded for 0x"}, "no longer keeps"),
        ({"code": -32601, "message": "Method not found"}, "does not know"),
        ("odd", "odd"),
        ({}, "error"),
    ):
        error = errors.rpc_error(answer)
        assert says in str(error) and isinstance(error, ChainError)


KNOWN_ERRORS = """NotEnoughBalanceToStake InsufficientBalance FundsUnavailable Underflow BelowMinimum
HotKeyAlreadyRegisteredInSubNet SubNetRegistrationDisabled TooManyRegistrationsThisBlock
TooManyRegistrationsThisInterval RegistrationPriceLimitExceeded NoNeuronIdAvailable NonAssociatedColdKey
HotKeyAccountNotExists HotKeyNotRegisteredInSubNet HotKeyNotRegisteredInNetwork SubnetNotExists
SubNetworkDoesNotExist SubtokenDisabled AmountTooLow SlippageTooHigh PriceLimitExceeded ZeroMaxAmount
InsufficientLiquidity ReservesTooLow SwapInputTooLarge NotEnoughStakeToWithdraw InsufficientAlphaBalance
StakeUnavailable AccountRejectsLockedAlpha KeepStakeBlockedByCollateral ServingRateLimitExceeded InvalidIpAddress
InvalidPort InvalidIpType TxRateLimitExceeded HotKeySetTxRateLimitExceeded HotKeySwapOnSubnetIntervalNotPassed
SettingWeightsTooFast NotEnoughStakeToSetWeights NeuronNoValidatorPermit SameAutoStakeHotkeyAlreadySet
ColdkeySwapAnnounced ColdkeySwapDisputed SpaceLimitExceeded AccountNotAllowedCommit CallFiltered SafeMode BadOrigin
CannotLookup ConsumerRemaining Exhausted"""


@pytest.mark.parametrize("name", KNOWN_ERRORS.split())
def test_every_known_error_has_words_and_a_next_step(name: str) -> None:
    sentence, hint = errors.dispatch_sentence(f"Any.{name}"), errors.dispatch_hint(f"Any.{name}")
    assert name not in sentence and sentence.endswith(".") and len(hint) > 5 and hint.endswith(".")


def test_every_custom_pool_error_has_words() -> None:
    for number in (*range(1, 38), 255):
        answer = {"code": 1010, "message": "Invalid Transaction", "data": f"Custom error: {number}"}
        assert f"custom error {number}" not in str(errors.rpc_error(answer))
    assert "documentation" in errors.dispatch_hint("Strange.Thing")


def test_nothing_heavy_is_imported_early() -> None:
    script = (
        "import sys; import ranvier.chain.connection, ranvier.chain.reads;"
        "import ranvier.chain.plans.plans, ranvier.chain.submit;"
        "names = 'substrateinterface scalecodec aiohttp websocket requests xxhash'.split();"
        "print([m for m in names if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=_environment(), check=True
    )
    assert done.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    from ranvier.core.processes import child_environment

    return child_environment()
