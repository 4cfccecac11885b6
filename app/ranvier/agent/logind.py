"""What systemd's logind tells before sleep and shutdown, over the system bus; and how to ask it to wait a little.

Linux only. The connection is jeepney's blocking one, because only that takes the descriptor which keeps logind waiting.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections import deque
from typing import Any, Protocol

from ranvier.core.errors import AgentError

_NAME, _PATH, _MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"
_SIGNALS = {"PrepareForSleep": "sleep", "PrepareForShutdown": "shutdown"}
_ANSWER_S = 5.0


class Logind(Protocol):
    """The part that ``power`` uses."""

    def inhibit(self) -> None:
        """Have the machine wait before sleep and shutdown, as long as its settings allow. Raises AgentError."""
        ...

    def release(self) -> None:
        """It need not wait any more."""
        ...

    async def told(self, limit_s: float) -> tuple[str, bool] | None:
        """("sleep" or "shutdown", True before it and False after it); None when nothing was said in ``limit_s``.

        Raises AgentError when the connection has ended.
        """
        ...

    def close(self) -> None: ...


async def open_logind() -> Logind:
    """Connect and listen. Raises AgentError where there is no system bus or no logind."""
    return await asyncio.to_thread(_Live)


class _Live:
    def __init__(self) -> None:
        self._lock: int | None = None
        self._heard: deque[Any] = deque()
        self._jeepney: Any = importlib.import_module("jeepney")
        blocking: Any = importlib.import_module("jeepney.io.blocking")
        try:
            self._connection = blocking.open_dbus_connection("SYSTEM", enable_fds=True, auth_timeout=_ANSWER_S)
        except Exception as error:  # the library's own errors have no common root
            raise _unreachable(error) from error
        try:
            # What arrives while we wait for an answer is kept too.
            self._connection.filter(self._jeepney.MatchRule(type="signal", interface=_MANAGER), queue=self._heard)
            bus: Any = self._jeepney.message_bus
            for member in _SIGNALS:
                self._ask(bus.AddMatch(self._jeepney.MatchRule(
                    type="signal", interface=_MANAGER, member=member, path=_PATH, sender=_NAME)))  # fmt: skip
            self.inhibit()
        except BaseException:
            self.close()
            raise

    def inhibit(self) -> None:
        if self._lock is not None:
            return
        manager = self._jeepney.DBusAddress(_PATH, bus_name=_NAME, interface=_MANAGER)
        what = ("sleep:shutdown", "Ranvier", "Miners are stopped in order first", "delay")
        answer = self._ask(self._jeepney.new_method_call(manager, "Inhibit", "ssss", what))
        self._lock = answer[0].to_raw_fd()

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def told(self, limit_s: float) -> tuple[str, bool] | None:
        loop = asyncio.get_running_loop()
        descriptor = self._connection.sock.fileno()
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    if (found := self._next()) is not None:
                        return found
                    readable = asyncio.Event()
                    loop.add_reader(descriptor, readable.set)
                    try:
                        await readable.wait()
                    finally:
                        loop.remove_reader(descriptor)
        except TimeoutError:
            return None

    def close(self) -> None:
        self.release()
        self._connection.close()

    def _next(self) -> tuple[str, bool] | None:
        """The next signal of ours that has arrived already."""
        while True:
            while self._heard:
                message = self._heard.popleft()
                kind = _SIGNALS.get(message.header.fields.get(self._jeepney.HeaderFields.member, ""))
                if kind is not None and message.body:
                    return kind, bool(message.body[0])
            try:
                self._connection.recv_messages(timeout=0)
            except TimeoutError:
                return None
            except Exception as error:
                raise _unreachable(error) from error

    def _ask(self, message: Any) -> Any:
        try:
            reply = self._connection.send_and_get_reply(message, timeout=_ANSWER_S)
        except Exception as error:
            raise _unreachable(error) from error
        if reply.header.message_type is not self._jeepney.MessageType.method_return:
            raise _unreachable(reply.body[0] if reply.body else "it refused")
        return reply.body


def _unreachable(why: object) -> AgentError:
    text = f"{type(why).__name__}: {why}" if isinstance(why, Exception) else str(why)
    return AgentError(
        "Sleep not seen",
        f"Ranvier was asked to stop miners before sleep and shutdown, but cannot reach logind ({text}).",
        "Stop them yourself before, or switch that setting off.",
    )
