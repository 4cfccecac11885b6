"""Made-up but plausible data for GUI tests and screenshots, and a client that answers with it. No agent runs."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from gui import samples_miners, samples_money
from ranvier.agent.api.messages import (
    PROTOCOL,
    AgentStatus,
    Attention,
    ChainView,
    Done,
    EarningBucket,
    Earnings,
    Event,
    GetEarnings,
    GetHardware,
    GetHardwareHistory,
    GetPortfolio,
    GetStatus,
    HardwareHistory,
    MinerView,
    Portfolio,
    StatusEvent,
    Version,
)
from ranvier.chain.model import Axon, Balance, BlockRef, Neuron, Plan, StakePosition, Subnet
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Evidence, Level
from ranvier.core.paths import Paths
from ranvier.core.settings import NETWORK, Settings
from ranvier.core.tasks import Tasks
from ranvier.core.units import Alpha
from ranvier.hardware.snapshot import Disk, Gpu, Hardware, Host
from ranvier.keys import wallets
from ranvier.keys.encryption import Cost
from ranvier.keys.mnemonic import generate
from ranvier.ledger.payments import Payment
from ranvier.miners.states import ShownState
from ranvier.miners.status import ExitRecord, MinerState
from ranvier.rehearsal.stages import Stage, StageReport, StageState

# Published test mnemonics only.
ABANDON = "abandon " * 11 + "about"
BOTTOM = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"

ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
CHARLIE = "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"
COLDKEY = "5EPCUjPxiHAcNooYipQFWr9NmmXJKpNG5RhcntXwbtUySrgH"  # of ABANDON
HOTKEY = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"  # of BOTTOM
HOTKEY_2 = CHARLIE
GENESIS = "0x" + "5e" * 32
DAY_MS = 86_400_000


def block_hash(number: int) -> str:
    return "0x" + hashlib.sha256(str(number).encode()).hexdigest()


def block(number: int = 48_213, age_s: float = 0.4) -> BlockRef:
    return BlockRef(number, block_hash(number), int((time.time() - age_s) * 1000))


def chain_view(network: str = "sandbox") -> ChainView:
    return ChainView(
        network=network,
        endpoint="ws://127.0.0.1:41234" if network == "sandbox" else f"wss://{network}.example:443",
        level=Level.GOOD,
        text="New blocks arrive.",
        head=block(),
        head_seen_at=time.time() - 0.3,
        genesis_hash=GENESIS,
        spec_version=343,
    )


def neuron(hotkey: str, uid: int, incentive: int) -> Neuron:
    return Neuron(
        netuid=1, uid=uid, hotkey_ss58=hotkey, registered_block=41_002, immune_until_block=46_002,
        incentive=incentive, emission_rao=2_410_337_901, axon=Axon("192.0.2.1", 8091, 41_010),
    )  # fmt: skip


def running_miner() -> MinerView:
    now = time.time()
    return MinerView(
        id="practice-1", name="Practice miner", recipe="sandbox-llm", network="sandbox", netuid=1, hotkey_ss58=HOTKEY,
        coldkey_ss58=COLDKEY, state=MinerState.RUNNING, wanted=True, level=Level.GOOD,
        evidence=(
            Evidence(Level.GOOD, "Process 41 877 runs for 3 h 12 min.", now - 1),
            Evidence(Level.GOOD, "The model answers (SmolLM2-135M-Instruct).", now - 4),
            Evidence(Level.GOOD, "Registered as uid 6 on subnet 1, block 48 213.", now - 1),
            Evidence(Level.GOOD, "Query of validator 5Dx…p9 answered; 1 284 so far.", now - 9),
            Evidence(Level.GOOD, "Paid 2.410337901 α1 at block 48 206.", now - 7),
        ),
        pid=41_877, started_at=now - 11_520, starts=1, cpu_percent=86.0, rss=412_000_000, gpu_memory=None,
        neuron=neuron(HOTKEY, 6, 21_844), earned_today_rao=58_113_402_118, earned_7d_rao=391_870_554_002,
        last_paid_block=48_206, axon_port=8091, queries_answered=1284, last_query_at=now - 9, installed=True,
        shown=ShownState.HEALTHY, reason="answered “ok” in 3 ms", shown_at=now - 4,
    )  # fmt: skip


def failing_miner() -> MinerView:
    now = time.time()
    return MinerView(
        id="writer-2", name="Story writer", recipe="sandbox-llm", network="sandbox", netuid=1, hotkey_ss58=HOTKEY_2,
        coldkey_ss58=COLDKEY, state=MinerState.BACKING_OFF, wanted=True, level=Level.BAD,
        evidence=(
            Evidence(Level.BAD, "Ended with code 1 after 8 s, 4 times; starts again in 32 s.", now - 3),
            Evidence(Level.UNKNOWN, "No answer: it does not run.", now - 40),
            Evidence(Level.GOOD, "Registered as uid 7 on subnet 1, block 48 213.", now - 1),
            Evidence(Level.WARN, "Last query 14 min ago.", now - 840),
            Evidence(Level.WARN, "Not paid in the last epoch.", now - 7),
        ),
        pid=None, started_at=None, starts=5, crashes=4,
        exits=(
            *(ExitRecord(now - 8 - 40 * n, 1, None, False, 8.2) for n in range(3)),
            ExitRecord(now - 400, None, 9, False, 5120.0),
        ),
        neuron=neuron(HOTKEY_2, 7, 3120), earned_today_rao=4_001_250_000, earned_7d_rao=88_202_114_777,
        last_paid_block=48_143, axon_port=8092, queries_answered=311, last_query_at=now - 840, installed=True,
        shown=ShownState.BACKING_OFF, reason="ended with code 1 after 8.2 s; crash 4 in a row", shown_at=now - 3,
        next_start_at=now + 32, diagnosis=samples_miners.diagnosis(),
        gpus=("GPU-1d3f0a1b-0000-4000-8000-000000000001",),
        version=Version(2, 0, None, "Version 2 got healthy and is kept."),
    )  # fmt: skip


def status(network: str = "sandbox") -> AgentStatus:
    return AgentStatus(
        version="0.1.0", protocol=PROTOCOL, pid=4242, started_at=time.time() - 86_000, at=time.time(),
        chain=chain_view(network), miners=(running_miner(), failing_miner()),
        attention=(
            Attention(
                Level.BAD, "Story writer keeps failing",
                "It ended four times in five minutes: the port 8092 is taken by another program. Free the port or "
                "give the miner another one.", "writer-2",
            ),
        ),
    )  # fmt: skip


def subnet(netuid: int, name: str, price_rao: int | None) -> Subnet:
    return Subnet(
        netuid=netuid, name=name, tempo=20, neurons=10, max_neurons=256, register_rao=500_000_000,
        registration_open=True, immunity_blocks=5000, price_rao=price_rao, tao_in_rao=51_000 * 10**9,
        alpha_in_rao=1_800_000 * 10**9, alpha_out_rao=910_000 * 10**9, last_epoch_block=48_206, next_epoch_block=48_227,
    )  # fmt: skip


def position(hotkey: str, netuid: int, alpha_rao: int, price_rao: int | None) -> StakePosition:
    spot = None if price_rao is None else Alpha(alpha_rao, netuid).at_price(price_rao).rao
    return StakePosition(hotkey, COLDKEY, netuid, alpha_rao, price_rao, spot)


def portfolio() -> Portfolio:
    return Portfolio(
        block=block(),
        balances=(Balance(COLDKEY, 103_512_004_871, 0, 103_511_504_871), Balance(BOB, 2_000_000_000, 0, 1_999_500_000)),
        positions=(
            position(HOTKEY, 1, 391_870_554_002, 28_314_506),
            position(HOTKEY_2, 1, 88_202_114_777, 28_314_506),
            position(HOTKEY, 4, 12_500_000_001, 61_002_331),
            position(CHARLIE, 64, 1_203_000_000_000, None),
        ),
        subnets=(subnet(1, "practice", 28_314_506), subnet(4, "targon", 61_002_331), subnet(64, "chutes", None)),
    )


def earnings_rows(days: int = 30, per_day: int = 6) -> tuple[Payment, ...]:
    """Rows newest first; subnet 4 joins half-way, and one price is not known."""
    now_ms = int(time.time() * 1000)
    rows = []
    for number in range(days * per_day):
        age_ms = number * DAY_MS // per_day
        height = 48_206 - 21 * number
        swing = 1 + 0.35 * math.sin(number / 9) - 0.012 * number / per_day
        price = None if number == 40 else int(28_314_506 * (1 + 0.1 * math.sin(number / 30)))
        rows.append(
            Payment(1, 0, height, HOTKEY, 6, now_ms - age_ms, int(9_700_000_000 * swing), price, block_hash(height))
        )
        if number < days * per_day // 2 and number % 2 == 0:
            rows.append(
                Payment(
                    4, 0, height, HOTKEY, 19, now_ms - age_ms, int(2_100_000_000 * swing), 61_002_331,
                    block_hash(height),
                )
            )  # fmt: skip
    return tuple(rows)


def earnings(bucket: str = "day", since_ms: int | None = None, limit: int = 1000) -> Earnings:
    """As the ledger answers: sums per UTC day or per epoch, TAO unknown where one price is."""
    rows = [row for row in earnings_rows() if since_ms is None or row.time_ms >= since_ms]
    sums: dict[tuple[int, int], list[Payment]] = {}
    for row in rows:
        start = row.time_ms - row.time_ms % DAY_MS if bucket == "day" else row.time_ms
        sums.setdefault((start, row.netuid), []).append(row)
    buckets = []
    for (start, netuid), found in sorted(sums.items()):
        unknown = any(row.price_rao is None for row in found)
        tao = None if unknown else sum(Alpha(r.alpha_rao, netuid).at_price(r.price_rao or 0).rao for r in found)
        buckets.append(EarningBucket(start, netuid, sum(row.alpha_rao for row in found), tao, len(found)))
    return Earnings(rows=tuple(rows[:limit]), buckets=tuple(buckets))


def gpu(index: int, phase: float) -> Gpu:
    load = 70 + 28 * math.sin(phase)
    return Gpu(
        uuid=f"GPU-{index}d3f0a1b-0000-4000-8000-00000000000{index}", name="NVIDIA GeForce RTX 4090", index=index,
        memory_total=25_757_220_864, memory_used=int(17_179_869_184 + 1.5e9 * math.sin(phase / 3)),
        utilization_percent=max(0, min(100, round(load))), temperature_c=round(58 + load / 8),
        power_w=round(110 + load * 3.2, 1), power_limit_w=450.0, clock_sm_mhz=2520 if index == 0 else 1980,
        throttle_reasons=() if index == 0 else ("heat",), pids=(41_877,),
    )  # fmt: skip


def hardware(at: float | None = None, *, gpus: bool = True) -> Hardware:
    at = time.time() if at is None else at
    phase = at / 40
    return Hardware(
        at=at,
        host=Host(
            name="cellar", system="Debian GNU/Linux 12", cpu_name="AMD Ryzen 9 7950X 16-Core Processor",
            cores_physical=16, cores_logical=32, cpu_percent=round(34 + 20 * math.sin(phase * 0.7), 1),
            load_1min=9.31, memory_total=67_108_864_000, memory_available=int(41e9 + 3e9 * math.sin(phase / 5)),
            swap_used=0, disk_total=2_000_000_000_000, disk_free=811_000_000_000,
            net_sent_bps=round(240_000 + 90_000 * math.sin(phase), 1),
            net_received_bps=round(910_000 + 400_000 * math.sin(phase * 1.3), 1),
            temperature_c=64.0, uptime_s=904_210.0,
            disks=(Disk("/home/mara/.local/share/ranvier", 2_000_000_000_000, 811_000_000_000, False, False, "ext4"),
                   Disk("/srv/models", 8_000_000_000_000, 3_100_000_000_000, False, True, "xfs")),
        ),
        gpus=(gpu(0, phase), gpu(1, phase + 2)) if gpus else (),
        driver="580.95.05" if gpus else None,
        gpu_note=None if gpus else "No NVIDIA driver is installed. A miner that needs a GPU cannot run here; "
        "the reference miner does not need one.",
    )  # fmt: skip


def history(seconds: int = 900, *, gpus: bool = True) -> HardwareHistory:
    """Samples each two seconds, with a pause of two minutes and a sensor that was silent for one."""
    now = time.time()
    samples = []
    for back in range(seconds, 0, -2):
        if 400 < back < 520:
            continue
        sample = hardware(now - back, gpus=gpus)
        if 180 < back < 240:
            sample = replace(sample, host=replace(sample.host, cpu_percent=None))
        samples.append(sample)
    return HardwareHistory(samples=tuple(samples))


def plan(network: str = "sandbox") -> Plan:
    return Plan(
        network=network, genesis_hash=GENESIS, spec_version=343, signer_ss58=COLDKEY,
        title="Register a hotkey on subnet 1", pallet="SubtensorModule", function="burned_register",
        call_hex="0x0706", fee_rao=1_347_210, spend_rao=500_000_000,
        lines=(
            ("Subnet", "1 · practice"),
            ("Hotkey", HOTKEY),
            ("Registration cost", "0.500000000 TAO, burned"),
            ("Fee", "0.001347210 TAO"),
            ("Call", "SubtensorModule.burned_register(netuid=1)"),
            ("What you get", "A seat (uid) on the subnet, safe from eviction for 5 000 blocks"),
        ),
        warnings=("The cost rises with each registration and falls over time; this one is refused above 0.5 TAO.",),
    )  # fmt: skip


def stages() -> tuple[StageReport, ...]:
    """A rehearsal half done: the registration waits for a yes."""
    done = (
        (Stage.SANDBOX, "Block 12 on ws://127.0.0.1:41234", 1.7),
        (Stage.WALLET, f"Coldkey {COLDKEY}", 4.2),
        (Stage.FUND, "100.000000000 TAO of play money in block 14", 2.1),
        (Stage.INSTALL, "158 MB in 6 packages, every sha256 checked", 21.4),
    )
    reports = [StageReport(stage, StageState.DONE, evidence=text, seconds=seconds) for stage, text, seconds in done]
    reports.append(StageReport(Stage.REGISTER, StageState.CONSENT, "Waits for your yes.", seconds=3.0, plan=plan()))
    waiting = list(Stage)[len(reports) :]
    return (*reports, *(StageReport(stage, StageState.WAITING) for stage in waiting))


class FakeClient:
    """Answers commands with the samples (or ``answers[Command]``: a value, an error, or a function of the command)."""

    def __init__(self, paths: Paths, *, gpus: bool = True, network: str = "sandbox") -> None:
        self.paths = paths
        self.calls: list[msgspec.Struct] = []
        self.answers: dict[type[msgspec.Struct], Any] = {
            **samples_money.answers(),
            GetStatus: status(network),
            GetPortfolio: portfolio(),
            GetEarnings: lambda command: earnings(command.bucket, command.since_ms, command.limit),
            GetHardware: lambda command: hardware(gpus=gpus),
            GetHardwareHistory: lambda command: history(command.seconds, gpus=gpus),
            **samples_miners.answers(),
        }
        self.pending: asyncio.Queue[Event] = asyncio.Queue()
        self.network = network

    async def call(self, command: msgspec.Struct, *, timeout_s: float | None = None) -> Any:
        self.calls.append(command)
        await asyncio.sleep(0)
        answer = self.answers.get(type(command), Done("done"))
        if isinstance(answer, RanvierError):
            raise answer
        return answer(command) if callable(answer) else answer

    async def events(self) -> AsyncIterator[Event]:
        yield StatusEvent(self.answers[GetStatus])
        while True:
            yield await self.pending.get()

    async def close(self) -> None:
        pass

    def called(self, kind: type[msgspec.Struct]) -> list[Any]:
        """The commands of one kind, oldest first."""
        return [command for command in self.calls if type(command) is kind]


class House:
    """A ``Context`` over a fake client, what was said through it, and an end that leaves no task behind."""

    def __init__(self, home: Path, client: FakeClient | None = None) -> None:
        from ranvier.ui.bridge import Bridge
        from ranvier.ui.context import Context

        self.paths = Paths.under(home)
        self.settings = Settings(self.paths.settings_file)
        self.client = client or FakeClient(self.paths)
        self.settings.set(NETWORK, self.client.network)
        self.said: list[str] = []
        self.errors: list[BaseException] = []
        self.visited: list[str] = []
        self.tasks = Tasks(self.errors.append)
        self.bridge = Bridge(self.client)  # type: ignore[arg-type]
        self.context = Context(
            paths=self.paths,
            settings=self.settings,
            client=self.client,  # type: ignore[arg-type]
            bridge=self.bridge,
            tasks=self.tasks,
            run=lambda work, name: (self.tasks.start(work, name), None)[1],
            say=self.said.append,
            show_error=self.errors.append,
            go=self.visited.append,
        )

    async def close(self) -> None:
        await self.tasks.close()


CHEAP = Cost(passes=3, memory_bytes=8192)  # the real cost is 3 s and 526 MB a wallet


async def make_wallets(folder: Path) -> None:
    """An encrypted wallet with two hotkeys, a watch-only one, and one whose coldkey is damaged."""
    made = await wallets.create_wallet(
        folder, "miner", ABANDON, "correct horse battery", "default", BOTTOM, _cost=CHEAP
    )
    wallets.add_hotkey(made.path, "writer", generate())
    wallets.add_watch_only(folder, "vault", BOB)
    damaged = await wallets.create_wallet(folder, "old-rig", generate(), "x", "default", generate(), _cost=CHEAP)
    (damaged.path / "coldkey").write_bytes(b"$NACL too short")


async def make_practice_wallet(folder: Path) -> None:
    """What the rehearsal makes: play keys in the sandbox's own folder."""
    await wallets.create_wallet(folder, "rehearsal", generate(), "play money", "default", generate(), _cost=CHEAP)


async def until(condition: Any, what: str = "", limit_s: float = 5.0) -> None:
    """Wait for ``condition()`` to be true; fails with ``what`` after ``limit_s``."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"did not happen: {what or condition}"
        await asyncio.sleep(0.01)
