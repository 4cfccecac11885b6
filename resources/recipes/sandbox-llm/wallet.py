"""The one thing this miner reads of a wallet: the public address of its hotkey."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import base58


class WalletError(Exception):
    """The hotkey's address cannot be found; the text is for people."""


def hotkey_address(wallet_path: Path, wallet_name: str, hotkey_name: str) -> str:
    """The ss58 address of a hotkey, from its public file or from the address field of the key file itself."""
    folder = wallet_path.expanduser() / wallet_name / "hotkeys"
    candidates = [folder / f"{hotkey_name}pub.txt", folder / hotkey_name]
    found = [path for path in candidates if path.is_file()]
    if not found:
        raise WalletError(f"There is no hotkey {hotkey_name!r} in {folder}.")
    for path in found:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            address = content["ss58Address"]
            public_key(address)
        except (OSError, ValueError, LookupError, TypeError):
            continue
        return address
    raise WalletError(f"{found[0]} holds no readable address.")


def public_key(address: str) -> bytes:
    """The 32 bytes behind an ss58 address with prefix 42; raises ValueError for anything else."""
    try:
        raw = base58.b58decode(address)
    except ValueError:
        raise ValueError("not base58") from None
    if len(raw) != 35 or raw[0] != 42:
        raise ValueError("not an address of this network")
    if hashlib.blake2b(b"SS58PRE" + raw[:33]).digest()[:2] != raw[33:]:
        raise ValueError("the checksum is wrong")
    return raw[1:33]
