"""``ranvier stop``: end the agent, and with ``--everything`` the miners and the sandbox."""

from __future__ import annotations

import argparse
import asyncio
import sys

from ranvier.agent.client import AgentClient
from ranvier.agent.messages import StopAgent
from ranvier.core.errors import AgentError
from ranvier.core.paths import Paths


def main(arguments: list[str], paths: Paths) -> int:
    """Exit status 0 when nothing is left to stop."""
    parser = argparse.ArgumentParser(prog="ranvier stop", description=__doc__)
    parser.add_argument("--everything", action="store_true", help="stop the miners and the sandbox too")
    options = parser.parse_args(arguments)
    return asyncio.run(_stop(paths, everything=options.everything))


async def _stop(paths: Paths, *, everything: bool) -> int:
    client = AgentClient(paths)
    try:
        await client.call(StopAgent(everything=everything))
    except AgentError:
        sys.stdout.write("No agent is running.\n")
    else:
        sys.stdout.write("The agent, the miners and the sandbox have ended.\n" if everything else "The agent ends.\n")
    finally:
        await client.close()
    return 0
