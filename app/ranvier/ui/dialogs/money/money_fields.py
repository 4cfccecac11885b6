"""The parts of a form about money, declared as data; ``money_parts`` makes the input of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ranvier.ui.dialogs.money.money_ground import Ground, Option, Room

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spec:
    """``key`` names the answer. ``shown`` says whether it is asked at all, given the answers before it."""

    key: str
    name: str
    hint: str = ""
    shown: Callable[[Answers], bool] | None = None


Options = Callable[[Ground, Answers], Sequence[Option]]


@dataclass(frozen=True, slots=True)
class Choice(Spec):
    """One of a list. ``none`` is what is said when the list is empty."""

    options: Options = lambda ground, answers: ()
    none: str = "There is none to choose."


@dataclass(frozen=True, slots=True)
class Address(Spec):
    """One of one's own addresses, or any that is typed. ``empty``: none is chosen at first, because what goes there
    does not come back."""

    options: Options = lambda ground, answers: ()
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Amount(Spec):
    """Rao, typed in coins. ``all_name`` is the button's text; ``least`` may be zero."""

    room: Callable[[Ground, Answers], Room] = lambda ground, answers: Room(None, None, "TAO")
    all_name: str = "All"
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Percent(Spec):
    """Millionths, typed in percent."""

    start: str = "0.5"


@dataclass(frozen=True, slots=True)
class Words(Spec):
    """Text; ``check`` says what is wrong with it."""

    check: Callable[[str], str | None] = lambda text: None
    start: str = ""


@dataclass(frozen=True, slots=True)
class Whole(Spec):
    """A whole number from ``least`` to ``most``."""

    least: int = 1
    most: int = 100
    start: str = ""

    def problem(self, text: str) -> str | None:
        """Why the text is no such number, or None."""
        fine = text.strip().isascii() and text.strip().isdigit() and self.least <= int(text.strip()[:9]) <= self.most
        return None if fine else f"A whole number from {self.least} to {self.most}."


@dataclass(frozen=True, slots=True)
class Tick(Spec):
    """Yes or no."""

    start: bool = False
