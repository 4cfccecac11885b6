"""Key files: what is written is read back; whatever is damaged is refused with our errors only."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.vectors import ABANDON, DEV
from ranvier.core.errors import KeyFileError, RanvierError, WrongPasswordError
from ranvier.keys import encryption, files
from ranvier.keys.encryption import Cost
from ranvier.keys.files import KeyTroubleError, SecretPart, Trouble
from ranvier.keys.signing import ED25519, SR25519, LocalSigner

CHEAP = Cost(passes=3, memory_bytes=8192)
KEY = bytes(range(32))
SEEDS = st.binary(min_size=32, max_size=32)


@given(SEEDS, st.sampled_from([ED25519, SR25519]), st.booleans())
def test_written_secret_is_read_back(seed: bytes, crypto_type: int, keep_seed: bool) -> None:
    part = SecretPart(LocalSigner.from_seed(seed, crypto_type), None, seed if keep_seed else None)
    read = files.parse_secret(encryption.decrypt(encryption.encrypt(files.secret_json(part), KEY), KEY))
    assert read.signer.ss58 == part.signer.ss58
    assert read.signer.private_key() == part.signer.private_key()
    assert read.seed == part.seed
    public = files.parse_public(files.public_json(part.public))
    assert (public.ss58, public.crypto_type, public.holds_secret) == (part.signer.ss58, crypto_type, False)


def test_field_rules() -> None:
    sr, ed = SecretPart.from_mnemonic(ABANDON), SecretPart.from_mnemonic(ABANDON, ED25519)
    assert "cryptoType" not in json.loads(files.secret_json(sr))  # old tools refuse the field
    assert json.loads(files.secret_json(ed))["cryptoType"] == 0  # old tools must refuse the key
    fields = json.loads(files.secret_json(sr))
    assert set(fields) == {"accountId", "publicKey", "privateKey", "secretPhrase", "secretSeed", "ss58Address"}
    assert fields["secretPhrase"] == ABANDON and len(fields["privateKey"]) == 130
    assert b"\n" not in files.secret_json(sr) and ABANDON not in repr(sr)


@given(st.data())
def test_damaged_encrypted_file_is_refused(data: st.DataObject) -> None:
    whole = encryption.encrypt(files.secret_json(SecretPart.from_mnemonic(DEV)), KEY)
    if data.draw(st.booleans(), "cut"):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        place, bit = data.draw(st.integers(len(encryption.HEADER), len(whole) - 1)), data.draw(st.integers(0, 7))
        damaged = whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
    with pytest.raises(KeyFileError):
        if encryption.form_of(damaged) is encryption.Encryption.NONE:
            files.parse_secret(damaged)
        encryption.decrypt(damaged, KEY)


@given(st.data())
def test_damaged_plain_file_never_opens_another_key(data: st.DataObject) -> None:
    part = SecretPart.from_mnemonic(DEV)
    whole = files.secret_json(part)
    if data.draw(st.booleans(), "cut"):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
        with pytest.raises(KeyFileError):
            files.parse_secret(damaged)
        return
    place, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    try:
        read = files.parse_secret(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
    except KeyFileError:
        return
    assert read.signer.ss58 == part.signer.ss58


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_key_file_or_our_error(data: bytes) -> None:
    for parse in (files.parse_public, files.parse_secret):
        try:
            parse(data)
        except RanvierError as error:
            assert error.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "accountId",
                "publicKey",
                "privateKey",
                "secretPhrase",
                "secretSeed",
                "ss58Address",
                "cryptoType",
                "encoded",
            ]
        ),
        JSON | st.just(ABANDON) | st.just("0x" + "11" * 32) | st.just(LocalSigner.from_mnemonic(ABANDON).ss58),
    )
)
def test_any_fields_are_a_key_file_or_our_error(fields: dict[str, object]) -> None:
    for parse in (files.parse_public, files.parse_secret):
        try:
            parse(json.dumps(fields).encode())
        except RanvierError as error:
            assert error.message


def test_old_public_key_file_shows_the_right_address() -> None:
    signer = LocalSigner.from_mnemonic(DEV)
    data = b"0x" + signer.public_key.hex().encode()
    public = files.parse_public(data)
    assert public.ss58 == signer.ss58 and public.note
    with pytest.raises(KeyTroubleError):
        files.parse_secret(data)  # the same text as a seed would open another account


async def test_password_spellings() -> None:
    for stored, typed in (("pass", " pass "), ("Zu\u0308rich", "Zürich"), ("Zürich", "Zu\u0308rich"), (" a ", " a ")):
        data = encryption.encrypt(b"content", await encryption.derive(stored, CHEAP))
        assert await encryption.open_with_password(data, typed, CHEAP) == b"content"
    with pytest.raises(WrongPasswordError):
        await encryption.open_with_password(data, "another", CHEAP)


async def test_memory_is_checked_first() -> None:
    with pytest.raises(KeyFileError, match="MB are free"):
        await encryption.derive("x", Cost(passes=8, memory_bytes=1 << 50))


async def test_password_that_cannot_be_stored() -> None:
    with pytest.raises(KeyFileError):
        await encryption.derive("\ud800", CHEAP)


def test_cut_off_file_is_told_before_any_work() -> None:
    for size in range(5, encryption.SHORTEST + 1):
        with pytest.raises(KeyFileError, match="cut off"):
            encryption.check_shape((encryption.HEADER + bytes(100))[:size])


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "hotkeys" / "a"
    files.write_new(path, b"one")
    with pytest.raises(KeyTroubleError) as caught:
        files.write_new(path, b"two")
    assert caught.value.trouble is Trouble.EXISTS
    assert path.read_bytes() == b"one"
    assert [p.name for p in path.parent.iterdir()] == ["a"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "nowhere")
        with pytest.raises(KeyTroubleError):
            files.write_new(link, b"x")  # a dangling link must not be written through
