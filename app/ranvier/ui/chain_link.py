"""The window's own connection to the chain: opened late, for one transaction, on the connection's own thread."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from ranvier.agent.network.link import linked
from ranvier.ui.context import Context

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection


def connected(context: Context) -> AbstractAsyncContextManager[Connection]:
    """An open connection to the network that the agent works on; closed at the end. Raises NetworkError."""
    latest = context.bridge.latest
    return linked(latest.chain if latest is not None else None, context.paths.metadata)
