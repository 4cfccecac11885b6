"""Alpha that cannot leave, against a real sandbox: collateral and conviction locks as the app reads and plans them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from chain.chain_helpers import NETUID, change, connected, done, funded, new_key
from chain.sandbox_process import SandboxProcess
from ranvier.chain import reads, stakes, submit
from ranvier.chain.connection import Connection
from ranvier.chain.model import Receipt, TxStage
from ranvier.chain.model_stake import Holding, Portfolio
from ranvier.chain.plans import plans
from ranvier.chain.plans.planning import Draft, finish, start
from ranvier.chain.portfolio import key_swaps, portfolio
from ranvier.chain.runtime.events import find
from ranvier.core.errors import ChainError
from ranvier.core.units import Alpha, Tao
from ranvier.keys.signing import LocalSigner
from ranvier.sandbox.frame.storage import blake2_256
from ranvier.sandbox.pallets.subtensor.storage import Subtensor

HALF = 32_768


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox") / "node", "--block-time", "0.15", "--tempo", "200")
    process.start()
    yield process
    process.stop()


async def put(connection: Connection, key: bytes, value: bytes) -> None:
    """Set storage, and wait until it is so."""
    await connection.rpc("sandbox_setStorage", [[["0x" + key.hex(), "0x" + value.hex()]]])
    for _ in range(200):
        if await connection.rpc("state_getStorage", ["0x" + key.hex()]) == "0x" + value.hex():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("storage was not set")


async def sent(connection: Connection, signer: LocalSigner, function: str, *values: Any) -> Receipt:
    """A call that the app has no plan for."""
    begun = await start(connection, signer.ss58)
    return await done(connection, await finish(connection, begun, Draft("test", function, values=values)), signer)


async def seen(connection: Connection, cold: LocalSigner, receipt: Receipt) -> tuple[Portfolio, Holding]:
    assert receipt.block is not None
    found = await portfolio(connection, [cold.ss58], receipt.block)
    return found, found.holdings[0]


async def locking(connection: Connection, receipt: Receipt) -> dict[str, int]:
    assert receipt.block is not None
    (event,) = find(await connection.events(receipt.block), "SubtensorModule", "CollateralLocked")
    return {name: int(event.attributes[name]) for name in ("locked", "total_locked")}


async def test_collateral_from_the_seat_to_the_floor(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        await put(connection, Subtensor.CollateralLockShare.key(NETUID), HALF.to_bytes(2, "little"))
        cold, hot = await funded(connection, Tao(100 * 10**9)), new_key()
        plan = await plans.plan_register(connection, cold.ss58, hot.ss58, NETUID)
        assert "becomes collateral that only work releases" in dict(plan.lines)["Effect"]
        receipt = await done(connection, plan, cold)
        assert plan.spend_rao * 95 // 100 <= -change(receipt) - (receipt.fee_rao or 0) <= plan.spend_rao
        locked = (await locking(connection, receipt))["locked"]
        _, held = await seen(connection, cold, receipt)
        assert held.collateral is not None and held.collateral.locked_rao == locked
        assert (held.collateral.work_left_rao, held.collateral.min_locked_rao) == (locked, 0)
        assert held.alpha_rao - locked in (-1, 0) and held.sellable_rao == 0 and held.locked_rao == held.alpha_rao
        assert held.sale is None and held.seated

        some = Alpha(held.alpha_rao, NETUID)
        sell = await plans.plan_remove_stake(connection, cold.ss58, hot.ss58, NETUID, some)
        assert any("is collateral" in warning for warning in sell.warnings)
        refused = await submit.submit(connection, sell, cold)
        assert refused.stage is TxStage.FAILED and "locked" in str(refused.error)

        more = await plans.plan_add_collateral(connection, cold.ss58, hot.ss58, NETUID, Alpha(5 * 10**9, NETUID))
        receipt = await done(connection, more, cold)
        total = (await locking(connection, receipt))["total_locked"]
        assert total > locked + 4 * 10**9
        floor = await plans.plan_set_min_collateral(connection, cold.ss58, hot.ss58, NETUID, Alpha(total + 7, NETUID))
        assert "will be locked instead of paid out" in floor.warnings[0]
        receipt = await done(connection, floor, cold)
        _, held = await seen(connection, cold, receipt)
        assert held.collateral is not None
        found = held.collateral
        assert (found.locked_rao, found.min_locked_rao, found.work_left_rao) == (total, total + 7, None)


async def test_a_conviction_lock_holds_what_the_app_calls_locked(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await funded(connection, Tao(100 * 10**9)), new_key()
        await sent(connection, cold, "try_associate_hotkey", hot.ss58)
        stake = await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(20 * 10**9))
        _, held = await seen(connection, cold, await done(connection, stake, cold))
        assert held.locked_rao == 0
        mass = held.alpha_rao // 2
        receipt = await sent(connection, cold, "lock_stake", hot.ss58, NETUID, mass)
        found, held = await seen(connection, cold, receipt)
        (lock,) = found.locks
        assert (lock.hotkey_ss58, lock.locked_rao, lock.perpetual) == (hot.ss58, mass, False)
        assert held.locked_rao == mass and held.sellable_rao == held.alpha_rao - mass
        assert receipt.block is not None
        await connection.rpc("sandbox_makeBlocks", [3])
        found = await portfolio(connection, [cold.ss58], await connection.head())
        (lock,), (held,) = found.locks, found.holdings
        assert lock.locked_rao == held.locked_rao < mass and lock.since_block == receipt.block.number, "it decays"
        receipt = await sent(connection, cold, "set_perpetual_lock", NETUID, True)
        found, held = await seen(connection, cold, receipt)
        assert found.locks[0].perpetual and mass - mass // 10_000 < held.locked_rao < mass, "it decayed meanwhile"
        over = Alpha(held.sellable_rao + 10**9, NETUID)
        sell = await plans.plan_remove_stake(connection, cold.ss58, hot.ss58, NETUID, over)
        assert any("perpetual" in warning for warning in sell.warnings)
        refused = await submit.submit(connection, sell, cold)
        assert refused.stage is TxStage.FAILED and "locked" in str(refused.error)
        free = await plans.plan_remove_stake(connection, cold.ss58, hot.ss58, NETUID, Alpha(held.sellable_rao, NETUID))
        _, held = await seen(connection, cold, await done(connection, free, cold))
        assert held.sellable_rao <= 2


async def test_what_can_be_sold_of_several_positions_is_the_chains_word(sandbox: SandboxProcess) -> None:
    """Locked alpha and collateral together, over three hotkeys of one coldkey."""
    async with connected(sandbox) as connection:
        await put(connection, Subtensor.CollateralLockShare.key(NETUID), HALF.to_bytes(2, "little"))
        cold, hots = await funded(connection, Tao(200 * 10**9)), [new_key() for _ in range(3)]
        await done(connection, await plans.plan_register(connection, cold.ss58, hots[0].ss58, NETUID), cold)
        for hot in hots[1:]:
            await sent(connection, cold, "try_associate_hotkey", hot.ss58)
            receipt = await done(
                connection, await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(20 * 10**9)), cold
            )
        found, held = await seen(connection, cold, receipt)
        assert len(found.holdings) == 3 and found.exits[NETUID].gives_rao == sum(h.sellable_rao for h in found.holdings)
        held = next(one for one in found.holdings if one.hotkey_ss58 == hots[1].ss58)
        await sent(connection, cold, "lock_stake", hots[1].ss58, NETUID, held.alpha_rao + held.alpha_rao // 2)
        head = await connection.head()
        found = await portfolio(connection, [cold.ss58], head)
        answer = await connection.runtime_call(stakes.API, stakes.AVAILABLE, [[cold.ss58], None], head)
        (told,) = stakes.told_availability(answer).values()
        assert told.total_rao == sum(one.alpha_rao for one in found.holdings) and told.locked_rao > held.alpha_rao
        assert told.available_rao < sum(one.sellable_rao for one in found.holdings), "each may go, but not all of them"
        assert found.exits[NETUID].gives_rao == told.available_rao


async def test_a_key_swap_on_its_way_is_seen_and_stops_plans(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, new = await funded(connection, Tao(10 * 10**9)), new_key()
        receipt = await sent(connection, cold, "announce_coldkey_swap", "0x" + blake2_256(new.public_key).hex())
        assert receipt.block is not None
        found = await portfolio(connection, [cold.ss58], receipt.block)
        swap = found.accounts[0].key_swap
        assert swap is not None and swap.execute_block == receipt.block.number + 36_000 and not swap.disputed
        assert await key_swaps(connection, [new.ss58, cold.ss58, cold.ss58], receipt.block) == {cold.ss58: swap}
        plan = await plans.plan_transfer(connection, cold.ss58, new.ss58, Tao(10**9))
        with pytest.raises(ChainError, match="swap of this coldkey is announced"):
            await submit.submit(connection, plan, cold)
        assert (await reads.balances(connection, [new.ss58], await connection.head()))[0].free_rao == 0
