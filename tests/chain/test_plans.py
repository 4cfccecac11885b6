"""Plans and their receipts on a real sandbox: what was said is what happens, and the limit holds when prices move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chain.chain_helpers import NETUID, change, connected, done, funded, new_key
from chain.sandbox_process import SandboxProcess
from ranvier.chain import policy, quotes, stakes, submit
from ranvier.chain.connection import Connection
from ranvier.chain.model import Plan, Receipt, TxStage
from ranvier.chain.plans import plans
from ranvier.core.errors import ChainError
from ranvier.core.units import Alpha, Tao
from ranvier.keys.signing import LocalSigner

COIN = 10**9


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Without life and with a long tempo: nothing but the test moves prices and positions."""
    folder = tmp_path_factory.mktemp("plans") / "node"
    process = SandboxProcess(folder, "--block-time", "0.1", "--tempo", "5000", "--no-life")
    process.start()
    yield process
    process.stop()


async def miner(connection: Connection, tao: int = 500) -> tuple[LocalSigner, LocalSigner]:
    cold, hot = await funded(connection, Tao(tao * COIN)), new_key()
    receipt = await done(connection, await plans.plan_register(connection, cold.ss58, hot.ss58, NETUID), cold)
    assert receipt.as_planned is not False and receipt.fee_payer_ss58 == cold.ss58
    return cold, hot


def words(plan: Plan) -> str:
    return " ".join([plan.title, *plan.warnings, *(f"{label}: {value}" for label, value in plan.lines)])


async def test_buying_and_selling_is_as_planned_to_the_rao(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await miner(connection)
        plan = await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(7 * COIN))
        assert plan.function == "add_stake_limit" and plan.limit_price_rao and plan.price_rao
        assert plan.price_rao < plan.limit_price_rao < plan.price_rao * 1.05
        assert "simulation" in words(plan) and "Price limit: At most" in words(plan)
        assert plan.value_rao == plan.spend_rao == 7 * COIN and plan.cost_ppm is not None and plan.cost_ppm > 0
        receipt = await done(connection, plan, cold)
        assert receipt.as_planned is True and receipt.findings[0].endswith("exactly as planned.")
        spent, bought = receipt.changes
        assert spent.effect.expected_rao == -7 * COIN
        # Every block adds to the pool, so a later block gives some millionths of a per cent more or less.
        assert bought.after_rao == pytest.approx(bought.effect.expected_rao, rel=1e-6)
        assert change(receipt) == -7 * COIN - plan.fee_rao

        held = bought.after_rao or 0
        sale = await plans.plan_remove_stake(connection, cold.ss58, hot.ss58, NETUID, Alpha(held // 2, NETUID))
        assert sale.function == "remove_stake_limit" and (sale.limit_price_rao or 0) < (sale.price_rao or 0)
        sold = await done(connection, sale, cold)
        assert sold.as_planned is True and change(sold) + plan.fee_rao >= sale.effects[1].at_least_rao
        assert change(sold) + (sold.fee_rao or 0) == pytest.approx(sale.effects[1].expected_rao, rel=1e-6)


async def test_limit_holds_when_the_price_moves(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await miner(connection)
        whale, whale_hot = await miner(connection, 5000)
        plan = await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(10 * COIN))
        free = await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(10 * COIN), slippage_ppm=None)
        assert free.function == "add_stake" and "no price limit" in words(free)
        pool = (await quotes.pools(connection, [NETUID], await connection.head()))[NETUID]
        push = await plans.plan_add_stake(
            connection, whale.ss58, whale_hot.ss58, NETUID, Tao(pool.tao_rao // 20), slippage_ppm=200_000
        )
        assert push.cost_ppm is not None and push.cost_ppm > 10_000 and "smaller steps cost less" in words(push)
        moved = await done(connection, push, whale)
        assert moved.as_planned is True
        stopped = await submit.submit(connection, plan, cold)
        assert stopped.stage is TxStage.FAILED and "past your limit" in str(stopped.error)
        assert "allow more slippage" in str(stopped.next_step)
        assert stopped.findings == ("Nothing was changed but the fee.",) and stopped.as_planned is False
        assert change(stopped) == -(stopped.fee_rao or 0)
        dear = await done(connection, free, cold)
        assert dear.as_planned is None and "less than planned: the price moved, and there was no limit" in str(
            dear.findings
        )


async def test_small_move_within_the_limit_is_told(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await miner(connection)
        other, other_hot = await miner(connection, 5000)
        plan = await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(10 * COIN), slippage_ppm=30_000)
        pool = (await quotes.pools(connection, [NETUID], await connection.head()))[NETUID]
        nudge = Tao(pool.tao_rao // 200)
        await done(connection, await plans.plan_add_stake(connection, other.ss58, other_hot.ss58, NETUID, nudge), other)
        receipt = await done(connection, plan, cold)
        assert receipt.as_planned is True and "within your limit" in str(receipt.findings)
        bought = receipt.changes[1]
        assert bought.effect.at_least_rao is not None
        assert bought.effect.at_least_rao <= (bought.after_rao or 0) < bought.effect.expected_rao


async def test_what_stands_against_a_plan_is_said(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await miner(connection)
        stranger, _ = await miner(connection)
        theirs = await plans.plan_add_stake(connection, stranger.ss58, hot.ss58, NETUID, Tao(COIN))
        assert "not your hotkey" in words(theirs)
        small = await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(1000))
        assert "accepts 0.002" in words(small)
        unknown = await plans.plan_add_stake(connection, cold.ss58, new_key().ss58, NETUID, Tao(COIN))
        assert "does not know this hotkey" in words(unknown)
        much = await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(10**9 * COIN))
        assert "Not enough TAO" in much.lacks and not policy.judge(policy.Policy(), much).allowed and not small.lacks
        sale = await plans.plan_remove_stake(connection, cold.ss58, hot.ss58, NETUID, Alpha(10**14, NETUID))
        assert "less than that: the chain will refuse" in words(sale)
        refused = await submit.submit(connection, sale, cold)
        assert refused.stage is TxStage.FAILED and refused.next_step and refused.as_planned is False
        with pytest.raises(ChainError, match="no subnet 77"):
            await plans.plan_add_stake(connection, cold.ss58, hot.ss58, 77, Tao(COIN))


async def test_auto_stake_and_batches(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await miner(connection)
        plan = await plans.plan_auto_stake(connection, cold.ss58, NETUID, hot.ss58)
        assert not [w for w in plan.warnings if "refuse" in w] and "only pointed at another" in words(plan)
        await done(connection, plan, cold)
        again = await plans.plan_auto_stake(connection, cold.ss58, NETUID, hot.ss58)
        assert "destination already" in words(again)
        refused = await submit.submit(connection, again, cold)
        assert "destination already" in str(refused.error) and "Nothing is to be done" in str(refused.next_step)

        own = await plans.plan_transfer(connection, cold.ss58, cold.ss58, Tao(1))
        receipt = await done(connection, own, cold)
        assert receipt.as_planned is True and change(receipt) == -(receipt.fee_rao or 0), "only the fee"

        taker = new_key().ss58
        parts = [
            await plans.plan_transfer(connection, cold.ss58, taker, Tao(3 * COIN)),
            await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(2 * COIN)),
            await plans.plan_transfer(connection, cold.ss58, taker, Tao(COIN)),
        ]
        batch = await plans.plan_batch(connection, parts)
        assert batch.spend_rao == 6 * COIN and "Balances.transfer_keep_alive(dest=" in dict(batch.lines)["Call"]
        assert len(batch.effects) == 3  # both transfers are one change of each account
        receipt = await done(connection, batch, cold)
        assert receipt.as_planned is True, receipt.findings
        assert change(receipt) == -6 * COIN - (receipt.fee_rao or 0)

        bad = await plans.plan_transfer(connection, cold.ss58, taker, Tao(10**6 * COIN))
        good = await plans.plan_transfer(connection, cold.ss58, taker, Tao(COIN))
        for together, kept in ((True, 0), (False, COIN)):
            both = await plans.plan_batch(connection, [good, bad], all_or_nothing=together)
            broken = await submit.submit(connection, both, cold)
            assert broken.stage is TxStage.FAILED and broken.as_planned is False
            assert change(broken) == -kept - (broken.fee_rao or 0)
            assert ("Part 2 failed" in str(broken.error)) is not together
        with pytest.raises(ChainError, match="same signer"):
            other = await plans.plan_transfer(connection, hot.ss58, taker, Tao(1))
            await plans.plan_batch(connection, [good, other])
        with pytest.raises(ChainError, match="1 to"):
            await plans.plan_batch(connection, [])


async def test_calls_that_a_chain_may_lack(sandbox: SandboxProcess) -> None:
    """Each is planned where the chain has it, carried out, and found as planned; else refused in words."""
    async with connected(sandbox) as connection:
        cold, hot = await miner(connection)
        await done(connection, await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(5 * COIN)), cold)
        other = new_key()
        await done(connection, await plans.plan_register(connection, cold.ss58, other.ss58, NETUID), cold)
        some, friend = Alpha(COIN // 2, NETUID), new_key()
        tries = {
            "move_stake": lambda: plans.plan_move_stake(
                connection, cold.ss58, hot.ss58, other.ss58, NETUID, NETUID, some
            ),
            "transfer_stake": lambda: plans.plan_transfer_stake(
                connection, cold.ss58, friend.ss58, hot.ss58, NETUID, NETUID, some
            ),
            "swap_stake": lambda: plans.plan_swap_stake(connection, cold.ss58, hot.ss58, NETUID, 0, some),
            "swap_hotkey": lambda: plans.plan_swap_hotkey(connection, cold.ss58, other.ss58, new_key().ss58),
            "unstake_all": lambda: plans.plan_unstake_all(connection, cold.ss58, hot.ss58),
        }
        for function, make in tries.items():
            if not connection.has_call("SubtensorModule", function):
                with pytest.raises(ChainError, match=f"has no {function}"):
                    await make()
                continue
            plan = await make()
            receipt: Receipt = await submit.submit(connection, plan, cold)
            assert receipt.error is None, (function, receipt.error)
            assert receipt.as_planned is not False, (function, receipt.findings)
        head = await connection.head()
        if connection.has_call("SubtensorModule", "unstake_all"):
            assert await stakes.stake_of(connection, [(hot.ss58, cold.ss58, NETUID)], head) == [0]
        if connection.has_call("Commitments", "set_commitment"):
            with pytest.raises(ChainError, match="128 bytes"):
                await plans.plan_set_commitment(connection, hot.ss58, NETUID, b"")


async def test_runtime_and_network_are_checked_before_signing(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await miner(connection)
        plan = await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(COIN))
        for wrong in (replace(plan, spec_version=plan.spec_version - 1), replace(plan, genesis_hash="0x" + "00" * 32)):
            with pytest.raises(ChainError):
                await submit.submit(connection, wrong, cold)
            with pytest.raises(ChainError, match="another network or version"):
                await plans.plan_batch(connection, [wrong])


PLAN = Plan("x", "0x", 1, "5", "T", "P", "f", "0x", 0, 0, ())


def test_policy() -> None:
    rules = policy.Policy(per_action_rao=100, per_day_rao=150, retype_above_rao=50, most_cost_ppm=10_000)
    fine = policy.judge(rules, replace(PLAN, value_rao=50))
    assert fine.allowed and fine.retype_rao is None and policy.retyped(fine, None)
    large = policy.judge(rules, replace(PLAN, value_rao=51))
    assert large.allowed and large.retype_rao == 51
    assert not policy.retyped(large, 50) and not policy.retyped(large, None) and policy.retyped(large, 51)
    assert "one action" in policy.judge(rules, replace(PLAN, spend_rao=101)).refusals[0]
    assert "today" in policy.judge(rules, replace(PLAN, value_rao=100), 51).refusals[0]
    assert policy.judge(rules, replace(PLAN, value_rao=100), 50).allowed
    assert "3.50 %" in policy.judge(rules, replace(PLAN, cost_ppm=35_000)).refusals[0]
    everything = policy.judge(policy.Policy(None, None, None, None), replace(PLAN, value_rao=10**18, cost_ppm=10**6))
    assert everything.allowed and everything.retype_rao is None
