"""Balances and stake of the coldkeys that are ours or watched, one block per reading."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import msgspec

from ranvier.agent.api.messages import Portfolio
from ranvier.agent.money.ledger_writer import Target
from ranvier.agent.money.ledgers import Ledgers
from ranvier.agent.network.chain_watch import ChainWatch, Head
from ranvier.chain.model import ROOT
from ranvier.core.errors import KeyFileError, NetworkError

_KEY = "watched_coldkeys"
_LOOK_EVERY_S = 60.0


class PortfolioReader:
    """Reads at most once per block; everybody who asks meanwhile gets the same reading."""

    def __init__(self, watch: ChainWatch, ledgers: Ledgers, own_coldkeys: Callable[[str], set[str]]) -> None:
        self._watch = watch
        self._ledgers = ledgers
        self._own = own_coldkeys
        self._watched: dict[str, tuple[str, ...]] = {}
        self._reading = asyncio.Lock()
        self._latest: tuple[tuple[str, str, frozenset[str]], Portfolio] | None = None
        self._targets: dict[str, tuple[Target, ...]] = {}
        self._looked: dict[str, tuple[float, tuple[str, ...]]] = {}  # when, and for whom, targets were found

    async def load(self, network: str) -> None:
        """Recall the watched coldkeys of ``network``. Raises LedgerError."""
        text = await (await self._ledgers.open(network)).recall(_KEY)
        self._watched[network] = tuple(msgspec.json.decode(text, type=list[str])) if text else ()

    async def watch(self, network: str, coldkeys_ss58: Iterable[str]) -> None:
        """Replace the watched coldkeys. Raises KeyFileError for what is no address, LedgerError."""
        from ranvier.keys.addresses import is_ss58

        wanted = tuple(dict.fromkeys(coldkeys_ss58))
        for address in wanted:
            if not is_ss58(address):
                raise KeyFileError("Not an address", f"“{address[:60]}” is not an ss58 address.", "Copy it whole.")
        ledger = await self._ledgers.open(network)
        await ledger.remember({_KEY: msgspec.json.encode(wanted).decode()})
        self._watched[network] = wanted

    def watched(self, network: str) -> tuple[str, ...]:
        return self._watched.get(network, ())

    async def read(self) -> Portfolio:
        """The newest portfolio. Raises NetworkError or ChainError when the chain cannot be read."""
        async with self._reading:
            head = self._watch.require()
            coldkeys = sorted({*self.watched(head.network), *self._own(head.network)})
            key = (head.network, head.block.hash, frozenset(coldkeys))
            if self._latest is not None and self._latest[0] == key:
                return self._latest[1]
            chain, block = head.chain, head.block
            portfolio = Portfolio(
                block=block,
                balances=await chain.balances(coldkeys, block) if coldkeys else (),
                positions=await chain.positions(coldkeys, block) if coldkeys else (),
                subnets=await chain.subnets(block),
            )
            self._latest = (key, portfolio)
            return portfolio

    async def find_targets(self, head: Head) -> None:
        """Find the hotkeys that watched coldkeys own: their pay is noted too. A hotkey of somebody else, to which a
        watched coldkey only lent stake, is not.
        """
        coldkeys = self.watched(head.network)
        looked_at, looked_for = self._looked.get(head.network, (0.0, ()))
        if looked_for == coldkeys and time.monotonic() - looked_at < _LOOK_EVERY_S:
            return
        owners: dict[str, str | None] = {}
        targets = set()
        for position in await head.chain.positions(coldkeys, head.block) if coldkeys else ():
            if position.netuid == ROOT:
                continue
            if position.hotkey_ss58 not in owners:
                owners[position.hotkey_ss58] = await head.chain.owner(position.hotkey_ss58, head.block)
            if owners[position.hotkey_ss58] == position.coldkey_ss58:
                targets.add(Target(position.netuid, position.hotkey_ss58))
        self._looked[head.network] = (time.monotonic(), coldkeys)
        self._targets[head.network] = tuple(sorted(targets, key=lambda one: (one.netuid, one.hotkey_ss58)))

    def targets(self, network: str) -> tuple[Target, ...]:
        return self._targets.get(network, ())


def require_network(network: str) -> None:
    """Raise NetworkError when none was chosen."""
    if not network:
        raise NetworkError("No network", "No network was chosen yet.", "Choose one first.")
