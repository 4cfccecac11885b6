"""Signed requests between validators and axons, ``btauth/1``: the hotkey vouches for method, target and body.

The sender signs eight lines; the receiver checks address, age, repetition and signature. The header layout is the
official SDK's (version header ``1``; the scheme header is sent for anything but sr25519).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ranvier.keys.addresses import is_ss58
from ranvier.keys.btauth import PROTOCOL, signed_headers, signed_text
from ranvier.keys.signing import verify

__all__ = ["Gate", "Unauthorised", "signed_headers", "signed_text"]

VERSIONS = frozenset({"1", PROTOCOL})
OLDEST_S = 10
AHEAD_S = 2
_NS = 1_000_000_000
_MOST_REMEMBERED = 100_000


class Unauthorised(Exception):  # noqa: N818  # it is an answer (401), not a fault of ours
    """A request that is not to be answered; the text says why, in one clause."""


class Gate:
    """Decides for one receiver who may ask: it keeps the nonces of the last seconds so that none counts twice."""

    def __init__(self, receiver_ss58: str, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._receiver = receiver_ss58
        self._clock_ns = clock_ns
        self._seen: dict[tuple[str, int], int] = {}

    def check(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
        """The sender's address; raises ``Unauthorised``."""
        if headers.get("X-Bittensor-Version") not in VERSIONS:
            raise Unauthorised("not signed with btauth/1")
        sender = headers.get("X-Bittensor-Hotkey", "")
        if not is_ss58(sender):
            raise Unauthorised("the sender is not an address")
        if headers.get("X-Bittensor-Receiver") != self._receiver:
            raise Unauthorised("signed for another receiver")
        nonce_text = headers.get("X-Bittensor-Nonce", "")
        nonce = _nonce(nonce_text)
        now = self._clock_ns()
        if nonce < now - OLDEST_S * _NS:
            raise Unauthorised("the request is too old")
        if nonce > now + AHEAD_S * _NS:
            raise Unauthorised("the request is from the future")
        text = signed_text(
            scheme=headers.get("X-Bittensor-Crypto", "sr25519"),
            method=method,
            target=target,
            body=body,
            nonce_ns=nonce_text,
            sender_ss58=sender,
            receiver_ss58=self._receiver,
        )
        if not verify(sender, text, _signature(headers.get("X-Bittensor-Signature", ""))):
            raise Unauthorised("the signature is wrong")
        self._remember((sender, nonce), now)
        return sender

    def _remember(self, mark: tuple[str, int], now: int) -> None:
        """Only signed requests get here, so that nobody else can fill the memory."""
        if mark in self._seen:
            raise Unauthorised("the request was sent before")
        self._seen[mark] = mark[1] + OLDEST_S * _NS
        if len(self._seen) > 256:
            self._seen = {key: until for key, until in self._seen.items() if until >= now}
        if len(self._seen) > _MOST_REMEMBERED:
            raise Unauthorised("too many requests")


def _nonce(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise Unauthorised("the nonce is not a number")
    return int(text)


def _signature(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise Unauthorised("the signature is not hexadecimal") from None
