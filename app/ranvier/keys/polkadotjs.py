"""Accounts exported by polkadot.js (and wallets like it) as JSON, version 3: our own importer.

Rules: scrypt with n up to 2^18, r up to 8 and p = 1 (more is refused, not computed), or no scrypt, or no encryption
at all; sr25519 and ed25519; the address may have any prefix, the result has ours.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any

import psutil

from ranvier.core.errors import KeyFileError, WrongPasswordError
from ranvier.keys import addresses
from ranvier.keys.content import KeyTroubleError, SecretPart, Trouble, json_object
from ranvier.keys.signing import ED25519, SR25519, LocalSigner

_SCRYPT_HEADER = 32 + 3 * 4  # salt, then n, p, r as little-endian 32-bit numbers
_NONCE, _TAG = 24, 16
_LARGEST_N, _LARGEST_R = 1 << 18, 8
_PKCS8 = bytes.fromhex("3053020101300506032b657004220420")
_DIVIDER = bytes.fromhex("a123032100")
_HEX = re.compile("0x[0-9a-fA-F]*")
_SCHEMES = {"sr25519": SR25519, "ed25519": ED25519}


@dataclass(frozen=True, slots=True)
class Export:
    """What an export says before it is opened. ``ss58`` has our prefix; None when the file names no address."""

    content: bytes
    crypto_type: int
    ciphers: tuple[str, ...]
    ss58: str | None
    name: str | None

    @property
    def encrypted(self) -> bool:
        """Whether a password is needed."""
        return self.ciphers != ()


def is_export(data: bytes) -> bool:
    """Whether ``data`` looks like such an export."""
    try:
        fields = json_object(data)
    except KeyTroubleError:
        return False
    return "encoded" in fields and "encoding" in fields


def parse(data: bytes) -> Export:
    """Read an export without opening it; raises KeyTroubleError which says why it cannot be imported."""
    fields = json_object(data)
    if "accounts" in fields and "encoded" in fields:
        raise _unsupported("This export holds several accounts.", "Export the one account by itself.")
    encoded, encoding = fields.get("encoded"), fields.get("encoding")
    if not isinstance(encoded, str) or not isinstance(encoding, dict):
        raise _damaged("This is not an account exported by polkadot.js.")
    if str(encoding.get("version")) != "3":
        raise _unsupported(f"Version {str(encoding.get('version'))[:12]!r} of the format is not supported, only 3.")
    content, ciphers = _texts(encoding.get("content")), _texts(encoding.get("type"))
    if len(content) != 2 or content[0] != "pkcs8" or content[1] not in _SCHEMES:
        raise _unsupported("The account's key type is not sr25519 or ed25519.")
    known = {("scrypt", "xsalsa20-poly1305"), ("xsalsa20-poly1305",), ("none",), ()}
    if ciphers not in known:
        raise _unsupported("The account is encrypted in a way that is not supported.")
    meta = fields.get("meta")
    name = meta.get("name") if isinstance(meta, dict) else None
    return Export(
        content=_decoded(encoded),
        crypto_type=_SCHEMES[content[1]],
        ciphers=() if ciphers == ("none",) else ciphers,
        ss58=_address(fields),
        name=name if isinstance(name, str) else None,
    )


async def open_export(export: Export, password: str) -> SecretPart:
    """The key in an export, in a worker thread (up to a second, 256 MB). Only the private key is in there.

    Raises WrongPasswordError, KeyTroubleError (damaged, or of another address than the file says).
    """
    return await asyncio.to_thread(_open, export, password)


def _open(export: Export, password: str) -> SecretPart:
    plain = _decrypt(export, password.encode("utf-8", "surrogatepass")) if export.encrypted else export.content
    secret, public = _split_pkcs8(plain)
    signer = _signer(secret, public, export.crypto_type)
    if signer.public_key != public or (export.ss58 is not None and signer.ss58 != export.ss58):
        raise KeyTroubleError(
            Trouble.MISMATCH,
            "Two different keys",
            f"The secret in the export belongs to {addresses.short(signer.ss58)}, but the file says another address.",
            "Export the account again.",
        )
    # The 32 bytes of an ed25519 key are its seed; an sr25519 key cannot be turned back into one.
    return SecretPart(signer, None, signer.private_key() if export.crypto_type == ED25519 else None)


def _decrypt(export: Export, password: bytes) -> bytes:
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    content = export.content
    if "scrypt" in export.ciphers:
        key, content = _scrypt(content, password)
    else:
        key = password[:32].ljust(32, b"\0")
    if len(content) <= _NONCE + _TAG:
        raise _damaged("The export is cut off.")
    try:
        return bytes(SecretBox(key).decrypt(content))
    except CryptoError as error:
        raise WrongPasswordError(
            "Wrong password",
            "The password does not open this export, or the file is damaged (the two look the same).",
            "It is the password given when the account was exported.",
        ) from error


def _scrypt(content: bytes, password: bytes) -> tuple[bytes, bytes]:
    if len(content) <= _SCRYPT_HEADER + _NONCE + _TAG:
        raise _damaged("The export is cut off.")
    salt = content[:32]
    n, p, r = (int.from_bytes(content[at : at + 4], "little") for at in (32, 36, 40))
    if not 2 <= n <= _LARGEST_N or n & (n - 1) or not 1 <= r <= _LARGEST_R or p != 1:
        raise _unsupported("The export asks for more work to open it than any wallet writes; it was not tried.")
    memory = 128 * r * (n + p + 2)
    if psutil.virtual_memory().available < memory + (64 << 20):
        raise KeyFileError(
            "Not enough memory", f"Opening this export needs {memory >> 20} MB.", "Close other programs."
        )
    try:
        key = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=2 * memory, dklen=64)
    except (ValueError, MemoryError) as error:
        raise KeyFileError("Not enough memory", f"Opening this export needs {memory >> 20} MB.") from error
    return key[:32], content[_SCRYPT_HEADER:]


def _split_pkcs8(plain: bytes) -> tuple[bytes, bytes]:
    """Secret (64 bytes, in older files a 32-byte seed) and public key."""
    if not plain.startswith(_PKCS8):
        raise _damaged("The opened export holds no key.")
    body = plain[len(_PKCS8) :]
    for size in (64, 32):
        secret, divider, public = body[:size], body[size : size + len(_DIVIDER)], body[size + len(_DIVIDER) :]
        if divider == _DIVIDER and len(public) == 32:
            return secret, public
    raise _damaged("The opened export holds no whole key.")


def _signer(secret: bytes, public: bytes, crypto_type: int) -> LocalSigner:
    import sr25519

    try:
        if crypto_type == ED25519 or len(secret) == 32:
            return LocalSigner.from_seed(secret[:32], crypto_type)
        found, private = sr25519.pair_from_ed25519_secret_key(secret)
        return LocalSigner(bytes(private), bytes(found), SR25519)
    except (ValueError, TypeError, KeyFileError) as error:
        raise _damaged("The key in the export is not usable.") from error


def _texts(value: Any) -> tuple[str, ...]:
    """The format writes one text or a list of them."""
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    return tuple(item if isinstance(item, str) else "?" for item in values[:5])


def _decoded(encoded: str) -> bytes:
    try:
        if _HEX.fullmatch(encoded.strip()):  # one base64 text in 4,096 begins with "0x" too
            return bytes.fromhex(encoded.strip()[2:])
        return base64.b64decode(encoded.strip(), validate=True)
    except ValueError as error:
        raise _damaged("The export is damaged: its content cannot be decoded.") from error


def _address(fields: dict[str, Any]) -> str | None:
    text = fields.get("address")
    if not isinstance(text, str) or not text:
        return None
    if text.startswith("0x") and len(text) == 66:
        try:
            return addresses.ss58(bytes.fromhex(text[2:]))
        except ValueError:
            raise _damaged("The address in the export is wrong.") from None
    try:
        return addresses.ss58(addresses.public_key(text, any_prefix=True))
    except addresses.AddressError as error:
        raise _damaged(f"The address in the export is wrong: {error.message}") from error


def _unsupported(message: str, hint: str = "Import the account from its recovery phrase instead.") -> KeyTroubleError:
    return KeyTroubleError(Trouble.UNSUPPORTED, "Unsupported export", message, hint)


def _damaged(message: str) -> KeyTroubleError:
    return KeyTroubleError(Trouble.CORRUPT, "Export damaged", message, "Export the account again.")
