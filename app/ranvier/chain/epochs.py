"""Where a subnet's epochs are: guessed from the tempo, and believed only as far as the chain's own state confirms each.

A netuid may have several lives: a subnet is dissolved or pruned and another one begins under its number. The chain's
count begins anew with each (and at 425 with a block from before it, ``init_new_network``), so that it is believed only
within one life, which ``NetworkRegisteredAt`` tells. The block in which a life ends may hold a last epoch that no later
state names, because epochs run before a block's calls: such a block is among the epochs, whether it paid or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ranvier.chain.model import SUBTENSOR, BlockRef
from ranvier.core.errors import ChainError

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

_ITEMS = ("NetworksAdded", "NetworkRegisteredAt", "Tempo", "LastEpochBlock", "LastMechansimStepBlock")
_LONGEST_STRIDE = 7200  # a day; no life is as short: a subnet waits a week before its first emission (start_call)
_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Epochs:
    """Epochs found downwards from a block, newest first: (block, block before it). Every one from ``low`` on is here;
    ``trouble`` is why the one below ``low`` could not be read, None when it simply comes next.
    """

    epochs: tuple[tuple[BlockRef, BlockRef], ...]
    low: int
    trouble: ChainError | None = None


@dataclass(frozen=True, slots=True)
class _Life:
    """A subnet as one block knows it: since when it lives (0: from the chain's first block, or not told), its last
    epoch at or before that block (0: none in this life), and where the one before may be.
    """

    begins: int
    last: int
    guess: int


_Told = _Life | ChainError | None  # None: there was no such subnet


def epoch_before(block: int, netuid: int, tempo: int) -> int:
    """The last block B <= ``block`` with (B + netuid + 1) % (tempo + 1) == tempo; 0 when there is none."""
    if tempo <= 0:
        return 0
    return max(0, block - (block + netuid + 2) % (tempo + 1))


def stated_epoch(netuid: int, values: dict[tuple[str, int], Any], at: BlockRef) -> int:
    """The last epoch by the chain's count, in whichever form it keeps one."""
    for name in ("LastEpochBlock", "LastMechansimStepBlock"):
        stated = values.get((name, netuid))
        if stated:
            return int(stated)
    if ("LastEpochBlock", netuid) in values or ("LastMechansimStepBlock", netuid) in values:
        return 0  # the chain keeps count and there was none yet
    return epoch_before(at.number, netuid, int(values.get(("Tempo", netuid)) or 0))


async def last_epoch_block(conn: Connection, netuid: int, at: BlockRef) -> int:
    """The block of the subnet's last epoch at or before ``at``; 0 when there was none.

    Before a life's first epoch it is the block in which that life began and another one may have ended.
    """
    (told,) = await _lives(conn, netuid, [at])
    if isinstance(told, ChainError):
        raise told
    return 0 if told is None else told.last or told.begins


async def epochs_down(conn: Connection, netuid: int, high: int, low: int, most: int) -> Epochs:
    """The epochs in [low, high], newest first, at most ``most``; of one life only. Raises NetworkError."""
    try:
        top = await conn.block(high)
        (told,) = await _lives(conn, netuid, [top])
    except ChainError as error:
        return Epochs((), high + 1, error)
    if isinstance(told, ChainError):
        return Epochs((), high + 1, told)
    if told is None:
        return await _life_before(conn, netuid, high, low)
    if told.last > high:
        return Epochs((), high + 1, ChainError("Not understood", f"The chain names epoch {told.last} at block {high}."))
    if told.last == 0:
        return await _end(conn, told.begins, low)
    if told.last < low:
        return Epochs((), low)
    step = told.last - told.guess
    guesses = list(range(told.last, max(low, 1, told.begins) - 1, -step))[:most]
    return await _confirmed(conn, netuid, guesses, low, told.begins)


async def _confirmed(conn: Connection, netuid: int, guesses: list[int], low: int, begins: int) -> Epochs:
    """Those of the guessed epochs that really are where they were guessed, down to the first that is not."""
    refs = await conn.blocks([number for epoch in guesses for number in (epoch, epoch - 1)])
    pairs: list[tuple[BlockRef, BlockRef]] = []
    trouble: ChainError | None = None
    for at, before in zip(refs[::2], refs[1::2], strict=True):
        if isinstance(at, ChainError) or isinstance(before, ChainError):
            trouble = at if isinstance(at, ChainError) else before if isinstance(before, ChainError) else None
            break
        pairs.append((at, before))
    named = await _lives(conn, netuid, [before for _, before in pairs])
    end = guesses[0] + 1
    for place, one in enumerate(named):
        epoch = guesses[place]
        if isinstance(one, ChainError):
            return Epochs(tuple(pairs[:place]), end, one)
        if one is None or one.begins != begins:  # this epoch is the block in which the life began
            return Epochs(tuple(pairs[: place + 1]), epoch)
        if one.last >= epoch:
            words = f"The chain names epoch {one.last} at block {epoch - 1}."
            return Epochs(tuple(pairs[:place]), end, ChainError("Not understood", words))
        end = max(low, (one.last or begins) + 1)  # there is none between the two
        if one.last == 0 or (place + 1 < len(guesses) and guesses[place + 1] != one.last):
            return Epochs(tuple(pairs[: place + 1]), end)
    return Epochs(tuple(pairs), end, trouble)


async def _end(conn: Connection, block: int, low: int) -> Epochs:
    """The block in which a life ended, before its calls perhaps with an epoch; there is none after it."""
    if block < max(low, 1):
        return Epochs((), low)
    at, before = await conn.blocks([block, block - 1])
    for one in (at, before):
        if isinstance(one, ChainError):
            return Epochs((), block + 1, one)
    assert isinstance(at, BlockRef) and isinstance(before, BlockRef)
    return Epochs(((at, before),), block)


async def _life_before(conn: Connection, netuid: int, high: int, low: int) -> Epochs:
    """Where there was no subnet at ``high``: the end of the newest life before it, looked for in growing strides."""
    floor, place, stride = max(low - 1, 1), high, 1  # a life may end in ``low`` itself
    marks: list[int] = []
    while place > floor:
        place = max(floor, place - stride)
        marks.append(place)
        stride = min(2 * stride, _LONGEST_STRIDE)
    absent = high
    for start in range(0, len(marks), _AT_ONCE):
        part = marks[start : start + _AT_ONCE]
        for mark, told in zip(part, await _at(conn, netuid, part), strict=True):
            if isinstance(told, ChainError):
                return Epochs((), absent, told)
            if told is not None:
                return await _last_of(conn, netuid, mark, absent, low)
            absent = mark
    return Epochs((), low)


async def _last_of(conn: Connection, netuid: int, there: int, absent: int, low: int) -> Epochs:
    """Halve between a block that knows the subnet and a later one that does not."""
    while absent - there > 1:
        middle = (there + absent) // 2
        (told,) = await _at(conn, netuid, [middle])
        if isinstance(told, ChainError):
            return Epochs((), absent, told)
        there, absent = (there, middle) if told is None else (middle, absent)
    return await _end(conn, absent, low)


async def _at(conn: Connection, netuid: int, numbers: Sequence[int]) -> list[_Told]:
    refs = await conn.blocks(numbers)
    known = iter(await _lives(conn, netuid, [one for one in refs if not isinstance(one, ChainError)]))
    return [one if isinstance(one, ChainError) else next(known) for one in refs]


async def _lives(conn: Connection, netuid: int, blocks: Sequence[BlockRef]) -> list[_Told]:
    """The subnet as each block knows it, in one round for all of them."""
    wanted = []
    for at in blocks:
        runtime = await conn.runtime_at(at)
        wanted.append((at, [(SUBTENSOR, name, [netuid]) for name in _ITEMS if runtime.has_item(SUBTENSOR, name)]))
    found: list[_Told] = []
    for (at, items), values in zip(wanted, await conn.read_each(wanted), strict=True):
        if isinstance(values, ChainError):
            found.append(values)
            continue
        told = {(name, netuid): value for (_, name, _), value in zip(items, values, strict=True)}
        if not told.get(("NetworksAdded", netuid), True):
            found.append(None)
            continue
        begins = int(told.get(("NetworkRegisteredAt", netuid)) or 0)
        last = stated_epoch(netuid, told, at)
        last = last if last >= begins else 0  # a new life's count may begin with a block from before it
        length = int(told.get(("Tempo", netuid)) or 0) + (("LastEpochBlock", netuid) not in told)
        found.append(_Life(begins, last, max(0, last - max(1, length))))
    return found
