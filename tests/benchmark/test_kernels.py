"""The shipped PTX against the work that the benchmark credits it with; with ptxas at hand, as machine code too."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from ranvier.benchmark import cuda_work
from ranvier.core.paths import resources

FOLDER = resources() / "benchmark"
MMA = re.compile(r"mma\.sync\.aligned\.m(\d+)n(\d+)k(\d+)\.")
CARDS = {"kernels_75.ptx": ("sm_75", "sm_80", "sm_89"), "kernels_80.ptx": ("sm_80", "sm_89", "sm_90", "sm_120")}


def kernels(file: str) -> dict[str, str]:
    """Each kernel's own text."""
    text = (FOLDER / file).read_text("ascii")
    return {part.split("(")[0].strip(): part for part in text.split(".entry ")[1:]}


def credited(file: str) -> list[cuda_work._Test]:
    capability = (8, 0) if file == "kernels_80.ptx" else (7, 5)
    context = SimpleNamespace(capability=capability, multiprocessors=10)
    return cuda_work._tests(context, [ctypes.c_uint64(1), ctypes.c_uint64(2)], 2**20)


@pytest.mark.parametrize("file", sorted(CARDS))
def test_each_launch_is_credited_with_the_work_that_its_kernel_does(file: str) -> None:
    known = kernels(file)
    asked = credited(file)
    assert {test.kernel for test in asked} == set(known)
    rounds = cuda_work._ROUNDS
    for test in asked:
        text = known[test.kernel]
        if test.kernel in ("ranvier_read", "ranvier_copy"):
            assert len(re.findall(r"ld\.global\.nc\.v4", text)) == 5, "four on their way at once, and the rest"
            assert test.work == (2 if test.name == "copy" else 1) * 2**20
            continue
        warps = test.grid * test.block / 32
        if test.kernel == "ranvier_fp32":
            per_round, left = divmod(text.count("fma.rn.f32 "), 8)
            assert per_round >= 1 and left <= 1, "whole rounds, and what the preparation takes"
            assert test.work == 2.0 * 8 * rounds * warps * 32
            continue
        shapes = {tuple(int(side) for side in found) for found in MMA.findall(text)}
        ((m, n, k),) = shapes
        assert len(MMA.findall(text)) % cuda_work._TILES == 0, "whole rounds"
        assert test.work == 2.0 * m * n * k * cuda_work._TILES * rounds * warps


@pytest.mark.skipif(shutil.which("ptxas") is None, reason="needs CUDA's ptxas")
@pytest.mark.parametrize("file", sorted(CARDS))
def test_no_card_spills_registers(file: str, tmp_path: Path) -> None:
    for card in CARDS[file]:
        done = subprocess.run(
            ["ptxas", "-v", f"-arch={card}", FOLDER / file, "-o", tmp_path / "out"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        spilled = re.findall(r"(\d+) bytes spill (?:stores|loads)", done.stderr)
        used = [int(count) for count in re.findall(r"Used (\d+) registers", done.stderr)]
        assert len(spilled) == 2 * len(used) == 2 * len(kernels(file))
        assert set(spilled) == {"0"}
        assert max(used) <= 64, "so that four blocks of eight warps share one multiprocessor"
