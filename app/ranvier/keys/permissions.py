"""Who may read a key: owner-only modes on POSIX, an owner-only access list on Windows."""

from __future__ import annotations

import getpass
import os
import stat
import subprocess
import sys
from pathlib import Path

from ranvier.core.errors import StorageError
from ranvier.core.files import storage_errors

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ICACLS_S = 20


def others_may(path: Path) -> str | None:
    """What others than the owner may do with ``path`` ("read", "change"), or None. Unknown (Windows) is None too."""
    if os.name != "posix":
        return None
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "change"
    return "read" if mode & _OTHERS else None


def make_private(path: Path) -> None:
    """Only the owner may read and change ``path``; raises StorageError where the system refuses."""
    if sys.platform == "win32":
        _make_private_on_windows(path)
        return
    with storage_errors(path):
        wanted = 0o700 if path.is_dir() else 0o600
        if stat.S_IMODE(path.stat().st_mode) != wanted:
            path.chmod(wanted)


def _make_private_on_windows(path: Path) -> None:
    """Cut what is inherited; the owner and the system keep full access."""
    from ranvier.core.processes import NO_WINDOW

    kind = "(OI)(CI)F" if path.is_dir() else "F"
    user = getpass.getuser()
    domain = os.environ.get("USERDOMAIN")
    account = f"{domain}\\{user}" if domain else user
    command = ["icacls", str(path), "/inheritance:r", "/grant:r", f"{account}:{kind}", f"*S-1-5-18:{kind}", "/Q"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_ICACLS_S, creationflags=NO_WINDOW, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StorageError("Access not restricted", f"{path}: icacls did not run.") from error
    if done.returncode:
        raise StorageError("Access not restricted", f"{path}: the system refused an owner-only access list.")
