"""Device benchmarks on a make-believe CUDA driver; the processor for real; locks, telemetry, other programs' output."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ranvier.benchmark.child import main as child_main
from ranvier.benchmark.cpu_work import CpuRequest
from ranvier.benchmark.cuda_work import CudaRequest
from ranvier.benchmark.device import measure_cpu, measure_cuda, measure_torch
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.figures import Minute, kept_share
from ranvier.benchmark.lock import Turns, gpu_lock
from ranvier.benchmark.telemetry import TelemetrySample, drawn, summarise
from ranvier.benchmark.wgpu_work import choose

HERE = Path(__file__).parent
UUID = "GPU-abababab-abab-abab-abab-abababababab"
needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None or not sys.platform.startswith("linux"), reason="needs gcc and Linux"
)
# Plays the hardware reader: clocks fall, the card is throttled, 100 J a second by its counter.
READER = f"""
import json, sys, time
begin = time.monotonic()
for line in sys.stdin:
    at = time.monotonic() - begin
    gpu = {{"uuid": "{UUID}", "clock_sm_mhz": 2000, "temperature_c": 70, "power_w": 100.0,
            "energy_j": 1000 + 100 * at, "throttle_reasons": ["power limit"]}}
    print(json.dumps({{"gpus": [gpu], "driver": "580.1"}}), flush=True)
"""


@pytest.fixture(scope="session")
def cuda(tmp_path_factory: pytest.TempPathFactory) -> str:
    library = tmp_path_factory.mktemp("cuda") / "libcuda.so.1"
    command = ["gcc", "-shared", "-fPIC", "-w", "-o", str(library), str(HERE / "fake_cuda.c")]
    subprocess.run(command, check=True)
    return str(library)


@needs_gcc
async def test_a_card_is_measured_and_every_sample_kept(cuda: str, tmp_path: Path) -> None:
    told: list[dict] = []
    request = CudaRequest(uuid=UUID, check_s=1.0, sustained_s=1.2, library=cuda)
    run = await measure_cuda(request, Turns(tmp_path), told.append, probe=[sys.executable, "-c", READER])
    device, figures = run.result.device, {figure.name: figure for figure in run.result.figures}
    assert (device.uuid, device.name, device.pci_address) == (UUID, "Fake RTX", "0000:0a:00.0")
    assert list(figures) == ["read", "copy", "fp32", "fp16", "int8", "bf16"]
    assert all(len(figure.samples) == 7 for figure in figures.values())
    assert figures["read"].median == pytest.approx(512 * 2**20 / 0.0005 / 1e9, rel=1e-3)
    assert figures["copy"].median == pytest.approx(2 * figures["read"].median, rel=1e-3)
    blocks, threads = 128 * 8, 256
    assert figures["fp32"].median == pytest.approx(16 * 2048 * threads * blocks / 0.0005 / 1e12, rel=1e-3)
    per_warp = 2 * 16 * 8 * 16 * 8 * 2048
    assert figures["bf16"].median == pytest.approx(per_warp * 8 * blocks / 0.0005 / 1e12, rel=1e-3)
    assert figures["int8"].median == pytest.approx(2 * figures["bf16"].median, rel=1e-3)
    assert figures["read"].spread_percent == pytest.approx(0.0, abs=0.01)
    assert run.result.sustained_unit == "TFLOP/s"
    assert len(run.result.sustained) >= 2
    assert run.driver == "580.1"
    assert run.telemetry.throttled_s["power limit"] == pytest.approx(run.telemetry.seconds, abs=0.01)
    assert run.telemetry.counted
    assert run.telemetry.joules == pytest.approx(100 * run.telemetry.seconds, rel=0.1)
    assert run.operations_per_joule == pytest.approx(figures["bf16"].median * 1e12 / 100, rel=0.15)
    assert {message["event"] for message in told} == {"progress", "sustained"}


@needs_gcc
async def test_an_older_card_gets_its_own_kernels_and_fewer_tests(
    cuda: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CUDA_CAPABILITY", "75")
    run = await measure_cuda(CudaRequest(check_s=0.5, library=cuda), Turns(tmp_path))
    assert [figure.name for figure in run.result.figures] == ["read", "copy", "fp32", "fp16"]
    assert run.result.versions["kernels"].startswith("kernels_75.ptx ")
    monkeypatch.setenv("FAKE_CUDA_CAPABILITY", "61")
    with pytest.raises(BenchmarkError, match="too old"):
        await measure_cuda(CudaRequest(check_s=0.5, library=cuda), Turns(tmp_path))


@needs_gcc
@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("cuInit=100", "cuInit: CUDA_ERROR"),
        ("cuMemAlloc_v2=2", "CUDA_ERROR_OUT_OF_MEMORY"),
        ("cuModuleLoadData=222", "UNSUPPORTED_PTX_VERSION"),
        ("cuLaunchKernel=719", "cuLaunchKernel"),
    ],
)
async def test_each_refusal_of_the_driver_is_told(
    cuda: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str, words: str
) -> None:
    monkeypatch.setenv("FAKE_CUDA_FAIL", failure)
    with pytest.raises(BenchmarkError, match=words):
        await measure_cuda(CudaRequest(check_s=0.5, library=cuda), Turns(tmp_path))


@needs_gcc
async def test_what_is_not_there_is_said(cuda: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchmarkError, match="does not see GPU-other"):
        await measure_cuda(
            CudaRequest("GPU-other", 0.5, library=cuda), Turns(tmp_path), probe=[sys.executable, "-c", ""]
        )
    with pytest.raises(BenchmarkError, match="not on this machine"):
        await measure_cuda(CudaRequest(check_s=0.5, library=str(tmp_path / "none.so")), Turns(tmp_path))
    monkeypatch.setenv("FAKE_CUDA_FREE", str(100 * 2**20))
    with pytest.raises(BenchmarkError, match="are free"):
        await measure_cuda(CudaRequest(check_s=0.5, library=cuda), Turns(tmp_path))


@needs_gcc
async def test_cancelling_ends_the_child_at_once_and_frees_the_card(cuda: str, tmp_path: Path) -> None:
    begun = asyncio.Event()

    def told(message: dict) -> None:
        if message["event"] == "sustained":
            begun.set()

    async def cancel(task: asyncio.Task) -> None:
        await begun.wait()
        task.cancel()

    request = CudaRequest(check_s=0.3, sustained_s=60.0, library=cuda)
    async with asyncio.TaskGroup() as group:
        task = asyncio.ensure_future(measure_cuda(request, Turns(tmp_path), told))
        group.create_task(cancel(task))
    with pytest.raises(asyncio.CancelledError):
        await task
    with gpu_lock(tmp_path, "first", "me"):
        pass


async def test_the_processor_is_measured_for_what_it_is(tmp_path: Path) -> None:
    run = await measure_cpu(CpuRequest(check_s=0.6, size_mib=16, matrix=128), Turns(tmp_path))
    assert run.result.device.uuid == "cpu"
    assert [figure.name for figure in run.result.figures] == ["copy", "matmul_fp32"]
    assert all(figure.median > 0 and len(figure.samples) == 5 for figure in run.result.figures)
    assert "busy_before" in run.result.device.details


def test_a_card_has_one_owner_and_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    with gpu_lock(tmp_path, "GPU-1", "The first benchmark"):
        with pytest.raises(BenchmarkError, match="The first benchmark uses it"), gpu_lock(tmp_path, "GPU-1", "x"):
            raise AssertionError
        with gpu_lock(tmp_path, "GPU-2", "x"):
            pass
    with gpu_lock(tmp_path, "GPU-1", "x"):
        pass
    code = (
        "import sys, pathlib\nfrom ranvier.benchmark.lock import gpu_lock\n"
        "with gpu_lock(pathlib.Path(sys.argv[1]), 'GPU-1', 'child'):\n"
        "    print('have', flush=True)\n    sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(HERE.parents[1] / "app")},
    )  # fmt: skip
    assert child.stdout.readline() == b"have\n"
    with pytest.raises(BenchmarkError, match="child uses it"), gpu_lock(tmp_path, "GPU-1", "x"):
        raise AssertionError
    child.kill()
    child.communicate()
    with gpu_lock(tmp_path, "GPU-1", "x"):
        pass


async def test_a_miners_environment_without_torch_says_so(tmp_path: Path) -> None:
    if importlib.util.find_spec("torch") is not None:
        pytest.skip("this Python has torch")
    with pytest.raises(BenchmarkError, match="torch cannot be loaded"):
        await measure_torch(Path(sys.executable), Turns(tmp_path), "GPU-1")
    with pytest.raises(BenchmarkError, match="does not exist"):
        await measure_torch(tmp_path / "python", Turns(tmp_path), "GPU-1")


def test_a_processor_that_plays_a_gpu_is_refused() -> None:
    def adapter(kind: str, backend: str = "Vulkan") -> SimpleNamespace:
        return SimpleNamespace(info={"adapter_type": kind, "backend_type": backend, "device": kind})

    with pytest.raises(BenchmarkError, match="Only the processor"):
        choose([adapter("CPU")], 0, False)
    with pytest.raises(BenchmarkError, match="No GPU with"):
        choose([adapter("DiscreteGPU", "OpenGL")], 0, False)
    assert choose([adapter("CPU"), adapter("DiscreteGPU")], 0, False).info["device"] == "DiscreteGPU"
    assert choose([adapter("CPU")], 0, True).info["device"] == "CPU"
    with pytest.raises(BenchmarkError, match="There are 1"):
        choose([adapter("IntegratedGPU")], 3, False)


def test_telemetry_sums_what_is_known() -> None:
    def at(second: float, **changes: object) -> TelemetrySample:
        return TelemetrySample(second, **changes)

    found = summarise([at(0, energy_j=10.0, power_w=5.0), at(2, energy_j=40.0, throttle_reasons=("heat (software)",))])
    assert (found.joules, found.counted, found.throttled_s) == (30.0, True, {"heat (software)": 2})
    back = summarise([at(0, energy_j=10.0, power_w=5.0), at(2, energy_j=1.0, power_w=7.0, temperature_c=80)])
    assert (back.joules, back.counted, back.temperature_max_c) == (12.0, False, 80)
    stuck = summarise([at(0, energy_j=10.0, power_w=5.0), at(2, energy_j=10.0, power_w=7.0)])
    assert (stuck.joules, stuck.counted) == (12.0, False), "a counter that stands still counts nothing"
    assert summarise([at(0), at(1)]).joules is None
    assert summarise([at(0)]) is None


def test_the_energy_of_a_part_of_a_run_is_its_own() -> None:
    """The rate between the samples inside it, for all of it; none where too little of it was seen."""
    rising = [
        TelemetrySample(float(n), energy_j=1000.0 + (50 * n if n <= 10 else 500 + 300 * (n - 10))) for n in range(21)
    ]
    assert drawn(rising, 0.5, 9.5) == pytest.approx(450) and drawn(rising, 10.5, 20.5) == pytest.approx(3000)
    assert drawn(rising, 9.5, 12.4) is None, "two seconds say too little"
    assert drawn(rising, 15.0, 40.0) is None, "the reader ended in the middle"
    assert drawn([TelemetrySample(float(n), power_w=200.0) for n in range(9)], 1.0, 8.0) == pytest.approx(1400)
    assert drawn([TelemetrySample(float(n)) for n in range(9)], 1.0, 8.0) is None


def test_what_is_left_of_a_long_run() -> None:
    assert kept_share([Minute(n, 100 - n) for n in range(60)]) == pytest.approx(45.5 / 95.5)
    assert kept_share([Minute(0, 1.0)]) is None


def test_the_child_needs_a_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert child_main([]) == child_main(["nothing"]) == 2
    assert "usage" in capsys.readouterr().err
