"""MevShield: transactions that only the block's author can read before they run. Follows ``pallet_shield`` of 425.

The official SDK registers, and by default stakes, through it. A ciphertext is the key's hash (twox128), the length of
the key exchange's part (u16), that part (ML-KEM-768), a nonce of 24 bytes, and the signed extrinsic under
XChaCha20-Poly1305. Real authors change their key at each of their blocks; here the one author keeps one, made from its
address. Who knows that can read everything: on a practice network nobody is hidden from anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt
from nacl.exceptions import CryptoError

from ranvier.sandbox.codec.composites import wrapper
from ranvier.sandbox.codec.scale import U8, Alias, Codec, ScaleError, encode_compact
from ranvier.sandbox.codec.types import ACCOUNT, BYTES, H256
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.extrinsic import Extrinsic, decode_extrinsic
from ranvier.sandbox.frame.pallet import Errors, Event, Pallet, call
from ranvier.sandbox.frame.storage import Item, State, Storage, WritableState, blake2_256, blake2b_512, twox
from ranvier.sandbox.maths.mlkem import CIPHERTEXT_BYTES, DecapsulationKey

_INDEX = 30
_HASH, _NONCE = 16, 24
_LONGEST, _LONGEST_ERA = 8192, 8
_PARSING_FAILED, _UNKNOWN_KEY = 23, 24


def _bounded(size: int) -> Codec:
    listed = wrapper("bounded_collections::bounded_vec::BoundedVec", BYTES, T=U8, S=None)
    return Alias(listed, f"BoundedVec<u8, ConstU32<{size}>>")


class MevShield(Storage):
    """The author's public keys: of this block, and the one to encrypt with."""

    prefix = "MevShield"

    CurrentKey = Item(_bounded(2048), optional=True)
    NextKey = Item(_bounded(2048), optional=True)


@dataclass(frozen=True, slots=True)
class Shielded:
    """The parts of a ciphertext."""

    key_hash: bytes
    exchange: bytes
    nonce: bytes
    sealed: bytes

    @classmethod
    def parse(cls, ciphertext: bytes) -> Shielded | None:
        """None when the parts do not fit."""
        start = _HASH + 2
        size = int.from_bytes(ciphertext[_HASH:start], "little")
        end = start + size + _NONCE
        if size != CIPHERTEXT_BYTES or not end <= len(ciphertext) <= _LONGEST:
            return None
        return cls(
            ciphertext[:_HASH], ciphertext[start : start + size], ciphertext[end - _NONCE : end], ciphertext[end:]
        )


@lru_cache(maxsize=4)
def author_key(author: bytes) -> DecapsulationKey:
    """The author's key pair; making one takes 5 ms."""
    return DecapsulationKey.of_seed(blake2b_512(b"ranvier practice shield" + author))


def begin(state: WritableState, author: bytes) -> None:
    """Announce the author's key, as its first block under 425 does."""
    for item in (MevShield.CurrentKey, MevShield.NextKey):
        item.put(state, value=author_key(author).public)


def is_shielded(extrinsic: Extrinsic) -> bool:
    return extrinsic.call[:1] == ("MevShield",)


def refusal(extrinsic: Extrinsic) -> int | str | None:
    """What the pool has against a shielded extrinsic: a custom error's number, "Stale", or nothing."""
    if not is_shielded(extrinsic):
        return None
    if extrinsic.era is None or extrinsic.era[0] > _LONGEST_ERA:
        return "Stale"
    return None if Shielded.parse(extrinsic.call[1][1]["ciphertext"]) is not None else _PARSING_FAILED


def refusal_in_block(state: State, extrinsic: Extrinsic) -> int | None:
    """The same while a block is made: the key must be one of the last two."""
    if not is_shielded(extrinsic):
        return None
    shielded = Shielded.parse(extrinsic.call[1][1]["ciphertext"])
    keys = [item.get(state) for item in (MevShield.CurrentKey, MevShield.NextKey)]
    known = {twox(key, 128) for key in keys if key is not None}
    return None if shielded is not None and shielded.key_hash in known else _UNKNOWN_KEY


def unshield(extrinsic: Extrinsic, author: bytes) -> Extrinsic | None:
    """The extrinsic inside, or None when it cannot be opened or is none."""
    shielded = Shielded.parse(extrinsic.call[1][1]["ciphertext"]) if is_shielded(extrinsic) else None
    if shielded is None:
        return None
    secret = author_key(author).decapsulate(shielded.exchange)
    try:
        plain = crypto_aead_xchacha20poly1305_ietf_decrypt(shielded.sealed, b"", shielded.nonce, secret)
        return decode_extrinsic(plain)
    except (CryptoError, ScaleError):
        return None


ENCRYPTED_SUBMITTED = Event(
    _INDEX, 0, "EncryptedSubmitted", {"id": Alias(H256, "T::Hash"), "who": Alias(ACCOUNT, "T::AccountId")}
)


@call(1, {"ciphertext": _bounded(_LONGEST)}, ref_time=138_980_000)
def submit_encrypted(context: Context, who: bytes, ciphertext: bytes) -> None:
    """Carry an encrypted extrinsic; the author runs it right after this one (``make_block``)."""
    identity = blake2_256(who + encode_compact(len(ciphertext)) + ciphertext)
    context.deposit(ENCRYPTED_SUBMITTED, {"id": identity, "who": who})


PALLET = Pallet(
    name="MevShield",
    index=_INDEX,
    path="pallet_shield",
    storage=MevShield,
    calls=(submit_encrypted,),
    events=(ENCRYPTED_SUBMITTED,),
    errors=Errors(_INDEX, {"BadEncKeyLen": 0, "Unreachable": 1}),
)
