"""Processes of ours: found again by pid and start time, started so that they outlive us."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import ranvier
from ranvier.core.processes import ProcessIdentity, child_environment, own_command, spawn_detached

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def wait_for(path: Path) -> str:
    for _ in range(300):
        if path.exists() and path.read_text("utf-8").endswith("\n"):
            return path.read_text("utf-8")
        time.sleep(0.02)
    raise AssertionError(f"{path} did not come")


def test_a_process_is_its_pid_and_its_start() -> None:
    with subprocess.Popen(SLEEP) as process:
        identity = ProcessIdentity.of(process.pid)
        assert identity is not None
        assert identity.alive()
        assert not ProcessIdentity(identity.pid, identity.started - 5).alive()
        assert ProcessIdentity.of(process.pid) == identity
        process.kill()
    assert not identity.alive()
    assert ProcessIdentity.of(process.pid) is None


@pytest.mark.skipif(os.name != "posix", reason="zombies are POSIX's")
def test_a_zombie_is_not_alive() -> None:
    process = subprocess.Popen(SLEEP)
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    process.kill()
    deadline = time.monotonic() + 5
    while identity.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    assert not identity.alive()
    process.wait()


def test_our_own_command_starts_this_program_anywhere(tmp_path: Path) -> None:
    done = subprocess.run(
        own_command("--version"), cwd=tmp_path, env=child_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"ranvier {ranvier.__version__}\n"


def test_a_frozen_copy_starts_its_helper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "ranvier"))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/inside")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/outside")
    command = own_command("agent")
    assert Path(command[0]).parent == tmp_path
    assert Path(command[0]).stem == "ranvier-helper"
    environment = child_environment({"MORE": "1"})
    assert environment["LD_LIBRARY_PATH"] == "/outside"
    assert "LD_LIBRARY_PATH_ORIG" not in environment
    assert environment["PYINSTALLER_RESET_ENVIRONMENT"] == environment["MORE"] == "1"


def test_a_frozen_copy_without_the_users_library_path_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyInstaller sets LD_LIBRARY_PATH to its own folder; a miner must not load our libraries."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/inside")
    monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    assert "LD_LIBRARY_PATH" not in child_environment()


def test_the_package_is_found_once_in_the_childs_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "/somewhere"]))
    source = str(Path(ranvier.__file__).resolve().parent.parent)
    first = child_environment()["PYTHONPATH"]
    assert first == os.pathsep.join([source, "/somewhere"])
    monkeypatch.setenv("PYTHONPATH", first)
    assert child_environment()["PYTHONPATH"] == first


@pytest.mark.skipif(os.name != "posix", reason="sessions are POSIX's")
def test_a_detached_process_outlives_its_parent(tmp_path: Path) -> None:
    """A parent starts it and ends; it goes on in a session of its own, with its errors in a file."""
    pid_file, errors = tmp_path / "pid", tmp_path / "errors"
    child = "import sys, time; print('trouble', file=sys.stderr, flush=True); time.sleep(60)"
    parent = (
        "import sys; from pathlib import Path; from ranvier.core.processes import spawn_detached\n"
        f"pid = spawn_detached([sys.executable, '-c', {child!r}], errors=Path({str(errors)!r}))\n"
        f"Path({str(pid_file)!r}).write_text(str(pid) + '\\n')"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", parent], env=child_environment(), check=True)
    process = psutil.Process(int(wait_for(pid_file)))
    try:
        assert wait_for(errors) == "trouble\n"
        assert process.is_running()
        assert os.getsid(process.pid) == process.pid
        assert os.getsid(process.pid) != os.getsid(0)
    finally:
        process.kill()


def test_a_program_that_is_not_there_is_an_error_here(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        spawn_detached([str(tmp_path / "nothing")])
