"""One window for one home: a second start raises the first window instead of opening another."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from PySide6.QtCore import QLockFile
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from ranvier.agent.api.endpoint import user_id
from ranvier.core.errors import StorageError
from ranvier.core.paths import Paths, private_folder

_RAISE = b"raise\n"
_WAIT_MS = 1500
WRITABLE = "Make room on its disk, or give Ranvier a folder that it may write to: ranvier --home FOLDER"


class Instance:
    """The lock file decides who is first; the local socket carries the wish to see its window."""

    def __init__(self, paths: Paths) -> None:
        self._lock = QLockFile(str(private_folder(paths.data) / "window.lock"))
        self._lock.setStaleLockTime(0)  # only a dead owner's lock is stale, however old it is
        self._name = f"ranvier-{user_id()}-" + hashlib.sha256(os.fsencode(paths.data.absolute())).hexdigest()[:16]
        self._server: QLocalServer | None = None

    def first(self) -> bool:
        """Whether this process is the one that owns the window. Raises StorageError when the lock cannot be written."""
        if self._lock.tryLock(0):
            return True
        if self._lock.error() is not QLockFile.LockError.LockFailedError:  # nobody else's: a full or locked disk
            raise StorageError("Cannot write", f"{self._lock.fileName()} cannot be written.", WRITABLE)
        return False

    def raise_first(self) -> bool:
        """Ask the first process to show its window; False when it does not answer."""
        connection = QLocalSocket()
        connection.connectToServer(self._name)
        if not connection.waitForConnected(_WAIT_MS):
            return False
        connection.write(_RAISE)
        sent = connection.waitForBytesWritten(_WAIT_MS)
        connection.disconnectFromServer()
        return sent

    def listen(self, on_raise: Callable[[], object]) -> bool:
        """Call ``on_raise`` when another start asks for the window. Only the owner of the lock may listen."""
        server = QLocalServer()
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        QLocalServer.removeServer(self._name)  # left behind by a killed owner; the lock says that nobody uses it

        def arrived() -> None:
            while (connection := server.nextPendingConnection()) is not None:
                connection.disconnected.connect(connection.deleteLater)
                on_raise()

        server.newConnection.connect(arrived)
        self._server = server
        return server.listen(self._name)

    def close(self) -> None:
        """Let the next start be the first."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._lock.unlock()
