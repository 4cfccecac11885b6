"""What mining costs: the cost book, one entry of it, and the electricity tariff with its times of use."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from ranvier.core.errors import LedgerError
from ranvier.core.units import parse_rao
from ranvier.ledger.cost_book import TAO, Cost, Tariff
from ranvier.ledger.costs import check_tariff
from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.models.costs import (
    KINDS,
    costs_model,
    day_text,
    parse_day,
    parse_fiat,
    parse_windows,
    plain_fiat,
    tariff_words,
    windows_text,
)
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.table import Table
from ranvier.ui.widgets.text import allow, button, label

_LIFE_MS = 3 * 365 * 86_400_000
_PPM_PER_PERCENT = 10_000
_MILLIWATTS = 1000
ADD, REMOVE, TARIFF = "add", "remove", "tariff"


class CostsDialog(Dialog):
    """The cost book. ``chosen`` is what to do next: (``add`` or ``tariff``, None), (``remove``, entry), or None."""

    def __init__(self, parent: QWidget, entries: Sequence[Cost], tariff: Tariff | None) -> None:
        super().__init__(parent, "Costs", yes="Close", no="")
        self.chosen: tuple[str, Cost | None] | None = None
        self.body.addWidget(
            label("Earnings are shown net of these. Registrations signed here are counted by themselves.", wrap=True)
        )
        self.table = Table(costs_model(), stretch=2)
        self.table.rows_model.set_rows(tuple(entries))
        self.table.setMinimumHeight(180)
        self.table.fit()
        self.empty = label("There is no entry yet.", "muted")
        self.body.addWidget(self.table if entries else self.empty, 1)
        row = QHBoxLayout()
        self.add = button("Add a cost…", lambda: self._choose(ADD))
        self.remove = button("Remove", self._remove)
        row.addWidget(self.add)
        row.addWidget(self.remove)
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addWidget(label(tariff_words(tariff), wrap=True))
        self.tariff = button("Electricity tariff…", lambda: self._choose(TARIFF))
        line = QHBoxLayout()
        line.addWidget(self.tariff)
        line.addStretch(1)
        self.body.addLayout(line)
        self.table.picked.connect(self._picked)
        self._picked(None)
        fit(self, 900)

    def _picked(self, row: Cost | None) -> None:
        allow(self.remove, None if row is not None else "Choose an entry first.")

    def _remove(self) -> None:
        self._choose(REMOVE, self.table.current_row())

    def _choose(self, what: str, cost: Cost | None = None) -> None:
        self.chosen = (what, cost)
        self.accept()


class CostDialog(Dialog):
    """One entry; ``cost`` is it, after it was accepted."""

    def __init__(self, parent: QWidget, currency: str) -> None:
        super().__init__(parent, "Add a cost", yes="Add")
        self.cost: Cost | None = None
        self.kind = QComboBox()
        self.kind.setAccessibleName("Kind")
        self.kind.setMinimumHeight(32)
        for key, words in KINDS:
            self.kind.addItem(words, key)
        today = time.time_ns() // 1_000_000
        self.name = Field("What it is", lambda text: None if text.strip() else "Give it a name.", hint="“RTX 4090”")
        self.amount = Field("Amount", self._amount_check, hint="")
        self.currency = Field("Currency", _currency_check, hint="Three letters like EUR, or TAO.", text=currency)
        self.start = Field("From (UTC date)", _day_check, text=day_text(today))
        self.end = Field("Until", self._end_check, text=day_text(today + _LIFE_MS))
        self.rest = Field("Worth at the end", self._rest_check, hint="What it can still be sold for.", text="0")
        self.proof = Field("Proof, if there is one", lambda _: None, hint="An invoice number, or block and event.")
        self.body.addWidget(self.kind)
        for field in (self.name, self.amount, self.currency, self.start, self.end, self.rest, self.proof):
            self.body.addWidget(field)
        self.currency.changed.connect(self.amount.draw_again)
        self.amount.changed.connect(self.rest.draw_again)
        self.kind.currentIndexChanged.connect(lambda _: self._changed())
        self._changed()
        fit(self, 520)
        self.name.input.setFocus()

    def _changed(self) -> None:
        kind = self.kind.currentData()
        self.amount.name.setText("Amount a month" if kind == "rent" else "Amount")
        self.end.name.setText("Used until" if kind == "hardware" else "Until (empty: it goes on)")
        self.end.setVisible(kind in ("hardware", "rent"))
        self.rest.setVisible(kind == "hardware")
        if kind == "rent":
            self.end.start_anew()
        for field in (self.end, self.rest):
            field.draw_again()

    def submitted(self) -> None:
        kind = self.kind.currentData()
        fields = [self.name, self.amount, self.currency, self.start]
        fields += [self.end] if kind in ("hardware", "rent") else []
        fields += [self.rest] if kind == "hardware" else []
        if not _insist(fields):
            return
        end = self.end.text().strip() if kind in ("hardware", "rent") else ""
        self.cost = Cost(
            id=uuid.uuid4().hex,
            kind=kind,
            name=self.name.text().strip(),
            from_ms=parse_day(self.start.text()),
            to_ms=parse_day(end) if end else None,
            currency=self._code(),
            amount=self._parsed(self.amount.text()),
            rest=self._parsed(self.rest.text()) if kind == "hardware" else 0,
            proof=self.proof.text().strip(),
        )
        self.accept()

    def _code(self) -> str:
        return self.currency.text().strip().upper()

    def _parsed(self, text: str) -> int:
        return parse_rao(text) if self._code() == TAO else parse_fiat(text)

    def _amount_check(self, text: str) -> str | None:
        try:
            return None if self._parsed(text) > 0 else "The amount must be more than zero."
        except ValueError:
            return "Write an amount such as 1200 or 0.25."

    def _rest_check(self, text: str) -> str | None:
        try:
            rest = self._parsed(text)
        except ValueError:
            return "Write an amount such as 300, or 0."
        return None if self._amount_check(self.amount.text()) or rest <= self._parsed(self.amount.text()) else (
            "It cannot be worth more than it cost."
        )  # fmt: skip

    def _end_check(self, text: str) -> str | None:
        if not text.strip():
            return None if self.kind.currentData() == "rent" else "Until when is it used?"
        problem = _day_check(text) or _day_check(self.start.text())
        if problem is None and parse_day(text) <= parse_day(self.start.text()):
            problem = "The end has to come after the beginning."
        return problem


class TariffDialog(Dialog):
    """The tariff; ``tariff`` is it after it was accepted, None when electricity shall not be counted."""

    def __init__(self, parent: QWidget, tariff: Tariff | None, currency: str) -> None:
        super().__init__(parent, "Electricity tariff", yes="Keep")
        self.tariff = tariff
        old = tariff or Tariff(currency, 0, zone=_here())
        self.body.addWidget(
            label(
                "Energy is measured by the graphics cards and processors that tell their watts, hour by hour.",
                wrap=True,
            )
        )
        price = plain_fiat(old.micro_per_kwh) if tariff else ""
        self.price = Field(
            "Price of a kWh", _price_check, hint="Such as 0.31; empty: do not count electricity.", text=price
        )
        self.currency = Field("Currency", _currency_check, text=old.currency)
        self.zone = Field("Time zone", lambda text: None if text.strip() else "Such as Europe/Berlin.", text=old.zone)
        self.extra = Field(
            "Watts of the machine that nothing measures", _whole_check, text=str(old.extra_mw // _MILLIWATTS),
            hint="Board, fans, disks, screen. Counted while the machine is measured.",
        )  # fmt: skip
        self.loss = Field(
            "Loss of the power supply, in percent", _percent_check, hint="About 10 for an ordinary one.",
            text=plain_fiat((old.factor_ppm - 1_000_000) * 100),
        )  # fmt: skip
        for field in (self.price, self.currency, self.zone, self.extra, self.loss):
            self.body.addWidget(field)
        name = label("Other prices by time of day, one line each")
        self.windows = QPlainTextEdit(windows_text(old.windows))
        self.windows.setPlaceholderText("22:00-06:00 0.21\n08:00-20:00 0.38 Mo-Fr")
        self.windows.setFixedHeight(84)
        self.windows.setTabChangesFocus(True)
        self.windows.setAccessibleName(name.text())
        name.setBuddy(self.windows)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(name)
        column.addWidget(self.windows)
        column.addWidget(label("The first line that fits counts. A time over midnight is one line.", "small"))
        self.body.addLayout(column)
        fit(self, 520)
        self.price.input.setFocus()

    def submitted(self) -> None:
        if not self.price.text().strip():
            self.tariff = None
            self.accept()
            return
        if not _insist((self.price, self.currency, self.zone, self.extra, self.loss)):
            return
        try:
            tariff = Tariff(
                currency=self.currency.text().strip().upper(),
                micro_per_kwh=parse_fiat(self.price.text()),
                windows=parse_windows(self.windows.toPlainText()),
                zone=self.zone.text().strip(),
                extra_mw=int(self.extra.text()) * _MILLIWATTS,
                factor_ppm=1_000_000 + parse_fiat(self.loss.text()) // 100,
            )
            check_tariff(tariff)
        except ValueError as error:
            self.problem(str(error))
            return
        except LedgerError as error:
            self.problem(f"{error.message} {error.hint}".strip())
            return
        self.tariff = tariff
        self.accept()


def _insist(fields: Sequence[Field]) -> bool:
    """Every field says what is wrong with it, not only the first."""
    good = [field.insist() for field in fields]
    return all(good)


def _here() -> str:
    """The name of this machine's time zone where it tells one."""
    if os.environ.get("TZ"):
        return os.environ["TZ"].lstrip(":")
    try:
        _, found, name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")
    except OSError:
        return "UTC"
    return name if found else "UTC"


def _currency_check(text: str) -> str | None:
    code = text.strip()
    return None if 3 <= len(code) <= 5 and code.isascii() and code.isalpha() else "Three letters, like EUR or USD."


def _day_check(text: str) -> str | None:
    try:
        parse_day(text)
    except ValueError:
        return "Write a date like 2026-01-31."
    return None


def _price_check(text: str) -> str | None:
    try:
        return None if not text.strip() or parse_fiat(text) >= 0 else "Write a price such as 0.31."
    except ValueError:
        return "Write a price such as 0.31."


def _whole_check(text: str) -> str | None:
    return None if text.isdecimal() and int(text) <= 100_000 else "A whole number of watts, such as 60."


def _percent_check(text: str) -> str | None:
    try:
        return None if 0 <= parse_fiat(text) <= 50_000_000 else "Between 0 and 50."
    except ValueError:
        return "Write a number such as 10."
