"""What a program may take of the machine: priority, memory, share of the processor. Optional, never in its way.

Memory and share need a control group that this user may make (cgroup v2; where an older system has given memory to
v1, memory only); where there is none, that is said in the log and the program runs without. The group is made before
the program's first instruction and holds its whole tree. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ranvier.miners.keeper.keeper_spec import Spec

ROOT = "/sys/fs/cgroup"
OWN = "/proc/self/cgroup"


class Version:
    """What the files of one kind of control group are called. ``line`` is how a process's own place is marked."""

    __slots__ = ("events", "folder", "limit", "line", "no_limit", "weight")

    def __init__(self, line: str, folder: str, limit: str, no_limit: str, weight: str, events: str) -> None:
        self.line = line
        self.folder = folder
        self.limit = limit
        self.no_limit = no_limit
        self.weight = weight
        self.events = events


VERSIONS = (
    Version("0::", "", "memory.max", "max", "cpu.weight", "memory.events"),
    Version(":memory:", "/memory", "memory.limit_in_bytes", "-1", "", "memory.oom_control"),
)


class Group:
    """The control group of one program. ``folder`` is empty while there is none."""

    def __init__(self, mark: str, root: str = ROOT, own: str = OWN) -> None:
        self._name = f"ranvier-{mark}"
        self._root = root
        self._own = own
        self.folder = ""
        self._version = VERSIONS[0]
        self.kills_before = 0  # how many kills there were when the program was started

    def prepare(self, spec: Spec) -> list[str]:
        """Make the group for the next start; what could not be limited, in words."""
        if spec.memory_bytes is None and spec.cpu_weight is None:
            self.folder = ""
            return []
        self.folder = self.folder or self._find(make=True)
        if not self.folder:
            return ["memory and processor share are not limited: this user may make no control group here"]
        problems = []
        version = self._version
        wanted = (
            (version.limit, spec.memory_bytes, version.no_limit, "memory"),
            (version.weight, spec.cpu_weight, "100", "processor share"),
        )
        for name, value, otherwise, title in wanted:
            try:
                if name:
                    self._write(name, otherwise if value is None else str(value))
                elif value is not None:
                    problems.append(f"{title} is not limited: this system's control groups are of the old kind")
            except OSError as error:
                if value is not None:
                    problems.append(f"{title} is not limited: {error.strerror}")
        with contextlib.suppress(OSError):
            self._write("memory.oom.group", "0")
        self.kills_before = self.kills()
        return problems

    def adopt(self, kills_before: int) -> None:
        """Find the group again in which a former keeper started the program, dead or alive."""
        self.folder = self._find(make=False)
        self.kills_before = kills_before

    def add(self, pid: int) -> None:
        """Put a process that has not begun yet into the group."""
        if self.folder:
            with contextlib.suppress(OSError):
                self._write("cgroup.procs", str(pid))

    def kills(self) -> int:
        """How many of its processes the system has ended for want of memory."""
        if self.folder:
            with contextlib.suppress(OSError, ValueError), open(f"{self.folder}/{self._version.events}") as file:  # noqa: PTH123
                for line in file:
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        return 0

    def killed(self) -> bool:
        """Whether that happened since the last ``prepare``."""
        return self.kills() > self.kills_before

    def remove(self) -> None:
        """Take an empty group away."""
        if self.folder:
            with contextlib.suppress(OSError):
                os.rmdir(self.folder)  # noqa: PTH106
            self.folder = ""

    def _find(self, *, make: bool) -> str:
        """Beside us or above us: the nearest place where a group of ours may limit memory, or already is."""
        for version in VERSIONS:
            place = _own_place(self._own, version.line)
            while place:
                folder = f"{self._root}{version.folder}{'' if place == '/' else place}/{self._name}"
                try:
                    if make:
                        with contextlib.suppress(FileExistsError):
                            os.mkdir(folder, 0o755)  # noqa: PTH102
                    if os.access(f"{folder}/{version.limit}", os.W_OK):
                        self._version = version
                        return folder
                    if make:
                        os.rmdir(folder)  # noqa: PTH106
                except OSError:
                    pass
                place = "" if place == "/" else place.rpartition("/")[0] or "/"
        return ""

    def _write(self, name: str, text: str) -> None:
        descriptor = os.open(f"{self.folder}/{name}", os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def _own_place(path: str, mark: str) -> str:
    """Where a process is in the tree of one kind of control groups; empty when it is in none."""
    with contextlib.suppress(OSError), open(path) as file:  # noqa: PTH123
        for line in file:
            number, found, place = line.partition(mark)
            if found and (not number or number.isdigit()):
                return place.strip()
    return ""


def set_priority(pid: int, nice: int | None) -> str:
    """Make a process give way to others; what stood against it, in words."""
    if nice is None:
        return ""
    if sys.platform == "win32":
        return "priority is not set on this system"
    try:
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    except OSError as error:
        return f"priority is not set: {error.strerror}"
    return ""


def held_ports(ports: list[int]) -> list[int]:
    """Which of these TCP ports somebody listens on."""
    held = []
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # as servers do: last connections that fade away do not count
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                held.append(port)
    return held
