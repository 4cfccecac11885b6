"""``ranvier bench device --resume``: a long run that was cut off goes on, and only then."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path
from typing import Any

import pytest

from benchmark.test_cli import nobody
from benchmark.test_device import UUID, cuda, needs_gcc
from ranvier.benchmark import around, cli_run
from ranvier.benchmark.cli import main
from ranvier.benchmark.cuda_work import CudaRequest
from ranvier.benchmark.figures import Device, DeviceResult, Figure, Minute
from ranvier.benchmark.journal import Part, Slice, begin, unfinished
from ranvier.core.paths import Paths

__all__ = ["cuda"]
FIGURE = Figure("read", "Memory read", "GB/s", (900.0,))
CHECK = DeviceResult(Device(UUID, "Fake RTX", "cuda"), "label", (FIGURE,), {})


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A machine with one card and no miner."""

    async def hardware(paths: Paths) -> dict[str, Any]:
        return {"gpus": [{"uuid": UUID, "problem": None, "vendor": "nvidia", "parent_uuid": None}]}

    nobody(monkeypatch)
    monkeypatch.setattr(around, "hardware", hardware)
    return Paths.under(tmp_path / "home")


def cut_off(paths: Paths, done: list[float], sustained_s: float) -> None:
    journal = begin(paths.benchmarks, UUID, 0.5, sustained_s)
    journal.write(Part(time.time() - 100, CHECK, "580.1"))
    for at in done:
        journal.write(Slice(Minute(at, 50.0), time.time() - 100 + at))


def resume(paths: Paths, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    status = main(["device", "--resume", "--json"], paths)
    return status, json.loads(capsys.readouterr().out)


def test_without_a_run_that_was_cut_off_it_says_so_and_measures_nothing(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    status, answer = resume(paths, capsys)
    assert status == 1 and answer["error"]["title"] == "Nothing to go on with"
    cut_off(paths, [], 600.0)
    assert resume(paths, capsys)[0] == 1, "nothing of its long part was measured: it begins anew"


def test_a_run_that_was_whole_but_not_kept_is_kept_as_it_was_asked_for(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_off(paths, [float(second) for second in range(600)], 600.0)
    status, record = resume(paths, capsys)
    assert status == 0 and len(record["device"]["result"]["sustained"]) == 600
    assert record["settings"] == {"seconds": 0.5, "sustained": 600.0}
    assert unfinished(paths.benchmarks) == ()
    assert resume(paths, capsys)[0] == 1, "once"


@needs_gcc
def test_the_rest_is_measured_and_the_check_is_not_run_again(
    paths: Paths, capsys: pytest.CaptureFixture[str], cuda: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_run, "CudaRequest", functools.partial(CudaRequest, library=cuda))
    done = [0.25 * step for step in range(5)]
    cut_off(paths, done, 3.0)
    status, record = resume(paths, capsys)
    result = record["device"]["result"]
    assert status == 0, record
    assert [one["at"] for one in result["sustained"][:5]] == done and result["sustained"][-1]["at"] > done[-1]
    assert [figure["name"] for figure in result["figures"]] == ["read"], "the check's figures are those of then"
    assert any("cut off" in words for words in result["warnings"])
    assert record["settings"]["sustained"] == 3.0 and unfinished(paths.benchmarks) == ()
