"""Remembering passwords in the system's store: off by default, each state said in words, never a plain file."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import keyring.errors
import pytest

from ranvier.core.paths import Paths
from ranvier.keys import remember
from ranvier.keys.remember import PasswordStore, StoreError, StoreState

WALLET = Path("/wallets/mine")
CHILD = Path(__file__).with_name("store_child.py")


class Memory:
    """A store that works, or answers with the error given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.error = error
        self.calls = 0

    def _answer(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error

    def get_password(self, service: str, account: str) -> str | None:
        self._answer()
        return self.kept.get((service, account))

    def set_password(self, service: str, account: str, password: str) -> None:
        self._answer()
        self.kept[service, account] = password

    def delete_password(self, service: str, account: str) -> None:
        self._answer()
        if self.kept.pop((service, account), None) is None:
            raise keyring.errors.PasswordDeleteError("none")


async def test_off_until_asked_then_back_to_off(tmp_path: Path) -> None:
    backend = Memory()
    store = PasswordStore(Paths.under(tmp_path), backend)
    assert not store.is_on(WALLET) and await store.recall(WALLET) is None
    assert backend.calls == 0, "a store that nobody asked for is not even opened"
    await store.remember(WALLET, "pässword")
    assert store.is_on(WALLET) and await store.recall(WALLET) == "pässword"
    assert await store.recall(Path("/elsewhere/mine")) is None, "two wallets of one name are two"
    assert "pässword" not in "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    assert await store.state() is StoreState.READY
    await store.forget(WALLET)
    await store.forget(WALLET)
    assert not store.is_on(WALLET) and backend.kept == {}


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (keyring.errors.KeyringLocked("locked"), StoreState.LOCKED),
        (keyring.errors.InitError("Prompt dismissed"), StoreState.EMPTY),
        (keyring.errors.NoKeyringError("none"), StoreState.ABSENT),
        (OSError("bus"), StoreState.ABSENT),
    ],
)
async def test_each_state_is_said(tmp_path: Path, error: Exception, state: StoreState) -> None:
    store = PasswordStore(Paths.under(tmp_path), Memory(error))
    assert await store.state() is state
    with pytest.raises(StoreError) as caught:
        await store.remember(WALLET, "secret-password")
    assert caught.value.state is state and caught.value.message == remember.STATE_WORDS[state]
    assert "secret-password" not in str(caught.value)
    assert not store.is_on(WALLET)


async def test_a_store_that_asks_its_own_question_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    class Asking(Memory):
        def get_password(self, service: str, account: str) -> str | None:
            answered.wait(10)
            return None

    answered = threading.Event()
    store = PasswordStore(Paths.under(tmp_path), Asking(), patience_s=0.05)
    assert await store.state() is StoreState.WAITING
    answered.set()


async def test_none_or_one_that_keeps_plain_files_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = PasswordStore(Paths.under(tmp_path))  # conftest chooses the null backend, which forgets silently
    assert await store.state() is StoreState.ABSENT
    monkeypatch.setattr(keyring, "get_keyring", Memory)
    with pytest.raises(StoreError):
        await store.remember(WALLET, "x")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_words_for_every_state() -> None:
    assert remember.STATE_WORDS.keys() == set(StoreState)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("gnome-keyring-daemon"), reason="gnome-keyring is not installed")
@pytest.mark.parametrize("mode", ["unlocked", "locked", "empty", "absent"])
def test_real_secret_service(tmp_path: Path, python: str, mode: str) -> None:
    """The real Secret Service on a message bus of its own, without a display."""
    environment: dict[str, Any] = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    (tmp_path / "share").mkdir()
    (tmp_path / "run").mkdir(mode=0o700)
    environment["XDG_RUNTIME_DIR"] = str(tmp_path / "run")
    for name in ("PYTHON_KEYRING_BACKEND", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(name, None)
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2] / "app")
    start = {
        "unlocked": "printf test | gnome-keyring-daemon --unlock --components=secrets >/dev/null",
        "locked": "printf test | gnome-keyring-daemon --unlock --components=secrets >/dev/null",
        "empty": "gnome-keyring-daemon --start --components=secrets >/dev/null",
        "absent": "true",
    }[mode]
    script = f"{start}; exec {python} {CHILD} {tmp_path / 'data'} {mode}"
    command = ["bash", "-c", script] if mode == "absent" else ["dbus-run-session", "--", "bash", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip().splitlines()[-1:] == [f"{mode} ok"], done.stdout + done.stderr
