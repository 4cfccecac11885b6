"""Signing: who signs is an interface; here is the one with a key in memory. Payloads are bytes, always.

(substrate-interface hex-decodes a *text* that begins with 0x before signing it; bytes leave no such doubt.)
"""

from __future__ import annotations

from typing import NoReturn, Protocol

import ed25519_zebra
import sr25519

from ranvier.core.errors import KeyFileError
from ranvier.keys import addresses, mnemonic

ED25519 = 0
SR25519 = 1
_SCALARS = 2**252 + 27742317777372353535851937790883648493  # the order of the group; a key's scalar is below it
SCHEME_NAMES = {ED25519: "ed25519", SR25519: "sr25519"}


class Signer(Protocol):
    """Something that can sign for one account: a key in memory, later an exported payload or a device."""

    @property
    def ss58(self) -> str: ...

    @property
    def public_key(self) -> bytes: ...

    @property
    def crypto_type(self) -> int:
        """0 ed25519, 1 sr25519."""

    def sign(self, payload: bytes) -> bytes:
        """The 64-byte signature of exactly these bytes."""


class LocalSigner:
    """A secret key in this process's memory. It shows no secret in repr, cannot be pickled or copied, and can
    be wiped when done (a wiped one refuses to sign)."""

    __slots__ = ("_private_key", "crypto_type", "public_key", "ss58")

    def __init__(self, private_key: bytes, public_key: bytes, crypto_type: int) -> None:
        self._private_key = bytearray(private_key)
        self.public_key = public_key
        self.crypto_type = crypto_type
        self.ss58 = addresses.ss58(public_key)

    @classmethod
    def from_mnemonic(cls, phrase: str, crypto_type: int = SR25519, *, bip39_password: str = "") -> LocalSigner:
        """The key of a recovery phrase; raises MnemonicError."""
        return cls.from_seed(mnemonic.mini_secret(phrase, bip39_password), crypto_type)

    @classmethod
    def from_seed(cls, seed: bytes, crypto_type: int = SR25519) -> LocalSigner:
        """The key of a 32-byte seed; raises KeyFileError for another length or scheme."""
        _known(crypto_type)
        if len(seed) != 32:
            raise KeyFileError("Not a seed", f"A seed has 32 bytes, this one has {len(seed)}.")
        if crypto_type == SR25519:
            public, private = sr25519.pair_from_seed(seed)
        else:
            private, public = ed25519_zebra.ed_from_seed(seed)
        return cls(bytes(private), bytes(public), crypto_type)

    @classmethod
    def from_private_key(cls, private_key: bytes, crypto_type: int = SR25519) -> LocalSigner:
        """The key of a private key as key files keep it: 64 bytes for sr25519, the 32-byte seed for ed25519."""
        _known(crypto_type)
        if crypto_type == ED25519:
            signer = cls.from_seed(private_key[:32], crypto_type)
            if private_key[32:] not in (b"", signer.public_key):
                raise KeyFileError("Not a private key", "The bytes are not an ed25519 private key.")
            return signer
        if len(private_key) != 64:
            raise KeyFileError("Not a private key", f"It should have 64 bytes and has {len(private_key)}.")
        if private_key[31] & 0xC0 == 0x40 and not private_key[0] & 7:
            # An sr25519 scalar is below 2^253: these are the bits of the ed25519 form, eight times as large.
            # Taken as it stands it would open another account without a word.
            raise KeyFileError(
                "Private key in another form",
                "This private key is in the form that polkadot.js keeps, not the one in Bittensor key files.",
                "Import the account's JSON export or its recovery phrase instead.",
            )
        if not 0 < int.from_bytes(private_key[:32], "little") < _SCALARS:
            raise KeyFileError("Not a private key", "The bytes are not a usable sr25519 private key.")
        try:
            public = bytes(sr25519.public_from_secret_key(private_key))
            sr25519.sign((public, private_key), b"")
        except (ValueError, TypeError) as error:
            raise KeyFileError("Not a private key", "The bytes are not a usable sr25519 private key.") from error
        return cls(private_key, public, crypto_type)

    def sign(self, payload: bytes) -> bytes:
        """The 64-byte signature of ``payload``; sr25519 signatures differ each time."""
        if type(payload) is not bytes:
            raise TypeError("sign bytes; a text has more than one meaning")
        if not self._private_key:
            raise KeyFileError("Key was locked", "This key has been locked again.", "Unlock it once more.")
        private_key = bytes(self._private_key)
        if self.crypto_type == SR25519:
            return bytes(sr25519.sign((self.public_key, private_key), payload))
        return bytes(ed25519_zebra.ed_sign(private_key, payload))

    def private_key(self) -> bytes:
        """The secret, for writing a key file. Keep it in the shortest scope."""
        return bytes(self._private_key)

    def wipe(self) -> None:
        """Overwrite the secret. Python may have made copies; this removes the lasting one."""
        for index in range(len(self._private_key)):
            self._private_key[index] = 0
        self._private_key.clear()

    def __enter__(self) -> LocalSigner:
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return f"<LocalSigner {SCHEME_NAMES[self.crypto_type]} {self.ss58}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key is not pickled")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret key is not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret key is not copied")


class OneSignature:
    """A signer that signs once and is wiped in that moment: nothing stays in memory while a transaction is watched."""

    def __init__(self, key: LocalSigner) -> None:
        self._key = key
        self.ss58, self.public_key, self.crypto_type = key.ss58, key.public_key, key.crypto_type

    def sign(self, payload: bytes) -> bytes:
        """Sign, whatever comes of it the only time."""
        try:
            return self._key.sign(payload)
        finally:
            self._key.wipe()


def verify(ss58: str, payload: bytes, signature: bytes) -> bool:
    """Whether ``signature`` over ``payload`` is by the key of ``ss58``, in either scheme.

    A signature made by a browser wallet over ``<Bytes>payload</Bytes>`` counts too, as in other tools.
    """
    if len(signature) != 64 or not addresses.is_ss58(ss58):
        return False
    key = addresses.public_key(ss58)
    forms = (payload, b"<Bytes>" + payload + b"</Bytes>")
    return any(scheme_of(key, form, signature) is not None for form in forms)


def scheme_of(public_key: bytes, payload: bytes, signature: bytes) -> int | None:
    """In which scheme ``signature`` over exactly ``payload`` is by ``public_key``; None when in neither."""
    if _verify_sr25519(public_key, payload, signature):
        return SR25519
    return ED25519 if _verify_ed25519(public_key, payload, signature) else None


def _verify_sr25519(key: bytes, payload: bytes, signature: bytes) -> bool:
    try:
        return bool(sr25519.verify(signature, payload, key))
    except (ValueError, TypeError):  # not a signature of this scheme at all
        return False


def _verify_ed25519(key: bytes, payload: bytes, signature: bytes) -> bool:
    try:
        return bool(ed25519_zebra.ed_verify(signature, payload, key))
    except (ValueError, TypeError):
        return False


def _known(crypto_type: int) -> None:
    if crypto_type not in SCHEME_NAMES:
        raise KeyFileError("Unsupported key type", f"Key type {crypto_type} is not known to this version.")
