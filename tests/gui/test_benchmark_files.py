"""What the window takes from elsewhere (torch, llama-bench's file, a run cut off), and the room for what fits."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time

import msgspec
import pytest

from gui import samples, samples_bench, samples_hardware
from gui.stage import texts
from gui.test_benchmark import opened
from ranvier.agent.api.messages import GetStatus
from ranvier.benchmark.figures import Device, DeviceResult, Minute
from ranvier.benchmark.journal import Part, Slice, begin
from ranvier.benchmark.objectives import PRESETS
from ranvier.benchmark.plans import ServingPlan, SweepPlan
from ranvier.benchmark.store import Store
from ranvier.benchmark.sweep import SweepResult
from ranvier.benchmark.sweep_journal import begin_sweep
from ranvier.ui.models.benchmarks import (
    devices,
    difference_words,
    headline,
    notes,
    number_text,
    torches,
)
from ranvier.ui.pages import benchmark as benchmark_page
from ranvier.ui.stylesheet import stylesheet
from ranvier.ui.theme import LIGHT
from ranvier.ui.widgets.charts.knee_chart import KneeChart
from ranvier.ui.widgets.record_view import _device_rows

FLOOR = """
version: '1.0'
compute_spec:
  miner:
    cpu: {min_cores: 4}
    gpu: {required: true, min_vram: 48, min_compute_capability: 8.0}
    memory: {min_ram: 16}
    network: {min_upload_speed: 100}
  validator:
    gpu: {required: false}
    memory: {min_ram: 8}
"""
LLAMA = [
    {"model_filename": "/models/llama-8b.gguf", "backends": "CUDA", "gpu_info": "RTX 4090", "build_number": 6000,
     "build_commit": "abc", "n_prompt": 0, "n_gen": 128, "samples_ts": [120.0, 121.0], "model_type": "llama 8B"},
]  # fmt: skip


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path, samples_hardware.client(tmp_path, samples_hardware.rich))


def with_torch(house, miner_id: str) -> str:
    """A miner's environment with a torch in it; returns its Python, which is this one."""
    env = house.context.paths.miner(miner_id) / "env"
    package = env / "lib" / "python3.12" / "site-packages" / "torch"
    package.mkdir(parents=True)
    (package / "version.py").write_text("cuda = '12.8'\n")
    python = env / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    return str(python)


@pytest.mark.skipif(sys.platform == "win32", reason="a link to Python")
async def test_the_torch_of_a_miner_is_offered_and_its_trouble_is_told(qtbot, house):
    status = samples.status()
    miner = msgspec.structs.replace(status.miners[0], gpus=(), wanted=False, pid=None)
    status = house.client.answers[GetStatus] = msgspec.structs.replace(status, miners=(miner,))
    python = with_torch(house, miner.id)
    (found,) = torches(house.context.paths, status)
    assert (found.miner, str(found.python)) == (miner.name, python)
    assert ("torch of Practice miner", "torch", python) in devices(None, (found,))
    page = await opened(qtbot, house)
    page._heard(status)
    await page._look()
    page.show_part("device")
    page.device.choose("torch")
    assert page.device.torch == found and "own environment" in page.device.meaning.text()
    page.device.start.click()  # this Python has no torch: its child says so
    await samples.until(lambda: "torch" in page.bar.words.text() and not page.runner.busy, "the words", 25)
    assert page.records == () and not house.errors
    await house.close()


async def test_a_file_of_llama_bench_is_kept_and_garbage_is_not(qtbot, house, tmp_path):
    page = await opened(qtbot, house)
    page.show_part("device")
    path = tmp_path / "llama.json"
    path.write_text("not json")
    page.device.llama_chosen.emit(str(path))
    await samples.until(lambda: "Not from llama-bench" in page.bar.words.text(), "the words")
    path.write_text(json.dumps(LLAMA))
    page.device.llama_chosen.emit(str(path))
    await samples.until(lambda: page.records, "the record")
    assert page.bar.words.text() == "1 result of llama-bench kept."
    (record,) = page.records
    assert record.subject.name == "RTX 4090" and record.device.result.figures[0].samples == (120.0, 121.0)
    page.device.llama_chosen.emit(str(tmp_path / "gone.json"))
    await samples.until(lambda: "Not readable" in page.bar.words.text(), "the words")
    await house.close()


async def test_a_floor_is_met_or_not_line_by_line_for_each_role(qtbot, house, tmp_path):
    path = tmp_path / "min_compute.yml"
    path.write_text(FLOOR)
    page = await opened(qtbot, house)
    page.show_part("fit")
    await samples.until(lambda: page.floor._sample is not None, "the hardware")
    page.floor.check(path)
    await samples.until(lambda: page.floor.model.rows, "the lines")
    lines = {line.key: line.met for line in page.floor.model.rows}
    assert lines["cpu.min_cores"] is True and lines["gpu.min_vram"] is False
    assert lines["gpu.min_compute_capability"] is True and lines["network.min_upload_speed"] is None
    assert "1 line not met; 1 line cannot be checked here." in page.floor.words.text()
    assert not page.floor.table.isHidden()
    page.floor.role.setCurrentIndex(1)
    await samples.until(lambda: len(page.floor.model.rows) == 2, "the validator's")
    assert "every line that can be checked is met" in texts(page.floor)
    path.write_text("- nothing")
    page.floor.check(path)
    await samples.until(lambda: "cannot be read" in page.floor.words.text(), "the words")
    assert page.floor.table.isHidden()
    await house.close()


async def test_the_fit_table_needs_no_scrolling_sideways_in_a_window_of_1280(qtbot, house):
    samples_bench.fill(Store(house.paths.benchmarks))
    page = await opened(qtbot, house)
    page.setStyleSheet(stylesheet(LIGHT, page.font().pointSizeF()))
    page.resize(1280 - 196, 752)  # what the sidebar and the header leave
    page.show_part("fit")
    await samples.until(lambda: page.fit.model.rows[0].roof is not None, "the roof")
    told = page.fit.summary.text()
    assert "Llama-3.1-8B-Instruct, bf16, one at a time: at most 58 tokens/s; you measured " in told, told
    for whole in (False, True):
        page.fit.empty_card.setChecked(whole)
        await samples.until(lambda: ("in all" in page.fit.summary.text()) is whole, "computed")  # noqa: B023
        table = page.fit.table
        table.fit()
        assert table.horizontalScrollBar().maximum() == 0, [table.columnWidth(n) for n in range(7)]
        # the longest names may end in dots: their tooltip tells them whole
        room = [(table.columnWidth(n), table.sizeHintForColumn(n)) for n in (0, 2, 3, 4, 5, 6)]
        assert all(has >= needs for has, needs in room) and table.columnWidth(1) > 240, room
    page.hidden()
    await house.close()


async def test_a_long_run_that_was_cut_off_is_offered_to_go_on(qtbot, house):
    folder = house.context.paths.benchmarks
    card = samples_hardware.rich(time.time()).gpus[0]
    journal = begin(folder, card.uuid, 20.0, 600.0)
    journal.write(Part(time.time() - 400, DeviceResult(Device(card.uuid, card.name, "cuda"), "label", (), {})))
    for second in range(213):
        journal.write(Slice(Minute(float(second), 100.0), time.time() - 213 + second))
    page = await opened(qtbot, house)
    page.show_part("device")
    await samples.until(lambda: page.device.offer.what is not None, "the offer")
    assert "cut off" in page.device.offer.words.text() and "3.5 of 10 min" in page.device.offer.words.text()
    asked = []

    async def run(work, told):
        asked.append(work)
        return

    page.runner.run = run
    page._status = None
    page.device.offer.resume.click()
    await samples.until(lambda: "It can go on from here" in page.bar.words.text(), "the words")
    assert asked and "resumed_work" in asked[0].__qualname__
    page.device.offer.discard.click()
    await samples.until(lambda: not journal.path.exists(), "it is gone")
    assert page.device.offer.isHidden()
    await house.close()


async def test_a_sweep_that_was_cut_off_is_offered_to_go_on(qtbot, house):
    folder = house.context.paths.benchmarks
    plan = SweepPlan(ServingPlan("http://127.0.0.1:8000/v1"), most=32)
    journal = begin_sweep(folder, plan)
    for concurrency in (1, 2, 4):
        journal.step(samples_bench.load(concurrency))
    page = await opened(qtbot, house)
    await samples.until(lambda: page.serving.offer.what is not None, "the offer")
    assert "http://127.0.0.1:8000/v1 was cut off" in page.serving.offer.words.text()
    assert "after 4 at once" in page.serving.offer.words.text()
    asked = []

    async def run(work, told):
        asked.append(work)
        assert not page.serving.offer.resume.isEnabled()
        return

    page.runner.run = run
    page._status = None
    page.serving.offer.resume.click()
    await samples.until(lambda: "It can go on from here" in page.bar.words.text(), "the words")
    assert asked and "serving_work" in asked[0].__qualname__
    page.serving.offer.discard.click()
    await samples.until(lambda: not journal.path.exists(), "it is gone")
    assert page.serving.offer.isHidden()
    await house.close()


async def test_a_sustained_run_tells_how_far_it_is_with_its_unit(qtbot, house):
    page = await opened(qtbot, house)
    page._told_device({"event": "sustained", "at": 150.2, "of": 600.0, "rate": 165.23, "unit": "TFLOP/s"})
    assert page.bar.words.text() == f"Sustained run, 150 of 600 s: {number_text(165.23, 'TFLOP/s')} now"
    assert (page.bar.bar.value(), page.bar.bar.maximum()) == (150, 600)
    page._told_device({"event": "progress", "test": "bf16 tensor", "done": 5, "of": 6})
    assert page.bar.words.text().startswith("bf16 tensor, ") and page.bar.bar.value() == 5
    await house.close()


async def test_a_sweep_without_a_knee_marks_none_and_no_label_leaves_the_chart(qtbot, house):
    chart = KneeChart()
    qtbot.addWidget(chart)
    chart.resize(900, 220)
    chart.show()
    await chart.load()
    steps = [samples_bench.load(concurrency) for concurrency in (1, 2, 4, 8)]
    for sweep, words in (
        (SweepResult(tuple(steps), 8, 8, knee_seen=False), ["objective kept"]),
        (SweepResult(tuple(steps), 4, 8), ["knee", "objective kept"]),
        (SweepResult(tuple(steps), 8, 8), ["knee, objective kept"]),
    ):
        chart.show_sweep(sweep)
        labels = [(thing.value(), thing.label) for thing in chart._drawn if hasattr(thing, "label")]
        assert [label.format for _, label in labels] == words
        box = chart._plot.getPlotItem().vb
        (low, high), _ = box.state["targetRange"]
        for x, label in labels:
            room, wide = box.sceneBoundingRect().width(), label.textItem.boundingRect().width()
            left = (x - low) / (high - low) * room - label.anchors[0][0] * wide
            assert left >= 0 and left + wide <= room, words
    await house.close()


async def test_a_look_that_began_before_a_run_was_discarded_does_not_offer_it_again(qtbot, house, monkeypatch):
    card = samples_hardware.rich(time.time()).gpus[0]
    journal = begin(house.context.paths.benchmarks, card.uuid, 20.0, 600.0)
    journal.write(Part(time.time() - 400, DeviceResult(Device(card.uuid, card.name, "cuda"), "label", (), {})))
    journal.write(Slice(Minute(0.0, 100.0), time.time() - 200))
    page = await opened(qtbot, house)
    await samples.until(lambda: page.device.offer.what is not None, "the offer")
    seen, go_on = [], threading.Event()
    real = benchmark_page.unfinished

    def slow(*arguments):
        found = real(*arguments)
        seen.append(found)
        if len(seen) == 1:
            go_on.wait(20)
        return found

    monkeypatch.setattr(benchmark_page, "unfinished", slow)
    look = asyncio.ensure_future(page._read_unfinished())
    await samples.until(lambda: seen, "the look has seen it")
    page.device.offer.discard.click()
    await samples.until(lambda: len(seen) == 2 and not journal.path.exists(), "it is gone")
    go_on.set()
    await look
    assert len(seen[0]) == 1 and page.device.offer.what is None and page.device.offer.isHidden()
    await house.close()


def test_a_long_run_and_what_changed_between_two_results_are_told():
    old, new = samples_bench.device(1.0, driver="575.64.03"), samples_bench.device(2.0)
    told = "\n".join(notes(new)).replace("\u202f", " ")
    assert "96.9 % of its first rate was left" in told and "Clock 2 640 MHz (median)" in told
    assert "412 GFLOP for each joule of the long run" in told
    assert [value.key for value in headline(new)] == ["read", "copy", "kept"]
    (row,) = [row for row in _device_rows(new.device) if row[0].startswith("Long run")]
    assert row[0] == "Long run, 10 min" and row[-1] == "600"
    assert difference_words(old, new) == ("Changed: driver 575.64.03 to 580.95.05.",)
    assert difference_words(new, new) == ()
    loose = msgspec.structs.replace(samples_bench.load(1), objective=PRESETS["llama2-70b"])
    one, other = samples_bench.serving(1.0), msgspec.structs.replace(samples_bench.serving(2.0), serving=loose)
    assert difference_words(one, other) == ("They were held to different objectives.",)
