"""Wallets written by the real tools open with the right address, seed and signatures; each has its own password.

All of them: ``pytest tests/keys/test_vectors.py -m 'slow or not slow'`` (some minutes; each derivation takes seconds).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from keys.vectors import SET, index, needs_vectors
from ranvier.core.errors import KeyFileError, WrongPasswordError
from ranvier.keys import encryption, polkadotjs, wallets
from ranvier.keys.content import SecretPart
from ranvier.keys.messages import verify_message
from ranvier.keys.signing import LocalSigner, verify

WALLETS = {wallet["wallet"]: wallet for wallet in index()["wallets"]}
EXPORTS = index().get("polkadotjs", [])
SAMPLE = ("v-w4-words24", "v-core-ed25519")  # the third derivation of the default run is in test_malformed
WITH_COLDKEY = [name for name, wallet in WALLETS.items() if wallet["coldkey"]]
LOCKED = [(n, h) for n, w in WALLETS.items() for h, key in w["hotkeys"].items() if key.get("encrypted")]


def parameters(names: list[str]) -> list[Any]:
    return [pytest.param(n, marks=() if n in SAMPLE else (pytest.mark.slow,), id=n) for n in names]


@needs_vectors
@pytest.mark.limit_s(180)
@pytest.mark.parametrize("name", parameters(WITH_COLDKEY))
async def test_coldkey(name: str) -> None:
    known = WALLETS[name]["coldkey"]
    secret = await wallets.open_coldkey(SET / "wallets" / name, known["password"] or "")
    is_the_key(secret, known)


@needs_vectors
@pytest.mark.slow
@pytest.mark.limit_s(180)
@pytest.mark.parametrize(("name", "hotkey"), LOCKED)
async def test_hotkey_with_a_password(name: str, hotkey: str) -> None:
    known = WALLETS[name]["hotkeys"][hotkey]
    path = SET / "wallets" / name
    assert (await wallets.unlock_hotkey(path, hotkey, known["password"])).ss58 == known["ss58"]
    with pytest.raises(KeyFileError):
        wallets.load_hotkey(path, hotkey)


@needs_vectors
async def test_plain_hotkeys() -> None:
    opened = 0
    for name, wallet in WALLETS.items():
        for hotkey, known in wallet["hotkeys"].items():
            path = SET / "wallets" / name / "hotkeys" / hotkey
            if path.exists() and not known["encrypted"]:
                is_the_key(await wallets.open_key(path, ""), known)
                opened += 1
    assert opened > 20


@needs_vectors
@pytest.mark.slow
@pytest.mark.limit_s(300)
async def test_the_other_spelling_of_a_password_opens_too(tmp_path: Path) -> None:
    """The tools take bytes as they come; we try the other Unicode form and trimmed before we say "wrong"."""
    attempts: list[tuple[int, int]] = []
    for name, other in (("v-pw-nfc", "NFD"), ("v-pw-nfd", "NFC")):
        import unicodedata

        known = WALLETS[name]["coldkey"]
        typed = unicodedata.normalize(other, known["password"])
        assert typed != known["password"]
        shutil.copytree(SET / "wallets" / name, tmp_path / name)
        signer = await wallets.unlock_coldkey(
            tmp_path / name, typed, on_attempt=lambda number, of: attempts.append((number, of))
        )
        assert signer.ss58 == known["ss58"]
    assert attempts == [(1, 2), (2, 2), (1, 2), (2, 2)]


@needs_vectors
@pytest.mark.parametrize("export", EXPORTS, ids=[export["file"] for export in EXPORTS])
async def test_polkadot_js_export(export: dict[str, Any]) -> None:
    data = (SET / export["file"]).read_bytes()
    assert polkadotjs.is_export(data)
    if not export["accept"]:
        with pytest.raises(KeyFileError):
            await polkadotjs.open_export(polkadotjs.parse(data), export["password"])
        return
    parsed = polkadotjs.parse(data)
    assert parsed.ss58 == export["ss58"], "the address is known, with our prefix, before it is opened"
    secret = await polkadotjs.open_export(parsed, export["password"])
    assert (secret.signer.ss58, secret.signer.crypto_type) == (export["ss58"], export["crypto_type"])
    assert "0x" + secret.signer.private_key().hex() == export["private_key"]
    assert verify(export["ss58"], b"m", secret.signer.sign(b"m"))
    if parsed.encrypted and export["file"].endswith("sr-noscrypt.json"):
        with pytest.raises(WrongPasswordError):
            await polkadotjs.open_export(parsed, export["password"] + "x")


@needs_vectors
def test_encryption_constants_are_the_published_ones() -> None:
    known = index()["encryption"]
    assert (known["opslimit"], known["memlimit"]) == (encryption.FULL_COST.passes, encryption.FULL_COST.memory_bytes)
    assert known["header"].encode() == encryption.HEADER and bytes.fromhex(known["salt_hex"]) == encryption._SALT


@needs_vectors
def test_phrases_without_a_path() -> None:
    for case in index()["uris"]:
        phrase, _, bip39_password = case["uri"].partition("///")
        if "/" not in phrase:
            signer = LocalSigner.from_mnemonic(phrase, case["crypto_type"], bip39_password=bip39_password)
            assert signer.ss58 == case["ss58"]


def is_the_key(secret: SecretPart, known: dict[str, Any]) -> None:
    signer = secret.signer
    assert (signer.ss58, signer.crypto_type) == (known["ss58"], known["crypto_type"])
    assert "0x" + signer.public_key.hex() == known["public_key"]
    assert known["private_key"] in (None, "0x" + signer.private_key().hex())
    if known["secret_phrase"] is not None:
        assert secret.phrase == known["secret_phrase"]
    if known["secret_seed"] is not None:
        assert secret.seed is not None and "0x" + secret.seed.hex() == known["secret_seed"]
    for made in known["signatures"]:
        verdict = verify_message(known["ss58"], made["message"], made["signature"])
        assert verdict.valid and not verdict.wrapped
        assert verify(known["ss58"], made["message"].encode(), signer.sign(made["message"].encode()))
    if known.get("wrapped_signature"):
        made = known["wrapped_signature"]
        assert verify_message(known["ss58"], made["message"], made["signature"].removeprefix("0x")).wrapped
