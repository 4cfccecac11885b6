"""What the keeper's hands have in common on every system: how a start fails, how a program ends.

Standard library only.
"""

from __future__ import annotations

import errno
import os


class SpawnError(Exception):
    """The program was not executed; ``permanent`` when trying again cannot help."""

    def __init__(self, text: str, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


class Exit:
    """How the program ended: ``code`` or ``signal``; neither when nobody could see it."""

    __slots__ = ("code", "signal")

    def __init__(self, code: int | None, signal_number: int | None) -> None:
        self.code = code
        self.signal = signal_number

    def text(self, ran_s: float) -> str:
        """For people, as the end of a sentence: "ended with code 1 after 3.2 s"."""
        after = f"after {ran_s:.1f} s"
        if self.signal is not None:
            return f"was ended by {_signal_name(self.signal)} {after}"
        if self.code is not None:
            return f"ended with code {self.code} {after}"
        return f"ended {after} while no keeper was its parent, so its exit code is not known"


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def check_command(argv: list[str], cwd: str, environment: dict[str, str]) -> str:
    """The executable's path; SpawnError says exactly what is missing."""
    if not os.path.isdir(cwd):  # noqa: PTH112
        raise SpawnError(f"the working folder {cwd} does not exist", True)
    name = argv[0]
    if "/" in name:
        path = os.path.join(cwd, name)  # noqa: PTH118
        if not os.path.exists(path):  # noqa: PTH110
            raise SpawnError(f"the program {name} does not exist", True)
        if os.path.isdir(path) or not os.access(path, os.X_OK):  # noqa: PTH112
            raise SpawnError(f"the program {name} may not be executed: it is not an executable file", True)
        return path
    search = environment.get("PATH", os.defpath)
    for folder in search.split(os.pathsep):
        path = f"{folder}/{name}"
        if folder and os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return path
    raise SpawnError(f"the program {name} is in none of the folders of PATH ({search})", True)


def exec_error(number: int, path: str, cwd: str) -> SpawnError:
    """What a failed exec means for people."""
    if number == errno.ENOENT:
        return SpawnError(f"the program {path} names an interpreter in its first line that does not exist", True)
    if number == errno.ENOEXEC:
        return SpawnError(f"the program {path} is not in a format that this system can execute", True)
    if number == errno.EACCES:
        return SpawnError(f"the program {path} may not be executed (permission denied, working folder {cwd})", True)
    permanent = number not in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
    return SpawnError(f"the program {path} could not be executed: {os.strerror(number)}", permanent)
