"""Hardware: the machine and its GPUs now, and the last quarter of an hour."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ranvier.agent.messages import GetHardware, GetHardwareHistory, HardwareHistory
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level, age_text
from ranvier.core.settings import HARDWARE_INTERVAL_S
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.ui.context import Context
from ranvier.ui.models.gpus import (
    cores_text,
    cpu_points,
    gpu_facts,
    gpu_level,
    gpu_points,
    host_facts,
    memory_percent,
    memory_points,
    network_points,
)
from ranvier.ui.polling import Polling
from ranvier.ui.theme import LEVEL_WORDS
from ranvier.ui.widgets.badge import Badge
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.chart import Line, LineChart
from ranvier.ui.widgets.figures import FactGrid
from ranvier.ui.widgets.legend import ChartPanel
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.text import label
from ranvier.ui.words import percent_text, power_text, rate_text, temperature_text

SPAN_S = 900
_BREATH_S = 0.005  # between two charts: each is painted in a turn of its own


class HardwarePage(Page):
    """Samples come by event while the agent sends them; otherwise the page asks, and only while it is open."""

    key = "hardware"
    title = "Hardware"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.samples: deque[Hardware] = deque()
        self._trouble = ""
        self._loaded = False
        self._drawing: asyncio.Task[None] | None = None
        self.host = HostCard()
        self.note = Card("GPUs")
        self.note_text = label("", wrap=True, copyable=True)
        self.note.add(self.note_text)
        self.gpus: dict[str, GpuCard] = {}
        self._gpu_column = QVBoxLayout()
        self._gpu_column.setSpacing(14)
        self.add(self.host)
        self.add(self.note)
        self.content.addLayout(self._gpu_column)
        self.content.addStretch(1)
        self.note.hide()
        self.host.hide()
        self.set_subtitle("Asking the agent for a sample.")
        context.bridge.hardware.connect(self._event)
        self._polling = Polling(context.tasks, "hardware", self.refresh, self._failed, self._interval_s)

    def shown(self) -> None:
        self._loaded = False
        self._polling.start()

    def hidden(self) -> None:
        self._polling.stop()
        if self._drawing is not None:
            self._drawing.cancel()
            self._drawing = None

    def tick(self, now: float) -> None:
        super().tick(now)
        self._show_age(now)

    def charts(self) -> list[LineChart]:
        """Every chart of the page, from the top."""
        return [*self.host.charts, *(chart for card in self.gpus.values() for chart in card.charts)]

    # --- data ------------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """The history at first, then one sample, unless one has just come by event."""
        if not self._loaded:
            history: HardwareHistory = await self.context.client.call(GetHardwareHistory(seconds=SPAN_S))
            self.samples = deque(history.samples)
            self._loaded = True
        newest = self.samples[-1].at if self.samples else 0.0
        if time.time() - newest > 0.6 * self._interval_s():
            self.add_sample(await self.context.client.call(GetHardware()))
        elif self.samples:
            self._show(self.samples[-1])

    def _event(self, sample: Hardware) -> None:
        if self._loaded and self._polling.running:
            self.add_sample(sample)

    def add_sample(self, sample: Hardware) -> None:
        """Append one sample and draw; older ones than the span go."""
        if not self.samples or sample.at > self.samples[-1].at:
            self.samples.append(sample)
        while self.samples and self.samples[0].at < sample.at - SPAN_S - 30:
            self.samples.popleft()
        self._show(sample)

    def _failed(self, error: RanvierError) -> None:
        self._trouble = error.message
        self._show_age(time.time())

    def _interval_s(self) -> float:
        return float(max(1, self.context.settings.get(HARDWARE_INTERVAL_S)))

    # --- drawing ---------------------------------------------------------------------------------------------

    def _show(self, sample: Hardware) -> None:
        self._trouble = ""
        self.host.show()
        self.host.show_host(sample)
        self._show_gpus(sample)
        self._show_age(time.time())
        if self._drawing is None or self._drawing.done():
            self._drawing = self.context.tasks.start(self._draw_charts(), "draw hardware charts")

    def _show_gpus(self, sample: Hardware) -> None:
        present = {gpu.uuid: gpu for gpu in sample.gpus}
        for uuid in [uuid for uuid in self.gpus if uuid not in present]:
            card = self.gpus[uuid]
            card.show_lost()
        for uuid, gpu in present.items():
            if uuid not in self.gpus:
                self.gpus[uuid] = GpuCard()
                self._gpu_column.addWidget(self.gpus[uuid])
            self.gpus[uuid].show_gpu(gpu)
        note = sample.gpu_note or ("" if sample.gpus else "No GPU was found on this machine.")
        self.note.setVisible(bool(note))
        self.note_text.setText(note)

    async def _draw_charts(self) -> None:
        """One chart at a time, so that no turn of the loop takes long."""
        samples = list(self.samples)
        until = samples[-1].at if samples else None
        for chart in self.charts():
            if not chart.loaded:
                await chart.load()
                await asyncio.sleep(_BREATH_S)
        for chart, lines in [*self.host.lines(samples), *self._gpu_lines(samples)]:
            if chart.lines and chart.visibleRegion().isEmpty():
                continue  # scrolled out of sight: the next sample will find it
            chart.set_lines(lines, until)
            await asyncio.sleep(_BREATH_S)

    def _gpu_lines(self, samples: list[Hardware]) -> list[tuple[LineChart, list[Line]]]:
        return [pair for uuid, card in self.gpus.items() for pair in card.lines(samples, uuid)]

    def _show_age(self, now: float) -> None:
        if not self.samples:
            if self._trouble:
                self.set_subtitle(self._trouble)
            return
        sample = self.samples[-1]
        text = f"{sample.host.name}, {sample.host.system}. Sampled {age_text(sample.at, now)}."
        if sample.driver:
            text += f" GPU driver {sample.driver}."
        self.set_subtitle(f"{text} Not up to date: {self._trouble}" if self._trouble else text)


class HostCard(Card):
    """Processor, memory, disk and network."""

    def __init__(self) -> None:
        super().__init__("Processor")
        self.facts = FactGrid(4)
        self.load = LineChart(span_s=SPAN_S, top=100, value_words=percent_text)
        self.network = LineChart(span_s=SPAN_S, value_words=rate_text)
        self.charts = [self.load, self.network]
        self.add(self.facts)
        self.add(
            _row(
                ChartPanel("Use, percent", self.load, ("processor", "memory")),
                ChartPanel("Network", self.network, ("sent", "received")),
            )
        )

    def show_host(self, sample: Hardware) -> None:
        self.set_title(cores_text(sample.host))
        self.facts.show_facts(host_facts(sample.host))

    def lines(self, samples: list[Hardware]) -> list[tuple[LineChart, list[Line]]]:
        """What each chart shows of these samples."""
        sent, received = network_points(samples)
        return [
            (self.load, [Line("processor", cpu_points(samples)), Line("memory", memory_points(samples))]),
            (self.network, [Line("sent", sent), Line("received", received)]),
        ]


class GpuCard(Card):
    """One GPU, known by its UUID."""

    def __init__(self) -> None:
        super().__init__("GPU")
        self.badge = Badge()
        self.add_to_header(self.badge)
        self.problem = label("", "problem", wrap=True)
        self.facts = FactGrid(3)
        self.use = LineChart(span_s=SPAN_S, top=100, value_words=percent_text)
        self.heat = LineChart(span_s=SPAN_S, value_words=temperature_text)
        self.power = LineChart(span_s=SPAN_S, value_words=power_text)
        self.charts = [self.use, self.heat, self.power]
        self.add(self.problem)
        self.add(self.facts)
        self.add(
            _row(
                ChartPanel("Use, percent", self.use, ("utilisation", "memory")),
                ChartPanel("Temperature", self.heat),
                ChartPanel("Power", self.power),
            )
        )

    def show_gpu(self, gpu: Gpu) -> None:
        self.set_title(f"GPU {gpu.index} · {gpu.name}")
        self.setToolTip(gpu.uuid)
        level = gpu_level(gpu)
        words = {Level.WARN: "throttled", Level.BAD: "problem"}.get(level, LEVEL_WORDS[level])
        self.badge.show_level(level, words, time.time(), gpu.problem or ", ".join(gpu.throttle_reasons))
        self.problem.setVisible(gpu.problem is not None)
        self.problem.setText(gpu.problem or "")
        self.facts.show_facts(gpu_facts(gpu))

    def show_lost(self) -> None:
        """It was there and is not any more."""
        self.badge.show_level(Level.BAD, "gone", self.badge.seen_at)
        self.problem.show()
        self.problem.setText("The driver does not report this GPU any more. What stands below is its last reading.")

    def lines(self, samples: list[Hardware], uuid: str) -> list[tuple[LineChart, list[Line]]]:
        """What each chart shows of these samples."""
        use = gpu_points(samples, uuid, lambda gpu: gpu.utilization_percent)
        memory = gpu_points(samples, uuid, memory_percent)
        return [
            (self.use, [Line("utilisation", use), Line("memory", memory)]),
            (self.heat, [Line("temperature", gpu_points(samples, uuid, lambda gpu: gpu.temperature_c))]),
            (self.power, [Line("power", gpu_points(samples, uuid, lambda gpu: gpu.power_w))]),
        ]


def _row(*widgets: QWidget) -> QWidget:
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 4, 0, 0)
    row.setSpacing(18)
    for widget in widgets:
        row.addWidget(widget, 1)
    return whole
