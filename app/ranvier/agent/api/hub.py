"""Events to everybody who listens. A slow listener gets the newest state, not a growing queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator

import msgspec

from ranvier.agent.api.messages import Event, HardwareEvent, InstallEvent, StatusEvent

_LONGEST = 500


class Subscription:
    """One listener's events, encoded. Statuses, samples and install steps that were not fetched are replaced."""

    def __init__(self) -> None:
        self._latest: dict[str, bytes] = {}
        self._rows: deque[bytes] = deque(maxlen=_LONGEST)
        self._ready = asyncio.Event()

    def put(self, event: Event, data: bytes) -> None:
        match event:
            case StatusEvent() | HardwareEvent():
                self._latest[type(event).__name__] = data
            case InstallEvent(progress) if not progress.finished:
                self._latest[f"install {progress.miner_id}"] = data
            case InstallEvent(progress):
                self._latest.pop(f"install {progress.miner_id}", None)
                self._rows.append(data)
            case _:
                self._rows.append(data)
        self._ready.set()

    async def next(self) -> bytes:
        """The next event; waits for one."""
        while not self._rows and not self._latest:
            self._ready.clear()
            await self._ready.wait()
        if self._rows:
            return self._rows.popleft()
        return self._latest.pop(next(iter(self._latest)))


class Hub:
    """``listeners`` is how many there are; ``arrived`` is set whenever one comes, or begins to look at the hardware."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self.arrived = asyncio.Event()

    @property
    def listeners(self) -> int:
        return len(self._subscriptions)

    def send(self, event: Event) -> None:
        """Give ``event`` to every listener; encoded once, and not at all when nobody listens."""
        if self._subscriptions:
            data = msgspec.json.encode(event)
            for subscription in self._subscriptions:
                subscription.put(event, data)

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Listen for as long as the block lasts."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        self.arrived.set()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
