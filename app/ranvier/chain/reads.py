"""Reads: a few requests each, pinned to one block, into frozen dataclasses. Storage forms are told by metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranvier.chain.connection import Connection
from ranvier.chain.epochs import last_epoch_block
from ranvier.chain.model import SUBTENSOR, Balance, BlockRef, Neuron, StakePosition
from ranvier.chain.pools import prices, subnet, subnets
from ranvier.chain.seats import axon_of, vector_at
from ranvier.chain.stakes import stake_rows
from ranvier.core.units import RAO_PER_COIN

__all__ = [
    "balances",
    "last_epoch_block",
    "neuron",
    "prices",
    "stake_positions",
    "subnet",
    "subnets",
    "weights_on",
]

MINER_EVENT = "IncentiveAlphaEmittedToMiners"
PER_MECHANISM = 4096  # that event's index is mechanism * 4096 + netuid
DEFAULT_DEPOSIT_RAO = 500


async def balances(conn: Connection, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[Balance, ...]:
    """TAO of each account, in the given order; an unknown account has zero."""
    accounts = await conn.read([("System", "Account", [ss58]) for ss58 in coldkeys_ss58], at)
    deposit = int(conn.constant("Balances", "ExistentialDeposit") or DEFAULT_DEPOSIT_RAO)
    return tuple(_balance(ss58, account, deposit) for ss58, account in zip(coldkeys_ss58, accounts, strict=True))


async def neuron(conn: Connection, netuid: int, hotkey_ss58: str, at: BlockRef) -> Neuron | None:
    """The hotkey's seat on a subnet; None when it has none."""
    (uid,) = await conn.read([(SUBTENSOR, "Uids", [netuid, hotkey_ss58])], at)
    if uid is None:
        return None
    registered, immunity, incentive, emission, axon = await conn.read(
        [
            (SUBTENSOR, "BlockAtRegistration", [netuid, uid]),
            (SUBTENSOR, "ImmunityPeriod", [netuid]),
            (SUBTENSOR, "Incentive", [netuid]),
            (SUBTENSOR, "Emission", [netuid]),
            (SUBTENSOR, "Axons", [netuid, hotkey_ss58]),
        ],
        at,
    )
    return Neuron(
        netuid=netuid,
        uid=int(uid),
        hotkey_ss58=hotkey_ss58,
        registered_block=int(registered),
        immune_until_block=int(registered) + int(immunity),
        incentive=vector_at(incentive, uid),
        emission_rao=vector_at(emission, uid),
        axon=axon_of(axon),
    )


async def stake_positions(conn: Connection, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[StakePosition, ...]:
    """Every position above zero of these coldkeys: a handful of requests, whatever their number."""
    rows = await stake_rows(conn, coldkeys_ss58, at)
    if not rows:
        return ()
    price = await prices(conn, sorted({row.netuid for row in rows}), at)
    found = []
    for row in rows:
        rate = price.get(row.netuid)
        spot = row.alpha_rao * rate // RAO_PER_COIN if rate is not None else None
        found.append(StakePosition(row.hotkey_ss58, row.coldkey_ss58, row.netuid, row.alpha_rao, rate, spot))
    return tuple(found)


async def weights_on(conn: Connection, netuid: int, uid: int, at: BlockRef) -> tuple[tuple[int, int], ...]:
    """(validator uid, weight as it was set) of every validator that has set one on ``uid``."""
    rows = await conn.read_prefix(SUBTENSOR, "Weights", [netuid], at)
    return tuple(
        sorted(
            (int(keys[0]), int(weight)) for keys, weights in rows for target, weight in weights or () if target == uid
        )
    )


def _balance(ss58: str, account: Any, deposit: int) -> Balance:
    data = account["data"]
    free, reserved, frozen = int(data["free"]), int(data["reserved"]), int(data.get("frozen") or 0)
    return Balance(ss58, free, reserved, max(0, free - max(frozen - reserved, deposit)))
