"""What a plan says is what the chain then does, to the rao, while nobody else moves a price."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.chain_helpers import connected, done, funded, new_key
from chain.sandbox_process import SandboxProcess
from ranvier.chain import effects, submit
from ranvier.chain.connection import Connection
from ranvier.chain.model import Change, Effect, Plan
from ranvier.chain.plans import plans
from ranvier.chain.quotes import fee_of, with_fee
from ranvier.core.units import Alpha, Tao
from ranvier.keys.signing import LocalSigner

COIN = 10**9


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    folder = tmp_path_factory.mktemp("exact") / "node"
    process = SandboxProcess(folder, "--block-time", "0.15", "--no-life", "--subnets", "2", "--tempo", "5000")
    process.start()
    yield process
    process.stop()


async def owner(connection: Connection) -> tuple[LocalSigner, LocalSigner]:
    """A coldkey whose hotkey has a seat and some alpha on subnet 1."""
    cold, hot = await funded(connection, Tao(100 * COIN)), new_key()
    await done(connection, await plans.plan_register(connection, cold.ss58, hot.ss58, 1), cold)
    await done(connection, await plans.plan_add_stake(connection, cold.ss58, hot.ss58, 1, Tao(30 * COIN)), cold)
    return cold, hot


async def test_a_swap_between_subnets_pays_the_pools_fee_once(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await owner(connection)

        async def exact(plan: Plan) -> None:
            receipt = await done(connection, plan, cold)
            told = [one for one in receipt.findings if "exactly as planned" not in one]
            # Emission moves both pools a little in every block.
            assert receipt.as_planned and all("(below 0.01 %)" in one for one in told), receipt.findings

        await exact(await plans.plan_swap_stake(connection, cold.ss58, hot.ss58, 1, 2, Alpha(5 * COIN, 1)))
        await exact(await plans.plan_move_stake(connection, cold.ss58, hot.ss58, hot.ss58, 1, 2, Alpha(COIN, 1)))
        to_root = await plans.plan_swap_stake(connection, cold.ss58, hot.ss58, 1, 0, Alpha(5 * COIN, 1))
        assert to_root.effects[1].at_least_rao is not None
        await exact(to_root)
        from_root = await plans.plan_swap_stake(connection, cold.ss58, hot.ss58, 0, 2, Alpha(COIN // 5, 0))
        assert from_root.title == "Swap 0.200000000 TAO on root from subnet 0 to 2"
        worst = from_root.effects[1].at_least_rao
        assert worst is not None and 0 < worst < from_root.effects[1].expected_rao
        await exact(from_root)


async def test_unstaking_everything_leaves_what_is_partly_locked(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await owner(connection)
        await done(connection, await plans.plan_add_stake(connection, cold.ss58, hot.ss58, 2, Tao(10 * COIN)), cold)
        locked = await plans.plan_add_collateral(connection, cold.ss58, hot.ss58, 1, Alpha(COIN, 1))
        await done(connection, locked, cold)
        for to_root in (True, False):
            plan = await plans.plan_unstake_all(connection, cold.ss58, hot.ss58, to_root=to_root)
            assert "Subnet 1 stays as it is" in " ".join(plan.warnings) and "Subnet 1" not in dict(plan.lines)
            receipt = await submit.submit(connection, plan, cold)
            if to_root:
                assert receipt.as_planned and receipt.error is None, receipt.findings
                assert [one.effect.netuid for one in receipt.changes] == [2, 0]


async def test_a_batch_says_where_its_parts_go_and_warns_of_shared_pools_only(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await owner(connection)
        taker = new_key().ss58
        stake = await plans.plan_add_stake(connection, cold.ss58, hot.ss58, 1, Tao(COIN))
        send = await plans.plan_transfer(connection, cold.ss58, taker, Tao(COIN))
        both = await plans.plan_batch(connection, [stake, send])
        assert f"To: {taker}" in dict(both.lines)["Part 2"] and "Network" not in dict(both.lines)["Part 2"]
        assert not any("same pool" in one for one in both.warnings)
        twice = await plans.plan_batch(connection, [stake, send, stake])
        assert any("same pool" in one for one in twice.warnings)


@given(st.integers(0, 2**63), st.integers(0, 6_553))
def test_an_amount_with_its_fee_leaves_the_amount(net: int, rate: int) -> None:
    whole = with_fee(net, rate)
    assert whole - fee_of(whole, rate) == net


@pytest.mark.parametrize(
    ("wanted", "real", "says"),
    [
        (-100_000, -99_000, "0.000001000 TAO (1.00 %) less was taken than planned."),
        (-100_000, -101_000, "0.000001000 TAO (1.00 %) more was taken than planned: that is beyond what the plan"),
        (100_000, 99_999, "0.000000001 TAO (below 0.01 %) less than planned: that is beyond"),
        (100_000, 101_000, "0.000001000 TAO (1.00 %) more than planned."),
    ],
)
def test_what_is_paid_is_less_when_less_is_paid(wanted: int, real: int, says: str) -> None:
    change = Change(Effect(new_key().ss58, None, None, wanted, wanted), 10**9, 10**9 + real)
    (sentence,), _ = effects.judge([change], 0, None, frozenset())
    assert says in sentence
