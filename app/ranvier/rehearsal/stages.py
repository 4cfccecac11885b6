"""The stages of a node's life and what is reported about each."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ranvier.chain.model import Plan
from ranvier.core.errors import ErrorData


class Stage(enum.StrEnum):
    """In the order in which they run."""

    SANDBOX = "sandbox"
    WALLET = "wallet"
    FUND = "fund"
    INSTALL = "install"
    REGISTER = "register"
    START = "start"
    AXON = "axon"
    QUERY = "query"
    SCORE = "score"
    EARN = "earn"


TITLES = {
    Stage.SANDBOX: "Start the sandbox network",
    Stage.WALLET: "Make a practice wallet",
    Stage.FUND: "Fund it with play money",
    Stage.INSTALL: "Install the reference miner",
    Stage.REGISTER: "Register on the practice subnet",
    Stage.START: "Start the miner under supervision",
    Stage.AXON: "Publish its axon",
    Stage.QUERY: "First query answered",
    Stage.SCORE: "First score",
    Stage.EARN: "First earnings",
}


class StageState(enum.StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    CONSENT = "consent"  # the plan is shown and waits for a yes
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StageReport:
    """One stage at one moment. ``text`` says what it does or waits for, ``evidence`` what proves it done.

    ``progress`` is 0..1 or None when it cannot be known; ``seconds`` how long it took so far; ``plan`` is set
    for the stage that signs with the coldkey.
    """

    stage: Stage
    state: StageState
    text: str = ""
    evidence: str = ""
    seconds: float = 0.0
    progress: float | None = None
    plan: Plan | None = None
    error: ErrorData | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rehearsal ended with. ``first_earning_s`` counts from its start."""

    first_earning_s: float
    alpha_rao: int
    hotkey_ss58: str
    block: int
