"""What the Earnings page shows: which measure, by subnet or miner, how large the slots, which range, summed or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QButtonGroup, QComboBox, QHBoxLayout, QPushButton, QWidget

from ranvier.ui.models.stake import subnet_text
from ranvier.ui.widgets.text import button

RANGES = (("24 hours", 1), ("7 days", 7), ("30 days", 30), ("Year", 365), ("All", None))
SIZES = ("epoch", "day", "week", "month")
_EPOCHS_UP_TO_DAYS = 30  # more would be too many bars to tell apart


class EarningChoices(QWidget):
    """``ask`` is called when other data are needed, ``draw`` when the same are to be drawn otherwise."""

    def __init__(self, ask: Callable[[], None], draw: Callable[[], None]) -> None:
        super().__init__()
        self._ask = ask
        self.days: int | None = 7
        self.slot = "day"
        row, self._what = _row_of_its_own()
        self.measure = QComboBox()
        self.measure.setAccessibleName("What the chart shows")
        self.measure.addItem("TAO, value then", None)
        self.measure.currentIndexChanged.connect(lambda _: draw())
        self.group = QComboBox()
        self.group.setAccessibleName("What has a colour of its own")
        self.group.addItem("By subnet", False)
        self.group.addItem("By miner", True)
        self.group.currentIndexChanged.connect(lambda _: ask())
        self.sum_button = _choice("Summed up")
        self.sum_button.toggled.connect(lambda _: draw())
        for box in (self.measure, self.group):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for widget in (self.measure, self.group, self.sum_button):
            row.addWidget(widget)
        row, self._times = _row_of_its_own()
        sizes = QButtonGroup(self)
        self.size_buttons: dict[str, QPushButton] = {}
        for size in SIZES:
            choice = _choice(size.capitalize())
            choice.setChecked(size == self.slot)
            choice.toggled.connect(lambda on, size=size: self._choose_size(size) if on else None)
            sizes.addButton(choice)
            row.addWidget(choice)
            self.size_buttons[size] = choice
        row.addSpacing(14)
        ranges = QButtonGroup(self)
        self.range_buttons: dict[int | None, QPushButton] = {}
        for name, days in RANGES:
            choice = _choice(name)
            choice.setChecked(days == self.days)
            choice.toggled.connect(lambda on, days=days: self._choose_range(days) if on else None)
            ranges.addButton(choice)
            row.addWidget(choice)
            self.range_buttons[days] = choice
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._both.setContentsMargins(0, 0, 0, 0)
        self._both.setSpacing(8)
        self._both.addWidget(self._what, 0, Qt.AlignmentFlag.AlignLeft)
        self._both.addStretch(1)
        self._both.addWidget(self._times, 0, Qt.AlignmentFlag.AlignLeft)
        self._allow()

    def minimumSizeHint(self) -> QSize:
        """As narrow as the wider half."""
        halves = [half.minimumSizeHint() for half in (self._what, self._times)]
        return QSize(max(half.width() for half in halves), self._both.minimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """One line where both halves fit beside each other, otherwise two."""
        super().resizeEvent(event)
        together = self._what.sizeHint().width() + self._times.sizeHint().width() + self._both.spacing()
        wide = QBoxLayout.Direction.LeftToRight if together <= self.width() else QBoxLayout.Direction.TopToBottom
        if wide is not self._both.direction():
            self._both.setDirection(wide)

    @property
    def netuid(self) -> int | None:
        """The subnet whose alpha is shown; None for TAO."""
        found: int | None = self.measure.currentData()
        return found

    @property
    def by_miner(self) -> bool:
        return bool(self.group.currentData())

    @property
    def summed(self) -> bool:
        return self.sum_button.isChecked()

    def state(self) -> tuple[object, ...]:
        """What was asked for, to tell whether an answer still fits."""
        return (self.days, self.slot, self.by_miner)

    def period(self) -> str:
        """``7 days``."""
        return next(name for name, days in RANGES if days == self.days).lower()

    def offer(self, netuids: Sequence[int], names: dict[int, str]) -> None:
        """The subnets whose alpha can be shown; what was chosen stays if it is among them."""
        known = [self.measure.itemData(place) for place in range(1, self.measure.count())]
        if list(netuids) == known:
            return
        chosen = self.netuid
        self.measure.blockSignals(True)
        while self.measure.count() > 1:
            self.measure.removeItem(1)
        for netuid in netuids:
            self.measure.addItem(f"Alpha of subnet {subnet_text(netuid, names.get(netuid))}", netuid)
        places = {netuid: place for place, netuid in enumerate(netuids, start=1)}
        self.measure.setCurrentIndex(0 if chosen is None else places.get(chosen, 0))
        self.measure.blockSignals(False)

    def _choose_range(self, days: int | None) -> None:
        self.days = days
        if self.slot == "epoch" and (days is None or days > _EPOCHS_UP_TO_DAYS):
            self.size_buttons["day"].setChecked(True)  # asks by itself
            self._allow()
            return
        self._allow()
        self._ask()

    def _choose_size(self, size: str) -> None:
        self.slot = size
        self._ask()

    def _allow(self) -> None:
        few = self.days is not None and self.days <= _EPOCHS_UP_TO_DAYS
        self.size_buttons["epoch"].setEnabled(few)
        self.size_buttons["epoch"].setToolTip("" if few else "Single epochs are shown for 30 days at most.")


def _row_of_its_own() -> tuple[QHBoxLayout, QWidget]:
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    return row, whole


def _choice(text: str) -> QPushButton:
    choice = button(text)
    choice.setCheckable(True)
    return choice
