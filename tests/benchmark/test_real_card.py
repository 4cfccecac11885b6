"""The one-command check for a real card, played through without one: no driver, and make-believe drivers that agree
or do not."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "bench" / "real_card.py"
UUID = "GPU-abababab-abab-abab-abab-abababababab"
# What fake_cuda.c reports as rates follows from its half a millisecond a launch; cores and clock are chosen to match.
NVML = f"""\
count 1
driver 580.1
0.name Fake RTX
0.uuid {UUID}
0.total 25769803776
0.used 1073741824
0.temp 61
0.power 200000
0.limit 450000
0.default_limit 450000
0.clock 2000
0.clock_max 2500
0.memclock 10000
0.memclock_max 10501
0.bus_bits 384
0.cores 4295
0.energy 1000
0.capability 89
"""
# nvidia-smi as a script: it answers the fields asked for, one line, commas between them.
SMI = """\
#!{python}
import sys
said = {{"uuid": "{uuid}", "name": "Fake RTX", "driver_version": "580.1", "pci.bus_id": "00000000:01:00.0",
        "compute_cap": "8.9", "memory.total": "24576", "memory.used": "1024", "temperature.gpu": "{heat}",
        "power.draw": "200.00", "enforced.power.limit": "450.00", "power.default_limit": "450.00",
        "clocks.sm": "2000", "clocks.max.sm": "2500", "clocks.mem": "10000", "clocks.max.mem": "10501"}}
fields = next(word for word in sys.argv if word.startswith("--query-gpu=")).partition("=")[2].split(",")
if len(fields) > 1 and "fan.speed" in fields:
    sys.exit("an old nvidia-smi knows not all of these")
print(", ".join(said.get(field, "[N/A]") for field in fields))
"""


def run(*arguments: str, env: dict[str, str] | None = None, alone: bool = False) -> subprocess.CompletedProcess[str]:
    lonely = ["-I", "-S"] if alone else []
    return subprocess.run(
        [sys.executable, *lonely, str(SCRIPT), *arguments], env=env, capture_output=True, text=True, timeout=120
    )


def test_without_a_card_it_says_so_and_needs_nothing() -> None:
    done = run(alone=True)
    if done.stdout.startswith("NVIDIA"):
        pytest.skip("this machine has a card")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("verdict: nothing was checked: ")


def test_the_packages_it_fetches_are_all_that_it_needs() -> None:
    code = (
        "import importlib, pathlib, sys\n"
        "for name in ('hardware.cli', 'hardware.nvml_child', 'hardware.probe_process', 'benchmark.cli',"
        " 'benchmark.telemetry', 'benchmark.child', 'benchmark.cuda_work', '__main__'):\n"
        "    importlib.import_module(f'ranvier.{name}')\n"
        "import psutil, platformdirs, pynvml\n"
        "files = {name: getattr(module, '__file__', None) or '' for name, module in sys.modules.items()}\n"
        "print(*{name.partition('.')[0] for name, file in files.items() if 'site-packages' in file})"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "app")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    fetched = runpy.run_path(str(SCRIPT), run_name="read")["PACKAGES"]
    taken = {"typing_extensions"}  # by those packages where it is there; they do without
    assert {name for name in done.stdout.split() if not name.startswith("_")} - taken <= set(fetched)


@pytest.mark.skipif(shutil.which("gcc") is None or not sys.platform.startswith("linux"), reason="needs gcc and Linux")
def test_figures_that_agree_and_one_that_does_not(tmp_path: Path) -> None:
    for name, source in (("libcuda.so.1", "benchmark/fake_cuda.c"), ("libnvidia-ml.so.1", "hardware/fake_nvml.c")):
        command = ["gcc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{name}", "-o", str(tmp_path / name)]
        subprocess.run([*command, str(ROOT / "tests" / source)], check=True)
    (tmp_path / "gpus.txt").write_text(NVML)
    env = {
        **os.environ, "LD_LIBRARY_PATH": str(tmp_path), "FAKE_NVML": str(tmp_path / "gpus.txt"),
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": "",
    }  # fmt: skip
    kept = tmp_path / "all.json"
    for heat, agrees in (("61", True), ("90", False)):
        (tmp_path / "nvidia-smi").write_text(SMI.format(python=sys.executable, uuid=UUID, heat=heat))
        (tmp_path / "nvidia-smi").chmod(0o755)
        done = run("--seconds", "0.4", "--sustained", "1.5", "--json", str(kept), env=env)
        said = {line["what"]: line["ok"] for line in json.loads(kept.read_text())["verdict"]}
        assert said["temperature_c"] is agrees, done.stdout
        assert {said[name] for name in ("uuid", "name", "memory_total", "power_w", "driver", "clock_sm_max_mhz")} == {
            True
        }
        assert "fan_percent" not in said, "neither knows it"
        assert said["memory read, of the bus's rate"] is False, "the make-believe card is faster than its bus"
        assert said["fp32, of cores x 2 x clock"] is True, done.stdout
        assert said["clock while it ran"] is True
        assert "sustained:" in done.stdout and "verdict: look at " in done.stdout
        assert done.returncode == 1
