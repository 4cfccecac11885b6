"""Secrets of miners: stored by name in the system's store, handed to the program, and written nowhere by us."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import keyring.errors
import psutil
import pytest

from agent.agent_fakes import PROGRAMS, House
from agent.secret_fakes import FakeBackend
from ranvier.agent import agent as composition
from ranvier.agent.api import messages as m
from ranvier.agent.cli import miners_cli, secrets_cli
from ranvier.agent.miners.miner_programs import RecipePrograms
from ranvier.agent.miners.secret_store import SERVICE, SecretStore, SecretStoreError
from ranvier.core.errors import MinerError, RanvierError
from ranvier.core.paths import Paths
from ranvier.keys.remember import StoreError, StoreState
from ranvier.miners.status import MinerState

VALUE = "hunter2-and-more-of-it"
RECIPE = f"""
name = "mine"
title = "Mine"
[program]
command = ["{sys.executable}", "{PROGRAMS / "secret_keeper.py"}", "SEEN"]
secrets = {{ TOKEN = "HF_TOKEN" }}
[environment]
none = true
"""


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


def test_a_secret_is_of_one_miner(backend: FakeBackend, tmp_path: Path) -> None:
    store = SecretStore(backend)
    store.put(tmp_path / "one", "HF_TOKEN", VALUE)
    assert store.read(tmp_path / "one", "HF_TOKEN") == VALUE
    assert store.read(tmp_path / "two", "HF_TOKEN") is None, "another miner does not get it"
    assert list(backend.values) == [(SERVICE, f"{tmp_path / 'one'}#HF_TOKEN")]
    store.remove(tmp_path / "one", "HF_TOKEN")
    store.remove(tmp_path / "one", "HF_TOKEN")
    assert backend.values == {}


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (keyring.errors.KeyringLocked("locked"), "is locked"),
        (keyring.errors.InitError("no collection"), "not been set up"),
        (StoreError(StoreState.ABSENT), "no password store that is safe"),
        (RuntimeError(f"cannot keep {VALUE}"), "no password store that is safe"),
    ],
)
def test_a_store_that_will_not_is_told_in_words(
    backend: FakeBackend, tmp_path: Path, trouble: Exception, words: str
) -> None:
    backend.trouble = trouble
    store = SecretStore(backend)
    for act in (lambda: store.read(tmp_path, "A"), lambda: store.put(tmp_path, "A", VALUE),
                lambda: store.remove(tmp_path, "A")):  # fmt: skip
        with pytest.raises(SecretStoreError, match=words) as caught:
            act()
        assert VALUE not in str(caught.value) and caught.value.__cause__ is None and caught.value.hint


def test_a_store_that_asks_its_own_question_is_not_waited_for_for_ever(backend: FakeBackend, tmp_path: Path) -> None:
    store = SecretStore(backend, patience_s=0.05)
    backend.hold.clear()
    for _ in range(2):  # the second finds the first still asking
        with pytest.raises(SecretStoreError, match="does not answer"):
            store.read(tmp_path, "A")
    backend.hold.set()
    assert SecretStore(backend).read(tmp_path, "A") is None


def test_no_repr_and_no_pretty_print_tells_a_value() -> None:
    assert VALUE not in repr(m.SetSecret("one", "A", VALUE)) + str([m.SetSecret("one", "A", VALUE)])


@pytest.fixture
def programs(tmp_path: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecipePrograms]:
    """Of an agent whose secret store is the fake one."""
    store = SecretStore(backend)
    parts = composition.Parts
    monkeypatch.setattr("agent.agent_fakes.Parts", lambda **given: replace(parts(**given), secrets=store))
    yield RecipePrograms(Paths.under(tmp_path / "home"), store)


def leaks(folder: Path) -> list[str]:
    """Files, command lines and environments of ours that hold the value."""
    found = [str(path) for path in folder.rglob("*") if path.is_file() and VALUE.encode() in path.read_bytes()]
    found += [str(one) for one in psutil.process_iter(["cmdline"]) if VALUE in "\0".join(one.info["cmdline"] or ())]
    return found + (["environment"] if VALUE in "\0".join(os.environ.values()) else [])


@pytest.mark.skipif(os.name != "posix", reason="stops by signal")
async def test_stored_given_replaced_and_removed_without_being_written(
    tmp_path: Path, add: Callable[..., m.AddMiner], programs: RecipePrograms, backend: FakeBackend,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    seen = tmp_path / "seen"
    async with House(tmp_path / "home", programs=programs) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        await call(add(recipe="mine", recipe_text=RECIPE.replace("SEEN", str(seen))))
        await call(m.InstallMiner("one"))
        assert (await call(m.GetSecrets("one"))).secrets == (m.SecretView("HF_TOKEN", ("TOKEN",), True, False),)
        with pytest.raises(RanvierError, match="HF_TOKEN"):
            await call(m.StartMiner("one"))
        assert "next start" in (await call(m.SetSecret("one", "HF_TOKEN", VALUE))).text
        await call(m.SetSecret("one", "EXTRA_KEY", VALUE))
        for name, value in (("not a name", VALUE), ("EMPTY", ""), ("ZERO", "a\0b")):
            with pytest.raises(RanvierError) as refused:
                await call(m.SetSecret("one", name, value))
            assert VALUE not in str(refused.value)
        known = await call(m.GetSecrets("one"))
        assert [(one.name, one.asked, one.stored) for one in known.secrets] == [
            ("HF_TOKEN", True, True), ("EXTRA_KEY", False, True),
        ]  # fmt: skip
        assert not known.missing and VALUE not in repr(known)
        await call(m.StartMiner("one"))
        status = await house.until(lambda s: s.miners[0].state is MinerState.RUNNING and seen.exists())
        program = psutil.Process(status.miners[0].pid).environ()
        assert (program["TOKEN"], program["EXTRA_KEY"]) == (VALUE, VALUE)
        assert leaks(tmp_path / "home") == [] and VALUE not in caplog.text
        # Locked while it runs: not known is not missing, and nothing that was stored is forgotten.
        backend.trouble = keyring.errors.KeyringLocked("locked")
        locked = await call(m.GetSecrets("one"))
        assert {one.stored for one in locked.secrets} == {None} and "is locked" in locked.problem
        with pytest.raises(RanvierError, match="is locked"):
            await call(m.SetSecret("one", "LATER", VALUE))
        backend.trouble = None
        assert "LATER" not in [one.name for one in (await call(m.GetSecrets("one"))).secrets]
        await call(m.RemoveSecret("one", "EXTRA_KEY"))
        assert [one.name for one in (await call(m.GetSecrets("one"))).secrets] == ["HF_TOKEN"]
        assert len(backend.values) == 1
        await call(m.RemoveMiner("one"))
        assert backend.values == {}, "a removed miner leaves no secret"
        await house.end()
    assert leaks(tmp_path / "home") == [] and VALUE not in caplog.text


async def test_a_miner_is_removed_although_its_secrets_cannot_be(
    tmp_path: Path, add: Callable[..., m.AddMiner], programs: RecipePrograms, backend: FakeBackend
) -> None:
    async with House(tmp_path / "home", programs=programs) as house:
        call = house.client.call
        await call(m.UseNetwork("test"))
        await call(add(recipe="mine", recipe_text=RECIPE))
        await call(m.SetSecret("one", "HF_TOKEN", VALUE))
        backend.trouble = keyring.errors.KeyringLocked("locked")
        said = (await call(m.RemoveMiner("one"))).text
        assert "Removed" in said and "still in the system's store" in said and "locked" in said
        await house.end()


# --- the command line -------------------------------------------------------------------------------------------


class Asked:
    """Stands in for the agent."""

    def __init__(self) -> None:
        self.commands: list[object] = []

    async def call(self, command: object) -> object:
        self.commands.append(command)
        if isinstance(command, m.GetSecrets):
            return m.MinerSecrets(
                (m.SecretView("HF_TOKEN", ("TOKEN",), True, False), m.SecretView("X", ("X",), False, None)), "Locked."
            )
        return m.Done("Done.")

    async def close(self) -> None:
        pass


@pytest.fixture
def asked(stands_in: Callable[[Asked], Asked]) -> Asked:
    return stands_in(Asked())


def run(tmp_path: Path, *words: str) -> int:
    return miners_cli.main(["secret", *words], Paths.under(tmp_path))


def give(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_the_command_line_takes_a_value_from_standard_input_or_unseen(
    asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, f"{VALUE}\r\n".encode())
    assert run(tmp_path, "set", "one", "HF_TOKEN") == 0
    assert asked.commands[-1] == m.SetSecret("one", "HF_TOKEN", VALUE)
    with pytest.raises(SystemExit):
        run(tmp_path, "set", "one", "HF_TOKEN", VALUE)
    give(monkeypatch, b"")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(secrets_cli.getpass, "getpass", lambda prompt: prompt[:5] + VALUE)
    assert run(tmp_path, "set", "one", "HF_TOKEN", "--json") == 0
    assert asked.commands[-1] == m.SetSecret("one", "HF_TOKEN", f"Value{VALUE}")
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[-1]) == {"id": "one", "text": "Done."}
    for data in (b"\xff\xfe", b"x" * 70_000):
        give(monkeypatch, data)
        with pytest.raises(MinerError) as caught:
            run(tmp_path, "set", "one", "HF_TOKEN")
        assert caught.value.__cause__ is None and "xx" not in str(caught.value)


def test_the_command_line_lists_and_removes(asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "list", "one") == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[:2] for row in rows] == [["HF_TOKEN", "missing"], ["X", "not"], ["Locked."]]
    assert "given as TOKEN" in rows[0] and "added by you" in rows[1]
    assert run(tmp_path, "remove", "one", "X") == 0
    assert asked.commands[-1] == m.RemoveSecret("one", "X")
    assert "no secret" in secrets_cli.describe("one", m.MinerSecrets(()))
