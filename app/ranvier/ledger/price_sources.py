"""Fetching prices from the chosen source. Nothing is asked of anybody before the user has named the place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from ranvier.core.errors import LedgerError, why
from ranvier.core.outside import at_home
from ranvier.ledger.prices import FiatPrice, PriceSource, check_source, read_csv, read_json

_MOST_BYTES = 64 * 1024 * 1024


class Source(Protocol):
    """Something that knows prices. Raises RanvierError."""

    async def fetch(self, now_ms: int) -> tuple[FiatPrice, ...]: ...


class CsvSource:
    """A file of the user's own."""

    def __init__(self, source: PriceSource) -> None:
        self._source = source

    async def fetch(self, now_ms: int) -> tuple[FiatPrice, ...]:
        path = at_home(self._source.place)
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise LedgerError("Prices not read", f"{path} is too large for a list of prices.")
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise LedgerError("Prices not read", f"{path}: {why(error)}.", "Choose another file.") from error
        named = msgspec.structs.replace(self._source, place=path.name)  # a price's source says no more than that
        return read_csv(text, named, now_ms)


class JsonSource:
    """An address that answers in JSON; ``get`` fetches it and raises RanvierError."""

    def __init__(self, source: PriceSource, get: Callable[[str], Awaitable[bytes]]) -> None:
        self._source, self._get = source, get

    async def fetch(self, now_ms: int) -> tuple[FiatPrice, ...]:
        host = self._source.place.split("/")[2] if "//" in self._source.place else self._source.place
        # An address may hold a key of the user's: only the host is noted.
        return read_json(await self._get(self._source.place), _named(self._source, host.rpartition("@")[2]), now_ms)


def source_of(source: PriceSource, get: Callable[[str], Awaitable[bytes]]) -> Source:
    """The source that the description means. Raises LedgerError for one that cannot work."""
    check_source(source)
    return CsvSource(source) if source.kind == "csv" else JsonSource(source, get)


def _named(source: PriceSource, name: str) -> PriceSource:
    return msgspec.structs.replace(source, place=name)
