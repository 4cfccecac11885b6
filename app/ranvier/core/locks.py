"""A lock on an open file that the system takes back when its holder dies, however it dies."""

from __future__ import annotations

import sys


def lock(descriptor: int, *, exclusive: bool = True) -> None:
    """Lock the file, or its first byte on Windows, at once. Raises OSError: somebody else has it, or there are none."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
