"""The chain on disk: snapshots, and after each a journal of blocks. A kill at any moment costs at most the last block.

``snapshot-N.bin`` is the whole state after block N, written under a temporary name and renamed. ``journal-N.bin``
holds the blocks after N, appended one by one, each with its length and a checksum; a torn end is cut off when the
chain is opened. Old pairs are deleted once the history that can be read back no longer needs them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec

from ranvier.core.errors import StorageError
from ranvier.core.files import storage_errors, write_atomic
from ranvier.core.locks import lock
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import private_folder

log = logging.getLogger(__name__)

_CHECK_BYTES = 16
_LONGEST = 256 << 20


class BlockRecord(msgspec.Struct, frozen=True):
    """One block as it is kept: header and extrinsics as SCALE bytes, and what it changed in the state."""

    number: int
    hash: bytes
    header: bytes
    extrinsics: list[bytes]
    changes: dict[bytes, bytes | None]


class Snapshot(msgspec.Struct, frozen=True):
    """The whole state after one block, with that block and the hashes of all blocks before."""

    block: BlockRecord
    hashes: bytes
    values: dict[bytes, bytes]


class DamagedError(ValueError):
    """A record that is not whole."""


def _record(payload: bytes) -> bytes:
    check = blake2b(payload, digest_size=_CHECK_BYTES).digest()
    return len(payload).to_bytes(4, "little") + check + payload


def _read_record(file: BinaryIO) -> bytes | None:
    """The next payload, None at the end; DamagedError when it is torn or changed."""
    head = file.read(4 + _CHECK_BYTES)
    if not head:
        return None
    length = int.from_bytes(head[:4], "little")
    if len(head) < 4 + _CHECK_BYTES or length > _LONGEST:
        raise DamagedError("torn record")
    payload = file.read(length)
    if len(payload) != length or blake2b(payload, digest_size=_CHECK_BYTES).digest() != head[4:]:
        raise DamagedError("torn record")
    return payload


class Journal:
    """The folder of one chain, held by one process at a time."""

    def __init__(self, folder: Path, *, blocks_per_snapshot: int = 1024, sync_every: int = 8) -> None:
        self.folder = folder
        self._per_snapshot = blocks_per_snapshot
        self._sync_every = sync_every
        self._file: BinaryIO | None = None
        self._since_snapshot = 0
        self._since_sync = 0
        self._newest = -1
        private_folder(folder)
        self._lock = _take_lock(folder / "lock")

    def load(self) -> tuple[Snapshot, list[BlockRecord]] | None:
        """The oldest snapshot from which the newest block can be reached, and the blocks after it; None for a new
        folder. Raises StorageError when nothing can be read.
        """
        numbers = self._snapshots()
        if not numbers:
            return None
        for number in numbers:
            try:
                snapshot = self._read_snapshot(number)
            except (DamagedError, *NOT_JSON, OSError):
                log.warning("snapshot %d cannot be read; trying the next", number)
                continue
            blocks: list[BlockRecord] = []
            for block in self._blocks_after(snapshot.block.number):
                while blocks and blocks[-1].number >= block.number:
                    blocks.pop()  # a fork: the later record counts
                blocks.append(block)
            last = blocks[-1].number if blocks else number
            if last >= numbers[-1]:
                self._continue_at(last)
                return snapshot, blocks
        raise StorageError(
            "Practice network damaged",
            f"No snapshot in {self.folder} can be read.",
            "Delete that folder to begin a new practice network.",
        )

    def append(self, block: BlockRecord) -> None:
        """Keep one more block. After this returns, a killed process has not lost it."""
        if self._file is None:
            raise RuntimeError("write a snapshot first")
        with storage_errors(self.folder):
            self._file.write(_record(msgspec.msgpack.encode(block)))
            self._file.flush()
            self._since_sync += 1
            if self._since_sync >= self._sync_every:
                self.sync()
        self._since_snapshot += 1

    def sync(self) -> None:
        """Make what was written survive a power cut too."""
        if self._file is not None:
            os.fsync(self._file.fileno())
        self._since_sync = 0

    @property
    def newest_snapshot(self) -> int:
        """The block whose whole state was written last."""
        return self._newest

    @property
    def wants_snapshot(self) -> bool:
        return self._file is None or self._since_snapshot >= self._per_snapshot

    def write_snapshot(self, snapshot: Snapshot, oldest_needed: int) -> None:
        """Write the state and begin a new journal; files that only hold blocks before ``oldest_needed`` go."""
        number = snapshot.block.number
        write_atomic(self._path("snapshot", number), _record(msgspec.msgpack.encode(snapshot)))
        self._open(number)
        numbers = self._snapshots()
        kept = [n for n in numbers if n <= oldest_needed][-1:] + [n for n in numbers if n > oldest_needed]
        for old in set(numbers) - set(kept):
            self._path("snapshot", old).unlink(missing_ok=True)
            self._path("journal", old).unlink(missing_ok=True)

    def close(self) -> None:
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None
        self._lock.close()

    def _path(self, kind: str, number: int) -> Path:
        return self.folder / f"{kind}-{number:010d}.bin"

    def _snapshots(self) -> list[int]:
        return sorted(int(path.stem.rpartition("-")[2]) for path in self.folder.glob("snapshot-*.bin"))

    def _read_snapshot(self, number: int) -> Snapshot:
        with self._path("snapshot", number).open("rb") as file:
            payload = _read_record(file)
        if payload is None:
            raise DamagedError("empty snapshot")
        return msgspec.msgpack.decode(payload, type=Snapshot)

    def _blocks_after(self, number: int) -> Iterator[BlockRecord]:
        """Blocks in order over all journals, up to the first gap or torn record."""
        for start in [n for n in self._snapshots() if n >= number]:
            if start != number:
                return
            for block in self._read_journal(start):
                if not start < block.number <= number + 1:
                    return
                number = block.number
                yield block

    def _read_journal(self, start: int) -> Iterator[BlockRecord]:
        path = self._path("journal", start)
        if not path.exists():
            return
        with path.open("rb") as file:
            while True:
                try:
                    payload = _read_record(file)
                    block = None if payload is None else msgspec.msgpack.decode(payload, type=BlockRecord)
                except (DamagedError, *NOT_JSON):
                    return
                if block is None:
                    return
                yield block

    def _continue_at(self, last: int) -> None:
        """Open the newest journal for more blocks, its torn end cut off."""
        start = self._snapshots()[-1]
        path = self._path("journal", start)
        whole = 0
        if path.exists():
            with path.open("rb") as file:
                while True:
                    try:
                        if _read_record(file) is None:
                            break
                    except DamagedError:
                        log.warning("the end of %s was torn; %d bytes cut off", path.name, path.stat().st_size - whole)
                        break
                    whole = file.tell()
            os.truncate(path, whole)
        self._open(start)
        self._since_snapshot = last - start

    def _open(self, number: int) -> None:
        if self._file is not None:
            self.sync()
            self._file.close()
        with storage_errors(self.folder):
            self._file = self._path("journal", number).open("ab")
        self._newest = number
        self._since_snapshot = 0


def _take_lock(path: Path) -> BinaryIO:
    """An open file that no other process holds locked; the system frees it when the process ends, however it ends."""
    file = path.open("ab")
    try:
        lock(file.fileno())
    except OSError:
        file.close()
        raise StorageError(
            "Already running", f"Another practice network uses {path.parent}.", "Stop it first, or use another folder."
        ) from None
    return file
