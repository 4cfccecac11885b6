"""One key file: reading every shape safely, and writing the shape that every tool reads.

Fields and their traps: an sr25519 file is written without ``cryptoType`` (old tools refuse the field), an
ed25519 file with the integer 0 (old tools must refuse it, they would open another account).
"""

from __future__ import annotations

import enum
import errno
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ranvier.core.errors import KeyFileError, MnemonicError, StorageError
from ranvier.core.files import write_atomic
from ranvier.keys import addresses, encryption, mnemonic
from ranvier.keys.encryption import Encryption
from ranvier.keys.signing import ED25519, SR25519, LocalSigner

LARGEST = 64 * 1024
_SECRET_FIELDS = ("secretPhrase", "secretSeed", "privateKey")
_FUTURE_FIELDS = ("accountType", "signingScheme", "hashedDescriptor")


class Trouble(enum.StrEnum):
    """What is wrong with a key file; the sentence is in the error beside it."""

    MISSING = "missing"
    NOT_A_FILE = "not_a_file"
    UNREADABLE = "unreadable"
    CORRUPT = "corrupt"
    FOREIGN = "foreign"
    UNSUPPORTED = "unsupported"
    MISMATCH = "mismatch"
    NO_SECRET = "no_private_key"
    EXISTS = "exists"


class KeyTroubleError(KeyFileError):
    """A KeyFileError that also says which kind of trouble it is."""

    def __init__(self, trouble: Trouble, title: str, message: str, hint: str = "") -> None:
        super().__init__(title, message, hint)
        self.trouble = trouble


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


def read_bytes(path: Path) -> bytes:
    """The bytes of a key file; folders, pipes, link loops, huge and forbidden files end in a sentence."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise KeyTroubleError(Trouble.NOT_A_FILE, "Not a file", f"{path} is a folder or a device, not a key file.")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise KeyTroubleError(Trouble.MISSING, "No key file", f"{path} does not exist.") from error
    except PermissionError as error:
        raise KeyTroubleError(
            Trouble.UNREADABLE, "No permission", f"{path} may not be read.", f"Allow it with: chmod u+r '{path}'"
        ) from error
    except OSError as error:
        looped = error.errno == errno.ELOOP
        reason = "is a link that leads to itself" if looped else f"cannot be read: {error.strerror}"
        raise KeyTroubleError(
            Trouble.NOT_A_FILE if looped else Trouble.UNREADABLE, "Unreadable", f"{path} {reason}."
        ) from error
    if len(data) > LARGEST:
        raise _corrupt(f"{path} is far too large for a key file.")
    return data


def parse_public(data: bytes) -> PublicPart:
    """The address in a public file (or in a plain secret one); raises KeyTroubleError."""
    if encryption.form_of(data) is not Encryption.NONE:
        raise _corrupt("The file is encrypted, but a public file is expected here; it may be a copy of the coldkey.")
    old = _raw_hex(data)
    if old is not None:
        if len(old) != 32:
            raise _corrupt("The file holds bare hex of the wrong length.")
        remark = "An old file that holds only the public key; other tools may show a wrong address for it."
        return PublicPart(addresses.ss58(old), old, SR25519, note=remark)
    fields = _fields(data)
    crypto_type = _crypto_type(fields)
    key, note = _stated_key(fields)
    if key is None:
        raise _corrupt("The file names no address (ss58Address).")
    holds_secret = any(fields.get(name) for name in _SECRET_FIELDS)
    return PublicPart(addresses.ss58(key), key, crypto_type, holds_secret, note)


def parse_secret(data: bytes) -> SecretPart:
    """The secret in a plain key file, checked against the address that the file states.

    Raises KeyTroubleError; NO_SECRET when the file is only the public half.
    """
    if encryption.form_of(data) is not Encryption.NONE:
        raise KeyTroubleError(Trouble.UNREADABLE, "Locked key", "This key file is encrypted.", "Enter its password.")
    if _raw_hex(data) is not None:
        raise _corrupt("The file holds bare hex, which may be a public key or a seed.", "Import it as what it is.")
    fields = _fields(data)
    crypto_type = _crypto_type(fields)
    stated, _ = _stated_key(fields, strict=False)
    if not any(fields.get(name) for name in _SECRET_FIELDS):
        if stated is None:
            raise _corrupt("The file holds no key (no secretPhrase, secretSeed, privateKey or ss58Address).")
        raise KeyTroubleError(
            Trouble.NO_SECRET, "Public half only", "The file holds only the address, so it cannot sign."
        )
    part = _secret(fields, crypto_type)
    if stated is not None and part.signer.public_key != stated:
        # Some tools wrote the wrong scheme; the address decides, never the guess.
        part = _secret(fields, ED25519 if crypto_type == SR25519 else SR25519)
        if part.signer.public_key != stated:
            raise _corrupt(
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


def write_new(path: Path, data: bytes) -> None:
    """Write a key file that is not there yet (owner-only, atomic) and read it back; raises KeyTroubleError EXISTS."""
    if os.path.lexists(path):
        raise _exists(path)
    try:
        write_atomic(path, data, mode=0o600, replace=False)
    except FileExistsError as error:
        raise _exists(path) from error
    except StorageError as error:
        if isinstance(error.__cause__, FileExistsError):
            raise _exists(path) from error
        raise
    if read_bytes(path) != data:
        raise KeyFileError("Not written", f"{path} does not hold what was written.", "Check the disk before going on.")


def _exists(path: Path) -> KeyTroubleError:
    return KeyTroubleError(
        Trouble.EXISTS, "Key exists already", f"{path} exists and was left as it is.", "Choose another name."
    )


def _json(fields: dict[str, str], crypto_type: int) -> bytes:
    whole: dict[str, str | int] = dict(fields)
    if crypto_type != SR25519:
        whole["cryptoType"] = crypto_type
    return json.dumps(whole, separators=(",", ":")).encode()


def _fields(data: bytes) -> dict[str, Any]:
    if not data.strip():
        raise _corrupt("The file is empty.")
    if not data.strip(b"\0"):
        raise _corrupt("The file holds only zeros, as after a power cut.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        raise _corrupt("The file begins with a byte-order mark: an editor or shell saved it in another encoding.")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _corrupt("The content is not a key file (not JSON).") from error
    if not isinstance(fields, dict):
        raise _corrupt("The content is JSON, but not a key file.")
    if "encoded" in fields and "encoding" in fields:
        raise KeyTroubleError(
            Trouble.FOREIGN,
            "A polkadot.js export",
            "This is an account exported by polkadot.js, not a Bittensor key file.",
            "Import it with its password instead of placing it here.",
        )
    return fields


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
            "This key is of a type that this version does not know; it was left as it is.",
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
        raise _corrupt("The address in the file is not a text.")
    try:
        key = addresses.public_key(text, any_prefix=True)
    except addresses.AddressError as error:
        raise _corrupt(f"The address in the file is wrong: {error.message}") from error
    for name in ("publicKey", "accountId") if strict else ():
        stated = fields.get(name)
        if stated is not None and (not isinstance(stated, str) or stated.removeprefix("0x").lower() != key.hex()):
            raise KeyTroubleError(
                Trouble.MISMATCH, "Two keys in one file", "The address and the public key in the file do not match."
            )
    note = None if addresses.is_ss58(text) else "The file states the address with another network's prefix."
    return key, note


def _secret(fields: dict[str, Any], crypto_type: int) -> SecretPart:
    phrase, seed, private = (_text(fields, name) for name in _SECRET_FIELDS)
    try:
        if phrase is not None:
            signer = LocalSigner.from_mnemonic(phrase, crypto_type)
            return SecretPart(signer, phrase, _hex(seed) if seed else None)
        if seed is not None:
            raw = _hex(seed)
            if len(raw) == 64:  # some tools keep the expanded key under this name
                return SecretPart(LocalSigner.from_private_key(raw, crypto_type))
            return SecretPart(LocalSigner.from_seed(raw, crypto_type), None, raw)
        return SecretPart(LocalSigner.from_private_key(_hex(private or ""), crypto_type))
    except MnemonicError as error:
        raise _corrupt(f"The recovery phrase in the file is not valid: {error.title.lower()}.") from error
    except KeyTroubleError:
        raise
    except KeyFileError as error:
        raise _corrupt(f"The secret in the file is not usable: {error.message}") from error


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise _corrupt(f"{name} in the file is not a text.")
    return value or None


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise _corrupt("A secret in the file is not hex.") from None


def _raw_hex(data: bytes) -> bytes | None:
    text = data.strip()
    if len(text) > 200 or not text.isascii():
        return None
    try:
        return bytes.fromhex(text.decode().removeprefix("0x")) or None
    except ValueError:
        return None


def _corrupt(message: str, hint: str = "") -> KeyTroubleError:
    return KeyTroubleError(
        Trouble.CORRUPT,
        "Key file damaged",
        message,
        hint or "Restore it from a copy, or make it again from the recovery phrase.",
    )
