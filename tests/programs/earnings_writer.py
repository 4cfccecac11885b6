"""The agent's part that notes earnings, alone: follows an endpoint and writes into a ledger until it is killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ranvier.agent.money.ledger_writer import LedgerWriter, Target
from ranvier.agent.network.chain_face import LiveChain
from ranvier.agent.network.chain_watch import ChainWatch
from ranvier.chain.networks import sandbox_network
from ranvier.ledger.store import Ledger


async def main(path: str, endpoint: str, genesis: str, hotkeys: list[str]) -> None:
    ledger = Ledger(Path(path))
    await ledger.open()
    targets = [Target(1, hotkey, 1) for hotkey in hotkeys]
    writer = LedgerWriter(
        lambda _: ledger, lambda _: targets, lambda _: None, lambda _: None, lambda _: None, retry_s=0.1
    )
    watch = ChainWatch([writer.on_head], lambda: None, backoff_s=(0.1, 0.2))
    await watch.use("sandbox", "the sandbox", LiveChain(sandbox_network(endpoint, genesis)))
    await writer.run()


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
