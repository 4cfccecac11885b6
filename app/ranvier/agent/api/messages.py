"""Everything that travels between the agent and its clients, as typed messages (JSON by msgspec).

A command is ``POST /call/<Command class name>`` with the command as body; the answer is the type that the command names
or an ``ErrorData`` with status 422. ``GET /events`` is a WebSocket of ``Event``. ``COMMANDS`` lists them all.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from ranvier.agent.api.command import Command, Done, R
from ranvier.agent.api.history_messages import GetPositionHistory, PositionHistory
from ranvier.agent.api.ladder_messages import AddLadder, ChangeLadder, GetLadders, Ladder, Ladders, LadderView
from ranvier.agent.api.market_messages import ExportEarnings, GetHoldings, GetNetCheck, GetSubnet, GetSubnets, GetToken
from ranvier.agent.api.miner_messages import (
    BundleCut,
    BundleFile,
    BundlePreview,
    ChangeMiner,
    CrashPlace,
    DiagnosisView,
    ExportLogs,
    GetMinerHistory,
    GetRecipe,
    LogCrash,
    LogHits,
    LogPage,
    MinerHistory,
    Moment,
    PlacedLine,
    ReadLog,
    RecipeText,
    SearchLog,
    UndoUpdate,
    UpdateMiner,
    Version,
    Why,
    WhyMiner,
)
from ranvier.agent.api.money_messages import (
    AddReceipt,
    CheckPosition,
    CostsView,
    EarningBucket,
    Earnings,
    FetchPrices,
    FillGaps,
    FollowEarnings,
    Gaps,
    GetCosts,
    GetEarnings,
    GetGaps,
    GetPrices,
    GetReceipts,
    PositionCheck,
    PricesView,
    Receipts,
    RemoveCost,
    SetCost,
    SetTariff,
    UseArchive,
    UsePriceSource,
)
from ranvier.agent.api.secret_messages import GetSecrets, MinerSecrets, RemoveSecret, SecretView, SetSecret
from ranvier.chain.model import Balance, BlockRef, Neuron, StakePosition, Subnet
from ranvier.core.evidence import Evidence, Level
from ranvier.hardware.snapshot import Hardware
from ranvier.ledger.miner_sample import MinerSample
from ranvier.ledger.payments import Payment
from ranvier.miners.states import ShownState
from ranvier.miners.status import ExitRecord, MinerState

__all__ = [
    "COMMANDS", "EVENT_DECODER", "PROTOCOL", "AddLadder", "AddMiner", "AddReceipt", "AgentStatus", "Attention",
    "BundleCut", "BundleFile", "BundlePreview", "ChainView", "ChangeLadder", "ChangeMiner", "CheckPosition", "Command",
    "CostsView", "CrashPlace", "DiagnosisView", "Done", "EarningBucket", "EarningEvent", "Earnings",
    "Event", "ExportEarnings", "ExportLogs", "FetchPrices", "FillGaps", "FollowEarnings", "Gaps", "GetCosts",
    "GetEarnings", "GetGaps", "GetHardware", "GetHardwareHistory", "GetHoldings", "GetLadders", "GetLog",
    "GetMinerHistory", "GetNetCheck", "GetPortfolio", "GetPositionHistory", "GetPrices", "GetReceipts", "GetRecipe",
    "GetSecrets", "GetStatus", "GetSubnet", "GetSubnets", "GetToken", "HardwareEvent", "HardwareHistory",
    "InstallEvent", "InstallMiner", "InstallProgress", "Ladder", "LadderView", "Ladders", "LogCrash", "LogHits",
    "LogLine", "LogPage", "LogTail", "MinerHistory", "MinerSecrets", "MinerView", "Moment", "PlacedLine", "Portfolio",
    "PositionCheck", "PositionHistory", "PricesView", "PublishAxon", "R", "ReadLog", "Receipts", "RecipeText",
    "RemoveCost", "RemoveMiner", "RemoveSecret", "RestartMiner", "SearchLog", "SecretView", "SetCost", "SetSecret",
    "SetTariff", "StartMiner", "StartSandbox", "StatusEvent", "StopAgent", "StopMiner", "StopSandbox", "UndoUpdate",
    "UpdateMiner", "UseArchive", "UseNetwork", "UsePriceSource", "Version", "WatchColdkeys", "Why", "WhyMiner",
]  # fmt: skip

PROTOCOL = 1  # raised when an old window could misread a new agent


class ChainView(msgspec.Struct, frozen=True):
    """The network as the agent sees it. ``head`` is None until the first block was read."""

    network: str
    endpoint: str | None
    level: Level
    text: str
    head: BlockRef | None = None
    head_seen_at: float | None = None
    genesis_hash: str | None = None
    spec_version: int | None = None


class MinerView(msgspec.Struct, frozen=True):
    """One miner: what it is, what it does, and the evidence for it.

    ``evidence`` is ordered: process, health, registration, contact, pay. ``cpu_percent`` is of one core;
    ``rss`` in bytes over the whole process tree. Earnings are rao of alpha of ``netuid``.
    ``state`` is the keeper's word; ``shown`` what a person is told (with health counted), with its reason and when
    that was seen. ``diagnosis`` stands from a crash until it is well again or stopped. ``reading``: what it uses, None
    while it does not run. ``torch_cuda``: the CUDA (major, minor) that the torch in its environment was built for.
    ``uses_gpu``: a card is chosen for it, its recipe asks for one, or its processes hold memory of one.
    """

    id: str
    name: str
    recipe: str
    network: str
    netuid: int
    hotkey_ss58: str
    coldkey_ss58: str
    state: MinerState
    wanted: bool
    level: Level
    evidence: tuple[Evidence, ...]
    pid: int | None = None
    started_at: float | None = None
    starts: int = 0
    crashes: int = 0
    exits: tuple[ExitRecord, ...] = ()
    cpu_percent: float | None = None
    rss: int | None = None
    gpu_memory: int | None = None
    neuron: Neuron | None = None
    earned_today_rao: int | None = None
    earned_7d_rao: int | None = None
    last_paid_block: int | None = None
    axon_port: int | None = None
    queries_answered: int | None = None
    last_query_at: float | None = None
    installed: bool = False
    shown: ShownState | None = None
    reason: str = ""
    shown_at: float | None = None
    next_start_at: float | None = None
    diagnosis: DiagnosisView | None = None
    gpus: tuple[str, ...] = ()
    uses_gpu: bool = False
    version: Version = Version()
    reading: MinerSample | None = None
    torch_cuda: tuple[int, int] | None = None
    external_ip: str = ""
    external_port: int = 0


class InstallProgress(msgspec.Struct, frozen=True):
    """How far a miner's environment is: ``done`` of ``total`` bytes where known, and the step in words."""

    miner_id: str
    step: str
    done: int | None = None
    total: int | None = None
    finished: bool = False
    error: str | None = None


class Attention(msgspec.Struct, frozen=True):
    """One thing that needs the owner: what, and the next step. The same ``key`` is the same incident: tell it once.

    ``page`` is where something is to be done about it; empty for a miner's own or none.
    """

    level: Level
    title: str
    text: str
    miner_id: str | None = None
    key: str = ""
    page: str = ""


class AgentStatus(msgspec.Struct, frozen=True):
    """The whole truth of one moment; the window draws from this alone. ``sandbox``: the practice network is meant to
    run, whichever network is worked on; None is unknown. ``outdated``: Ranvier's files were written anew since this
    agent was started."""

    version: str
    protocol: int
    pid: int
    started_at: float
    at: float
    chain: ChainView
    miners: tuple[MinerView, ...] = ()
    attention: tuple[Attention, ...] = ()
    sandbox: bool | None = None
    outdated: bool = False


class Portfolio(msgspec.Struct, frozen=True):
    """Balances and stake of the watched coldkeys at one block. Totals are TAO at spot price."""

    block: BlockRef
    balances: tuple[Balance, ...]
    positions: tuple[StakePosition, ...]
    subnets: tuple[Subnet, ...]


class HardwareHistory(msgspec.Struct, frozen=True):
    """Samples oldest first, thinned with age."""

    samples: tuple[Hardware, ...]


class LogLine(msgspec.Struct, frozen=True):
    """One line of a miner's log. ``offset`` is where the next read goes on."""

    at: float
    stream: str
    text: str


class LogTail(msgspec.Struct, frozen=True):
    """Lines oldest first and the position to ask from next time."""

    lines: tuple[LogLine, ...]
    next: int


# --- commands ---------------------------------------------------------------------------------------------------


class GetStatus(Command[AgentStatus], frozen=True):
    pass


class UseNetwork(Command[Done], frozen=True):
    """Work on this network (``sandbox``, ``test``, ``finney``) from now on; the sandbox is started when asked for."""

    network: str


class StartSandbox(Command[Done], frozen=True):
    """Start the practice network under a keeper, or adopt it when it runs. Result: endpoint in ``Done.text``."""


class StopSandbox(Command[Done], frozen=True):
    pass


class WatchColdkeys(Command[Done], frozen=True):
    """Coldkeys whose balances and stake the portfolio shows; kept over restarts, per network. With ``beside`` those
    that are watched already stay, but for ``dropped``."""

    coldkeys_ss58: tuple[str, ...]
    beside: bool = False
    dropped: tuple[str, ...] = ()


class AddMiner(Command[Done], frozen=True):
    """Make a miner from a recipe. The wallet folder is where the *user's* hotkey is; the agent copies hotkey,
    hotkeypub and coldkeypub, nothing else, into the miner's own folder. Repeating it with the same id is harmless.

    ``recipe_folder`` (a folder with a ``recipe.toml``) or ``recipe_text`` (a proposal's) is stored first as a recipe
    of the user's own, under the name ``recipe``. ``gpus``: UUIDs of the cards that are this miner's alone.
    ``axon_port`` None takes a free one."""

    id: str
    name: str
    recipe: str
    netuid: int
    wallet_path: str
    wallet_name: str
    hotkey_name: str
    recipe_folder: str = ""
    recipe_text: str = ""
    gpus: tuple[str, ...] = ()
    axon_port: int | None = None


class InstallMiner(Command[Done], frozen=True):
    """Make the environment; progress comes as ``install`` events. Answers when done. Repeating it resumes."""

    id: str


class StartMiner(Command[Done], frozen=True):
    id: str


class StopMiner(Command[Done], frozen=True):
    id: str


class RestartMiner(Command[Done], frozen=True):
    id: str


class RemoveMiner(Command[Done], frozen=True):
    """Stop it and forget it; its folder goes, its earnings stay in the ledger."""

    id: str


class PublishAxon(Command[Done], frozen=True):
    """Sign serve_axon with the miner's hotkey and submit it. Result: extrinsic and block in ``Done.text``."""

    id: str


class GetLog(Command[LogTail], frozen=True):
    """The last ``limit`` lines, or those after position ``after``."""

    id: str
    after: int | None = None
    limit: int = 500


class GetHardware(Command[Hardware], frozen=True):
    pass


class GetHardwareHistory(Command[HardwareHistory], frozen=True):
    """Samples of so many seconds before ``until`` (Unix seconds; None: now), one of each of about ``points`` slots."""

    seconds: int = 900
    until: float | None = None
    points: int = 1000


class GetPortfolio(Command[Portfolio], frozen=True):
    pass


class StopAgent(Command[Done], frozen=True):
    """End the agent; with ``everything`` the miners and the sandbox too."""

    everything: bool = False


def _answer(command: type[Command[Any]]) -> type[Any]:
    bases: tuple[Any, ...] = vars(command)["__orig_bases__"]  # what the class statement said: Command[Answer]
    answer: type[Any] = get_args(bases[0])[0]
    return answer


COMMANDS: dict[type[Command[Any]], type[Any]] = {command: _answer(command) for command in Command.__subclasses__()}


# --- events -----------------------------------------------------------------------------------------------------


class StatusEvent(msgspec.Struct, frozen=True, tag="status"):
    """Sent at each change and at least every five seconds."""

    status: AgentStatus


class InstallEvent(msgspec.Struct, frozen=True, tag="install"):
    progress: InstallProgress


class EarningEvent(msgspec.Struct, frozen=True, tag="earning"):
    """New rows reached the ledger."""

    rows: tuple[Payment, ...]


class HardwareEvent(msgspec.Struct, frozen=True, tag="hardware"):
    sample: Hardware


Event = StatusEvent | InstallEvent | EarningEvent | HardwareEvent

EVENT_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Event)
