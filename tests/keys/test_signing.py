"""Addresses, recovery phrases and signatures, against published values and the ecosystem's vectors."""

from __future__ import annotations

import contextlib
import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.vectors import ABANDON, DEV, index, needs_vectors
from ranvier.core.errors import KeyFileError, MnemonicError, RanvierError
from ranvier.keys import addresses, mnemonic
from ranvier.keys.signing import ED25519, SR25519, LocalSigner, verify
from ranvier.keys.words import WORDS

ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_KEY = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
KEYS = st.binary(min_size=32, max_size=32)


def test_known_address_both_ways() -> None:
    assert addresses.ss58(ALICE_KEY) == ALICE
    assert addresses.public_key(ALICE) == ALICE_KEY


@given(KEYS, st.integers(0, 63))
def test_address_round_trip(key: bytes, prefix: int) -> None:
    text = addresses.ss58(key, prefix)
    assert addresses.public_key(text, any_prefix=True) == key
    assert addresses.is_ss58(text) == (prefix == 42)


@given(KEYS, st.integers(0, 47), st.sampled_from("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl é"))
def test_one_wrong_character_is_refused(key: bytes, place: int, letter: str) -> None:
    text = addresses.ss58(key)
    wrong = text[:place] + letter + text[place + 1 :]
    if wrong != text:
        assert not addresses.is_ss58(wrong)


@given(st.text(max_size=80))
def test_no_text_raises_anything_but_our_error(text: str) -> None:
    try:
        addresses.public_key(text, any_prefix=True)
    except addresses.AddressError as error:
        assert error.message


def test_word_list_is_the_standard_one() -> None:
    assert len(WORDS) == 2048 and sorted(WORDS) == list(WORDS) and len({w[:4] for w in WORDS}) == 2048


@pytest.mark.parametrize("words", mnemonic.LENGTHS)
def test_generated_phrase_is_valid_and_new(words: int) -> None:
    phrase = mnemonic.generate(words)
    assert len(phrase.split()) == words
    assert mnemonic.check(phrase) == phrase
    assert phrase != mnemonic.generate(words)


def test_phrase_agrees_with_the_library() -> None:
    from substrateinterface import Keypair

    for words in mnemonic.LENGTHS:
        phrase = mnemonic.generate(words)
        assert Keypair.create_from_mnemonic(phrase).ss58_address == LocalSigner.from_mnemonic(phrase).ss58


def test_phrase_is_normalised() -> None:
    assert mnemonic.check(f"  {ABANDON.upper()}\n\t") == ABANDON


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ABANDON.replace("about", "abuot"), ["Word 12", "abuot", "about"]),
        ("abandon " * 12, ["checksum"]),
        ("abandon " * 11, ["11 words"]),
        ("", ["no words"]),
        ("abandon", ["1 word."]),
        (ABANDON + " 5GrwvaEF", ["Word 13", "5grwvaef"]),
    ],
)
def test_wrong_phrase_is_explained(text: str, says: list[str]) -> None:
    with pytest.raises(MnemonicError) as caught:
        mnemonic.check(text)
    assert all(part in str(caught.value) for part in says)
    assert "abandon" not in str(caught.value), "the message repeats the phrase"


@given(st.text(max_size=200))
def test_any_text_is_a_phrase_or_our_error(text: str) -> None:
    with contextlib.suppress(MnemonicError):
        mnemonic.check(text)


@given(st.binary(max_size=200), st.sampled_from([ED25519, SR25519]))
def test_sign_and_verify(payload: bytes, crypto_type: int) -> None:
    signer = LocalSigner.from_mnemonic(DEV, crypto_type)
    signature = signer.sign(payload)
    assert len(signature) == 64
    assert verify(signer.ss58, payload, signature)
    assert not verify(signer.ss58, payload + b"\0", signature)
    assert not verify(ALICE, payload, signature)
    wrapped = signer.sign(b"<Bytes>" + payload + b"</Bytes>")
    assert verify(signer.ss58, payload, wrapped)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_verify_takes_anything(payload: bytes, signature: bytes) -> None:
    assert not verify(ALICE, payload, signature)
    assert not verify("nonsense", payload, signature)


@given(st.binary(max_size=70), st.integers(-1, 3))
def test_any_secret_bytes_are_a_key_or_our_error(secret: bytes, crypto_type: int) -> None:
    for make in (LocalSigner.from_seed, LocalSigner.from_private_key):
        with contextlib.suppress(RanvierError):
            assert addresses.is_ss58(make(secret, crypto_type).ss58)


def test_text_is_never_signed() -> None:
    with pytest.raises(TypeError):
        LocalSigner.from_mnemonic(DEV).sign("0x1234")  # type: ignore[arg-type]


def test_secret_is_not_shown_pickled_or_copied() -> None:
    signer = LocalSigner.from_mnemonic(ABANDON)
    secret = signer.private_key().hex()
    assert signer.ss58 in repr(signer)
    assert secret not in repr(signer) and secret[:16] not in str(signer)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(signer)


def test_wiped_key_refuses_to_sign() -> None:
    with LocalSigner.from_mnemonic(ABANDON) as signer:
        signer.sign(b"x")
    with pytest.raises(KeyFileError):
        signer.sign(b"x")
    assert signer.private_key() == b""


@needs_vectors
def test_vector_keys_and_signatures() -> None:
    known = [w["coldkey"] for w in index()["wallets"] if w["coldkey"] and "mnemonic" in w["coldkey"]["source"]]
    assert len(known) > 20
    for key in known:
        signer = LocalSigner.from_mnemonic(key["source"]["mnemonic"], key["crypto_type"])
        assert signer.ss58 == key["ss58"]
        assert "0x" + signer.private_key().hex() == key["private_key"]
        assert LocalSigner.from_private_key(signer.private_key(), key["crypto_type"]).ss58 == key["ss58"]
        for made in key["signatures"]:
            assert verify(key["ss58"], made["message"].encode(), bytes.fromhex(made["signature"][2:]))


@needs_vectors
def test_vector_phrases() -> None:
    for case in index()["mnemonic_input"]:
        if case["accept"]:
            assert LocalSigner.from_mnemonic(case["input"]).ss58 == case["ss58"]
        elif case["input"].isupper():
            assert mnemonic.check(case["input"])  # we lower the capitals first
        else:
            with pytest.raises(MnemonicError):
                mnemonic.check(case["input"])
