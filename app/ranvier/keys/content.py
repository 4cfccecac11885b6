"""What stands in a key file: every era's fields read safely, and the one shape that every tool reads written.

Fields and their traps: an sr25519 file is written without ``cryptoType`` (old tools refuse the field), an
ed25519 file with the integer 0 (old tools must refuse it, they would open another account).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ranvier.core.errors import KeyFileError, MnemonicError
from ranvier.keys import addresses, encryption, mnemonic
from ranvier.keys.encryption import Encryption
from ranvier.keys.signing import ED25519, SR25519, LocalSigner
from ranvier.keys.trouble import KeyTroubleError, Trouble, corrupt

__all__ = [
    "KeyTroubleError",
    "PublicPart",
    "SecretPart",
    "Trouble",
    "corrupt",
    "json_object",
    "key_fields",
    "parse_public",
    "parse_secret",
    "public_json",
    "secret_json",
]

_SECRET_FIELDS = ("secretPhrase", "secretSeed", "privateKey")
_FUTURE_FIELDS = ("accountType", "signingScheme", "hashedDescriptor")
_LONGEST_BARE = 400  # a recovery phrase of 24 words has at most 215 characters


@dataclass(frozen=True, slots=True)
class PublicPart:
    """What a public file (or the public half of a secret one) says. ``note`` is worth telling the user."""

    ss58: str
    public_key: bytes
    crypto_type: int
    holds_secret: bool = False
    note: str | None = None


@dataclass(slots=True)
class SecretPart:
    """A secret as it is written to a file: the signer, and the phrase or seed it came from."""

    signer: LocalSigner
    phrase: str | None = field(default=None, repr=False)
    seed: bytes | None = field(default=None, repr=False)

    @classmethod
    def from_mnemonic(cls, phrase: str, crypto_type: int = SR25519) -> SecretPart:
        """The key of a recovery phrase; raises MnemonicError."""
        phrase = mnemonic.check(phrase)
        seed = mnemonic.mini_secret(phrase)
        return cls(LocalSigner.from_seed(seed, crypto_type), phrase, seed)

    @property
    def public(self) -> PublicPart:
        return PublicPart(self.signer.ss58, self.signer.public_key, self.signer.crypto_type)


def parse_public(data: bytes) -> PublicPart:
    """The address in a public file (or in a plain secret one); raises KeyTroubleError."""
    if encryption.form_of(data) is not Encryption.NONE:
        raise corrupt("The file is encrypted, but a public file is expected here; it may be a copy of the coldkey.")
    bare = _bare_hex(data)
    if bare is not None:
        if len(bare) != 32:
            raise corrupt("The file holds bare hex of the wrong length; if it is a private key, nobody may see it.")
        remark = "An old file that holds only the public key; other tools may show a wrong address for it."
        return PublicPart(addresses.ss58(bare), bare, SR25519, note=remark)
    if _bare_phrase(data) is not None:
        raise corrupt("The file holds a recovery phrase. Do not copy or share it.", "Move it to a safe place.")
    fields = key_fields(data)
    crypto_type = _crypto_type(fields)
    key, note = _stated_key(fields)
    if key is None:
        raise corrupt("The file names no address (ss58Address).")
    holds_secret = any(fields.get(name) for name in _SECRET_FIELDS)
    return PublicPart(addresses.ss58(key), key, crypto_type, holds_secret, note)


def parse_secret(data: bytes, expected: bytes | None = None) -> SecretPart:
    """The secret in a plain key file, checked against the address that the file states.

    ``expected`` is the public key that the file beside it states: a file that is only a seed or a phrase says not
    which account it is, so it opens only where that is known. Raises KeyTroubleError; NO_SECRET when the file is
    only the public half.
    """
    if encryption.form_of(data) is not Encryption.NONE:
        raise KeyTroubleError(Trouble.UNREADABLE, "Locked key", "This key file is encrypted.", "Enter its password.")
    bare = _bare_secrets(data)
    if bare is not None:
        return _matching(bare, expected)
    fields = key_fields(data)
    crypto_type = _crypto_type(fields)
    stated = _stated_key(fields, strict=False)[0] or _hex_key(fields.get("publicKey"))
    if not any(fields.get(name) for name in _SECRET_FIELDS):
        if stated is None:
            raise corrupt("The file holds no key (no secretPhrase, secretSeed, privateKey or ss58Address).")
        raise KeyTroubleError(
            Trouble.NO_SECRET, "Public half only", "The file holds only the address, so it cannot sign."
        )
    part = _secret(fields, crypto_type)
    if stated is not None and part.signer.public_key != stated:
        # Some tools wrote the wrong scheme; the address decides, never the guess.
        part = _secret(fields, ED25519 if crypto_type == SR25519 else SR25519)
        if part.signer.public_key != stated:
            raise corrupt(
                f"The secret belongs to {addresses.short(part.signer.ss58)}, but the file says "
                f"{addresses.short(addresses.ss58(stated))}."
            )
    return part


def public_json(public: PublicPart) -> bytes:
    """The content of a public file."""
    key = "0x" + public.public_key.hex()
    return _json({"accountId": key, "publicKey": key, "ss58Address": public.ss58}, public.crypto_type)


def secret_json(secret: SecretPart) -> bytes:
    """The plain content of a secret file."""
    key = "0x" + secret.signer.public_key.hex()
    fields = {"accountId": key, "publicKey": key, "privateKey": "0x" + secret.signer.private_key().hex()}
    if secret.phrase is not None:
        fields["secretPhrase"] = secret.phrase
    if secret.seed is not None:
        fields["secretSeed"] = "0x" + secret.seed.hex()
    return _json({**fields, "ss58Address": secret.signer.ss58}, secret.signer.crypto_type)


def json_object(data: bytes) -> dict[str, Any]:
    """The JSON object in ``data``: UTF-8 only, as every tool reads it; raises KeyTroubleError in words."""
    if not data.strip():
        raise corrupt("The file is empty.")
    if not data.strip(b"\0"):
        raise corrupt("The file holds only zeros, as after a power cut.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        raise corrupt("The file begins with a byte-order mark: an editor or shell saved it in another encoding.")
    try:
        fields = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise corrupt(_not_json(data)) from error
    if not isinstance(fields, dict):
        raise corrupt("The content is JSON, but not a key file.")
    return fields


def key_fields(data: bytes) -> dict[str, Any]:
    """The fields of a Bittensor key file; another program's file is called by its name."""
    fields = json_object(data)
    if "encoded" in fields and "encoding" in fields:
        raise KeyTroubleError(
            Trouble.FOREIGN,
            "A polkadot.js export",
            "This is an account exported by polkadot.js, not a Bittensor key file.",
            "Import it with its password instead of placing it here.",
        )
    if isinstance(fields.get("crypto", fields.get("Crypto")), dict):
        raise KeyTroubleError(
            Trouble.FOREIGN,
            "An Ethereum key file",
            "This is an Ethereum keystore; its key has no Bittensor coldkey or hotkey address.",
            "Keep it where the EVM keys are.",
        )
    return fields


def _not_json(data: bytes) -> str:
    start = data.lstrip()
    if start.startswith(b"JE5BQ0"):
        return "The file is a base64 copy of an encrypted key file; decode it to get the key file back."
    if start.startswith(b"<"):
        return "The file is a web page, not a key file; the download went wrong."
    if addresses.is_ss58(start[:60].strip().decode("ascii", "replace")):
        return "The file holds only an address, which no tool reads; add it as a watch-only wallet instead."
    if start.startswith(b"{"):
        return "The key file is incomplete or damaged: its content is not whole JSON."
    return "The content is not a key file (not JSON)."


def _json(fields: dict[str, str], crypto_type: int) -> bytes:
    whole: dict[str, str | int] = dict(fields)
    if crypto_type != SR25519:
        whole["cryptoType"] = crypto_type
    return json.dumps(whole, separators=(",", ":")).encode()


def _crypto_type(fields: dict[str, Any]) -> int:
    value = fields.get("cryptoType")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4:
        value = int(value)
    if value is None or value == "sr25519":
        value = SR25519
    if value == "ed25519":
        value = ED25519
    future = any(fields.get(name) is not None for name in _FUTURE_FIELDS)
    if type(value) is not int or value not in (ED25519, SR25519) or future:
        raise KeyTroubleError(
            Trouble.UNSUPPORTED,
            "Unsupported key type",
            "The type of this key is unsupported: this version does not know it. The file was left as it is.",
            "Update Ranvier, or use the tool that made it.",
        )
    return value


def _stated_key(fields: dict[str, Any], *, strict: bool = True) -> tuple[bytes | None, str | None]:
    """The public key that the file claims, from its address; another prefix is accepted and noted.

    ``strict`` compares the redundant key fields too; with a secret at hand that proof is better.
    """
    text = fields.get("ss58Address")
    if text is None:
        return None, None
    if not isinstance(text, str):
        raise corrupt("The address in the file is not a text.")
    try:
        key = addresses.public_key(text, any_prefix=True)
    except addresses.AddressError as error:
        raise corrupt(f"The address in the file is wrong: {error.message}") from error
    for name in ("publicKey", "accountId") if strict else ():
        if _hex_key(fields.get(name)) not in (None, key):
            raise KeyTroubleError(
                Trouble.MISMATCH, "Two keys in one file", "The address and the public key in the file do not match."
            )
    note = None if addresses.ss58(key) == text else "The file states the address with another network's prefix."
    return key, note


def _hex_key(value: object) -> bytes | None:
    """The 32 bytes of a redundant key field; None when it is absent or no key at all (every reader ignores those)."""
    if not isinstance(value, str) or len(value) > 70:
        return None
    try:
        key = bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        return None
    return key if len(key) == 32 else None


def _secret(fields: dict[str, Any], crypto_type: int) -> SecretPart:
    phrase, seed, private = (_text(fields, name) for name in _SECRET_FIELDS)
    try:
        if phrase is not None:
            return SecretPart.from_mnemonic(phrase, crypto_type)
        if seed is not None:
            raw = _hex(seed)
            if len(raw) == 64:  # some tools keep the expanded key under this name
                return SecretPart(LocalSigner.from_private_key(raw, crypto_type))
            return SecretPart(LocalSigner.from_seed(raw, crypto_type), None, raw)
        return SecretPart(LocalSigner.from_private_key(_hex(private or ""), crypto_type))
    except MnemonicError as error:
        raise corrupt(f"The recovery phrase in the file is not valid: {error.title.lower()}.") from error
    except KeyTroubleError:
        raise
    except KeyFileError as error:
        raise corrupt(f"The secret in the file is not usable: {error.message}") from error


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise corrupt(f"{name} in the file is not a text.")
    return value or None


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise corrupt("A secret in the file is not hex.") from None


def _bare_hex(data: bytes) -> bytes | None:
    text = data.strip()
    if len(text) > _LONGEST_BARE or not text.isascii():
        return None
    try:
        return bytes.fromhex(text.decode().removeprefix("0x")) or None
    except ValueError:
        return None


def _bare_phrase(data: bytes) -> str | None:
    text = data.strip()
    if len(text) > _LONGEST_BARE or not text[:1].isalpha() or not text.isascii():
        return None  # nearly every file is JSON: looking up what words it could have meant would cost milliseconds
    try:
        return mnemonic.check(text.decode())
    except MnemonicError:
        return None


def _bare_secrets(data: bytes) -> list[SecretPart] | None:
    """Every key that a file without any fields may mean; None when it is not such a file."""
    phrase, raw = _bare_phrase(data), _bare_hex(data)
    if phrase is not None:
        return [SecretPart.from_mnemonic(phrase, scheme) for scheme in (SR25519, ED25519)]
    if raw is None:
        return None
    if len(raw) == 32:
        return [SecretPart(LocalSigner.from_seed(raw, scheme), None, raw) for scheme in (SR25519, ED25519)]
    try:
        return [SecretPart(LocalSigner.from_private_key(raw))]
    except KeyFileError:
        return []


def _matching(candidates: list[SecretPart], expected: bytes | None) -> SecretPart:
    for part in candidates:
        if part.signer.public_key == expected:
            return part
        if part.seed is not None and part.phrase is None and part.seed == expected:
            raise KeyTroubleError(Trouble.NO_SECRET, "Public half only", "The file holds only the public key.")
    what = "a recovery phrase" if candidates and candidates[0].phrase else "bare hex (a public key or a seed)"
    raise corrupt(
        f"The file holds only {what} and says not for which address.",
        "Import it as what it is; then its address shows.",
    )
