"""Benchmark: what is asked, what it may cost, progress, cancelling, results kept and compared, the card for others."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from benchmark.fake_stream import FakeStream
from gui import samples, samples_bench, samples_hardware
from gui.stage import texts
from ranvier.agent.api.messages import GetHardware, GetStatus
from ranvier.benchmark.errors import BenchmarkError
from ranvier.benchmark.fit import Fit, load_catalogue
from ranvier.benchmark.store import Store
from ranvier.core.evidence import Level
from ranvier.ui.benchmarks import Runner, cost_words
from ranvier.ui.models import fits
from ranvier.ui.models.benchmarks import (
    change_words,
    devices,
    headline,
    notes,
    number_text,
    percentile_rows,
    subject_words,
    targets,
    verdict_words,
)
from ranvier.ui.pages.benchmark import BenchmarkPage
from ranvier.ui.widgets.share_card import ShareCard

N = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture
def house(tmp_path, qloop):
    return samples.House(tmp_path, samples_hardware.client(tmp_path, samples_hardware.rich))


async def opened(qtbot, house, *, network="sandbox"):
    page = BenchmarkPage(house.context)
    qtbot.addWidget(page)
    page.resize(1000, 760)
    page.show()
    house.bridge.status.emit(samples.status(network))
    page.shown()
    await samples.until(lambda: house.client.called(GetHardware) and page.fit.model.rows, "the page")
    return page


def on_mainnet(house):
    status = samples.status("finney")
    miners = tuple(msgspec.structs.replace(miner, network="finney") for miner in status.miners)
    house.bridge.status.emit(msgspec.structs.replace(status, miners=miners))
    return msgspec.structs.replace(status, miners=miners)


# --- words ---------------------------------------------------------------------------------------------------


def test_numbers_keep_three_figures_and_their_unit():
    texts_ = [number_text(value, "ms").replace(N, " ") for value in (0, 0.1234, 9.996, 38.24, 1240.4, None)]
    assert texts_ == ["0 ms", "0.12 ms", "10.0 ms", "38.2 ms", "1 240 ms", "unknown"]


def test_targets_are_running_miners_only():
    assert [target.url for target in targets(samples.status())] == ["http://127.0.0.1:8091/v1"]
    assert targets(None) == ()


def test_devices_leave_out_what_cannot_be_measured():
    kinds = [(kind, uuid and uuid[:4]) for _words, kind, uuid in devices(samples_hardware.mig(1000.0))]
    assert kinds == [("cuda", "MIG-"), ("cuda", "MIG-"), ("wgpu", None), ("cpu", None)]
    assert [kind for _words, kind, _uuid in devices(None)] == ["cpu"]


def test_percentiles_of_nothing_are_unknown():
    result = samples_bench.load(4)
    assert len(percentile_rows(result)) == 4 and percentile_rows(result)[0][1].endswith(" ms".replace(" ", N))
    empty = msgspec.structs.replace(result, ttft=None)
    assert percentile_rows(empty)[0][1:] == ("unknown",) * 5


def test_failures_and_verdicts_are_told_with_their_reasons():
    told = "\n".join(notes(samples_bench.serving(1e9, failures=2)))
    assert "2 failed: HTTP 503 the queue is full" in told and "MLPerf" in told
    told = "\n".join(notes(samples_bench.sweep(1e9)))
    assert "Up to 16 at once" in told or "Up to 32 at once" in told
    assert "64 at once: 9 failed: HTTP 503" in told
    told = "\n".join(notes(samples_bench.device(1e9)))
    assert "int8 was left out" in told and "by the card's own counter" in told


def test_cost_is_said_for_registered_miners_outside_of_practice_only(house):
    assert cost_words(None) is None and cost_words(samples.status()) is None
    assert "Practice miner is registered" in cost_words(on_mainnet(house))


# --- what fits -------------------------------------------------------------------------------------------------


def fit(**changes) -> Fit:
    values = {
        "model": "a/B-8B", "quantisation": "bf16", "context": 8192, "sequences": 2, "weights": 1, "cache": 1,
        "overhead": 1, "needed": 10 * 2**30, "available": 8 * 2**30, "fits": False, "longest_context": None,
        "most_sequences": None, "roof": None,
    }  # fmt: skip
    return Fit(**{**values, **changes})


def test_reasons_say_what_is_missing():
    assert fits.reason(fit()).replace(N, " ") == "2 GiB missing"
    assert fits.reason(fit(longest_context=3000, most_sequences=1)).replace(N, " ") == "only 3 000 tokens fit"
    assert fits.reason(fit(longest_context=0, most_sequences=1)) == "only 1 at once"
    assert fits.reason(fit(fits=True, available=12 * 2**30)).replace(N, " ") == "fits, 2 GiB spare"
    assert fits.level_of(fit()) is Level.BAD


def test_places_are_instances_and_memory_and_never_the_cut_card():
    titles = [place.title for place in fits.places(samples_hardware.mig(1000.0))]
    assert len(titles) == 3 and "MIG 3g" in titles[0] and titles[-1].startswith("This machine")
    catalogue = load_catalogue()
    place = fits.places(samples_hardware.rich(1000.0))[0]
    records = [samples_bench.device(1e9)]
    found = fits.compute(catalogue, place, [], context=8192, sequences=1, whole=True)
    assert any(one.fits for one in found) and not all(one.fits for one in found) and found[0].roof is None
    assert place.uuid == samples.gpu(0, 0).uuid and records[0].subject.uuid == samples_bench.GPU


async def test_fit_table_filters(qtbot, house):
    page = await opened(qtbot, house)
    page.show_part("fit")
    part = page.fit
    everything = len(part.model.rows)
    part.only_fitting.setChecked(True)
    assert 0 < len(part.model.rows) < everything and all(row.fits for row in part.model.rows)
    part.search.setText("qwen 0.5b")
    assert part.model.rows and all("qwen" in row.model.lower() for row in part.model.rows)
    before = part.model.rows
    part.search.clear()
    part.empty_card.setChecked(True)
    await samples.until(lambda: "in all" in part.summary.text(), "computed again")
    assert len(part.model.rows) >= len(before) and "Run the device check" in part.summary.text()
    await house.close()


# --- running ---------------------------------------------------------------------------------------------------


@pytest.mark.limit_s(60)
async def test_a_real_sweep_against_a_server_is_measured_kept_and_shown(qtbot, house):
    async with FakeStream(0.02, 0.001, slots=2) as server:
        page = await opened(qtbot, house)
        form = page.serving
        form.where.setCurrentIndex(form.where.count() - 1)
        form.url.setText(server.url)
        form.most.setValue(2)
        form.tokens_out.setValue(5)
        assert form.start.isEnabled()
        form.start.click()
        await samples.until(lambda: page.runner.busy, "the start")
        assert not form.start.isEnabled() and not page.status_card.isHidden()
        await samples.until(lambda: not page.runner.busy and page.records, "the end", 40)
    record = page.records[0]
    assert record.kind == "sweep" and record.sweep.steps[0].completed == 20 and record.sweep.steps[0].failed == 0
    assert 20 <= record.sweep.steps[0].ttft.median < 500
    await samples.until(lambda: not page.serving_result.isHidden(), "the result")
    assert "fake-model" in texts(page.serving_result) and page.status_card.isHidden()
    assert Store(house.paths.benchmarks).all() == page.records
    assert not house.errors
    await house.close()


async def test_a_real_check_of_the_processor_is_kept_with_its_spread(qtbot, house):
    page = await opened(qtbot, house)
    page.show_part("device")
    page.device.choose("cpu")
    assert page.device._length_box.isHidden() and "for nodes without a GPU" in page.device.meaning.text()
    type(page.device).check_s, before = 0.2, type(page.device).check_s
    try:
        page.device.start.click()
        await samples.until(lambda: page.records and not page.runner.busy, "the end", 25)
    finally:
        type(page.device).check_s = before
    record = page.records[0]
    assert record.subject.uuid == "cpu" and all(len(f.samples) > 1 for f in record.device.result.figures)
    assert not page.device_result.isHidden() and "GB/s" in texts(page.device_result)
    assert record.device.result.label in texts(page.device_result) and not house.errors
    await house.close()


async def test_cancelling_ends_the_child_at_once_and_keeps_nothing(qtbot, house):
    async with FakeStream(0.02, 0.001, habits=("stall",)) as server:
        page = await opened(qtbot, house)
        page.serving.where.setCurrentIndex(page.serving.where.count() - 1)
        page.serving.url.setText(server.url)
        page.serving.start.click()
        await samples.until(lambda: server.open == 1, "the first request", 20)
        began = time.monotonic()
        page.bar.cancel.click()
        await samples.until(lambda: not page.runner.busy, "the end")
        assert time.monotonic() - began < 2
        await samples.until(lambda: page.serving.start.isEnabled(), "ready again")
    assert "Nothing was kept" in page.bar.words.text() and Store(house.paths.benchmarks).all() == ()
    await house.close()


async def test_a_serving_miner_is_not_disturbed_without_a_yes(qtbot, house):
    page = await opened(qtbot, house)
    on_mainnet(house)
    page.serving.url.setText("http://127.0.0.1:9/v1")
    page.serving.start.click()
    assert not page.runner.busy and "is registered and serves validators" in page.bar.words.text()
    assert not page.bar.agree.isHidden()
    page.bar.refuse.click()
    assert page.bar.isHidden() and not page.runner.busy
    ran = []
    page.runner.run = lambda work, told: ran.append(work) or _never()
    page.serving.start.click()
    page.bar.agree.click()
    await samples.until(lambda: ran, "the run")
    await house.close()


async def test_a_miner_on_the_card_is_waited_for_when_one_says_so(qtbot, house):
    page = await opened(qtbot, house)
    sample = page._sample
    status = samples.status()
    miner = msgspec.structs.replace(status.miners[0], gpus=(sample.gpus[0].uuid,), wanted=True)
    status = house.client.answers[GetStatus] = msgspec.structs.replace(status, miners=(miner,))
    house.bridge.status.emit(status)
    page.show_part("device")
    page.device.choose("cuda")
    assert page.device.uuid == sample.gpus[0].uuid
    page.device.start.click()
    assert f"{miner.name} has this GPU" in page.bar.words.text() and not page.bar.queue.isHidden()
    page.bar.refuse.click()
    assert page.bar.isHidden() and not page.runner.busy
    turns = []

    async def run(work, told):
        turns.append(work)
        told({"event": "waiting", "for": miner.name})
        await asyncio.Event().wait()

    page.runner.run = run
    page.device.start.click()
    page.bar.queue.click()
    await samples.until(lambda: turns, "the run")
    assert page.bar.words.text().startswith(f"Waits for {miner.name}. It begins by itself")
    assert await page._users((sample.gpus[0].uuid,)) is not None
    await house.close()


async def _never():
    await asyncio.sleep(0)


async def test_problems_are_told_in_words(qtbot, house):
    page = await opened(qtbot, house)

    async def fail(work, told):
        told({"event": "progress", "test": "Memory copy", "done": 0, "of": 2})
        raise BenchmarkError("The GPU is taken", "A benchmark uses it now.", "Wait until it has ended.")

    page.runner.run = fail
    page.show_part("device")
    page.device.start.click()
    await samples.until(lambda: "The GPU is taken" in page.bar.words.text(), "the words")
    assert "Wait until it has ended." in page.bar.words.text() and page.device.start.isEnabled()
    assert not house.errors
    await house.close()


async def test_other_peoples_servers_need_a_yes(qtbot, house):
    page = await opened(qtbot, house)
    form = page.serving
    form.where.setCurrentIndex(form.where.count() - 1)
    form.url.setText("http://example.org/v1")
    assert not form.start.isEnabled() and "does harm" in form.start.toolTip() and not form.mine.isHidden()
    form.mine.setChecked(True)
    assert form.start.isEnabled() and form.plan().remote
    form.url.setText("http://127.0.0.1:1/v1")
    assert form.mine.isHidden() and not form.plan().remote
    form.load.setCurrentIndex(2)
    assert form.plan().rate == 1.0 and form.plan().concurrency is None and form.sweep_to() is None
    await house.close()


async def test_a_window_that_closes_takes_the_run_with_it():
    runner = Runner(Store(None))
    ended = []

    async def work(told):
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(True)

    task = asyncio.get_running_loop().create_task(runner.run(work, lambda message: None))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended and not runner.busy


# --- results ---------------------------------------------------------------------------------------------------


async def test_results_are_listed_read_and_compared(qtbot, house):
    samples_bench.fill(Store(house.paths.benchmarks))
    page = await opened(qtbot, house)
    page.show_part("results")
    part = page.results
    assert len(part.model.rows) == 4 and part.one.isHidden() and part.empty.isHidden()
    part.table.selectRow(0)
    assert not part.one.isHidden() and part.view.record.kind == "sweep"
    await samples.until(lambda: part.view.knee.loaded, "the chart", 15)
    assert "Up to" in part.view.notes.text() and part.view.knee.words_at(0.1).startswith("1 at once")
    part.table.selectRow(2)
    assert "spread" in texts(part.one) and "934" in texts(part.one)
    part.table.selectAll()
    assert part.one.isHidden() and part.two.isHidden()
    devices_ = [record for record in part.model.rows if record.kind == "device"]
    part._compare(devices_[1], devices_[0])
    rows = {row.key: row for row in part.comparison.rows}
    assert change_words(rows["fp32"]).replace(N, " ") == "+3.1 %" and verdict_words(rows["fp32"]) == "better"
    assert page.fit._found[0].roof is not None, "the measured bandwidth is the roof"
    await house.close()


async def test_another_driver_is_a_reason_to_measure_again(qtbot, house):
    store = Store(house.paths.benchmarks)
    store.add(samples_bench.device(time.time() - 9000, driver="575.64.03"))
    page = await opened(qtbot, house)
    await samples.until(lambda: page.device.changed.text(), "the reason")
    assert "GPU 0 was measured last with driver 575.64.03; it is 580.95.05 now." in page.device.changed.text()
    store.add(samples_bench.device(time.time()))
    page.shown()
    await samples.until(lambda: not page.device.changed.text(), "measured again")
    assert not house.errors
    await house.close()


@pytest.mark.parametrize("make", [samples_bench.device, samples_bench.sweep, samples_bench.serving])
async def test_the_card_names_no_identifier(qtbot, house, tmp_path, make):
    record = make(1.79e9)
    page = await opened(qtbot, house)
    card = ShareCard(record, page)
    shown = texts(card)
    for secret in (samples_bench.GPU, "alice", "127.0.0.1", "0000:01", "cellar", record.id):
        assert secret not in shown
    assert subject_words(record) in shown and number_text(headline(record)[0].value, headline(record)[0].unit) in shown
    page.results.view.show_record(record)
    target = tmp_path / "card.png"
    page.results.save_card(str(target))
    assert target.read_bytes()[:4] == b"\x89PNG" and b"alice" not in target.read_bytes()
    await house.close()
