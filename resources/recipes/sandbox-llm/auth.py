"""Who may ask: requests signed with ``btauth/1`` (sr25519) for this hotkey, fresh, and each one only once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping

import sr25519
from wallet import public_key

OLDEST_S = 10
AHEAD_S = 2
NS = 1_000_000_000
MOST_REMEMBERED = 100_000


class RefusedError(Exception):
    """A request that is not answered; the text says why."""


class Gate:
    """Checks requests to one hotkey and remembers the nonces of the last seconds."""

    def __init__(self, hotkey_ss58: str, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self.hotkey_ss58 = hotkey_ss58
        self._clock_ns = clock_ns
        self._seen: dict[tuple[str, int], int] = {}

    def check(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
        """The validator's address; raises ``RefusedError``."""
        if headers.get("X-Bittensor-Version") not in ("1", "btauth/1"):
            raise RefusedError("not signed with btauth/1")
        if headers.get("X-Bittensor-Crypto", "sr25519") != "sr25519":
            raise RefusedError("only sr25519 signatures are understood here")
        sender = headers.get("X-Bittensor-Hotkey", "")
        try:
            key = public_key(sender)
        except ValueError:
            raise RefusedError("the sender is not an address") from None
        if headers.get("X-Bittensor-Receiver") != self.hotkey_ss58:
            raise RefusedError("signed for another receiver")
        nonce_text = headers.get("X-Bittensor-Nonce", "")
        if not (nonce_text.isascii() and nonce_text.isdigit() and len(nonce_text) <= 20):
            raise RefusedError("the nonce is not a number")
        nonce, now = int(nonce_text), self._clock_ns()
        if nonce < now - OLDEST_S * NS:
            raise RefusedError("the request is too old")
        if nonce > now + AHEAD_S * NS:
            raise RefusedError("the request is from the future")
        lines = ["btauth/1", "sr25519", method.upper(), target, hashlib.sha256(body).hexdigest()]
        text = "\n".join([*lines, nonce_text, sender, self.hotkey_ss58]).encode()
        if not signed_by(key, text, headers.get("X-Bittensor-Signature", "")):
            raise RefusedError("the signature is wrong")
        self._remember(sender, nonce, now)
        return sender

    def _remember(self, sender: str, nonce: int, now: int) -> None:
        if (sender, nonce) in self._seen:
            raise RefusedError("the request was sent before")
        self._seen[sender, nonce] = nonce + OLDEST_S * NS
        if len(self._seen) > 256:
            self._seen = {mark: until for mark, until in self._seen.items() if until >= now}
        if len(self._seen) > MOST_REMEMBERED:
            raise RefusedError("too many requests")


def signed_by(key: bytes, text: bytes, signature_hex: str) -> bool:
    """Whether the hexadecimal signature over ``text`` is by ``key``."""
    try:
        signature = bytes.fromhex(signature_hex.removeprefix("0x"))
        return len(signature) == 64 and bool(sr25519.verify(signature, text, key))
    except (ValueError, TypeError):
        return False
