"""What one miner of the agent is made with, and what one look at it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ranvier.agent.miners.programs import Keeper, Programs
from ranvier.miners.diagnosis import Diagnoser
from ranvier.miners.status import KeeperStatus


@dataclass(frozen=True, slots=True)
class Tools:
    """Handles that every miner uses. ``now`` is Unix seconds; ``changed`` says that a view would differ.
    ``wait_reason(cards)``: why one on these cards (none: any) cannot start yet, in words; it blocks."""

    programs: Programs
    keeper_of: Callable[[Path], Keeper]
    now: Callable[[], float]
    changed: Callable[[], None]
    diagnoser: Diagnoser = field(default_factory=Diagnoser)
    wait_reason: Callable[[Sequence[str]], str | None] = lambda cards: None


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at the keeper's file and the process table gave."""

    status: KeeperStatus
    keeper_alive: bool
    alive: bool | None

    @property
    def changing(self) -> tuple[object, ...]:
        """What a view shows of it: of two that are equal in this, the second is no news."""
        status = self.status
        return (
            status.state, status.reason, status.pid, status.starts, status.crashes, self.keeper_alive, self.alive
        )  # fmt: skip
