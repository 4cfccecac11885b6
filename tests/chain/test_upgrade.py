"""A runtime upgrade while a client is at work: a plan of before is not signed, the next is of the new runtime."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from chain.chain_helpers import connected, funded, new_key
from chain.sandbox_process import SandboxProcess
from ranvier.chain import reads, submit
from ranvier.chain.model import TxStage
from ranvier.chain.plans import plans
from ranvier.core.errors import ChainError
from ranvier.core.units import Tao


def ask(node: SandboxProcess, method: str, *params: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(node.endpoint.replace("ws", "http", 1), body, {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=10))["result"]


async def test_a_plan_of_before_the_upgrade_is_not_signed(tmp_path: Path) -> None:
    node = SandboxProcess(tmp_path / "node", "--block-time", "0.15", "--rules", "343", "--no-life")
    node.start()
    try:
        async with connected(node) as connection:
            sender, taker = await funded(connection, Tao(10 * 10**9)), new_key()
            before = await connection.head()
            assert not connection.has_call("SubtensorModule", "register_limit")
            plan = await plans.plan_transfer(connection, sender.ss58, taker.ss58, Tao(10**9))
            seat = await plans.plan_register(connection, sender.ss58, taker.ss58, 1)
            assert any("no limit" in one for one in seat.warnings) and seat.limit_price_rao is None
            ask(node, "sandbox_setRules", 425)
            while ask(node, "state_getRuntimeVersion")["specVersion"] == 343:  # noqa: ASYNC110  # another process
                await asyncio.sleep(0.05)
            with pytest.raises(ChainError, match="upgraded"):
                await submit.submit(connection, plan, sender)
            again = await plans.plan_transfer(connection, sender.ss58, taker.ss58, Tao(10**9))
            assert (plan.spec_version, again.spec_version) == (343, 425)
            assert connection.has_call("SubtensorModule", "register_limit")
            receipt = await submit.submit(connection, again, sender, wait=TxStage.FINAL)
            assert receipt.stage is TxStage.FINAL
            seat = await plans.plan_register(connection, sender.ss58, taker.ss58, 1)
            assert not any("no limit" in one for one in seat.warnings) and seat.limit_price_rao
            assert (await connection.runtime_at(before)).spec_version == 343
            (old,) = await reads.balances(connection, [sender.ss58], before)
            assert old.free_rao == 10 * 10**9
    finally:
        node.stop()
