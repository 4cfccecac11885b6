"""A miner's log for clients: pages, searches, the last crash, a bundle to hand out. Everything here blocks."""

from __future__ import annotations

from pathlib import Path

from ranvier.agent.api.messages import (
    BundleCut,
    BundleFile,
    BundlePreview,
    CrashPlace,
    LogHits,
    LogPage,
    PlacedLine,
    ReadLog,
    SearchLog,
)
from ranvier.core.errors import MinerError, StorageError
from ranvier.core.outside import at_home
from ranvier.miners import bundle
from ranvier.miners.logs import log_search
from ranvier.miners.logs.levels import level_of
from ranvier.miners.logs.logs import LogLine, before, bounds, tail

MOST_LINES = 5000
_LONGEST = 16_000  # characters of one line that travel


def page(folder: Path, command: ReadLog) -> LogPage:
    """The lines before or after a position, or the last ones."""
    limit = max(1, min(command.limit, MOST_LINES))
    first, end = bounds(folder)
    if command.before is not None:
        lines, start = before(folder, command.before, limit)
        return LogPage(_placed(lines), start, command.before, first, end)
    if command.after is not None:
        lines, following = tail(folder, command.after, limit)
        return LogPage(_placed(lines), command.after, following, first, end)
    lines, start = before(folder, end, limit)
    return LogPage(_placed(lines), start, end, first, end)


def search(folder: Path, command: SearchLog) -> LogHits:
    """Hits of one bounded step. MinerError for what is no pattern."""
    query = log_search.Query(command.pattern, command.regex, command.case, command.level)
    limit = max(1, min(command.limit, MOST_LINES))
    found = log_search.search(folder, query, start=command.offset, backwards=command.backwards, limit=limit)
    lines = tuple(
        PlacedLine(hit.line.at, hit.line.stream, hit.line.text[:_LONGEST], hit.position, hit.level)
        for hit in found.hits
    )
    return LogHits(lines, found.next, found.done, found.scanned)


def crash(folder: Path) -> CrashPlace:
    """Where it last ended without being asked to."""
    last = log_search.last_crash(folder)
    return CrashPlace() if last is None else CrashPlace(last.position, last.at, last.text)


def export(folder: Path, path: str, secrets: tuple[str, ...] = (), problem: str = "") -> BundlePreview:
    """Collect a bundle without the values of ``secrets``; store it when ``path`` is given. ``problem``: why they are
    not all known. StorageError when it cannot be written."""
    made = bundle.prepare(folder, secrets=secrets)
    if path:
        target = at_home(path)
        if not target.is_absolute():
            raise MinerError("Not a whole path", f"“{path[:100]}” does not say where.", "Give the whole path.")
        if target.is_dir():
            raise StorageError("Not a file", f"{target} is a folder.", "Name the file to write.")
        bundle.write(made, target)
    return BundlePreview(
        tuple(BundleFile(name, len(text.encode())) for name, text in made.files),
        tuple(BundleCut(cut.file, cut.kind, cut.count, cut.sample) for cut in made.cuts),
        path,
        problem,
    )


def _placed(lines: tuple[LogLine, ...]) -> tuple[PlacedLine, ...]:
    return tuple(PlacedLine(line.at, line.stream, line.text[:_LONGEST], None, level_of(line.text)) for line in lines)
