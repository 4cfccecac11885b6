"""Reading the market: pure steps from an open connection to the messages of ``agent.market_messages``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ranvier.agent.api.market_messages import (
    Activity,
    SeatLine,
    SubnetDetail,
    SubnetsView,
    SubnetView,
    TokenView,
)
from ranvier.chain import metagraph as seats_of
from ranvier.chain import pools, token
from ranvier.chain.concentration import grouped, measure, quartiles
from ranvier.chain.connection import Connection
from ranvier.chain.model import ROOT, SUBTENSOR, BlockRef, Subnet
from ranvier.chain.model_subnet import Metagraph
from ranvier.core.errors import ChainError

_MOST_ACCOUNTS = 4000
_PAGE = 1000
_WEEK_S = 7 * 86_400
_DEFAULT_BLOCK_S = 12.0
_TREND_BLOCKS = 240  # ordinary nodes keep the state of 256
_VECTORS = ("Incentive", "Dividends", "Emission")
# TAO is added to the pool, and buys alpha there with what may not be added (SubnetExcessTao: from 425 on).
_TAO_FLOWS = ("SubnetTaoInEmission", "SubnetExcessTao")
_FLOWS = (*_TAO_FLOWS, "SubnetAlphaOutEmission")
_REGISTERED = "NeuronRegistered"


async def block_seconds(conn: Connection, at: BlockRef, back: int = 60) -> float | None:
    """Seconds per block over the last ``back`` blocks by the chain's own clock; None when it cannot be told."""
    back = min(back, at.number - 1)
    if back < 1 or at.time_ms is None:
        return None
    try:
        before = await conn.block(at.number - back)
    except ChainError:
        return None
    return None if before.time_ms is None else (at.time_ms - before.time_ms) / back / 1000


async def subnets_view(conn: Connection, at: BlockRef) -> SubnetsView:
    """Every subnet but root: five requests, whatever their number."""
    found = [one for one in await pools.subnets(conn, at) if one.netuid != ROOT]
    runtime = await conn.runtime_at(at)
    names = [name for name in (*_VECTORS, *_FLOWS) if runtime.has_item(SUBTENSOR, name)]
    values = await conn.read([(SUBTENSOR, name, [one.netuid]) for one in found for name in names], at)
    rows = []
    for place, one in enumerate(found):
        rows.append(_subnet_view(one, dict(zip(names, values[place * len(names) :], strict=False))))
    return SubnetsView(at, await block_seconds(conn, at), tuple(rows))


def _subnet_view(subnet: Subnet, values: dict[str, Any]) -> SubnetView:
    incentive, dividends, emission = ([int(n) for n in values.get(name) or ()] for name in _VECTORS)

    def flow(name: str) -> int | None:
        return int(values[name]) if values.get(name) is not None else None

    tao = [rao for name in _TAO_FLOWS if (rao := flow(name)) is not None]
    pays = [
        paid
        for uid, paid in enumerate(emission)
        if uid < len(incentive) and incentive[uid] > 0 and not (uid < len(dividends) and dividends[uid] > 0)
    ]
    return SubnetView(
        subnet=subnet,
        tao_per_block_rao=sum(tao) if tao else None,
        alpha_per_block_rao=flow("SubnetAlphaOutEmission"),
        earners=sum(1 for one in incentive if one > 0),
        miner_quartiles=quartiles(pays),
        incentive=measure(incentive),
        dividends=measure(dividends),
    )


def seat_lines(graph: Metagraph, hotkeys_ss58: Collection[str]) -> tuple[SeatLine, ...]:
    """The places of these hotkeys in the line of those who leave."""
    return tuple(
        SeatLine(
            graph.netuid, seat.hotkey_ss58, seat.uid, graph.ahead(seat.uid), seat.immune_until_block,
            graph.free_seats, len(graph.seats), graph.block.number,
        )
        for seat in graph.seats
        if seat.hotkey_ss58 in hotkeys_ss58
    )  # fmt: skip


async def subnet_detail(conn: Connection, netuid: int, at: BlockRef, own_ss58: Collection[str]) -> SubnetDetail:
    """One subnet's seats and rules; six requests."""
    graph = await seats_of.metagraph(conn, netuid, at)
    rules = await seats_of.registration(conn, netuid, at)
    before = min(_TREND_BLOCKS, at.number - 1)
    second = await block_seconds(conn, at) or _DEFAULT_BLOCK_S
    recent_blocks = min(at.number, round(2 * _WEEK_S / max(0.05, second)))
    recent = [seat for seat in graph.seats if seat.registered_block > at.number - recent_blocks]
    # Those who decide: without a permit, weights of late or stake a seat has no say in what others earn.
    validators = [s for s in graph.seats if s.validator_permit and s.active and s.total_stake_rao > 0]
    return SubnetDetail(
        block=at,
        registration=rules,
        seats=len(graph.seats),
        free_seats=graph.free_seats,
        immune=sum(1 for seat in graph.seats if seat.immune_until_block > at.number),
        validators=len(validators),
        validator_stake=measure(
            grouped((s.coldkey_ss58 or s.hotkey_ss58, s.total_stake_rao) for s in validators).values(), graph.kappa
        ),
        miner_incentive=measure(grouped((s.coldkey_ss58 or s.hotkey_ss58, s.incentive) for s in graph.seats).values()),
        recent_blocks=recent_blocks,
        recent=len(recent),
        recent_safe=sum(1 for seat in recent if seat.immune_until_block <= at.number),
        own=seat_lines(graph, own_ss58),
        price_before_rao=await _price_before(conn, netuid, at.number - before) if before > 0 else None,
        before_blocks=before,
    )


async def _price_before(conn: Connection, netuid: int, number: int) -> int | None:
    """What a seat cost at an older block; None where its state is gone, or the subnet was not there."""
    try:
        return (await seats_of.registration(conn, netuid, await conn.block(number))).price_rao
    except ChainError:
        return None


async def token_view(conn: Connection, at: BlockRef, activity: Activity | None) -> TokenView:
    """Supply, shares and concentrations at ``at``."""
    supply = await token.token(conn, at)
    every = await pools.subnets(conn, at)
    amounts, at_least = await _account_amounts(conn, at)
    return TokenView(
        block=at,
        block_s=await block_seconds(conn, at),
        supply=supply,
        pooled_rao=sum(one.tao_in_rao for one in every if one.netuid != ROOT),
        subnets=sum(1 for one in every if one.netuid != ROOT),
        holders=measure(amounts) if amounts is not None else None,
        accounts_at_least=at_least,
        root=measure(await _root_stakes(conn, at)),
        activity=activity,
    )


async def _account_amounts(conn: Connection, at: BlockRef) -> tuple[list[int] | None, int]:
    """Free TAO of every account, unless there are more than can be read in good manners."""
    runtime = await conn.runtime_at(at)
    prefix = runtime.item("System", "Account").prefix
    keys: list[str] = []
    while len(keys) <= _MOST_ACCOUNTS:
        page = await conn.rpc("state_getKeysPaged", [prefix, _PAGE, keys[-1] if keys else prefix, at.hash])
        keys += page
        if len(page) < _PAGE:
            break
    if len(keys) > _MOST_ACCOUNTS:
        return None, len(keys)
    rows = await conn.read_prefix("System", "Account", [], at)
    return [int(value["data"]["free"]) + int(value["data"]["reserved"]) for _, value in rows], len(rows)


async def _root_stakes(conn: Connection, at: BlockRef) -> list[int]:
    runtime = await conn.runtime_at(at)
    if not runtime.has_item(SUBTENSOR, "TotalHotkeyAlpha"):
        return []
    hotkeys = [str(key) for _, key in await conn.read_prefix(SUBTENSOR, "Keys", [ROOT], at)]
    values = await conn.read([(SUBTENSOR, "TotalHotkeyAlpha", [hotkey, ROOT]) for hotkey in hotkeys], at)
    return [int(value or 0) for value in values]


async def block_activity(conn: Connection, at: BlockRef) -> tuple[int, int, int, int]:
    """(transactions, failed, registrations, fees in rao) of one block, from its events.

    A transaction is what somebody paid a fee for: the chain's own calls in each block are none.
    """
    signed, failed, registered, fees = set(), set(), 0, 0
    for event in await conn.events(at):
        if event.name == "TransactionFeePaid":
            signed.add(event.extrinsic)
            fees += int(event.get("actual_fee", 1) or 0)
        elif event.name == "ExtrinsicFailed":
            failed.add(event.extrinsic)
        elif event.name == _REGISTERED:
            registered += 1
    return len(signed), len(failed & signed), registered, fees


def summed(blocks: Sequence[tuple[BlockRef, tuple[int, int, int, int]]]) -> Activity | None:
    """Several blocks' activity, oldest first."""
    if not blocks:
        return None
    first, last = blocks[0][0].time_ms, blocks[-1][0].time_ms
    count = len(blocks)
    seconds = None
    if first is not None and last is not None and count > 1:
        seconds = (last - first) / 1000 * count / (count - 1)
    columns = [sum(column) for column in zip(*(numbers for _, numbers in blocks), strict=True)]
    return Activity(count, seconds, *columns)
