"""Messages of laddered plans: buying or selling in steps over time, as reminders. Nothing is signed by the agent."""

from __future__ import annotations

import msgspec

from ranvier.agent.api.command import Command, Done


class LadderStep(msgspec.Struct, frozen=True):
    """What became of one step: ``signed`` (``receipt_id`` says by which transaction) or ``skipped``."""

    at: float
    outcome: str
    receipt_id: str = ""


class Ladder(msgspec.Struct, frozen=True):
    """``total_rao`` of TAO (buying) or of the subnet's alpha (selling), in ``steps`` parts, ``every_s`` seconds apart.

    ``next_at`` is when the next step is due (Unix seconds). ``signing_at``: the window began to sign it then and has
    not said what became of it. ``genesis_hash`` is the chain that it is of.
    """

    id: str
    genesis_hash: str
    buying: bool
    coldkey_ss58: str
    hotkey_ss58: str
    netuid: int
    total_rao: int
    steps: int
    every_s: float
    slippage_ppm: int
    next_at: float
    done: tuple[LadderStep, ...] = ()
    signing_at: float | None = None
    ended: bool = False

    @property
    def over(self) -> bool:
        return self.ended or len(self.done) >= self.steps

    def due(self, now: float) -> bool:
        return not self.over and now >= self.next_at

    def amount_rao(self) -> int:
        """What the next step moves; the last one takes what the division left."""
        part = self.total_rao // self.steps
        return part if len(self.done) + 1 < self.steps else self.total_rao - part * (self.steps - 1)


class LadderQuote(msgspec.Struct, frozen=True):
    """What the due step would bring at ``block``: rao of alpha (buying) or of TAO, by ``source`` (chain or formula)."""

    gets_rao: int
    cost_ppm: int
    spot_rao: int
    block: int
    source: str


class LadderView(msgspec.Struct, frozen=True):
    """``quote`` only while a step is due; ``problem`` says why there is none."""

    ladder: Ladder
    quote: LadderQuote | None = None
    problem: str = ""


class Ladders(msgspec.Struct, frozen=True):
    """Those of this network that are not over, the next due first."""

    ladders: tuple[LadderView, ...]


class GetLadders(Command[Ladders], frozen=True):
    pass


class AddLadder(Command[Done], frozen=True):
    """Keep a plan; its first step is due at once. Repeating it with the same id changes nothing."""

    id: str
    buying: bool
    coldkey_ss58: str
    hotkey_ss58: str
    netuid: int
    total_rao: int
    steps: int
    every_s: float
    slippage_ppm: int


class ChangeLadder(Command[Done], frozen=True):
    """``signing`` (about to be sent), ``signed`` (with ``receipt_id``), ``unsent`` (it was not), ``skip``,
    ``postpone`` (by ``seconds``) or ``end``. ``step`` is the number, from 0, of the step that is meant: when that is
    over already, it is refused.
    """

    id: str
    step: int
    action: str
    receipt_id: str = ""
    seconds: float = 0.0
