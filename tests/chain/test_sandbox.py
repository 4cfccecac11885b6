"""The whole client against a real sandbox process: money to the rao, refusals in words, kills survived."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chain.chain_helpers import NETUID, change, connected, done, funded, new_key
from chain.sandbox_process import SandboxProcess
from ranvier.chain import payouts, reads, submit
from ranvier.chain.connection import Connection
from ranvier.chain.model import BlockRef, TxStage
from ranvier.chain.networks import sandbox_network
from ranvier.chain.outcome import Sent
from ranvier.chain.plans import plans
from ranvier.chain.runtime.events import find
from ranvier.core.errors import ChainError, NetworkError
from ranvier.core.units import Alpha, Tao
from ranvier.keys.signing import ED25519


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox") / "node", "--block-time", "0.15", "--tempo", "8")
    process.start()
    yield process
    process.stop()


@pytest.mark.parametrize("crypto_type", [1, ED25519])
async def test_transfer_is_exact(sandbox: SandboxProcess, crypto_type: int) -> None:
    async with connected(sandbox) as connection:
        sender, taker = await funded(connection, Tao(10 * 10**9), crypto_type), new_key()
        plan = await plans.plan_transfer(connection, sender.ss58, taker.ss58, Tao(123_456_789))
        assert (plan.network, plan.genesis_hash, plan.spend_rao) == ("sandbox", sandbox.genesis, 123_456_789)
        assert "holds nothing yet" in plan.warnings[0] and plan.fee_rao > 0
        call = dict(plan.lines)["Call"]
        assert call == f"Balances.transfer_keep_alive(dest={taker.ss58}, value=123456789)"
        stages: list[TxStage] = []
        receipt = await submit.submit(connection, plan, sender, on_stage=stages.append, wait=TxStage.FINAL)
        assert stages == [TxStage.SUBMITTED, TxStage.IN_BLOCK, TxStage.FINAL] and receipt.stage is TxStage.FINAL
        assert receipt.fee_rao == plan.fee_rao
        assert change(receipt) == -plan.spend_rao - plan.fee_rao
        got, none = await reads.balances(connection, [taker.ss58, new_key().ss58], await connection.head())
        assert (got.free_rao, got.spendable_rao, none.free_rao) == (123_456_789, 123_456_789 - 500, 0)


async def test_refused_transfers_say_why(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        sender, taker = await funded(connection, Tao(10**9)), new_key()
        plan = await plans.plan_transfer(connection, sender.ss58, taker.ss58, Tao(5 * 10**9))
        assert "Not enough TAO" in plan.lacks and "Get play money" in plan.lacks
        receipt = await submit.submit(connection, plan, sender)
        assert receipt.stage is TxStage.FAILED and "not enough free TAO" in str(receipt.error)
        assert change(receipt) == -(receipt.fee_rao or 0) < 0  # a failed call costs its fee
        poor = new_key()
        plan = await plans.plan_transfer(connection, poor.ss58, taker.ss58, Tao(1))
        with pytest.raises(ChainError, match="cannot pay the fee"):
            await submit.submit(connection, plan, poor)
        with pytest.raises(ChainError):
            await plans.plan_transfer(connection, sender.ss58, taker.ss58, Tao(0))


async def test_guards_before_signing(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        sender = await funded(connection, Tao(10**9))
        plan = await plans.plan_transfer(connection, sender.ss58, sender.ss58, Tao(1))
        assert any("to yourself" in warning for warning in plan.warnings)
        for wrong, says in (
            (replace(plan, genesis_hash="0x" + "11" * 32), "another network"),
            (replace(plan, spec_version=1), "upgraded"),
            (replace(plan, signer_ss58=new_key().ss58), "unlocked key"),
        ):
            with pytest.raises(ChainError, match=says):
                await submit.submit(connection, wrong, sender)
        assert int(await connection.rpc("system_accountNextIndex", [sender.ss58])) == 0


async def test_life_of_a_miner(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await funded(connection, Tao(100 * 10**9)), new_key()
        assert await reads.neuron(connection, NETUID, hot.ss58, await connection.head()) is None
        plan = await plans.plan_register(connection, cold.ss58, hot.ss58, NETUID)
        assert plan.function == "register_limit" and plan.warnings == ()
        receipt = await done(connection, plan, cold)
        paid = -change(receipt) - (receipt.fee_rao or 0)
        assert 0 < paid <= plan.spend_rao * 105 // 100
        seat = await reads.neuron(connection, NETUID, hot.ss58, await connection.head())
        assert seat is not None and seat.registered_block == receipt.block.number and seat.axon is None
        again = await plans.plan_register(connection, cold.ss58, hot.ss58, NETUID)
        assert any("already has uid" in warning for warning in again.warnings)
        refused = await submit.submit(connection, again, cold)
        assert refused.stage is TxStage.FAILED and "already has a place" in str(refused.error)

        axon = await plans.plan_serve_axon(connection, hot.ss58, NETUID, "192.0.2.1", 8091)
        assert axon.fee_rao == 0
        served = await done(connection, axon, hot)
        seat = await reads.neuron(connection, NETUID, hot.ss58, await connection.head())
        assert seat is not None and seat.axon is not None
        assert (seat.axon.ip, seat.axon.port, seat.axon.block) == ("192.0.2.1", 8091, served.block.number)
        with pytest.raises(ChainError, match="short while ago"):
            await submit.submit(connection, axon, hot)
        for ip, port in (("nonsense", 1), ("192.0.2.1", 0), ("192.0.2.1", 70_000)):
            with pytest.raises(ChainError):
                await plans.plan_serve_axon(connection, hot.ss58, NETUID, ip, port)
        with pytest.raises(ChainError, match="no subnet 77"):
            await plans.plan_register(connection, cold.ss58, hot.ss58, 77)


async def test_stake_positions_equal_the_runtimes_own(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        cold, hot = await funded(connection, Tao(100 * 10**9)), new_key()
        await done(connection, await plans.plan_register(connection, cold.ss58, hot.ss58, NETUID), cold)
        receipt = await done(
            connection, await plans.plan_add_stake(connection, cold.ss58, hot.ss58, NETUID, Tao(7 * 10**9)), cold
        )
        (held,) = await reads.stake_positions(connection, [cold.ss58], receipt.block)
        assert (held.hotkey_ss58, held.coldkey_ss58, held.netuid) == (hot.ss58, cold.ss58, NETUID)
        assert held.price_rao is not None and held.spot_rao == held.alpha_rao * held.price_rao // 10**9
        answer = await connection.runtime_call(
            "StakeInfoRuntimeApi", "get_stake_info_for_coldkey", [cold.ss58], receipt.block
        )
        assert [row["stake"] for row in answer] == [held.alpha_rao]
        half = Alpha(held.alpha_rao // 2, NETUID)
        sold = await done(
            connection, await plans.plan_remove_stake(connection, cold.ss58, hot.ss58, NETUID, half), cold
        )
        assert change(sold) > 3 * 10**9
        (left,) = await reads.stake_positions(connection, [cold.ss58], sold.block)
        assert 0 <= left.alpha_rao - (held.alpha_rao - half.rao) <= 2
        too_much = await plans.plan_remove_stake(connection, cold.ss58, hot.ss58, NETUID, Alpha(10**18, NETUID))
        assert any("will refuse" in warning for warning in too_much.warnings)
        with pytest.raises(ChainError, match="not the alpha"):
            await plans.plan_remove_stake(connection, cold.ss58, hot.ss58, NETUID, Alpha(1, 2))


async def test_subnets_and_epochs(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        async with asyncio.timeout(30):
            while True:
                head = await connection.head()
                last = await reads.last_epoch_block(connection, NETUID, head)
                keys = await connection.read_prefix("SubtensorModule", "Keys", [NETUID], head)
                holders = {str(hotkey) for _, hotkey in keys}
                read = await payouts.read_down(connection, NETUID, head.number, 1, holders, 1)
                if read.payouts:
                    break
                await asyncio.sleep(0.3)
        subnet = await reads.subnet(connection, NETUID, head)
        assert subnet.tempo == 8 and subnet.last_epoch_block == last
        assert subnet.next_epoch_block == last + subnet.tempo > head.number  # 425; by the clock: test below
        assert [s.netuid for s in await reads.subnets(connection, head)] == [0, NETUID]
        with pytest.raises(ChainError, match="no subnet 9"):
            await reads.subnet(connection, 9, head)
        block = await connection.block(last)
        event = find(await connection.events(block), "SubtensorModule", reads.MINER_EVENT)[-1]
        amounts = event.get("emissions", 1)
        assert {p.uid: p.gross_rao for p in read.payouts} == {uid: rao for uid, rao in enumerate(amounts) if rao}
        for payment in read.payouts:
            assert (payment.block_hash, payment.time_ms, payment.mechanism) == (block.hash, block.time_ms, 0)
            seat = await reads.neuron(connection, NETUID, payment.hotkey_ss58, block)
            assert seat is not None and seat.uid == payment.uid
            assert await reads.weights_on(connection, NETUID, payment.uid, block)
        assert (read.trouble, read.low) == (None, max(1, last - subnet.tempo + 1))


async def test_kill_and_restart_of_the_node(tmp_path: Path) -> None:
    sandbox = SandboxProcess(tmp_path / "node", "--block-time", "0.1", "--no-life")
    sandbox.start()
    try:
        async with connected(sandbox) as connection:
            sender = await funded(connection, Tao(10**9))
            first = await connection.head()
            sandbox.kill()
            with pytest.raises(NetworkError):
                await connection.head()
            sandbox.start()
            for _ in range(100):
                head = await connection.head()
                if head.number > first.number:
                    break
                await asyncio.sleep(0.1)
            assert head.time_ms is not None and first.time_ms is not None and head.time_ms > first.time_ms
            plan = await plans.plan_transfer(connection, sender.ss58, new_key().ss58, Tao(1000))
            await done(connection, plan, sender)
            old = BlockRef(first.number, first.hash)
            assert (await reads.balances(connection, [sender.ss58], old))[0].free_rao in (0, 10**9)
    finally:
        sandbox.stop()


async def test_another_sandbox_is_not_this_one(sandbox: SandboxProcess) -> None:
    connection = Connection(sandbox_network(sandbox.endpoint, "0x" + "00" * 32))
    with pytest.raises(NetworkError, match="first block"):
        await connection.open()
    await connection.close()


async def test_the_next_epoch_by_the_clock_of_343(tmp_path: Path) -> None:
    """Older chains have no ``LastEpochBlock``: B is an epoch when (B + netuid + 1) % (tempo + 1) == tempo."""
    process = SandboxProcess(tmp_path / "node", "--block-time", "0.05", "--tempo", "6", "--no-life", "--rules", "343")
    process.start()
    try:
        async with connected(process) as connection, asyncio.timeout(30):
            while True:
                head = await connection.head()
                subnet = await reads.subnet(connection, NETUID, head)
                if subnet.last_epoch_block:
                    break
                await asyncio.sleep(0.05)
            following = subnet.next_epoch_block
            assert following is not None and head.number < following <= head.number + 7
            assert (following + NETUID + 1) % 7 == 6 == (subnet.last_epoch_block + NETUID + 1) % 7
            while True:
                if (await connection.head()).number >= following:
                    break
                await asyncio.sleep(0.05)
            assert await reads.last_epoch_block(connection, NETUID, await connection.block(following)) == following
    finally:
        process.stop()


async def test_who_pays_the_fee_and_whose_backup_is_told(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer runtimes charge the owner for what its hotkey signs; before, that is free. Off the sandbox, keys matter."""
    async with connected(sandbox) as connection:
        cold, hot = await funded(connection, Tao(100 * 10**9)), new_key()
        await done(connection, await plans.plan_register(connection, cold.ss58, hot.ss58, NETUID), cold)
        free = await plans.plan_serve_axon(connection, hot.ss58, NETUID, "192.0.2.1", 8091)
        assert dict(free.lines)["Fee"] == "none" and free.fee_payer_ss58 == hot.ss58 and not free.lacks

        async def priced(*_: object) -> int:
            return 1000

        monkeypatch.setattr("ranvier.chain.fees.estimate", priced)
        before = await plans.plan_serve_axon(connection, hot.ss58, NETUID, "192.0.2.1", 8091)
        assert before.fee_payer_ss58 == hot.ss58 and "0.000000000 TAO can be spent, " in before.lacks
        monkeypatch.setattr("ranvier.chain.fees._OWNER_PAYS_FROM", connection.spec_version)
        owned = await plans.plan_serve_axon(connection, hot.ss58, NETUID, "192.0.2.1", 8091)
        assert owned.fee_payer_ss58 == cold.ss58 and not owned.lacks
        assert "the coldkey that owns the hotkey" in dict(owned.lines)["Fee"]
        stranger = await plans.plan_serve_axon(connection, new_key().ss58, NETUID, "192.0.2.1", 8091)
        assert stranger.fee_payer_ss58 == stranger.signer_ss58 and stranger.lacks
        moved = await plans.plan_transfer(connection, cold.ss58, hot.ss58, Tao(1))
        assert moved.fee_payer_ss58 == cold.ss58
    elsewhere = Connection(replace(sandbox_network(sandbox.endpoint, sandbox.genesis), name="finney"), timeout_s=5)
    await elsewhere.open()
    try:
        plan = await plans.plan_register(elsewhere, cold.ss58, new_key().ss58, NETUID)
        assert "This hotkey is new to the chain: verify its backup first." in plan.warnings
    finally:
        await elsewhere.close()


async def test_another_chain_in_place_of_the_node_between_plan_and_signature(tmp_path: Path) -> None:
    """The node is killed after the plan; then another chain answers where it was; then the node is back."""
    first, second = (SandboxProcess(tmp_path / name / "node", "--block-time", "0.1", "--no-life") for name in "ab")
    for one in (first, second):
        one.folder.parent.mkdir()
    first.start()
    port = int(first.endpoint.rsplit(":", 1)[1].split("/")[0])
    signed: list[str] = []

    async def keep(sent: Sent) -> None:
        signed.append(sent.hash)

    try:
        async with connected(first) as connection:
            sender = await funded(connection, Tao(10**9))
            plan = await plans.plan_transfer(connection, sender.ss58, new_key().ss58, Tao(1000))
            before = await submit.prepare(connection, plan)
            first.kill()
            with pytest.raises(NetworkError, match="does not answer"):
                await submit.submit(connection, plan, sender, on_signed=keep)
            second.start(port)
            assert second.genesis != first.genesis and second.endpoint == first.endpoint
            with pytest.raises(NetworkError, match="its first block is"):
                await submit.submit(connection, plan, sender, on_signed=keep)
            with pytest.raises(NetworkError, match="its first block is"):
                await submit.submit(connection, plan, sender, on_signed=keep, unsigned=before)
            assert not signed, "nothing was signed for a chain that the plan was not made for"
            second.kill()
            first.start(port)
            assert (await done(connection, plan, sender)).as_planned
    finally:
        first.stop()
        second.stop()
