"""Does the ledger explain the position? The change between two blocks against pay and known operations.

Pure: two readings of a position, the rows between them, what else is known. What is left over is said, never hidden.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ranvier.core.units import RAO_PER_COIN, Alpha, format_alpha
from ranvier.ledger.coverage import Span, missing
from ranvier.ledger.payments import Payment
from ranvier.ledger.receipts import Operation

# The chain keeps stake as shares of a pool: each credit and each reading may lose a rao or two to rounding.
ROUNDING_RAO_EACH = 2
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """Alpha of one position at the end of a block; ``price_rao`` of one alpha then (None: not known)."""

    block: int
    alpha_rao: int
    price_rao: int | None = None


class Verdict(enum.StrEnum):
    """``unchecked``: blocks in between are not known, so that a difference says nothing."""

    EXACT = "exact"
    ROUNDING = "rounding"
    UNEXPLAINED = "unexplained"
    UNCHECKED = "unchecked"


class Seen(Protocol):
    """An event that names the position; ``alpha_rao`` None when it does not say how much."""

    @property
    def kind(self) -> str: ...
    @property
    def event_index(self) -> int: ...
    @property
    def alpha_rao(self) -> int | None: ...


class Step(Protocol):
    """The position's change in one block; ``epoch`` says whether the subnet's epoch was in it."""

    @property
    def block(self) -> int: ...
    @property
    def time_ms(self) -> int: ...
    @property
    def rao(self) -> int: ...
    @property
    def epoch(self) -> bool: ...
    @property
    def events(self) -> Sequence[Seen]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One reason for the change: how much, and how many facts."""

    what: str
    rao: int
    count: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """``change_rao`` == the sum of ``lines`` + ``unexplained_rao``, always.

    Values in rao of TAO, None without both prices: ``value_change_rao`` == ``amount_effect_rao`` (the change at the
    end's price) + ``price_effect_rao`` (what the price did to the rest).
    """

    change_rao: int
    lines: tuple[Line, ...]
    unexplained_rao: int
    verdict: Verdict
    sentence: str
    value_change_rao: int | None
    amount_effect_rao: int | None
    price_effect_rao: int | None


def explain(
    hotkey_ss58: str,
    coldkey_ss58: str,
    netuid: int,
    start: Reading,
    end: Reading,
    payments: Iterable[Payment],
    operations: Iterable[Operation],
    *,
    dividends: Sequence[tuple[int, int]] = (),
    covered: Iterable[Span] | None = None,
    steps: Iterable[Step] | None = None,
) -> Explanation:
    """Explain the change of (hotkey, coldkey, netuid) from the end of ``start.block`` to the end of ``end.block``.

    ``payments`` and ``operations`` may hold more than belongs here. ``dividends`` are known (block, rao).
    ``covered``: the blocks whose pay is known. ``steps``: every block in which the position changed, and what the
    chain's events say of it; then ``operations`` and ``dividends`` are taken from there.
    """
    if end.block < start.block:
        raise ValueError("the end comes before the start")
    inside = range(start.block + 1, end.block + 1)
    landed = [
        (row.block, rao)
        for row in payments
        if row.netuid == netuid and row.block in inside
        for rao in _landed(row, hotkey_ss58, coldkey_ss58)
    ]
    known = None if covered is None else list(covered)
    strange: tuple[int, ...] = ()
    place = (hotkey_ss58, coldkey_ss58, netuid)
    if steps is not None:
        operations, dividends, strange = attributed(place, (s for s in steps if s.block in inside), landed, known)
    lines = [
        _line("pay", [rao for _, rao in landed]),
        _line("dividends", [rao for block, rao in dividends if block in inside]),
    ]
    lines += [_line(kind, amounts) for kind, amounts in sorted(_by_kind(operations, place, inside).items())]
    lines = [line for line in lines if line.count]
    change = end.alpha_rao - start.alpha_rao
    rest = change - sum(line.rao for line in lines)
    blind = known is not None and bool(inside) and bool(missing((inside.start, inside.stop - 1), known))
    verdict = Verdict.UNEXPLAINED if strange else _verdict(rest, 1 + sum(line.count for line in lines), blind=blind)
    sentence = _strange(strange) if strange else _sentence(verdict, rest, netuid)
    return Explanation(change, tuple(lines), rest, verdict, sentence, *_values(start, end))


def _by_kind(operations: Iterable[Operation], place: tuple[str, str, int], inside: range) -> dict[str, list[int]]:
    """What happened to the position in these blocks, each event once."""
    found: dict[str, list[int]] = {}
    seen: set[tuple[int, int]] = set()
    for one in operations:
        ours = (one.hotkey_ss58, one.coldkey_ss58, one.netuid) == place
        if not ours or one.block not in inside or not one.alpha_rao:
            continue
        if one.event_index is not None:
            if (one.block, one.event_index) in seen:
                continue
            seen.add((one.block, one.event_index))
        found.setdefault(one.kind, []).append(one.alpha_rao)
    return found


def attributed(
    place: tuple[str, str, int], steps: Iterable[Step], landed: Iterable[tuple[int, int]], covered: list[Span] | None
) -> tuple[list[Operation], list[tuple[int, int]], tuple[int, ...]]:
    """Operations, dividends (block, rao), and the blocks whose change nothing explains.

    Of each step: pay is taken off, then what its events say with an amount; the rest belongs to the event without
    one (a move, a transfer, a swap, a fee in alpha), else to the epoch: dividends, which no event lists.
    """
    paid: dict[int, int] = {}
    for block, rao in landed:
        paid[block] = paid.get(block, 0) + rao
    found: list[Operation] = []
    dividends: list[tuple[int, int]] = []
    strange: list[int] = []
    hotkey, coldkey, netuid = place

    def note(step: Step, kind: str, index: int | None, rao: int) -> None:
        found.append(Operation(kind, step.block, index, step.time_ms, coldkey, hotkey, netuid, rao, 0))

    for step in steps:
        rest = step.rao - paid.get(step.block, 0)
        for seen in step.events:
            if seen.alpha_rao is not None:
                note(step, seen.kind, seen.event_index, seen.alpha_rao)
                rest -= seen.alpha_rao
        silent = next((seen for seen in step.events if seen.alpha_rao is None), None)
        if abs(rest) <= ROUNDING_RAO_EACH * (1 + len(step.events)):
            continue
        if silent is not None:
            note(step, silent.kind, silent.event_index, rest)
        elif step.epoch and rest > 0 and (covered is None or missing((step.block, step.block), covered)):
            note(step, "pay and dividends, not told apart", None, rest)
        elif step.epoch and rest > 0:
            dividends.append((step.block, rest))
        else:
            strange.append(step.block)
    return found, dividends, tuple(strange)


def _landed(row: Payment, hotkey: str, coldkey: str) -> list[int]:
    """What of a payment came to this position: what the lock took stays on the miner, the rest goes where it goes.

    A row without its fate (of an older version) is taken to have landed on its own hotkey.
    """
    if row.coldkey_ss58 not in (None, coldkey):
        return []
    captured = row.captured_rao or 0
    parts = []
    if captured and row.hotkey_ss58 == hotkey:
        parts.append(captured)
    if row.alpha_rao > captured and (row.destination_ss58 or row.hotkey_ss58) == hotkey:
        parts.append(row.alpha_rao - captured)
    return parts


def _line(what: str, amounts: list[int]) -> Line:
    return Line(what, sum(amounts), len(amounts))


def _verdict(rest: int, facts: int, *, blind: bool) -> Verdict:
    if rest == 0 and not blind:
        return Verdict.EXACT
    if blind:
        return Verdict.UNCHECKED
    return Verdict.ROUNDING if abs(rest) <= ROUNDING_RAO_EACH * facts else Verdict.UNEXPLAINED


def _strange(blocks: Sequence[int]) -> str:
    named = ", ".join(str(block) for block in blocks[:_NAMED])
    more = f" and {len(blocks) - _NAMED} more" if len(blocks) > _NAMED else ""
    return f"The position changed in block {named}{more}, and no pay, event or epoch there says why."


def _sentence(verdict: Verdict, rest: int, netuid: int) -> str:
    amount = format_alpha(Alpha(abs(rest), netuid))
    words = {
        Verdict.EXACT: "Pay and known operations explain the change to the rao.",
        Verdict.ROUNDING: f"Explained but for {amount}: the chain's rounding of shares.",
        Verdict.UNCHECKED: f"Some blocks in between are not read yet; {amount} is not explained so far.",
        Verdict.UNEXPLAINED: (
            f"{amount} {'more' if rest > 0 else 'less'} than pay and known operations: something happened to this"
            " position outside of Ranvier, like a stake, a transfer or a swap by another tool."
        ),
    }
    return words[verdict]


def _values(start: Reading, end: Reading) -> tuple[int | None, int | None, int | None]:
    if end.price_rao is None or (start.price_rao is None and start.alpha_rao):
        return None, None, None
    before = start.alpha_rao * (start.price_rao or 0) // RAO_PER_COIN  # nothing is worth nothing at any price
    change = end.alpha_rao * end.price_rao // RAO_PER_COIN - before
    amount = (end.alpha_rao - start.alpha_rao) * end.price_rao // RAO_PER_COIN
    return change, amount, change - amount
