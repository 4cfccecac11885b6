"""Searching a log of any size: by pattern and by level, in bounded steps, forwards or backwards.

A search never loads the log: it goes block by block, and a whole block in which the pattern does not occur is
passed over without being cut into lines. A call ends after ``limit`` hits or its time limit and says where to go on.
Blocking: call it in a worker thread.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ranvier.core.errors import MinerError
from ranvier.miners.logs.levels import LEVELS, level_of, plain
from ranvier.miners.logs.log_format import ENDED, RECORD, REMARK, index_name, segments
from ranvier.miners.logs.logs import LOOK_BACK, LogLine, lines_between, read_bytes

BLOCK = 1 << 20
LONGEST_LINE = 16 << 10  # a longer line is searched up to here
_LOUD = re.compile(r"CRITICAL|FATAL|ERROR|SEVERE|EXCEPTION|PANIC|WARN|Traceback|error|fatal|critical|warn")
_UNSURE = re.compile(r"\(\?|\\A|\\Z|\\[1-9]")  # a block cannot answer for its lines where these occur


class Hit(NamedTuple):
    """One line that fits: the position of its end (as in ``logs``), the line, and its level."""

    position: int
    line: LogLine
    level: str


@dataclass(frozen=True, slots=True)
class Found:
    """Hits in the order of the log. ``next``: where to go on; ``done``: nothing is left in that direction."""

    hits: tuple[Hit, ...]
    next: int
    done: bool
    scanned: int


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for. An empty ``pattern`` fits every line; ``least`` is the lowest level shown; None shows all."""

    pattern: str = ""
    regex: bool = True
    case: bool = False
    least: str | None = None
    streams: frozenset[str] = frozenset({"out", "err", "keeper"})


def compile_pattern(query: Query) -> re.Pattern[str]:
    """MinerError when it is no pattern, or one whose search may never end."""
    text = query.pattern if query.regex else re.escape(query.pattern)
    try:
        pattern = re.compile(text, (0 if query.case else re.IGNORECASE) | re.MULTILINE)
        tree = importlib.import_module("re._parser").parse(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise MinerError("Not a pattern", f"“{query.pattern[:60]}” cannot be searched for: {error}.") from error
    if query.regex and _explodes(tree):
        raise MinerError(
            "Pattern too slow", "A repetition inside a repetition can take for ever.", "Write it without the inner one."
        )
    return pattern


def search(
    folder: Path, query: Query, *, start: int | None = None, backwards: bool = False, limit: int = 200,
    time_limit_s: float = 0.5,
) -> Found:  # fmt: skip
    """Look from ``start`` (a position; None: from the beginning, or the end when ``backwards``)."""
    pattern = compile_pattern(query)
    logs = folder / "logs"
    parts = segments(str(logs))
    if not parts:
        return Found((), start or 0, True, 0)
    first, end = parts[0][0], parts[-1][0] + parts[-1][1]
    begin = (end if backwards else first) if start is None else min(max(start, first), end)
    deadline = time.monotonic() + time_limit_s
    seeker = _Seeker(logs, parts, query, pattern)
    return _back(seeker, begin, first, limit, deadline) if backwards else _on(seeker, begin, end, limit, deadline)


class Crash(NamedTuple):
    """An end that nobody asked for: ``position`` where to look, when, and the keeper's words for it."""

    position: int
    at: float
    text: str


def crashes(folder: Path) -> Iterator[Crash]:
    """Ends that nobody asked for, the newest first, by the index alone."""
    logs = folder / "logs"
    starts = [start for start, _size in segments(str(logs))]
    for number in range(len(starts) - 1, -1, -1):
        start = starts[number]
        before = _remarks(logs, starts[number - 1]) if number else []
        remarks = before + _remarks(logs, start)
        for place in range(len(remarks) - 1, len(before) - 1, -1):
            one = remarks[place]
            if one.kind == ENDED and not _was_asked(logs, remarks[:place]):
                yield Crash(one.start + one.place, one.at, _text(logs, one, 300))


def last_crash(folder: Path) -> Crash | None:
    """The newest end that nobody asked for; None when there is none in the log."""
    try:
        return next(crashes(folder), None)
    except FileNotFoundError:
        return None


# -- inside ------------------------------------------------------------------------------------------------------


class _Seeker:
    def __init__(self, logs: Path, parts: list[tuple[int, int]], query: Query, pattern: re.Pattern[str]) -> None:
        self.logs, self.parts, self.query, self.pattern = logs, parts, query, pattern
        self.floor = LEVELS.index(query.least) if query.least in LEVELS else 0
        self.quick = None if _UNSURE.search(query.pattern) else pattern
        self.scanned = 0

    def block(self, low: int, high: int) -> list[Hit]:
        """Hits that end in ``low``..``high``."""
        self.scanned += high - low
        first = self.parts[0][0]
        begin = max(first, low - LOOK_BACK)
        if self._empty(begin, high):
            return []
        levels = _Levels()
        found = []
        for position, line in lines_between(self.logs, self.parts, begin, high):
            text = plain(line.text[:LONGEST_LINE])
            level = levels.of(line.stream, text)
            if not low <= position < high or line.stream not in self.query.streams:
                continue
            if LEVELS.index(level) >= self.floor and self.pattern.search(text):
                found.append(Hit(position, line, level))
        return found

    def _empty(self, begin: int, high: int) -> bool:
        """Whether the block certainly holds no hit: no match in its text, and no line that another one cuts."""
        loud = self.floor >= LEVELS.index("warning")
        if (self.quick is None or not self.query.pattern) and not loud:
            return False
        for start, size in self.parts:
            low, top = max(begin - start, 0), min(high - start, size)
            if top <= low:
                continue
            try:
                data = read_bytes(self.logs, start, low, top)
            except FileNotFoundError:
                continue
            text = plain(data.decode("utf-8", "replace"))
            quiet = loud and _LOUD.search(text) is None
            missing = self.quick is not None and self.quick.search(text) is None
            if not (quiet or missing) or _cut(self.logs / index_name(start), data, low):
                return False
        return True


def _on(seeker: _Seeker, begin: int, end: int, limit: int, deadline: float) -> Found:
    hits: list[Hit] = []
    at = begin
    while at < end:
        high = min(end, at + BLOCK)
        for hit in seeker.block(at, high):
            if len(hits) == limit:
                return Found(tuple(hits), hit.position, False, seeker.scanned)
            hits.append(hit)
        at = high
        if len(hits) == limit or time.monotonic() >= deadline:
            break
    return Found(tuple(hits), at, at >= end, seeker.scanned)


def _back(seeker: _Seeker, begin: int, first: int, limit: int, deadline: float) -> Found:
    hits: list[Hit] = []
    at = begin
    while at > first:
        low = max(first, at - BLOCK)
        for hit in reversed(seeker.block(low, at)):
            if len(hits) == limit:
                return Found(tuple(reversed(hits)), hit.position + 1, False, seeker.scanned)
            hits.append(hit)
        at = low
        if len(hits) == limit or time.monotonic() >= deadline:
            break
    return Found(tuple(reversed(hits)), at, at <= first, seeker.scanned)


class _Levels:
    """The level of each line; one without a level of its own belongs to the line that it continues."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._trace: dict[str, bool] = {}

    def of(self, stream: str, text: str) -> str:
        if "Traceback (most recent call last)" in text:
            self._trace[stream] = True
            self._last[stream] = "error"
            return "error"
        if self._trace.get(stream):
            if text[:1] not in (" ", "\t", ""):
                self._trace[stream] = False  # the exception itself
            return "error"
        level = level_of(text)
        if level is None:
            level = self._last.get(stream, "info") if text[:1] in (" ", "\t") else "info"
        self._last[stream] = level
        return level


def _cut(index: Path, data: bytes, low: int) -> bool:
    """Whether some piece begins in the middle of a line: then a line may be scattered over the block."""
    try:
        raw = index.read_bytes()
    except OSError:
        return True
    kind = -1
    for place, _at, packed in _records(raw):
        if place > low + len(data):
            break
        other = packed & 0xFF != kind
        kind = packed & 0xFF
        if other and 0 < place - low <= len(data) and data[place - low - 1] != 10:
            return True
    return False


def _records(raw: bytes) -> Iterator[tuple[int, float, int]]:
    return RECORD.iter_unpack(raw[: len(raw) // RECORD.size * RECORD.size])


class _Remark(NamedTuple):
    start: int
    place: int
    at: float
    kind: int


def _remarks(logs: Path, start: int) -> list[_Remark]:
    """The keeper's own lines in the segment that begins at ``start``."""
    try:
        raw = (logs / index_name(start)).read_bytes()
    except OSError:
        return []
    rows = [_Remark(start, place, at, packed & 0xFF) for place, at, packed in _records(raw)]
    return [row for row in rows if row.kind in (REMARK, ENDED)]


def _text(logs: Path, one: _Remark, most: int) -> str:
    return read_bytes(logs, one.start, one.place, one.place + most).partition(b"\n")[0].decode("utf-8", "replace")


def _was_asked(logs: Path, earlier: list[_Remark]) -> bool:
    """Whether the remark before this end says that it was asked for (signals may have been noted in between)."""
    for one in reversed(earlier):
        text = _text(logs, one, 40)
        if one.kind == REMARK and text.startswith("asked to "):
            return True
        if one.kind == ENDED or not text.startswith("sending SIG"):
            return False
    return False


def _explodes(tree: Iterable[Any], inside: bool = False) -> bool:
    """Whether a parsed pattern repeats without bound something that repeats without bound."""
    for node in tree:
        if not isinstance(node, tuple):
            continue
        name, value = str(node[0]), node[1]
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            unbounded = int(value[1]) > 1000
            if (inside and unbounded) or _explodes(value[2], inside or unbounded):
                return True
        elif name == "SUBPATTERN":
            if _explodes(value[3], inside):
                return True
        elif name == "BRANCH":
            if any(_explodes(branch, inside) for branch in value[1]):
                return True
        elif name in ("ASSERT", "ASSERT_NOT") and _explodes(value[1], inside):
            return True
    return False
