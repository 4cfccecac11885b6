"""Pictures of the Hardware page in its faults, and of each part of the Benchmark page."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QScrollArea

from gui import samples, samples_bench, samples_hardware
from ranvier.benchmark import sweep_journal
from ranvier.benchmark.figures import Device, DeviceResult, Minute
from ranvier.benchmark.journal import Begun, Segment, Unfinished
from ranvier.benchmark.plans import ServingPlan, SweepPlan
from ranvier.benchmark.store import Store
from ranvier.benchmark.sweep_journal import UnfinishedSweep
from ranvier.ui.widgets.share_card import card_picture

_SETTLE_S = 0.4


async def shoot_hardware(home: Path, make_studio: Any) -> list[Path]:
    """``make_studio(house)`` gives a studio; each scenario has a window of its own."""
    made: list[Path] = []
    for name, make in (("two-4090", samples_hardware.rich), ("mig", samples_hardware.mig)):
        folder = home / name
        house = samples.House(folder, samples_hardware.client(folder, make))
        if name == "two-4090":
            samples_bench.fill(Store(house.paths.benchmarks))
        studio = make_studio(house)
        house.bridge.status.emit(samples.status())
        page = await studio.page("hardware")
        studio.shoot(studio.window, f"hardware-{name}")
        page.findChild(QScrollArea).verticalScrollBar().setValue(640)
        await asyncio.sleep(2.5)
        studio.shoot(studio.window, f"hardware-{name}-below")
        if name == "two-4090":
            page.range_buttons[86_400].click()
            page.findChild(QScrollArea).verticalScrollBar().setValue(200)
            await asyncio.sleep(4)
            studio.shoot(studio.window, "hardware-day")
            await _shoot_zoomed(studio, page)
            await _shoot_benchmark(studio)
        made += studio.made
        await studio.close()
    return made


async def _shoot_zoomed(studio: Any, page: Any) -> None:
    """A part of the past, and the words of hovering over it."""
    card = next(iter(page.gpus.values()))
    page.findChild(QScrollArea).ensureWidgetVisible(card.pay)
    page.host.history.look(time.time() - 5400, time.time() - 1800)
    await samples.until(lambda: card.pay.facts and page._past_of is not None, "the past", 10)
    await asyncio.sleep(1.5)
    view = card.history
    place = QPointF(view.width() * 0.7, view.height() / 2)
    none = Qt.MouseButton.NoButton
    move = QMouseEvent(QEvent.Type.MouseMove, place, place, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, move)
    studio.shoot(studio.window, "hardware-zoomed")


FLOOR = """
compute_spec:
  miner:
    cpu: {min_cores: 4, min_speed: 2.5}
    gpu: {required: true, min_vram: 48, min_compute_capability: 8.0}
    memory: {min_ram: 16}
    storage: {min_space: 100}
    network: {min_upload_speed: 100}
"""


def unfinished_run() -> Unfinished:
    """A run of ten minutes that was cut off after a third."""
    slices = tuple(Minute(float(second), 160.0) for second in range(213))
    result = DeviceResult(Device("GPU-1", "NVIDIA GeForce RTX 4090", "cuda"), "", (), {})
    begun, now = Begun(1.0, "GPU-1", 20.0, 600.0), time.time()
    return Unfinished(Path("none"), begun, result, None, (Segment(now - 1000, now - 780, slices, ()),))


def unfinished_sweep() -> UnfinishedSweep:
    """A sweep that was cut off after three steps."""
    plan = SweepPlan(ServingPlan("http://127.0.0.1:8000/v1"), most=32)
    steps = tuple(samples_bench.load(concurrency) for concurrency in (1, 2, 4))
    return UnfinishedSweep(sweep_journal.Begun(1.0, plan), steps, time.time() - 300)


async def _shoot_benchmark(studio: Any) -> None:
    page = await studio.page("benchmark")
    await samples.until(lambda: page.fit.model.rows and page.serving_view.knee.loaded, "the page", 10)
    for part in ("serving", "device", "fit", "results"):
        page.show_part(part)
        if part == "results":
            page.results.table.select_key(page.records[0].id)
        if part == "fit":
            floor = studio.out / "min_compute.yml"
            floor.write_text(FLOOR)
            page.floor.check(floor)
            page.findChild(QScrollArea).verticalScrollBar().setValue(700)
        if part == "device":
            page.device.show_unfinished(unfinished_run(), "NVIDIA GeForce RTX 4090")
            page.device.choose("cuda")
            page.bar.progress("Tensor cores, fp16, 9 s", 3, 7)
            page._show_bar()
        await asyncio.sleep(_SETTLE_S)
        studio.shoot(studio.window, f"benchmark-{part}")
        page.bar.clear()
        page._show_bar()
    chosen = [record.id for record in page.records if record.kind == "device"]
    page.results.table.clearSelection()
    model = page.results.table.selectionModel()
    for record_id in chosen:
        place = next(n for n, row in enumerate(page.results.model.rows) if row.id == record_id)
        index = page.results.table.proxy.mapFromSource(page.results.model.index(place, 0))
        model.select(index, model.SelectionFlag.Select | model.SelectionFlag.Rows)
    await asyncio.sleep(_SETTLE_S)
    studio.shoot(studio.window, "benchmark-compare")
    page.show_part("serving")
    page.serving.show_unfinished(unfinished_sweep())
    page.bar.ask(
        "LLM on the 4090 is registered and serves validators. While the benchmark runs, its answers are slower or "
        "late; validators may score it lower for several epochs, and a low score can cost its seat.",
        lambda: None,
    )
    page._show_bar()
    page.findChild(QScrollArea).verticalScrollBar().setValue(0)
    await asyncio.sleep(_SETTLE_S)
    studio.shoot(studio.window, "benchmark-cost")
    for record in page.records[:3]:
        path = studio.out / f"card-{record.kind}-{studio.theme}.png"
        card_picture(record, page).save(str(path))
        studio.made.append(path)
