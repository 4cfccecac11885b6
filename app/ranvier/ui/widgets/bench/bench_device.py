"""The Device part: which device, a check of seconds or a long run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout

from ranvier.benchmark.journal import Unfinished
from ranvier.core.evidence import age_text
from ranvier.hardware.snapshot import Hardware
from ranvier.ui.models.benchmarks import Torch, devices
from ranvier.ui.widgets.bench.bench_form import Choice, Fields, Number, named
from ranvier.ui.widgets.bench.offer import Offer
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.text import allow, button, label

_CHECK_S = 20.0
_WORDS = {
    "cuda": "Memory bandwidth, fp32 and tensor-core peaks by the CUDA driver. A miner that runs on the GPU "
    "answers late meanwhile.",
    "wgpu": "Bandwidth and matrix rate by shaders, without tensor cores: says that a card is alive, right and not "
    "slowed down, not what inference gets. Needs the optional wgpu package.",
    "torch": "The matrix library of the miner's own environment: what its programs get. It runs that environment's own "
    "Python, on the miner's card.",
    "cpu": "Memory bandwidth and matrix rate of the processor, for nodes without a GPU. A machine that does something "
    "else measures that too.",
}


class DeviceForm(Card):
    """``wanted`` is sent by the button; ``go_on`` and ``discarded`` with the unfinished run that is offered;
    ``llama_chosen`` with a file that llama-bench wrote."""

    wanted = Signal()
    go_on = Signal(object)
    discarded = Signal(object)
    llama_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__("Measure a device")
        self._busy = False
        self.device = Choice()
        self.length = Choice()
        self.length.set_entries([("Check, 20 s", 0), ("Sustained run", 1)])
        self.minutes = Number(10, 1, 120, "min")
        self.meaning = label("", "muted", wrap=True)
        self.changed = label("", wrap=True)
        self.changed.hide()
        self.offer = Offer()
        self.offer.go_on.connect(self.go_on.emit)
        self.offer.discarded.connect(self.discarded.emit)
        self.start = button("Run", self.wanted.emit, kind="primary")
        self._length_box = named("How long", self.length)
        self._minutes_box = named("Sustained for", self.minutes)
        self.fields = Fields((named("Device", self.device), 2), (self._length_box, 1), (self._minutes_box, 1))
        self.add(self.fields)
        self.add(self.changed)
        self.add(self.offer)
        foot = QHBoxLayout()
        foot.addWidget(self.meaning, 1)
        self.llama = button(
            "Keep a llama-bench result",
            self._ask_llama,
            kind="quiet",
            tip="A file that llama-bench wrote: JSON, CSV or Markdown",
        )
        foot.addWidget(self.llama)
        foot.addWidget(self.start)
        self.body.addLayout(foot)
        self._chosen = False
        self.device.activated.connect(lambda _index: self._choose_by_hand())
        self.device.currentIndexChanged.connect(lambda _index: self._draw())
        self.length.currentIndexChanged.connect(lambda _index: self._draw())
        self.show_hardware(None)

    def show_hardware(self, sample: Hardware | None, torch: Sequence[Torch] = ()) -> None:
        """What can be measured; ``torch``: the miners' environments that have it."""
        self._torch = {str(one.python): one for one in torch}
        self.device.set_entries([(words, (kind, uuid)) for words, kind, uuid in devices(sample, torch)])
        if not self._chosen and not self._busy:
            self.device.setCurrentIndex(0)  # the GPU that was not known yet, not the processor
        self._draw()

    def show_changes(self, changes: Sequence[str]) -> None:
        """What has changed since a device was measured last: a reason to measure it again."""
        self.changed.setText("\n".join(changes))
        self.changed.setVisible(bool(changes))

    def show_unfinished(self, one: Unfinished | None, name: str = "") -> None:
        """A long run of ``name`` that was cut off: going on is offered."""
        words = ""
        if one is not None:
            whole, done = one.begun.sustained_s / 60, one.done_s / 60
            words = (
                f"The sustained run of {name} was cut off {age_text(one.ended, time.time())}, after {done:.1f} of "
                f"{whole:.0f} min. What it measured is kept."
            )
        self.offer.offer(one, words)
        self._draw()

    def set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._draw()

    def choose(self, kind: str) -> None:
        """Choose the first device of this kind."""
        for place in range(self.device.count()):
            if self.device.itemData(place)[0] == kind:
                self.device.setCurrentIndex(place)
                self._chosen = True
                return

    @property
    def kind(self) -> str:
        return str(self.device.currentData()[0])

    @property
    def uuid(self) -> str | None:
        found = self.device.currentData()[1]
        return None if found is None else str(found)

    @property
    def torch(self) -> Torch | None:
        """The environment that is chosen, where one is."""
        return self._torch.get(self.uuid or "") if self.kind == "torch" else None

    @property
    def check_s(self) -> float:
        return _CHECK_S

    @property
    def sustained_s(self) -> float:
        """Seconds of the long run; 0 without one."""
        long_one = self.kind == "cuda" and self.length.currentData() == 1
        return 60.0 * self.minutes.value() if long_one else 0.0

    def _draw(self) -> None:
        self._length_box.setVisible(self.kind == "cuda")
        self._minutes_box.setVisible(self.kind == "cuda" and self.length.currentData() == 1)
        self.fields.arrange()
        self.meaning.setText(_WORDS[self.kind])
        allow(self.start, "A benchmark is running." if self._busy else None)
        self.offer.set_busy(self._busy)

    def _choose_by_hand(self) -> None:
        self._chosen = True

    def _ask_llama(self) -> None:
        dialog = QFileDialog(
            self, "A result of llama-bench", "", "llama-bench (*.json *.jsonl *.csv *.md *.txt);;All files (*)"
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.llama_chosen.emit)
        dialog.open()
