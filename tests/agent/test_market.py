"""Positions, subnets, token and endpoints read from a real sandbox: exact where the chain is, None where it is not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import pytest

from chain.sandbox_process import SandboxProcess
from ranvier.agent.api import market_messages as m
from ranvier.agent.api.messages import COMMANDS
from ranvier.agent.commands.ledger_export import LedgerExport
from ranvier.agent.money import market as market_module
from ranvier.agent.money import money_reads
from ranvier.agent.money.market import Market
from ranvier.agent.money.money_reads import seat_lines, summed
from ranvier.chain import metagraph, reads, submit
from ranvier.chain.connection import Connection
from ranvier.chain.model import BlockRef
from ranvier.chain.networks import TEST, sandbox_network
from ranvier.chain.plans import plans
from ranvier.core.errors import RanvierError
from ranvier.core.paths import Paths
from ranvier.core.settings import ENDPOINT, Settings
from ranvier.core.units import Tao
from ranvier.keys import mnemonic
from ranvier.keys.signing import LocalSigner
from ranvier.ledger.payments import Payment
from ranvier.ledger.store import Ledger

NETUID = 1


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("market") / "node", "--block-time", "0.15", "--tempo", "8")
    process.start()
    yield process
    process.stop()


class Watch:
    """The part of ``ChainWatch`` that the market asks; its head is read from the chain."""

    network = "sandbox"

    def require(self):
        return self.head

    def __init__(self, sandbox, connection):
        self._connection = connection
        self._chain = SimpleNamespace(endpoint=sandbox.endpoint, genesis_hash=sandbox.genesis)
        self.block: BlockRef | None = None

    async def look(self):
        self.block = await self._connection.head()

    @property
    def head(self):
        return SimpleNamespace(network="sandbox", chain=self._chain, block=self.block)


@asynccontextmanager
async def opened(sandbox, tmp_path, coldkeys) -> AsyncIterator[tuple[Market, Watch, Connection]]:
    connection = Connection(sandbox_network(sandbox.endpoint, sandbox.genesis), timeout_s=5)
    await connection.open()
    watch = Watch(sandbox, connection)
    market = Market(Paths.under(tmp_path), watch, lambda _network: set(coldkeys))
    try:
        await watch.look()
        yield market, watch, connection
    finally:
        await market.close()
        await connection.close()


async def funded(connection: Connection, amount: Tao) -> LocalSigner:
    signer = LocalSigner.from_mnemonic(mnemonic.generate())
    await connection.rpc("sandbox_fund", [signer.ss58, amount.rao])
    for _ in range(200):
        if (await reads.balances(connection, [signer.ss58], await connection.head()))[0].free_rao == amount.rao:
            return signer
        await asyncio.sleep(0.05)
    raise AssertionError("the faucet did not pay")


def travelled(command, answer):
    """The answer as the window gets it."""
    return msgspec.json.decode(msgspec.json.encode(answer), type=COMMANDS[command])


async def test_positions_have_three_values_and_a_place_in_the_line(sandbox, tmp_path):
    coldkeys: list[str] = []
    async with opened(sandbox, tmp_path, coldkeys) as (market, watch, connection):
        owner, hotkey = await funded(connection, Tao(50 * 10**9)), LocalSigner.from_mnemonic(mnemonic.generate())
        coldkeys.append(owner.ss58)
        for plan in (
            await plans.plan_register(connection, owner.ss58, hotkey.ss58, NETUID),
            await plans.plan_add_stake(connection, owner.ss58, hotkey.ss58, NETUID, Tao(5 * 10**9)),
        ):
            receipt = await submit.submit(connection, plan, owner)
            assert receipt.error is None
        await watch.look()
        found = travelled(m.GetHoldings, await market.holdings())
        (one,) = found.portfolio.holdings
        assert found.names[NETUID] and one.owned and one.seated
        assert one.sale is not None and one.spot_rao is not None and one.sale.gets_rao < one.spot_rao
        assert found.portfolio.share_ppm(NETUID) is not None and found.portfolio.exits[NETUID].price_move_ppm > 0
        (line,) = found.seats
        assert line.hotkey_ss58 == hotkey.ss58
        assert line.immune_until_block > found.portfolio.block.number
        assert found.block_s is None or 0.05 < found.block_s < 5
        asked = await market.holdings()
        assert asked is await market.holdings()  # one reading a block
        detail = travelled(m.GetSubnet, await market.subnet(NETUID))
        assert detail.own[0].uid == line.uid and detail.registration.price_rao > 0
        assert detail.validators > 0 and detail.validator_stake.holders > 0
        assert 0 < detail.before_blocks <= 240
        before = await connection.block(detail.block.number - detail.before_blocks)
        (price,) = await connection.read([("SubtensorModule", "Burn", [NETUID])], before)
        assert detail.price_before_rao == int(price) != detail.registration.price_rao


async def test_subnets_token_and_endpoints(sandbox, tmp_path):
    async with opened(sandbox, tmp_path, []) as (market, _watch, connection):
        for _ in range(120):  # until an epoch has paid
            await _watch.look()
            view = travelled(m.GetSubnets, await market.subnets())
            if view.subnets[0].miner_quartiles is not None:
                break
            await asyncio.sleep(0.2)
        (row,) = view.subnets
        low, middle, high = row.miner_quartiles
        assert 0 < low <= middle <= high and row.earners > 0 and row.incentive.holders == row.earners
        assert row.alpha_per_block_rao and row.subnet.price_rao
        assert row.tao_per_block_rao, "what the chain buys for is part of it"
        payer = await funded(connection, Tao(10**9))
        receipt = await submit.submit(
            connection, await plans.plan_transfer(connection, payer.ss58, payer.ss58, Tao(1)), payer
        )
        await _watch.look()
        token = travelled(m.GetToken, await market.token())
        assert 0 < token.supply.issuance_rao < 21 * 10**15 and token.holders is not None
        assert token.activity is not None and token.activity.transactions >= 1
        assert token.activity.fees_rao >= (receipt.fee_rao or 0) > 0
        check = travelled(m.GetNetCheck, await market.netcheck(2))
        (only,) = check.endpoints
        assert only.error is None and only.latency_ms > 0 and check.used == only.endpoint


async def test_a_validator_that_sets_no_weights_has_no_say(sandbox, tmp_path, monkeypatch):
    async with opened(sandbox, tmp_path, []) as (_market, _watch, connection):
        await connection.rpc("sandbox_makeBlocks", [10])
        head = await connection.head()
        graph = await metagraph.metagraph(connection, NETUID, head)
        deciding = [seat for seat in graph.seats if seat.validator_permit and seat.active and seat.total_stake_rao]
        counted = (await money_reads.subnet_detail(connection, NETUID, head, ())).validators
        seats = tuple(replace(seat, active=False) if seat is deciding[0] else seat for seat in graph.seats)

        async def asleep(*_):
            return replace(graph, seats=seats)

        monkeypatch.setattr(money_reads.seats_of, "metagraph", asleep)
        assert counted == len(deciding) > 0
        assert (await money_reads.subnet_detail(connection, NETUID, head, ())).validators == counted - 1


async def test_an_own_endpoint_that_fails_is_among_the_checked(sandbox, tmp_path, monkeypatch):
    """Another one is in use then, which is when one wants to know why."""
    paths = Paths.under(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        own = f"ws://127.0.0.1:{taken.getsockname()[1]}"
    Settings(paths.settings_file).set(ENDPOINT, own)
    real = replace(TEST, endpoints=(sandbox.endpoint,), genesis=sandbox.genesis)
    monkeypatch.setitem(market_module.NETWORKS, "test", real)
    async with opened(sandbox, tmp_path, []) as (market, watch, _):
        monkeypatch.setattr(Watch, "head", property(lambda _: SimpleNamespace(network="test", chain=watch._chain)))
        check = travelled(m.GetNetCheck, await market.netcheck(1))
    mine, used = check.endpoints
    assert (mine.endpoint, used.endpoint, check.used) == (own, sandbox.endpoint, sandbox.endpoint)
    assert mine.error is not None and "refused" in mine.error and used.error is None


def test_activity_is_summed_over_blocks_not_seconds():
    blocks = [(BlockRef(n, f"0x{n}", 12_000 * n), (2, 1, 0, 10)) for n in range(1, 6)]
    found = summed(blocks)
    assert (found.blocks, found.seconds) == (5, 60.0)
    assert (found.transactions, found.failed, found.registrations, found.fees_rao) == (10, 5, 0, 50)
    assert summed([]) is None


def test_lines_are_of_own_hotkeys_only():
    class Graph:
        netuid, free_seats, block = 3, 2, BlockRef(90, "0x")
        seats = tuple(SimpleNamespace(uid=n, hotkey_ss58=f"h{n}", immune_until_block=100 + n) for n in range(3))

        def ahead(self, uid):
            return None if uid == 2 else uid + 2

    (line,) = seat_lines(Graph(), {"h1"})
    assert (line.uid, line.ahead, line.immune_until_block, line.free_seats, line.seats) == (1, 3, 101, 2, 3)


async def test_earnings_are_written_to_a_new_file_only(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    await ledger.open()
    try:
        await ledger.add_payments([Payment(1, 0, 40, "5Hot", 6, 1_700_000_000_000, 10**9 + 1, 5 * 10**8, "0xab")])

        async def off():
            return None

        agent = SimpleNamespace(
            network=SimpleNamespace(name="sandbox"),
            ledgers=SimpleNamespace(get=lambda _name: ledger),
            prices=SimpleNamespace(source=off),
        )
        export_earnings = LedgerExport(agent).export_earnings  # type: ignore[arg-type]
        path = tmp_path / "out.csv"
        done = await export_earnings(m.ExportEarnings(str(path), "csv"))
        text = path.read_text()
        assert str(path) in done.text and "1.000000001" in text and "0.500000000" in text and "block 40" in text
        for command, title in (
            (m.ExportEarnings(str(path), "csv"), "File exists"),
            (m.ExportEarnings("out.csv", "csv"), "Not a whole path"),
            (m.ExportEarnings(str(tmp_path / "x" / "y.csv"), "csv"), "Not written"),
            (m.ExportEarnings(str(tmp_path / "z.csv"), "xml"), "Not understood"),
        ):
            with pytest.raises(RanvierError) as caught:
                await export_earnings(command)
            assert caught.value.title == title
        assert path.read_text() == text
    finally:
        await ledger.close()


async def test_endpoints_are_checked_while_none_answers(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"ws://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setitem(market_module.NETWORKS, "test", replace(TEST, endpoints=(dead,)))
    watch = SimpleNamespace(network="test", head=None, require=lambda: pytest.fail("there is no block"))
    market = Market(Paths.under(tmp_path), watch, lambda _network: set())
    check = travelled(m.GetNetCheck, await market.netcheck(1))
    assert check.used is None and [one.endpoint for one in check.endpoints] == [dead]
    assert "refused" in check.endpoints[0].error
