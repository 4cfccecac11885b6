"""Decoded metadata on disk, by network and runtime version: a second start downloads and decodes nothing.

A file holds the compact index of metadata.py with a checksum before it. It is data with a fixed schema; what does
not check out is ignored and written anew, and a cache that cannot be written is no error: it only saves time.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from ranvier.chain.runtime import metadata
from ranvier.chain.runtime.metadata import Index
from ranvier.core.errors import RanvierError
from ranvier.core.files import write_atomic

_HEAD = b"ranvier-metadata/1\n"
_DIGEST = 32
_WORD = 4
_KEEP = 24


class MetadataCache:
    """Indexes in one folder; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def load(self, genesis: str, spec_version: int, version: int) -> tuple[int, Index] | None:
        """(transaction version, index) of V14 or V15 metadata; None when there is none that can be trusted."""
        if self._folder is None:
            return None
        try:
            data = self._path(genesis, spec_version, version).read_bytes()
        except OSError:
            return None
        start = len(_HEAD) + _DIGEST
        body = data[start:]
        if not data.startswith(_HEAD) or data[len(_HEAD) : start] != _digest(body, genesis, spec_version):
            return None
        try:
            index = metadata.unpack(body[_WORD:])
        except ValueError:
            return None
        return int.from_bytes(body[:_WORD], "little"), index

    def save(self, genesis: str, spec_version: int, transaction_version: int, index: Index) -> None:
        if self._folder is None:
            return
        body = transaction_version.to_bytes(_WORD, "little") + metadata.pack(index)
        data = _HEAD + _digest(body, genesis, spec_version) + body
        with contextlib.suppress(OSError, RanvierError):
            write_atomic(self._path(genesis, spec_version, index.version), data)
            self._forget_old()

    def _path(self, genesis: str, spec_version: int, version: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{genesis.removeprefix('0x')[:16]}-{spec_version}-v{version}.bin"

    def _forget_old(self) -> None:
        """Keep the newest few: every practice network has its own genesis."""
        assert self._folder is not None
        files = sorted(self._folder.glob("*.bin"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files[_KEEP:]:
            path.unlink(missing_ok=True)


def _digest(body: bytes, genesis: str, spec_version: int) -> bytes:
    return hashlib.blake2b(f"{genesis} {spec_version}\n".encode() + body, digest_size=_DIGEST).digest()
