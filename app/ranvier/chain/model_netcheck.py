"""What a check of the network found: each endpoint, and how long a payment took to settle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EndpointCheck:
    """One endpoint. Times in milliseconds; ``lag_blocks`` behind the best of those checked at the same moment,
    ``final_lag_blocks`` from its head to its last final block. None is unknown; ``error`` says why."""

    endpoint: str
    open_ms: float | None = None
    latency_ms: float | None = None
    worst_ms: float | None = None
    answered: int = 0
    asked: int = 0
    block: int | None = None
    lag_blocks: int | None = None
    final_lag_blocks: int | None = None
    head_age_s: float | None = None
    spec_version: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """A payment of one rao to oneself: seconds from submitting until it was in a block and final, and its fee."""

    in_pool_s: float | None
    in_block_s: float | None
    final_s: float | None
    fee_rao: int | None
    block: int | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class NetCheck:
    """A whole check. ``axon_ms`` is the time of one answer of the own axon, when one was asked."""

    network: str
    at: float
    endpoints: tuple[EndpointCheck, ...]
    settlement: Settlement | None = None
    axon_ms: float | None = None
    axon_error: str | None = None

    @property
    def best(self) -> EndpointCheck | None:
        return best_of(self.endpoints)


def best_of(endpoints: Iterable[EndpointCheck]) -> EndpointCheck | None:
    """The endpoint to use: up to date first, then the quickest; None when none answers."""
    usable = [one for one in endpoints if one.latency_ms is not None]
    return min(usable, key=lambda one: (one.lag_blocks or 0, one.latency_ms or 0.0), default=None)
