"""What nodes may say about a transaction, told by a fake node: dropped, replaced, silent, lost connections."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chain import fixtures_343 as real
from chain.fake_node import HEAD, FakeNode
from chain.fixtures_343 import needs_343
from ranvier.chain import submit
from ranvier.chain.connection import Connection
from ranvier.chain.model import Plan, TxStage
from ranvier.chain.networks import Network
from ranvier.core.errors import ChainError
from ranvier.keys.signing import LocalSigner

pytestmark = needs_343
SIGNER = LocalSigner.from_seed(bytes(32))


@contextlib.asynccontextmanager
async def made(statuses: list[Any]) -> AsyncIterator[tuple[FakeNode, Connection, Plan]]:
    """A node at block 100 that says ``statuses`` and has the transaction in that block."""
    async with FakeNode() as node:
        node.put("System", "Number", [], (100).to_bytes(4, "little"))
        sent: list[str] = []

        def take(params: list[Any]) -> list[Any]:
            sent.append(params[0])
            return statuses

        header = {"number": "0x64", "parentHash": HEAD}
        node.answers["author_submitAndWatchExtrinsic"] = take
        node.answers["system_accountNextIndex"] = lambda _: 7
        node.answers["chain_getBlock"] = lambda _: {"block": {"header": header, "extrinsics": ["0x00", *sent]}}
        call = real.runtime().call("Balances", "transfer_keep_alive", {"dest": real.BOB, "value": 1})
        plan = Plan("x", real.GENESIS, 343, SIGNER.ss58, "Send", "Balances", "transfer_keep_alive", call, 1, 1, ())
        connection = Connection(Network("x", "X", (node.endpoint,), real.GENESIS, "TAO", play_money=True), timeout_s=2)
        try:
            await connection.open()
            yield node, connection, plan
            assert len(sent) <= 1, "it was sent more than once"
        finally:
            await connection.close()


async def test_in_block_after_a_retraction() -> None:
    async with made(["ready", {"broadcast": []}, {"inBlock": "0x01"}, {"retracted": "0x01"}, {"inBlock": HEAD},
                     {"finalized": HEAD}]) as (_, connection, plan):  # fmt: skip
        stages: list[TxStage] = []
        receipt = await submit.submit(connection, plan, SIGNER, wait=TxStage.FINAL, on_stage=stages.append)
        assert receipt.stage is TxStage.FINAL and receipt.error is None
        assert receipt.block is not None and receipt.block.number == 100
        assert stages == [
            TxStage.SUBMITTED,
            TxStage.IN_BLOCK,
            TxStage.RETRACTED,
            TxStage.IN_BLOCK,
            TxStage.FINAL,
        ]


@pytest.mark.parametrize(
    ("status", "says"), [({"usurped": "0x02"}, "replaced"), ("dropped", "dropped"), ("invalid", "invalid")]
)
async def test_one_pool_is_not_the_network(status: Any, says: str) -> None:
    """Others have it too: it may be in a block already, or get into one until its time is over."""
    async with made(["ready", status]) as (node, connection, plan):
        receipt = await submit.submit(connection, plan, SIGNER)
        assert receipt.stage is TxStage.IN_BLOCK and receipt.error is None
    async with made(["ready", status]) as (node, connection, plan):
        node.answers["chain_getBlock"] = lambda _: {"block": {"header": {}, "extrinsics": []}}
        receipt = await submit.submit(connection, plan, SIGNER)
        assert receipt.stage is TxStage.SUBMITTED and receipt.block is None and receipt.next_step is None
        assert says in str(receipt.error) and "do not repeat" in str(receipt.error)


async def test_a_node_that_stumbles_after_it_was_sent_is_no_refusal() -> None:
    async with made(["ready", None]) as (node, connection, plan):
        answers, whole = iter([ValueError({"code": -32000, "message": "starting"})]), node.answers["chain_getBlock"]

        def stumble(params: Any) -> Any:
            for error in answers:
                raise error
            return whole(params)

        node.answers["chain_getBlock"] = stumble
        receipt = await submit.submit(connection, plan, SIGNER)
        assert receipt.stage is TxStage.IN_BLOCK and receipt.block is not None


async def test_lost_connection_is_looked_up_not_repeated() -> None:
    async with made(["ready", None]) as (_, connection, plan):
        receipt = await submit.submit(connection, plan, SIGNER)
        assert receipt.stage is TxStage.IN_BLOCK and receipt.block is not None


async def test_future_and_silence_end_in_time() -> None:
    async with made(["future"]) as (node, connection, plan):
        node.answers["chain_getBlock"] = lambda _: {"block": {"header": {}, "extrinsics": []}}
        receipt = await submit.submit(connection, plan, SIGNER, timeout_s=0.5)
        assert receipt.stage is TxStage.SUBMITTED and "do not repeat" in str(receipt.error)


async def test_slow_word_of_the_node_is_made_up_by_looking() -> None:
    async with made(["ready"]) as (_, connection, plan):
        receipt = await submit.submit(connection, plan, SIGNER, timeout_s=0.5)
        assert receipt.stage is TxStage.IN_BLOCK and receipt.error is None


async def test_refusal_by_the_pool() -> None:
    async with made([]) as (node, connection, plan):

        def refuse(_: Any) -> None:
            raise ValueError({"code": 1014, "message": "Priority is too low: (1 vs 1)"})

        node.answers["author_submitAndWatchExtrinsic"] = refuse
        with pytest.raises(ChainError, match="same number"):
            await submit.submit(connection, plan, SIGNER)


async def test_receipt_even_if_the_block_cannot_be_read() -> None:
    async with made([{"inBlock": HEAD}]) as (node, connection, plan):
        node.answers["chain_getBlock"] = lambda _: None
        receipt = await submit.submit(connection, plan, SIGNER)
        assert receipt.stage is TxStage.IN_BLOCK and "could not be read" in str(receipt.error)
