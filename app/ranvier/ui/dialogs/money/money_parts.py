"""The inputs of a form about money: each with its name above and its problem right below, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ranvier.core.units import RAO_PER_COIN, format_rao, parse_rao
from ranvier.ui.dialogs.money.money_fields import Address, Amount, Answers, Choice, Percent, Spec, Tick, Whole, Words
from ranvier.ui.dialogs.money.money_ground import Ground, Option, Room, plain_rao
from ranvier.ui.dialogs.wallets.watch_only import address_check
from ranvier.ui.widgets.fields import Field
from ranvier.ui.widgets.text import button, label, restyle

_PPM_PER_PERCENT = 10_000
_MOST_PERCENT = 50


class Part(QWidget):
    """One input. ``value`` is None while ``problem`` says what is wrong with it; ``asked``: it is part of the form as
    it is filled in now."""

    changed = Signal()

    def __init__(self, spec: Spec, ground: Ground) -> None:
        super().__init__()
        self.spec, self.ground, self.asked = spec, ground, True
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(4)

    def value(self) -> Any:
        raise NotImplementedError

    def problem(self) -> str | None:
        return None

    def insist(self) -> bool:
        """Show the problem, if there is one, and take the focus; False then."""
        return True

    def begin(self, value: Any) -> None:
        """Begin with this value."""

    def refresh(self, answers: Answers) -> None:
        """The answers before this one have changed."""

    def target(self) -> QWidget:
        """What takes the focus."""
        raise NotImplementedError


class _BoxPart(Part):
    """A list to choose from, with its name above and a note below."""

    def __init__(self, spec: Spec, ground: Ground) -> None:
        super().__init__(spec, ground)
        self.options: list[Option] = []
        self.box = _box(spec.name)
        self.note = label(spec.hint, "small", wrap=True)
        name = label(spec.name)
        name.setBuddy(self.box)
        for widget in (name, self.box, self.note):
            self.column.addWidget(widget)

    def target(self) -> QWidget:
        return self.box

    def _fill(self, options: list[Option]) -> None:
        self.options = options
        self.box.clear()
        for one in options:
            self.box.addItem(one.words)


class ChoicePart(_BoxPart):
    spec: Choice

    def __init__(self, spec: Choice, ground: Ground) -> None:
        super().__init__(spec, ground)
        self.box.currentIndexChanged.connect(lambda _: self.changed.emit())

    def refresh(self, answers: Answers) -> None:
        options = list(self.spec.options(self.ground, answers))
        if options != self.options or not options:
            before = self.value()
            self.box.blockSignals(True)
            self._fill(options)
            self.begin(before)
            self.box.blockSignals(False)
        self.box.setEnabled(bool(options))
        self.note.setText(self.spec.hint if options else self.spec.none)
        restyle(self.note, "role", "small" if options else "problem")
        self.note.setVisible(bool(self.note.text()))

    def begin(self, value: Any) -> None:
        place = next((n for n, one in enumerate(self.options) if one.value == value), 0)
        self.box.setCurrentIndex(place if self.options else -1)

    def value(self) -> Any:
        place = self.box.currentIndex()
        return self.options[place].value if 0 <= place < len(self.options) else None

    def problem(self) -> str | None:
        return None if self.options else self.spec.none

    def insist(self) -> bool:
        return bool(self.options)


class AddressPart(_BoxPart):
    spec: Address

    def __init__(self, spec: Address, ground: Ground) -> None:
        super().__init__(spec, ground)
        self._touched = False
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.setCompleter(None)  # type: ignore[arg-type]  # Qt takes none, the stub does not
        edit = self.box.lineEdit()
        assert edit is not None
        edit.setPlaceholderText("Choose one of yours, or type an address")
        edit.setAccessibleName(spec.name)
        self.box.currentTextChanged.connect(lambda _: self._typed())

    def refresh(self, answers: Answers) -> None:
        options = list(self.spec.options(self.ground, answers))
        if options != self.options:
            before, first = self.box.currentText(), not self.options and not self._touched
            chosen = self.value()
            self.box.blockSignals(True)
            self._fill(options)
            if chosen is not None or (before and not first):
                self.begin(chosen if chosen is not None else before)
            else:
                self.box.setCurrentIndex(0 if options and not self.spec.empty else -1)
            self.box.blockSignals(False)
        self._draw()

    def begin(self, value: Any) -> None:
        place = next((n for n, one in enumerate(self.options) if one.value == value), None)
        if place is not None:
            self.box.setCurrentIndex(place)
        else:
            self.box.setCurrentIndex(-1)
            self.box.setEditText(str(value))

    def value(self) -> Any:
        text = self.box.currentText()
        known = next((one.value for one in self.options if one.words == text), None)
        if known is not None:
            return known
        return "".join(text.split()) if address_check(text) is None else None

    def problem(self) -> str | None:
        text = self.box.currentText()
        return None if any(one.words == text for one in self.options) else address_check(text)

    def insist(self) -> bool:
        self._touched = True
        self._draw()
        if self.problem() is None:
            return True
        self.box.setFocus()
        return False

    def _typed(self) -> None:
        self._touched = True
        self._draw()
        self.changed.emit()

    def _draw(self) -> None:
        problem = self.problem() if self._touched else None
        typed = problem is None and self.value() is not None and self._touched
        other = typed and all(one.value != self.value() for one in self.options)
        text = problem or (
            "A valid address, and none of yours: compare it letter by letter." if other else self.spec.hint
        )
        self.note.setText(text)
        restyle(self.note, "role", "problem" if problem else "small")
        self.note.setVisible(bool(text))


class _FieldPart(Part):
    """What is built round a ``Field``."""

    field: Field

    def problem(self) -> str | None:
        return self.field.problem()

    def insist(self) -> bool:
        return self.field.insist()

    def target(self) -> QWidget:
        return self.field.input

    def _place(self, field: Field) -> None:
        self.field = field
        self.column.addWidget(field)
        field.changed.connect(self.changed.emit)


class AmountPart(_FieldPart):
    spec: Amount

    def __init__(self, spec: Amount, ground: Ground) -> None:
        super().__init__(spec, ground)
        self._room = Room(None, None, "")
        self._place(Field(spec.name, self._check, hint=spec.hint))
        self.all = button(spec.all_name, self._take_all, tip="Everything that can be used")
        inner = self.field.layout()
        assert isinstance(inner, QVBoxLayout)
        inner.removeWidget(self.field.input)
        beside = QHBoxLayout()
        beside.setSpacing(8)
        beside.addWidget(self.field.input, 1)
        beside.addWidget(self.all)
        inner.insertLayout(1, beside)
        self.room_note = label("", "small", wrap=True)
        self.column.addWidget(self.room_note)

    def refresh(self, answers: Answers) -> None:
        self._room = room = self.spec.room(self.ground, answers)
        self.field.name.setText(f"{self.spec.name}, in {room.unit}")
        self.all.setVisible(room.all_rao is not None)
        self.room_note.setText(room.note)
        self.room_note.setVisible(bool(room.note))
        self.field.draw_again()

    def begin(self, value: Any) -> None:
        self.field.input.setText(plain_rao(int(value)))

    def value(self) -> Any:
        return None if self.problem() is not None else parse_rao(self.field.text())

    def _take_all(self) -> None:
        self.field.input.setText(plain_rao(self._room.all_rao or 0))

    def _check(self, text: str) -> str | None:
        return amount_problem(text, self._room, zero=self.spec.zero)


class TextPart(_FieldPart):
    def __init__(
        self, spec: Spec, ground: Ground, check: Callable[[str], str | None], read: Callable[[str], Any], start: str
    ) -> None:
        super().__init__(spec, ground)
        self._read = read
        self._place(Field(spec.name, check, hint=spec.hint, text=start))

    def begin(self, value: Any) -> None:
        self.field.input.setText(str(value))

    def value(self) -> Any:
        return None if self.problem() is not None else self._read(self.field.text())


class TickPart(Part):
    spec: Tick

    def __init__(self, spec: Tick, ground: Ground) -> None:
        super().__init__(spec, ground)
        self.box = QCheckBox(spec.name)
        self.box.setChecked(spec.start)
        self.box.toggled.connect(lambda _: self.changed.emit())
        self.column.addWidget(self.box)
        if spec.hint:
            self.column.addWidget(label(spec.hint, "small", wrap=True))

    def begin(self, value: Any) -> None:
        self.box.setChecked(bool(value))

    def value(self) -> Any:
        return self.box.isChecked()

    def target(self) -> QWidget:
        return self.box


def part_of(spec: Spec, ground: Ground) -> Part:
    """The input that asks for what ``spec`` declares."""
    match spec:
        case Choice():
            return ChoicePart(spec, ground)
        case Address():
            return AddressPart(spec, ground)
        case Amount():
            return AmountPart(spec, ground)
        case Percent():
            return TextPart(spec, ground, percent_problem, percent_ppm, spec.start)
        case Words():
            return TextPart(spec, ground, spec.check, str.strip, spec.start)
        case Whole():
            return TextPart(spec, ground, spec.problem, lambda text: int(text.strip()), spec.start)
        case Tick():
            return TickPart(spec, ground)
    raise TypeError(f"no input for {type(spec).__name__}")


def amount_problem(text: str, room: Room, *, zero: bool = False) -> str | None:
    """Why this amount cannot be, or None."""
    try:
        rao = parse_rao(text)
    except ValueError:
        return "Write an amount such as 1.5, with at most nine decimals."
    if rao <= 0 and not zero:
        return "The amount must be more than zero."
    if room.most_rao is not None and rao > room.most_rao:
        return f"That is more than there is: {format_rao(room.most_rao)} {room.unit}."
    return None


def percent_problem(text: str) -> str | None:
    """Why this percentage cannot be, or None."""
    try:
        fine = 0 <= parse_rao(text) <= _MOST_PERCENT * RAO_PER_COIN
    except ValueError:
        return "Write a number such as 0.5."
    return None if fine else f"At most {_MOST_PERCENT} percent."


def percent_ppm(text: str) -> int:
    """Millionths in a percentage that was typed."""
    return parse_rao(text) * _PPM_PER_PERCENT // RAO_PER_COIN


def _box(name: str) -> QComboBox:
    box = QComboBox()
    box.setMinimumHeight(32)
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(20)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return box
