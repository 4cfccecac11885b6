"""The practice network's own keys, all made from one seed in its folder. They guard play money and nothing else."""

from __future__ import annotations

import secrets
from pathlib import Path

from ranvier.core.files import write_atomic
from ranvier.keys.signing import LocalSigner
from ranvier.sandbox.frame.storage import blake2_256

_SEED_BYTES = 32


class PlayKeys:
    """Signers by role: ``signer("validator", 0, "hotkey")`` is always the same key for the same seed."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    def signer(self, *role: str | int) -> LocalSigner:
        label = "/".join(str(part) for part in role).encode()
        return LocalSigner.from_seed(blake2_256(b"ranvier practice key\0" + self._seed + label))


def open_keys(file: Path, seed: int | None) -> PlayKeys:
    """The keys of a network: from its seed file, or from a new one (random unless ``seed`` is given)."""
    if file.exists():
        return PlayKeys(bytes.fromhex(file.read_text().strip()))
    fresh = secrets.token_bytes(_SEED_BYTES) if seed is None else blake2_256(str(seed).encode())
    write_atomic(file, fresh.hex().encode() + b"\n")
    return PlayKeys(fresh)
