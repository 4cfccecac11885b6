"""``ranvier stop``: end the agent, and with ``--everything`` the miners and the sandbox."""

from __future__ import annotations

import argparse
import asyncio
import sys

from ranvier.agent.api.client import AgentClient, ensure_agent
from ranvier.agent.api.endpoint import read_endpoint
from ranvier.agent.api.messages import StopAgent
from ranvier.core.errors import AgentError, RanvierError
from ranvier.core.paths import Paths
from ranvier.core.processes import ProcessIdentity
from ranvier.miners.keeping import KeeperClient
from ranvier.miners.status import KeeperStatus

_POLL_S = 0.1
_POLLS = 150


def main(arguments: list[str], paths: Paths) -> int:
    """Exit status 0 when nothing is left to stop. Raises RanvierError when something could not be stopped."""
    parser = argparse.ArgumentParser(prog="ranvier stop", description=__doc__)
    parser.add_argument("--everything", action="store_true", help="stop the miners and the sandbox too")
    options = parser.parse_args(arguments)
    return asyncio.run(_stop(paths, everything=options.everything))


async def _stop(paths: Paths, *, everything: bool) -> int:
    client = AgentClient(paths)
    agent = _agent(paths)
    refused: RanvierError | None = None
    try:
        try:
            refused = await _tell(client, everything=everything)
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
            agent = _agent(paths)
            refused = await _tell(client, everything=True)
    finally:
        await client.close()
    await _ended(paths, agent, everything=everything)
    if refused is not None:
        raise refused
    text = "The agent, the miners and the sandbox have ended." if everything else "The agent has ended."
    sys.stdout.write(f"{text}\n")
    return 0


async def _tell(client: AgentClient, *, everything: bool) -> RanvierError | None:
    """What the agent could not do of it. It ends all the same. Raises AgentError when there is none."""
    try:
        await client.call(StopAgent(everything=everything))
    except RanvierError as error:
        if isinstance(error, AgentError):
            raise
        return error
    return None


async def _ended(paths: Paths, agent: ProcessIdentity | None, *, everything: bool) -> None:
    """The agent ends a moment after its answer, keepers after what they kept; only then is "has ended" true."""
    left = ""
    for _ in range(_POLLS):
        if agent is not None and await asyncio.to_thread(agent.alive):
            left = f"The agent (process {agent.pid}) was told to end and still runs."
        elif everything and await asyncio.to_thread(_goes_on, paths):
            left = "Not all of the miners and the sandbox have ended."
        else:
            return
        await asyncio.sleep(_POLL_S)
    raise AgentError("Not all has ended", left, "Wait a moment and stop again.")


def _agent(paths: Paths) -> ProcessIdentity | None:
    endpoint = read_endpoint(paths)
    return None if endpoint is None else ProcessIdentity.of(endpoint.pid)


def _goes_on(paths: Paths) -> bool:
    """Whether a keeper, or a program of one, is alive without the agent."""
    miners = [folder for folder in paths.miners.iterdir() if folder.is_dir()] if paths.miners.is_dir() else []
    return any(_alive(KeeperClient(folder).status()) for folder in (*miners, paths.network("sandbox") / "node"))


def _alive(status: KeeperStatus) -> bool:
    known = ((status.keeper_pid, status.keeper_started), (status.pid, status.pid_started))
    return any(pid and started is not None and ProcessIdentity(pid, started).alive() for pid, started in known)
