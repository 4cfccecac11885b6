"""dev.py: set-up that is short the second time, notices what is broken, and says in one sentence what is missing."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
posix = pytest.mark.skipif(os.name != "posix", reason="shell scripts stand in for programs")


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """dev.py as a module, with an environment folder of its own."""
    spec = importlib.util.spec_from_file_location("dev_under_test", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "ranvier.json")
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small project beside a copy of dev.py, in a folder with a space and an accent: nothing has to be fetched."""
    root = tmp_path / "a tree, été"
    (root / "packaging" / "locks").mkdir(parents=True)
    (root / "app" / "ranvier").mkdir(parents=True)
    shutil.copy(ROOT / "dev.py", root)
    (root / "packaging" / "locks" / "app.txt").write_text("# nothing\n", "utf-8")
    (root / "app" / "ranvier" / "__init__.py").write_text("", "utf-8")
    (root / "app" / "ranvier" / "__main__.py").write_text("import sys; print('ranvier', sys.argv[1:])\n", "utf-8")
    return root


def start(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [getattr(sys, "_base_executable", sys.executable), str(root / "dev.py"), "run", *arguments]
    return subprocess.run(
        command, cwd=root.parent, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


@posix
def test_set_up_is_done_once_and_again_after_a_move_or_a_kill(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tree.parent / "other"  # what a caller's own PYTHONPATH may hold
    (other / "ranvier").mkdir(parents=True)
    (other / "ranvier" / "__init__.py").write_text("", "utf-8")
    (other / "ranvier" / "__main__.py").write_text("print('of another project')\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(other))
    first = start(tree, "status", "--json")
    assert (first.returncode, first.stdout) == (0, "ranvier ['status', '--json']\n"), first.stderr
    assert "Set up in" in first.stderr

    before = time.monotonic()
    second = start(tree, "status", "a b")
    assert time.monotonic() - before < 1.0
    assert (second.stdout, second.stderr) == ("ranvier ['status', 'a b']\n", "")

    moved = tree.rename(tree.with_name("moved"))
    command = [getattr(sys, "_base_executable", sys.executable), str(moved / "dev.py"), "run", "status"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True) as child:
        assert child.stderr is not None
        assert b"Making" in child.stderr.readline()
        time.sleep(0.5)
        os.killpg(child.pid, signal.SIGKILL)
    assert not (moved / ".venv" / "ranvier.json").exists()
    again = start(moved, "status")
    assert again.stdout == "ranvier ['status']\n", again.stderr
    assert "Making" in again.stderr


def whole(dev: ModuleType) -> None:
    """What a finished set-up leaves."""
    dev.venv_program("python").parent.mkdir(parents=True, exist_ok=True)
    dev.venv_program("python").write_text("", "utf-8")
    stamp = {"folder": str(dev.VENV), "python": dev.python_tag(), "app": dev.digest("app")}
    dev.STAMP.write_text(json.dumps(stamp), "utf-8")


def test_a_stamp_counts_only_for_this_folder_this_python_and_this_lock(dev: ModuleType) -> None:
    assert dev.stamp() == {}
    whole(dev)
    good = dev.stamp()
    assert good["app"] == dev.digest("app")
    assert "dev" not in good
    for wrong in ({**good, "folder": "/elsewhere"}, {**good, "python": "cpython-3.8"}, [], "x"):
        dev.STAMP.write_text(json.dumps(wrong), "utf-8")
        assert dev.stamp() == {}
    dev.STAMP.write_text('{"folder": ', "utf-8")
    assert dev.stamp() == {}


@posix
def test_an_interpreter_that_is_gone_is_noticed(dev: ModuleType, tmp_path: Path) -> None:
    whole(dev)
    dev.venv_program("python").unlink()
    dev.venv_program("python").symlink_to(tmp_path / "uninstalled")
    assert dev.stamp() == {}


@pytest.mark.parametrize(
    ("arguments", "qt", "model"),
    [
        ([], True, True), (["--hidden"], True, True), (["--home", "x"], True, True), (["--home=x"], True, True),
        (["selftest"], True, True), (["--version"], False, False), (["--help"], False, False),
        (["rehearse", "--headless"], False, True), (["--home", "x", "status"], False, False),
        (["--home=x", "agent"], False, True),
    ],
)  # fmt: skip
def test_libraries_are_looked_for_where_they_are_needed(
    dev: ModuleType, arguments: list[str], qt: bool, model: bool
) -> None:
    found = dev.libraries_for(arguments)
    assert (dev.QT_ALWAYS.items() <= found.items(), dev.MODEL.items() <= found.items()) == (qt, model)


def fake_program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    (folder / name).chmod(0o755)


@posix
def test_missing_libraries_are_those_that_the_loader_does_not_list(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_program(
        tmp_path / "bin", "ldconfig", "printf '\\tlibGL.so.1 (libc6) => /x\\n\\tlibEGL.so.12 (libc6) => /x\\n'"
    )
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(dev, "LINUX", True)
    assert dev.missing_libraries({"libGL.so.1": "libgl1", "libEGL.so.1": "libegl1"}) == {"libEGL.so.1": "libegl1"}


@posix
def test_without_the_right_to_install_the_one_command_is_named(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_program(tmp_path / "bin", "apt-get", "touch " + str(tmp_path / "called"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(dev, "LINUX", True)
    monkeypatch.setattr(dev, "missing_libraries", lambda wanted: {"libGL.so.1": "libgl1", "libEGL.so.1": "libegl1"})
    with pytest.raises(dev.Stop, match=r"without libEGL.so.1, libGL.so.1") as stop:
        dev.ensure_libraries(dev.libraries_for([]))
    assert stop.value.status == 3
    assert "\n  sudo apt-get install -y --no-install-recommends libegl1 libgl1\n" in capsys.readouterr().err
    assert not (tmp_path / "called").exists()


@posix
def test_libraries_that_only_a_display_needs_do_not_stop_the_start(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "missing_libraries", lambda wanted: {"libxcb-cursor.so.0": "libxcb-cursor0"})
    monkeypatch.setattr(dev, "get_packages", lambda packages, what: False)
    dev.ensure_libraries(dev.libraries_for([]))
    assert capsys.readouterr().err == ""


@posix
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("WARNING: Retrying: NewConnectionError: Network is unreachable", "no network"),
        ("ERROR: OSError: [Errno 28] No space left on device", "no space left"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "DO NOT MATCH THE HASHES"),
    ],
)
def test_why_packages_did_not_come_is_one_sentence(dev: ModuleType, words: str, sentence: str) -> None:
    fake_program(dev.VENV, "x", "")
    fake_program(dev.VENV / "bin", "python", f"echo 'Collecting thing'\necho '{words}'\nexit 1")
    with pytest.raises(dev.Stop, match=sentence):
        dev.install(ROOT / "packaging" / "locks" / "app.txt")


def test_an_old_python_is_told_which_one_to_use(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert dev.main(["run"]) == 3
    assert "needs Python 3.11 or newer" in capsys.readouterr().err


def test_help_names_every_verb(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        dev.main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all(f"  {verb} " in text for verb in dev.VERBS)
