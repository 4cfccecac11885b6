"""What the window asks about positions, subnets, the token and endpoints, over a connection of its own.

Its reads are large and never hold up the watching of blocks. The connection is opened when somebody asks and closed
when nobody has asked for a while; each block is read once, whoever asks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ranvier.agent.api.market_messages import (
    Holdings,
    NetCheckView,
    PassedHalving,
    SeatLine,
    SubnetDetail,
    SubnetsView,
    TokenView,
)
from ranvier.agent.network.chain_watch import ChainWatch
from ranvier.chain.model import BlockRef
from ranvier.chain.networks import NETWORKS, Network, sandbox_network
from ranvier.core.errors import ChainError, NetworkError, RanvierError
from ranvier.core.paths import Paths
from ranvier.core.settings import ENDPOINT, Settings
from ranvier.core.tasks import Tasks

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection
    from ranvier.chain.quotes import Quote

T = TypeVar("T")
_IDLE_S = 120.0
_SEATS_S = 30.0
_ACTIVITY_BLOCKS = 50
_ACTIVITY_AT_ONCE = 10


class Market:
    """``coldkeys`` gives the watched coldkeys of a network. Every method raises NetworkError or ChainError."""

    def __init__(self, paths: Paths, watch: ChainWatch, coldkeys: Callable[[str], Iterable[str]]) -> None:
        self._paths, self._watch, self._coldkeys = paths, watch, coldkeys
        self._tasks = Tasks()
        self._lock = asyncio.Lock()
        self._conn: Connection | None = None
        self._place: tuple[str, str | None, str | None] | None = None
        self._used = 0.0
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._seats: dict[int, tuple[float, tuple[SeatLine, ...]]] = {}
        self._blocks: dict[str, tuple[BlockRef, tuple[int, int, int, int]]] = {}
        self._passed: tuple[PassedHalving, ...] = ()
        self._looking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        await self._tasks.close()
        await self._let_go()

    # --- what is asked ---------------------------------------------------------------------------------------

    async def holdings(self) -> Holdings:
        """Positions of the watched coldkeys, with the line of leaving for each own seat."""

        async def read(conn: Connection, at: BlockRef) -> Holdings:
            from ranvier.agent.money import money_reads
            from ranvier.chain import pools, portfolio

            coldkeys = sorted(self._coldkeys(self._watch.network))
            whole = await portfolio.portfolio(conn, coldkeys, at)
            names = {one.netuid: one.name for one in await pools.subnets(conn, at)}
            own = {one.hotkey_ss58 for one in whole.holdings if one.owned}
            seated = sorted({one.netuid for one in whole.holdings if one.owned and one.seated and one.netuid})
            lines: list[SeatLine] = []
            for netuid in seated:
                lines += await self._lines(conn, netuid, at, own)
            second = await money_reads.block_seconds(conn, at)
            return Holdings(whole, names, tuple(lines), second, tuple(sorted(own)))

        key = ("holdings", *sorted(self._coldkeys(self._watch.network)))
        return await self._once(key, read)

    async def subnets(self) -> SubnetsView:
        from ranvier.agent.money import money_reads

        return await self._once(("subnets",), money_reads.subnets_view)

    async def subnet(self, netuid: int) -> SubnetDetail:
        async def read(conn: Connection, at: BlockRef) -> SubnetDetail:
            from ranvier.agent.money import money_reads

            own = {row.hotkey_ss58 for row in await self._own_rows(conn, at)}
            return await money_reads.subnet_detail(conn, netuid, at, own)

        return await self._once(("subnet", netuid), read)

    async def token(self) -> TokenView:
        async def read(conn: Connection, at: BlockRef) -> TokenView:
            from ranvier.agent.money import money_reads

            recent = await self._recent(conn, at)
            found = await money_reads.token_view(conn, at, money_reads.summed(recent))
            return msgspec.structs.replace(found, passed=self._halvings(conn, at, found.supply.halvings))

        return await self._once(("token",), read)

    async def quote(self, netuid: int, amount_rao: int, buying: bool) -> tuple[Quote | None, int]:
        """What a swap would give at the newest block, and which that is; None when the pool cannot."""

        async def read(conn: Connection, at: BlockRef) -> tuple[Quote | None, int]:
            from ranvier.chain import quotes

            return await quotes.simulate(conn, netuid, amount_rao, at, buying=buying), at.number

        return await self._once(("quote", netuid, amount_rao, buying), read)

    async def netcheck(self, samples: int) -> NetCheckView:
        """A fresh check each time, over connections of its own."""
        from ranvier.chain.netcheck import netcheck

        head = self._watch.head
        away = NETWORKS.get(self._watch.network) if head is None else None  # now the check is needed most
        network, endpoints = (away, ()) if away is not None and away.endpoints else self._where()
        own = Settings(self._paths.settings_file).get(ENDPOINT)
        if own and network.name != "sandbox":  # also when it fails and another one is in use: then most of all
            endpoints = (own, *endpoints)
        found = await netcheck.check(network, endpoints=endpoints, samples=max(1, min(50, samples)))
        return NetCheckView(found.network, found.at, found.endpoints, None if head is None else head.chain.endpoint)

    # --- inside ----------------------------------------------------------------------------------------------

    async def _own_rows(self, conn: Connection, at: BlockRef) -> list[Any]:
        from ranvier.chain.stakes import stake_rows

        coldkeys = sorted(self._coldkeys(self._watch.network))
        return list(await stake_rows(conn, coldkeys, at)) if coldkeys else []

    async def _lines(self, conn: Connection, netuid: int, at: BlockRef, own: set[str]) -> tuple[SeatLine, ...]:
        """A metagraph is large, so its line is read twice a minute at most."""
        read_at, lines = self._seats.get(netuid, (0.0, ()))
        if time.monotonic() - read_at > _SEATS_S or not own <= {one.hotkey_ss58 for one in lines}:
            from ranvier.agent.money import money_reads
            from ranvier.chain import metagraph

            lines = money_reads.seat_lines(await metagraph.metagraph(conn, netuid, at), own)
            self._seats[netuid] = (time.monotonic(), lines)
        return lines

    async def _recent(self, conn: Connection, at: BlockRef) -> list[tuple[BlockRef, tuple[int, int, int, int]]]:
        """The last blocks' activity; only blocks that were not seen yet are read, a few at each asking."""
        from ranvier.agent.money import money_reads

        numbers = range(at.number, max(0, at.number - _ACTIVITY_BLOCKS), -1)
        known = {block.number: hash_ for hash_, (block, _) in self._blocks.items()}
        for number in [n for n in numbers if n not in known][:_ACTIVITY_AT_ONCE]:
            try:
                block = at if number == at.number else await conn.block(number)
                self._blocks[block.hash] = (block, await money_reads.block_activity(conn, block))
            except ChainError:  # its state is gone already
                break
        wanted = set(numbers)
        self._blocks = {key: kept for key, kept in self._blocks.items() if kept[0].number in wanted}
        rows = sorted(self._blocks.values(), key=lambda kept: kept[0].number)
        # Only an unbroken run up to now is a rate.
        while len(rows) > 1 and rows[-1][0].number - rows[0][0].number != len(rows) - 1:
            rows.pop(0)
        return rows

    def _halvings(self, conn: Connection, at: BlockRef, count: int) -> tuple[PassedHalving, ...]:
        """What is known of those that passed. Looked for once on a connection, and nobody waits for it."""
        if len(self._passed) == count:
            return self._passed
        if self._looking is None or self._looking.done():
            self._looking = self._tasks.start(self._look_back(conn, at, count), "look for halvings")
        return ()

    async def _look_back(self, conn: Connection, at: BlockRef, count: int) -> None:
        from ranvier.agent.money.halving_search import passed_halvings

        try:
            found = await passed_halvings(conn, at, count)
        except RanvierError:
            return  # it is tried again at the next asking
        if conn is self._conn:
            self._passed = found

    async def _once(self, key: tuple[Any, ...], read: Callable[[Connection, BlockRef], Awaitable[T]]) -> T:
        async with self._lock:
            head = self._watch.require()
            conn = await self._connection()
            self._used = time.monotonic()
            kept = self._kept.get(key)
            if kept is not None and kept[0] == head.block.hash:
                result: T = kept[1]
                return result
            result = await read(conn, head.block)
            self._kept[key] = (head.block.hash, result)
            return result

    def _where(self) -> tuple[Network, tuple[str, ...]]:
        head = self._watch.require()
        endpoint = head.chain.endpoint
        if endpoint is None:
            raise NetworkError("Not connected", "The network is not connected.", "It is tried again by itself.")
        if head.network == "sandbox":
            return sandbox_network(endpoint, head.chain.genesis_hash), ()
        return NETWORKS[head.network], (endpoint,)

    async def _connection(self) -> Connection:
        head = self._watch.require()
        place = (head.network, head.chain.endpoint, head.chain.genesis_hash)
        if self._conn is not None and self._place == place:
            return self._conn
        await self._let_go()
        from ranvier.chain.connection import Connection

        network, endpoints = self._where()
        conn = Connection(network, endpoints=endpoints, cache=self._paths.metadata)
        try:
            await conn.open()
        except BaseException:
            await conn.close()
            raise
        self._conn, self._place = conn, place
        self._tasks.start(self._close_when_idle(conn), "close market")
        return conn

    async def _close_when_idle(self, conn: Connection) -> None:
        while self._conn is conn:
            await asyncio.sleep(_IDLE_S / 4)
            if time.monotonic() - self._used > _IDLE_S and not self._lock.locked():
                await self._let_go()

    async def _let_go(self) -> None:
        conn, self._conn, self._place = self._conn, None, None
        self._kept.clear()
        self._seats.clear()
        self._blocks.clear()
        self._passed = ()
        if conn is not None:
            await conn.close()


def handlers(market: Market) -> dict[type[Any], Callable[[Any], Awaitable[Any]]]:
    """The methods for the commands of ``market_messages``."""
    from ranvier.agent.api import market_messages as m

    async def holdings(_: m.GetHoldings) -> m.Holdings:
        return await market.holdings()

    async def subnets(_: m.GetSubnets) -> m.SubnetsView:
        return await market.subnets()

    async def subnet(command: m.GetSubnet) -> m.SubnetDetail:
        return await market.subnet(command.netuid)

    async def token(_: m.GetToken) -> m.TokenView:
        return await market.token()

    async def netcheck(command: m.GetNetCheck) -> m.NetCheckView:
        return await market.netcheck(command.samples)

    return {
        m.GetHoldings: holdings,
        m.GetSubnets: subnets,
        m.GetSubnet: subnet,
        m.GetToken: token,
        m.GetNetCheck: netcheck,
    }
