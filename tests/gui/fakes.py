"""A client that answers like the agent, and statuses with everything in them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from ranvier.agent.api.messages import (
    AgentStatus,
    Attention,
    BundlePreview,
    ChainView,
    CrashPlace,
    Done,
    Earnings,
    Event,
    ExportLogs,
    GetEarnings,
    GetHardwareHistory,
    GetMinerHistory,
    GetSecrets,
    HardwareHistory,
    LogCrash,
    LogHits,
    LogPage,
    MinerHistory,
    MinerSecrets,
    MinerView,
    PlacedLine,
    ReadLog,
    SearchLog,
    StatusEvent,
)
from ranvier.chain.model import Axon, BlockRef, Neuron
from ranvier.core.evidence import Evidence, Level
from ranvier.miners.status import ExitRecord, MinerState

HOTKEY = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
COLDKEY = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
GENESIS = "0x" + "5a" * 32


class FakeClient:
    """The face of ``AgentClient``: records commands, answers from ``answers``, streams what ``send`` is given."""

    def __init__(self) -> None:
        self.commands: list[msgspec.Struct] = []
        self.answers: dict[type, Any] = {}
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self.closed = False

    async def call(self, command: msgspec.Struct, *, timeout_s: float | None = None) -> Any:
        self.commands.append(command)
        answer = self.answers.get(type(command), Done())
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            return answer(command)
        if isinstance(answer, Done):
            empty = {ReadLog: LogPage((), 0, 0, 0, 0), GetMinerHistory: MinerHistory(0.0, 1.0), LogCrash: CrashPlace(),
                     SearchLog: LogHits((), 0, True, 0), GetHardwareHistory: HardwareHistory(()),
                     GetEarnings: Earnings((), ()), ExportLogs: BundlePreview((), ()),
                     GetSecrets: MinerSecrets(())}  # fmt: skip
            return empty.get(type(command), answer)
        return answer

    def sent(self, kind: type) -> list[Any]:
        return [command for command in self.commands if isinstance(command, kind)]

    def send(self, event: Event) -> None:
        self._events.put_nowait(event)

    async def events(self) -> AsyncIterator[Event]:
        while True:
            yield await self._events.get()

    async def close(self) -> None:
        self.closed = True


def neuron(uid: int = 7) -> Neuron:
    return Neuron(1, uid, HOTKEY, 1201, 8201, 9830, 41_250_000_000, Axon("192.0.2.1", 8091, 1240))


def good_miner(**changes: Any) -> MinerView:
    now = time.time()
    miner = MinerView(
        id="practice",
        name="Practice miner",
        recipe="sandbox-llm",
        network="sandbox",
        netuid=1,
        hotkey_ss58=HOTKEY,
        coldkey_ss58=COLDKEY,
        state=MinerState.RUNNING,
        wanted=True,
        level=Level.GOOD,
        evidence=(
            Evidence(Level.GOOD, "Process alive (pid 40312)", now - 1),
            Evidence(Level.GOOD, "Model answers its health check", now - 4),
            Evidence(Level.GOOD, "Registered as uid 7", now - 2),
            Evidence(Level.GOOD, "Last validator query answered", now - 17),
            Evidence(Level.GOOD, "Paid at block 1 840", now - 63),
        ),
        pid=40312,
        started_at=now - 11_540,
        starts=3,
        crashes=1,
        exits=(
            ExitRecord(now - 11_560, 1, None, False, 3.2),
            ExitRecord(now - 86_000, None, 9, False, 7_512.0),
            ExitRecord(now - 190_000, 0, None, True, 61.0),
        ),
        cpu_percent=183.4,
        rss=412 * 2**20,
        gpu_memory=None,
        neuron=neuron(),
        earned_today_rao=12_345_678_901,
        earned_7d_rao=84_000_111_222,
        last_paid_block=1840,
        axon_port=8091,
        queries_answered=214,
        last_query_at=now - 17,
        installed=True,
    )
    return msgspec.structs.replace(miner, **changes)


def failed_miner() -> MinerView:
    now = time.time()
    return good_miner(
        id="llm-4090",
        name="LLM on the 4090",
        state=MinerState.BACKING_OFF,
        level=Level.BAD,
        evidence=(
            Evidence(Level.BAD, "Ended 4 times in a row: exit 1 after 3 s; next start in 40 s", now - 22),
            Evidence(Level.UNKNOWN, "Health not asked while it does not run", None),
            Evidence(Level.GOOD, "Registered as uid 12", now - 2),
            Evidence(Level.WARN, "No validator query for 2 h", now - 7_300),
            Evidence(Level.WARN, "Nothing paid at the last epoch", now - 61),
        ),
        pid=None,
        started_at=None,
        starts=9,
        crashes=4,
        cpu_percent=None,
        rss=None,
        earned_today_rao=0,
        earned_7d_rao=3_210_000_000,
        queries_answered=None,
        last_query_at=None,
    )


def unknown_miner() -> MinerView:
    return good_miner(
        id="old",
        name="Old box",
        state=MinerState.UNKNOWN,
        wanted=False,
        level=Level.UNKNOWN,
        evidence=(Evidence(Level.UNKNOWN, "Its keeper cannot be seen", None),),
        pid=None,
        started_at=None,
        exits=(),
        cpu_percent=None,
        rss=None,
        neuron=None,
        earned_today_rao=None,
        earned_7d_rao=None,
        last_paid_block=None,
        axon_port=None,
        queries_answered=None,
    )


def chain(network: str = "sandbox", level: Level = Level.GOOD) -> ChainView:
    return ChainView(
        network=network,
        endpoint="ws://127.0.0.1:9944",
        level=level,
        text="Connected, a block each second",
        head=BlockRef(1847, "0x" + "ab" * 32, int(time.time() * 1000)),
        head_seen_at=time.time(),
        genesis_hash=GENESIS,
        spec_version=343,
    )


def status(*miners: MinerView, network: str = "sandbox", attention: tuple[Attention, ...] = ()) -> AgentStatus:
    now = time.time()
    return AgentStatus("0.1.0", 1, 4242, now - 9_000, now, chain(network), miners, attention)


def rich_status() -> AgentStatus:
    return status(
        good_miner(),
        failed_miner(),
        unknown_miner(),
        attention=(
            Attention(
                Level.BAD,
                "LLM on the 4090 keeps ending",
                "It ended 4 times in a row with exit 1. Its log ends with: CUDA out of memory. Choose a smaller model.",
                "llm-4090",
            ),
            Attention(Level.WARN, "Disk is getting full", "12 GiB of 1.8 TiB are left where the data folder is."),
        ),
    )


def log_tail(count: int = 60) -> LogPage:
    at = time.time() - count
    texts = (
        "INFO  loading SmolLM2-135M-Instruct (138 MB)",
        "INFO  model ready in 1.9 s, 4 threads",
        "INFO  axon listens on 127.0.0.1:8091",
        "INFO  query from 5DAAnr…3dpqQ9: 24 tokens in 0.61 s",
        "WARN  query refused: nonce is 11.2 s old",
    )
    lines = tuple(
        PlacedLine(at + n, "err" if n % 5 == 4 else "out", texts[n if n < 3 else 3 + n % 2]) for n in range(count)
    )
    return LogPage(lines, 1000, 4096, 0, 4096)


def status_event(*miners: MinerView, **options: Any) -> StatusEvent:
    return StatusEvent(status(*miners, **options))
