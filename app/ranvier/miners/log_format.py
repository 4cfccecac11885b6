"""How a program's output lies on disk; shared by the keeper, which writes, and the readers.

A log is a row of segments. ``output-<start>.log`` holds the program's bytes untouched, both streams in the
order in which they came, and the keeper's own remarks; ``<start>`` is its first byte's position since the log
began. ``output-<start>.idx`` beside it holds one record per piece: where it begins in the segment, when it came
(Unix seconds), and which stream it is. A record stands before its bytes are there; a later record at the same
place replaces it. Standard library only.
"""

from __future__ import annotations

import os
import struct

RECORD = struct.Struct("<QdQ")  # position in the segment, time, kind | value << 8

OUT, ERR, REMARK, ENDED, GAP = range(5)
STREAMS = {OUT: "out", ERR: "err", REMARK: "keeper", ENDED: "keeper", GAP: "keeper"}


def data_name(start: int) -> str:
    """File name of the segment that begins at position ``start``."""
    return f"output-{start:015d}.log"


def index_name(start: int) -> str:
    """File name of that segment's index."""
    return f"output-{start:015d}.idx"


def segments(folder: str) -> list[tuple[int, int]]:
    """(start, size) of every segment in ``folder``, oldest first; a missing folder has none."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("output-") and name.endswith(".log") and name[7:-4].isdigit():
                    found.append((int(name[7:-4]), entry.stat().st_size))
    except FileNotFoundError:
        return []
    return sorted(found)


def pack_gap(count: int, reason: int) -> int:
    """The value of a gap: bytes that were not stored, and the errno that says why."""
    return min(count, (1 << 48) - 1) << 8 | (reason & 0xFF)


def unpack_gap(value: int) -> tuple[int, int]:
    """(bytes, errno) of a gap's value."""
    return value >> 8, value & 0xFF
