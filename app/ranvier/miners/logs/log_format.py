"""How a program's output lies on disk; shared by the keeper, which writes, and the readers.

A log is a row of segments. ``output-<start>.log`` holds the program's bytes untouched, both streams in the
order in which they came, and the keeper's own remarks; ``<start>`` is its first byte's position since the log
began. ``output-<start>.idx`` beside it holds one record per piece: where it begins in the segment, when it came
(Unix seconds), and which stream it is. A record stands before its bytes are there; a later record at the same
place replaces it. A closed segment is compressed in time: ``log_packed``. Standard library only.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD = struct.Struct("<QdQ")  # position in the segment, time, kind | value << 8

OUT, ERR, REMARK, ENDED, GAP = range(5)
STREAMS = {OUT: "out", ERR: "err", REMARK: "keeper", ENDED: "keeper", GAP: "keeper"}


class Segment:
    """One segment on disk: its bytes' number, and how many the disk holds; ``packed`` once it is compressed."""

    __slots__ = ("disk_bytes", "name", "packed", "size", "start")

    def __init__(self, start: int, size: int, disk_bytes: int, name: str, packed: bool) -> None:
        self.start = start
        self.size = size
        self.disk_bytes = disk_bytes
        self.name = name
        self.packed = packed


def data_name(start: int) -> str:
    """File name of the segment that begins at position ``start``."""
    return f"output-{start:015d}.log"


def packed_name(start: int, size: int) -> str:
    """Its file name once it is compressed."""
    return f"output-{start:015d}-{size}.log.gz"


def index_name(start: int) -> str:
    """File name of that segment's index."""
    return f"output-{start:015d}.idx"


def segments(folder: str) -> list[tuple[int, int]]:
    """(start, size) of every segment in ``folder``, oldest first; a missing folder has none."""
    return [(one.start, one.size) for one in held(folder)]


def held(folder: str) -> list[Segment]:
    """Every segment in ``folder``, oldest first. Where one lies there twice, the one not compressed counts."""
    found: dict[int, Segment] = {}
    try:
        with os.scandir(folder) as entries:
            for one in _segments(entries):
                if one.start not in found or found[one.start].packed:
                    found[one.start] = one
    except FileNotFoundError:
        return []
    return [found[start] for start in sorted(found)]


def _segments(entries: Iterator[os.DirEntry[str]]) -> Iterator[Segment]:
    for entry in entries:
        name = entry.name
        if not name.startswith("output-"):
            continue
        try:
            size = entry.stat().st_size
        except FileNotFoundError:
            continue
        if name.endswith(".log") and name[7:-4].isdigit():
            yield Segment(int(name[7:-4]), size, size, name, False)
        elif name.endswith(".log.gz"):
            start, _, length = name[7:-7].partition("-")
            if start.isdigit() and length.isdigit():
                yield Segment(int(start), int(length), size, name, True)


def pack_gap(count: int, reason: int) -> int:
    """The value of a gap: bytes that were not stored, and the errno that says why."""
    return min(count, (1 << 48) - 1) << 8 | (reason & 0xFF)


def unpack_gap(value: int) -> tuple[int, int]:
    """(bytes, errno) of a gap's value."""
    return value >> 8, value & 0xFF
