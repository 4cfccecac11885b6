"""Who is alive, and who belongs to a program: identities and descendants, on Linux from /proc, elsewhere by ps.

A process is a pid and a start time; on Linux the start is counted in clock ticks since this boot, so that no
change of the wall clock can confuse it. Every process of a program carries ``MARK`` in its environment, which
finds those that left the program's session and whose parent has died. Standard library only.
"""

from __future__ import annotations

import os
import sys
import time

MARK = "RANVIER_KEEPER"
LINUX = sys.platform.startswith("linux")


class Entry:
    """One live process: ``token`` is its start, unique on this boot."""

    __slots__ = ("group", "parent", "pid", "token", "zombie")

    def __init__(self, pid: int, parent: int, group: int, token: str, zombie: bool) -> None:
        self.pid = pid
        self.parent = parent
        self.group = group
        self.token = token
        self.zombie = zombie


def boot_id() -> str:
    """Changes with every start of the machine; empty where the system does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        return ""


def entry(pid: int) -> Entry | None:
    """The process with this pid, or None."""
    if sys.platform == "win32":
        from ranvier.miners.keeper.keeper_windows import creation_time

        began = creation_time(pid)
        return Entry(pid, 0, 0, began, False) if began else None
    if LINUX:
        return _from_proc(str(pid))
    return _from_ps(["-p", str(pid)]).get(pid)


def token(pid: int) -> str:
    """The start of a live process; empty when there is none (a zombie counts as none)."""
    found = entry(pid)
    return "" if found is None or found.zombie else found.token


def started_at(start: str) -> float:
    """A start token as Unix seconds."""
    if sys.platform != "linux":
        return float(start or 0)
    with open("/proc/stat") as file:  # noqa: PTH123
        for line in file:
            if line.startswith("btime "):
                return int(line.split()[1]) + int(start or 0) / os.sysconf("SC_CLK_TCK")
    return 0.0


def age_s(start: str) -> float:
    """How long the process with this start token has been running."""
    if sys.platform != "linux":
        return max(0.0, time.time() - float(start))
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - int(start) / os.sysconf("SC_CLK_TCK"))


def members(main: int, mark: str, *, ours: bool) -> dict[int, str]:
    """Live processes of the program other than ``main``: pid -> start token.

    ``ours``: this keeper started the program and is its subreaper, so that every descendant hangs below us.
    Otherwise descendants of ``main`` and, by the mark in their environment, those which got away from it.
    """
    everyone = _everyone()
    me = os.getpid()
    roots = {main} if main > 1 else set()
    if ours and LINUX:
        roots.add(me)
    elif LINUX:
        roots |= {pid for pid in everyone if pid != me and has_mark(pid, mark)}
    elif main > 1:
        roots |= {pid for pid, found in everyone.items() if found.group == main}
    inside = set(roots)
    grown = True
    while grown:
        more = {pid for pid, found in everyone.items() if found.parent in inside and pid not in inside}
        inside |= more
        grown = bool(more)
    inside -= {main, me}
    return {pid: everyone[pid].token for pid in inside if pid in everyone and not everyone[pid].zombie}


def marked(mark: str) -> list[int]:
    """Every live process that carries ``mark``, in the order of their start (Linux; elsewhere none)."""
    if not LINUX:
        return []
    me = os.getpid()
    found = [it for pid, it in _everyone().items() if pid != me and not it.zombie and has_mark(pid, mark)]
    return [it.pid for it in sorted(found, key=lambda it: (int(it.token), it.pid))]


def has_mark(pid: int, mark: str) -> bool:
    """Whether the process was started with ``MARK=mark`` in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return f"{MARK}={mark}".encode() in file.read().split(b"\0")
    except OSError:
        return False


def leads_session(pid: int) -> bool:
    """Whether the process leads a session, as every program that a keeper starts does."""
    if sys.platform == "win32":
        return False
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False


def _everyone() -> dict[int, Entry]:
    if not LINUX:
        return _from_ps(["-ax"])
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            one = _from_proc(name)
            if one is not None:
                found[one.pid] = one
    return found


def _from_proc(pid: str) -> Entry | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    state = fields[0]
    return Entry(int(pid), int(fields[1]), int(fields[2]), fields[19].decode(), state in (b"Z", b"X", b"x"))


def _from_ps(selection: list[str]) -> dict[int, Entry]:
    import subprocess  # only where there is no /proc

    command = ["ps", *selection, "-o", "pid=,ppid=,pgid=,stat=,lstart="]
    environment = {"PATH": "/bin:/usr/bin", "LC_ALL": "C"}
    text = subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout
    found = {}
    for line in text.splitlines():
        pid, parent, group, state, *start = line.split()
        began = str(time.mktime(time.strptime(" ".join(start), "%a %b %d %H:%M:%S %Y")))
        found[int(pid)] = Entry(int(pid), int(parent), int(group), began, state.startswith("Z"))
    return found
