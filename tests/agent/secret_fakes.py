"""A system's password store of the tests: open, locked, absent, or one that never answers."""

from __future__ import annotations

import threading

import keyring.errors


class FakeBackend:
    """Keeps values by (service, name); ``trouble`` is raised instead, ``hold`` is waited for."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str] = {}
        self.trouble: Exception | None = None
        self.hold = threading.Event()
        self.hold.set()

    def _look(self) -> None:
        self.hold.wait(10.0)
        if self.trouble is not None:
            raise self.trouble

    def get_password(self, service: str, name: str) -> str | None:
        self._look()
        return self.values.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        self._look()
        self.values[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        self._look()
        if (service, name) not in self.values:
            raise keyring.errors.PasswordDeleteError("not there")
        del self.values[service, name]
