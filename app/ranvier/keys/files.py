"""Key files on disk: read without ever hanging or filling the memory, written owner-only and never over another.

What stands in them is ``keys.content``; its names are offered here too.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from ranvier.core.errors import KeyFileError, StorageError
from ranvier.core.files import write_atomic
from ranvier.keys import permissions
from ranvier.keys.content import (
    KeyTroubleError,
    PublicPart,
    SecretPart,
    Trouble,
    corrupt,
    parse_public,
    parse_secret,
    public_json,
    secret_json,
)

__all__ = [
    "LARGEST",
    "KeyTroubleError",
    "PublicPart",
    "SecretPart",
    "Trouble",
    "parse_public",
    "parse_secret",
    "public_json",
    "read_bytes",
    "read_public",
    "read_public_or_none",
    "secret_json",
    "write_new",
    "write_over",
]

LARGEST = 64 * 1024


def read_bytes(path: Path) -> bytes:
    """The bytes of a key file; folders, pipes, link loops, huge and forbidden files end in a sentence."""
    try:
        data = _read_regular(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise KeyTroubleError(Trouble.MISSING, "No key file", f"{path} does not exist.") from error
    except PermissionError as error:
        raise KeyTroubleError(
            Trouble.UNREADABLE, "No permission", f"{path} may not be read.", f"Allow it with: chmod u+r '{path}'"
        ) from error
    except OSError as error:
        looped = error.errno == errno.ELOOP
        reason = "is a link that leads to itself" if looped else f"cannot be read: {error.strerror}"
        raise KeyTroubleError(
            Trouble.NOT_A_FILE if looped else Trouble.UNREADABLE, "Unreadable", f"{path} {reason}."
        ) from error
    except ValueError as error:  # a NUL or a lone surrogate in the name
        raise KeyTroubleError(Trouble.MISSING, "No key file", f"{str(path)!r} cannot be a file's name.") from error
    if len(data) > LARGEST:
        raise corrupt(f"{path} is far too large for a key file.")
    return data


def _read_regular(path: Path) -> bytes:
    """At most LARGEST + 1 bytes. Looked at before it is opened (opening a device may do something) and after
    (it may have been changed meanwhile); a pipe without a writer never makes this wait."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise _not_a_file(path)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_a_file(path)
        return file.read(LARGEST + 1)


def _not_a_file(path: Path) -> KeyTroubleError:
    return KeyTroubleError(Trouble.NOT_A_FILE, "Not a file", f"{path} is a folder or a device, not a key file.")


def read_public(path: Path) -> PublicPart:
    """The public file at ``path``; raises KeyTroubleError."""
    return parse_public(read_bytes(path))


def read_public_or_none(path: Path) -> PublicPart | None:
    """The public file at ``path``, or None when it is missing or not usable."""
    try:
        return read_public(path)
    except KeyTroubleError:
        return None


def write_new(path: Path, data: bytes) -> None:
    """Write a key file that is not there yet (owner-only, atomic) and read it back; raises KeyTroubleError EXISTS."""
    if os.path.lexists(path):
        raise _exists(path)
    try:
        write_atomic(path, data, mode=0o600, replace=False)
    except FileExistsError as error:
        raise _exists(path) from error
    except StorageError as error:
        if isinstance(error.__cause__, FileExistsError):
            raise _exists(path) from error
        raise
    _check_written(path, data)


def write_over(path: Path, data: bytes) -> None:
    """Write a key file in place of another one of which the caller has kept a copy; a link is not followed."""
    if path.is_symlink():
        raise KeyTroubleError(
            Trouble.EXISTS,
            "A link is there",
            f"{path} is a link to {path.readlink()} and was left as it is.",
            "Replace the key where it really lies.",
        )
    write_atomic(path, data, mode=0o600)
    _check_written(path, data)


def _check_written(path: Path, data: bytes) -> None:
    with contextlib.suppress(StorageError):  # a file system without modes; the custody check speaks of it
        permissions.make_private(path)
    if read_bytes(path) != data:
        raise KeyFileError("Not written", f"{path} does not hold what was written.", "Check the disk before going on.")


def _exists(path: Path) -> KeyTroubleError:
    return KeyTroubleError(
        Trouble.EXISTS, "Key exists already", f"{path} exists and was left as it is.", "Choose another name."
    )
