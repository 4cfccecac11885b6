"""Keeps a log small: closed segments are compressed a little at a time, the oldest go by size and by age.

One step takes a few milliseconds and is done only when nothing else waits, so the program is never held up. A
keeper killed in between leaves the segment as it was. Standard library only.
"""

from __future__ import annotations

import contextlib
import os

from ranvier.miners.logs.log_format import RECORD, Segment, data_name, held, index_name, packed_name

NEW = ".new"
_BINARY = getattr(os, "O_BINARY", 0)


class Packer:
    """Compresses the segments it was given. ``busy`` says whether a step would do something."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._todo: list[int] = []
        self._source = -1
        self._target = -1
        self._start = 0
        self._done = 0
        self._new = ""  # the file in the making

    @property
    def busy(self) -> bool:
        return bool(self._todo) or self._source >= 0

    def look(self, current: int) -> None:
        """Take up every closed segment that is not compressed, and clear away what a killed keeper left."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._folder):  # noqa: PTH208
                if name.endswith(NEW) and self._path(name) != self._new:
                    os.unlink(self._path(name))  # noqa: PTH108
        for one in held(self._folder):
            if one.start == current or one.packed or one.start in self._todo:
                continue
            if os.path.exists(self._path(packed_name(one.start, one.size))):  # noqa: PTH110
                with contextlib.suppress(OSError):
                    os.unlink(self._path(one.name))  # noqa: PTH108
            elif one.size and not (self._source >= 0 and self._start == one.start):
                self._todo.append(one.start)

    def step(self) -> None:
        """Compress the next piece; on any trouble the segment stays as it is."""
        from ranvier.miners.logs.log_packed import MEMBER, pack_member

        try:
            if self._source < 0:
                self._open(self._todo.pop(0))
            data = os.read(self._source, MEMBER)
            if data:
                packed = pack_member(data)
                if os.write(self._target, packed) != len(packed):
                    raise OSError("no space")
                self._done += len(data)
                return
            self._finish()
        except OSError:
            self._give_up()

    def _open(self, start: int) -> None:
        self._start, self._done = start, 0
        self._source = os.open(self._path(data_name(start)), os.O_RDONLY | _BINARY)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY
        self._new = self._path(packed_name(self._start, os.fstat(self._source).st_size) + NEW)
        self._target = os.open(self._new, flags, 0o600)

    def _finish(self) -> None:
        size = os.stat(self._path(data_name(self._start))).st_size  # noqa: PTH116  # gone: it was the oldest
        if size != self._done:
            raise OSError("it grew")
        os.fsync(self._target)
        self._close()
        os.replace(self._new, self._new[: -len(NEW)])  # noqa: PTH105
        self._new = ""
        with contextlib.suppress(OSError):  # a reader may hold it on Windows: cleared away later
            os.unlink(self._path(data_name(self._start)))  # noqa: PTH108

    def _give_up(self) -> None:
        self._close()
        if self._new:
            with contextlib.suppress(OSError):
                os.unlink(self._new)  # noqa: PTH108
        self._new = ""

    def _close(self) -> None:
        for descriptor in (self._source, self._target):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        self._source = self._target = -1

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"


def discard(folder: str, total_bytes: int, keep_s: float, now: float) -> None:
    """Delete the oldest segments: those beyond ``total_bytes`` on disk and those whose last word is too old.

    Age alone never takes the newest two: a clock that jumps ahead must not empty a log.
    """
    known = held(folder)
    total = sum(one.disk_bytes for one in known)
    for number, one in enumerate(known[:-1]):
        ended = first_time(folder, known[number + 1].start)
        old = keep_s > 0 and ended is not None and now - ended > keep_s and number < len(known) - 2
        if total <= total_bytes and not old:
            break
        _delete(folder, one)
        total -= one.disk_bytes


def first_time(folder: str, start: int) -> float | None:
    """When the first piece of a segment came (Unix seconds)."""
    try:
        with open(f"{folder}/{index_name(start)}", "rb") as file:  # noqa: PTH123
            data = file.read(RECORD.size)
    except OSError:
        return None
    return float(RECORD.unpack(data)[1]) if len(data) == RECORD.size else None


def _delete(folder: str, one: Segment) -> None:
    for name in (one.name, index_name(one.start)):
        with contextlib.suppress(OSError):  # a reader may hold it on Windows: next time
            os.unlink(f"{folder}/{name}")  # noqa: PTH108
