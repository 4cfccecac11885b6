"""Reads a program's log across its segments, by position or the last lines, with bounded memory.

A position is a byte's number since the log began, so it stays valid across rotations. A line belongs to the
position of its end: reading on from ``next`` gives each line once, also when the two streams interleave.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ranvier.miners.logs.log_format import (
    ENDED,
    ERR,
    GAP,
    OUT,
    RECORD,
    STREAMS,
    data_name,
    held,
    index_name,
    segments,
    unpack_gap,
)

LOOK_BACK = 64 << 10  # a line whose beginning lies further back is shown from here on
READ_AT_ONCE = 256 << 10
TAIL_BUDGET = 8 << 20


class LogLine(NamedTuple):
    """One line: when its first byte came (Unix seconds), ``out``, ``err`` or ``keeper``, and its text."""

    at: float
    stream: str
    text: str


class _Piece(NamedTuple):
    position: int
    at: float
    kind: int
    value: int
    length: int


def tail(folder: Path, after: int | None = None, limit: int = 500) -> tuple[tuple[LogLine, ...], int]:
    """Lines of the program in ``folder``, at most ``limit``, and where to read on.

    With ``after`` None: the last lines. Otherwise the lines that ended since; lines that were rotated away in
    the meantime are skipped. Bytes that are not text are shown as replacement characters.
    """
    logs = folder / "logs"
    parts = segments(str(logs))
    if not parts:
        return (), after or 0
    first, end = parts[0][0], parts[-1][0] + parts[-1][1]
    if after is None or after > end:
        return _last(logs, parts, first, end, limit), end
    after = max(after, first)
    if after == end:
        return (), end
    until = min(end, after + READ_AT_ONCE)
    start = max(first, after - LOOK_BACK)
    lines = [line for line in lines_between(logs, parts, start, until, after, limit) if line[0] >= after]
    if len(lines) > limit:
        last = lines[limit - 1][0]
        return tuple(line for end_, line in lines if end_ <= last), last + 1  # two may end at one place
    return tuple(line for _end, line in lines), until


def before(folder: Path, position: int, limit: int = 500) -> tuple[tuple[LogLine, ...], int]:
    """The last ``limit`` lines that end before ``position``, and where they begin: the page above another one."""
    logs = folder / "logs"
    parts = segments(str(logs))
    if not parts or position <= parts[0][0]:
        return (), position
    first, end = parts[0][0], min(position, parts[-1][0] + parts[-1][1])
    size = 64 << 10
    while True:
        start = max(first, end - size)
        lines = [line for line in lines_between(logs, parts, start, end) if line[0] < position]
        if start == first or len(lines) > limit or size >= TAIL_BUDGET:
            break
        size *= 4
    if start > first:
        lines = lines[1:]  # the first may lack its beginning
    shown = lines[-limit:]
    earlier = lines[-limit - 1][0] + 1 if len(lines) > limit else start
    return tuple(line for _end, line in shown), earlier if shown else position


def bounds(folder: Path) -> tuple[int, int]:
    """The first position that is still there and the one after the last byte."""
    parts = segments(str(folder / "logs"))
    return (parts[0][0], parts[-1][0] + parts[-1][1]) if parts else (0, 0)


def read_bytes(logs: Path, start: int, low: int, high: int) -> bytes:
    """Bytes of the segment that begins at ``start``, compressed or not; FileNotFoundError when it is gone."""
    try:
        with (logs / data_name(start)).open("rb") as file:
            file.seek(low)
            return file.read(high - low)
    except FileNotFoundError:
        from ranvier.miners.logs.log_packed import read_packed

        name = next((one.name for one in held(str(logs)) if one.start == start and one.packed), None)
        if name is None:
            raise
        try:
            return read_packed(str(logs / name), low, high)
        except ValueError as error:
            raise FileNotFoundError(str(error)) from error


def _last(logs: Path, parts: list[tuple[int, int]], first: int, end: int, limit: int) -> tuple[LogLine, ...]:
    size = 64 << 10
    while True:
        start = max(first, end - size)
        lines = lines_between(logs, parts, start, end)
        if start == first:
            return tuple(line for _end, line in lines[-limit:])
        if len(lines) > limit or size >= TAIL_BUDGET:
            return tuple(line for _end, line in lines[1:][-limit:])  # the first may lack its beginning
        size *= 4


def lines_between(
    logs: Path, parts: list[tuple[int, int]], start: int, until: int, after: int = 0, limit: int | None = None
) -> list[tuple[int, LogLine]]:
    """Lines that end in ``start``..``until``, each with the position of its end.

    With ``limit``, reading stops once there are more than so many that end at ``after`` or later.
    """
    found: list[tuple[int, LogLine]] = []
    pending: dict[int, tuple[float, list[bytes]]] = {}
    for begin, size in parts:
        if begin + size < start or begin > until:
            continue
        low, high = max(start - begin, 0), min(until - begin, size)
        try:
            data = read_bytes(logs, begin, low, high)
            pieces = _pieces(logs / index_name(begin), low, low + len(data))
        except FileNotFoundError:
            continue  # rotated away just now
        for piece in pieces:
            if limit is not None and len(found) > limit and found[-limit - 1][0] >= after:
                return found
            at = begin + piece.position
            if piece.kind == GAP:
                found.append((at, LogLine(piece.at, "keeper", _gap_text(piece.value))))
                continue
            offset = piece.position - low
            _cut(data[offset : offset + piece.length], piece, at, pending, found)
    return found


def _cut(
    data: bytes,
    piece: _Piece,
    position: int,
    pending: dict[int, tuple[float, list[bytes]]],
    found: list[tuple[int, LogLine]],
) -> None:
    """Cut one piece at its line ends; what is left over waits in ``pending`` for the stream's next piece."""
    if piece.kind == ENDED:
        for kind in (OUT, ERR):
            if kind in pending:
                began, rest = pending.pop(kind)
                found.append((position, _line(began, kind, b"".join(rest))))
    *whole, rest_data = data.split(b"\n")
    for text in whole:
        began, before = pending.pop(piece.kind, (piece.at, []))
        position += len(text) + 1
        found.append((position - 1, _line(began, piece.kind, b"".join([*before, text]))))
    if rest_data:
        began, before = pending.get(piece.kind, (piece.at, []))
        pending[piece.kind] = (began, [*before, rest_data])


def _line(at: float, kind: int, data: bytes) -> LogLine:
    text = data.decode("utf-8", "replace").rstrip("\r")
    if "\r" in text:  # a progress bar: what it showed last
        text = text.rsplit("\r", 1)[1]
    return LogLine(at, STREAMS[kind], text)


def _gap_text(value: int) -> str:
    count, why = unpack_gap(value)
    return f"{count:,} bytes of output were not stored: {os.strerror(why)}"


def _pieces(index: Path, low: int, high: int) -> list[_Piece]:
    """The pieces of one segment between two places, from its index."""
    with index.open("rb") as file:
        count = index.stat().st_size // RECORD.size
        left, right = 0, count  # the first record at or after ``low``
        while left < right:
            middle = (left + right) // 2
            file.seek(middle * RECORD.size)
            if RECORD.unpack(file.read(RECORD.size))[0] < low:
                left = middle + 1
            else:
                right = middle
        file.seek(max(left - 1, 0) * RECORD.size)
        raw = file.read((count - max(left - 1, 0)) * RECORD.size)
    records = []
    for place, at, packed in RECORD.iter_unpack(raw[: len(raw) // RECORD.size * RECORD.size]):
        if place > high:
            break
        records.append((place, at, packed & 0xFF, packed >> 8))
    result = []
    for number, (place, at, kind, value) in enumerate(records):
        stop = records[number + 1][0] if number + 1 < len(records) else high
        begin, stop = max(place, low), min(stop, high)
        if kind == GAP:
            if low <= place < high:
                result.append(_Piece(place, at, kind, value, 0))
        elif kind in STREAMS and stop > begin:
            result.append(_Piece(begin, at, kind, value, stop - begin))
    return result
