"""What our hotkeys were paid at one epoch and what became of it, from the chain's own event and the state before it.

The epoch runs before the block's transactions. So the seats, owners, destinations and locks that it used are those of
the block before: a registration or an auto-stake change in the epoch's own block comes after the pay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ranvier.chain.model import BlockRef
from ranvier.core.errors import ChainError
from ranvier.ledger.payments import BURNED, PAID, RECYCLED, Payment

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection

_PALLET, _EVENT = "SubtensorModule", "IncentiveAlphaEmittedToMiners"
_PER_MECHANISM = 4096  # the event's index is mechanism * 4096 + netuid


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


async def payouts(
    conn: Connection, netuid: int, at: BlockRef, before: BlockRef, hotkeys_ss58: Collection[str]
) -> tuple[Payment, ...]:
    """The payments of the epoch of block ``at`` to these hotkeys; ``before`` is the block before it.

    Raises NetworkError, ChainError (the node forgot the state, or an old runtime does not tell pay from dividends).
    """
    seats = await _seats(conn, netuid, before, sorted(hotkeys_ss58))
    if not seats:
        return ()
    emitted = await _emitted(conn, netuid, at, seats)
    if not any(uid < len(one.amounts) and one.amounts[uid] for one in emitted for uid in (s.uid for s in seats)):
        return ()
    await _destinations(conn, netuid, before, seats)
    from ranvier.chain.reads import prices

    price = (await prices(conn, [netuid], at))[netuid]
    return tuple(
        _payment(netuid, at, price, one, seat)
        for one in sorted(emitted, key=lambda one: one.event_index or 0)
        for seat in seats
        if seat.uid < len(one.amounts) and one.amounts[seat.uid] > 0
    )


def _payment(netuid: int, at: BlockRef, price: int | None, one: _Emitted, seat: _Seat) -> Payment:
    gross = one.amounts[seat.uid]
    paid = gross if seat.fate == PAID else 0
    captured = min(paid, seat.room_rao)
    seat.room_rao -= captured  # a second mechanism of the same epoch finds the lock fuller
    return Payment(
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


async def _seats(conn: Connection, netuid: int, before: BlockRef, hotkeys: list[str]) -> list[_Seat]:
    """Whose hotkeys have a seat, who owns them, and whether the subnet's owner does: then nothing is paid."""
    runtime = await conn.runtime_at(before)
    of_subnet = [
        name for name in ("SubnetOwner", "SubnetOwnerHotkey", "RecycleOrBurn") if runtime.has_item(_PALLET, name)
    ]
    items: list[tuple[str, str, list[Any]]] = [(_PALLET, name, [netuid]) for name in of_subnet]
    for hotkey in hotkeys:
        items += [(_PALLET, "Uids", [netuid, hotkey]), (_PALLET, "Owner", [hotkey])]
    values = await conn.read(items, before)
    subnet: dict[str, Any] = dict(zip(of_subnet, values, strict=False))
    rest = values[len(of_subnet) :]
    unpaid = RECYCLED if subnet.get("RecycleOrBurn") == "Recycle" else BURNED
    found = []
    for hotkey, uid, owner in zip(hotkeys, rest[::2], rest[1::2], strict=True):
        if uid is None:
            continue
        owners = hotkey == subnet.get("SubnetOwnerHotkey") or (owner is not None and owner == subnet.get("SubnetOwner"))
        found.append(_Seat(hotkey, int(uid), None if owner is None else str(owner), unpaid if owners else PAID, hotkey))
    return found


async def _emitted(conn: Connection, netuid: int, at: BlockRef, seats: Iterable[_Seat]) -> list[_Emitted]:
    if (await conn.runtime_at(at)).has_event(_PALLET, _EVENT):
        found = []
        for place, event in enumerate(await conn.events(at)):
            if (event.pallet, event.name) != (_PALLET, _EVENT):
                continue
            mechanism, subnet = divmod(int(event.get("netuid", 0)), _PER_MECHANISM)
            if subnet == netuid:
                found.append(_Emitted(mechanism, place, [int(rao) for rao in event.get("emissions", 1) or ()]))
        return found
    # Before the event there was one mechanism, and a vector that holds pay and dividends together.
    emission, dividends = await conn.read([(_PALLET, "Emission", [netuid]), (_PALLET, "Dividends", [netuid])], at)
    for seat in seats:
        if seat.uid < len(dividends or ()) and dividends[seat.uid]:
            raise ChainError(
                "Pay not told apart",
                f"This old runtime does not tell the pay of {seat.hotkey_ss58} from its dividends as a validator.",
            )
    return [_Emitted(0, None, [int(rao) for rao in emission or ()])]


async def _destinations(conn: Connection, netuid: int, before: BlockRef, seats: list[_Seat]) -> None:
    """Where the pay lands, and what the collateral lock takes of it first."""
    runtime = await conn.runtime_at(before)
    auto, locks = (runtime.has_item(_PALLET, name) for name in ("AutoStakeDestination", "MinerCollateral"))
    owned = [(seat, seat.coldkey_ss58) for seat in seats if seat.fate == PAID and seat.coldkey_ss58 is not None]
    items: list[tuple[str, str, list[Any]]] = []
    for seat, coldkey in owned:
        items += [(_PALLET, "AutoStakeDestination", [coldkey, netuid])] if auto else []
        items += [(_PALLET, "MinerCollateral", [netuid, seat.hotkey_ss58, coldkey])] if locks else []
    values = iter(await conn.read(items, before) if items else ())
    for seat, _ in owned:
        destination = next(values) if auto else None
        lock = next(values) if locks else None
        if destination is not None:
            seat.destination_ss58 = str(destination)
        if lock is not None:
            seat.room_rao = max(0, int(lock["min_locked"]) - int(lock["locked"]))
