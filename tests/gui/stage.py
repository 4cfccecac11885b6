"""A window on a fake agent, and a watchdog over its loop: what most tests of this folder need."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from gui.fakes import FakeClient
from ranvier.core.paths import Paths
from ranvier.core.settings import Settings
from ranvier.core.tasks import Tasks
from ranvier.ui.bridge import Bridge
from ranvier.ui.context import Context
from ranvier.ui.window import Window


@dataclass
class Stage:
    """Everything that ``root`` would have made."""

    window: Window
    context: Context
    client: FakeClient
    bridge: Bridge
    settings: Settings
    errors: list[BaseException] = field(default_factory=list)

    async def open(self, key: str) -> Any:
        """Open a page and wait for it."""
        self.window.go(key)
        await until(lambda: self.window.open_key == key)
        return self.window.pages[key]


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """A shown window with its context; closed in order at the end."""
    paths = Paths.under(folder / "home")
    settings = Settings(paths.settings_file)
    client = FakeClient()
    window = Window()
    tasks = Tasks(window.messages.show_error)
    bridge = Bridge(client)  # type: ignore[arg-type]
    context = Context(
        paths=paths,
        settings=settings,
        client=client,  # type: ignore[arg-type]
        bridge=bridge,
        tasks=tasks,
        run=lambda work, name: tasks.start(work, name),
        say=window.messages.say,
        show_error=window.messages.show_error,
        go=window.go,
    )
    bridge.status.connect(window.header.show_status)
    bridge.agent_lost.connect(window.header.agent_lost)
    window.attach(context)
    window.show()
    tasks.start(bridge.run(), "events")
    try:
        yield Stage(window, context, client, bridge, settings)
    finally:
        window.end()
        await tasks.close()
        await client.close()
        window.deleteLater()
        await asyncio.sleep(0)


async def until(true: Callable[[], object], limit_s: float = 5.0) -> None:
    """Wait until ``true()``; fails after the limit."""
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "it did not become true in time"
        await asyncio.sleep(0.01)


async def settle() -> None:
    """Let Qt show what was just added to a layout."""
    await asyncio.sleep(0.02)


def texts(widget: QWidget) -> str:
    """Every visible text below ``widget``, joined: what a reader could read."""
    parts = []
    for child in widget.findChildren(QWidget):
        text = child.property("text")
        if isinstance(text, str) and text and not child.isHidden():
            parts.append(text)
    return "\n".join(parts)


@dataclass
class Watchdog:
    """Gaps in the loop: ``busy_s`` is the longest with this thread at work, ``gap_s`` the longest by the clock.

    On a machine that others use too, only the first can be held to 50 ms.
    """

    busy_s: float = 0.0
    gap_s: float = 0.0


@asynccontextmanager
async def watchdog() -> AsyncIterator[Watchdog]:
    """Watch the loop while the block runs."""
    seen = Watchdog()

    async def watch() -> None:
        wall, busy = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0.002)
            now, worked = time.perf_counter(), time.thread_time()
            seen.gap_s = max(seen.gap_s, now - wall)
            seen.busy_s = max(seen.busy_s, worked - busy)
            wall, busy = now, worked

    task = asyncio.get_running_loop().create_task(watch(), name="watchdog")
    await asyncio.sleep(0.02)
    seen.busy_s = seen.gap_s = 0.0
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
