"""Hardware: the machine and its GPUs now, what is wrong with them, and how it was over minutes, an hour or a day."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QButtonGroup, QPushButton, QScrollArea, QVBoxLayout

from ranvier.agent.messages import AgentStatus, GetHardware, GetHardwareHistory, HardwareHistory
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import age_text
from ranvier.core.settings import GPU_HOT_C, HARDWARE_INTERVAL_S
from ranvier.hardware.diagnosis import Finding
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.hardware.thresholds import thresholds
from ranvier.ui.context import Context
from ranvier.ui.models.findings import families, findings, roots_of
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.chart import Line, LineChart
from ranvier.ui.widgets.hardware_cards import FindingsCard, GpuCard, HostCard, gpu_title
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.text import label

SPAN_S = 900
RANGES = (("15 min", SPAN_S), ("1 h", 3600), ("24 h", 86_400))
_BREATH_S = 0.005  # between two charts: each is painted in a turn of its own
_REDRAW_PARTS = 1000  # a long range is drawn again when its right edge has moved by this part of it
_DIAGNOSED_S = 900


class HardwarePage(Page):
    """Samples come by event while the agent sends them; otherwise the page asks, and only while it is open."""

    key = "hardware"
    title = "Hardware"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.samples: deque[Hardware] = deque()
        self.span_s = SPAN_S
        self.found: tuple[Finding, ...] = ()
        self._status: AgentStatus | None = None
        self._families: dict[str, frozenset[int]] = {}
        self._asked_pids: tuple[Any, ...] = ()
        self._trouble = ""
        self._loaded = False
        self._drawn_at = 0.0
        self._drawing: asyncio.Task[None] | None = None
        self.host = HostCard(SPAN_S)
        self.diagnosis = FindingsCard()
        self.note = Card("GPUs")
        self.note_text = label("", wrap=True, copyable=True)
        self.note.add(self.note_text)
        self.gpus: dict[str, GpuCard] = {}
        self._gpu_column = QVBoxLayout()
        self._gpu_column.setSpacing(14)
        for widget in (self.diagnosis, self.host, self.note):
            self.add(widget)
        self.content.addLayout(self._gpu_column)
        self.content.addStretch(1)
        self.note.hide()
        self.host.hide()
        self.set_subtitle("Asking the agent for a sample.")
        self._add_ranges()
        context.bridge.hardware.connect(self._event)
        context.bridge.status.connect(self._heard)
        self._status = context.bridge.latest
        self._polling = Polling(context.tasks, "hardware", self.refresh, self._failed, self._interval_s)

    def _add_ranges(self) -> None:
        group = QButtonGroup(self)
        self.range_buttons: dict[int, QPushButton] = {}
        for name, seconds in RANGES:
            choice = QPushButton(name)
            choice.setCheckable(True)
            choice.setChecked(seconds == self.span_s)
            choice.setAccessibleName(f"Charts over {name}")
            choice.toggled.connect(lambda on, seconds=seconds: self.choose_range(seconds) if on else None)
            group.addButton(choice)
            self.add_action(choice)
            self.range_buttons[seconds] = choice

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

    def choose_range(self, seconds: int) -> None:
        """Show so much of the past; the samples of it are asked for."""
        if seconds == self.span_s:
            return
        self.span_s = seconds
        self._loaded = False
        if self._polling.running:
            self._polling.now()

    # --- data ------------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """The history at first, then one sample, unless one has just come by event."""
        if not self._loaded:
            span = self.span_s
            history: HardwareHistory = await self.context.client.call(GetHardwareHistory(seconds=span))
            if span != self.span_s:
                return
            self.samples = deque(history.samples)
            self._loaded = True
            self._drawn_at = 0.0
        newest = self.samples[-1].at if self.samples else 0.0
        if time.time() - newest > 0.6 * self._interval_s():
            self.add_sample(await self.context.client.call(GetHardware()))
        elif self.samples:
            self._show(self.samples[-1])
        await self._ask_families()

    async def _ask_families(self) -> None:
        """Which programs on the GPUs are the miners' children: asked when either changes."""
        roots = roots_of(self._status)
        pids = {process.pid for gpu in self.samples[-1].gpus for process in gpu.processes or ()} if self.samples else ()
        asked = (tuple(sorted(roots.items())), tuple(sorted(pids)))
        if asked != self._asked_pids:
            self._families = await asyncio.to_thread(families, roots, list(pids))
            self._asked_pids = asked
            if self.samples:
                self._show_findings(self.samples[-1])

    def _heard(self, status: AgentStatus) -> None:
        self._status = status

    def _event(self, sample: Hardware) -> None:
        if self._loaded and self._polling.running:
            self.add_sample(sample)

    def add_sample(self, sample: Hardware) -> None:
        """Append one sample and draw; older ones than the span go."""
        if not self.samples or sample.at > self.samples[-1].at:
            self.samples.append(sample)
        while self.samples and self.samples[0].at < sample.at - self.span_s - 30:
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
        self._show_findings(sample)
        self._show_gpus(sample)
        self._show_age(time.time())
        due = sample.at - self._drawn_at >= self.span_s / _REDRAW_PARTS or len(self.charts()) > len(self._ready())
        if due and (self._drawing is None or self._drawing.done()):
            self._drawn_at = sample.at
            self._drawing = self.context.tasks.start(self._draw_charts(), "draw hardware charts")

    def _ready(self) -> list[LineChart]:
        return [chart for chart in self.charts() if chart.loaded]

    def _show_findings(self, sample: Hardware) -> None:
        recent = [one for one in self.samples if one.at >= sample.at - _DIAGNOSED_S]
        self.found = findings(recent, self._status, self._families, limits=thresholds(self.context.settings))
        # That there is no GPU has a card of its own.
        told = [one for one in self.found if one.code != "no_gpu"]
        self.diagnosis.show_findings(told, {gpu.uuid: gpu_title(gpu) for gpu in sample.gpus})

    def _show_gpus(self, sample: Hardware) -> None:
        uuids = {gpu.uuid for gpu in sample.gpus}
        instances: dict[str, list[Gpu]] = {}
        present: dict[str, Gpu] = {}
        for gpu in sample.gpus:
            if gpu.parent_uuid in uuids and gpu.parent_uuid is not None:
                instances.setdefault(gpu.parent_uuid, []).append(gpu)
            else:
                present[gpu.uuid] = gpu  # also an instance whose card a container hides
        for uuid in [uuid for uuid in self.gpus if uuid not in present]:
            self.gpus[uuid].show_lost()
        hot = self.context.settings.get(GPU_HOT_C)
        for uuid, gpu in present.items():
            if uuid not in self.gpus:
                self.gpus[uuid] = GpuCard(self.span_s)
                self._gpu_column.addWidget(self.gpus[uuid])
            found = [one for one in self.found if one.gpu_uuid == uuid]
            self.gpus[uuid].show_gpu(gpu, instances.get(uuid, ()), found, hot)
        note = sample.gpu_note or ("" if sample.gpus else "No GPU was found on this machine.")
        told = any(one.code == sample.gpu_trouble for one in self.found) and sample.gpu_trouble != "none"
        self.note.setVisible(bool(note) and not told)
        self.note_text.setText(note)

    async def _draw_charts(self) -> None:
        """One chart at a time, so that no turn of the loop takes long."""
        samples = list(self.samples)
        until = samples[-1].at if samples else None
        for chart in self.charts():
            chart.span_s = self.span_s
            if not chart.loaded:
                await chart.load()
                await asyncio.sleep(_BREATH_S)
        for chart, lines in [*self.host.lines(samples), *self._gpu_lines(samples)]:
            if chart.lines and not self._in_sight(chart):
                self._drawn_at = 0.0  # scrolled out of sight: the next sample will find it
                continue
            chart.set_lines(lines, until)
            await asyncio.sleep(_BREATH_S)

    def _in_sight(self, chart: LineChart) -> bool:
        # Not visibleRegion(): the plot inside a chart covers all of it, so that it is always empty.
        area = self.findChild(QScrollArea)
        if area is None or not chart.isVisible():
            return chart.isVisible()
        view = area.viewport()
        return view.rect().intersects(QRect(chart.mapTo(view, QPoint(0, 0)), chart.size()))

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
            cuda = "" if sample.cuda is None else f", CUDA up to {sample.cuda}"
            text += f" GPU driver {sample.driver}{cuda}."
        self.set_subtitle(f"{text} Not up to date: {self._trouble}" if self._trouble else text)
