"""``ranvier selftest``: passes on this copy, names what fails, touches nothing of the user's."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ranvier import selftest
from ranvier.core.processes import child_environment, own_command


def test_this_copy_is_whole(away_from_home: Path) -> None:
    done = subprocess.run(
        own_command("selftest", "--json"), env=child_environment(), capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    assert [check for check in report["checks"] if not check["ok"]] == []
    assert (done.returncode, report["ok"], report["frozen"]) == (0, True, False)
    assert {"keys", "keyring", "uv", "sandbox", "agent", "window"} <= {check["name"] for check in report["checks"]}
    assert not [path for path in away_from_home.rglob("*") if "ranvier" in path.name or ".bittensor" in path.name]


def checks(_folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    def missing() -> str:
        raise ModuleNotFoundError("No module named 'hidden'")

    yield "good", lambda: "found"
    yield "bad", missing
    yield "later", lambda: "still looked at"


def test_what_is_missing_is_named_and_the_rest_still_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "_checks", checks)
    assert selftest.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["ok", "good"], ["FAIL", "bad"], ["ok", "later"]]
    assert "No module named 'hidden'" in lines[1]
    assert lines[3] == "This copy is not whole: bad."

    assert selftest.main(["--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert [check["ok"] for check in report["checks"]] == [True, False, True]
