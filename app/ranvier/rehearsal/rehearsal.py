"""The whole life of a node on the sandbox. Each stage first looks whether it is done, so that a run can go on
after a crash, or be repeated, without doing anything twice.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from ranvier.agent.api.client import AgentClient, ensure_agent
from ranvier.agent.api.endpoint import read_endpoint
from ranvier.agent.api.messages import (
    AddMiner,
    AgentStatus,
    Command,
    GetEarnings,
    GetLog,
    GetStatus,
    InstallEvent,
    InstallMiner,
    MinerView,
    PublishAxon,
    R,
    StartMiner,
    StartSandbox,
    UseNetwork,
    WatchColdkeys,
)
from ranvier.chain import reads, submit
from ranvier.chain.connection import Connection
from ranvier.chain.model import BlockRef, Neuron, Plan, TxStage
from ranvier.chain.networks import sandbox_network
from ranvier.chain.plans import plans
from ranvier.core.errors import AgentError, Cancelled, ChainError, ErrorData, MinerError, NetworkError, RanvierError
from ranvier.core.evidence import Level, block_text
from ranvier.core.paths import Paths
from ranvier.core.tasks import Tasks
from ranvier.core.units import Alpha, Tao, format_alpha, format_tao
from ranvier.keys import mnemonic, wallets
from ranvier.ledger.payments import Payment
from ranvier.miners.status import MinerState
from ranvier.rehearsal import practice
from ranvier.rehearsal.deadline import Deadline
from ranvier.rehearsal.stages import Outcome, Stage, StageReport, StageState

_CRASHES = 3  # the first restarts come within seconds; after these, waiting longer explains nothing
FUND = practice.FUND
_NETUID = practice.NETUID


@dataclass
class _Node:
    """What the stages hand on to each other."""

    connection: Connection
    practice: practice.Practice

    async def neuron(self) -> tuple[BlockRef, Neuron | None]:
        head = await self.connection.head()
        return head, await reads.neuron(self.connection, _NETUID, self.practice.hotkey_ss58, head)


class Rehearsal:
    """Runs the stages in order and reports each change.

    ``consent`` gets the registration plan and answers whether to sign it; a no ends the run with ``Cancelled``.
    ``password`` is the practice wallet's, once one was made by this run; it is kept in memory only.
    """

    def __init__(
        self,
        paths: Paths,
        client: AgentClient,
        *,
        on_report: Callable[[StageReport], None],
        consent: Callable[[Plan], Awaitable[bool]],
        recipe: str = practice.RECIPE,
        ensure: Callable[[Paths], Awaitable[AgentClient]] = ensure_agent,
    ) -> None:
        self._paths = paths
        self._client = client
        self._report_to = on_report
        self._consent = consent
        self._recipe = recipe
        self._ensure = ensure
        self._stage = Stage.SANDBOX
        self._stage_began = 0.0
        self.password: str | None = None

    async def run(self, *, new_wallet: bool = False) -> Outcome:
        """Every stage until the first earning, with a new practice wallet if asked for. Raises RanvierError for the
        stage that failed, after reporting it.
        """
        began = time.monotonic()
        connection: Connection | None = None
        try:
            self._begin(Stage.SANDBOX, "Starting the practice network on this machine")
            connection = await self._sandbox()
            node = await self._wallet(connection, new=new_wallet)
            await self._fund(node)
            await self._install(node)
            await self._register(node)
            await self._start(node)
            await self._axon(node)
            await self._query(node)
            await self._score(node)
            row = await self._earn(node)
        except (RanvierError, Cancelled) as error:
            self._failed(error)
            raise
        finally:
            if connection is not None:
                await connection.close()
        return Outcome(time.monotonic() - began, row.alpha_rao, row.hotkey_ss58, row.block)

    # --- stages --------------------------------------------------------------------------------------------

    async def _sandbox(self) -> Connection:
        await self._call(StartSandbox())
        await self._call(UseNetwork("sandbox"))
        self._say("Waiting for its first block")

        def up(status: AgentStatus) -> bool:
            chain = status.chain
            return chain.network == "sandbox" and chain.head is not None and chain.level is Level.GOOD

        status = await self._wait_status(up, 60, "The sandbox network does not make blocks.")
        endpoint, genesis = status.chain.endpoint, status.chain.genesis_hash
        if endpoint is None:
            raise NetworkError("Sandbox", "The agent did not say where the sandbox is.")
        connection = Connection(sandbox_network(endpoint, genesis))
        await connection.open()
        head = await connection.head()
        self._done(f"{endpoint}, block {block_text(head.number)}, genesis {head_short(connection.genesis_hash)}")
        return connection

    async def _wallet(self, connection: Connection, *, new: bool) -> _Node:
        self._begin(Stage.WALLET, "Looking for the practice wallet")
        genesis = connection.genesis_hash or ""
        known = None if new else practice.load(self._paths.rehearsal)
        if known is not None and (self._paths.practice_wallets / known.wallet_name / "hotkeys").is_dir():
            node = _Node(connection, known)
            _, neuron = await node.neuron()
            if neuron is not None or self.password is not None:
                known = msgspec.structs.replace(known, genesis=genesis)
                practice.save(self._paths.rehearsal, known)
                self._done(f"{known.wallet_name}: coldkey {known.coldkey_ss58}")
                return _Node(connection, known)
        # Without its password the old practice coldkey cannot sign; play money is cheap, so a new one is made.
        self._say("Encrypting the coldkey; this takes some seconds on purpose")
        self.password = practice.make_password()
        name = practice.free_wallet_name(self._paths.practice_wallets)
        made = await wallets.create_wallet(
            self._paths.practice_wallets,
            name,
            mnemonic.generate(),
            self.password,
            practice.HOTKEY_NAME,
            mnemonic.generate(),
        )
        if made.coldkey_ss58 is None or not made.hotkeys or made.hotkeys[0].ss58 is None:
            raise RanvierError("Practice wallet", f"The wallet {name} could not be read back.", "Try again.")
        fresh = practice.Practice(name, practice.HOTKEY_NAME, made.coldkey_ss58, made.hotkeys[0].ss58, genesis)
        practice.save(self._paths.rehearsal, fresh)
        self._done(f"{name}: coldkey {fresh.coldkey_ss58}, written to {made.path}")
        return _Node(connection, fresh)

    async def _fund(self, node: _Node) -> None:
        coldkey = node.practice.coldkey_ss58
        self._begin(Stage.FUND, f"Asking the faucet for {format_tao(FUND, 0)}")
        head, neuron = await node.neuron()
        balance = (await reads.balances(node.connection, [coldkey], head))[0]
        if neuron is None and balance.spendable_rao < FUND.rao // 2:
            sent = await node.connection.rpc("sandbox_fund", [coldkey, FUND.rao])
            self._say(f"Waiting for transfer {head_short(str(sent))} to be in a block")
            before = balance.free_rao
            deadline = Deadline(30, "The faucet's transfer did not arrive.")
            while balance.free_rao <= before:
                await deadline.pause()
                head = await node.connection.head()
                balance = (await reads.balances(node.connection, [coldkey], head))[0]
        await self._call(WatchColdkeys((coldkey,), beside=True))
        self._done(f"{format_tao(Tao(balance.free_rao))} of play money at block {block_text(head.number)}")

    async def _install(self, node: _Node) -> None:
        known = node.practice
        self._begin(Stage.INSTALL, "Preparing the miner's folder")
        added = await self._call(
            AddMiner(
                id=known.miner_id,
                name=known.miner_name,
                recipe=self._recipe,
                netuid=_NETUID,
                wallet_path=str(self._paths.practice_wallets),
                wallet_name=known.wallet_name,
                hotkey_name=known.hotkey_name,
            )
        )
        self._say(added.text)
        listening = Tasks()
        listening.start(self._follow_install(known.miner_id), "install events")
        try:
            done = await self._call(InstallMiner(known.miner_id))
        finally:
            await listening.close()
        self._done(done.text or "Its own environment is ready")

    async def _follow_install(self, miner_id: str) -> None:
        """Install events become progress until cancelled. Losing the stream only loses the progress bar."""
        with contextlib.suppress(RanvierError):
            async for event in self._client.events():
                if isinstance(event, InstallEvent) and event.progress.miner_id == miner_id:
                    step = event.progress
                    share = step.done / step.total if step.done is not None and step.total else None
                    self._say(step.step, min(share, 1.0) if share is not None else None)

    async def _register(self, node: _Node) -> None:
        self._begin(Stage.REGISTER, "Asking the network what a seat costs")
        head, neuron = await node.neuron()
        if neuron is None:
            plan = await plans.plan_register(
                node.connection, node.practice.coldkey_ss58, node.practice.hotkey_ss58, _NETUID
            )
            self._report(StageState.CONSENT, "Nothing is signed before you say so", plan=plan)
            if not await self._consent(plan):
                raise Cancelled
            self._say("Opening the coldkey for one signature")
            if self.password is None:
                raise ChainError("Practice wallet", "Its password is not known any more.", "Start the rehearsal again.")
            wallet = self._paths.practice_wallets / node.practice.wallet_name
            signer = await wallets.unlock_coldkey(wallet, self.password)
            self._say("Waiting for the registration to be in a block")
            receipt = await submit.submit(node.connection, plan, signer)
            del signer
            if receipt.error is not None or receipt.stage not in (TxStage.IN_BLOCK, TxStage.FINAL):
                raise ChainError("Registration", receipt.error or f"The transaction was {receipt.stage}.", "Try again.")
            head, neuron = await node.neuron()
        if neuron is None:
            raise ChainError("Registration", "The chain accepted the call but shows no seat.", "Try again.")
        since, seen = block_text(neuron.registered_block), block_text(head.number)
        self._done(f"uid {neuron.uid} on subnet {_NETUID} since block {since}; seen at {seen}")

    async def _start(self, node: _Node) -> None:
        self._begin(Stage.START, "Starting the miner under its keeper")
        await self._call(StartMiner(node.practice.miner_id))
        self._say("Waiting for the model to load and answer its health check")

        def healthy(miner: MinerView) -> bool:
            return miner.state is MinerState.RUNNING and miner.queries_answered is not None

        miner = await self._wait_miner(node, healthy, 180, "The miner does not become healthy.")
        self._done(f"pid {miner.pid}, serving on port {miner.axon_port}")

    async def _axon(self, node: _Node) -> None:
        self._begin(Stage.AXON, "Telling the chain where the miner serves")
        miner = await self._wait_miner(node, lambda m: m.axon_port is not None, 10, "The miner has no port.")
        _, neuron = await node.neuron()
        if neuron is None or neuron.axon is None or neuron.axon.port != miner.axon_port:
            await self._call(PublishAxon(node.practice.miner_id))
            deadline = Deadline(60, "The axon does not show on the chain.")
            while neuron is None or neuron.axon is None or neuron.axon.port != miner.axon_port:
                await deadline.pause()
                _, neuron = await node.neuron()
        since = block_text(neuron.axon.block)
        self._done(f"{neuron.axon.ip}:{neuron.axon.port} on the chain since block {since}. {practice.AXON_WHY}")

    async def _query(self, node: _Node) -> None:
        self._begin(Stage.QUERY, "Waiting for a validator's first signed query")
        miner = await self._wait_miner(node, lambda m: bool(m.queries_answered), 90, "No validator has asked yet.")
        self._done(f"{miner.queries_answered} answered")

    async def _score(self, node: _Node) -> None:
        self._begin(Stage.SCORE, "Waiting for a validator to set a weight for this miner")
        deadline = Deadline(120, "No validator has set a weight for this miner yet.")
        while True:
            head, neuron = await node.neuron()
            if neuron is not None:
                given = [w for w in await reads.weights_on(node.connection, _NETUID, neuron.uid, head) if w[1] > 0]
                if given:
                    break
            await deadline.pause()
        best = max(weight for _, weight in given)
        who = "1 validator" if len(given) == 1 else f"{len(given)} validators"
        self._done(f"{who} gave a weight, the highest {best / 65535:.2f} of 1; block {block_text(head.number)}")

    async def _earn(self, node: _Node) -> Payment:
        self._begin(Stage.EARN, "Waiting for the epoch that pays")
        deadline = Deadline(180, "No earnings yet.")
        while True:
            await self._tell_next_epoch(node)
            earnings = await self._call(GetEarnings(hotkey_ss58=node.practice.hotkey_ss58, limit=1))
            if earnings.rows and earnings.rows[0].alpha_rao > 0:
                break
            await deadline.pause()
        row = earnings.rows[0]
        self._done(f"{format_alpha(Alpha(row.alpha_rao, row.netuid))} paid at block {block_text(row.block)}")
        return row

    async def _tell_next_epoch(self, node: _Node) -> None:
        head = await node.connection.head()
        subnet = await reads.subnet(node.connection, _NETUID, head)
        if subnet.next_epoch_block is not None:
            due = block_text(subnet.next_epoch_block)
            self._say(f"Waiting for the epoch at block {due}; now {block_text(head.number)}")

    # --- waiting and telling -------------------------------------------------------------------------------

    async def _wait_status(self, found: Callable[[AgentStatus], bool], limit_s: float, failure: str) -> AgentStatus:
        deadline = Deadline(limit_s, failure)
        while True:
            with contextlib.suppress(AgentError):  # an agent that died comes back; the deadline decides
                status = await self._call(GetStatus())
                deadline.seen = status.chain.text
                if found(status):
                    return status
            await deadline.pause()

    async def _wait_miner(
        self, node: _Node, found: Callable[[MinerView], bool], limit_s: float, failure: str
    ) -> MinerView:
        deadline = Deadline(limit_s, failure)
        crashes: int | None = None
        while True:
            with contextlib.suppress(AgentError):
                status = await self._call(GetStatus())
                miner = next((m for m in status.miners if m.id == node.practice.miner_id), None)
                if miner is not None:
                    deadline.seen = "; ".join(e.text for e in miner.evidence[:2])
                    if found(miner):
                        return miner
                    crashes = miner.crashes if crashes is None else crashes
                    if miner.state is MinerState.FAILED or miner.crashes >= crashes + _CRASHES:
                        raise await self._keeps_ending(miner)
            await deadline.pause()

    async def _keeps_ending(self, miner: MinerView) -> MinerError:
        """What the miner itself said last is what its owner needs to read."""
        lines: list[str] = []
        with contextlib.suppress(RanvierError):
            tail = await self._call(GetLog(miner.id, limit=40))
            lines = [line.text for line in tail.lines if line.stream == "err" and line.text.strip()]
        said = f" It said: {lines[-1].strip()}" if lines else f" {miner.evidence[0].text}."
        return MinerError(
            "The miner keeps ending", f"It ended {miner.crashes} times.{said}", "See its log under Miners."
        )

    async def _call(self, command: Command[R]) -> R:
        """Ask the agent. One that was killed is started again and asked once more: every command may come twice."""
        try:
            return await self._client.call(command)
        except AgentError as error:
            # An agent that ended on purpose takes its endpoint away; that one stays ended.
            if error.title not in ("No agent", "Agent lost") or read_endpoint(self._paths) is None:
                raise
            await (await self._ensure(self._paths)).close()
            return await self._client.call(command)

    def _begin(self, stage: Stage, text: str) -> None:
        self._stage, self._stage_began = stage, time.monotonic()
        self._say(text)

    def _say(self, text: str, progress: float | None = None) -> None:
        self._report(StageState.RUNNING, text, progress=progress)

    def _done(self, evidence: str) -> None:
        self._report(StageState.DONE, evidence=evidence, progress=1.0)

    def _failed(self, error: RanvierError | Cancelled) -> None:
        if isinstance(error, RanvierError):
            self._report(StageState.FAILED, error.message, error=error.data())
        else:
            data = ErrorData("Cancelled", "Not done", "You said no; nothing was signed.", "Start again at any time.")
            self._report(StageState.FAILED, data.message, error=data)

    def _report(
        self,
        state: StageState,
        text: str = "",
        *,
        evidence: str = "",
        progress: float | None = None,
        plan: Plan | None = None,
        error: ErrorData | None = None,
    ) -> None:
        seconds = time.monotonic() - self._stage_began
        self._report_to(StageReport(self._stage, state, text, evidence, seconds, progress, plan, error))


def head_short(hash_hex: str | None) -> str:
    """The first digits of a hash, for people."""
    return f"{hash_hex[:10]}…" if hash_hex else "unknown"
