"""The MEV shield: ML-KEM against another implementation's numbers, and encrypted extrinsics that run in their block."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from ranvier.keys.signing import LocalSigner
from ranvier.sandbox.frame.extrinsic import decode_extrinsic, encode_signed, signed_extra, signing_payload
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.storage import twox
from ranvier.sandbox.frame.version import SPECS
from ranvier.sandbox.maths.mlkem import CIPHERTEXT_BYTES, PUBLIC_KEY_BYTES, DecapsulationKey, encapsulate
from ranvier.sandbox.node.waiting import Refused
from ranvier.sandbox.pallets.shield import MevShield
from ranvier.sandbox.pallets.system import System
from sandbox.support import TAO, Bench

KEY = DecapsulationKey.of_seed(bytes(range(64)))


def test_the_key_exchange_is_that_of_the_standard() -> None:
    """Made with the cryptography package 50.0.2 (AWS-LC or OpenSSL) from the same seed and message."""
    secret, ciphertext = encapsulate(KEY.public, bytes(range(100, 132)))
    assert (len(KEY.public), len(ciphertext)) == (PUBLIC_KEY_BYTES, CIPHERTEXT_BYTES) == (1184, 1088)
    assert sha256(KEY.public).hexdigest() == "0b7934c83125c788995e2ba6bd761e33046b3e40571be53e023309a29f398cc9"
    assert sha256(ciphertext).hexdigest() == "57fe559432dbb3c5547c73f155820622f7efdd532e4330360a36ebf7d2ddec55"
    assert secret.hex() == "c5a74110c158acbaf9c01deb86fa6cc10c14533feda54bec1fdd000d61f07e4e"
    assert KEY.decapsulate(ciphertext) == secret
    spoilt = bytes((ciphertext[0] ^ 1,)) + ciphertext[1:]
    assert KEY.decapsulate(spoilt).hex() == "bb28c25ed3222c13ce49d65f663f1c9f148565a664747e142f1abe06f33f4826"


@settings(deadline=None, max_examples=15)
@given(st.binary(min_size=32, max_size=32))
def test_both_sides_find_the_same_secret(message: bytes) -> None:
    secret, ciphertext = encapsulate(KEY.public, message)
    assert KEY.decapsulate(ciphertext) == secret


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.blocks()
    return bench


def signed(bench: Bench, signer: Any, call: Any, nonce: int, period: int | None = 8) -> bytes:
    """An extrinsic as the SDK makes it: its mortality is short."""
    chain = bench.node.chain
    head = chain.head
    era = None if period is None else (period, head.number % period)
    birth = chain.genesis_hash if period is None else head.hash
    call_bytes, extra = RUNTIME_CALL.encode(call), signed_extra(era, nonce)
    payload = signing_payload(call_bytes, extra, chain.spec, chain.genesis_hash, birth)
    return encode_signed(signer.public_key, signer.crypto_type, signer.sign(payload), extra, call_bytes)


def transfer(bench: Bench) -> Any:
    dest = ("Id", bench.keys.signer("hidden").public_key)
    return "Balances", ("transfer_keep_alive", {"dest": dest, "value": TAO})


def sealed(bench: Bench, plain: bytes) -> bytes:
    public = MevShield.NextKey.get(bench.state)
    secret, exchange = encapsulate(public, os.urandom(32))
    nonce = os.urandom(24)
    box = crypto_aead_xchacha20poly1305_ietf_encrypt(plain, b"", nonce, secret)
    return twox(public, 128) + len(exchange).to_bytes(2, "little") + exchange + nonce + box


def carrier(ciphertext: bytes) -> Any:
    return "MevShield", ("submit_encrypted", {"ciphertext": ciphertext})


def test_what_is_inside_runs_in_the_carriers_block(bench: Bench, me: LocalSigner) -> None:
    inner = signed(bench, me, transfer(bench), 1)
    outer = signed(bench, me, carrier(sealed(bench, inner)), 0)
    bench.node.waiting.submit(outer)
    bench.blocks()
    assert list(bench.node.chain.head.extrinsics[1:]) == [outer, inner]
    assert System.Account.get(bench.state, bench.keys.signer("hidden").public_key)["data"]["free"] == TAO
    assert System.Account.get(bench.state, me.public_key)["nonce"] == 2
    assert bench.event("EncryptedSubmitted")["who"] == me.public_key
    with pytest.raises(Refused):
        bench.node.waiting.submit(inner)


@pytest.mark.parametrize("inside", ["rubbish", "forged", "wrong nonce", "for another"])
def test_what_cannot_run_costs_only_the_carrier(bench: Bench, me: LocalSigner, inside: str) -> None:
    inner = signed(bench, me, transfer(bench), 5 if inside == "wrong nonce" else 1)
    plain = {"rubbish": b"\x01\x02", "forged": inner[:-1] + b"\x07"}.get(inside, inner)
    ciphertext = sealed(bench, plain)
    if inside == "for another":
        ciphertext = ciphertext[:-1] + bytes((ciphertext[-1] ^ 1,))
    outer = signed(bench, me, carrier(ciphertext), 0)
    bench.node.waiting.submit(outer)
    bench.blocks()
    assert list(bench.node.chain.head.extrinsics[1:]) == [outer]
    account = System.Account.get(bench.state, me.public_key)
    fee = bench.node.machine.fee(decode_extrinsic(outer), 425).total
    assert (account["nonce"], account["data"]["free"]) == (1, 10 * TAO - fee)


def test_what_the_pool_refuses(bench: Bench, me: LocalSigner) -> None:
    inner = signed(bench, me, transfer(bench), 1)
    good = sealed(bench, inner)
    for call, period, words in (
        (carrier(good), 16, "outdated"),
        (carrier(good), None, "outdated"),
        (carrier(b"\x01\x02\x03\x04\x05"), 8, "Custom error: 23"),
        (carrier(good + bytes(8192)), 8, "Custom error: 23"),
    ):
        with pytest.raises(Refused, match=words):
            bench.node.waiting.submit(signed(bench, me, call, 0, period))
    told: list[Any] = []
    other_key = bytes((good[0] ^ 1,)) + good[1:]
    bench.node.waiting.submit(signed(bench, me, carrier(other_key), 0), told.append)
    bench.blocks()
    assert told == ["ready", "invalid"]


def test_343_knows_no_shield_and_an_upgrade_brings_it() -> None:
    bench = Bench(rules=343)
    bench.blocks()
    assert MevShield.NextKey.get(bench.state) is None
    with pytest.raises(Refused, match="no call of spec 343"):
        bench.node.waiting.submit(signed(bench, bench.node.faucet, carrier(bytes(2000)), 0))
    bench.node.upgrade(SPECS[425])
    bench.blocks(2)
    assert len(MevShield.NextKey.get(bench.state)) == PUBLIC_KEY_BYTES
