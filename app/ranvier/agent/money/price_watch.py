"""Fetches fiat prices from the source that the user chose, about every hour. Without one it asks nobody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

import aiohttp

from ranvier.core.errors import LedgerError, NetworkError, RanvierError
from ranvier.ledger import prices
from ranvier.ledger.price_sources import source_of
from ranvier.ledger.prices import PriceSource
from ranvier.ledger.store import Ledger

log = logging.getLogger(__name__)

_EVERY_S, _AGAIN_S, _NO_LEDGER_S = 3600.0, 300.0, 10.0
_TIMEOUT_S = 30.0
_MOST_BYTES = 64 * 1024 * 1024


class PriceWatch:
    """``ledger`` gives the ledger that is worked on, or None. ``get`` fetches an address."""

    def __init__(
        self,
        ledger: Callable[[], Ledger | None],
        trouble: Callable[[RanvierError | None], None],
        *,
        get: Callable[[str], Awaitable[bytes]] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._trouble = trouble
        self._get = get or fetch
        self._now = now
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Fetch now and then until cancelled."""
        while True:
            self._changed.clear()
            pause = _EVERY_S if self._ledger() is not None else _NO_LEDGER_S
            try:
                await self.fetch()
                self._trouble(None)
            except RanvierError as error:
                log.warning("prices: %s", error)
                self._trouble(error)
                pause = _AGAIN_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def source(self) -> PriceSource | None:
        """What was chosen; None is off. Raises LedgerError."""
        ledger = self._ledger()
        return None if ledger is None else await ledger.read(prices.chosen)

    async def choose(self, source: PriceSource | None) -> None:
        """Use this source from now on; None switches it off. Raises LedgerError."""
        ledger = self._ledger()
        if ledger is None:
            raise LedgerError("Ledger closed", "There is no ledger open.", "Choose a network first.")
        await ledger.write(lambda connection: prices.choose(connection, source))
        self._changed.set()

    async def fetch(self) -> int | None:
        """Ask the source now; how many prices are new, None when it is off. Raises LedgerError, NetworkError."""
        ledger, source = self._ledger(), await self.source()
        if ledger is None or source is None:
            return None
        found = await source_of(source, self._get).fetch(int(self._now() * 1000))
        return await ledger.write(lambda connection: prices.add(connection, found))


async def fetch(address: str) -> bytes:
    """The body of an address. Raises NetworkError; no message repeats the address, which may hold a key."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as session,
            session.get(address) as answer,
        ):
            if answer.status != 200:
                raise NetworkError("Prices not fetched", f"The price source answered {answer.status}.")
            body = bytearray()
            async for part in answer.content.iter_chunked(65_536):
                body += part
                if len(body) > _MOST_BYTES:
                    raise NetworkError("Prices not fetched", "The price source's answer is too large.")
            return bytes(body)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NetworkError(
            "Prices not fetched", f"The price source does not answer ({type(error).__name__}).", "It is tried again."
        ) from error
