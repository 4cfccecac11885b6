"""Messages about one miner: why it failed, its log by place and pattern, updates. ``agent.messages`` shows them all."""

from __future__ import annotations

import msgspec

from ranvier.agent.api.command import Command, Done
from ranvier.core.evidence import Evidence
from ranvier.ledger.miner_sample import MinerSample
from ranvier.ledger.payments import Payment
from ranvier.miners.states import ShownState
from ranvier.miners.status import ExitRecord

NO_SEAT = "no_seat"  # the cause that is told of a miner that runs without being registered


class DiagnosisView(msgspec.Struct, frozen=True):
    """Why a miner failed: one sentence, the lines it rests on, one safe next step.

    ``known`` False: no cause is claimed; the evidence is then its last lines that matter. ``since`` (Unix seconds) is
    when this incident began; with the miner and the cause it tells one incident from another. ``action`` is one of
    ``miners.diagnosis.ACTIONS``, ``label`` what its button says (empty: no button), ``subject`` what it begins with,
    ``command`` the same step for a terminal (empty: only the window has it).
    """

    cause: str
    sentence: str
    evidence: tuple[str, ...]
    step: str
    action: str
    label: str
    known: bool
    since: float | None = None
    at: float | None = None
    ends: int = 1
    subject: str = ""
    command: str = ""


class Version(msgspec.Struct, frozen=True):
    """The version of a miner's recipe and environment in use. ``trial_since`` (Unix seconds): it is being tried and
    goes back to ``previous`` by itself when it does not get healthy. ``note`` is what became of the last update."""

    number: int = 0
    previous: int | None = None
    trial_since: float | None = None
    note: str = ""


class Why(msgspec.Struct, frozen=True):
    """Everything that explains the state of one miner. ``reading`` is what it used when that was last looked at."""

    id: str
    shown: ShownState
    reason: str
    seen_at: float | None
    evidence: tuple[Evidence, ...]
    exits: tuple[ExitRecord, ...] = ()
    crashes: int = 0
    diagnosis: DiagnosisView | None = None
    reading: MinerSample | None = None


class PlacedLine(msgspec.Struct, frozen=True):
    """One line of a log with the position of its end (None where only the page's ends are known) and its level."""

    at: float
    stream: str
    text: str
    position: int | None = None
    level: str | None = None


class RecipeText(msgspec.Struct, frozen=True):
    """A recipe as it stands in its file ``path``."""

    text: str
    path: str


class LogPage(msgspec.Struct, frozen=True):
    """Lines oldest first. ``start``: ask for what is before it; ``next``: for what comes after. ``first`` and ``end``
    are the positions between which the log lies now."""

    lines: tuple[PlacedLine, ...]
    start: int
    next: int
    first: int
    end: int


class LogHits(msgspec.Struct, frozen=True):
    """Lines that fit, in the order of the log. ``next``: where to go on; ``done``: nothing is left that way."""

    lines: tuple[PlacedLine, ...]
    next: int
    done: bool
    scanned: int


class CrashPlace(msgspec.Struct, frozen=True):
    """The last end that nobody asked for; ``position`` None when the log holds none."""

    position: int | None = None
    at: float | None = None
    text: str = ""


class BundleCut(msgspec.Struct, frozen=True):
    """What was cut out of one file of a bundle, how often, and one line as it looks now."""

    file: str
    kind: str
    count: int
    sample: str


class BundleFile(msgspec.Struct, frozen=True):
    name: str
    size: int


class BundlePreview(msgspec.Struct, frozen=True):
    """What a bundle holds and what was cut out of it. ``path`` is empty while nothing was written. ``problem`` says
    why the values of the miner's own secrets could not be looked for; empty when they were."""

    files: tuple[BundleFile, ...]
    cuts: tuple[BundleCut, ...]
    path: str = ""
    problem: str = ""


class Moment(msgspec.Struct, frozen=True):
    """Something that happened at ``at`` (Unix seconds): ``endpoint lost``, ``endpoint back``, ``updated``, ``kept``,
    ``taken back``, ``incident`` (why it ended). It is of one miner, or of a whole network (then ``miner_id`` is
    empty)."""

    at: float
    kind: str
    text: str
    miner_id: str = ""
    network: str = ""


class MinerHistory(msgspec.Struct, frozen=True):
    """Everything about one miner between ``since`` and ``until`` (Unix seconds), each part oldest first.

    ``samples`` are merged to the number of points asked for. ``moments`` begin with the last word about the endpoint
    before this time; ``exits`` are the ends of the runs that touch it; ``started_at`` is the run that goes on.
    ``pay`` is each epoch's; ``pay_note`` says why it is not known, ``pay_from`` since when it is told, where what is
    older was too much.
    """

    since: float
    until: float
    samples: tuple[MinerSample, ...] = ()
    moments: tuple[Moment, ...] = ()
    exits: tuple[ExitRecord, ...] = ()
    started_at: float | None = None
    pay: tuple[Payment, ...] = ()
    pay_note: str = ""
    pay_from: float | None = None


# --- commands ---------------------------------------------------------------------------------------------------


class WhyMiner(Command[Why], frozen=True):
    id: str


class ReadLog(Command[LogPage], frozen=True):
    """A page of a log of any size: the lines before position ``before``, or after ``after``, or the last ones."""

    id: str
    before: int | None = None
    after: int | None = None
    limit: int = 500


class SearchLog(Command[LogHits], frozen=True):
    """Look through a log from position ``offset`` (None: from its beginning, or its end when ``backwards``).

    ``level`` is the lowest level shown (``debug``, ``info``, ``warning``, ``error``); a call ends after ``limit``
    hits or a moment's work and says where to go on.
    """

    id: str
    pattern: str = ""
    regex: bool = True
    case: bool = False
    level: str | None = None
    offset: int | None = None
    backwards: bool = False
    limit: int = 200


class LogCrash(Command[CrashPlace], frozen=True):
    id: str


class ExportLogs(Command[BundlePreview], frozen=True):
    """Collect a redacted bundle; with a ``path`` it is stored there as a zip, without one it is only shown."""

    id: str
    path: str = ""


class ChangeMiner(Command[Done], frozen=True):
    """Change what is not in the recipe; None leaves it. ``axon_port`` 0 takes a free one; ``gpus`` are UUIDs, empty
    for no choice; ``external_ip`` empty and ``external_port`` 0 forget where others reach it. It counts from the
    miner's next start."""

    id: str
    axon_port: int | None = None
    gpus: tuple[str, ...] | None = None
    external_ip: str | None = None
    external_port: int | None = None


class UpdateMiner(Command[Done], frozen=True):
    """Make a new version beside the one in use, from its recipe as it is now, from ``recipe_folder``, or from the
    recipe in use with another ``recipe_text``; and try it. ``fresh``: the same recipe, every package fetched anew.

    It is kept once it has been healthy for a while, and goes back by itself when it does not get so."""

    id: str
    recipe_folder: str = ""
    recipe_text: str = ""
    fresh: bool = False


class GetRecipe(Command[RecipeText], frozen=True):
    """The recipe that a miner runs by."""

    id: str


class UndoUpdate(Command[Done], frozen=True):
    """Go back to the version before."""

    id: str


class GetMinerHistory(Command[MinerHistory], frozen=True):
    """Everything about one miner on one axis of time, from ``since`` to ``until`` (Unix seconds; None: now)."""

    id: str
    since: float
    until: float | None = None
    points: int = 480
