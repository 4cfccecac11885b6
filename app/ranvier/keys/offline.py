"""Signing with a key that is elsewhere: the payload goes out as a file or QR, the signature comes back.

Format ``ranvier-payload/1``: JSON with the bytes to sign and the plan in words, so that the other machine can show
what it signs. ``ranvier-signature/1`` answers it. Nothing in either is secret. The same payload signed twice is
harmless: its nonce lets the chain take it once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from ranvier.core.errors import KeyFileError, StorageError
from ranvier.core.files import write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.keys import addresses, files, signing
from ranvier.keys.messages import signature_bytes
from ranvier.keys.signing import SCHEME_NAMES, Signer

PAYLOAD = "ranvier-payload/1"
SIGNATURE = "ranvier-signature/1"
T = TypeVar("T", "Payload", "Signature")


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be signed: ``signing_bytes`` are exactly the bytes (hashed already where the chain's rule says so).

    ``words`` is the plan for people; it is not part of what is signed, so the signer compares call and amounts.
    """

    format: str = PAYLOAD
    signer_ss58: str
    crypto_type: int
    signing_bytes: str
    genesis_hash: str
    network: str = ""
    words: tuple[str, ...] = ()

    @property
    def data(self) -> bytes:
        return bytes.fromhex(self.signing_bytes.removeprefix("0x"))

    @property
    def id(self) -> str:
        """A short name by which people tell two payloads apart; it depends on the bytes to sign and on who signs."""
        return hashlib.blake2b(self.data + self.signer_ss58.encode(), digest_size=4).hexdigest()


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a payload."""

    format: str = SIGNATURE
    payload_id: str
    signer_ss58: str
    crypto_type: int
    signature: str


class SignatureNeededError(KeyFileError):
    """The key is elsewhere: export ``payload``, sign it there, and bring the signature."""

    def __init__(self, payload: Payload) -> None:
        super().__init__(
            "Signature needed",
            f"The key of {addresses.short(payload.signer_ss58)} is not on this machine.",
            "Sign the exported payload where the key is, and bring the signature back.",
        )
        self.payload = payload


class ExportedSigner:
    """The second kind of signer: it holds no key. ``sign`` of bytes whose signature was not brought yet raises
    SignatureNeededError with the payload to export; after ``bring`` the same bytes give the signature."""

    def __init__(
        self, ss58: str, crypto_type: int, *, genesis_hash: str, network: str = "", words: Sequence[str] = ()
    ) -> None:
        self.ss58 = ss58
        self.public_key = addresses.public_key(ss58)
        self.crypto_type = crypto_type
        self._genesis_hash = genesis_hash
        self._network = network
        self._words = tuple(words)
        self._brought: dict[bytes, bytes] = {}

    def payload(self, data: bytes) -> Payload:
        """``data`` as a payload to export."""
        return Payload(
            signer_ss58=self.ss58,
            crypto_type=self.crypto_type,
            signing_bytes="0x" + data.hex(),
            genesis_hash=self._genesis_hash,
            network=self._network,
            words=self._words,
        )

    def bring(self, data: bytes, signature: str | Signature) -> None:
        """Take the signature over ``data``; raises KeyFileError when it is not one by this key."""
        self._brought[data] = check_signature(self.payload(data), signature)

    def sign(self, payload: bytes) -> bytes:
        """The signature that was brought for exactly these bytes."""
        if payload not in self._brought:
            raise SignatureNeededError(self.payload(payload))
        return self._brought[payload]


def sign_payload(payload: Payload, signer: Signer) -> Signature:
    """Sign where the key is; raises KeyFileError when the payload is for another key."""
    if signer.ss58 != payload.signer_ss58:
        raise KeyFileError(
            "Another key",
            f"The payload is for {payload.signer_ss58}, but this key is {signer.ss58}.",
            "Choose the wallet that the payload names.",
        )
    return Signature(
        payload_id=payload.id,
        signer_ss58=signer.ss58,
        crypto_type=signer.crypto_type,
        signature="0x" + signer.sign(payload.data).hex(),
    )


def check_signature(payload: Payload, signature: str | Signature) -> bytes:
    """The 64 bytes of ``signature`` (hex as pasted, or a file's content) when it is by the payload's key over its
    bytes; raises KeyFileError."""
    if isinstance(signature, Signature):
        if signature.payload_id != payload.id:
            raise KeyFileError(
                "Signature of another payload",
                f"The signature answers payload {signature.payload_id}, this one is {payload.id}.",
                "Export this payload and sign it.",
            )
        raw = signature_bytes(signature.signature)
    else:
        raw = signature_bytes(signature)
    found = signing.scheme_of(addresses.public_key(payload.signer_ss58), payload.data, raw)
    if found != payload.crypto_type:
        raise KeyFileError(
            "Signature does not fit",
            f"It is not a signature by {addresses.short(payload.signer_ss58)} over this payload.",
            "Sign this payload with that key.",
        )
    return raw


def encode(item: Payload | Signature) -> bytes:
    """The file's content, also what the QR holds."""
    return msgspec.json.encode(item)


def read_payload(data: bytes) -> Payload:
    """A payload from a file's content; raises KeyFileError when it is none or does not hold together."""
    payload = _decode(data, Payload, PAYLOAD)
    if payload.crypto_type not in SCHEME_NAMES:
        raise KeyFileError("Unsupported key type", f"The payload is for key type {payload.crypto_type}.")
    addresses.public_key(payload.signer_ss58)
    try:
        empty = not payload.data
    except ValueError as error:
        raise _not_ours("payload") from error
    if empty:
        raise _not_ours("payload")
    return payload


def read_signature(data: bytes) -> Signature:
    """A signature from a file's content; raises KeyFileError."""
    signature = _decode(data, Signature, SIGNATURE)
    signature_bytes(signature.signature)
    return signature


def write(path: Path, item: Payload | Signature) -> None:
    """Write to a new file, for a stick or another machine; raises KeyFileError when it exists, or StorageError."""
    try:
        write_atomic(path, encode(item), mode=0o644, replace=False)
    except FileExistsError as error:
        raise StorageError("File exists", f"{path} exists and was left as it is.", "Choose another name.") from error


def load_payload(path: Path) -> Payload:
    """A payload file; raises KeyFileError."""
    return read_payload(files.read_bytes(path))


def load_signature(path: Path) -> Signature:
    """A signature file; raises KeyFileError."""
    return read_signature(files.read_bytes(path))


def _decode(data: bytes, kind: type[T], form: str) -> T:
    try:
        item = msgspec.json.decode(data, type=kind)
    except NOT_JSON as error:
        raise _not_ours(form) from error
    if item.format != form:
        raise _not_ours(form)
    return item


def _not_ours(form: str) -> KeyFileError:
    return KeyFileError(
        "Not the right file", f"The file is not a whole {form.partition('/')[0]} file.", "Export again."
    )
