"""``ranvier stop``: end the agent, and with ``--everything`` the miners and the sandbox."""

from __future__ import annotations

import argparse
import asyncio
import sys

from ranvier.agent.client import AgentClient, ensure_agent
from ranvier.agent.messages import StopAgent
from ranvier.core.errors import AgentError
from ranvier.core.paths import Paths
from ranvier.core.processes import ProcessIdentity
from ranvier.miners.keeping import KeeperClient
from ranvier.miners.status import KeeperStatus

_POLL_S = 0.1
_POLLS = 50


def main(arguments: list[str], paths: Paths) -> int:
    """Exit status 0 when nothing is left to stop. Raises RanvierError when something could not be stopped."""
    parser = argparse.ArgumentParser(prog="ranvier stop", description=__doc__)
    parser.add_argument("--everything", action="store_true", help="stop the miners and the sandbox too")
    options = parser.parse_args(arguments)
    return asyncio.run(_stop(paths, everything=options.everything))


async def _stop(paths: Paths, *, everything: bool) -> int:
    client = AgentClient(paths)
    try:
        try:
            await client.call(StopAgent(everything=everything))
        except AgentError as error:
            if error.title != "No agent":
                raise
            if not (everything and await asyncio.to_thread(_goes_on, paths)):
                sys.stdout.write("No agent is running.\n")
                return 0
            # The agent was ended or killed, and what it had started lives on. Only an agent can note that it is no
            # longer wanted: without that the next one would start it all again.
            await client.close()
            client = await ensure_agent(paths)
            await client.call(StopAgent(everything=True))
    finally:
        await client.close()
    if everything:
        await _ended(paths)
    sys.stdout.write("The agent, the miners and the sandbox have ended.\n" if everything else "The agent ends.\n")
    return 0


async def _ended(paths: Paths) -> None:
    """Keepers end a moment after what they kept; only then is "have ended" true."""
    for _ in range(_POLLS):
        if not await asyncio.to_thread(_goes_on, paths):
            return
        await asyncio.sleep(_POLL_S)


def _goes_on(paths: Paths) -> bool:
    """Whether a keeper, or a program of one, is alive without the agent."""
    miners = [folder for folder in paths.miners.iterdir() if folder.is_dir()] if paths.miners.is_dir() else []
    return any(_alive(KeeperClient(folder).status()) for folder in (*miners, paths.network("sandbox") / "node"))


def _alive(status: KeeperStatus) -> bool:
    known = ((status.keeper_pid, status.keeper_started), (status.pid, status.pid_started))
    return any(pid and started is not None and ProcessIdentity(pid, started).alive() for pid, started in known)
