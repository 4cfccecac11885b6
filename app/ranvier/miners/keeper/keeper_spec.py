"""The keeper's own files: what to run (keeper.json), whether it should run, what is known (run/status.json).

All paths are relative: the keeper stands in its folder, so the folder may be moved while it works. Standard
library only; ``spec.py`` is the same file seen from the rest of the program.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys

from ranvier.miners.keeper.policy import Limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SPEC = "keeper.json"
STATUS = "run/status.json"
WANTED = "run/wanted"
SOCKET = "run/keeper.sock"
CONTROL = "run/control.json"  # Windows: port and token
LOCK = "run/keeper.lock"
LOGS = "logs"
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would write two bytes for a line's end, and cut the last one off
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Spec:
    """``keeper.json``, checked. ValueError says what is wrong with it.

    ``secret_names``: variables of the environment whose values are never in a file.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        try:
            moved = _moved(str(data.get("folder") or ""))
            self.argv = [moved(str(word)) for word in data["argv"]]
            self.cwd = moved(str(data["cwd"]))
            self.env = {str(name): moved(str(value)) for name, value in data["env"].items()}
            self.secret_names = [str(name) for name in data.get("secret_names") or []]
            self.stop_signal = str(data["stop_signal"])
            self.stop_grace_s = float(data["stop_grace_s"])
            self.term_grace_s = float(data["term_grace_s"])
            self.log_segment_bytes = int(data["log_segment_bytes"])
            self.log_total_bytes = int(data["log_total_bytes"])
            self.log_segment_s = float(data.get("log_segment_s", 86_400.0))  # files of an older agent lack it
            self.log_keep_s = float(data.get("log_keep_s", 0.0))
            self.nice = _number(data, "nice")
            self.memory_bytes = _number(data, "memory_bytes")
            self.cpu_weight = _number(data, "cpu_weight")
            self.ports = [int(port) for port in data.get("ports") or []]
            self.limits = _limits(data)
        except KeyError as error:
            raise ValueError(f"{SPEC}: {error.args[0]} is missing") from None
        except (TypeError, AttributeError) as error:
            raise ValueError(f"{SPEC}: {error}") from None
        if not self.argv:
            raise ValueError(f"{SPEC}: argv is empty")


def _moved(before: str) -> Callable[[str], str]:
    """What turns a path into our folder as it was called ``before`` into one that is there now."""
    here = os.getcwd()  # noqa: PTH109
    if not before or before == here:
        return lambda text: text
    old, new = before + os.sep, here + os.sep
    return lambda text: here if text == before else text.replace(old, new)


def _number(data: dict[str, Any], name: str) -> int | None:
    value = data.get(name)
    return None if value is None else int(value)


def _limits(data: dict[str, Any]) -> Limits:
    return Limits(
        backoff_first_s=float(data["backoff_first_s"]),
        backoff_factor=float(data["backoff_factor"]),
        backoff_cap_s=float(data["backoff_cap_s"]),
        backoff_jitter=float(data["backoff_jitter"]),
        start_mark_s=float(data["start_mark_s"]),
        stable_s=float(data["stable_s"]),
        crash_budget=int(data["crash_budget"]),
        window_s=float(data["window_s"]),
        window_budget=int(data["window_budget"]),
    )


def take_lock() -> int | None:
    """The descriptor that holds this folder's lock until we die, or None when somebody else holds it."""
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def read_spec() -> Spec:
    """What to run, as it is on disk now; ValueError or OSError when it cannot be used."""
    with open(SPEC, encoding="utf-8") as file:  # noqa: PTH123
        try:
            data = json.load(file)
        except ValueError as error:
            raise ValueError(f"{SPEC} is damaged: {error}") from None
    return Spec(data)


def read_status() -> dict[str, Any]:
    """What the last keeper knew; empty when there is nothing readable."""
    try:
        with open(STATUS, encoding="utf-8") as file:  # noqa: PTH123
            data = json.load(file)
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def read_wanted() -> bool:
    """Whether the program should run."""
    try:
        with open(WANTED, encoding="ascii") as file:  # noqa: PTH123
            return file.read().strip() == "run"
    except (OSError, ValueError):
        return False


def write_wanted(wanted: bool, *, sync: bool) -> None:
    """Remember whether the program should run; with ``sync`` across power cuts too.

    Both words are equally long: one write in place is whole or not there, takes no time, and needs no free space.
    """
    text = "run \n" if wanted else "stop\n"
    try:
        in_place = os.stat(WANTED).st_size == len(text)  # noqa: PTH116
    except FileNotFoundError:
        in_place = False
    if in_place:
        _store(WANTED, text.encode(), 0, sync)
    else:
        _write(WANTED, text, sync=sync)


def write_status(data: dict[str, Any], *, sync: bool) -> None:
    """Replace the status file; ``sync`` where a power cut must not take it back."""
    _write(STATUS, json.dumps(data, separators=(",", ":")), sync=sync)


def _write(path: str, text: str, *, sync: bool) -> None:
    data = text.encode()
    temporary = path + ".new"
    try:
        _store(temporary, data, os.O_TRUNC, sync)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        if error.errno not in _FULL:
            raise
        _store(path, data, 0, sync)  # on a full disk the old file's own blocks are all there is
    else:
        os.replace(temporary, path)  # noqa: PTH105


def _store(path: str, data: bytes, flags: int, sync: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | _BINARY | flags, 0o600)
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, "No space left on device", path)
        os.ftruncate(descriptor, len(data))
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
