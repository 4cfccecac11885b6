"""``ranvier hardware`` as a real process, with the make-believe driver."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CARDS = """\
count 2
0.name NVIDIA GeForce RTX 4090
0.uuid GPU-aaaa
0.total 25757220864
0.used 8589934592
0.temp 83
0.reasons 0x20
1.name NVIDIA GeForce RTX 4090
1.uuid GPU-bbbb
1.fail 15
"""


def ranvier(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(__file__).resolve().parents[2] / "app")
    environment = {**os.environ, "PYTHONPATH": source, **variables}
    command = [sys.executable, "-m", "ranvier", "--home", str(home), "hardware", "--seconds", "0.2", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, check=False)


@pytest.mark.skipif(shutil.which("gcc") is None or not sys.platform.startswith("linux"), reason="needs gcc and Linux")
def test_cards_and_findings_are_told_to_programs_and_people(tmp_path: Path, library: Path) -> None:
    scenario = tmp_path / "gpus.txt"
    scenario.write_text(CARDS)
    variables = {"LD_LIBRARY_PATH": str(library), "FAKE_NVML": str(scenario)}
    ended = ranvier(tmp_path, "--json", **variables)
    assert ended.returncode == 1, "a lost card is badly wrong"
    told = json.loads(ended.stdout)
    assert [gpu["trouble"] for gpu in told["sample"]["gpus"]] == [None, "lost"]
    assert told["sample"]["host"]["cpu_percent"] is not None
    assert {"lost", "throttled"} <= {finding["code"] for finding in told["findings"]}
    text = ranvier(tmp_path, **variables).stdout
    assert "GPU NVIDIA GeForce RTX 4090 [GPU-aaaa]: 8.0 of 24.0 GiB" in text
    assert "Restart the machine" in text


def test_wrong_options_are_usage(tmp_path: Path) -> None:
    assert ranvier(tmp_path, "--nonsense").returncode == 2
