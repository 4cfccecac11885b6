"""The node that is asked when the ordinary one no longer keeps a block's state."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ranvier.agent.network.chain_face import Chain
from ranvier.chain.networks import NETWORKS
from ranvier.core.errors import LedgerError, RanvierError
from ranvier.ledger.store import Ledger

log = logging.getLogger(__name__)

KEY = "archive_endpoint"
OFF = "off"
_RETRY_S = 60.0


class Archives:
    """One connection, made when it is first needed. ``chain_of`` makes the chain of a network at an endpoint; one that
    does not answer is left alone for ``retry_s``.
    """

    def __init__(
        self,
        ledger_of: Callable[[str], Ledger | None],
        chain_of: Callable[[str, str], Chain],
        *,
        retry_s: float = _RETRY_S,
    ) -> None:
        self._ledger_of = ledger_of
        self._chain_of = chain_of
        self._retry_s = retry_s
        self._open: tuple[str, str, Chain] | None = None
        self._failed_at: float | None = None

    async def endpoint(self, network: str) -> str | None:
        """The archive of a network; None when there is none. Raises LedgerError."""
        ledger = self._ledger_of(network)
        chosen = None if ledger is None else await ledger.recall(KEY)
        known = NETWORKS.get(network)
        return None if chosen == OFF else chosen or (None if known is None else known.archive)

    async def choose(self, network: str, endpoint: str) -> None:
        """Use this endpoint from now on; ``off`` for none, empty for the usual one. Raises LedgerError."""
        ledger = self._ledger_of(network)
        if ledger is None:
            raise LedgerError("Ledger closed", f"The ledger of {network} is not open.", "See what needs attention.")
        await ledger.remember({KEY: endpoint})
        self._failed_at = None
        await self.close()

    async def chain(self, network: str) -> Chain | None:
        """The open archive, or None when there is none or it does not answer at the moment. Raises LedgerError."""
        endpoint = await self.endpoint(network)
        if endpoint is None:
            return None
        if self._open is not None and self._open[:2] == (network, endpoint):
            return self._open[2]
        await self.close()
        if self._failed_at is not None and time.monotonic() - self._failed_at < self._retry_s:
            return None
        chain = self._chain_of(network, endpoint)
        try:
            await chain.open()
        except RanvierError as error:
            log.warning("archive %s: %s", endpoint, error)
            self._failed_at = time.monotonic()
            return None
        self._open = (network, endpoint, chain)
        return chain

    async def close(self) -> None:
        found, self._open = self._open, None
        if found is not None:
            await found[2].close()
