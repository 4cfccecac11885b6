"""A connection of one's own to the chain that the agent works on: for whoever plans, signs and watches there.

The agent never sees a key, so none of that passes through it; it only says where the network answers.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ranvier.agent.api.messages import ChainView
from ranvier.chain.networks import NETWORKS, Network, sandbox_network
from ranvier.core.errors import NetworkError

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

_HEAVY = ("ranvier.chain.connection", "ranvier.chain.session", "ranvier.chain.plans.plans", "ranvier.chain.submit")


@asynccontextmanager
async def linked(view: ChainView | None, cache: Path) -> AsyncIterator[Connection]:
    """An open connection to the network of the agent's view; closed at the end. Raises NetworkError.

    ``cache`` is the folder where what a runtime says of itself is kept.
    """
    network, endpoints = where(view)
    loop = asyncio.get_running_loop()
    for name in _HEAVY:
        await loop.run_in_executor(None, importlib.import_module, name)
    from ranvier.chain.connection import Connection

    connection = Connection(network, endpoints=endpoints, cache=cache)
    try:
        await connection.open()
        yield connection
    finally:
        await connection.close()


def where(view: ChainView | None) -> tuple[Network, tuple[str, ...]]:
    """The network of the agent's view and the endpoint to ask first. Raises NetworkError when there is none."""
    if view is None or not view.network:
        raise NetworkError("No network", "No network was chosen yet.", "Choose one first.")
    if view.endpoint is None:
        from ranvier.agent.network.chain_watch import (
            not_reached,  # brings the chain's reading parts along: only when needed
        )

        raise not_reached(view)
    if view.network == "sandbox":
        return sandbox_network(view.endpoint, view.genesis_hash), ()
    return NETWORKS[view.network], (view.endpoint,)
