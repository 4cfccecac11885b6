"""Secrets of miners (a token, an API key), each under its name, in the system's own secret store and nowhere else.

A secret belongs to one miner: what one recipe asks for by a name, another one does not get. There is no fallback to a
file: where no store exists, that is said. The agent stores and reads, so what was stored can be read at the start.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ranvier.core.errors import MinerError
from ranvier.keys.remember import StoreError, StoreState, explained, system_backend

SERVICE = "ranvier miners"
PATIENCE_S = 20.0
LONGEST = 16_384
_WORDS = {
    StoreState.LOCKED: ("The system's password store is locked.", "Unlock it, then try again."),
    StoreState.WAITING: ("The system's password store does not answer.", "It may be asking a question of its own."),
    StoreState.EMPTY: ("The system's password store has not been set up.", "Open it once with the system's program."),
    StoreState.ABSENT: (
        "This system has no password store that is safe to use, and Ranvier keeps no secret in a file.",
        "On Linux gnome-keyring or KWallet is one; it must be open where the agent runs.",
    ),
}
T = TypeVar("T")


class SecretStoreError(MinerError):
    """The store did not do what was asked; ``state`` is why."""

    def __init__(self, title: str, state: StoreState) -> None:
        super().__init__(title, *_WORDS[state])
        self.state = state


class SecretStore:
    """Every call blocks, for ``patience_s`` at most (a store may ask its own question first): call it in a worker.

    ``folder`` is the miner's own. Raises SecretStoreError.
    """

    def __init__(self, backend: Any = None, patience_s: float = PATIENCE_S) -> None:
        self._backend = backend
        self._patience_s = patience_s
        self._one = threading.Lock()

    def read(self, folder: Path, name: str) -> str | None:
        """The secret's value; None when none is stored."""
        found: str | None = self._ask("Secret not read", lambda store: store.get_password(SERVICE, _key(folder, name)))
        return found

    def put(self, folder: Path, name: str, value: str) -> None:
        """Keep ``value`` and read it back."""

        def put(store: Any) -> None:
            store.set_password(SERVICE, _key(folder, name), value)
            if store.get_password(SERVICE, _key(folder, name)) != value:
                raise StoreError(StoreState.ABSENT)

        self._ask("Secret not stored", put)

    def remove(self, folder: Path, name: str) -> None:
        """Take it out; nothing happens when it is not there."""

        def take(store: Any) -> None:
            if store.get_password(SERVICE, _key(folder, name)) is not None:
                store.delete_password(SERVICE, _key(folder, name))
            if store.get_password(SERVICE, _key(folder, name)) is not None:
                raise StoreError(StoreState.LOCKED)

        self._ask("Secret not removed", take)

    def _ask(self, title: str, action: Callable[[Any], T]) -> T:
        """Run ``action(backend)`` in a thread that nobody has to wait for, one at a time."""
        answers: queue.SimpleQueue[tuple[T | None, StoreError | None]] = queue.SimpleQueue()

        def work() -> None:
            try:
                answers.put((action(self._backend or system_backend()), None))
            except Exception as error:  # noqa: BLE001  # each backend has errors of its own; all end in a state
                answers.put((None, explained(error)))
            finally:
                self._one.release()

        if not self._one.acquire(timeout=self._patience_s):
            raise SecretStoreError(title, StoreState.WAITING)
        threading.Thread(target=work, name="secret store", daemon=True).start()
        try:
            result, problem = answers.get(timeout=self._patience_s)
        except queue.Empty:
            raise SecretStoreError(title, StoreState.WAITING) from None
        if problem is not None:
            raise SecretStoreError(title, problem.state) from None  # a backend's own words may hold anything
        return result  # type: ignore[return-value]  # the action's own, where there is no problem


def _key(folder: Path, name: str) -> str:
    """Two homes may have miners of one name; their folders differ."""
    return f"{folder.expanduser().absolute()}#{name}"
