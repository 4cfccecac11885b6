"""The Serving part: which endpoint, how much load, which objective."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit

from ranvier.agent.api.messages import AgentStatus
from ranvier.benchmark.load import is_loopback
from ranvier.benchmark.objectives import DEFAULT, PRESETS, Objective, own
from ranvier.benchmark.plans import ServingPlan
from ranvier.benchmark.sweep_journal import UnfinishedSweep
from ranvier.core.evidence import age_text
from ranvier.hardware.snapshot import Hardware
from ranvier.ui.benchmarks import Watched
from ranvier.ui.models.benchmarks import Target, objective_words, targets
from ranvier.ui.widgets.bench.bench_form import Choice, Fields, Number, Rate, named
from ranvier.ui.widgets.bench.offer import Offer
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.text import allow, button, label

_SWEEP, _FIXED, _RATE = "sweep", "fixed", "rate"
_OWN = "own"
_LIMITS = (("ttft", "First token within", DEFAULT.ttft_ms), ("tpot", "Each token within", DEFAULT.tpot_ms),
           ("e2el", "Whole answer within", None))  # fmt: skip
_LONGEST_MS = 3_600_000
_AXON = (
    "A miner's axon may answer signed queries of validators only. If every request fails with 401, "
    "type the address of the model server behind it."
)


class ServingForm(Card):
    """``wanted`` is sent by the button; ``plan``, ``most`` and ``watched`` say what. ``go_on`` and ``discarded`` come
    with the unfinished sweep that is offered."""

    wanted = Signal()
    go_on = Signal(object)
    discarded = Signal(object)

    def __init__(self) -> None:
        super().__init__("Measure an endpoint")
        self._busy = self._met = False
        self.where = Choice()
        self.url = QLineEdit()
        self.url.setPlaceholderText("http://127.0.0.1:8000/v1")
        self.model = QLineEdit()
        self.model.setPlaceholderText("the server's first")
        self.mine = QCheckBox("This is another machine of mine, or I may put load on it")
        self.load = Choice()
        self.load.set_entries([("Sweep: 1, 2, 4, ... at once", _SWEEP), ("So many at once", _FIXED),
                               ("At random moments", _RATE)])  # fmt: skip
        self.most = Number(32, 1, 1024, "at once")
        self.rate = Rate(1.0, 0.1, 1000.0, "per second")
        self.requests = Number(40, 1, 10_000)
        self.seconds = Number(60, 5, 3600, "s")
        self.words_in = Number(100, 8, 100_000, "words")
        self.tokens_out = Number(128, 1, 32_768, "tokens")
        self.objective = Choice()
        self.objective.set_entries([*((preset.title, name) for name, preset in PRESETS.items()), ("Own limits", _OWN)])
        self.limits = {key: Number(int(first or 0), 0, _LONGEST_MS, "ms") for key, _name, first in _LIMITS}
        for limit in self.limits.values():
            limit.setSpecialValueText("any time")
        self.gpu = Choice()
        self.gpu.set_entries([("not watched", None)])
        self.meaning = label("", "small", wrap=True)
        self.axon = label(_AXON, "small", wrap=True)
        self.offer = Offer()
        self.offer.go_on.connect(self.go_on.emit)
        self.offer.discarded.connect(self.discarded.emit)
        self.start = button("Run", self.wanted.emit, kind="primary")
        self._most_box = named("How many", self.most)
        self._rate_box = named("Rate", self.rate)
        self._requests_box = named("Requests", self.requests)
        self._limit_boxes = [named(name, self.limits[key]) for key, name, _first in _LIMITS]
        self._build()
        self.where.currentIndexChanged.connect(lambda _index: self._place_chosen())
        self.load.currentIndexChanged.connect(lambda _index: self._draw())
        self.objective.currentIndexChanged.connect(lambda _index: self._draw())
        for limit in self.limits.values():
            limit.valueChanged.connect(lambda _value: self._draw())
        self.url.textChanged.connect(lambda _text: self._draw())
        self.mine.toggled.connect(lambda _on: self._draw())
        self.show_status(None)
        self._draw()

    def _build(self) -> None:
        self.fields = Fields(
            (named("Endpoint", self.where), 2), (named("Address", self.url), 2), (named("Model", self.model), 2),
            (named("Load", self.load), 2), (self._most_box, 1), (self._rate_box, 1), (self._requests_box, 1),
            (named("At most", self.seconds), 1), (named("GPU that serves", self.gpu), 1),
            (named("Objective", self.objective), 2), *((box, 1) for box in self._limit_boxes),
            (named("Question", self.words_in), 1), (named("Answer", self.tokens_out), 1),
        )  # fmt: skip
        self.add(self.fields)
        for widget in (self.mine, self.axon, self.offer):
            self.add(widget)
        foot = QHBoxLayout()
        foot.addWidget(self.meaning, 1)
        foot.addWidget(self.start)
        self.body.addLayout(foot)

    # --- what is known ---------------------------------------------------------------------------------------

    def show_status(self, status: AgentStatus | None) -> None:
        """The running miners as endpoints."""
        found: Sequence[Target] = targets(status)
        self.where.set_entries([*((one.title, one.url) for one in found), ("Another address", None)])
        if found and not self._met and not self.url.text():
            self._met = True  # a miner of this machine is what one measures first
            self.where.setCurrentIndex(0)

    def show_hardware(self, sample: Hardware) -> None:
        """The GPUs that can be watched."""
        gpus = [
            (f"GPU {g.index}", Watched(g.uuid, g.name))
            for g in sample.gpus
            if g.vendor == "nvidia" and g.parent_uuid is None
        ]
        self.gpu.set_entries([("not watched", None), *gpus])

    def show_unfinished(self, one: UnfinishedSweep | None) -> None:
        """A sweep that was cut off: going on is offered."""
        words = ""
        if one is not None:
            words = (
                f"The sweep of {one.begun.plan.base.url} was cut off {age_text(one.ended, time.time())}, after "
                f"{one.steps[-1].concurrency} at once. What it measured is kept."
            )
        self.offer.offer(one, words)

    def set_busy(self, busy: bool) -> None:
        """One benchmark at a time."""
        self._busy = busy
        self._draw()

    # --- what is wanted --------------------------------------------------------------------------------------

    def plan(self) -> ServingPlan:
        """The load that the form describes."""
        mode = self.load.currentData()
        return ServingPlan(
            url=self.url.text().strip(),
            model=self.model.text().strip() or None,
            requests=self.requests.value(),
            max_seconds=float(self.seconds.value()),
            concurrency=None if mode == _RATE else 1 if mode == _SWEEP else self.most.value(),
            rate=self.rate.value() if mode == _RATE else None,
            input_words=self.words_in.value(),
            output_tokens=self.tokens_out.value(),
            objective=self.objective_wanted(),
            seed=secrets.randbits(31),
            remote=not is_loopback(self.url.text().strip()) and self.mine.isChecked(),
        )

    def objective_wanted(self) -> Objective:
        """A preset, or the person's own limits."""
        if self.objective.currentData() != _OWN:
            return PRESETS[self.objective.currentData()]
        return own([f"{key}:{limit.value()}" for key, limit in self.limits.items() if limit.value()])

    def sweep_to(self) -> int | None:
        """The most open requests of a sweep; None for a single load."""
        return self.most.value() if self.load.currentData() == _SWEEP else None

    def watched(self) -> Watched | None:
        found = self.gpu.currentData()
        return found if isinstance(found, Watched) else None

    # --- state -----------------------------------------------------------------------------------------------

    def _place_chosen(self) -> None:
        url = self.where.currentData()
        self.url.setReadOnly(url is not None)
        if url is not None:
            self.url.setText(url)
        self._draw()

    def _draw(self) -> None:
        mode, url = self.load.currentData(), self.url.text().strip()
        self._most_box.setVisible(mode != _RATE)
        self._rate_box.setVisible(mode == _RATE)
        self._requests_box.setVisible(mode != _SWEEP)
        self.axon.setVisible(self.where.currentData() is not None)
        elsewhere = bool(url) and not is_loopback(url)
        self.mine.setVisible(elsewhere)
        for box in self._limit_boxes:
            box.setVisible(self.objective.currentData() == _OWN)
        self.fields.arrange()
        self.meaning.setText(_meaning(self.objective_wanted()))
        reason = "A benchmark is running." if self._busy else None
        if not url:
            reason = reason or "Type the address of an endpoint first."
        elif elsewhere and not self.mine.isChecked():
            reason = reason or "Load on other people's servers does harm: say that this one is yours."
        allow(self.start, reason)
        self.offer.set_busy(self._busy)


def _meaning(objective: Objective) -> str:
    """When a request and a load are good."""
    limits = objective_words(objective)
    if not (objective.ttft_ms or objective.tpot_ms or objective.e2el_ms):
        return "Without a limit, every request that is answered is good."
    share = f"A load keeps the objective when {100 * objective.share:.0f} of 100 requests are good."
    return f"A request is good with its {limits}. {share}"
