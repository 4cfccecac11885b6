"""What is known about a supervised program. The keeper writes it, everybody else reads it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class MinerState(enum.StrEnum):
    """States of one supervised program; ``UNKNOWN`` is for readers who cannot see the keeper."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing_off"
    STOPPING = "stopping"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """One end of the program: ``code`` or ``signal`` (the other is None), and whether it was asked for.

    ``memory``: the system ended something of it at the memory limit that it was given.
    """

    at: float
    code: int | None
    signal: int | None
    wanted: bool
    ran_s: float
    memory: bool = False


@dataclass(frozen=True, slots=True)
class KeeperStatus:
    """One keeper's status file (``run/status.json``). Times are Unix seconds; ``written_at`` is its age.

    ``pid_started`` is the child's start time, so that a reader can tell it from a reused pid. ``reason`` says
    in words why the state is what it is; ``next_start_at`` is set while backing off. ``held_ports``: ports of the
    program that were still in use after its end. ``needs_secrets``: it is to be run and cannot be started again
    until its secrets are handed over (``KeeperClient.start``), because nobody wrote them down. ``protocol``: what the
    keeper understands (``keeper_control.PROTOCOL``); the first ones did not say.
    """

    state: MinerState
    reason: str
    written_at: float
    keeper_pid: int
    keeper_started: float
    pid: int | None = None
    pid_started: float | None = None
    started_at: float | None = None
    starts: int = 0
    crashes: int = 0
    next_start_at: float | None = None
    exits: tuple[ExitRecord, ...] = ()
    held_ports: tuple[int, ...] = ()
    needs_secrets: bool = False
    protocol: int = 1
