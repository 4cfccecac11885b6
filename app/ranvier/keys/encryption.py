"""Encryption of key files: ``$NACL`` (argon2i, secretbox) both ways, two older forms for reading.

The salt is the same for every wallet in the world, because that is the format. One derivation takes some
seconds of one core and 526 MB, so it runs in a worker thread, one at a time, and asks for memory first.
"""

from __future__ import annotations

import asyncio
import enum
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from ranvier.core.errors import KeyFileError, WrongPasswordError
from ranvier.keys import legacy
from ranvier.keys.trouble import corrupt

HEADER = b"$NACL"
_SALT = bytes.fromhex("137183dff15a09bc9c90b5518739e9b1")
_NONCE_BYTES = 24
_TAG_BYTES = 16
SHORTEST = len(HEADER) + _NONCE_BYTES + _TAG_BYTES
_SPARE_BYTES = 64 * 1024 * 1024

# Two derivations side by side would need a gigabyte: the memory of the machine is what is shared here.
_one_at_a_time = threading.Lock()


class Encryption(enum.StrEnum):
    """How the bytes of a key file are protected, told by how they begin."""

    NONE = "none"
    NACL = "nacl"
    ANSIBLE = "ansible-vault"
    FERNET = "fernet"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one argon2i derivation costs: passes and bytes."""

    passes: int = 8
    memory_bytes: int = 536_870_912


FULL_COST = Cost()
OnAttempt = Callable[[int, int], None]


def form_of(data: bytes) -> Encryption:
    """How ``data`` is encrypted."""
    if data.startswith(HEADER):
        return Encryption.NACL
    if data.startswith(legacy.ANSIBLE_HEADER):
        return Encryption.ANSIBLE
    if data.startswith(legacy.FERNET_HEADER):
        return Encryption.FERNET
    return Encryption.NONE


def check_shape(data: bytes) -> None:
    """Refuse an encrypted file that is too short to be one, before seconds are spent on its password."""
    form = form_of(data)
    if form is Encryption.NACL and len(data) <= SHORTEST:
        raise corrupt(f"The encrypted key file has only {len(data)} bytes; it must have been cut off.")
    if form is Encryption.ANSIBLE:
        legacy.split_ansible(data)
    if form is Encryption.FERNET:
        legacy.split_fernet(data)


async def derive(password: str, cost: Cost = FULL_COST) -> bytes:
    """The 32-byte key of a password, in a worker thread. Not cancellable once it runs."""
    return await asyncio.to_thread(_derive, _password_bytes(password), cost)


def encrypt(data: bytes, key: bytes) -> bytes:
    """``data`` as a ``$NACL`` file."""
    from nacl.secret import SecretBox

    return HEADER + bytes(SecretBox(key).encrypt(data))


def decrypt(data: bytes, key: bytes) -> bytes:
    """The content of a ``$NACL`` file; raises WrongPasswordError, which may also mean a damaged file."""
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    check_shape(data)
    try:
        return bytes(SecretBox(key).decrypt(data[len(HEADER) :]))
    except CryptoError as error:
        raise wrong_password() from error


async def open_with_password(
    data: bytes, password: str, cost: Cost = FULL_COST, *, on_attempt: OnAttempt | None = None
) -> bytes:
    """The content of an encrypted key file of any known form.

    If the password fails as typed, it is tried trimmed and in the other Unicode form before it is called wrong.
    ``on_attempt(number, of)`` is called before each derivation: honest progress is "attempt 1 of 1, about 4 s".
    """
    check_shape(data)
    form = form_of(data)
    spellings = _spellings(password)
    for number, attempt in enumerate(spellings, start=1):
        if on_attempt is not None:
            on_attempt(number, len(spellings))
        try:
            if form is Encryption.NACL:
                return decrypt(data, await derive(attempt, cost))
            if form is Encryption.ANSIBLE:
                return await asyncio.to_thread(legacy.open_ansible, data, _password_bytes(attempt))
            if form is Encryption.FERNET:
                return await asyncio.to_thread(legacy.open_fernet, data, _password_bytes(attempt))
            raise KeyFileError("Not encrypted", "This key file has no password.")
        except WrongPasswordError:
            continue
    raise wrong_password()


def wrong_password() -> WrongPasswordError:
    """The error for a key that does not open."""
    return WrongPasswordError(
        "Wrong password",
        "The password does not open this key, or the file is damaged (the two look the same).",
        "Try again; if you are sure of the password, restore the key from its recovery phrase.",
    )


def _spellings(password: str) -> tuple[str, ...]:
    other = unicodedata.normalize("NFC", password)
    if other == password:
        other = unicodedata.normalize("NFD", password)
    return tuple(dict.fromkeys((password, password.strip(), other, other.strip())))


def _password_bytes(password: str) -> bytes:
    try:
        return password.encode()
    except UnicodeEncodeError as error:
        raise KeyFileError("Not a password", "The password holds a character that cannot be stored.") from error


def _derive(password: bytes, cost: Cost) -> bytes:
    import nacl.exceptions
    import nacl.pwhash

    with _one_at_a_time:
        free = psutil.virtual_memory().available
        if free < cost.memory_bytes + _SPARE_BYTES:
            raise _too_little_memory(f"{free // 1_000_000} MB are free.")
        try:
            return bytes(nacl.pwhash.argon2i.kdf(32, password, _SALT, opslimit=cost.passes, memlimit=cost.memory_bytes))
        except (nacl.exceptions.RuntimeError, MemoryError) as error:
            raise _too_little_memory("the system gave less.") from error


def _too_little_memory(what: str) -> KeyFileError:
    return KeyFileError(
        "Not enough memory",
        f"Opening or encrypting a key needs 600 MB for some seconds; {what}",
        "Close other programs and try again.",
    )
