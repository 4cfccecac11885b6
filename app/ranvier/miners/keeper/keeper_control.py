"""How others talk to a keeper: one JSON line in, one JSON line out, on a Unix socket or on loopback TCP.

Windows has no Unix sockets in Python: there the keeper listens on a free loopback port, and port and token
stand in a file that only the owner can read. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket

from ranvier.miners.keeper.keeper_spec import CONTROL, SOCKET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 1 << 16
PROTOCOL = 2  # 1: no number, no secrets, wrong place in a log after a crash. Raised where old keepers are to go


class Control:
    """The listening socket and who is connected."""

    def __init__(self) -> None:
        self._token = ""
        self._partial: dict[socket.socket, bytes] = {}
        if hasattr(socket, "AF_UNIX"):
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(SOCKET)  # noqa: PTH108  # we hold the lock, so a socket that is there is a dead one's
            before = os.umask(0o177)
            self._listener.bind(SOCKET)
            os.umask(before)
        else:
            self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._listener.bind(("127.0.0.1", 0))
            self._token = os.urandom(16).hex()
            descriptor = os.open(CONTROL, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            where = {"port": self._listener.getsockname()[1], "token": self._token}
            os.write(descriptor, json.dumps(where).encode())
            os.close(descriptor)
        self._listener.listen(16)
        self._listener.setblocking(False)

    def sockets(self) -> list[socket.socket]:
        """What the keeper's loop waits on."""
        return [self._listener, *self._partial]

    def commands(self, ready: list[Any]) -> list[tuple[socket.socket, dict[str, Any]]]:
        """The requests that have arrived whole on the ``ready`` sockets; each has a text as its ``command``."""
        if self._listener in ready:
            with contextlib.suppress(OSError):
                connection, _address = self._listener.accept()
                connection.setblocking(False)
                self._partial[connection] = b""
        found = []
        for connection in [one for one in self._partial if one in ready]:
            try:
                data = connection.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            text = self._partial[connection] + data
            if not data or len(text) > LONGEST:
                self.drop(connection)
                continue
            *lines, self._partial[connection] = text.split(b"\n")
            found += [(connection, request) for line in lines if (request := self._request(connection, line))]
        return found

    def reply(self, connection: socket.socket, answer: dict[str, Any]) -> None:
        """Send one answer; who does not take it within a second is dropped."""
        if connection not in self._partial:
            return
        try:
            connection.settimeout(1.0)
            connection.sendall(json.dumps(answer).encode() + b"\n")
            connection.setblocking(False)
        except OSError:
            self.drop(connection)

    def drop(self, connection: socket.socket) -> None:
        """Hang up."""
        self._partial.pop(connection, None)
        connection.close()

    def close(self) -> None:
        """Hang up on everybody and take the socket away."""
        for connection in list(self._partial):
            self.drop(connection)
        self._listener.close()
        with contextlib.suppress(OSError):
            os.unlink(SOCKET if not self._token else CONTROL)  # noqa: PTH108

    def _request(self, connection: socket.socket, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            request["command"] = str(request["command"])
            allowed = not self._token or request.get("token") == self._token
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.reply(connection, {"ok": False, "error": "not a command"})
            return {}
        if not allowed:
            self.reply(connection, {"ok": False, "error": "wrong token"})
            self.drop(connection)
            return {}
        return dict(request)
