"""Miners in words: their states, exits and earnings, and why a button cannot be pressed. No Qt."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from ranvier.agent.api.messages import MinerView
from ranvier.agent.api.miner_messages import NO_SEAT
from ranvier.core.evidence import Level
from ranvier.core.units import Alpha, format_alpha
from ranvier.miners.states import ShownState
from ranvier.miners.status import ExitRecord, MinerState
from ranvier.ui.words import UNKNOWN

STATE_WORDS = {
    MinerState.STOPPED: "Stopped",
    MinerState.STARTING: "Starting",
    MinerState.RUNNING: "Running",
    MinerState.BACKING_OFF: "Waiting to restart",
    MinerState.STOPPING: "Stopping",
    MinerState.FAILED: "Failed",
    MinerState.UNKNOWN: "Unknown",
}

SHOWN_WORDS = {
    ShownState.STOPPED: "Stopped",
    ShownState.INSTALLING: "Installing",
    ShownState.STARTING: "Starting",
    ShownState.RUNNING: "Running",
    ShownState.HEALTHY: "Healthy",
    ShownState.DEGRADED: "Degraded",
    ShownState.BACKING_OFF: "Waiting to restart",
    ShownState.STOPPING: "Stopping",
    ShownState.FAILED: "Failed",
    ShownState.UNKNOWN: "Unknown",
}

# In the order in which ``MinerView.evidence`` comes.
EVIDENCE_NAMES = ("Process", "Health", "Seat", "Contact", "Pay")

NETWORK_WORDS = {"sandbox": "SANDBOX \N{EN DASH} PLAY MONEY", "test": "TESTNET", "finney": "MAINNET"}


def took_text(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def alpha_text(rao: int | None, netuid: int, decimals: int = 4) -> str:
    """An amount of a subnet's alpha with its unit; the last decimals are cut, not rounded up."""
    return UNKNOWN if rao is None else format_alpha(Alpha(rao, netuid), decimals)


def alpha_sums(amounts: Iterable[tuple[int, int | None]], decimals: int = 4) -> tuple[str | None, int]:
    """(netuid, rao) summed per subnet, as alphas of two subnets are different currencies; and how many are unknown.

    The text is None when nothing is known, so that a sum of unknowns is never shown as 0.
    """
    sums: dict[int, int] = {}
    unknown = 0
    for netuid, rao in amounts:
        if rao is None:
            unknown += 1
        else:
            sums[netuid] = sums.get(netuid, 0) + rao
    text = "  +  ".join(alpha_text(rao, netuid, decimals) for netuid, rao in sorted(sums.items()))
    return text or None, unknown


def exit_text(record: ExitRecord) -> str:
    """``exit 1 after 3 s``, ``killed by SIGKILL after 2 min 3 s``, ``stopped as asked after ...``."""
    if record.signal is not None:
        try:
            name = signal.Signals(record.signal).name
        except ValueError:
            name = f"signal {record.signal}"
        how = f"killed by {name}"
    elif record.code is not None:
        how = f"exit {record.code}"
    else:
        how = "ended, nobody saw how"
    if record.wanted:
        how = f"stopped as asked ({how})"
    return f"{how} after {took_text(record.ran_s)}"


def state_words(miner: MinerView) -> str:
    """The state that a person is told, its health counted; the keeper's word where an older agent says no more."""
    if miner.diagnosis is not None and miner.diagnosis.cause == NO_SEAT:
        return "Not registered"
    return STATE_WORDS[miner.state] if miner.shown is None else SHOWN_WORDS[miner.shown]


def start_words(miner: MinerView) -> str:
    """What the start button says: after a crash it is a manual retry."""
    return "Retry now" if miner.state in (MinerState.BACKING_OFF, MinerState.FAILED) else "Start"


def start_refusal(miner: MinerView) -> str | None:
    """Why this miner cannot be started now, or None when it can."""
    if miner.shown is ShownState.INSTALLING:
        return "It is being installed."
    if not miner.installed:
        return "Its environment is not installed yet."
    if miner.state in (MinerState.RUNNING, MinerState.STARTING):
        return f"It is {STATE_WORDS[miner.state].lower()} already."
    if miner.state is MinerState.STOPPING:
        return "It is being stopped; wait until it has ended."
    return None


def stop_refusal(miner: MinerView) -> str | None:
    """Why this miner cannot be stopped now, or None. A state that is not known can always be stopped."""
    if miner.state in (MinerState.STOPPED, MinerState.FAILED) and not miner.wanted:
        return "It does not run."
    return None


def restart_refusal(miner: MinerView) -> str | None:
    """Why this miner cannot be restarted now, or None."""
    if not miner.installed:
        return "Its environment is not installed yet."
    if miner.state is MinerState.STOPPING:
        return "It is being stopped; wait until it has ended."
    return None


def seat_words(miner: MinerView) -> str:
    """What stands where its uid would: ``not registered`` if the chain said so, unknown if it was not asked."""
    told = dict(zip(EVIDENCE_NAMES, miner.evidence, strict=False)).get("Seat")
    return "not registered" if told is not None and told.level in (Level.BAD, Level.WARN) else UNKNOWN


def level_of(miner: MinerView) -> Level:
    """What a summary shows for a miner: never better than unknown while its state is unknown."""
    return Level.UNKNOWN if miner.state is MinerState.UNKNOWN and miner.level is Level.GOOD else miner.level
