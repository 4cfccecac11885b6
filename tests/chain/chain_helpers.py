"""What the tests with a real sandbox share: connections, funded keys, carried-out plans."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from chain.sandbox_process import SandboxProcess
from ranvier.chain import reads, submit
from ranvier.chain.connection import Connection
from ranvier.chain.model import Plan, Receipt, TxStage
from ranvier.chain.networks import sandbox_network
from ranvier.core.units import Tao
from ranvier.keys import mnemonic
from ranvier.keys.signing import LocalSigner

NETUID = 1


@contextlib.asynccontextmanager
async def connected(sandbox: SandboxProcess) -> AsyncIterator[Connection]:
    connection = Connection(sandbox_network(sandbox.endpoint, sandbox.genesis), timeout_s=5)
    try:
        await connection.open()
        yield connection
    finally:
        await connection.close()


def new_key(crypto_type: int = 1) -> LocalSigner:
    return LocalSigner.from_mnemonic(mnemonic.generate(), crypto_type)


async def funded(connection: Connection, amount: Tao, crypto_type: int = 1) -> LocalSigner:
    signer = new_key(crypto_type)
    await connection.rpc("sandbox_fund", [signer.ss58, amount.rao])
    for _ in range(200):
        if (await reads.balances(connection, [signer.ss58], await connection.head()))[0].free_rao == amount.rao:
            return signer
        await asyncio.sleep(0.05)
    raise AssertionError("the faucet did not pay")


async def done(connection: Connection, plan: Plan, signer: LocalSigner) -> Receipt:
    receipt = await submit.submit(connection, plan, signer)
    assert receipt.error is None and receipt.stage is TxStage.IN_BLOCK and receipt.block is not None
    return receipt


def change(receipt: Receipt) -> int:
    assert receipt.balance_after_rao is not None and receipt.balance_before_rao is not None
    return receipt.balance_after_rao - receipt.balance_before_rao
