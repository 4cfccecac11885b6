"""No worker may collect garbage: it would destroy Qt objects off their thread."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

from ranvier.ui import garbage
from ranvier.ui.garbage import GarbageOnThisThread


class Loop:
    def __init__(self):
        self.me = self


async def test_garbage_goes_on_the_ui_thread_only(qtbot, monkeypatch):
    monkeypatch.setattr(garbage, "_EVERY_S", 0.01)
    where = []

    def note(phase, _details):
        if phase == "start":
            where.append(threading.current_thread())

    keeper = GarbageOnThisThread()
    keeper.begin()
    gc.callbacks.append(note)
    task = asyncio.get_running_loop().create_task(keeper.run())
    try:
        thing = weakref.ref(Loop())

        def allocate():
            return len([Loop() for _ in range(5_000)])

        await asyncio.get_running_loop().run_in_executor(None, allocate)
        await asyncio.sleep(0.1)
        assert thing() is None, "cycles must still be freed"
        assert set(where) == {threading.main_thread()}
    finally:
        gc.callbacks.remove(note)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        keeper.end()
