"""When the words of a wallet made here were written down: address to date in one small file, nothing else.

That is less than the restore drill (``keys.drill.Drills``): only some of the words were asked back.
"""

from __future__ import annotations

import datetime

import msgspec

from ranvier.core.files import write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths

_LARGEST = 1 << 20


class _Record(msgspec.Struct):
    written: dict[str, str] = {}


class BackupDates:
    """Reads and writes the file at each call; a damaged one counts as empty: at worst a date is not known."""

    def __init__(self, paths: Paths) -> None:
        self._file = paths.data / "keys" / "written-down.json"

    def written_on(self, ss58: str) -> datetime.date | None:
        """When some words of this coldkey were typed back after it was made; None = not known."""
        text = self._read().written.get(ss58)
        try:
            return datetime.date.fromisoformat(text) if text else None
        except ValueError:
            return None

    def remember(self, ss58: str, on: datetime.date | None = None) -> None:
        """Keep today's date; raises StorageError."""
        record = self._read()
        day = on or datetime.datetime.now(datetime.UTC).astimezone().date()
        record.written[ss58] = day.isoformat()
        write_atomic(self._file, msgspec.json.encode(record))

    def _read(self) -> _Record:
        try:
            with self._file.open("rb") as file:
                return msgspec.json.decode(file.read(_LARGEST), type=_Record)
        except (OSError, *NOT_JSON):
            return _Record()
