"""Messages and payloads: signed as other tools sign, checked in both schemes, carried between machines unharmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.vectors import ABANDON, DEV
from ranvier.core.errors import KeyFileError, RanvierError
from ranvier.keys import addresses, messages, offline, qr
from ranvier.keys.signing import ED25519, SR25519, LocalSigner

GENESIS = "0x" + "ab" * 32
SIGNERS = {scheme: LocalSigner.from_mnemonic(DEV, scheme) for scheme in (ED25519, SR25519)}


@given(st.text(max_size=60), st.sampled_from([ED25519, SR25519]), st.booleans())
def test_message_signed_is_message_verified(message: str, scheme: int, wrap: bool) -> None:
    signer = SIGNERS[scheme]
    try:
        signed = messages.sign_message(signer, message, wrap=wrap)
    except KeyFileError:
        assert any("\ud800" <= c <= "\udfff" for c in message)
        return
    for text in (signed.signed_message, "0x" + signed.signed_message, "0x0" + str(scheme) + signed.signed_message):
        verdict = messages.verify_message(signer.ss58, message, text)
        assert verdict.valid and verdict.scheme == ("ed25519" if scheme == ED25519 else "sr25519")
    assert verdict.wrapped == (wrap or message.startswith("<Bytes>"))
    assert not messages.verify_message(signer.ss58, message + ".", signed.signed_message).valid
    other = LocalSigner.from_mnemonic(ABANDON, scheme).ss58
    assert not messages.verify_message(other, message, signed.signed_message).valid


def test_wrapped_either_way() -> None:
    signer = SIGNERS[SR25519]
    plain = messages.sign_message(signer, "m").signed_message
    wrapped = messages.sign_message(signer, "m", wrap=True).signed_message
    assert messages.wrapped(messages.wrapped(b"m")) == b"<Bytes>m</Bytes>"
    for message in ("m", "<Bytes>m</Bytes>"):
        assert not messages.verify_message(signer.ss58, message, plain).wrapped
        assert messages.verify_message(signer.ss58, message, wrapped).wrapped
    assert messages.verify_message(addresses.ss58(signer.public_key, 0), "m", plain).valid


def test_hex_text_is_text() -> None:
    signer = SIGNERS[ED25519]
    assert messages.sign_message(signer, "0x1234").signed_message == signer.sign(b"0x1234").hex()


@pytest.mark.parametrize("text", ["", "0x", "zz" * 64, "ab" * 63, "02" + "ab" * 64, "ab" * 65])
def test_what_is_no_signature_is_said(text: str) -> None:
    with pytest.raises(KeyFileError, match="128 hex digits"):
        messages.verify_message(SIGNERS[SR25519].ss58, "m", text)


@given(st.binary(min_size=1, max_size=400), st.sampled_from([ED25519, SR25519]))
def test_payload_goes_out_and_the_signature_comes_back(data: bytes, scheme: int) -> None:
    signer = SIGNERS[scheme]
    away = offline.ExportedSigner(signer.ss58, scheme, genesis_hash=GENESIS, network="test", words=["Send 1 TAO"])
    with pytest.raises(offline.SignatureNeededError) as caught:
        away.sign(data)
    carried = offline.read_payload(offline.encode(caught.value.payload))
    assert carried.data == data and carried.words == ("Send 1 TAO",)
    answer = offline.read_signature(offline.encode(offline.sign_payload(carried, signer)))
    away.bring(data, answer)
    assert messages.signing.scheme_of(away.public_key, data, away.sign(data)) == scheme
    again = offline.ExportedSigner(signer.ss58, scheme, genesis_hash=GENESIS)
    again.bring(data, answer.signature.removeprefix("0x"))  # pasted as hex
    assert again.sign(data) == away.sign(data)
    with pytest.raises(offline.SignatureNeededError):
        away.sign(data + b"\0")


def test_a_signature_that_does_not_fit_is_refused() -> None:
    signer = SIGNERS[SR25519]
    away = offline.ExportedSigner(signer.ss58, SR25519, genesis_hash=GENESIS)
    answer = offline.sign_payload(away.payload(b"one"), signer)
    with pytest.raises(KeyFileError, match="answers payload"):
        away.bring(b"two", answer)
    with pytest.raises(KeyFileError, match="not a signature by"):
        away.bring(b"two", answer.signature)
    with pytest.raises(KeyFileError, match="payload is for"):
        offline.sign_payload(away.payload(b"one"), LocalSigner.from_mnemonic(ABANDON))
    with pytest.raises(offline.SignatureNeededError):
        away.sign(b"two")


def test_files(tmp_path: Path) -> None:
    payload = offline.ExportedSigner(SIGNERS[1].ss58, 1, genesis_hash=GENESIS).payload(b"data")
    offline.write(tmp_path / "p.json", payload)
    assert offline.load_payload(tmp_path / "p.json") == payload
    with pytest.raises(RanvierError, match="exists"):
        offline.write(tmp_path / "p.json", payload)
    with pytest.raises(KeyFileError):
        offline.load_signature(tmp_path / "p.json")


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_payload_or_our_error(data: bytes) -> None:
    for read in (offline.read_payload, offline.read_signature):
        try:
            read(data)
        except RanvierError as error:
            assert error.message


def test_qr_codes() -> None:
    try:
        import segno  # noqa: F401
    except ImportError:
        with pytest.raises(KeyFileError, match="file"):
            qr.matrix(b"data")
        return
    modules = qr.matrix(b"data")
    assert len(modules) == len(modules[0]) and not any(modules[0]) and any(map(any, modules))
    assert len(qr.terminal("text").splitlines()) > 8
    with pytest.raises(KeyFileError, match="do not fit"):
        qr.matrix(b"x" * 3000)
