"""What our hotkeys were paid at epochs and what became of it, from the chain's own events and the state before them.

An epoch runs before its block's transactions. So the seats, owners, destinations and locks that it used are those of
the block before: a registration or an auto-stake change in the epoch's own block comes after the pay.

Many epochs are read together: every question is a round over all of them, and each block is read with its own types.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ranvier.chain.epochs import epochs_down
from ranvier.chain.model import SUBTENSOR, BlockRef
from ranvier.chain.pools import prices_each
from ranvier.chain.reads import MINER_EVENT, PER_MECHANISM
from ranvier.core.errors import ChainError

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection, Read

PAID, BURNED, RECYCLED = "paid", "burned", "recycled"


@dataclass(frozen=True, slots=True)
class Payout:
    """What one hotkey was paid at one epoch, in rao of alpha of ``netuid``.

    ``gross_rao`` is what the event names, ``alpha_rao`` what was paid of it (nothing when ``fate`` is burned or
    recycled), ``captured_rao`` what the collateral lock took of that. ``event_index`` is the event's place in its
    block; None on chains without the event. ``price_rao`` of one alpha at that block, None when there is none.
    """

    netuid: int
    mechanism: int
    block: int
    hotkey_ss58: str
    uid: int
    time_ms: int
    alpha_rao: int
    price_rao: int | None
    block_hash: str
    gross_rao: int
    captured_rao: int
    fate: str
    coldkey_ss58: str | None
    destination_ss58: str | None
    event_index: int | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was read downwards from a block: every epoch from ``low`` on (nothing at all when ``low`` lies above).

    ``trouble`` is why the epoch below ``low`` could not be read; None when it simply comes next.
    """

    payouts: tuple[Payout, ...]
    low: int
    trouble: ChainError | None = None


@dataclass(slots=True)
class _Seat:
    """A hotkey as the epoch found it. ``room_rao`` is what its collateral lock still lacks."""

    hotkey_ss58: str
    uid: int
    coldkey_ss58: str | None
    fate: str
    destination_ss58: str
    room_rao: int = 0


@dataclass(frozen=True, slots=True)
class _Emitted:
    mechanism: int
    event_index: int | None
    amounts: list[int]


@dataclass(slots=True)
class _Epoch:
    """One epoch that paid some of us."""

    place: int
    at: BlockRef
    before: BlockRef
    seats: list[_Seat]
    emitted: list[_Emitted]


async def read_down(
    conn: Connection, netuid: int, high: int, low: int, hotkeys_ss58: Collection[str], most: int
) -> Stretch:
    """The payouts of the epochs in [low, high] to these hotkeys, newest first, at most ``most`` epochs.

    A dozen rounds whatever ``most`` is. Raises NetworkError; then nothing was read.
    """
    found = await epochs_down(conn, netuid, high, low, most)
    told = await payouts(conn, netuid, found.epochs, hotkeys_ss58)
    rows: list[Payout] = []
    for (at, _), one in zip(found.epochs, told, strict=True):
        if isinstance(one, ChainError):
            return Stretch(tuple(rows), at.number + 1, one)
        rows += one
    return Stretch(tuple(rows), found.low, found.trouble)


async def payouts(
    conn: Connection, netuid: int, epochs: Sequence[tuple[BlockRef, BlockRef]], hotkeys_ss58: Collection[str]
) -> list[tuple[Payout, ...] | ChainError]:
    """What these hotkeys were paid at each epoch, given as its block and the block before it.

    A ChainError stands for an epoch that cannot be told: the node forgot the state, or an old runtime does not tell
    pay from dividends. Raises NetworkError.
    """
    hotkeys = sorted(hotkeys_ss58)
    found: list[tuple[Payout, ...] | ChainError] = [()] * len(epochs)
    wanted: list[tuple[BlockRef, list[Read]]] = []
    for at, before in epochs:
        wanted += [(before, await _seat_items(conn, netuid, before, hotkeys)), (at, await _pay_items(conn, netuid, at))]
    answers = await conn.read_each(wanted)
    paid: list[_Epoch] = []
    for place, (at, before) in enumerate(epochs):
        state, pay = answers[2 * place : 2 * place + 2]
        try:
            if isinstance(state, ChainError):
                raise state
            if isinstance(pay, ChainError):
                raise pay
            seats = _seats([name for _, name, _ in wanted[2 * place][1]], state, hotkeys)
            emitted = _emitted(netuid, pay, seats)
        except ChainError as error:
            found[place] = error
            continue
        if any(seat.uid < len(one.amounts) and one.amounts[seat.uid] for one in emitted for seat in seats):
            paid.append(_Epoch(place, at, before, seats, emitted))
    lands = await _destinations(conn, netuid, paid)
    prices = await prices_each(conn, netuid, [one.at for one in paid])
    for one, landed, price in zip(paid, lands, prices, strict=True):
        if landed is not None:
            found[one.place] = landed
        else:
            found[one.place] = price if isinstance(price, ChainError) else _rows(netuid, one, price)
    return found


def _rows(netuid: int, epoch: _Epoch, price: int | None) -> tuple[Payout, ...]:
    return tuple(
        _payout(netuid, epoch.at, price, one, seat)
        for one in sorted(epoch.emitted, key=lambda one: one.event_index or 0)
        for seat in epoch.seats
        if seat.uid < len(one.amounts) and one.amounts[seat.uid] > 0
    )


def _payout(netuid: int, at: BlockRef, price: int | None, one: _Emitted, seat: _Seat) -> Payout:
    gross = one.amounts[seat.uid]
    paid = gross if seat.fate == PAID else 0
    captured = min(paid, seat.room_rao)
    seat.room_rao -= captured  # a second mechanism of the same epoch finds the lock fuller
    return Payout(
        netuid=netuid,
        mechanism=one.mechanism,
        block=at.number,
        hotkey_ss58=seat.hotkey_ss58,
        uid=seat.uid,
        time_ms=at.time_ms or 0,
        alpha_rao=paid,
        price_rao=price,
        block_hash=at.hash,
        gross_rao=gross,
        captured_rao=captured,
        fate=seat.fate,
        coldkey_ss58=seat.coldkey_ss58,
        destination_ss58=seat.destination_ss58 if seat.fate == PAID else None,
        event_index=one.event_index,
    )


async def _seat_items(conn: Connection, netuid: int, before: BlockRef, hotkeys: list[str]) -> list[Read]:
    """What tells whose hotkeys have a seat, who owns them, and whether the subnet's owner does."""
    runtime = await conn.runtime_at(before)
    names = [
        name for name in ("SubnetOwner", "SubnetOwnerHotkey", "RecycleOrBurn") if runtime.has_item(SUBTENSOR, name)
    ]
    items: list[Read] = [(SUBTENSOR, name, [netuid]) for name in names]
    for hotkey in hotkeys:
        items += [(SUBTENSOR, "Uids", [netuid, hotkey]), (SUBTENSOR, "Owner", [hotkey])]
    return items


def _seats(names: list[str], values: list[Any], hotkeys: list[str]) -> list[_Seat]:
    """The seats by ``_seat_items``; the subnet's owner is paid nothing for hotkeys of its own."""
    count = len(names) - 2 * len(hotkeys)
    subnet: dict[str, Any] = dict(zip(names[:count], values[:count], strict=True))
    rest = values[count:]
    unpaid = RECYCLED if subnet.get("RecycleOrBurn") == "Recycle" else BURNED
    found = []
    for hotkey, uid, owner in zip(hotkeys, rest[::2], rest[1::2], strict=True):
        if uid is None:
            continue
        owners = hotkey == subnet.get("SubnetOwnerHotkey") or (owner is not None and owner == subnet.get("SubnetOwner"))
        found.append(_Seat(hotkey, int(uid), None if owner is None else str(owner), unpaid if owners else PAID, hotkey))
    return found


async def _pay_items(conn: Connection, netuid: int, at: BlockRef) -> list[Read]:
    if (await conn.runtime_at(at)).has_event(SUBTENSOR, MINER_EVENT):
        return [("System", "Events", [])]
    return [(SUBTENSOR, "Emission", [netuid]), (SUBTENSOR, "Dividends", [netuid])]


def _emitted(netuid: int, values: list[Any], seats: Sequence[_Seat]) -> list[_Emitted]:
    """The pay by ``_pay_items``: one list of amounts by uid for each mechanism."""
    if len(values) == 1:
        found = []
        for place, event in enumerate(values[0]):
            if (event.pallet, event.name) != (SUBTENSOR, MINER_EVENT):
                continue
            mechanism, subnet = divmod(int(event.get("netuid", 0)), PER_MECHANISM)
            if subnet == netuid:
                found.append(_Emitted(mechanism, place, [int(rao) for rao in event.get("emissions", 1) or ()]))
        return found
    # Before the event there was one mechanism, and a vector that holds pay and dividends together.
    emission, dividends = values
    for seat in seats:
        if seat.uid < len(dividends or ()) and dividends[seat.uid]:
            raise ChainError(
                "Pay not told apart",
                f"This old runtime does not tell the pay of {seat.hotkey_ss58} from its dividends as a validator.",
            )
    return [_Emitted(0, None, [int(rao) for rao in emission or ()])]


async def _destinations(conn: Connection, netuid: int, epochs: Sequence[_Epoch]) -> list[ChainError | None]:
    """Note in the seats where the pay lands and what the collateral lock takes of it first; an error for each epoch
    of which that cannot be read.
    """
    wanted: list[tuple[BlockRef, list[Read]]] = []
    for one in epochs:
        runtime = await conn.runtime_at(one.before)
        auto, locks = (runtime.has_item(SUBTENSOR, name) for name in ("AutoStakeDestination", "MinerCollateral"))
        items: list[Read] = []
        for seat in _landing(one):
            items += [(SUBTENSOR, "AutoStakeDestination", [seat.coldkey_ss58, netuid])] if auto else []
            items += [(SUBTENSOR, "MinerCollateral", [netuid, seat.hotkey_ss58, seat.coldkey_ss58])] if locks else []
        wanted.append((one.before, items))
    asked = [pair for pair in wanted if pair[1]]
    answers = iter(await conn.read_each(asked) if asked else ())
    errors: list[ChainError | None] = []
    for one, (_, items) in zip(epochs, wanted, strict=True):
        values = next(answers) if items else []
        errors.append(values if isinstance(values, ChainError) else None)
        if isinstance(values, ChainError):
            continue
        told = {(name, *params): value for (_, name, params), value in zip(items, values, strict=True)}
        for seat in _landing(one):
            destination = told.get(("AutoStakeDestination", seat.coldkey_ss58, netuid))
            lock = told.get(("MinerCollateral", netuid, seat.hotkey_ss58, seat.coldkey_ss58))
            if destination is not None:
                seat.destination_ss58 = str(destination)
            if lock is not None:
                seat.room_rao = max(0, int(lock["min_locked"]) - int(lock["locked"]))
    return errors


def _landing(epoch: _Epoch) -> list[_Seat]:
    return [seat for seat in epoch.seats if seat.fate == PAID and seat.coldkey_ss58 is not None]
