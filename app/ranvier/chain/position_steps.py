"""In which blocks a position changed, and what the chain's events say of it there: found without reading every block.

The position is read before and after each epoch; where it changed in between, the block is looked for by halving.
Two changes of one interval that cancel each other to the rao leave no trace there: the blocks in which its coldkey did
something (``own_moves``) are read besides, and told whatever they left.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ranvier.chain.epochs import epochs_down
from ranvier.chain.model import SUBTENSOR, BlockRef, Movement, Place
from ranvier.chain.movements import alpha_removed, movements, tells_without_fee
from ranvier.chain.pools import prices_each
from ranvier.chain.runtime.events import Event
from ranvier.chain.stakes import stake_each
from ranvier.core.errors import ChainError

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

# Each epoch is seven small requests (a public archive answers some hundred in a second), so this is minutes of asking.
MOST_EPOCHS = 10_000
_AT_ONCE = 128
_DRIFT_RAO = 2  # what other people's staking may move a share by, through rounding
# event -> the kind of operation, and where in its attributes the two ends are named
_BOTH_ENDS = {
    "StakeMoved": ("move", ((0, 1, 2), (0, 3, 4))),  # coldkey, hotkey, netuid: where it left and where it came
    "StakeTransferred": ("transfer", ((0, 2, 3), (1, 2, 4))),
    "StakeSwapped": ("swap", ((0, 1, 2), (0, 1, 3))),
}

_GONE = {"AlphaRecycled": "recycle", "AlphaBurned": "burn"}  # coldkey, hotkey, alpha, netuid


@dataclass(frozen=True, slots=True)
class Seen:
    """An event that names the position. ``alpha_rao`` is how much it says that came (or, negative, went); None: it
    does not say."""

    kind: str
    event_index: int
    alpha_rao: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """The position changed by ``rao`` in this block; ``epoch`` says whether the subnet's epoch was in it.

    ``movements`` are those of its coldkey in the transactions that changed it, also of other positions: where alpha
    went, or came from. ``price_rao`` is told with an epoch: of one alpha at that block.
    """

    block: int
    time_ms: int
    rao: int
    epoch: bool
    events: tuple[Seen, ...]
    movements: tuple[Movement, ...] = ()
    price_rao: int | None = None


async def position_steps(
    conn: Connection, place: Place, from_block: int, to_block: int, also: Collection[int] = ()
) -> tuple[Step, ...]:
    """The blocks after ``from_block`` up to ``to_block`` in which the position changed, and those named in ``also``
    even where it is the same before and after (pay that left at once), oldest first.

    Raises NetworkError, ChainError (a state that the node no longer keeps; too many epochs for one look).
    """
    epochs = await _epochs(conn, place[2], from_block, to_block)
    known = {at.number: at for pair in epochs.values() for at in pair}
    asked = {number for number in also if from_block < number <= to_block}
    beside = {one for number in asked for one in (number - 1, number)}
    numbers = sorted({from_block, to_block, *beside, *(number for number in known if number >= from_block)})
    held = await _read(conn, place, numbers, known)
    due = _apart(held, numbers)
    while due:
        middles = sorted({(low + high) // 2 for low, high in due})
        held |= await _read(conn, place, middles, {})
        due = [pair for low, high in due for pair in _apart(held, [low, (low + high) // 2, high])]
    marks = sorted(held)
    changed = [
        (after, held[after][1] - held[before][1])
        for before, after in itertools.pairwise(marks)
        if after == before + 1 and (after in asked or held[after][1] != held[before][1])
    ]
    return await _told(conn, place, [(held[block][0], rao) for block, rao in changed], epochs)


async def _epochs(
    conn: Connection, netuid: int, from_block: int, to_block: int
) -> dict[int, tuple[BlockRef, BlockRef]]:
    """The epochs after ``from_block``: by its height each one's block and the block before it."""
    found: dict[int, tuple[BlockRef, BlockRef]] = {}
    high = to_block
    while high > from_block:
        part = await epochs_down(conn, netuid, high, from_block + 1, _AT_ONCE)
        if part.trouble is not None:
            raise part.trouble
        found |= {at.number: (at, before) for at, before in part.epochs}
        high = part.low - 1
        if len(found) > MOST_EPOCHS:
            words = f"More than {MOST_EPOCHS:,} epochs lie between those blocks, and each has to be looked at."
            raise ChainError("Too long", words, "Ask for a shorter time.")
    return found


async def _read(
    conn: Connection, place: Place, numbers: Sequence[int], known: Mapping[int, BlockRef]
) -> dict[int, tuple[BlockRef, int]]:
    """The position at the end of each block; ``known`` are blocks that need not be looked up."""
    found: dict[int, tuple[BlockRef, int]] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        looked_up = await conn.blocks([number for number in part if number not in known])
        refs = [known[number] for number in part if number in known]
        for one in looked_up:
            if isinstance(one, ChainError):
                raise one
            refs.append(one)
        amounts = await stake_each(conn, place, refs)
        found |= {at.number: (at, rao) for at, rao in zip(refs, amounts, strict=True)}
    return found


def _apart(held: dict[int, tuple[BlockRef, int]], marks: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours among ``marks`` between which a change still has to be looked for."""
    return [
        (low, high)
        for low, high in itertools.pairwise(marks)
        if high - low > 1 and abs(held[high][1] - held[low][1]) > _DRIFT_RAO
    ]


async def _told(
    conn: Connection, place: Place, changes: Sequence[tuple[BlockRef, int]], epochs: Collection[int]
) -> tuple[Step, ...]:
    steps: list[Step] = []
    for start in range(0, len(changes), _AT_ONCE):
        part = changes[start : start + _AT_ONCE]
        answers = await conn.read_each([(at, [("System", "Events", [])]) for at, _ in part])
        for (at, rao), events in zip(part, answers, strict=True):
            if isinstance(events, ChainError):
                raise events
            without_fee = tells_without_fee(await conn.runtime_at(at))
            seen = tuple(events_of(place, events[0], without_fee=without_fee))
            moved = _moved(place, events[0], without_fee=without_fee)
            steps.append(Step(at.number, at.time_ms or 0, rao, at.number in epochs, seen, moved))
    return tuple(await _priced(conn, place[2], steps, [at for at, _ in changes]))


def _moved(place: Place, events: Sequence[Event], *, without_fee: bool) -> tuple[Movement, ...]:
    """The movements of the transactions (or of the block's own work) that moved this position."""
    found: list[Movement] = []
    for extrinsic in dict.fromkeys(event.extrinsic for event in events if event.pallet == SUBTENSOR):
        parts = movements(events, extrinsic, without_fee=without_fee)
        if any((one.hotkey_ss58, one.coldkey_ss58, one.netuid) == place for one in parts):
            found += (one for one in parts if one.coldkey_ss58 == place[1])
    return tuple(found)


async def _priced(conn: Connection, netuid: int, steps: Sequence[Step], blocks: Sequence[BlockRef]) -> list[Step]:
    """The steps of epochs with their price."""
    epochs = [at for step, at in zip(steps, blocks, strict=True) if step.epoch]
    prices = iter(await prices_each(conn, netuid, epochs) if epochs else ())
    found = []
    for step in steps:
        price = next(prices) if step.epoch else None
        found.append(replace(step, price_rao=None if isinstance(price, ChainError) else price))
    return found


def events_of(place: Place, events: Iterable[Event], *, without_fee: bool) -> Iterable[Seen]:
    """What the block's events say of the position (``StakeAdded``: coldkey, hotkey, tao, alpha, netuid, fee).

    ``without_fee`` as for ``movements``.
    """
    hotkey, coldkey, netuid = place
    for index, event in enumerate(events):
        if event.pallet != SUBTENSOR:
            continue
        if event.name == "TransactionFeePaidWithAlpha" and event.get("who", 0) == coldkey:
            yield Seen("fee", index, None)
        if _swaps_key(place, event):
            yield Seen("key swap", index, None)
        if event.name == "NetworkRemoved" and event.get("netuid", 0) == netuid:
            yield Seen("subnet ended", index, None)
        if not isinstance(event.attributes, (list, tuple)):
            continue
        values = event.attributes
        if event.name in ("StakeAdded", "StakeRemoved") and (values[0], values[1], values[4]) == (
            coldkey, hotkey, netuid,
        ):  # fmt: skip
            if event.name == "StakeAdded":
                yield Seen("stake", index, int(values[3]))
            else:
                yield Seen("unstake", index, -alpha_removed(values, without_fee=without_fee))
        elif event.name in _GONE and (values[0], values[1], values[3]) == (coldkey, hotkey, netuid):
            yield Seen(_GONE[event.name], index, -int(values[2]))
        elif event.name in _BOTH_ENDS:
            kind, ends = _BOTH_ENDS[event.name]
            if (coldkey, hotkey, netuid) in [(values[a], values[b], values[c]) for a, b, c in ends]:
                yield Seen(kind, index, None)


def _swaps_key(place: Place, event: Event) -> bool:
    """Whether the position went from one key to another, or came so: all stake goes with a replaced key."""
    hotkey, coldkey, netuid = place
    if event.name == "ColdkeySwapped":
        return coldkey in (event.get("old_coldkey", 0), event.get("new_coldkey", 1))
    if event.name not in ("HotkeySwapped", "HotkeySwappedOnSubnet"):
        return False
    here = event.name == "HotkeySwapped" or event.get("netuid", 3) == netuid
    return here and hotkey in (event.get("old_hotkey", 1), event.get("new_hotkey", 2))
