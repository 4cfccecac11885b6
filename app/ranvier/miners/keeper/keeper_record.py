"""What a keeper knows and writes down: the status file's contents, and how to take them up again.

Standard library only.
"""

from __future__ import annotations

import os
import sys
import time

from ranvier.miners.keeper import keeper_spec as files
from ranvier.miners.keeper import keeper_tree as tree
from ranvier.miners.keeper import policy as rules
from ranvier.miners.keeper.keeper_control import PROTOCOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    if sys.platform == "win32":
        from ranvier.miners.keeper.keeper_windows import WindowsHost as Host
    else:
        from ranvier.miners.keeper.keeper_posix import Host

EXITS_KEPT = 50
RETRY_S = 5.0


class Record:
    """Counts and history of one program, kept in ``run/status.json``.

    ``gate`` is set between fork and exec: a keeper killed there has started nothing. ``retry_at`` (monotonic)
    is set when the file could not be written. ``needs_secrets``: it was not started because they are not here.
    """

    def __init__(self) -> None:
        self.starts = 0
        self.crashes = 0
        self.exits: list[dict[str, Any]] = []
        self.started_at: float | None = None
        self.gate = False
        self.asked = False  # whether we told the program to end
        self.kills = 0  # of its group for want of memory, when it was started
        self.held_ports: list[int] = []
        self.needs_secrets = False
        self.changed = True
        self.sync = False
        self.retry_at: float | None = None
        self.boot = tree.boot_id()
        self._token = tree.token(os.getpid())
        self._written = ("", "")

    def take_up(self, known: dict[str, Any], policy: rules.Policy) -> tuple[int, str]:
        """Take over what the last keeper wrote; returns the pid and start token of its program on this boot."""
        private = known.get("keeper") or {}
        self.starts = int(known.get("starts") or 0)
        self.crashes = int(known.get("crashes") or 0)
        self.exits = list(known.get("exits") or [])
        self.started_at = known.get("started_at")
        self.gate = bool(private.get("gate"))
        self.asked = bool(private.get("asked"))
        self.kills = int(private.get("kills") or 0)
        policy.failures = int(private.get("failures") or 0)
        now, wall = time.monotonic(), time.time()
        policy.crash_times = [now - max(0.0, wall - at) for at in private.get("crash_at") or []]
        if private.get("boot") != self.boot:
            return 0, ""
        return int(known.get("pid") or 0), str(private.get("token") or "")

    def ended(self, code: int | None, signal_number: int | None, ran_s: float, memory: bool = False) -> None:
        """Note one end of the program; ``memory``: the system ended something of it at its memory limit."""
        end: dict[str, Any] = {
            "at": time.time(),
            "code": code,
            "signal": signal_number,
            "wanted": self.asked,
            "ran_s": round(ran_s, 3),
        }
        if memory:
            end["memory"] = True
        self.exits.append(end)
        del self.exits[:-EXITS_KEPT]
        if not self.asked:
            self.crashes += 1
        self.changed = self.sync = True

    def status(self, policy: rules.Policy, host: Host) -> dict[str, Any]:
        """The status file's contents: ``KeeperStatus`` and, below ``keeper``, what only the next keeper needs."""
        now, wall = time.monotonic(), time.time()
        next_at = policy.next_at if policy.state == rules.BACKING_OFF else None
        return {
            "protocol": PROTOCOL,
            "state": policy.state,
            "reason": policy.reason,
            "written_at": wall,
            "keeper_pid": os.getpid(),
            "keeper_started": tree.started_at(self._token),
            "pid": host.pid or None,
            "pid_started": tree.started_at(host.token) if host.pid else None,
            "started_at": self.started_at if host.pid else None,
            "starts": self.starts,
            "crashes": self.crashes,
            "next_start_at": wall + next_at - now if next_at is not None else None,
            "exits": self.exits,
            "held_ports": self.held_ports,
            "needs_secrets": self.needs_secrets and policy.wanted,
            "keeper": {
                "boot": self.boot,
                "own": self._token,
                "token": host.token,
                "gate": self.gate,
                "asked": self.asked,
                "kills": self.kills,
                "failures": policy.failures,
                "crash_at": [round(wall - (now - at), 3) for at in policy.crash_times],
            },
        }

    def write(self, policy: rules.Policy, host: Host, *, hurry: bool = False) -> None:
        """Replace the status file. On a full disk the program goes on, and we try again later.

        ``hurry`` leaves waiting for the disk to a later write: enough against a kill, not against a power cut.
        """
        try:
            files.write_status(self.status(policy, host), sync=self.sync and not hurry)
        except OSError:
            self.retry_at = time.monotonic() + RETRY_S
        else:
            self.retry_at = None
        self.changed = self.sync = self.sync and hurry
        self._written = (policy.state, policy.reason)

    def write_if_changed(self, policy: rules.Policy, host: Host) -> None:
        """The same, when there is something new or an earlier try failed."""
        due = self.retry_at is not None and time.monotonic() >= self.retry_at
        if self.changed or due or self._written != (policy.state, policy.reason):
            self.write(policy, host)
