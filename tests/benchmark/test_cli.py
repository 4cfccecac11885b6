"""``ranvier bench``: as scripts meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ranvier.benchmark import around
from ranvier.benchmark.cli import main
from ranvier.benchmark.guard import RunningMiner
from ranvier.core.paths import Paths

HERE = Path(__file__).parent


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run one command with --json; returns status and the object."""
    paths = Paths.under(tmp_path / "home")

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        status = main([*arguments, "--json"], paths)
        return status, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def server() -> Iterator[str]:
    """The fake server as a process of its own."""
    command = [sys.executable, str(HERE / "fake_stream.py"), "0.05", "0.005"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        yield child.stdout.readline().strip()
        child.stdin.close()


def nobody(monkeypatch: pytest.MonkeyPatch, *miners: RunningMiner) -> None:
    async def running(paths: Paths) -> tuple[RunningMiner, ...]:
        return miners

    monkeypatch.setattr(around, "running_miners", running)


def test_an_endpoint_is_measured_kept_compared_and_exported(
    bench: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody(monkeypatch)
    load = ("serve", server, "--requests", "3", "--output-tokens", "8", "--warmup", "0")
    vllm = tmp_path / "vllm.json"
    status, first = bench(*load, "--vllm-json", str(vllm))
    assert (status, first["kind"], first["serving"]["completed"]) == (0, "serving", 3)
    assert 50 <= first["serving"]["ttft"]["median"] < 400
    assert json.loads(vllm.read_text())["completed"] == 3
    _, second = bench(*load)
    assert bench(*load, "--dry")[0] == 0
    _, listed = bench("list")
    assert [row["id"] for row in listed["results"]] == [second["id"], first["id"]] or second["at"] == first["at"]
    status, compared = bench("compare", first["id"], second["id"])
    assert status == 0
    assert {"output_throughput", "median_ttft", "p99_tpot"} <= {row["key"] for row in compared["rows"]}
    status, _ = bench("export", first["id"], str(tmp_path / "out.json"))
    assert "127.0.0.1" not in (tmp_path / "out.json").read_text()
    assert bench("export", "nothing", str(tmp_path / "x.json"))[0] == 1


def test_a_serving_miner_is_not_disturbed_unless_told(bench: Any, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody(monkeypatch, RunningMiner("m", "My miner", registered=True))
    load = ("serve", server, "--requests", "1", "--output-tokens", "2", "--dry")
    status, answer = bench(*load)
    assert status == 1
    assert "My miner is registered" in answer["error"]["message"]
    assert bench(*load, "--serving")[0] == 0
    assert bench("device", "--cpu", "--seconds", "0.2")[0] == 1


async def test_without_an_agent_running_keepers_are_taken_as_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    async def no_answer(paths: Paths, *arguments: str) -> None:
        return None

    monkeypatch.setattr(around, "ask", no_answer)
    paths = Paths.under(tmp_path)
    me = psutil.Process()
    for name, state, pid in (("runs", "running", me.pid), ("stopped", "stopped", None), ("gone", "running", 2**22 - 3)):
        folder = paths.miner(name) / "run"
        folder.mkdir(parents=True)
        status = {"state": state, "pid": pid, "pid_started": me.create_time()}
        (folder / "status.json").write_text(json.dumps(status))
    (paths.miner("broken") / "run").mkdir(parents=True)
    (paths.miner("broken") / "run" / "status.json").write_text("{")
    (miner,) = await around.running_miners(paths)
    assert (miner.id, miner.registered, miner.any_gpu) == ("runs", True, True), "which card it uses is not known"


def test_what_fits_is_told_for_the_memory_asked_and_for_the_machine(bench: Any) -> None:
    status, answer = bench("fit", "--memory", "24", "--bandwidth", "1008", "--model", "Llama-3.1-8B-Instruct")
    assert status == 0
    fits = {found["quantisation"]: found for found in answer["places"][0]["fits"]}
    assert fits["bf16"]["fits"]
    assert 50 < fits["bf16"]["roof"] < 63
    _, here = bench("fit")
    assert here["places"]
    assert bench("fit", "--memory", "24", "--model", "none")[0] == 1


def test_a_floor_is_held_against_this_machine(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "min_compute.yml"
    path.write_text("compute_spec: {miner: {cpu: {min_cores: 1}, memory: {min_ram: 1GB}, os: {name: Linux}}}")
    status, answer = bench("floor", str(path))
    assert status == 0
    assert {line["key"]: line["met"] for line in answer["lines"]}["cpu.min_cores"] is True
    path.write_text("compute_spec: {miner: {cpu: {min_cores: 100000}}}")
    assert bench("floor", str(path))[0] == 1


def test_the_processor_is_measured_and_its_bandwidth_used_for_the_roof(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody(monkeypatch)
    status, record = bench("device", "--cpu", "--seconds", "0.4")
    assert status == 0
    assert record["device"]["result"]["device"]["uuid"] == "cpu"

    async def none(paths: Paths) -> dict[str, Any]:
        return {"gpus": [], "host": {"cpu_name": "EPYC", "memory_available": 8 * 2**30}}

    monkeypatch.setattr(around, "hardware", none)
    _, answer = bench("fit", "--model", "SmolLM2-135M-Instruct")
    assert answer["places"][0]["uuid"] == "cpu"
    assert answer["places"][0]["bandwidth"] > 1e8


def test_usage_and_people(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    nobody(monkeypatch)
    paths = Paths.under(tmp_path)
    assert main(["nonsense"], paths) == 2
    assert main(["device", "--cpu", "--seconds", "0.3"], paths) == 0
    text = capsys.readouterr().out
    assert "Memory copy" in text
    assert "GB/s" in text
    assert "kept as" in text
    assert main(["list"], paths) == 0
    assert main(["fit", "--memory", "2"], paths) == 0
    assert "fits" in capsys.readouterr().out


def test_free_memory_is_what_a_model_could_take() -> None:
    host = {"memory_available": 9}
    assert around.free_memory({"memory_total": 10, "memory_used": 3, "memory_reserved": 1}, host) == 6
    assert around.free_memory({"unified_memory": True, "memory_total": None}, host) == 9
    assert around.free_memory({"memory_total": None}, host) is None
    gpus = [{"name": "a", "problem": None}, {"name": "b", "problem": "lost"}]
    assert [card.name for card in around.facts({"host": {}, "gpus": gpus}).cards] == ["a"]
