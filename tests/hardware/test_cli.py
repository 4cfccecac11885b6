"""``ranvier hardware`` as a real process, with the make-believe driver."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.test_diagnosis import GOOD, sample
from ranvier.hardware.diagnosis import diagnose
from ranvier.hardware.fields import PARTS, SCHEMA
from ranvier.hardware.snapshot import Gpu, GpuProcess
from ranvier.hardware.tables import text

MIB = 2**20

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
    (card,) = [line for line in text.splitlines() if line.startswith("0    NVIDIA GeForce RTX 4090")]
    assert "83 °C" in card and "8192 / 24564 MiB" in card and card.endswith("heat (software)")
    assert "1    NVIDIA GPU" in text and "Restart the machine" in text
    assert (told["schema"], ended.stderr) == (SCHEMA, "")


def test_every_field_of_the_json_is_told_and_no_other(tmp_path: Path) -> None:
    for place, kind, meanings in PARTS:
        assert list(meanings) == [field.name for field in dataclasses.fields(kind)], place
    ended = ranvier(tmp_path, "--fields")
    assert ended.returncode == 0 and "sample.gpus[].memory_used" in ended.stdout
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("sample.gpus[].throttle_reasons ")]
    assert "list or null" in line and "it does not tell" in line
    fields = {line.split(" ", 1)[0] for line in ended.stdout.splitlines()}
    said = json.loads(ranvier(tmp_path, "--json").stdout)
    assert {f"sample.host.{name}" for name in said["sample"]["host"]} <= fields
    assert {f"sample.{name}" for name in said["sample"]} <= fields and fields >= {"schema"}


def test_the_table_is_aligned_in_the_units_of_nvidia_smi() -> None:
    card = replace(
        GOOD, memory_total=24564 * MIB, memory_used=8192 * MIB, power_w=431.25, fan_percent=60, clock_sm_mhz=2235,
        throttle_reasons=("sync boost",), pci_address="0000:01:00.0",
        processes=(GpuProcess(41877, 8000 * MIB, "python", "C"), GpuProcess(1200, None, "Xorg", "G")),
    )  # fmt: skip
    whole = Gpu("GPU-2", "NVIDIA A100", 1, mig=True, temperature_c=41, throttle_reasons=())
    part = Gpu("MIG-1", "A100 MIG 3g.20gb", 1, mig=True, parent_uuid="GPU-2", memory_total=19968 * MIB)
    asleep = Gpu("pci:1", "NVIDIA GPU (asleep)", 2, asleep=True)
    seen = sample(card, whole, part, asleep)
    told = text(seen, diagnose([seen])).split("\n\n")
    assert told[1] == "NVIDIA driver 580, CUDA up to 13.0"
    assert told[2].splitlines() == [
        "GPU     Name                  Temp   Use            Memory        Power     Clock   Fan  PCIe   State",
        "0       RTX 4090             60 °C  90 %  8192 / 24564 MiB  431 / 450 W  2235 MHz  60 %  4 x16  sync boost",
        "1       NVIDIA A100          41 °C     ?         ? / ? MiB      ? / ? W         ?     ?  ?      ok, MIG",
        "1 part  A100 MIG 3g.20gb                     ? / 19968 MiB                                      instance",
        "2       NVIDIA GPU (asleep)                                                                     asleep",
    ]
    assert told[3].splitlines() == [
        "GPU    PID  Type    Memory  Program",
        "0    41877  C     8000 MiB  python",
        "0     1200  G            ?  Xorg",
    ]
    hot = replace(seen, gpus=(replace(card, xid=79),))
    assert "BAD  GPU 0 · RTX 4090: The driver reported Xid 79: the GPU fell off the bus." in text(hot, diagnose([hot]))


def test_wrong_options_are_usage(tmp_path: Path) -> None:
    assert ranvier(tmp_path, "--nonsense").returncode == 2
