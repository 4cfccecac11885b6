"""A real child process: uses the system's password store of the session it is started in. No test by itself."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from ranvier.core.paths import Paths
from ranvier.keys.remember import PasswordStore, StoreError, StoreState

WALLET = Path("/wallets/mine")
SERVICE = "/org/freedesktop/secrets"
LOCK = ["busctl", "--user", "call", "org.freedesktop.secrets", SERVICE, "org.freedesktop.Secret.Service"]
LOCK += ["Lock", "ao", "1", f"{SERVICE}/collection/login"]


async def main(folder: Path, mode: str) -> None:
    store = PasswordStore(Paths.under(folder), patience_s=20)
    if mode in ("unlocked", "locked"):
        await store.remember(WALLET, "pässword")
        assert await store.recall(WALLET) == "pässword"
    if mode == "unlocked":
        await store.forget(WALLET)
        assert await store.state() is StoreState.READY and not store.is_on(WALLET)
    if mode == "locked":
        await asyncio.to_thread(subprocess.run, LOCK, check=True, capture_output=True)
        assert await refused(store.recall(WALLET)) is StoreState.LOCKED
    if mode == "empty":
        assert await refused(store.remember(WALLET, "x")) is StoreState.EMPTY
    if mode == "absent":
        assert await store.state() is StoreState.ABSENT
        assert await refused(store.remember(WALLET, "x")) is StoreState.ABSENT
    sys.stdout.write(f"{mode} ok\n")


async def refused(action: object) -> StoreState | None:
    try:
        await action  # type: ignore[misc]
    except StoreError as error:
        return error.state
    return None


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
