"""Addresses: a 32-byte public key as ss58 text and back (prefix 42, "5..."), without any chain library."""

from __future__ import annotations

import hashlib

import base58

from ranvier.core.errors import RanvierError

PREFIX = 42
_KEY_BYTES = 32
_CHECKSUM_BYTES = 2


class AddressError(RanvierError):
    """A text is not an address of this network; the message says what is wrong with it."""


def ss58(public_key: bytes, prefix: int = PREFIX) -> str:
    """The address of a 32-byte public key; ``prefix`` below 64 (Bittensor uses 42)."""
    if len(public_key) != _KEY_BYTES:
        raise ValueError(f"a public key has {_KEY_BYTES} bytes, not {len(public_key)}")
    if not 0 <= prefix < 64:
        raise ValueError("prefixes of two bytes are read only")
    body = bytes([prefix]) + public_key
    return base58.b58encode(body + _checksum(body)).decode("ascii")


def public_key(text: str, *, any_prefix: bool = False) -> bytes:
    """The 32 bytes behind an address.

    Raises AddressError for a typing error, another network's prefix (unless ``any_prefix``) or anything else.
    """
    prefix, key = _split(text)
    if prefix != PREFIX and not any_prefix:
        raise AddressError(
            "Address of another network",
            f"{_short(text)} has network prefix {prefix}; Bittensor addresses have {PREFIX} and begin with 5.",
            "Copy the address from a Bittensor wallet.",
        )
    return key


def is_ss58(text: str) -> bool:
    """Whether ``text`` is a Bittensor address without a typing error."""
    try:
        public_key(text)
    except AddressError:
        return False
    return True


def short(text: str) -> str:
    """``5GrwvaEF…KutQY`` for places where the whole address does not fit."""
    return text if len(text) <= 16 else f"{text[:8]}…{text[-5:]}"


def _split(text: str) -> tuple[int, bytes]:
    if not 33 <= len(text) <= 60 or not text.isascii():
        raise _not_an_address(text)
    try:
        data = base58.b58decode(text)
    except ValueError:
        raise _not_an_address(text) from None
    prefix_bytes = 2 if data and data[0] & 0b0100_0000 else 1
    if len(data) != prefix_bytes + _KEY_BYTES + _CHECKSUM_BYTES:
        raise _not_an_address(text)
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if _checksum(body) != checksum:
        raise AddressError(
            "Mistyped address",
            f"The checksum of {_short(text)} is wrong, so at least one character is.",
            "Copy the address again instead of typing it.",
        )
    if prefix_bytes == 1:
        return data[0], body[1:]
    return ((data[0] & 0x3F) << 2) | (data[1] >> 6) | ((data[1] & 0x3F) << 8), body[2:]


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(b"SS58PRE" + body).digest()[:_CHECKSUM_BYTES]


def _not_an_address(text: str) -> AddressError:
    return AddressError(
        "Not an address",
        f"{_short(text)!r} is not a Bittensor address.",
        "An address begins with 5 and has 48 letters and digits.",
    )


def _short(text: str) -> str:
    return text if len(text) <= 50 else text[:47] + "…"
