"""One agent per home: a lock that the system takes back when its holder dies, however it dies."""

from __future__ import annotations

import os
from pathlib import Path

from ranvier.core.files import storage_errors
from ranvier.core.locks import lock
from ranvier.core.paths import private_folder


class InstanceLock:
    """Held from ``take`` until ``release`` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether the lock is now ours; False when another process has it. Raises StorageError."""
        with storage_errors(self.path):
            private_folder(self.path.parent)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(descriptor)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let the next one in; harmless when it is not held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
