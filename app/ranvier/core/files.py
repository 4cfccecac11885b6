"""Files that survive a kill: written to a temporary name, fsynced, renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from ranvier.core.errors import StorageError
from ranvier.core.paths import private_folder

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}

_BLOCK = 4096
_PATIENCE_S = (0.01, 0.02, 0.05, 0.1, 0.2) if os.name == "nt" else ()


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's write errors about ``path`` into ``StorageError`` with a next step."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageError(
                "Disk full",
                f"There is no space left for {path}.",
                "Free some space and try again; nothing was lost.",
            ) from error
        reason = error.strerror or type(error).__name__
        raise StorageError("Cannot write", f"{path}: {reason}.", "Check the folder's permissions.") from error


def read_small(path: Path, most: int = 32 << 20) -> bytes:
    """The whole of a file of our own. Raises OSError; also for a pipe or a device, which might keep us waiting, and
    for more than ``most`` bytes, which nothing of ours has."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        details = os.fstat(descriptor)
        if not stat.S_ISREG(details.st_mode):
            raise OSError(errno.EINVAL, "it is not a file", str(path))
        if details.st_size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most >> 20} MB", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600, replace: bool = True) -> None:
    """Write ``data`` so that ``path`` is, after a crash at any moment, the old file or the new one.

    With ``replace=False`` an existing file is left alone and FileExistsError is raised.
    """
    taken = False
    with storage_errors(path):
        private_folder(path.parent)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                _replace(temporary, path)
            else:
                taken = not _publish_new(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    if taken:  # raised out here because it is the caller's answer, not a failure of the storage
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def write_wish(path: Path, text: bytes) -> None:
    """Write a short text of which trailing blanks mean nothing (JSON), also on a full disk.

    As ``write_atomic``, but where there is no space left the old file's own block takes it: one write, which a kill
    leaves done or not done. For what must be noted then too: that something is to be stopped.
    """
    try:
        write_atomic(path, text)
    except StorageError as error:
        cause = error.__cause__
        if not (isinstance(cause, OSError) and cause.errno in _FULL and _overwrite(path, text)):
            raise


def _overwrite(path: Path, text: bytes) -> bool:
    """False when the file's own block cannot take it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
    except OSError:
        return False
    try:
        size = os.fstat(descriptor).st_size
        if not 0 < size <= _BLOCK or len(text) > _BLOCK:
            return False
        whole = text.ljust(size)  # the rest of a longer old text must not stay behind it
        done = os.write(descriptor, whole) == len(whole)
        os.fsync(descriptor)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return done


def _replace(temporary: Path, path: Path) -> None:
    """Put the finished file in the old one's place. Windows refuses while anybody reads the old one: that passes."""
    for pause in _PATIENCE_S:
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    temporary.replace(path)


def _publish_new(temporary: Path, path: Path) -> bool:
    """Give the finished file its name unless that is taken; False when it is."""
    try:
        if os.name == "posix":
            os.link(temporary, path)
        else:
            temporary.rename(path)  # Windows refuses to rename over an existing file
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
