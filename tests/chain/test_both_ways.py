"""Seats and positions by both ways that lead to them, under both rules, and with child keys at work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chain import fixtures_343 as real
from chain.chain_helpers import NETUID, connected
from chain.fixtures_343 import needs_343
from chain.sandbox_process import SandboxProcess
from chain.test_sandbox_locked import put
from ranvier.chain import metagraph, portfolio, quotes
from ranvier.chain.connection import Connection
from ranvier.chain.runtime.runtime_apis import RuntimeApis
from ranvier.core.errors import ChainError
from ranvier.keys import addresses
from ranvier.sandbox.pallets.subtensor.storage import Subtensor

HALF = 1 << 63


@pytest.fixture(scope="module", params=["343", "425"])
def sandbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    folder = tmp_path_factory.mktemp("metagraph")
    process = SandboxProcess(folder / "node", "--block-time", "0.15", "--tempo", "8", "--rules", request.param)
    process.start()
    yield process
    process.stop()


async def test_storage_tells_what_the_runtime_tells(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(sandbox) as connection:
        await connection.rpc("sandbox_makeBlocks", [10])
        head = await connection.head()
        await metagraph.metagraph(connection, NETUID, head)  # now what the runtime can be asked is known
        before = connection.traffic
        told = await metagraph.metagraph(connection, NETUID, head)
        small = [now - then for now, then in zip(connection.traffic, before, strict=True)]
        assert any(seat.emission_rao for seat in told.seats) and any(seat.validator_permit for seat in told.seats)
        for broken in (no_call, strange_answer):
            with monkeypatch.context() as patch:
                broken(patch)
                before = connection.traffic
                assert await metagraph.metagraph(connection, NETUID, head) == told
                large = [now - then for now, then in zip(connection.traffic, before, strict=True)]
        assert small[1] < large[1] and small[2] + small[3] < (large[2] + large[3]) // 3, (small, large)
        with pytest.raises(ChainError, match="no subnet 77"):
            await metagraph.metagraph(connection, 77, head)


def no_call(patch: pytest.MonkeyPatch) -> None:
    async def has_api(self: Connection, *_: object) -> bool:
        return False

    patch.setattr(Connection, "has_api", has_api)


def strange_answer(patch: pytest.MonkeyPatch) -> None:
    """A runtime that counts the columns from another beginning gives others than those asked for."""
    patch.setattr(metagraph, "_COLUMNS", {name: number - 1 for name, number in metagraph._COLUMNS.items()})


async def test_stake_that_weighs_is_the_childs(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        graph = await metagraph.metagraph(connection, NETUID, await connection.head())
        by_alpha = sorted(graph.seats, key=lambda seat: -seat.alpha_stake_rao)
        parent, child = by_alpha[0], by_alpha[-1]
        assert parent.alpha_stake_rao > child.alpha_stake_rao
        keys = [addresses.public_key(seat.hotkey_ss58) for seat in (parent, child)]
        half = b"\x04" + HALF.to_bytes(8, "little")
        await put(connection, Subtensor.ChildKeys.key(keys[0], NETUID), half + keys[1])
        await put(connection, Subtensor.ParentKeys.key(keys[1], NETUID), half + keys[0])
        head = await connection.head()
        graph = await metagraph.metagraph(connection, NETUID, head)
        own = {
            row.hotkey_ss58: row.alpha_rao
            for row in await metagraph._stored(connection, NETUID, len(graph.seats), head)
        }
        lender, borrower = graph.seats[parent.uid], graph.seats[child.uid]
        lent = own[parent.hotkey_ss58] // 2
        assert abs(lender.alpha_stake_rao - (own[parent.hotkey_ss58] - lent)) <= 1
        assert abs(borrower.alpha_stake_rao - (own[child.hotkey_ss58] + lent)) <= 1
        assert sum(seat.alpha_stake_rao for seat in graph.seats) == pytest.approx(sum(own.values()), abs=len(own))
        assert lender.total_stake_rao < parent.total_stake_rao and borrower.total_stake_rao > child.total_stake_rao


@needs_343
def test_the_real_runtime_counts_its_columns_so() -> None:
    """Field by field of the call's answer, as the chain itself describes it."""
    apis = RuntimeApis(real.blob(real.V15))
    api, method = metagraph._SELECTIVE
    assert apis.typed(api, method)
    types = apis.index.types
    (output,) = (one.output for one in apis.index.methods if (one.api, one.name) == (api, method))
    (inner,) = (field.type for variant in types[output].variants for field in variant.fields)
    names = [field.name for field in types[inner].fields]
    assert {name: names.index(name) for name in metagraph._COLUMNS} == metagraph._COLUMNS


async def test_a_portfolio_is_the_same_by_storage(sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody's positions under the rules of 343 and 425, and what a sale brings by the runtime's own word."""
    async with connected(sandbox) as connection:
        head = await connection.head()
        graph = await metagraph.metagraph(connection, NETUID, head)
        everybody = sorted({str(seat.coldkey_ss58) for seat in graph.seats})
        told = await portfolio.portfolio(connection, everybody, head)
        with monkeypatch.context() as patch:
            no_call(patch)
            stored = await portfolio.portfolio(connection, everybody, head)
        assert len(told.holdings) >= 3 and any(one.seated for one in told.holdings)
        assert replace(told, requests=0) == replace(stored, requests=0)
        assert told.exits.keys() == {one.netuid for one in told.holdings if one.sellable_rao}
        for netuid, exit_quote in told.exits.items():
            said = await quotes.simulate(connection, netuid, exit_quote.gives_rao, head, buying=False)
            assert said is not None and (said.gets_rao, said.fee_rao) == (exit_quote.gets_rao, exit_quote.fee_rao)
        curve = quotes._pool
        monkeypatch.setattr(quotes, "_pool", lambda netuid, state: replace(curve(netuid, state), curve=netuid != 0))
        asked = await portfolio.portfolio(connection, everybody, head)
        assert (asked.spot_rao, asked.sale_rao) == (told.spot_rao, told.sale_rao), "all by the runtime's own word"
        assert [one.sale and one.sale.gets_rao for one in asked.holdings] == [
            one.sale and one.sale.gets_rao for one in told.holdings
        ]
        assert {quote.source for netuid, quote in asked.exits.items() if netuid} == {"chain"}
