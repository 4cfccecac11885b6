"""Which network the agent works on: choosing it, opening its ledger, and the sandbox behind it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ranvier.agent.desired import DesiredFile
from ranvier.agent.money.ledgers import Ledgers
from ranvier.agent.money.portfolio import PortfolioReader
from ranvier.agent.network.chain_face import Chain
from ranvier.agent.network.chain_watch import ChainWatch
from ranvier.agent.sandbox import SandboxNode
from ranvier.core.errors import LedgerError, NetworkError, RanvierError
from ranvier.core.evidence import Level

log = logging.getLogger(__name__)

SANDBOX = "sandbox"
TITLES = {SANDBOX: "the sandbox", "test": "the test network", "finney": "the main network"}
_ROUND_S = 2.0
_LONGEST_BACKOFF_S = 60.0


class WorkingNetwork:
    """``chain_of`` makes the chain of a network at an endpoint (None: the network's own endpoints).

    ``trouble`` is told what is wrong with the ledger, or None when it is well.
    """

    def __init__(
        self,
        desired: DesiredFile,
        node: SandboxNode,
        watch: ChainWatch,
        ledgers: Ledgers,
        portfolio: PortfolioReader,
        chain_of: Callable[[str, str | None], Chain],
        trouble: Callable[[RanvierError | None], None],
    ) -> None:
        self._desired = desired
        self._node = node
        self._watch = watch
        self._ledgers = ledgers
        self._portfolio = portfolio
        self._chain_of = chain_of
        self._trouble = trouble
        self._lock = asyncio.Lock()
        self._resting = False  # it was stopped, whether that could be stored or not
        self._endpoint: str | None = None  # of the watched chain, when it was made for one
        self._begun = False
        if self.name in TITLES:  # the first status says what was chosen, not that nothing is
            watch.announce(self.name, TITLES[self.name])

    def troubles(self) -> tuple[RanvierError, ...]:
        """Why no network is chosen, when one was."""
        return () if self._desired.trouble is None else (self._desired.trouble,)

    @property
    def name(self) -> str:
        """The chosen network, empty before the choice."""
        return self._desired.value.network

    @property
    def sandbox(self) -> bool:
        """Whether the practice network is meant to run, whichever network is worked on."""
        return self._desired.value.sandbox and not self._resting

    def endpoint_for(self, network: str) -> str:
        """What a miner on ``network`` is told to talk to. Raises NetworkError when that is not known."""
        if network == SANDBOX:
            endpoint = self._node.endpoint()
            if endpoint is None:
                raise NetworkError("No sandbox", "The sandbox was never started.", "Start it first.")
            return endpoint
        watched = self._watch.view()
        if watched.network == network and watched.endpoint is not None:
            return watched.endpoint
        from ranvier.chain.networks import NETWORKS

        return NETWORKS[network].endpoints[0]

    async def use(self, network: str) -> None:
        """Work on ``network`` from now on. Raises NetworkError, LedgerError, StorageError, MinerError."""
        if network not in TITLES:
            raise NetworkError(
                "No such network", f"“{network[:40]}” is no network.", f"Use one of {', '.join(TITLES)}."
            )
        async with self._lock:
            self._desired.set(network=network, sandbox=True if network == SANDBOX else None)
            self._resting = self._resting and network != SANDBOX
            await self._apply()

    async def start_sandbox(self) -> str:
        """Make the sandbox run; returns its endpoint. Raises RanvierError."""
        async with self._lock:
            self._desired.set(sandbox=True)
            self._resting = False
            endpoint = await self._node.start()
            if self.name == SANDBOX:
                await self._apply()
            return endpoint

    async def stop_sandbox(self) -> None:
        """End the sandbox; its state stays on disk. Raises RanvierError."""
        async with self._lock:
            self._resting = True
            try:
                self._desired.set(sandbox=False)
            finally:  # a full disk must not keep it running
                if self.name == SANDBOX:
                    self._endpoint = None
                    await self._watch.use(SANDBOX, TITLES[SANDBOX], None, "The sandbox is stopped.", Level.OFF)
                await self._node.stop()

    async def run(self) -> None:
        """Bring about what the files say, now and whenever it is no longer so, until cancelled."""
        failures = 0
        while True:
            try:
                async with self._lock:
                    await self._mend()
                failures = 0
            except RanvierError as error:
                failures += 1
                log.warning("network: %s", error)
                await self._watch.use(self.name, TITLES.get(self.name, ""), None, str(error), Level.BAD)
            except Exception:
                failures += 1
                log.exception("network")
            await asyncio.sleep(min(_LONGEST_BACKOFF_S, _ROUND_S * 2.0 ** min(failures, 5)))

    async def _mend(self) -> None:
        network, sandbox = self.name, self.sandbox
        if network in TITLES:
            stopped = network == SANDBOX and not sandbox
            if not self._begun or self._watch.network != network or not (stopped or self._watch.following):
                await self._apply()
            elif self._ledgers.get(network) is None:
                await self._open_ledger(network)
        if sandbox:
            await self._node.settle()

    async def _apply(self) -> None:
        """Watch the chosen network; nothing changes when it is watched already at the same place."""
        self._begun = True
        network, endpoint = self.name, None
        if network == SANDBOX:
            if not self._desired.value.sandbox:
                await self._watch.use(SANDBOX, TITLES[SANDBOX], None, "The sandbox is stopped.", Level.OFF)
                return
            if self._watch.network != SANDBOX:
                await self._watch.use(SANDBOX, TITLES[SANDBOX], None, "The sandbox is starting.")
            endpoint = await self._node.start()
        await self._open_ledger(network)
        if self._watch.network == network and self._watch.following and self._endpoint == endpoint:
            return
        self._endpoint = endpoint
        await self._watch.use(network, TITLES[network], self._chain_of(network, endpoint))

    async def _open_ledger(self, network: str) -> None:
        """A ledger that cannot be opened is told and tried again; everything else goes on without it."""
        try:
            await self._ledgers.open(network)
            await self._portfolio.load(network)
        except LedgerError as error:
            log.error("ledger: %s", error)
            self._trouble(error)
        else:
            self._trouble(None)
