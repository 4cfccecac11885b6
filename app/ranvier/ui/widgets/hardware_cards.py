"""The cards of the Hardware page: the machine, each GPU with its MIG instances, and what is wrong."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ranvier.core.evidence import Level, worst
from ranvier.hardware.diagnosis import Finding
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.ui.models.gpus import (
    cores_text,
    cpu_points,
    details_text,
    gpu_facts,
    gpu_level,
    gpu_points,
    host_facts,
    memory_percent,
    memory_points,
    network_points,
    programs_text,
)
from ranvier.ui.theme import LEVEL_WORDS
from ranvier.ui.widgets.badge import Badge
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.chart import Limit, Line, LineChart
from ranvier.ui.widgets.core_bars import CoreBars
from ranvier.ui.widgets.figures import FactGrid
from ranvier.ui.widgets.findings import FindingList
from ranvier.ui.widgets.legend import ChartPanel
from ranvier.ui.widgets.text import label, line
from ranvier.ui.words import count_text, part_text, percent_text, power_text, rate_text, temperature_text

_ASLEEP = "The system has switched it off to save power. It is not asked anything, so that it sleeps on."
_GONE = "The driver does not report this GPU any more. What stands below is its last reading."


class HostCard(Card):
    """Processor, memory, disk and network."""

    def __init__(self, span_s: float) -> None:
        super().__init__("Processor")
        self.facts = FactGrid(4)
        self.cores = CoreBars()
        self.load = LineChart(span_s=span_s, top=100, value_words=percent_text)
        self.network = LineChart(span_s=span_s, value_words=rate_text)
        self.charts = [self.load, self.network]
        self.cores_name = label("Each logical processor", "small")
        self.add(self.facts)
        self.add(self.cores_name)
        self.add(self.cores)
        self.add(
            _row(
                ChartPanel("Use, percent", self.load, ("processor", "memory")),
                ChartPanel("Network", self.network, ("sent", "received")),
            )
        )

    def show_host(self, sample: Hardware) -> None:
        self.set_title(cores_text(sample.host))
        self.facts.show_facts(host_facts(sample.host))
        for widget in (self.cores_name, self.cores):
            widget.setVisible(bool(sample.host.core_percents))
        self.cores.show_percents(sample.host.core_percents or ())

    def lines(self, samples: list[Hardware]) -> list[tuple[LineChart, list[Line]]]:
        """What each chart shows of these samples."""
        sent, received = network_points(samples)
        return [
            (self.load, [Line("processor", cpu_points(samples)), Line("memory", memory_points(samples))]),
            (self.network, [Line("sent", sent), Line("received", received)]),
        ]


class FindingsCard(Card):
    """What is wrong or worth knowing; hidden when there is nothing."""

    def __init__(self) -> None:
        super().__init__("Diagnosis")
        self.badge = Badge()
        self.add_to_header(self.badge)
        self.list = FindingList()
        self.add(self.list)
        self.hide()

    def show_findings(self, found: Sequence[Finding], titles: dict[str, str]) -> None:
        """``titles`` names each card by its UUID as the page does, so that two of a kind are told apart."""
        self.setVisible(bool(found))
        self.list.show_findings([(one, titles.get(one.gpu_uuid or "", one.title)) for one in found])
        serious = sum(one.level in (Level.BAD, Level.WARN) for one in found)
        words = count_text(serious, "thing") + " to look at" if serious else "for information"
        self.badge.show_level(worst(one.level for one in found), words, time.time())


class GpuCard(Card):
    """One GPU, known by its UUID; its MIG instances are rows in it."""

    def __init__(self, span_s: float) -> None:
        super().__init__("GPU")
        self.badge = Badge()
        self.add_to_header(self.badge)
        self.details = label("", "small", wrap=True, copyable=True)
        self.problem = label("", "problem", wrap=True)
        self.asleep = label(_ASLEEP, "muted", wrap=True)
        self.facts = FactGrid(4)
        self.programs = label("", "small", wrap=True, copyable=True)
        self.use = LineChart(span_s=span_s, top=100, value_words=percent_text)
        self.heat = LineChart(span_s=span_s, value_words=temperature_text)
        self.power = LineChart(span_s=span_s, value_words=power_text)
        self.charts = [self.use, self.heat, self.power]
        self.instances: dict[str, InstanceRow] = {}
        self._instances = QVBoxLayout()
        self._instances.setSpacing(6)
        self.use_panel = ChartPanel("", self.use)
        self._memory_only: bool | None = None
        self.row = _row(
            self.use_panel,
            ChartPanel("Temperature", self.heat),
            ChartPanel("Power", self.power),
        )
        for widget in (self.details, self.problem, self.asleep, self.facts, self.programs):
            self.add(widget)
        self.body.addLayout(self._instances)
        self.add(self.row)

    def show_gpu(self, gpu: Gpu, instances: Sequence[Gpu], found: Sequence[Finding], hot_c: int = 0) -> None:
        """``found`` are the findings about this card; ``hot_c`` the person's threshold, 0 for none."""
        self.set_title(gpu_title(gpu))
        self.setToolTip(gpu.uuid)
        level = gpu_level(gpu)
        level = worst([level, *(one.level for one in found)]) if found else level
        self.badge.show_level(level, _badge_words(gpu, level), time.time(), gpu.problem or _told(found))
        self.details.setText(details_text(gpu))
        self.details.setVisible(bool(self.details.text()))
        self.problem.setVisible(gpu.problem is not None)
        self.problem.setText(gpu.problem or "")
        self.asleep.setVisible(gpu.asleep)
        self.facts.setVisible(not gpu.asleep)
        self.row.setVisible(not gpu.asleep)
        self.facts.show_facts(gpu_facts(gpu))
        self.programs.setText(programs_text(gpu))
        self.programs.setVisible(bool(self.programs.text()))
        self._set_limits(gpu, hot_c)
        self._show_instances(instances, gpu.name)

    def show_lost(self) -> None:
        """It was there and is not any more."""
        self.badge.show_level(Level.BAD, "gone", self.badge.seen_at)
        self.problem.show()
        self.problem.setText(_GONE)

    def lines(self, samples: list[Hardware], uuid: str) -> list[tuple[LineChart, list[Line]]]:
        """What each chart shows of these samples."""
        use = gpu_points(samples, uuid, lambda gpu: gpu.utilization_percent)
        memory_only = bool(samples) and all(value is None for _at, value in use)  # a card cut into MIG instances
        if memory_only is not self._memory_only:
            self._memory_only = memory_only
            self.use_panel.title.setText("Memory, percent" if memory_only else "Use, percent")
            self.use_panel.set_names(("memory",) if memory_only else ("utilisation", "memory"))
        memory = Line("memory", gpu_points(samples, uuid, memory_percent))
        return [
            (self.use, [memory] if memory_only else [Line("utilisation", use), memory]),
            (self.heat, [Line("temperature", gpu_points(samples, uuid, lambda gpu: gpu.temperature_c))]),
            (self.power, [Line("power", gpu_points(samples, uuid, lambda gpu: gpu.power_w))]),
        ]

    def _set_limits(self, gpu: Gpu, hot_c: int) -> None:
        heat = [Limit(hot_c, "your threshold")] if hot_c else []
        if gpu.temperature_slowdown_c is not None:
            heat.append(Limit(gpu.temperature_slowdown_c, "slows down"))
        self.heat.set_limits(heat)
        self.power.set_limits([] if gpu.power_limit_w is None else [Limit(gpu.power_limit_w, "limit")])

    def _show_instances(self, instances: Sequence[Gpu], card: str) -> None:
        present = {gpu.uuid for gpu in instances}
        for uuid in [uuid for uuid in self.instances if uuid not in present]:
            row = self.instances.pop(uuid)
            self._instances.removeWidget(row)
            row.hide()
            row.deleteLater()
        for gpu in instances:
            if gpu.uuid not in self.instances:
                self.instances[gpu.uuid] = InstanceRow()
                self._instances.addWidget(self.instances[gpu.uuid])
            self.instances[gpu.uuid].show_instance(gpu, card)


class InstanceRow(QWidget):
    """One MIG instance: name, memory and who uses it; the driver tells no more of it."""

    def __init__(self) -> None:
        super().__init__()
        self.name = label("", copyable=True)
        self.memory = label("")
        self.users = label("", "small")
        self.badge = Badge()
        row = QHBoxLayout()
        row.setSpacing(18)
        row.addWidget(self.name, 2)
        row.addWidget(self.memory, 2)
        row.addWidget(self.users, 3)
        row.addWidget(self.badge)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(line())
        column.addLayout(row)

    def show_instance(self, gpu: Gpu, card: str) -> None:
        """``card`` is the whole card's name, which is not said again."""
        self.setToolTip(gpu.uuid)
        self.name.setText(gpu.name.removeprefix(card).strip() or gpu.name)
        self.memory.setText(part_text(gpu.memory_used, gpu.memory_total))
        unseen = "programs unknown" if gpu.processes is None else "no program"
        self.users.setText(gpu.problem or programs_text(gpu) or unseen)
        level = gpu_level(gpu)
        self.badge.show_level(level, _badge_words(gpu, level), time.time(), gpu.problem or "")


def gpu_title(gpu: Gpu) -> str:
    """``GPU 0 · NVIDIA GeForce RTX 4090``."""
    return f"GPU {gpu.index} · {gpu.name}"


def _badge_words(gpu: Gpu, level: Level) -> str:
    if gpu.asleep:
        return "asleep"
    if level is gpu_level(gpu):
        words = {Level.WARN: "throttled", Level.BUSY: "at its power limit", Level.BAD: "problem"}
        return words.get(level, LEVEL_WORDS[level])
    return {Level.BUSY: "see diagnosis", Level.WARN: "see diagnosis", Level.BAD: "problem"}.get(
        level, LEVEL_WORDS[level]
    )


def _told(found: Sequence[Finding]) -> str:
    return "\n".join(one.text for one in found)


def _row(*widgets: QWidget) -> QWidget:
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 4, 0, 0)
    row.setSpacing(18)
    for widget in widgets:
        row.addWidget(widget, 1)
    return whole
