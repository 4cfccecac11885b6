"""One thread of its own for a library that blocks; awaited from asyncio, and never waited for at the end."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ranvier.core.errors import NetworkError

T = TypeVar("T")
_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class Worker:
    """Runs calls one after the other on one daemon thread, started by the first call."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call()`` returns or raises, run on the thread. A cancelled wait drops a call not yet begun."""
        if self._closed:
            raise NetworkError("Connection closed", "This connection has been closed.")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((call, loop, future))
        return await future

    async def close(self, timeout_s: float = 2.0) -> None:
        """Let the thread end; if it hangs in a call it is left behind (it is a daemon) after ``timeout_s``."""
        self._closed = True
        self._jobs.put(None)
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self._thread is not None and self._thread.is_alive():
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(0.01)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, loop, future = job
            if future.cancelled():
                continue
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001  # whatever it was belongs to the one who waits
                self._tell(loop, future, None, error)
            else:
                self._tell(loop, future, result, None)
            del job, future, call
        while not self._jobs.empty():
            left = self._jobs.get()
            if left is not None:
                closed = NetworkError("Connection closed", "This connection has been closed.")
                self._tell(left[1], left[2], None, closed)

    @staticmethod
    def _tell(
        loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: Any, error: BaseException | None
    ) -> None:
        def settle() -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
            return
