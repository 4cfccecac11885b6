"""A long run that is cut off goes on where it was: every sample kept, the break said, a kill harmless."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmark.test_device import READER, UUID, cuda
from ranvier.benchmark.cuda_work import CudaRequest
from ranvier.benchmark.device import measure_cuda
from ranvier.benchmark.figures import Device, DeviceResult, Minute
from ranvier.benchmark.journal import Journal, Look, Part, Slice, begin, read, unfinished
from ranvier.benchmark.lock import Turns
from ranvier.benchmark.telemetry import TelemetrySample, TelemetrySummary, together

__all__ = ["cuda"]
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc builds the make-believe driver")
PROBE = [sys.executable, "-c", READER]
RESULT = DeviceResult(Device(UUID, "Fake RTX", "cuda"), "label", (), {})


async def cut_off(request: CudaRequest, folder: Path, journal: Journal, after_s: float, **more: object) -> None:
    """Run until so many seconds of the long run are measured, then cancel."""

    def told(message: dict) -> None:
        if message["event"] == "sustained" and message["at"] >= after_s:
            task.cancel()

    task = asyncio.ensure_future(measure_cuda(request, Turns(folder), told, probe=PROBE, journal=journal, **more))
    with pytest.raises(asyncio.CancelledError):
        await task


@needs_gcc
async def test_a_cancelled_run_goes_on_and_comes_out_whole(cuda: str, tmp_path: Path) -> None:
    request = CudaRequest(uuid=UUID, check_s=0.5, sustained_s=2.0, library=cuda)
    journal = begin(tmp_path, UUID, 0.5, 2.0)
    assert unfinished(tmp_path) == (), "nothing is measured yet"
    await cut_off(request, tmp_path, journal, 0.3)
    (one,) = unfinished(tmp_path)
    assert 0.3 <= one.done_s < 2.0 and len(one.segments) == 1 and one.driver == "580.1"
    assert [figure.name for figure in one.result.figures] == ["read", "copy", "fp32", "fp16", "int8", "bf16"]
    await cut_off(request, tmp_path, journal, one.done_s + 0.3, before=one)
    (two,) = unfinished(tmp_path)
    assert two.done_s >= one.done_s + 0.3 and len(two.segments) == 2
    told: list[dict] = []
    run = await measure_cuda(
        request, Turns(tmp_path), told.append, probe=PROBE, journal=Journal(two.path, two.begun.at), before=two
    )
    assert not [message for message in told if message["event"] == "progress"], "the check is not run again"
    slices = run.result.sustained
    kept = [minute for segment in two.segments for minute in segment.slices]
    assert list(slices[: len(kept)]) == kept and len(slices) > len(kept)
    assert [minute.at for minute in slices] == sorted({minute.at for minute in slices})
    assert slices[-1].at > 1.0 and run.result.figures == one.result.figures
    breaks = [words for words in run.result.warnings if "cut off" in words]
    assert len(breaks) == 2 and "the card had cooled down meanwhile" in breaks[0]
    assert run.driver == "580.1" and run.telemetry is not None
    assert [sample.at for sample in run.samples] == sorted(sample.at for sample in run.samples)
    assert unfinished(tmp_path) and unfinished(tmp_path, kept=[two.begun.at]) == () and not two.path.exists()


@needs_gcc
@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
async def test_a_killed_run_leaves_its_samples_and_no_child(cuda: str, tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from ranvier.benchmark.cuda_work import CudaRequest\nfrom ranvier.benchmark.device import measure_cuda\n"
        "from ranvier.benchmark.journal import begin\nfrom ranvier.benchmark.lock import Turns\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        f"request = CudaRequest(uuid={UUID!r}, check_s=0.3, sustained_s=600.0, library=sys.argv[2])\n"
        f"journal = begin(folder, {UUID!r}, 0.3, 600.0)\n"
        "say = lambda message: print(message['event'], flush=True)\n"
        f"asyncio.run(measure_cuda(request, Turns(folder), say, probe=[sys.executable, '-c', {READER!r}], "
        "journal=journal))"
    )
    whole = subprocess.Popen(  # noqa: ASYNC220  # it is killed: the loop's own would be missed
        [sys.executable, "-c", code, str(tmp_path), cuda], stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "app")},
    )  # fmt: skip
    assert whole.stdout is not None
    seen = 0
    while seen < 3:
        seen += (await asyncio.to_thread(whole.stdout.readline)) == b"sustained\n"
    children = psutil.Process(whole.pid).children(recursive=True)
    os.kill(whole.pid, signal.SIGKILL)
    whole.communicate()
    (one,) = unfinished(tmp_path)
    assert len(one.segments[0].slices) >= 3 and one.begun.sustained_s == 600.0
    _gone, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
    assert not alive, "the child ends with who asked for it"
    lines = one.path.read_bytes()
    one.path.write_bytes(lines[:-20])
    cut = read(one.path)
    assert cut is not None and len(cut.segments[0].slices) >= 2, "a line cut in half is left out"


def test_garbage_and_other_versions_are_no_run(tmp_path: Path) -> None:
    journal = begin(tmp_path, "GPU-1", 20.0, 600.0)
    journal.write(Part(1.0, RESULT))
    assert read(journal.path) is None, "a run without a sample begins anew"
    journal.write(Slice(Minute(1.0, 5.0), 2.0))
    journal.write(Look(TelemetrySample(1.0, power_w=100.0)))
    assert read(journal.path) is not None
    journal.path.write_bytes(journal.path.read_bytes().replace(b'"schema":1', b'"schema":9'))
    assert read(journal.path) is None and read(tmp_path / "nowhere") is None
    (tmp_path / "unfinished" / "other.jsonl").write_bytes(os.urandom(300))
    assert unfinished(tmp_path) == ()


def test_a_full_disk_ends_the_notes_and_not_the_run(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "nowhere" / "x.jsonl", time.time())
    journal.write(Part(1.0, RESULT))
    assert journal.lost
    journal.drop()


async def test_a_run_that_was_done_but_not_kept_needs_no_card(tmp_path: Path) -> None:
    journal = begin(tmp_path, UUID, 20.0, 600.0)
    journal.write(Part(1.0, RESULT, "580.1"))
    for second in range(600):
        journal.write(Slice(Minute(float(second), 100.0 - second / 60), 2.0 + second))
    (one,) = unfinished(tmp_path)
    run = await measure_cuda(CudaRequest(UUID, library="/nowhere"), Turns(tmp_path), before=one)
    assert len(run.result.sustained) == 600 and run.result.warnings == () and run.driver == "580.1"


def test_what_happened_in_a_break_is_in_no_sum() -> None:
    one = TelemetrySummary(10.0, 2000.0, 70, 300.0, 3000.0, True, {"power limit": 4.0})
    two = TelemetrySummary(20.0, 1000.0, 80, 200.0, 4000.0, True, {"power limit": 1.0, "heat (software)": 2.0})
    both = together([one, two])
    assert both == TelemetrySummary(30.0, 1500.0, 80, 250.0, 7000.0, True, {"power limit": 5.0, "heat (software)": 2.0})
    assert together([]) is None
