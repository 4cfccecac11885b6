"""Noticing what other tools change in wallet folders: a cheap scan of names, sizes and times, no file is opened.

Only a wallet whose signature changed is read again, so a scan of hundreds of unchanged wallets costs milliseconds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ranvier.core.errors import KeyFileError
from ranvier.keys import names
from ranvier.keys.listing import (
    COLDKEY,
    COLDKEYPUB,
    COLLISION,
    HOTKEYS,
    Wallet,
    read_wallet,
    wallet_folders_in,
    with_problem,
)

Signature = tuple[tuple[str, int, int, int, int, int], ...]
_MOST_HOTKEYS = 10_000


@dataclass(frozen=True, slots=True)
class Scan:
    """All wallets now; ``changed`` are the folders that are new, different or gone since the scan before, and
    ``problems`` the watched folders that could not be read, in words."""

    wallets: tuple[Wallet, ...]
    changed: frozenset[Path]
    problems: tuple[str, ...] = ()


class Watcher:
    """Call ``scan`` every few seconds in a worker thread. One at a time; it keeps what it read."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(dict.fromkeys(folders))
        self._known: dict[Path, tuple[Signature, Wallet]] = {}

    def scan(self) -> Scan:
        """Read what changed. Never raises for what it finds."""
        found: dict[Path, tuple[Signature, Wallet]] = {}
        shown: list[Wallet] = []
        problems: list[str] = []
        for folder in self.folders:
            try:
                paths = wallet_folders_in(folder)
            except KeyFileError as error:
                problems.append(error.message)
                continue
            seen = Counter(names.folded(path.name) for path in paths)
            for path in paths:
                found[path] = self._current(path)
                wallet = found[path][1]
                shown.append(wallet if seen[names.folded(path.name)] == 1 else with_problem(wallet, COLLISION))
        gone = self._known.keys() - found.keys()
        changed = {path for path, known in found.items() if self._known.get(path) is not known}
        self._known = found
        return Scan(tuple(shown), frozenset(changed | gone), tuple(problems))

    def _current(self, path: Path) -> tuple[Signature, Wallet]:
        now = signature(path)
        known = self._known.get(path)
        return known if known is not None and known[0] == now else (now, read_wallet(path))


def signature(wallet_path: Path) -> Signature:
    """What changes when a file of a wallet does: name, mode, inode, size and times. A file that is touched twice
    within the clock's step keeps its time, but a rename or a new length shows."""
    entries = [_entry(wallet_path / COLDKEY), _entry(wallet_path / COLDKEYPUB), _entry(wallet_path / HOTKEYS)]
    try:
        with os.scandir(wallet_path / HOTKEYS) as found:
            for entry in found:
                entries.append(_entry(Path(entry.path)))
                if len(entries) > _MOST_HOTKEYS:
                    break
    except (OSError, ValueError):
        pass
    return tuple(sorted(entry for entry in entries if entry is not None))


def _entry(path: Path) -> tuple[str, int, int, int, int, int] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116  # thousands of them
    except (OSError, ValueError):
        try:
            stat = os.lstat(path)
        except (OSError, ValueError):
            return None
    return path.name, stat.st_mode, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
