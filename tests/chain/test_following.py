"""A transaction whose sender is gone: found in a final block by what was written down before it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chain.chain_helpers import connected, funded, new_key
from chain.sandbox_process import SandboxProcess
from ranvier.agent.money.epoch_walk import forgotten
from ranvier.chain import reads, submit
from ranvier.chain.connection import Connection
from ranvier.chain.following import packed, settle, unpacked
from ranvier.chain.model import Receipt, TxStage
from ranvier.chain.outcome import Sent
from ranvier.chain.plans import plans
from ranvier.chain.watching import LostError
from ranvier.core.errors import ChainError, NetworkError, StorageError
from ranvier.core.units import Tao

COIN = 10**9


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("following") / "node", "--block-time", "0.1", "--no-life")
    process.start()
    yield process
    process.stop()


async def _settled(connection: Connection, text: str) -> Receipt:
    number = 0
    while True:
        receipt, number = await settle(connection, text, number)
        if receipt is not None:
            return receipt
        await asyncio.sleep(0.1)


async def test_what_was_written_down_finds_the_same_receipt(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        sender, taker = await funded(connection, Tao(10 * COIN)), new_key()
        plan = await plans.plan_transfer(connection, sender.ss58, taker.ss58, Tao(COIN))
        kept: list[str] = []

        async def keep(sent: Sent) -> None:
            assert (await reads.balances(connection, [taker.ss58], await connection.head()))[0].free_rao == 0
            kept.append(packed(sent))

        seen = await submit.submit(connection, plan, sender, on_signed=keep, wait=TxStage.FINAL)
        assert unpacked(kept[0]).plan == plan
        found = await _settled(connection, kept[0])
        assert found == seen and found.stage is TxStage.FINAL and found.as_planned


async def test_what_cannot_be_kept_is_not_sent(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        sender, taker = await funded(connection, Tao(10 * COIN)), new_key()
        plan = await plans.plan_transfer(connection, sender.ss58, taker.ss58, Tao(COIN))

        async def full(_: Sent) -> None:
            raise StorageError("Not sent", "The disk is full.")

        with pytest.raises(StorageError, match="full"):
            await submit.submit(connection, plan, sender, on_signed=full)
        assert await connection.rpc("system_accountNextIndex", [sender.ss58]) == 0


async def test_one_that_came_too_late_is_in_no_block(sandbox: SandboxProcess) -> None:
    async with connected(sandbox) as connection:
        sender = await funded(connection, Tao(10 * COIN))
        plan = await plans.plan_transfer(connection, sender.ss58, new_key().ss58, Tao(COIN))
        kept: list[Sent] = []

        async def stop(sent: Sent) -> None:
            kept.append(sent)
            raise StorageError("Not sent", "")

        with pytest.raises(StorageError):
            await submit.submit(connection, plan, sender, on_signed=stop)
        text = packed(kept[0])
        first, number = await settle(connection, text, 0)
        assert first is None and number > kept[0].mortality.block
        await connection.rpc("sandbox_makeBlocks", [70])
        found = await _settled(connection, text)
        assert found.stage is TxStage.DROPPED and "into no block in time" in str(found.error)
        assert str(found.next_step).startswith("Nothing was spent")


@pytest.mark.parametrize("text", ["", "{}", "null", '{"plan": 1}'])
def test_what_is_no_description_is_told(text: str) -> None:
    with pytest.raises(ChainError, match="cannot be read"):
        unpacked(text)


async def test_a_lost_connection_waits_for_the_final_block_when_asked_to(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(sandbox) as connection:
        sender = await funded(connection, Tao(10 * COIN))
        plan = await plans.plan_transfer(connection, sender.ss58, new_key().ss58, Tao(COIN))
        watch = submit.watch

        async def cut(*args: object) -> None:
            await watch(args[0], args[1], TxStage.IN_BLOCK, args[3])  # type: ignore[arg-type]
            raise LostError("Connection lost", "It broke.")

        monkeypatch.setattr(submit, "watch", cut)
        monkeypatch.setattr(submit, "_POLL_S", 0.05)
        receipt = await submit.submit(connection, plan, sender, wait=TxStage.FINAL)
        assert receipt.stage is TxStage.FINAL and receipt.as_planned
        assert replace(receipt, plan=plan) == receipt


async def test_a_receipt_that_cannot_be_read_whole_is_none(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network fails just when the block is read: it is read again later, not kept half for ever."""
    async with connected(sandbox) as connection:
        sender = await funded(connection, Tao(10 * COIN))
        plan = await plans.plan_transfer(connection, sender.ss58, new_key().ss58, Tao(COIN))
        kept: list[str] = []

        async def keep(sent: Sent) -> None:
            kept.append(packed(sent))

        await submit.submit(connection, plan, sender, on_signed=keep, wait=TxStage.FINAL)
        whole = reads.balances

        for trouble in (NetworkError("Network", "away"), ValueError("riddle")):

            async def fail(*_: object, trouble: Exception = trouble) -> None:
                raise trouble

            monkeypatch.setattr(reads, "balances", fail)
            with pytest.raises(NetworkError if isinstance(trouble, NetworkError) else ChainError):
                await _settled(connection, kept[0])
        monkeypatch.setattr(reads, "balances", whole)
        assert (await _settled(connection, kept[0])).as_planned


async def test_a_node_that_keeps_no_bodies_is_told_apart_so_that_an_archive_is_asked(
    sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(sandbox) as connection:
        sender, kept = await funded(connection, Tao(COIN)), []

        async def keep(sent: Sent) -> None:
            kept.append(packed(sent))

        plan = await plans.plan_transfer(connection, sender.ss58, new_key().ss58, Tao(1000))
        await submit.submit(connection, plan, sender, on_signed=keep, wait=TxStage.FINAL)
        whole = connection.rpc

        async def pruned(method: str, params: Sequence[Any]) -> Any:
            return None if method == "chain_getBlock" else await whole(method, params)

        monkeypatch.setattr(connection, "rpc", pruned)
        with pytest.raises(ChainError) as told:
            await settle(connection, kept[0], 0)
        assert forgotten(told.value)
        monkeypatch.undo()
        assert (await _settled(connection, kept[0])).as_planned
