"""Keys from words, seeds, private keys and files are recognised for what they are, or refused in words."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.secret import SecretBox

from keys.vectors import DEV
from ranvier.core.errors import KeyFileError, MnemonicError, RanvierError, WrongPasswordError
from ranvier.keys import addresses, encryption, files, importing, polkadotjs
from ranvier.keys.content import KeyTroubleError, Trouble
from ranvier.keys.encryption import Cost
from ranvier.keys.importing import Kind
from ranvier.keys.signing import ED25519, SR25519, LocalSigner

CHEAP = Cost(passes=3, memory_bytes=8192)
DEV_SR = LocalSigner.from_mnemonic(DEV)
DEV_ED = LocalSigner.from_mnemonic(DEV, ED25519)
SEED = importing.from_text(DEV).seed or b""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (DEV, Kind.PHRASE),
        (f"  {DEV.upper()}\n", Kind.PHRASE),
        (SEED.hex(), Kind.SEED),
        (f"0x{SEED.hex().upper()}\n", Kind.SEED),
        (" ".join(f"{byte:02x}" for byte in SEED), Kind.SEED),
        (DEV_SR.private_key().hex(), Kind.PRIVATE_KEY),
    ],
)
def test_typed_secrets(text: str, kind: Kind) -> None:
    assert importing.kind_of_text(text) is kind
    assert importing.from_text(text).signer.ss58 == DEV_SR.ss58


@pytest.mark.parametrize("text", ["0x12", "ab" * 33, "0x" + "a" * 63, "fee " * 12, "", "0x", "00" * 64])
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises((KeyFileError, MnemonicError)):
        importing.from_text(text)


def test_words_of_hex_letters_stay_words() -> None:
    assert importing.kind_of_text("add beef dad decade face fade fee feed add beef dad face") is Kind.PHRASE


def test_private_key_in_the_form_of_polkadot_js_is_refused_not_another_account() -> None:
    scalar = int.from_bytes(DEV_SR.private_key()[:32], "little") * 8
    other_form = scalar.to_bytes(32, "little") + DEV_SR.private_key()[32:]
    with pytest.raises(KeyFileError, match=r"polkadot\.js"):
        importing.from_text(other_form.hex())


def test_bip39_password_keeps_the_seed_and_not_the_phrase() -> None:
    part = importing.from_text(DEV, bip39_password="extra")
    assert part.phrase is None and part.seed is not None and part.signer.ss58 != DEV_SR.ss58
    assert LocalSigner.from_seed(part.seed).ss58 == part.signer.ss58


async def test_files_are_recognised(tmp_path: Path) -> None:
    key = await encryption.derive("pw", CHEAP)
    plain = files.secret_json(importing.from_text(DEV))
    cases = {
        "plain": (plain, Kind.KEY_FILE, ""),
        "locked": (encryption.encrypt(plain, key), Kind.ENCRYPTED_KEY_FILE, "pw"),
        "words.txt": (f"{DEV}\r\n".encode("utf-8-sig"), Kind.PHRASE, ""),
        "seed.txt": (b"0x" + SEED.hex().encode(), Kind.SEED, ""),
        "account.json": (export(DEV_SR, "pw"), Kind.POLKADOT_JS, "pw"),
        "locked-account": (encryption.encrypt(export(DEV_SR, "pw"), key), Kind.ENCRYPTED_KEY_FILE, "pw"),
    }
    for name, (data, kind, password) in cases.items():
        (tmp_path / name).write_bytes(data)
        assert importing.kind_of_file(tmp_path / name) is kind, name
        part = await importing.from_file(tmp_path / name, password, _cost=CHEAP)
        assert part.signer.ss58 == DEV_SR.ss58, name
        if kind.needs_password:
            with pytest.raises(WrongPasswordError):
                await importing.from_file(tmp_path / name, "no", _cost=CHEAP)


def pkcs8(signer: LocalSigner, *, old: bool = False) -> bytes:
    if old:
        secret = SEED
    elif signer.crypto_type == ED25519:
        secret = signer.private_key()[:32] + signer.public_key
    else:
        scalar = int.from_bytes(signer.private_key()[:32], "little") * 8
        secret = scalar.to_bytes(32, "little") + signer.private_key()[32:]
    return polkadotjs._PKCS8 + secret + polkadotjs._DIVIDER + signer.public_key


def export(signer: LocalSigner, password: str | None, content: bytes | None = None, **changes: Any) -> bytes:
    content = pkcs8(signer) if content is None else content
    if password is not None:
        content = bytes(SecretBox(password.encode()[:32].ljust(32, b"\0")).encrypt(content))
    scheme = "ed25519" if signer.crypto_type == ED25519 else "sr25519"
    whole = {
        "encoded": base64.b64encode(content).decode(),
        "encoding": {
            "content": ["pkcs8", scheme],
            "type": ["none"] if password is None else ["xsalsa20-poly1305"],
            "version": "3",
        },
        "address": signer.ss58,
        "meta": {"name": "mine"},
    }
    return json.dumps({**whole, **changes}).encode()


@pytest.mark.parametrize("signer", [DEV_SR, DEV_ED], ids=["sr25519", "ed25519"])
@pytest.mark.parametrize("password", [None, "pass", "x" * 40])
@pytest.mark.parametrize("old", [False, True])
async def test_exports_of_every_form(signer: LocalSigner, password: str | None, old: bool) -> None:
    parsed = polkadotjs.parse(export(signer, password, pkcs8(signer, old=old)))
    assert parsed.encrypted == (password is not None) and parsed.name == "mine"
    part = await polkadotjs.open_export(parsed, password or "")
    assert part.signer.ss58 == signer.ss58 and part.signer.crypto_type == signer.crypto_type


@pytest.mark.parametrize("form", ["base64", "hex"])
def test_base64_that_begins_like_hex_is_no_hex(form: str) -> None:
    content = base64.b64decode("0x+D") + pkcs8(DEV_SR)
    encoded = base64.b64encode(content).decode() if form == "base64" else f"0x{content.hex()}"
    assert encoded.startswith("0x")
    assert polkadotjs.parse(export(DEV_SR, None, content, encoded=encoded)).content == content


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"address": DEV_ED.ss58}, Trouble.MISMATCH),
        ({"address": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"}, Trouble.CORRUPT),
        ({"encoded": "***"}, Trouble.CORRUPT),
        ({"encoded": 5}, Trouble.CORRUPT),
        ({"encoding": []}, Trouble.CORRUPT),
        ({"encoding": {"content": ["pkcs8", "ecdsa"], "type": ["none"], "version": "3"}}, Trouble.UNSUPPORTED),
        ({"encoding": {"content": ["pkcs8", "sr25519"], "type": ["rot13"], "version": "3"}}, Trouble.UNSUPPORTED),
        ({"encoding": {"content": ["pkcs8", "sr25519"], "type": ["none"], "version": "4"}}, Trouble.UNSUPPORTED),
        ({"accounts": []}, Trouble.UNSUPPORTED),
    ],
)
async def test_exports_that_do_not_hold_together(changes: dict[str, Any], trouble: Trouble) -> None:
    with pytest.raises(KeyTroubleError) as caught:
        await polkadotjs.open_export(polkadotjs.parse(export(DEV_SR, None, **changes)), "")
    assert caught.value.trouble is trouble and caught.value.message


async def test_address_of_another_network_or_none_is_fine() -> None:
    for address in (addresses.ss58(DEV_SR.public_key, 0), "0x" + DEV_SR.public_key.hex(), None):
        parsed = polkadotjs.parse(export(DEV_SR, None, address=address))
        assert (await polkadotjs.open_export(parsed, "")).signer.ss58 == DEV_SR.ss58


def test_too_expensive_scrypt_is_refused_at_once() -> None:
    for n, p, r in ((1 << 19, 1, 8), (1 << 15, 2, 8), (1 << 15, 1, 9), (3, 1, 8), (0, 1, 8), (1 << 31, 1, 8)):
        content = bytes(32) + b"".join(value.to_bytes(4, "little") for value in (n, p, r)) + bytes(100)
        data = export(DEV_SR, None, content)
        fields = json.loads(data)
        fields["encoding"]["type"] = ["scrypt", "xsalsa20-poly1305"]
        with pytest.raises(KeyTroubleError, match="not tried"):
            polkadotjs._open(polkadotjs.parse(json.dumps(fields).encode()), "pw")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(["encoded", "encoding", "address", "meta"]), JSON), st.binary(max_size=120))
def test_any_export_is_opened_or_refused_by_us(changes: dict[str, Any], content: bytes) -> None:
    for password in (None, "pw"):
        try:
            polkadotjs._open(polkadotjs.parse(export(DEV_SR, password, content, **changes)), "pw")
        except RanvierError as error:
            assert error.message


@given(st.text(max_size=150) | st.binary(max_size=70).map(bytes.hex), st.sampled_from([SR25519, ED25519]))
def test_any_text_is_a_key_or_our_error(text: str, crypto_type: int) -> None:
    try:
        assert addresses.is_ss58(importing.from_text(text, crypto_type).signer.ss58)
    except RanvierError as error:
        assert error.message
