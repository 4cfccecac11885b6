"""Remembering a wallet's password in the system's own store (Secret Service, Keychain, Credential Locker).

Off until somebody asks for it, wallet by wallet. There is no fallback to a file: where no store exists, that is said.
Every call runs in a thread of its own, because a store may ask its own question first and wait for the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ranvier.core.errors import KeyFileError
from ranvier.core.files import read_small, write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths

SERVICE = "ranvier.wallet"
PATIENCE_S = 60.0
_PROBE = "probe"
_TRUSTED = ("keyring.backends.SecretService", "keyring.backends.kwallet", "keyring.backends.macOS",
            "keyring.backends.Windows", "keyring.backends.libsecret")  # fmt: skip
T = TypeVar("T")


class StoreState(enum.StrEnum):
    """What the system's store can do now; ``STATE_WORDS`` says it to people."""

    READY = "ready"
    LOCKED = "locked"
    WAITING = "waiting"
    EMPTY = "not set up"
    ABSENT = "absent"


STATE_WORDS = {
    StoreState.READY: "The system's password store is open.",
    StoreState.LOCKED: "The system's password store is locked; unlock it, or type the password.",
    StoreState.WAITING: "The system's password store is asking a question in a window of its own.",
    StoreState.EMPTY: "The system's password store has not been set up; open it once with the system's own program.",
    StoreState.ABSENT: "This system has no password store that is safe to use, so passwords are typed each time.",
}


class StoreError(KeyFileError):
    """The store did not do what was asked; ``state`` is why."""

    def __init__(self, state: StoreState) -> None:
        super().__init__("Password not remembered", STATE_WORDS[state], "Nothing else depends on it.")
        self.state = state


class PasswordStore:
    """Passwords of wallets that were asked to be remembered. Which ones is a list of folders in a small file; the
    passwords are in the system's store only."""

    def __init__(self, paths: Paths, backend: Any = None, patience_s: float = PATIENCE_S) -> None:
        self._file = paths.data / "keys" / "remembered.json"
        self._backend = backend
        self._patience_s = patience_s

    def is_on(self, wallet_path: Path) -> bool:
        """Whether this wallet's password was asked to be remembered; the store is not touched."""
        return _account(wallet_path) in self._listed()

    async def state(self) -> StoreState:
        """Try the store without leaving anything in it. It may take as long as the system's own question is open."""
        try:
            await self._call(lambda backend: backend.get_password(SERVICE, _PROBE))
        except StoreError as error:
            return error.state
        return StoreState.READY

    async def remember(self, wallet_path: Path, password: str) -> None:
        """Put the password into the store and read it back; raises StoreError or StorageError."""
        account = _account(wallet_path)

        def put(backend: Any) -> None:
            backend.set_password(SERVICE, account, password)
            if backend.get_password(SERVICE, account) != password:
                raise StoreError(StoreState.ABSENT)

        await self._call(put)
        self._list(self._listed() | {account})

    async def recall(self, wallet_path: Path) -> str | None:
        """The remembered password; None when this wallet has none. Raises StoreError when the store will not say."""
        account = _account(wallet_path)
        if account not in self._listed():
            return None
        found: str | None = await self._call(lambda backend: backend.get_password(SERVICE, account))
        return found

    async def forget(self, wallet_path: Path) -> None:
        """Take the password out of the store; raises StoreError when it may still be in there."""
        import keyring.errors

        account = _account(wallet_path)

        def take(backend: Any) -> None:
            with contextlib.suppress(keyring.errors.PasswordDeleteError):
                backend.delete_password(SERVICE, account)
            if backend.get_password(SERVICE, account) is not None:
                raise StoreError(StoreState.LOCKED)

        await self._call(take)
        self._list(self._listed() - {account})

    async def _call(self, action: Callable[[Any], T]) -> T:
        """Run ``action(backend)`` in a thread that nobody has to wait for at the end of the process."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def give(result: T | None, error: BaseException | None) -> None:
            if answer.done():
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)  # type: ignore[arg-type]

        def work() -> None:
            outcome: tuple[T | None, BaseException | None]
            try:
                outcome = (action(self._backend or system_backend()), None)
            except Exception as error:  # noqa: BLE001  # each backend has errors of its own; all end in a state
                outcome = (None, explained(error))
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(give, *outcome)

        threading.Thread(target=work, name="password store", daemon=True).start()
        try:
            async with asyncio.timeout(self._patience_s):
                return await answer
        except TimeoutError as error:
            raise StoreError(StoreState.WAITING) from error

    def _listed(self) -> set[str]:
        try:
            return set(msgspec.json.decode(read_small(self._file), type=list[str]))
        except (OSError, *NOT_JSON):
            return set()

    def _list(self, accounts: set[str]) -> None:
        write_atomic(self._file, msgspec.json.encode(sorted(accounts)))


def system_backend() -> Any:
    """The system's own store; raises StoreError ABSENT when there is none, or only one that keeps plain files."""
    import keyring

    chosen = keyring.get_keyring()
    for backend in getattr(chosen, "backends", None) or [chosen]:
        if type(backend).__module__ in _TRUSTED:
            return backend
    raise StoreError(StoreState.ABSENT)


def _account(wallet_path: Path) -> str:
    """Two wallets may have one name; their folders differ."""
    return str(wallet_path.expanduser().absolute())


def explained(error: BaseException) -> StoreError:
    """Any backend's error as one of ours."""
    import keyring.errors

    if isinstance(error, StoreError):
        return error
    if isinstance(error, keyring.errors.KeyringLocked):
        return StoreError(StoreState.LOCKED)
    if isinstance(error, keyring.errors.InitError):
        return StoreError(StoreState.EMPTY)
    if sys.platform == "darwin" and "denied" in str(error).lower():
        return StoreError(StoreState.LOCKED)
    return StoreError(StoreState.ABSENT)
