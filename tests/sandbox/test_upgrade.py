"""A runtime upgrade in mid-run: what the chain says, what older blocks say, and what clients do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from substrateinterface import Keypair, SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException

from ranvier.sandbox.frame.extrinsic import encode_signed, signed_extra, signing_payload
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.version import CODE_KEY, SPECS, spec_of
from ranvier.sandbox.node.waiting import Refused
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules
from ranvier.sandbox.pallets.system import System
from sandbox.support import TAO, Bench, NodeProcess
from sandbox.test_clients import connect
from sandbox.test_develop import Caller


@pytest.fixture
def old() -> Bench:
    bench = Bench(rules=343)
    bench.blocks(3)
    return bench


def last_upgrade(bench: Bench, block: int) -> int:
    return int(System.LastRuntimeUpgrade.get(bench.node.chain.state_at(block))["spec_version"])


def test_the_old_runtime_makes_the_block_that_brings_the_new_one(old: Bench) -> None:
    old.node.upgrade(SPECS[425])
    old.blocks()
    chain = old.node.chain
    decided = chain.head.number
    assert chain.head.header["digest"]["logs"][-1] == ("RuntimeEnvironmentUpdated", ())
    assert [event for _, event in old.events() if event == ("System", ("CodeUpdated", ()))]
    assert (rules(old.state), last_upgrade(old, decided), spec_of(old.state).version) == (343, 343, 425)
    old.blocks()
    assert (rules(old.state), last_upgrade(old, decided + 1), spec_of(old.state).version) == (425, 425, 425)
    assert [spec_of(chain.state_at(block)).version for block in range(decided - 1, decided + 2)] == [343, 425, 425]
    assert len(chain.head.header["digest"]["logs"]) == 1
    for version in (343, 425):
        with pytest.raises(ValueError, match="spec 425 already"):
            old.node.upgrade(SPECS[version])


@pytest.mark.parametrize("version", [343, 425])
def test_a_network_of_before_states_named_their_runtime_keeps_its_rules(tmp_path: Path, version: int) -> None:
    """Its state has neither ``:code`` nor the last upgrade, only the rules of its begin, and at 425 not even those."""
    bench = Bench(tmp_path, rules=version)
    bench.node.give({CODE_KEY: None, System.LastRuntimeUpgrade.key(): None})
    bench.blocks()
    bench.node.give({CODE_KEY: None, System.LastRuntimeUpgrade.key(): None})
    bench.blocks()
    bench.node.chain.close()
    again = Bench(tmp_path, rules=425 if version == 343 else 343)
    assert again.state.get(CODE_KEY) is None
    again.blocks(3)
    assert (spec_of(again.state).version, rules(again.state)) == (version, version)
    assert last_upgrade(again, again.node.chain.head.number) == version
    again.node.chain.close()


def test_what_was_signed_for_the_old_runtime_is_refused(old: Bench) -> None:
    call = RUNTIME_CALL.encode(("System", ("remark", {"remark": b"signed in time"})))
    faucet, chain = old.node.faucet, old.node.chain

    def signed(version: int, nonce: int) -> bytes:
        extra = signed_extra(None, nonce)
        payload = signing_payload(call, extra, SPECS[version], chain.genesis_hash, chain.genesis_hash)
        return encode_signed(faucet.public_key, faucet.crypto_type, faucet.sign(payload), extra, call)

    old.node.waiting.submit(signed(343, 0))
    old.blocks()
    waits_too_long = signed(343, 2)
    told: list[Any] = []
    old.node.waiting.submit(waits_too_long, told.append)
    old.node.upgrade(SPECS[425])
    old.blocks()
    with pytest.raises(Refused, match="bad signature"):
        old.node.waiting.submit(signed(343, 1))
    old.node.waiting.submit(signed(425, 1))
    old.blocks()
    assert told[-1] == "invalid"
    assert System.Account.get(old.state, faucet.public_key)["nonce"] == 2


def test_a_fork_takes_an_upgrade_with_it(old: Bench) -> None:
    old.blocks(3)
    old.node.upgrade(SPECS[425])
    old.blocks()
    given_up = old.node.chain.head.hash
    old.node.reorganise(1)
    chain = old.node.chain
    decided = chain.head.number - 1
    assert chain.block(given_up) is None
    assert spec_of(chain.state_at(decided)).version == 425
    assert rules(old.state) == 425


def test_a_restart_is_the_same_runtime(tmp_path: Path) -> None:
    bench = Bench(tmp_path, rules=343)
    bench.blocks(2)
    bench.node.upgrade(SPECS[425])
    bench.blocks()
    bench.node.chain.close()
    again = Bench(tmp_path)
    assert (again.node.chain.spec.version, rules(again.state)) == (425, 343)
    again.blocks()
    assert rules(again.state) == 425
    again.node.chain.close()


@pytest.mark.parametrize("wait", range(6))
def test_the_first_epoch_comes_when_the_old_runtime_would_have_had_it(wait: int) -> None:
    """``migrate_dynamic_tempo``; only an epoch in 343's very last block is had again, as on the real chain."""
    old, new = Bench(rules=343), Bench(rules=343)
    for bench in (old, new):
        bench.blocks(10 + wait)
    new.node.upgrade(SPECS[425])
    last = Subtensor.LastMechansimStepBlock
    for bench in (old, new):
        bench.blocks()
    decided, epoch = new.node.chain.head.number, last.get(new.state, 1)
    while last.get(old.state, 1) == epoch:
        old.blocks()
    while last.get(new.state, 1) == epoch:
        new.blocks()
    expected = decided + 1 if epoch == decided else last.get(old.state, 1)
    assert last.get(new.state, 1) == expected
    first = last.get(new.state, 1)
    while last.get(new.state, 1) == first:
        new.blocks()
    assert last.get(new.state, 1) - first == 5
    assert Subtensor.ActivityCutoffFactorMilli.get(new.state, 1) == 50_000
    assert Subtensor.SubnetEpochIndex.get(new.state, 1) > decided // 6


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    process = NodeProcess(tmp_path / "net", "--manual", "--rules", "343", "--seed", "7")
    yield process
    assert process.stop() == 0


def test_older_blocks_keep_their_metadata_and_version(node: NodeProcess) -> None:
    call = Caller(node)
    call("sandbox_makeBlocks", 3)
    before, old_metadata = call("chain_getBlockHash", 3), call("state_getMetadata")
    price = "SwapRuntimeApi_current_alpha_price_all"
    assert price in call("state_call", price, "0x")["message"]
    assert call("sandbox_setRules", 1)["code"] == -32602
    assert call("sandbox_setRules", 425) is True
    call("sandbox_makeBlocks", 2)
    assert call("sandbox_setRules", 343)["code"] == -32602
    assert call("state_getRuntimeVersion")["specVersion"] == 425
    assert call("state_getRuntimeVersion", before)["specVersion"] == 343
    new_metadata = call("state_getMetadata")
    assert new_metadata != old_metadata == call("state_getMetadata", before)
    assert call("state_call", price, "0x").startswith("0x")
    assert price in call("state_call", price, "0x", before)["message"]
    assert call("sandbox_info")["rules"] == 425


async def test_who_watches_the_version_is_told_once(node: NodeProcess) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(node.endpoint) as socket:

        async def ask(method: str, *params: Any) -> None:
            await socket.send_json({"jsonrpc": "2.0", "id": method, "method": method, "params": params})

        async def told() -> list[int]:
            versions, answer = [], {}
            while answer.get("id") != "system_chain":
                answer = await socket.receive_json(timeout=5)
                if answer.get("method") == "state_runtimeVersion":
                    versions.append(answer["params"]["result"]["specVersion"])
            return versions

        await ask("state_subscribeRuntimeVersion")
        await ask("sandbox_makeBlocks", 2)
        await ask("system_chain")
        assert await told() == [343]
        await ask("sandbox_setRules", 425)
        await ask("sandbox_makeBlocks", 5)
        await ask("system_chain")
        assert await told() == [425]


def test_substrate_interface_follows_an_upgrade(node: NodeProcess) -> None:
    client: SubstrateInterface = connect(node)
    call = Caller(node)
    alice = Keypair.create_from_uri("//Alice")
    call("sandbox_fund", alice.ss58_address, 10 * TAO)
    call("sandbox_makeBlocks", 1)
    before = client.get_chain_head()
    assert client.get_metadata_call_function("SubtensorModule", "register_limit") is None
    remark = client.compose_call("System", "remark", {"remark": "0x00"})
    of_before = client.create_signed_extrinsic(remark, alice)
    call("sandbox_setRules", 425)
    call("sandbox_makeBlocks", 2)
    with pytest.raises(SubstrateRequestException, match="bad signature"):
        client.submit_extrinsic(of_before)
    client.init_runtime()
    assert client.runtime_version == 425
    assert client.get_metadata_call_function("SubtensorModule", "register_limit") is not None
    client.submit_extrinsic(client.create_signed_extrinsic(remark, alice))
    call("sandbox_makeBlocks", 1)
    assert client.query("System", "Account", [alice.ss58_address]).value["nonce"] == 1
    client.init_runtime(block_hash=before)
    assert client.runtime_version == 343
    client.close()
