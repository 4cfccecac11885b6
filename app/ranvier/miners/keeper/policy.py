"""When a program is started, waits, or is given up: pure rules, without a clock, a process or a file.

The keeper tells what happened and does what it is answered. Times are seconds of a monotonic clock that the
caller hands in, so a clock that is set back changes nothing. Standard library only, and little of it: the
keeper stays small.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STOPPED = "stopped"
STARTING = "starting"
RUNNING = "running"
BACKING_OFF = "backing_off"
STOPPING = "stopping"
FAILED = "failed"

NOTHING = ""
SPAWN = "spawn"
STOP = "stop"


class Limits:
    """The numbers of a restart policy; times in seconds.

    ``start_mark_s``: how long a program lives before it counts as running. ``stable_s``: a run this long wipes
    out the crashes before it. ``crash_budget``: how many crashes in a row are forgiven. ``window_budget``: how
    many in ``window_s``, however long the runs between them were.
    """

    __slots__ = (
        "backoff_cap_s",
        "backoff_factor",
        "backoff_first_s",
        "backoff_jitter",
        "crash_budget",
        "stable_s",
        "start_mark_s",
        "window_budget",
        "window_s",
    )

    def __init__(
        self,
        *,
        backoff_first_s: float = 1.0,
        backoff_factor: float = 2.0,
        backoff_cap_s: float = 120.0,
        backoff_jitter: float = 0.2,
        start_mark_s: float = 1.0,
        stable_s: float = 60.0,
        crash_budget: int = 12,
        window_s: float = 3600.0,
        window_budget: int = 30,
    ) -> None:
        self.backoff_first_s = backoff_first_s
        self.backoff_factor = backoff_factor
        self.backoff_cap_s = backoff_cap_s
        self.backoff_jitter = backoff_jitter
        self.start_mark_s = start_mark_s
        self.stable_s = stable_s
        self.crash_budget = crash_budget
        self.window_s = window_s
        self.window_budget = window_budget

    def delay(self, failures: int, chance: float) -> float:
        """The wait after the n-th failure in a row; ``chance`` in 0..1 spreads it by the jitter."""
        exponent = min(max(failures, 1) - 1, 64)
        wait = min(self.backoff_cap_s, self.backoff_first_s * self.backoff_factor**exponent)
        return max(0.0, wait * (1.0 + self.backoff_jitter * (2.0 * chance - 1.0)))


class Policy:
    """The state of one program. Each method is one event and answers what to do: ``SPAWN``, ``STOP`` or nothing."""

    def __init__(self, limits: Limits, chance: Callable[[], float]) -> None:
        self.limits = limits
        self.state = STOPPED
        self.reason = "not started yet"
        self.wanted = False
        self.failures = 0
        self.crash_times: list[float] = []
        self.next_at: float | None = None  # the next start while backing off, the start mark while starting
        self._chance = chance

    # -- what people ask for ---------------------------------------------------------------------------------

    def start(self, now: float) -> str:
        """Run it. A manual start forgives every crash before it."""
        del now
        self.wanted = True
        if self.state in (STARTING, RUNNING):
            return NOTHING
        self.failures = 0
        self.crash_times = []
        return NOTHING if self.state == STOPPING else SPAWN

    def stop(self) -> str:
        """Do not run it."""
        wanted, self.wanted = self.wanted, False
        if self.state in (STARTING, RUNNING):
            self._become(STOPPING, "asked to stop")
            return STOP
        if self.state in (BACKING_OFF, FAILED):
            was = "waiting for a restart" if self.state == BACKING_OFF else "given up"
            self._become(STOPPED, f"stopped while {was}")
        elif self.state == STOPPED and wanted:
            self._become(STOPPED, "stopped as asked")
        return NOTHING

    def restart(self, now: float) -> str:
        """Stop it if it runs, then run it."""
        if self.state in (STARTING, RUNNING):
            self.wanted = True
            self.failures = 0
            self.crash_times = []
            self._become(STOPPING, "asked to restart")
            return STOP
        return self.start(now)

    # -- what happens ----------------------------------------------------------------------------------------

    def spawned(self, now: float) -> None:
        """The program was executed; whether it stays is not known yet."""
        self._become(STARTING, "started, not yet past its first moments")
        self.next_at = now + self.limits.start_mark_s

    def adopted(self, text: str) -> None:
        """A program that a former keeper started was found alive."""
        self.wanted = True
        self._become(RUNNING, text)

    def refused(self, now: float, text: str, permanent: bool) -> str:
        """The system did not execute the program. A missing file does not come back by trying."""
        if permanent:
            self._become(FAILED, text)
            return NOTHING
        return self._crashed(now, 0.0, text)

    def lacks(self, text: str) -> str:
        """It cannot be started before it is given something; it stays wanted, and no crash is counted."""
        self._become(STOPPED, text)
        return NOTHING

    def closing(self, text: str) -> None:
        """The program ended, what it left behind is being ended."""
        self._become(STOPPING, text)

    def gone(self, now: float, ran_s: float, text: str, asked: bool) -> str:
        """The program and everything of it has ended; ``text`` says how, ``asked`` whether we told it to."""
        if not self.wanted:
            self._become(STOPPED, "stopped as asked" if asked else f"stopped; before that it {text}")
            return NOTHING
        if asked:
            self._become(STOPPED, "restarting as asked")
            return SPAWN
        return self._crashed(now, ran_s, text)

    def tick(self, now: float) -> str:
        """Time has passed."""
        if self.next_at is None or now < self.next_at:
            return NOTHING
        if self.state == BACKING_OFF:
            self.next_at = None
            return SPAWN
        if self.state == STARTING:
            self._become(RUNNING, "running")
        return NOTHING

    def _crashed(self, now: float, ran_s: float, text: str) -> str:
        limits = self.limits
        stable = ran_s >= limits.stable_s
        if stable:
            self.failures = 0
        self.failures += 1
        self.crash_times = [at for at in self.crash_times if now - at < limits.window_s]
        self.crash_times.append(now)
        if self.failures > limits.crash_budget:
            self._become(FAILED, f"given up after {self.failures} crashes in a row; the last time it {text}")
            return NOTHING
        if len(self.crash_times) > limits.window_budget:
            minutes = round(limits.window_s / 60)
            count = len(self.crash_times)
            self._become(FAILED, f"given up after {count} crashes in {minutes} minutes; the last time it {text}")
            return NOTHING
        if stable:
            self._become(STOPPED, f"{text}; starting again at once")
            return SPAWN
        self._become(BACKING_OFF, f"{text}; crash {self.failures} in a row")
        self.next_at = now + limits.delay(self.failures, self._chance())
        return NOTHING

    def _become(self, state: str, reason: str) -> None:
        self.state = state
        self.reason = reason
        self.next_at = None


class Ladder:
    """Rungs of (signal name, seconds to wait after it), climbed until the program is gone."""

    def __init__(self, rungs: list[tuple[str, float]], now: float) -> None:
        self._rungs = list(rungs)
        self.deadline = now

    def step(self, now: float) -> str | None:
        """The signal to send now, or None while there is still time (or nothing stronger is left)."""
        if now < self.deadline:
            return None
        if not self._rungs:
            self.deadline = now + 1.0
            return None
        name, wait = self._rungs.pop(0)
        self.deadline = now + wait
        return name


def stop_rungs(stop_signal: str, grace_s: float, term_s: float) -> list[tuple[str, float]]:
    """The ladder of an asked stop: the program's own signal, then SIGTERM, then SIGKILL."""
    rungs = [(stop_signal, grace_s)]
    if stop_signal not in ("TERM", "KILL"):
        rungs.append(("TERM", term_s))
    return [*rungs, ("KILL", 5.0)]


def leftover_rungs() -> list[tuple[str, float]]:
    """The ladder for what a crashed program left behind."""
    return [("TERM", 2.0), ("KILL", 5.0)]
