"""Benchmark: what an endpoint serves, what a device can do, which models fit, and every result ever kept."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QButtonGroup, QPushButton, QWidget

from ranvier.agent.api.messages import AgentStatus, GetHardware, GetStatus
from ranvier.benchmark.fit import load_catalogue
from ranvier.benchmark.journal import Journal, Unfinished, unfinished
from ranvier.benchmark.lock import Turns
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.plans import ServingPlan
from ranvier.benchmark.serving import ServingProgress
from ranvier.benchmark.store import Record, Store
from ranvier.benchmark.sweep_journal import SweepJournal, UnfinishedSweep, unfinished_sweep
from ranvier.core.errors import AgentError, RanvierError
from ranvier.hardware.snapshot import Hardware
from ranvier.ui.benchmarks import (
    Runner,
    Work,
    begun_of,
    cards_of,
    cost_words,
    device_work,
    keep_llama_bench,
    resumed_sweep,
    resumed_work,
    serving_work,
    torch_work,
    users_words,
)
from ranvier.ui.context import Context
from ranvier.ui.models.benchmarks import driver_changes, number_text, progress_words, step_words, torches
from ranvier.ui.widgets.bench.bench_device import DeviceForm
from ranvier.ui.widgets.bench.bench_fit import FitPart
from ranvier.ui.widgets.bench.bench_floor import FloorPart
from ranvier.ui.widgets.bench.bench_results import ResultsPart
from ranvier.ui.widgets.bench.bench_serving import ServingForm
from ranvier.ui.widgets.bench.run_bar import RunBar
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.record_view import RecordView
from ranvier.ui.words import count_text

_PARTS = (("serving", "Serving"), ("device", "Device"), ("fit", "What fits"), ("results", "Results"))
_SUBTITLES = {
    "serving": "How fast an OpenAI-compatible endpoint answers, and how many at once within an objective.",
    "device": "What this machine's GPU or processor can do, and whether it keeps it up.",
    "fit": "Which open models fit into memory, and how fast they can be at most.",
    "results": "Every result is kept, with all its samples.",
}


class BenchmarkPage(Page):
    """A run goes on while other pages are open; it ends with its button or with the window."""

    key = "benchmark"
    title = "Benchmark"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.runner = Runner(Store(context.paths.benchmarks))
        self.records: tuple[Record, ...] = ()
        self._status: AgentStatus | None = None
        self._sample: Hardware | None = None
        self._begun = 0.0
        self._look_number = 0  # of the newest look for a run that was cut off
        self.status_card = Card()
        self.bar = RunBar(self.cancel)
        self.status_card.add(self.bar)
        self.serving = ServingForm()
        self.device = DeviceForm()
        self.fit = FitPart(load_catalogue(), context.run)
        self.floor = FloorPart(context.run)
        self.results = ResultsPart(context.run, context.say)
        self.serving_result, self.device_result = Card(), Card()
        self.serving_view, self.device_view = RecordView("Newest result"), RecordView("Newest result")
        self.serving_result.add(self.serving_view)
        self.device_result.add(self.device_view)
        self._parts: dict[str, tuple[QWidget, ...]] = {
            "serving": (self.serving, self.serving_result),
            "device": (self.device, self.device_result),
            "fit": (self.fit, self.floor),
            "results": (self.results,),
        }
        self.add(self.status_card)
        for widgets in self._parts.values():
            for widget in widgets:
                self.add(widget)
        self.content.addStretch(1)
        self._add_choices()
        self.serving.wanted.connect(self._run_serving)
        self.serving.go_on.connect(self._resume_sweep)
        self.serving.discarded.connect(self._discard_sweep)
        self.device.wanted.connect(self._run_device)
        self.device.go_on.connect(self._resume)
        self.device.discarded.connect(self._discard)
        self.device.llama_chosen.connect(self.keep_llama)
        context.bridge.status.connect(self._heard)
        if context.bridge.latest is not None:
            self._heard(context.bridge.latest)
        self.part = ""
        self.show_part("serving")

    def _add_choices(self) -> None:
        group = QButtonGroup(self)
        self.part_buttons: dict[str, QPushButton] = {}
        for key, name in _PARTS:
            choice = QPushButton(name)
            choice.setCheckable(True)
            choice.toggled.connect(lambda on, key=key: self.show_part(key) if on else None)
            group.addButton(choice)
            self.add_action(choice)
            self.part_buttons[key] = choice

    def shown(self) -> None:
        self.context.run(self._look(), "benchmark page")

    def choose(self, subject: str) -> None:
        """``go("benchmark/device")`` and the like."""
        if subject in self._parts:
            self.show_part(subject)

    def show_part(self, part: str) -> None:
        """Show one of the four parts. How a run of another part ended is not said here."""
        if part != self.part and self.bar.over:
            self.bar.clear()
        self.part = part
        self.part_buttons[part].setChecked(True)
        self.set_subtitle(_SUBTITLES[part])
        for key, widgets in self._parts.items():
            for widget in widgets:
                widget.setVisible(key == part)
        self.serving_result.setVisible(part == "serving" and self.serving_view.record is not None)
        self.device_result.setVisible(part == "device" and self.device_view.record is not None)
        self._show_bar()

    async def _look(self) -> None:
        """The kept results and the hardware, as they are now."""
        await self._read_records()
        try:
            sample: Hardware = await self.context.client.call(GetHardware())
        except AgentError:
            return  # the header says that the agent is away; an endpoint can be measured all the same
        self._sample = sample
        self.serving.show_hardware(sample)
        self.device.show_hardware(sample, await asyncio.to_thread(torches, self.context.paths, self._status))
        self.fit.show_hardware(sample)
        self.floor.show_hardware(sample)
        self.device.show_changes(await asyncio.to_thread(driver_changes, self.runner.store, sample))

    async def _read_records(self) -> None:
        self.records = await asyncio.to_thread(self.runner.store.all)
        self.results.show_records(self.records)
        self.fit.show_records(self.records)
        for view, kinds in ((self.serving_view, ("serving", "sweep")), (self.device_view, ("device",))):
            newest = next((record for record in self.records if record.kind in kinds), None)
            if newest is not None and view.record is None:
                await self._show_result(view, newest)
        if not self.runner.busy:
            self.show_part(self.part)
        await self._read_unfinished()

    async def _read_unfinished(self) -> None:
        if self.runner.busy:
            return
        self._look_number = number = self._look_number + 1
        folder, kept = self.context.paths.benchmarks, begun_of(self.records)
        found = next(iter(await asyncio.to_thread(unfinished, folder, kept)), None)
        sweep = await asyncio.to_thread(unfinished_sweep, folder, kept)
        if number == self._look_number:  # else it was discarded, or looked for anew, since
            self.device.show_unfinished(found, "" if found is None else found.result.device.name)
            self.serving.show_unfinished(sweep)

    def _heard(self, status: AgentStatus) -> None:
        self._status = status
        self.serving.show_status(status)

    # --- running ---------------------------------------------------------------------------------------------

    def _run_serving(self) -> None:
        plan = self.serving.plan()
        try:
            plan.check()
        except RanvierError as error:
            self.bar.failed(error)
            self._show_bar()
            return
        most, folder = self.serving.sweep_to(), self.context.paths.benchmarks
        work = serving_work(plan, most, self.serving.watched(), folder)
        self._begin_serving(work, plan, None if most is not None else plan.requests)

    def _resume_sweep(self, one: UnfinishedSweep) -> None:
        self._begin_serving(resumed_sweep(one, self.context.paths.benchmarks), one.plan.base, None)

    def _begin_serving(self, work: Work, plan: ServingPlan, requests: int | None) -> None:
        cost = None if plan.remote else cost_words(self._status)
        self._begin(work, self._told_serving(requests), self.serving_view, cost)

    def _run_device(self) -> None:
        form = self.device
        torch = form.torch
        if torch is not None:
            cards = tuple(one for uuid in torch.gpus[:1] for one in cards_of(self._sample, "cuda", uuid))
            self._begin_device(lambda turns: torch_work(torch, turns, cards), cards)
            return
        cards = cards_of(self._sample, form.kind, form.uuid)
        self._begin_device(
            lambda turns: device_work(
                form.kind, form.uuid, turns, cards=cards, check_s=form.check_s, sustained_s=form.sustained_s,
                journals=self.context.paths.benchmarks,
            ),
            cards,
        )  # fmt: skip

    def _resume(self, one: Unfinished) -> None:
        cards = cards_of(self._sample, "cuda", one.begun.uuid)
        self._begin_device(lambda turns: resumed_work(one, turns, cards), cards)

    def keep_llama(self, path: str) -> None:
        """Keep what llama-bench measured."""

        async def keep() -> None:
            try:
                count = await asyncio.to_thread(keep_llama_bench, self.runner.store, Path(path))
            except RanvierError as error:
                self.bar.failed(error)
            else:
                self.bar.say(f"{count_text(count, 'result')} of llama-bench kept.")
                await self._read_records()
            self._show_bar()

        self.context.run(keep(), "llama-bench")

    def _discard(self, one: Unfinished) -> None:
        self.device.show_unfinished(None)
        self._drop(Journal(one.path, one.begun.at))

    def _discard_sweep(self, one: UnfinishedSweep) -> None:
        self.serving.show_unfinished(None)
        self._drop(SweepJournal(self.context.paths.benchmarks, one.begun.at))

    def _drop(self, journal: Journal | SweepJournal) -> None:
        self._look_number += 1

        async def discard() -> None:
            await asyncio.to_thread(journal.drop)
            await self._read_unfinished()

        self.context.run(discard(), "discard a run")

    def _begin_device(self, work_of: Callable[[Turns], Work], cards: Sequence[str]) -> None:
        """Run alone on ``cards``, or as the person says where a miner has one of them."""
        folder = self.context.paths.benchmarks / "locks"
        alone, shared = work_of(Turns(folder, self._users)), work_of(Turns(folder))
        users = users_words(self._status, cards)
        cost = cost_words(self._status)
        if users is None:
            self._begin(alone, self._told_device, self.device_view, cost)
            return
        words = f"{users} has this GPU: the two would measure each other. {cost or ''}".strip()
        self._begin(shared, self._told_device, self.device_view, words, waiting=alone)

    async def _users(self, uuids: Sequence[str]) -> str | None:
        """Whose miners have one of these cards, as the agent says now; without it, as it said last."""
        with contextlib.suppress(AgentError):
            self._heard(await self.context.client.call(GetStatus()))
        return users_words(self._status, uuids)

    def _begin(
        self,
        work: Work,
        told: Callable[[Any], None],
        view: RecordView,
        cost: str | None,
        waiting: Work | None = None,
    ) -> None:
        """Run, after a yes where it has a ``cost``; or run ``waiting``, which waits until it has none."""

        def go(chosen: Work) -> None:
            if not self.runner.busy:
                self.context.run(self._run(chosen, told, view), "benchmark")

        if cost is not None:
            self.bar.ask(cost, partial(go, work), None if waiting is None else partial(go, waiting))
            self._show_bar()
        else:
            go(work)

    async def _run(self, work: Work, told: Callable[[Any], None], view: RecordView) -> None:
        self._begun = time.monotonic()
        start = self.device.start if view is self.device_view else self.serving.start
        self.bar.progress("Warming up.")
        self._show_bar()
        if start.hasFocus():
            self.bar.cancel.setFocus()  # a keyboard ends it where it began it
        self._set_busy(True)
        record: Record | None = None
        back = False
        try:
            try:
                record = await self.runner.run(work, told)
            finally:
                back = self.bar.cancel.hasFocus()
            if record is None:
                await self._read_unfinished()
                offer = {"device": self.device.offer, "serving": self.serving.offer}.get(self.part)
                kept = offer is not None and offer.what is not None
                self.bar.say("Ended. It can go on from here." if kept else "Ended. Nothing was kept.")
            else:
                self.bar.clear()
                await self._show_result(view, record)
        except RanvierError as error:
            self.bar.failed(error)
        except BaseException:
            self.bar.clear()
            raise
        finally:
            self._set_busy(False)
            self._show_bar()
            if back:
                start.setFocus()
        await self._read_records()

    def cancel(self) -> None:
        """End the run now."""
        self.runner.cancel()

    async def _show_result(self, view: RecordView, record: Record) -> None:
        view.show_record(record)
        if record.sweep is not None and not view.knee.loaded:
            await view.knee.load()

    def _set_busy(self, busy: bool) -> None:
        self.serving.set_busy(busy)
        self.device.set_busy(busy)

    def _told_serving(self, requests: int | None) -> Callable[[ServingProgress], None]:
        """``requests``: how many there will be; None of a sweep."""
        steps: list[LoadResult] = []

        def told(progress: ServingProgress) -> None:
            if progress.step is not None:
                steps.append(progress.step)
            words = progress_words(progress, time.monotonic() - self._begun)
            if steps:
                words = f"{', '.join(step_words(step) for step in steps[-3:])}. Next: {words}"
            self.bar.progress(words, progress.finished + progress.failed, requests)

        return told

    def _told_device(self, message: dict[str, Any]) -> None:
        seconds = time.monotonic() - self._begun
        if message.get("event") == "waiting":
            self.bar.progress(f"Waits for {message.get('for')}. It begins by itself when the GPU is free.")
            return
        if message.get("event") == "sustained":
            at, of = round(message["at"]), round(message["of"])
            rate = number_text(message["rate"], message["unit"])
            self.bar.progress(f"Sustained run, {at} of {of} s: {rate} now", at, of)
            return
        what = message.get("test") or "Measuring"
        self.bar.progress(f"{what}, {seconds:.0f} s", message.get("done"), message.get("of"))

    def _show_bar(self) -> None:
        self.status_card.setVisible(not self.bar.isHidden())
