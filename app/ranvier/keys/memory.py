"""Keeping secrets out of places where they last: core dumps, other processes' sight, buffers after use."""

from __future__ import annotations

import contextlib
import ctypes
import sys

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> bool:
    """Let no crash of this process write its memory to disk, and (Linux) let no other process of the user read it.

    Call it at the start of a process that unlocks keys. Returns whether the system agreed; Windows writes no dumps
    of its own accord, so there is nothing to do there.
    """
    if sys.platform == "win32":
        return True
    import resource

    agreed = False
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        agreed = True
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            agreed = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 and agreed
    return agreed


def wipe(buffer: bytearray) -> None:
    """Overwrite and empty a buffer that held a secret. (Python's own copies, as of ``str``, cannot be reached.)"""
    buffer[:] = bytes(len(buffer))
    buffer.clear()
