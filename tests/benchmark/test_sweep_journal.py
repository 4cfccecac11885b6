"""A sweep that was killed goes on where it was: its steps with all their samples, once, and it says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmark.test_cli import nobody, server
from benchmark.test_pure import steps
from ranvier.benchmark import serving
from ranvier.benchmark.cli import main
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.plans import ServingPlan, SweepPlan
from ranvier.benchmark.store import Subject, new_record, values
from ranvier.benchmark.sweep_journal import Begun, begin_sweep, unfinished_sweep
from ranvier.core.paths import Paths

__all__ = ["server"]
APP = Path(__file__).parents[2] / "app"
PLAN = SweepPlan(ServingPlan("http://127.0.0.1:9/v1", output_tokens=8, warmup=0, seed=3), most=8)


def test_what_was_measured_is_read_back_and_a_torn_line_left_out(tmp_path: Path) -> None:
    assert unfinished_sweep(tmp_path) is None
    journal = begin_sweep(tmp_path, PLAN, ("GPU-1", "RTX"))
    assert unfinished_sweep(tmp_path) is None, "nothing was measured yet"
    known = steps((1, 100, 1, 1), (2, 190, 2, 1))
    for step in known:
        journal.step(step)
    with journal.path.open("ab") as file:
        file.write(b'{"type":"step","at":1.0,"resu')
    found = unfinished_sweep(tmp_path)
    assert found.steps == tuple(known) and found.steps[0].requests, "with every request"
    assert (found.begun.gpu, found.plan.base.model, found.plan.most) == (("GPU-1", "RTX"), "m", 8)
    assert "after 2 at once and went on 5 min later" in found.note(found.ended + 300)
    assert unfinished_sweep(tmp_path, kept=[journal.at]) is None and not journal.path.exists(), "it is kept elsewhere"
    begin_sweep(tmp_path, PLAN).write(Begun(1.0, PLAN, schema=99))
    assert unfinished_sweep(tmp_path) is None


def test_a_full_disk_ends_the_writing_only(tmp_path: Path) -> None:
    journal = begin_sweep(tmp_path, PLAN)
    journal.path.unlink()
    journal.path.mkdir()  # cannot be written any more
    journal.step(steps((1, 100, 1, 1))[0])
    assert unfinished_sweep(tmp_path) is None


async def test_each_step_is_told_and_kept_with_its_own_energy(server: str) -> None:
    """Also those of a sweep that was cut off, which keep what they had."""
    plan = SweepPlan(ServingPlan(server, output_tokens=8, warmup=0, seed=3), most=2, step_requests=4)
    told: list[LoadResult] = []

    def tell(progress: serving.ServingProgress) -> None:
        told.extend([progress.step] if progress.step is not None else [])

    found = await serving.sweep(plan, tell, joules=lambda seconds: 100 * seconds)
    assert [step.joules for step in found.steps] == [100 * step.duration for step in found.steps]
    assert [step.joules for step in told] == [step.joules for step in found.steps]
    first = found.steps[0]
    assert first.tokens_per_joule == pytest.approx(first.output_tokens / first.joules)
    named = {value.title: value for value in values(new_record("sweep", Subject("GPU-1", "m"), 1.0, sweep=found))}
    assert named["Tokens per joule at 1"].value == first.tokens_per_joule
    again = await serving.sweep(plan, done=found.steps)
    assert [step.joules for step in again.steps] == [step.joules for step in found.steps]


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_sweep_goes_on_and_runs_no_step_again(
    tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody(monkeypatch)
    paths = Paths.under(tmp_path / "home")

    def bench(*arguments: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        status = main([*arguments, "--json"], paths)
        return status, json.loads(capsys.readouterr().out)

    assert bench("serve", "--resume")[1]["error"]["title"] == "Nothing to go on with"
    assert bench("serve")[1]["error"]["title"] == "No server"
    command = [
        sys.executable, "-m", "ranvier", "--home", str(tmp_path / "home"), "bench", "serve", server, "--sweep", "4",
        "--output-tokens", "8", "--warmup", "0", "--goodput", "ttft:5000",
    ]  # fmt: skip
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(APP)}, stdout=subprocess.PIPE) as child:
        limit = time.monotonic() + 60
        while unfinished_sweep(paths.benchmarks) is None and time.monotonic() < limit:
            assert child.poll() is None
            time.sleep(0.02)
        child.kill()
    before = unfinished_sweep(paths.benchmarks)
    status, record = bench("serve", "--resume")
    assert (status, record["kind"]) == (0, "sweep")
    done = record["sweep"]["steps"]
    assert [step["concurrency"] for step in done] == [1, 2, 4][: len(done)] and len(done) > len(before.steps)
    assert done[0]["requests"][0]["sent"] == before.steps[0].requests[0].sent, "not measured again"
    assert done[-1]["objective"]["ttft_ms"] == 5000 and "was cut off after 1 at once" in record["notes"][0]
    assert unfinished_sweep(paths.benchmarks) is None
