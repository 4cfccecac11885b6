"""Our own processes: how to start one, and how to know that it is still the same one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

# For every program that we start and wait for: on Windows one with a console of its own would open a black window.
if sys.platform == "win32":
    NO_WINDOW = subprocess.CREATE_NO_WINDOW
else:
    NO_WINDOW = 0


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process is a pid *and* its start time; a pid alone may have been given to somebody else."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The identity of a live process, or None."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def own_command(*arguments: str) -> list[str]:
    """The command line that starts another process of this program, from source or frozen.

    A frozen copy has a second executable without Qt beside the window's; the helper roles use it.
    """
    if getattr(sys, "frozen", False):
        helper = Path(sys.executable).with_name("ranvier-helper" + (".exe" if os.name == "nt" else ""))
        return [str(helper), *arguments]
    return [sys.executable, "-m", "ranvier", *arguments]


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a process of ours: from source it must find this package, frozen it must start afresh."""
    environment = dict(os.environ)
    if getattr(sys, "frozen", False):
        environment["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
        environment.pop("LD_LIBRARY_PATH", None)  # PyInstaller's own folder: a miner must not load our libraries
        original = environment.pop("LD_LIBRARY_PATH_ORIG", None)
        if original is not None:
            environment["LD_LIBRARY_PATH"] = original
    else:
        source = str(Path(__file__).resolve().parents[2])
        others = [p for p in environment.get("PYTHONPATH", "").split(os.pathsep) if p and p != source]
        environment["PYTHONPATH"] = os.pathsep.join([source, *others])
    environment.update(extra or {})
    return environment


def spawn_detached(command: Sequence[str], *, cwd: Path | None = None, errors: Path | None = None) -> int:
    """Start ``command`` in a session of its own, so that it outlives us; returns its pid.

    Standard error goes to ``errors`` (truncated) so that a failed start can be explained.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    target = errors.open("wb") if errors is not None else subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=target,
            start_new_session=True,
            creationflags=flags,
        )
    finally:
        if not isinstance(target, int):
            target.close()
    # It is not ours to wait for: it lives on after us. Tell Popen so, or it warns when collected.
    process.returncode = 0
    return process.pid
