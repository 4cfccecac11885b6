"""The tray: the worst true state, one line per miner, and the menu as a tray host sees it over D-Bus."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QSystemTrayIcon

from gui.fakes import chain, failed_miner, good_miner, rich_status, status, unknown_miner
from gui.test_start import end_agent
from ranvier.agent.api.messages import Attention
from ranvier.core.evidence import Level
from ranvier.miners.status import MinerState
from ranvier.ui.icons import tray_icon
from ranvier.ui.tray import Tray, tray_level, tray_lines
from ranvier.ui.words import tip_text

TESTS = Path(__file__).parents[1]
PROGRAMS = TESTS / "programs"


def off(miner):
    return msgspec.structs.replace(miner, state=MinerState.STOPPED, wanted=False, level=Level.OFF)


def test_the_worst_true_state():
    assert tray_level(None) is Level.UNKNOWN
    assert tray_level(status()) is Level.OFF
    assert tray_level(status(good_miner())) is Level.GOOD
    assert tray_level(status(good_miner(), off(failed_miner()))) is Level.GOOD
    assert tray_level(status(good_miner(), unknown_miner())) is Level.UNKNOWN
    assert tray_level(status(good_miner(), unknown_miner(), failed_miner())) is Level.BAD
    assert tray_level(status(off(good_miner()))) is Level.OFF
    claimed = good_miner(state=MinerState.UNKNOWN, level=Level.GOOD)
    assert tray_level(status(claimed)) is Level.UNKNOWN, "what is not known is never green"
    lost = msgspec.structs.replace(status(good_miner()), chain=chain(level=Level.BAD))
    assert tray_level(lost) is Level.BAD


def test_one_line_for_each_miner():
    lines = tray_lines(rich_status())
    assert lines[0] == "Ranvier · SANDBOX – PLAY MONEY" and len(lines) == 4
    assert lines[1] == "Practice miner: running, 12.3456 α1 today"
    assert lines[3] == "Old box: unknown, unknown today"
    assert tray_lines(None) == ["Ranvier", "Agent: unknown"]


def test_icons_differ_for_every_level(qapp):
    images = [tray_icon(level).pixmap(32, 32).toImage() for level in Level]
    assert all(not image.isNull() for image in images)
    for place, image in enumerate(images):
        assert all(image != other for other in images[:place])


def test_each_incident_is_told_once_and_none_is_lost(qtbot, monkeypatch):
    ended = Attention(Level.WARN, "One ended", "It crashed.", "one", "miner/one/crash/5")
    failed = Attention(Level.BAD, "One has failed", "It crashed too often.", "one", "miner/one/crash/5")
    other = Attention(Level.WARN, "Two ended", "No memory.", "two", "miner/two/out_of_memory/9")
    unkeyed = Attention(Level.BAD, "Network", "Nobody answers.")
    told: list[str] = []
    there = False
    monkeypatch.setattr(Tray, "available", property(lambda _: there))
    monkeypatch.setattr(Tray, "tell", lambda _, title, _text: told.append(title))
    tray = Tray()

    def show(*attention: Attention) -> list[str]:
        told.clear()
        tray.show_status(msgspec.structs.replace(status(good_miner()), attention=attention))
        return list(told)

    assert show(ended) == [], "there is nobody to tell"
    there = True
    tray._host_settled()
    assert told == ["One ended"], "what could not be told was not lost"
    assert show(ended, unkeyed) == []
    assert show(ended, other) == ["Two ended"]
    assert show() == []
    tray.show_status(None)
    assert show(ended, other) == [], "a new agent tells of the same incidents"
    assert show(failed, other) == ["One has failed"], "that is worse"
    assert show(ended, other) == []
    tray.close()


def test_a_miners_words_become_no_link_on_the_desktop_and_no_picture_in_a_tooltip(qtbot, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda _self, *words: shown.extend(words[:2]))
    tray = Tray()
    tray.tell("It said <b>now</b>", 'Open <a href="https://x.test">this</a>.')
    tray.close()
    assert shown == ["It said ‹b›now‹/b›", 'Open ‹a href="https://x.test"›this‹/a›.']
    assert tip_text("1 < 2\nand 3 > 2") == "1 < 2\nand 3 > 2"
    document = QTextDocument()
    document.setHtml(tip_text('<img src="/etc/x">\n& more'))
    assert document.toPlainText() == '<img src="/etc/x">\n& more'


def test_menu_words_follow_the_miners(qtbot):
    tray = Tray()
    wanted = []
    tray.start_wanted.connect(lambda miner: wanted.append(("start", miner)))
    tray.stop_wanted.connect(lambda miner: wanted.append(("stop", miner)))

    def entries():
        return {action.text(): action for action in tray.menu.actions() if action.text()}

    assert "Earned today: unknown" in entries()
    tray.show_status(
        status(good_miner(), off(failed_miner()), good_miner(id="n", name="R&D", installed=False, wanted=False))
    )
    entries()["Stop Practice miner"].trigger()
    entries()["Start LLM on the 4090"].trigger()
    assert wanted == [("stop", "practice"), ("start", "llm-4090")]
    assert not entries()["Start R&&D (not installed)"].isEnabled()
    before = tray.menu.actions()
    tray.show_status(
        status(good_miner(), off(failed_miner()), good_miner(id="n", name="R&D", installed=False, wanted=False))
    )
    assert tray.menu.actions() == before, "an open menu must not be rebuilt for nothing"
    tray.show_status(None)
    assert not any("Practice" in text for text in entries())
    tray.close()


# --- over D-Bus -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X display of its own: the offscreen platform never has a tray."""
    for program in ("Xvfb", "dbus-run-session"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if not sys.platform.startswith("linux"):
        pytest.skip("tray hosts speak D-Bus on Linux only")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    try:
        if not number:
            pytest.skip("Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


def test_the_real_program_starts_hidden_and_quits_from_its_tray(display, tmp_path):
    home = tmp_path / "home"
    command = (sys.executable, "-m", "ranvier", "--home", str(home), "--hidden")
    seen = on_host(display, ["Open Ranvier", "Quit window (miners go on)"], *command, at_once=True)
    assert "failed" not in seen, seen
    assert seen["status"] == 0 and seen["errors"] == ""
    assert ["Open Ranvier", True] in seen["menu"] and ["Earned today: unknown", False] in seen["menu"]
    end_agent(home)


def on_host(display: str, clicks: list[str], *command: str, at_once: bool = False) -> dict:
    """Run ``command`` in a session of its own with the tray host; what the host saw."""
    environment = {
        **os.environ,
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent / "app"), str(TESTS)]),
        "LANG": "C.UTF-8",
    }
    environment.pop("WAYLAND_DISPLAY", None)
    done = subprocess.run(
        [
            "dbus-run-session",
            "--",
            sys.executable,
            str(PROGRAMS / "tray_host.py"),
            "now" if at_once else "late",
            json.dumps(clicks),
            *command,
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_late_host_sees_icon_tooltip_and_menu_and_its_clicks_arrive(display):
    clicks = ["Open Ranvier", "Stop Practice miner", "Start Old box", "Stop everything and quit",
              "Quit window (miners go on)"]  # fmt: skip
    seen = on_host(display, clicks, sys.executable, str(PROGRAMS / "tray_program.py"))
    assert "failed" not in seen, seen
    assert seen["items_before"] == 0 and seen["printed"][0] == "ready False"
    assert "host True" in seen["printed"], "a host that starts late must be noticed"
    assert [64, 64] in seen["sizes"] and [22, 22] in seen["sizes"]
    assert "LLM on the 4090: waiting to restart" in "\n".join(seen["tooltip"])
    assert seen["menu"] == [
        ["Open Ranvier", True],
        ["", True],
        ["Stop Practice miner", True],
        ["Stop LLM on the 4090", True],
        ["Start Old box", True],
        ["Earned today: 12.3456 α1 (1 unknown)", False],
        ["", True],
        ["Quit window (miners go on)", True],
        ["Stop everything and quit", True],
    ]
    wanted = [line for line in seen["printed"] if not line.startswith(("ready", "host"))]
    assert wanted == ["open", "stop practice", "start old", "stop everything"]
    assert seen["status"] == 0, "Quit must end the process"
