"""The real process: quick first paint, no display said in a sentence, one window for a home, ends when told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ranvier.core.errors import StorageError
from ranvier.core.paths import Paths
from ranvier.ui.application import display_problem
from ranvier.ui.instance import Instance

APP = Path(__file__).parents[2] / "app"


def environment(**changes: str | None) -> dict[str, str]:
    values = {**os.environ, "PYTHONPATH": str(APP), "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8", **changes}
    return {name: value for name, value in values.items() if value is not None}


def ranvier(home: Path, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ranvier", "--home", str(home), *arguments]
    return subprocess.run(
        command, env=environment(**changes), capture_output=True, text=True, timeout=60, check=False, cwd=home.parent
    )


def test_nothing_heavy_before_the_first_paint(tmp_path):
    done = ranvier(tmp_path / "home", "--exit-after-paint")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["heavy"] == []
    assert 0 < report["first_paint_s"] < 5  # a busy machine; tests/bench measures it
    assert not (tmp_path / "home" / "agent").exists(), "no agent is started for a measurement"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
@pytest.mark.parametrize(
    "changes",
    [{"DISPLAY": None}, {"DISPLAY": ":4711"}, {"DISPLAY": "nonsense"}, {"DISPLAY": None, "WAYLAND_DISPLAY": "w-9"}],
    ids=["none", "dead", "nonsense", "dead wayland"],
)
def test_no_display_is_one_sentence(tmp_path, changes):
    done = ranvier(tmp_path / "home", **{"QT_QPA_PLATFORM": None, "WAYLAND_DISPLAY": None, **changes})
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("ranvier: ") and done.stderr.count("\n") == 1
    assert "display" in done.stderr and "Traceback" not in done.stderr


def test_a_platform_without_a_display_needs_none():
    assert display_problem({"QT_QPA_PLATFORM": "offscreen"}) is None


def end_agent(home: Path) -> None:
    """End the agent that a window started, even one that is only just coming up."""
    end = time.monotonic() + 15
    while not (home / "agent" / "endpoint.json").exists() and time.monotonic() < end:
        time.sleep(0.1)
    done = ranvier(home, "stop", "--everything")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def window(tmp_path):
    """A running window with its own agent; both are ended."""
    home = tmp_path / "home"
    process = subprocess.Popen(
        [sys.executable, "-m", "ranvier", "--home", str(home)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lock = home / "window.lock"
    end = time.monotonic() + 20
    while not lock.exists() and time.monotonic() < end and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1.0)
    try:
        yield process, home
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        process.stderr.close()
        end_agent(home)


def test_a_second_start_raises_the_first_and_a_signal_ends_it(window):
    process, home = window
    again = ranvier(home)
    assert again.returncode == 0, again.stderr
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0, process.stderr.read()
    assert ranvier(home, "--exit-after-paint").returncode == 0, "the next start must be the first again"


@pytest.mark.skipif(os.name != "posix", reason="kill is POSIX's")
def test_after_a_kill_the_next_window_starts(window):
    process, home = window
    process.kill()
    process.wait(10)
    done = ranvier(home, "--exit-after-paint")
    assert done.returncode == 0, done.stderr


def test_a_home_that_cannot_be_written_is_said_in_a_window(tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    command = [sys.executable, "-m", "ranvier", "--home", str(tmp_path / "home")]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert said.startswith("ranvier: Cannot write: ") and str(tmp_path / "home") in said
        process.terminate()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == -signal.SIGTERM, "it stays until somebody has read it"
    assert ranvier(tmp_path / "home", "--exit-after-paint").returncode == 1


def test_a_lock_that_cannot_be_written_is_not_another_window(tmp_path, monkeypatch):
    monkeypatch.setattr("ranvier.ui.instance.private_folder", lambda folder: tmp_path / "not there")
    with pytest.raises(StorageError, match=r"window\.lock"):
        Instance(Paths.under(tmp_path)).first()
