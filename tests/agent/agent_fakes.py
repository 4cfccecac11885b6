"""The world as the agent's tests have it: a chain of made-up blocks, and a miner that is a small real program."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ranvier.agent.agent import Agent, Parts
from ranvier.agent.api.client import AgentClient
from ranvier.agent.api.messages import (
    AddMiner,
    Earnings,
    GetEarnings,
    GetStatus,
    InstallMiner,
    LogLine,
    LogTail,
    MinerView,
    StartMiner,
    StopAgent,
    UseNetwork,
)
from ranvier.agent.miners.evidence import HealthSeen
from ranvier.agent.miners.miner_file import MinerFile
from ranvier.agent.miners.programs import Sightings
from ranvier.agent.miners.secret_store import SecretStore
from ranvier.chain.model import (
    Axon,
    Balance,
    BlockRef,
    Neuron,
    Place,
    Plan,
    Receipt,
    StakePosition,
    Subnet,
    TxStage,
)
from ranvier.chain.model_stake import KeySwap
from ranvier.chain.payouts import Payout, Stretch
from ranvier.chain.position_steps import Step
from ranvier.core.errors import ChainError, InstallError, NetworkError, RecipeError
from ranvier.core.paths import Paths
from ranvier.hardware.probe import GpuProbe, GpuReading
from ranvier.hardware.sampler import Sampler
from ranvier.miners.generations import Generation
from ranvier.miners.keeping import KeeperClient
from ranvier.miners.logs.logs import tail
from ranvier.miners.spec import ProgramSpec, Secrets
from ranvier.miners.states import HealthRule
from ranvier.miners.status import MinerState

PROGRAMS = Path(__file__).parent.parent / "programs"
ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"


class FakeChain:
    """A chain whose epochs are every ``tempo`` blocks; ``pay`` says what each hotkey gets at each."""

    def __init__(self, tempo: int = 10, height: int = 5, genesis: str = "0xaa") -> None:
        self.tempo, self.height, self.genesis = tempo, height, genesis
        self.pay: dict[str, int] = {}
        self.neurons: dict[str, Neuron] = {}
        self.stakes: list[StakePosition] = []
        self.swaps: dict[str, KeySwap] = {}
        self.ends: dict[str, Receipt] = {}  # by what is known of a transaction: what became of it
        self.held: Callable[[BlockRef], list[StakePosition]] | None = None  # stakes that differ by block
        self.owners: dict[str, str] = {}
        self.final_lag = 0
        self.forgets_below = 0
        self.riddles: set[int] = set()  # epochs whose block cannot be understood
        self.down: str | None = None
        self.opened = self.closed = self.asked = 0
        self.endpoint: str | None = "ws://127.0.0.1:1"
        self.spec_version: int | None = 343

    @property
    def genesis_hash(self) -> str | None:
        return self.genesis

    def _up(self) -> None:
        self.asked += 1
        if self.down is not None:
            raise NetworkError("Network", self.down)

    def at(self, number: int) -> BlockRef:
        return BlockRef(number, f"{self.genesis}{number:06x}", int(time.time() * 1000) - (self.height - number) * 1000)

    async def open(self) -> None:
        self._up()
        self.opened += 1

    async def close(self) -> None:
        self.closed += 1

    async def head(self) -> BlockRef:
        self._up()
        return BlockRef(self.height, f"{self.genesis}{self.height:06x}", int(time.time() * 1000))

    async def block(self, number: int) -> BlockRef:
        self._up()
        return self.at(number)

    async def finalized(self) -> int:
        self._up()
        return self.height - self.final_lag

    async def neuron(self, netuid: int, hotkey_ss58: str, at: BlockRef) -> Neuron | None:
        self._up()
        return self.neurons.get(hotkey_ss58)

    async def last_epoch_block(self, netuid: int, at: BlockRef) -> int:
        self._up()
        if at.number < self.forgets_below:
            raise ChainError("Chain", "State already discarded.")
        return at.number // self.tempo * self.tempo

    async def payouts_down(self, netuid: int, high: int, low: int, hotkeys_ss58: Collection[str], most: int) -> Stretch:
        rows: list[Payout] = []
        end = high + 1
        for _ in range(most):
            self._up()
            number = (end - 1) // self.tempo * self.tempo
            if end - 1 < self.forgets_below:
                return Stretch(tuple(rows), end, ChainError("Chain", "State already discarded."))
            end = number + 1
            if number < low or number == 0:
                return Stretch(tuple(rows), low)
            if number - 1 < self.forgets_below:
                return Stretch(tuple(rows), end, ChainError("Chain", "State already discarded."))
            if number in self.riddles:
                return Stretch(tuple(rows), end, ChainError("Not understood", f"Block {number} is a riddle."))
            rows += self._paid(netuid, number, hotkeys_ss58)
            end = max(low, number - self.tempo + 1)
            if end == low:
                break
        return Stretch(tuple(rows), end)

    def _paid(self, netuid: int, number: int, hotkeys_ss58: Collection[str]) -> list[Payout]:
        return [
            Payout(
                netuid, 0, number, hotkey, uid, number * 1000, rao + number, 10**9, self.at(number).hash,
                rao + number, 0, "paid", f"{hotkey}-owner", hotkey, 7,
            )
            for uid, (hotkey, rao) in enumerate(self.pay.items())
            if hotkey in hotkeys_ss58
        ]  # fmt: skip

    async def balances(self, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[Balance, ...]:
        self._up()
        return tuple(Balance(one, 7, 0, 6) for one in coldkeys_ss58)

    async def key_swaps(self, coldkeys_ss58: Sequence[str], at: BlockRef) -> dict[str, KeySwap]:
        self._up()
        return {one: self.swaps[one] for one in coldkeys_ss58 if one in self.swaps}

    async def positions(self, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[StakePosition, ...]:
        self._up()
        stakes = self.stakes if self.held is None else self.held(at)
        return tuple(one for one in stakes if one.coldkey_ss58 in coldkeys_ss58)

    async def own_moves(self, *_: object) -> dict[Place, tuple[int, ...]]:
        self._up()
        return {}

    async def position_steps(
        self, place: Place, from_block: int, to_block: int, also: Collection[int] = ()
    ) -> tuple[Step, ...]:
        self._up()
        held = []
        for number in range(from_block, to_block + 1):
            stakes = await self.positions([place[1]], self.at(number))
            held.append(sum(s.alpha_rao for s in stakes if (s.hotkey_ss58, s.netuid) == (place[0], place[2])))
        return tuple(
            Step(number, self.at(number).time_ms or 0, after - before, number % self.tempo == 0, ())
            for number, (before, after) in enumerate(itertools.pairwise(held), from_block + 1)
            if after != before or number in also
        )

    async def subnets(self, at: BlockRef) -> tuple[Subnet, ...]:
        self._up()
        return ()

    async def owner(self, hotkey_ss58: str, at: BlockRef) -> str | None:
        self._up()
        return self.owners.get(hotkey_ss58)

    async def settle(self, following: str, from_block: int) -> tuple[Receipt | None, int]:
        self._up()
        return self.ends.get(following), self.height + 1

    async def publish_axon(
        self, wallet_path: Path, hotkey_name: str, hotkey_ss58: str, netuid: int, ip: str, port: int
    ) -> Receipt:
        self._up()
        assert (wallet_path / "hotkeys" / hotkey_name).is_file()
        plan = Plan("sandbox", self.genesis, 343, hotkey_ss58, "Serve", "SubtensorModule", "serve_axon", "", 0, 0, ())
        self.seat(hotkey_ss58, axon=Axon(ip, port, self.height))
        return Receipt(plan, TxStage.IN_BLOCK, "0xfeed", self.at(self.height), 0, None, None)

    def seat(self, hotkey_ss58: str, *, registered: int = 1, axon: Axon | None = None) -> None:
        self.neurons[hotkey_ss58] = Neuron(1, 3, hotkey_ss58, registered, registered + 5, 100, 5, axon)


class FakePrograms:
    """One recipe, ``axon``: its environment is a file, its program a real one from tests/programs."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        self.command = list(command)
        self.values: dict[str, str] = {}
        self.fail_install: str | None = None
        self.asks_gpu = False
        self.hold_install = asyncio.Event()
        self.hold_install.set()
        self.installs = 0

    def check(self, recipe: str) -> None:
        if recipe != "axon":
            raise RecipeError("No such recipe", f"There is no recipe {recipe}.")

    async def installed(self, folder: Path, miner: MinerFile) -> bool:
        return (folder / "env").exists()

    async def install(self, folder: Path, miner: MinerFile, on_progress) -> None:
        self.installs += 1
        on_progress("Downloading", 1, 2)
        await self.hold_install.wait()
        if self.fail_install is not None:
            raise InstallError("Not installed", self.fail_install)
        (folder / "env").write_text("made")

    def spec(self, folder: Path, miner: MinerFile, endpoint: str) -> ProgramSpec:
        command = self.command or [sys.executable, str(PROGRAMS / "fake_axon.py"), str(miner.axon_port)]
        return ProgramSpec(
            argv=tuple(command), cwd=str(folder), env={"PATH": "/usr/bin:/bin"}, stop_grace_s=3.0,
            secrets=self.secrets(folder, miner),
        )  # fmt: skip

    def secrets(self, folder: Path, miner: MinerFile) -> Secrets:
        return Secrets(self.values)

    def secrets_asked(self, folder: Path, miner: MinerFile) -> dict[str, str]:
        return {name: name for name in self.values}

    def keep_recipe(self, name: str, folder: str, text: str) -> None:
        raise RecipeError("Recipe not valid", f"There is nothing in {folder}{text}.")

    async def prepare(self, folder: Path, miner: MinerFile, recipe_folder: str, on_progress, fresh=False) -> Generation:
        raise InstallError("Not installed", "This recipe has one version only.")

    def uses_gpu(self, folder: Path, miner: MinerFile) -> bool:
        return bool(miner.gpus) or self.asks_gpu

    def health_rule(self, folder: Path, miner: MinerFile) -> HealthRule | None:
        return HealthRule(down_after=2)

    async def health(self, folder: Path, miner: MinerFile, seen: Sightings) -> HealthSeen:
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", miner.axon_port)
                try:
                    writer.write(b"GET /health HTTP/1.0\r\n\r\n")
                    said = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
                finally:
                    writer.close()
        except (OSError, ValueError) as error:
            return HealthSeen(False, f"does not answer ({type(error).__name__})", time.time())
        return HealthSeen(True, "answers", time.time(), said["queries_answered"], said["last_query_at"])

    def log(self, folder: Path, after: int | None, limit: int) -> LogTail:
        lines, following = tail(folder, after, limit)
        return LogTail(tuple(LogLine(*line) for line in lines), following)


class NoCards:
    """A machine without GPUs."""

    def read(self) -> GpuReading:
        return GpuReading(note="none")

    def close(self) -> None:
        pass


class House:
    """An agent in a home of its own, on this loop, and a client that talks to it over its real socket."""

    def __init__(
        self,
        home: Path,
        chain: FakeChain | None = None,
        programs: FakePrograms | None = None,
        keeper_of: Callable[[Path], KeeperClient] = KeeperClient,
        cards: GpuProbe | None = None,
        secrets: SecretStore | None = None,
    ) -> None:
        self.secrets = secrets or SecretStore()
        self.cards = cards or NoCards()
        self.keeper_of = keeper_of
        self.paths = Paths.under(home)
        self.chain = chain or FakeChain()
        self.programs = programs or FakePrograms()
        self.client = AgentClient(self.paths)
        self.agent: Agent | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> House:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.stop()

    async def start(self) -> None:
        parts = Parts(
            programs=self.programs,
            secrets=self.secrets,
            keeper_of=self.keeper_of,
            chain_of=lambda network, endpoint: self.chain,
            sampler=Sampler(self.paths.data, self.cards),
            sandbox_command=[
                sys.executable,
                str(PROGRAMS / "fake_sandbox.py"),
                str(self.paths.network("sandbox") / "data"),
            ],
        )
        self.agent = Agent(self.paths, parts)
        self._running = asyncio.get_running_loop().create_task(self.agent.run())
        for _ in range(200):
            if (self.paths.agent / "endpoint.json").exists() or self._running.done():
                break
            await asyncio.sleep(0.02)
        if self._running.done():
            self._running.result()

    async def stop(self) -> None:
        if self.agent is not None and self._running is not None:
            self.agent.stop()
            await self._running
            self.agent = None

    async def ended(self) -> None:
        """Returns when the agent has ended by itself."""
        assert self._running is not None
        await self._running
        self.agent = None

    async def kill(self) -> None:
        """As a kill -9 leaves it: nothing is said goodbye to. (The process itself is killed in another test.)"""
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def earned(self, count: int) -> Earnings:
        """The earnings once there are ``count`` rows."""
        end = time.monotonic() + 15
        while True:
            earnings = await self.client.call(GetEarnings("epoch"))
            if len(earnings.rows) == count:
                return earnings
            assert time.monotonic() < end, earnings
            await asyncio.sleep(0.05)

    async def until(self, found, limit_s: float = 15.0):
        """The first status for which ``found`` is true."""
        end = time.monotonic() + limit_s
        while True:
            status = await self.client.call(GetStatus())
            if found(status):
                return status
            assert time.monotonic() < end, f"not seen: {status}"
            await asyncio.sleep(0.05)

    async def started(self, command: AddMiner) -> MinerView:
        """A miner that was added, runs and answers."""
        await self.client.call(UseNetwork("test"))
        await self.client.call(command)
        await self.client.call(InstallMiner(command.id))
        await self.client.call(StartMiner(command.id))
        status = await self.until(lambda status: up(status.miners[0]))
        return status.miners[0]

    async def end(self) -> None:
        """Stop everything."""
        await self.client.call(StopAgent(everything=True))
        await self.stop()


def up(view: MinerView) -> bool:
    return view.state is MinerState.RUNNING and view.queries_answered is not None
