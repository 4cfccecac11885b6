"""Two older encryptions of key files, for reading only: ansible-vault 1.1 and Fernet."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from Crypto.Cipher import AES
from Crypto.Util import Counter

from ranvier.core.errors import WrongPasswordError
from ranvier.keys.trouble import KeyTroubleError, corrupt

ANSIBLE_HEADER = b"$ANSIBLE_VAULT"
FERNET_HEADER = b"gAAAAA"
_ANSIBLE_ROUNDS = 10_000
_FERNET_ROUNDS = 10_000_000
_FERNET_SALT = b"Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins"
_BLOCK = 16


def split_ansible(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Salt, digest and text of an ``$ANSIBLE_VAULT;1.1;AES256`` file; raises KeyFileError when it is none."""
    header, _, body = data.partition(b"\n")
    if header.strip() != b"$ANSIBLE_VAULT;1.1;AES256":
        raise corrupt("The file is an ansible-vault of a kind that wallets never used.")
    try:
        parts = [binascii.unhexlify(part) for part in binascii.unhexlify(b"".join(body.split())).split(b"\n")]
        salt, digest, text = parts
    except ValueError as error:
        raise _damaged("ansible-vault") from error
    if len(digest) != 32 or not text:
        raise _damaged("ansible-vault")
    return salt, digest, text


def open_ansible(data: bytes, password: bytes) -> bytes:
    """The content of an ansible-vault file; raises KeyFileError, WrongPasswordError."""
    salt, digest, text = split_ansible(data)
    keys = hashlib.pbkdf2_hmac("sha256", password, salt, _ANSIBLE_ROUNDS, 80)
    if not hmac.compare_digest(hmac.digest(keys[32:64], text, "sha256"), digest):
        raise WrongPasswordError("Wrong password", "The password does not open this key, or the file is damaged.")
    counter = Counter.new(128, initial_value=int.from_bytes(keys[64:], "big"))
    return _unpad(AES.new(keys[:32], AES.MODE_CTR, counter=counter).decrypt(text))


def split_fernet(data: bytes) -> bytes:
    """The token of a Fernet file; raises KeyFileError when it is cut off."""
    try:
        token = base64.b64decode(data.strip(), altchars=b"-_", validate=True)
    except ValueError as error:
        raise _damaged("Fernet") from error
    if len(token) < 1 + 8 + _BLOCK + _BLOCK + 32 or (len(token) - 57) % _BLOCK:
        raise _damaged("Fernet")
    return token


def open_fernet(data: bytes, password: bytes) -> bytes:
    """The content of a Fernet file (ten million rounds: some seconds); raises KeyFileError, WrongPasswordError."""
    token = split_fernet(data)
    key = hashlib.pbkdf2_hmac("sha256", password, _FERNET_SALT, _FERNET_ROUNDS)
    signed, digest = token[:-32], token[-32:]
    if not hmac.compare_digest(hmac.digest(key[:16], signed, "sha256"), digest):
        raise WrongPasswordError("Wrong password", "The password does not open this key, or the file is damaged.")
    vector, text = signed[9:25], signed[25:]
    return _unpad(AES.new(key[16:], AES.MODE_CBC, vector).decrypt(text))


def _unpad(padded: bytes) -> bytes:
    count = padded[-1] if padded else 0
    if not 1 <= count <= _BLOCK or padded[-count:] != bytes([count]) * count:
        raise _damaged("encrypted")
    return padded[:-count]


def _damaged(kind: str) -> KeyTroubleError:
    return corrupt(f"The {kind} key file is incomplete or damaged.")
