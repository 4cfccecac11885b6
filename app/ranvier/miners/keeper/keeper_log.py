"""Writes a program's output into bounded segments, without losing a byte to a killed keeper.

Where the system has splice (Linux), bytes move from the program's pipe into the file inside one system call: a
keeper killed at any moment leaves each byte either in the pipe or in the file, never in neither and never in
both. Elsewhere it is read and then written. On a full disk the program goes on: what cannot be stored is
counted, and the gap stands in the log once there is space again. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time

from ranvier.miners.keeper.keeper_tidy import Packer, discard, first_time
from ranvier.miners.logs.log_format import ENDED, ERR, GAP, OUT, RECORD, REMARK, data_name, held, index_name, pack_gap

CHUNK = 1 << 20
SAME_MOMENT_S = 0.02  # pieces of one stream closer than this share one record
RETRY_S = 1.0
_BINARY = getattr(os, "O_BINARY", 0)


class LogWriter:
    """The open end of one log. ``lost`` counts bytes that could not be stored since the last good write."""

    def __init__(self, folder: str, segment_bytes: int, total_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = max(segment_bytes, 1 << 16)
        self._total_bytes = max(total_bytes, 2 * self._segment_bytes)
        self._segment_s = 86_400.0
        self._keep_s = 30 * 86_400.0
        self._began = 0.0
        self.packer = Packer(folder)
        self._data = -1
        self._index = -1
        self._start = 0
        self._size = 0
        self._index_size = 0
        self._last = (-1, 0.0)  # kind and time of the newest record
        self._splice = hasattr(os, "splice")
        self._retry_at = 0.0
        self.lost = 0
        self._lost_why = 0

    def limits(self, segment_bytes: int, total_bytes: int, segment_s: float = 86_400.0, keep_s: float = 0.0) -> None:
        """New sizes and ages, used from the next segment on; ``keep_s`` 0 keeps whatever there is room for."""
        self._segment_bytes = max(segment_bytes, 1 << 16)
        self._total_bytes = max(total_bytes, 2 * self._segment_bytes)
        self._segment_s = segment_s
        self._keep_s = keep_s

    def take(self, kind: int, pipe: int) -> int:
        """Move one piece from the non-blocking ``pipe`` into the log; 0 when the pipe is empty."""
        if time.monotonic() < self._retry_at:
            return self._drop(pipe)
        before = None
        try:
            self._ready()
            before = (self._index_size, self._last)  # only now: another file may have been opened
            self._mark(kind)
            count = self._move(pipe) if self._splice else self._store(os.read(pipe, self._room()))
        except BlockingIOError:
            if before is not None:
                self._index_size, self._last = before  # nothing came that the mark could be for
            return 0
        except OSError as error:
            self._full(error)
            return self._drop(pipe)
        self._size += count
        return count

    def write(self, kind: int, data: bytes) -> None:
        """Store bytes that are already in memory."""
        if time.monotonic() < self._retry_at:
            self.lost += len(data) if kind in (OUT, ERR) else 0
            return
        while data:
            try:
                self._ready()
                self._mark(kind)
                count = self._store(data[: self._room()])
            except OSError as error:
                self._full(error)
                self.lost += len(data) if kind in (OUT, ERR) else 0
                return
            self._size += count
            data = data[count:]

    def remark(self, text: str, *, ended: bool = False) -> None:
        """A line of the keeper's own; ``ended`` closes the program's unfinished lines."""
        self.write(ENDED if ended else REMARK, text.encode() + b"\n")

    def heard_at(self) -> float:
        """When something was last written to it, also by a keeper before (Unix seconds); 0.0: not known."""
        known = held(self._folder)
        try:
            return os.stat(self._path(known[-1].name)).st_mtime if known else 0.0  # noqa: PTH116
        except OSError:
            return 0.0

    def close(self) -> None:
        """Close the files; the next write opens them again."""
        for descriptor in (self._data, self._index):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        self._data = self._index = -1

    # -- inside ----------------------------------------------------------------------------------------------

    def _ready(self) -> None:
        """The file is open, has room, and says what is missing before this place."""
        if self._data < 0:
            self._open()
        if self._size >= self._segment_bytes or (self._size and time.time() - self._began > self._segment_s):
            self._rotate()
        if self.lost:
            self._record(GAP, pack_gap(self.lost, self._lost_why))
            self.lost = 0

    def _mark(self, kind: int) -> None:
        """Say in the index of which stream the next bytes are, and when they came."""
        last_kind, last_time = self._last
        now = time.time()
        if kind == last_kind and kind in (OUT, ERR) and 0 <= now - last_time < SAME_MOMENT_S:
            return
        self._record(kind, 0, now)

    def _record(self, kind: int, value: int, now: float | None = None) -> None:
        at = time.time() if now is None else now
        record = RECORD.pack(self._size, at, kind | value << 8)
        os.lseek(self._index, self._index_size, os.SEEK_SET)
        if os.write(self._index, record) != len(record):
            raise OSError(errno.ENOSPC, "no space for the index")
        self._index_size += len(record)
        self._last = (kind, at)

    def _room(self) -> int:
        return max(1, min(CHUNK, self._segment_bytes - self._size))

    def _move(self, pipe: int) -> int:
        try:
            return os.splice(pipe, self._data, self._room(), offset_dst=self._size, flags=os.SPLICE_F_NONBLOCK)  # type: ignore[attr-defined,no-any-return,unused-ignore]
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            self._splice = False  # a file system that cannot: read and write instead
            return self._store(os.read(pipe, self._room()))

    def _store(self, data: bytes) -> int:
        done = 0
        try:
            while done < len(data):
                os.lseek(self._data, self._size + done, os.SEEK_SET)
                done += os.write(self._data, data[done:])
        except OSError as error:
            self._full(error)
            self.lost += len(data) - done
        return done

    def _open(self) -> None:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)  # noqa: PTH103  # pathlib would cost memory
        known = held(self._folder)
        last = known[-1] if known else None
        self._enter(0 if last is None else last.start + last.size if last.packed else last.start)
        self.packer.look(self._start)

    def _enter(self, start: int) -> None:
        flags = os.O_RDWR | os.O_CREAT | _BINARY
        data = os.open(self._path(data_name(start)), flags, 0o600)
        try:
            index = os.open(self._path(index_name(start)), flags, 0o600)
        except OSError:
            os.close(data)
            raise
        self.close()
        self._data, self._index, self._start = data, index, start
        self._size = os.lseek(data, 0, os.SEEK_END)
        self._index_size = os.lseek(index, 0, os.SEEK_END) // RECORD.size * RECORD.size
        self._last = (-1, 0.0)
        self._began = first_time(self._folder, start) or time.time()

    def _rotate(self) -> None:
        self._enter(self._start + self._size)
        discard(self._folder, self._total_bytes - self._segment_bytes, self._keep_s, time.time())
        self.packer.look(self._start)

    def _full(self, error: OSError) -> None:
        self._lost_why = error.errno or 0
        self._retry_at = time.monotonic() + RETRY_S
        self._last = (-1, 0.0)

    def _drop(self, pipe: int) -> int:
        try:
            count = len(os.read(pipe, CHUNK))
        except BlockingIOError:
            return 0
        self.lost += count
        return count

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"
