"""Signing and checking messages as ``btcli wallet sign`` and ``verify`` do, and as browser wallets do."""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.core.errors import KeyFileError
from ranvier.keys import addresses, signing
from ranvier.keys.signing import SCHEME_NAMES, Signer

_OPEN, _CLOSE = b"<Bytes>", b"</Bytes>"


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A signature as bare hex with its signer: the two fields that ``btcli wallet sign --json`` prints."""

    signed_message: str
    signer_address: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a signature is good; if so, in which scheme and whether a browser wallet wrapped the message."""

    valid: bool
    scheme: str | None = None
    wrapped: bool = False


def sign_message(signer: Signer, message: str | bytes, *, wrap: bool = False) -> SignedMessage:
    """Sign a message: a text's UTF-8 bytes, exactly (``0x..`` is text, never decoded).

    ``wrap`` signs ``<Bytes>message</Bytes>`` as browser wallets do: such a signature can never be a transaction's.
    """
    data = _bytes(message)
    return SignedMessage(signer.sign(wrapped(data) if wrap else data).hex(), signer.ss58)


def verify_message(ss58: str, message: str | bytes, signature: str) -> Verdict:
    """Try both schemes, and the message wrapped or not, whichever way it is given.

    Raises AddressError for a wrong address and KeyFileError for a text that is no signature.
    """
    key = addresses.public_key(ss58.strip(), any_prefix=True)
    raw = signature_bytes(signature)
    data = _bytes(message)
    plain = data[len(_OPEN) : -len(_CLOSE)] if _is_wrapped(data) else data
    for form in dict.fromkeys((data, plain, wrapped(plain))):
        scheme = signing.scheme_of(key, form, raw)
        if scheme is not None:
            return Verdict(True, SCHEME_NAMES[scheme], _is_wrapped(form))
    return Verdict(False)


def wrapped(data: bytes) -> bytes:
    """``<Bytes>data</Bytes>``, as it is where it is wrapped already."""
    return data if _is_wrapped(data) else _OPEN + data + _CLOSE


def signature_bytes(text: str) -> bytes:
    """The 64 bytes of a signature typed as hex, with or without 0x.

    A first byte that names the scheme (65 bytes, as transactions carry it) is dropped. Raises KeyFileError.
    """
    digits = "".join(text.split()).removeprefix("0x")
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        raw = b""
    if len(raw) == 65 and raw[0] in SCHEME_NAMES:
        raw = raw[1:]
    if len(raw) != 64:
        raise KeyFileError(
            "Not a signature",
            "A signature is 128 hex digits, with or without 0x.",
            "Copy it again as a whole.",
        )
    return raw


def _is_wrapped(data: bytes) -> bool:
    return len(data) >= len(_OPEN) + len(_CLOSE) and data.startswith(_OPEN) and data.endswith(_CLOSE)


def _bytes(message: str | bytes) -> bytes:
    if isinstance(message, bytes):
        return message
    try:
        return message.encode()
    except UnicodeEncodeError as error:
        raise KeyFileError("Not a message", "The message holds a character that cannot be stored.") from error
