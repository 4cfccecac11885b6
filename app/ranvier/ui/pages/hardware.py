"""Hardware: the machine and its GPUs now, what is wrong with them, and how it was over minutes, an hour or a day."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from functools import partial
from typing import Any

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QPushButton, QScrollArea, QVBoxLayout

from ranvier.agent.api.messages import AgentStatus, GetHardware, GetHardwareHistory, HardwareHistory
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import age_text
from ranvier.core.settings import GPU_HOT_C, HARDWARE_INTERVAL_S
from ranvier.hardware.diagnosis import Finding
from ranvier.hardware.history import energy
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.hardware.thresholds import thresholds
from ranvier.ui.context import Context
from ranvier.ui.models.card_pay import NOT_YET, balance
from ranvier.ui.models.findings import families, findings, roots_of
from ranvier.ui.models.hardware_history import card_lines, host_lines
from ranvier.ui.pages.hardware_pay import CardPay
from ranvier.ui.polling import Polling
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.hardware_cards import FindingsCard, GpuCard, HostCard
from ranvier.ui.widgets.miner_history import HistoryView
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.text import button, label

SPAN_S = 900
RANGES = (("15 min", SPAN_S), ("1 h", 3600), ("6 h", 21_600), ("24 h", 86_400), ("1 week", 604_800))
_POINTS = GetHardwareHistory().points
_ASK_EVERY_S = 4.0  # so long at most: the agent stops sampling when nobody has asked for some seconds
_BREATH_S = 0.005  # between two histories: each is painted in a turn of its own
_REDRAW_PARTS = 1000  # a long range is drawn again when its right edge has moved by this part of it
_DIAGNOSED_S = 900
_SETTLE_S = 0.15
_HINT = "Click a history, then the wheel zooms; dragging moves it, a double click follows again."
_UNCHECKED = (
    "How Ranvier reads NVIDIA cards was tested against NVML's documented interface, not yet beside nvidia-smi on a "
    "real card."
)


class HardwarePage(Page):
    """Samples come by event; the page asks now and then while it is seen, because without that the agent stops."""

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
        self._asked_at = float("-inf")
        self._drawing: asyncio.Task[None] | None = None
        self._part: tuple[float, float] | None = None  # None: follows now
        self._past: tuple[Hardware, ...] = ()
        self._past_of: tuple[float, float] | None = None
        self._settling = False
        self.card_pay = CardPay(context)
        self.host = HostCard()
        self._join(self.host.history)
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
        self.foot = label(_HINT, "small", wrap=True)
        self.foot.hide()
        self.add(self.foot)
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
        self.range_buttons: dict[int, QPushButton] = {}
        self.follow = button("Follow now", self._follow, tip="Go back to the newest readings")
        self.add_action(self.follow)
        for name, seconds in RANGES:
            choice = button(name, partial(self.choose_range, seconds))
            choice.setCheckable(True)
            choice.setAccessibleName(f"Histories over {name}")
            self.add_action(choice)
            self.range_buttons[seconds] = choice
        self._draw_choice()

    def _draw_choice(self) -> None:
        for seconds, choice in self.range_buttons.items():
            choice.setChecked(self._part is None and seconds == self.span_s)
        self.follow.setVisible(self._part is not None)

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

    def histories(self) -> list[HistoryView]:
        """Every history of the page, from the top."""
        return [self.host.history, *(card.history for card in self.gpus.values())]

    def choose_range(self, seconds: int) -> None:
        """Follow now and show so much of the past; the samples of it are asked for."""
        again = seconds == self.span_s
        self.span_s, self._part = seconds, None
        self._draw_choice()
        self._drawn_at = 0.0
        self._loaded = self._loaded and again
        if self._polling.running:
            self._polling.now()

    def _follow(self) -> None:
        self.choose_range(self.span_s)

    def _look(self, start: float, end: float) -> None:
        """One history was zoomed or moved: all go with it, and what is not here is asked for once that has settled."""
        self._part = (start, end)
        self._draw_choice()
        for view in self.histories():
            view.shows(start, end)
            view.update()
        self._settling = True
        if self._polling.running:
            self._polling.now()

    def _join(self, view: HistoryView) -> None:
        view.range_wanted.connect(self._look)
        view.follow_wanted.connect(self._follow)

    def shown_range(self) -> tuple[float, float]:
        """The time that the histories show, Unix seconds."""
        if self._part is not None:
            return self._part
        end = self.samples[-1].at if self.samples else time.time()
        return end - self.span_s, end

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
        asked_for = time.monotonic() - self._asked_at
        if time.time() - newest > 0.6 * self._interval_s() or asked_for > _ASK_EVERY_S:
            self._asked_at = time.monotonic()
            self.add_sample(await self.context.client.call(GetHardware()))
        elif self.samples:
            self._show(self.samples[-1])
        await self._read_part()
        await self._ask_families()
        if self.samples and await self.card_pay.refresh(
            self._status, self._shown_samples(), self.samples[-1].gpus, self._families, self.shown_range(),
            self._part or self.span_s,
        ):  # fmt: skip
            self._draw_again()

    async def _read_part(self) -> None:
        """The samples of a chosen part of the past, which change no more."""
        if self._settling:
            await asyncio.sleep(_SETTLE_S)
            self._settling = False
        part = self._part
        if part is None or part == self._past_of:
            return
        asked = GetHardwareHistory(seconds=math.ceil(part[1] - part[0]), until=part[1])
        history: HardwareHistory = await self.context.client.call(asked)
        if part == self._part:
            self._past, self._past_of = history.samples, part
            self._draw_again()

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
        self.foot.show()
        nvidia = any(gpu.vendor == "nvidia" for gpu in sample.gpus)
        self.foot.setText(f"{_HINT} {_UNCHECKED}" if nvidia else _HINT)
        moved = sample.at - self._drawn_at >= self.span_s / _REDRAW_PARTS
        due = moved and (self._part is None or not self._drawn_at)
        if due or any(view.lines is None for view in self.histories()):
            self._draw_again()

    def _draw_again(self) -> None:
        if self._drawing is None or self._drawing.done():
            self._drawn_at = self.samples[-1].at if self.samples else 0.0
            self._drawing = self.context.tasks.start(self._draw_histories(), "draw hardware histories")
        else:
            self._drawn_at = 0.0

    def _show_findings(self, sample: Hardware) -> None:
        recent = [one for one in self.samples if one.at >= sample.at - _DIAGNOSED_S]
        self.found = findings(recent, self._status, self._families, limits=thresholds(self.context.settings))
        # That there is no GPU has a card of its own.
        told = [one for one in self.found if one.code != "no_gpu"]
        self.diagnosis.show_findings(told, sample.gpus)

    def _show_gpus(self, sample: Hardware) -> None:
        uuids = {gpu.uuid for gpu in sample.gpus}
        instances: dict[str, list[Gpu]] = {}
        present: dict[str, Gpu] = {}
        for gpu in sample.gpus:
            if gpu.parent_uuid in uuids and gpu.parent_uuid is not None:
                instances.setdefault(gpu.parent_uuid, []).append(gpu)
            else:
                present[gpu.uuid] = gpu  # also an instance whose card a container hides
        places = {gpu.pci_address for gpu in sample.gpus if gpu.pci_address is not None}
        for uuid in [uuid for uuid in self.gpus if uuid not in present]:
            before = self.gpus[uuid].latest
            if before is not None and before.pci_address in places:  # it woke up, or fell asleep, under another name
                card = self.gpus.pop(uuid)
                self._gpu_column.removeWidget(card)
                card.hide()
                card.deleteLater()
            else:
                self.gpus[uuid].show_lost()
        for uuid, gpu in present.items():
            if uuid not in self.gpus:
                self.gpus[uuid] = GpuCard()
                self._join(self.gpus[uuid].history)
                self._gpu_column.addWidget(self.gpus[uuid])
            found = [one for one in self.found if one.gpu_uuid == uuid]
            self.gpus[uuid].show_gpu(gpu, instances.get(uuid, ()), found)
        note = sample.gpu_note or ("" if sample.gpus else "No GPU was found on this machine.")
        told = any(one.code == sample.gpu_trouble for one in self.found) and sample.gpu_trouble != "none"
        self.note.setVisible(bool(note) and not told)
        self.note_text.setText(note)

    def _shown_samples(self) -> list[Hardware]:
        return list(self.samples if self._part is None or not self._past else self._past)

    async def _draw_histories(self) -> None:
        """One at a time, so that no turn of the loop takes long."""
        samples = self._shown_samples()
        if self._in_sight(self.host.history):
            self.host.history.show_lines(host_lines(samples, *self.shown_range()))
            await asyncio.sleep(_BREATH_S)
        hot = self.context.settings.get(GPU_HOT_C)
        for uuid, card in list(self.gpus.items()):
            if card.latest is None or not self._in_sight(card.history):
                continue
            start, end = self.shown_range()
            paid = self.card_pay.of(uuid, (start, end), self._part or self.span_s)
            card.history.show_lines(card_lines(samples, card.latest, start, end, hot_c=hot, paid=paid))
            inside = [sample for sample in samples if start <= sample.at <= end]
            drawn = energy(inside, uuid, (end - start) / _POINTS)
            card.show_balance(balance(drawn, end - start, NOT_YET if paid is None else paid))
            await asyncio.sleep(_BREATH_S)

    def _in_sight(self, view: HistoryView) -> bool:
        """Whether it must be drawn now; one that is scrolled out of sight is found by the next sample."""
        area = self.findChild(QScrollArea)
        if view.lines is None or area is None or not view.isVisible():
            return view.lines is None or view.isVisible()
        port = area.viewport()
        seen = port.rect().intersects(QRect(view.mapTo(port, QPoint(0, 0)), view.size()))
        if not seen:
            self._drawn_at = 0.0
        return seen

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
