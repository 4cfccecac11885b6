"""``ranvier agent``: the background process. Plain asyncio, no Qt."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from ranvier.agent.agent import Agent, Parts
from ranvier.agent.instance import InstanceLock
from ranvier.agent.miners.miner_programs import RecipePrograms
from ranvier.agent.miners.secret_store import SecretStore
from ranvier.agent.network.chain_face import Chain, LiveChain
from ranvier.core.errors import RanvierError
from ranvier.core.log import start_logging
from ranvier.core.paths import Paths, private_folder
from ranvier.core.settings import ENDPOINT, Settings
from ranvier.hardware.sampler import Sampler
from ranvier.miners.keeping import KeeperClient

log = logging.getLogger(__name__)


def main(arguments: list[str], paths: Paths) -> int:
    """Run until told to stop. 0: ended as asked; 1: there is an agent already, or it could not start; 2: wrong use."""
    if arguments:
        sys.stderr.write("usage: ranvier [--home DIR] agent\n")
        return 2
    os.umask(0o077)
    lock = InstanceLock(paths.agent / "agent.lock")
    if not lock.take():
        sys.stderr.write(f"An agent is already running for {paths.data}.\n")
        return 1
    try:
        start_logging(paths.logs, "agent")
        with contextlib.ExitStack() as crash:
            with contextlib.suppress(OSError):
                file = crash.enter_context((private_folder(paths.logs) / "agent-crash.txt").open("w"))
                faulthandler.enable(file)  # a GPU driver may take the process down; say where
            try:
                return asyncio.run(_run(paths))
            finally:
                faulthandler.disable()
    except RanvierError as error:
        log.error("%s", error)
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:
        log.exception("the agent failed")
        sys.stderr.write(f"The agent failed: {type(error).__name__}; its log has the details.\n")
        return 1
    finally:
        lock.release()


async def _run(paths: Paths) -> int:
    agent = Agent(paths, live_parts(paths))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, agent.stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(agent.stop))
    if hasattr(signal, "SIGHUP"):
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
    await agent.run()
    return 0


def live_parts(paths: Paths) -> Parts:
    """The real world. Nothing heavy is imported before it is needed."""

    cache = paths.metadata

    def chain_of(network: str, endpoint: str | None) -> Chain:
        from ranvier.chain.networks import NETWORKS, sandbox_network

        if endpoint is not None:
            return LiveChain(sandbox_network(endpoint))
        own = Settings(paths.settings_file).get(ENDPOINT)
        return LiveChain(NETWORKS[network], (own,) if own else (), cache)

    def archive_of(network: str, endpoint: str) -> Chain:
        from ranvier.chain.networks import NETWORKS

        return LiveChain(replace(NETWORKS[network], endpoints=(endpoint,)), cache=cache)

    def keeper_of(folder: Path) -> KeeperClient:
        return KeeperClient(folder)

    store = SecretStore()
    return Parts(
        programs=RecipePrograms(paths, store),
        keeper_of=keeper_of,
        chain_of=chain_of,
        sampler=Sampler(paths.data),
        archive_of=archive_of,
        secrets=store,
    )
