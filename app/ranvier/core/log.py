"""Log set-up: one rotating file per process, and nothing secret in it."""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path

from ranvier.core.errors import why
from ranvier.core.files import storage_errors
from ranvier.core.paths import private_folder

_LIMIT_BYTES = 2_000_000
_KEPT_FILES = 3
# 64 and 128 hex digits are seeds and private keys; public keys and hashes are logged as ss58 or shortened.
_HEX = r"(?<![0-9a-f])(?:0x)?(?:[0-9a-f]{128}|[0-9a-f]{64})(?![0-9a-f])"
# Twelve words in a row, as typed, listed, quoted, numbered or one a line. An ordinary sentence has shorter words in
# between.
_PHRASE = r"""(?:\b[a-z]{3,8}\b[\s,;'"|]+(?:\(?\d{1,2}[.:)][\s'"]*)?){11,}\b[a-z]{3,8}\b"""
_SECRETS = re.compile(f"{_HEX}|{_PHRASE}", re.IGNORECASE)


def redact(text: str, real: Callable[[str], bool] = bool) -> str:
    """``text`` without anything that has the shape of a seed, a private key or a recovery phrase; as many lines.

    ``real`` may look closer at what has such a shape and let it pass (False).
    """

    def cut(match: re.Match[str]) -> str:
        return "[redacted]" + "\n" * match[0].count("\n") if real(match[0]) else match[0]

    return _SECRETS.sub(cut, text)


class RedactingFormatter(logging.Formatter):
    """Last line of defence: secrets are not to be logged at all, and if one is, it is cut out here."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log that cannot be written is said once, in one sentence, and ends nothing; a pipe keeps nobody waiting."""

    _told = False

    def _open(self) -> TextIOWrapper:
        def opened(path: str, flags: int) -> int:
            return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)

        stream = open(self.baseFilename, self.mode, encoding=self.encoding, opener=opened)  # noqa: SIM115
        assert isinstance(stream, TextIOWrapper)
        return stream

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            sys.stderr.write(f"The log {self.baseFilename} cannot be written: {why(error)}.\n")


def start_logging(folder: Path, name: str, *, level: int = logging.INFO) -> Path:
    """Send this process's log to ``folder/name.log``; returns the file. Raises StorageError."""
    path = folder / f"{name}.log"
    with storage_errors(path):
        private_folder(folder)
    handler = _LogFile(path, maxBytes=_LIMIT_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("asyncio", "qasync", "websocket", "aiohttp.access", "keyring", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return path
