"""What a diagnosis may rest on besides the log, and how to find it out: ports, memory records, disk.

``Facts`` is plain data that others fill in; ``PREDICATES`` are the names that rules use. Each predicate answers
with the evidence in words when it holds, None when it does not or is not known: not knowing proves nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ranvier.miners.logs.logs import LogLine
from ranvier.miners.status import ExitRecord

DISK_EMPTY_BYTES = 16 << 20
DISK_ROOMY_BYTES = 1 << 30
_KERNEL = re.compile(r"(?:Out of memory|Memory cgroup out of memory): Killed process (\d+) \(([^)]*)\)(.*)")
_KMSG = re.compile(r"^\d+,\d+,(\d+),[^;]*;(.*)$")


@dataclass(frozen=True, slots=True)
class PortOwner:
    """Who listens on a port; ``pid`` 0 and an empty name when the system does not tell."""

    port: int
    pid: int
    name: str

    def text(self) -> str:
        if not self.pid:
            return "another program"
        return f"{self.name or 'a program'} (process {self.pid})"


_NOT_LOOKED = PortOwner(0, 0, "")


@dataclass(frozen=True, slots=True)
class OomRecord:
    """The system's own record that it ended a process for want of memory."""

    pid: int
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known about one end of one miner. None means not known.

    ``refused``: the keeper's reason when the system did not execute the program at all. ``ports``: for each port
    that was looked at, its owner or None when it is free. ``gpu``: the card's state in words, for evidence.
    ``own_environment``: whether Ranvier made its Python environment. ``command_ports``: the same as ``ports`` for
    numbers that stand in its command. ``memory_limit``: the bytes that its recipe allows.
    """

    exit: ExitRecord | None = None
    lines: tuple[LogLine, ...] = ()
    refused: str | None = None
    netuid: int | None = None
    network: str | None = None
    axon_port: int | None = None
    ports: Mapping[int, PortOwner | None] = field(default_factory=dict)
    registered: bool | None = None
    registration: str = ""
    endpoint_up: bool | None = None
    endpoint: str = ""
    disk_free: int | None = None
    oom: OomRecord | None = None
    gpu: str | None = None
    own_environment: bool | None = None
    command_ports: Mapping[int, PortOwner | None] = field(default_factory=dict)
    memory_limit: int | None = None


Predicate = Callable[[Facts, dict[str, str]], str | None]


def _port(facts: Facts, groups: dict[str, str]) -> int | None:
    """The port that the line names, else the miner's own."""
    if "port" not in groups and facts.axon_port is not None:
        groups["port"] = str(facts.axon_port)
    return int(groups["port"]) if "port" in groups else None


def _port_taken(facts: Facts, groups: dict[str, str]) -> str | None:
    named = "port" in groups
    port = _port(facts, groups)
    owner = None if port is None else facts.ports.get(port)
    if owner is None:
        if not named:
            groups.pop("port", None)
        return None
    groups["owner"] = owner.text()
    return f"port {port} is held by {owner.text()} now"


def _port_free(facts: Facts, groups: dict[str, str]) -> str | None:
    port = _port(facts, groups)
    free = port is not None and facts.ports.get(port, _NOT_LOOKED) is None
    return f"port {port} is free now" if free else None


def _command_port_taken(facts: Facts, groups: dict[str, str]) -> str | None:
    """One number of its command is a port that somebody has; with two of them nothing would be certain."""
    taken = [owner for owner in facts.command_ports.values() if owner is not None]
    if len(taken) != 1:
        return None
    groups.update(port=str(taken[0].port), owner=taken[0].text())
    return f"port {taken[0].port}, which its command names, is held by {taken[0].text()} now"


def _registered(facts: Facts, _groups: dict[str, str]) -> str | None:
    return (facts.registration or "the chain has its hotkey") if facts.registered else None


def _not_registered(facts: Facts, _groups: dict[str, str]) -> str | None:
    return (facts.registration or "the chain does not have its hotkey") if facts.registered is False else None


def _other_netuid(facts: Facts, groups: dict[str, str]) -> str | None:
    said = groups.get("said")
    if said is None or facts.netuid is None or int(said) == facts.netuid:
        return None
    return f"this miner's subnet is {facts.netuid}"


def _endpoint_down(facts: Facts, _groups: dict[str, str]) -> str | None:
    return (facts.endpoint or "the chain's endpoint does not answer us either") if facts.endpoint_up is False else None


def _disk_empty(facts: Facts, _groups: dict[str, str]) -> str | None:
    free = facts.disk_free
    return f"{free / 1e6:.0f} MB are free" if free is not None and free < DISK_EMPTY_BYTES else None


def _disk_roomy(facts: Facts, _groups: dict[str, str]) -> str | None:
    free = facts.disk_free
    return (
        f"where its folder lies, {free / 1e9:.1f} GB are free"
        if free is not None and free >= DISK_ROOMY_BYTES
        else None
    )


def _oom_record(facts: Facts, _groups: dict[str, str]) -> str | None:
    return _memory_limit(facts, _groups) if facts.oom is None else facts.oom.text


def _memory_limit(facts: Facts, _groups: dict[str, str]) -> str | None:
    if facts.exit is None or not facts.exit.memory:
        return None
    limit = "" if facts.memory_limit is None else f": {facts.memory_limit / 1e9:.1f} GB"
    return f"the system ended it at the memory limit that it was given{limit}"


def _crashed(facts: Facts, _groups: dict[str, str]) -> str | None:
    return "" if facts.exit is not None and not facts.exit.wanted and facts.exit.code != 0 else None


def _foreign_environment(facts: Facts, _groups: dict[str, str]) -> str | None:
    return "its environment was not made by Ranvier" if facts.own_environment is False else None


PREDICATES: dict[str, Predicate] = {
    "port_taken": _port_taken,
    "port_free": _port_free,
    "registered": _registered,
    "not_registered": _not_registered,
    "other_netuid": _other_netuid,
    "endpoint_down": _endpoint_down,
    "disk_empty": _disk_empty,
    "disk_roomy": _disk_roomy,
    "oom_record": _oom_record,
    "memory_limit": _memory_limit,
    "command_port_taken": _command_port_taken,
    "crashed": _crashed,
    "foreign_environment": _foreign_environment,
}


# -- finding out -------------------------------------------------------------------------------------------------


def port_owner(port: int) -> PortOwner | None:
    """Who listens on a TCP port of this machine now; None when nobody does. Blocking (tens of milliseconds)."""
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        return _probe(port)  # macOS tells only root
    for one in connections:
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port:
            name = ""
            if one.pid:
                with contextlib.suppress(psutil.Error):
                    name = psutil.Process(one.pid).name()
            return PortOwner(port, one.pid or 0, name)
    return None


def _probe(port: int) -> PortOwner | None:
    import socket

    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return PortOwner(port, 0, "")
    return None


def disk_free(folder: Path) -> int | None:
    """Free bytes on the disk of ``folder``."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free
    return None


def oom_record(pids: set[int], since: float, *, cgroup: Path | None = None) -> OomRecord | None:
    """The kernel's record that it ended one of ``pids`` for want of memory after ``since`` (Unix seconds).

    ``cgroup`` is the program's own group, where it has one. Most systems let only root read the kernel's log.
    """
    if cgroup is not None:
        found = _from_cgroup(cgroup)
        if found is not None:
            return found
    if sys.platform != "linux":
        return None
    return find_oom(_kernel_log(), pids, time.clock_gettime(time.CLOCK_BOOTTIME) - (time.time() - since))


def find_oom(lines: list[str], pids: set[int], since_boot_s: float) -> OomRecord | None:
    """The newest matching record among lines in the form of ``/dev/kmsg``."""
    for line in reversed(lines):
        record = _KMSG.match(line)
        if record is None or int(record[1]) / 1e6 < since_boot_s - 5.0:
            continue
        match = _KERNEL.search(record[2])
        if match is not None and int(match[1]) in pids:
            resident = re.search(r"anon-rss:(\d+)kB", match[3])
            held = f", which held {int(resident[1]) / 1e6:.1f} GB" if resident else ""
            return OomRecord(
                int(match[1]), f"the kernel's log: out of memory, ended process {match[1]} ({match[2]}){held}"
            )
    return None


def _from_cgroup(folder: Path) -> OomRecord | None:
    for name, key in (("memory.events", "oom_kill"), ("memory.oom_control", "oom_kill")):
        with contextlib.suppress(OSError, ValueError):
            for line in (folder / name).read_text().splitlines():
                word, _, count = line.partition(" ")
                if word == key and int(count) > 0:
                    return OomRecord(0, f"the system ended {count} of its processes at its memory limit")
    return None


def _kernel_log() -> list[str]:
    if sys.platform != "linux":
        return []
    try:
        descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return []
    lines: list[str] = []
    try:
        while len(lines) < 20_000:
            try:
                lines.append(os.read(descriptor, 8192).decode("utf-8", "replace").split("\n", 1)[0])
            except BrokenPipeError:
                continue  # overwritten while we read: go on with the next
            except OSError:
                break
    finally:
        os.close(descriptor)
    return lines
