"""Signing a request to an axon, ``btauth/1``: the hotkey vouches for method, target and body.

The header layout is the official SDK's (version header ``1``; the scheme header is sent for anything but sr25519).
"""

from __future__ import annotations

import hashlib
import time

from ranvier.keys.signing import SCHEME_NAMES, SR25519, Signer

PROTOCOL = "btauth/1"


def signed_text(
    *, scheme: str, method: str, target: str, body: bytes, nonce_ns: int | str, sender_ss58: str, receiver_ss58: str
) -> bytes:
    """The eight lines that are signed. ``target`` is the path with its query, as sent."""
    digest = hashlib.sha256(body).hexdigest()
    lines = (PROTOCOL, scheme, method.upper(), target, digest, str(nonce_ns), sender_ss58, receiver_ss58)
    return "\n".join(lines).encode()


def signed_headers(
    signer: Signer, receiver_ss58: str, method: str, target: str, body: bytes, nonce_ns: int | None = None
) -> dict[str, str]:
    """Headers that authenticate one request; the nonce is the time in nanoseconds."""
    nonce = time.time_ns() if nonce_ns is None else nonce_ns
    scheme = SCHEME_NAMES[signer.crypto_type]
    text = signed_text(
        scheme=scheme,
        method=method,
        target=target,
        body=body,
        nonce_ns=nonce,
        sender_ss58=signer.ss58,
        receiver_ss58=receiver_ss58,
    )
    headers = {
        "X-Bittensor-Version": "1",
        "X-Bittensor-Hotkey": signer.ss58,
        "X-Bittensor-Receiver": receiver_ss58,
        "X-Bittensor-Nonce": str(nonce),
        "X-Bittensor-Signature": "0x" + signer.sign(text).hex(),
    }
    if signer.crypto_type != SR25519:
        headers["X-Bittensor-Crypto"] = scheme
    return headers
