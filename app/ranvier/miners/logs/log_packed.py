"""Closed log segments, compressed so that any part can be read without the rest.

``output-<start>-<size>.log.gz`` is an ordinary gzip file of many members (zcat reads it). Each member holds up to
``MEMBER`` bytes and says in its extra field how long it is, so that a reader hops from member to member. Standard
library only; the keeper writes, everybody reads.
"""

from __future__ import annotations

import os
import struct
import zlib

MEMBER = 128 << 10
_HEAD = struct.Struct("<4sIBBHccHII")  # magic and flags, time, extra flags, system, extra length, id, length, sizes
_MAGIC = b"\x1f\x8b\x08\x04"
_TAIL = struct.Struct("<II")


def pack_member(data: bytes) -> bytes:
    """One gzip member that says its own length."""
    worker = zlib.compressobj(3, zlib.DEFLATED, -15)
    body = worker.compress(data) + worker.flush()
    length = _HEAD.size + len(body) + _TAIL.size
    head = _HEAD.pack(_MAGIC, 0, 0, 255, 12, b"R", b"V", 8, length, len(data))
    return head + body + _TAIL.pack(zlib.crc32(data), len(data))


def read_packed(path: str, low: int, high: int) -> bytes:
    """Bytes ``low``..``high`` of what was packed; ValueError when the file is damaged there."""
    found = []
    place = 0
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        while place < high:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                break
            magic, _time, _flags, _system, _extra, one, two, _length, length, size = _HEAD.unpack(head)
            if magic != _MAGIC or one + two != b"RV" or length <= _HEAD.size + _TAIL.size:
                raise ValueError(f"{path} is damaged")
            if place + size <= low:
                file.seek(length - _HEAD.size, os.SEEK_CUR)
            else:
                body = file.read(length - _HEAD.size)
                try:
                    data = zlib.decompress(body[: -_TAIL.size], -15, size)
                except zlib.error as error:
                    raise ValueError(f"{path} is damaged: {error}") from error
                found.append(data[max(0, low - place) : high - place])
            place += size
    return b"".join(found)
