"""The agent's part that notes earnings, alone: follows an endpoint and writes into a ledger until it is killed.

A gap is tried again every few seconds instead of every hour. ``archive`` is an endpoint too, or empty.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from ranvier.agent.money.ledger_writer import LedgerWriter, Target
from ranvier.agent.network.archives import KEY, OFF, Archives
from ranvier.agent.network.chain_face import LiveChain
from ranvier.agent.network.chain_watch import ChainWatch
from ranvier.chain.networks import sandbox_network
from ranvier.ledger.store import Ledger

FASTER = 2000


async def main(path: str, endpoint: str, genesis: str, archive: str, netuids: str, hotkeys: list[str]) -> None:
    ledger = Ledger(Path(path))
    await ledger.open()
    await ledger.remember({KEY: archive or OFF})
    targets = [Target(int(netuid), hotkey, 1) for netuid in netuids.split(",") for hotkey in hotkeys]
    archives = Archives(lambda _: ledger, lambda _, url: LiveChain(sandbox_network(url, genesis)), retry_s=0.3)
    writer = LedgerWriter(
        lambda _: ledger, lambda _: targets, lambda _: None, lambda _: None, lambda _: None,
        archive=archives.chain, retry_s=0.1, now=lambda: FASTER * time.time(),
    )  # fmt: skip
    watch = ChainWatch([writer.on_head], lambda: None, backoff_s=(0.1, 0.2))
    await watch.use("sandbox", "the sandbox", LiveChain(sandbox_network(endpoint, genesis)))
    await writer.run()


asyncio.run(main(*sys.argv[1:6], sys.argv[6:]))
