"""Portfolio, metagraph, registration and token against a real sandbox, held against the runtime's own answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chain.chain_helpers import NETUID, connected, done, funded, new_key
from chain.sandbox_process import SandboxProcess
from ranvier.chain import metagraph, portfolio, quotes, reads, stakes, supply
from ranvier.chain.plans import plans
from ranvier.chain.token import token
from ranvier.core.errors import ChainError
from ranvier.core.units import Tao


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("reads") / "node", "--block-time", "0.15", "--tempo", "8")
    process.start()
    yield process
    process.stop()


async def test_portfolio_is_the_chains_own(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await funded(connection, Tao(100 * 10**9)), new_key()
        await done(connection, await plans.plan_register(connection, cold.ss58, hot.ss58, NETUID), cold)
        receipt = await done(
            connection, await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(7 * 10**9)), cold
        )
        stranger = new_key().ss58
        found = await portfolio.portfolio(connection, [cold.ss58, stranger], receipt.block)
        mine, theirs = found.accounts
        assert mine.free_rao == receipt.balance_after_rao and mine.spendable_rao == mine.free_rao - 500
        assert theirs.free_rao == theirs.spendable_rao == 0 and mine.key_swap is None
        (held,) = found.holdings
        assert (held.hotkey_ss58, held.coldkey_ss58, held.netuid) == (hot.ss58, cold.ss58, NETUID)
        assert held.owned and held.seated and held.auto_stake_ss58 is None
        assert [row.alpha_rao for row in await stakes.stored_rows(connection, [cold.ss58], receipt.block)] == [
            held.alpha_rao
        ]
        assert held.locked_rao == 0 and held.collateral is None and found.locks == ()
        said = await quotes.simulate(connection, NETUID, held.alpha_rao, receipt.block, buying=False)
        assert said is not None and held.sale is not None and said.source == "chain"
        assert said.gets_rao == held.sale.gets_rao == found.exits[NETUID].gets_rao == found.sale_rao
        assert said.fee_rao == held.sale.fee_rao
        assert held.spot_rao is not None and held.sale.gets_rao < held.spot_rao == found.spot_rao
        price = (await reads.prices(connection, [NETUID], receipt.block))[NETUID]
        assert held.price_rao == price
        share = found.share_ppm(NETUID)
        assert share is not None and 0 < share < 10**6
        bought = await quotes.simulate(connection, NETUID, 10**9, receipt.block, buying=True)
        formula = quotes.quote_buy(found.pools[NETUID], 10**9)
        assert bought is not None and formula is not None and bought.gets_rao == formula.gets_rao
        nothing = await portfolio.portfolio(connection, [stranger], receipt.block)
        assert nothing.holdings == () and nothing.sale_rao == 0 and nothing.requests <= 4


async def test_requests_do_not_grow_with_positions(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold = await funded(connection, Tao(1000 * 10**9))
        counts = []
        for _ in range(3):
            hot = new_key()
            await done(connection, await plans.plan_register(connection, cold.ss58, hot.ss58, NETUID), cold)
            receipt = await done(
                connection, await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(10**9)), cold
            )
            found = await portfolio.portfolio(connection, [cold.ss58], receipt.block)
            counts.append((len(found.holdings), found.requests))
        assert [held for held, _ in counts] == [1, 2, 3]
        assert len({requests for _, requests in counts[1:]}) == 1 and counts[-1][1] <= 6


async def test_metagraph_and_who_leaves(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        head = await connection.head()
        before = connection.traffic[0]
        graph = await metagraph.metagraph(connection, NETUID, head)
        assert connection.traffic[0] - before <= 4
        subnet = await reads.subnet(connection, NETUID, head)
        assert len(graph.seats) == subnet.neurons and graph.max_seats == subnet.max_neurons
        for seat in graph.seats[:3]:
            other = await reads.neuron(connection, NETUID, seat.hotkey_ss58, head)
            assert other is not None
            assert (other.uid, other.incentive, other.emission_rao) == (seat.uid, seat.incentive, seat.emission_rao)
            assert (other.registered_block, other.immune_until_block, other.axon) == (
                seat.registered_block,
                seat.immune_until_block,
                seat.axon,
            )
        assert any(seat.validator_permit for seat in graph.seats)
        assert graph.free_seats == graph.max_seats - len(graph.seats)
        for place, uid in enumerate(graph.line):
            assert graph.ahead(uid) == graph.free_seats + place
        with pytest.raises(ChainError, match="no subnet 77"):
            await metagraph.metagraph(connection, 77, head)


async def test_the_first_in_line_is_who_leaves(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A subnet filled to the last seat: the next registration takes the place that the line says, five times."""
    process = SandboxProcess(
        tmp_path_factory.mktemp("full") / "node", "--block-time", "0.1", "--tempo", "5000", "--no-life"
    )
    process.start()
    try:
        async with connected(process) as connection:
            cold = await funded(connection, Tao(50_000 * 10**9))
            free = (await metagraph.metagraph(connection, NETUID, await connection.head())).free_seats
            while free:
                parts = []
                for _ in range(min(16, free)):
                    arguments = {"netuid": NETUID, "hotkey": new_key().ss58}
                    call = await connection.compute(
                        lambda r, a=arguments: r.call("SubtensorModule", "burned_register", a)
                    )
                    base = (
                        await plans.plan_transfer(connection, cold.ss58, cold.ss58, Tao(1)) if not parts else parts[0]
                    )
                    parts.append(replace(base, call_hex=call, spend_rao=0))
                await done(connection, await plans.plan_batch(connection, parts), cold)
                free -= len(parts)
            graph = await metagraph.metagraph(connection, NETUID, await connection.head())
            assert graph.free_seats == 0 and graph.line and graph.ahead(graph.line[3]) == 3
            assert not any(graph.seats[uid].protected for uid in graph.line)
            for uid in graph.line[:5]:
                hot = new_key()
                plan = await plans.plan_register(connection, cold.ss58, hot.ss58, NETUID)
                assert "The subnet is full" in " ".join(plan.warnings)
                receipt = await done(connection, plan, cold)
                seat = await reads.neuron(connection, NETUID, hot.ss58, receipt.block)
                assert seat is not None and seat.uid == uid
    finally:
        process.stop()


async def test_registration_rules_and_token(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        head = await connection.head()
        rules = await metagraph.registration(connection, NETUID, head)
        subnet = await reads.subnet(connection, NETUID, head)
        assert rules.open and rules.price_rao == subnet.register_rao == rules.burned_rao + rules.locked_rao
        assert rules.half_life_blocks and rules.jump_ppm == pytest.approx(260_000, abs=1) and rules.limit_possible
        with pytest.raises(ChainError):
            await metagraph.registration(connection, 77, head)
        found = await token(connection, head)
        said = await connection.runtime_call("SubnetInfoRuntimeApi", "get_block_emission", [], head)
        assert found.issuance_rao > 0 and found.block_emission_rao == said > 0
        assert found.halvings == supply.halvings_at(found.issuance_rao)
