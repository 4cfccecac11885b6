"""A key from whatever a person has: words, a seed, a private key, a key file, a polkadot.js export.

What it is gets recognised and named, and the address is known before anything is written.
"""

from __future__ import annotations

import enum
from pathlib import Path

from ranvier.core.errors import KeyFileError
from ranvier.keys import encryption, files, mnemonic, polkadotjs, wallets
from ranvier.keys.content import KeyTroubleError, SecretPart
from ranvier.keys.encryption import FULL_COST, Cost, Encryption, OnAttempt
from ranvier.keys.signing import SR25519, LocalSigner


class Kind(enum.StrEnum):
    """What a typed secret or a file is."""

    PHRASE = "recovery phrase"
    SEED = "hex seed"
    PRIVATE_KEY = "private key"
    POLKADOT_JS = "polkadot.js export"
    KEY_FILE = "key file"
    ENCRYPTED_KEY_FILE = "encrypted key file"

    @property
    def needs_password(self) -> bool:
        """Whether it may have a password of its own."""
        return self in (Kind.POLKADOT_JS, Kind.ENCRYPTED_KEY_FILE)


def from_text(text: str, crypto_type: int = SR25519, *, bip39_password: str = "") -> SecretPart:
    """The key of typed words, of a 32-byte hex seed or of a 64-byte hex private key.

    Raises MnemonicError which names the wrong word, or KeyFileError. The message holds no more than one word.
    """
    raw = _hex(text)
    if raw is None:
        if bip39_password:  # the phrase alone would be another account, so it is not kept
            seed = mnemonic.mini_secret(mnemonic.check(text), bip39_password)
            return SecretPart(LocalSigner.from_seed(seed, crypto_type), None, seed)
        return SecretPart.from_mnemonic(text, crypto_type)
    if len(raw) == 32:
        return SecretPart(LocalSigner.from_seed(raw, crypto_type), None, raw)
    if len(raw) == 64:
        return SecretPart(LocalSigner.from_private_key(raw, crypto_type))
    raise KeyFileError(
        "Not a key",
        f"A seed has 32 bytes (64 hex digits) and a private key 64; this has {len(raw)}.",
        "Look for digits left out.",
    )


def kind_of_text(text: str) -> Kind:
    """What typed text probably is, before it is checked."""
    raw = _hex(text)
    return Kind.PHRASE if raw is None else Kind.SEED if len(raw) == 32 else Kind.PRIVATE_KEY


def kind_of_file(path: Path) -> Kind:
    """What the file at ``path`` is; raises KeyFileError for what cannot be read."""
    data = files.read_bytes(path)
    if encryption.form_of(data) is not Encryption.NONE:
        encryption.check_shape(data)
        return Kind.ENCRYPTED_KEY_FILE
    if polkadotjs.is_export(data):
        return Kind.POLKADOT_JS
    text = _text(data)
    if text is not None and data.lstrip()[:1] != b"{":
        return kind_of_text(text)
    return Kind.KEY_FILE


async def from_file(
    path: Path,
    password: str = "",
    crypto_type: int = SR25519,
    *,
    on_attempt: OnAttempt | None = None,
    _cost: Cost = FULL_COST,
) -> SecretPart:
    """The key in any file that a person may have kept: a key file of any era, an export, a text with the words.

    Raises WrongPasswordError, KeyFileError, MnemonicError.
    """
    kind = kind_of_file(path)
    data = files.read_bytes(path)
    if kind is Kind.POLKADOT_JS:
        return await polkadotjs.open_export(polkadotjs.parse(data), password)
    if kind in (Kind.PHRASE, Kind.SEED, Kind.PRIVATE_KEY):
        return from_text(_text(data) or "", crypto_type)
    try:
        return await wallets.open_key(path, password, on_attempt=on_attempt, _cost=_cost)
    except KeyTroubleError as error:
        if kind is Kind.ENCRYPTED_KEY_FILE and error.trouble is files.Trouble.FOREIGN:
            inner = await encryption.open_with_password(data, password, _cost)
            return await polkadotjs.open_export(polkadotjs.parse(inner), password)
        raise


def _hex(text: str) -> bytes | None:
    parts = text.split()
    digits = "".join(parts).removeprefix("0x").removeprefix("0X")
    if not digits or not all(c in "0123456789abcdefABCDEF" for c in digits):
        return None
    if len(parts) > 1 and not any(c.isdigit() for c in digits):
        return None  # "add beef face ..." are words of the list too
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise KeyFileError("Not a key", "The hex has an odd number of digits; one is missing.") from error


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return None
