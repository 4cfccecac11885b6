"""The cards of the Hardware page: the machine, each GPU with its MIG instances, and what is wrong."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ranvier.core.evidence import Level, worst
from ranvier.hardware.diagnosis import Finding, together
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.ui.models.card_pay import Balance, pay_facts
from ranvier.ui.models.gpus import (
    cores_text,
    details_text,
    gpu_facts,
    gpu_level,
    host_facts,
    programs_text,
)
from ranvier.ui.theme import LEVEL_WORDS
from ranvier.ui.widgets.badge import Badge
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.charts.core_bars import CoreBars
from ranvier.ui.widgets.figures import FactGrid
from ranvier.ui.widgets.findings import FindingList
from ranvier.ui.widgets.miner_history import HistoryView
from ranvier.ui.widgets.text import label, line
from ranvier.ui.words import count_text, part_text

_ASLEEP = "It is switched off to save power, or left alone to be. It is not asked anything, so that it sleeps on."
_PAY_TIP = (
    "Of the time that the history shows, and of the miners that ran on this card then. A payment is for the epoch "
    "before it, so that a time of a few epochs makes a rough figure."
)
_SHORT = 12  # of a UUID: enough to tell an instance from its like
_GONE = "The driver does not report this GPU any more. What stands below is its last reading."


class HostCard(Card):
    """Processor, memory, disk and network."""

    def __init__(self) -> None:
        super().__init__("Processor")
        self.facts = FactGrid(4)
        self.cores = CoreBars()
        self.history = HistoryView(time.time, "the machine", in_page=True)
        self.cores_name = label("Each logical processor", "small")
        self.add(self.facts)
        self.add(self.cores_name)
        self.add(self.cores)
        self.add(self.history)

    def show_host(self, sample: Hardware) -> None:
        self.set_title(cores_text(sample.host))
        self.facts.show_facts(host_facts(sample.host))
        for widget in (self.cores_name, self.cores):
            widget.setVisible(bool(sample.host.core_percents))
        self.cores.show_percents(sample.host.core_percents or ())


class FindingsCard(Card):
    """What is wrong or worth knowing; hidden when there is nothing."""

    def __init__(self) -> None:
        super().__init__("Diagnosis")
        self.badge = Badge()
        self.add_to_header(self.badge)
        self.list = FindingList()
        self.add(self.list)
        self.hide()

    def show_findings(self, found: Sequence[Finding], gpus: Sequence[Gpu]) -> None:
        """``gpus`` are the cards that they are about."""
        self.setVisible(bool(found))
        told = together(found, gpus)
        self.list.show_findings(told)
        serious = sum(one.level in (Level.BAD, Level.WARN) for one, _about in told)
        words = count_text(serious, "thing") + " to look at" if serious else "for information"
        self.badge.show_level(worst(one.level for one in found), words, time.time())


class GpuCard(Card):
    """One GPU, known by its UUID; its MIG instances are rows in it."""

    def __init__(self) -> None:
        super().__init__("GPU")
        self.badge = Badge()
        self.add_to_header(self.badge)
        self.details = label("", "small", wrap=True, copyable=True)
        self.problem = label("", "problem", wrap=True)
        self.asleep = label(_ASLEEP, "muted", wrap=True)
        self.facts = FactGrid(4)
        self.programs = label("", "small", wrap=True, copyable=True)
        self.history = HistoryView(time.time, "the card", in_page=True)
        self.pay = FactGrid(4)
        self.pay.setToolTip(_PAY_TIP)
        self.doubts = label("", "small", wrap=True)
        self.row = QWidget()
        column = QVBoxLayout(self.row)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        for widget in (self.history, self.pay, self.doubts):
            column.addWidget(widget)
        self.latest: Gpu | None = None
        self.instances: dict[str, InstanceRow] = {}
        self._instances = QVBoxLayout()
        self._instances.setSpacing(6)
        for widget in (self.details, self.problem, self.asleep, self.facts, self.programs):
            self.add(widget)
        self.body.addLayout(self._instances)
        self.add(self.row)

    def show_gpu(self, gpu: Gpu, instances: Sequence[Gpu], found: Sequence[Finding]) -> None:
        """``found`` are the findings about this card."""
        self.latest = gpu
        self.set_title(gpu_title(gpu))
        self.history.setAccessibleName(f"History of {gpu_title(gpu)}")
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
        self._show_instances(instances, gpu.name)

    def show_lost(self) -> None:
        """It was there and is not any more."""
        self.badge.show_level(Level.BAD, "gone", self.badge.seen_at)
        self.problem.show()
        self.problem.setText(_GONE)

    def show_balance(self, found: Balance) -> None:
        """What it drew and what its miners were paid in the time that is shown."""
        self.pay.show_facts(pay_facts(found))
        self.doubts.setText(" ".join(found.doubts))
        self.doubts.setVisible(bool(found.doubts))

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
        self.name.setText(f"{gpu.name.removeprefix(card).strip() or gpu.name} · {gpu.uuid[:_SHORT]}")
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
