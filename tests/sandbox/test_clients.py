"""A real process, driven over its socket: substrate-interface, raw frames, kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from substrateinterface import Keypair, SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException

from sandbox.support import TAO, NodeProcess

AXON = {"netuid": 1, "version": 1, "port": 8091, "ip_type": 4, "protocol": 4, "placeholder1": 0, "placeholder2": 0}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    process = NodeProcess(tmp_path_factory.mktemp("network"), "--seed", "1")
    yield process
    assert process.stop() == 0


@pytest.fixture(scope="module")
def chain(node: NodeProcess) -> Iterator[SubstrateInterface]:
    interface = connect(node)
    yield interface
    interface.close()


def connect(node: NodeProcess) -> SubstrateInterface:
    registry = {"types": {"Balance": "u64"}}
    return SubstrateInterface(
        url=node.endpoint, ss58_format=42, type_registry=registry, ws_options={"timeout": 10}, auto_discover=False
    )


class Client:
    """What a wallet does, by substrate-interface."""

    def __init__(self, chain: SubstrateInterface) -> None:
        self.chain = chain

    def call(self, pallet: str, name: str, **arguments: Any) -> Any:
        return self.chain.compose_call(pallet, name, arguments)

    def send(self, call: Any, key: Keypair, **options: Any) -> Any:
        extrinsic = self.chain.create_signed_extrinsic(call, key, **options)
        return self.chain.submit_extrinsic(extrinsic, wait_for_inclusion=True)

    def free(self, key: Keypair) -> int:
        return int(self.chain.query("System", "Account", [key.ss58_address]).value["data"]["free"])

    def funded(self, key: Keypair, rao: int = 500 * TAO) -> Keypair:
        before = self.free(key)
        self.chain.rpc_request("sandbox_fund", [key.ss58_address, rao])
        until(lambda: self.free(key) == before + rao)
        return key


def until(condition: Any, limit_s: float = 10.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.03)


@pytest.fixture(scope="module")
def client(chain: SubstrateInterface) -> Client:
    return Client(chain)


def key(number: int, scheme: int = 1) -> Keypair:
    return Keypair.create_from_seed(f"0x{number:064x}", crypto_type=scheme, ss58_format=42)


@pytest.mark.parametrize("scheme", [0, 1], ids=["ed25519", "sr25519"])
def test_transfers_of_both_schemes_and_their_fee(client: Client, scheme: int) -> None:
    sender, receiver = client.funded(key(10 + scheme, scheme)), key(20 + scheme)
    call = client.call("Balances", "transfer_keep_alive", dest=receiver.ss58_address, value=7 * TAO)
    estimate = client.chain.get_payment_info(call, sender)["partialFee"]
    before = client.free(sender)
    receipt = client.send(call, sender)
    assert receipt.is_success and receipt.total_fee_amount == estimate
    assert before - client.free(sender) == 7 * TAO + estimate
    assert client.free(receiver) == 7 * TAO
    names = [event.value["event_id"] for event in receipt.triggered_events]
    assert {"Transfer", "Endowed", "TransactionFeePaid", "ExtrinsicSuccess"} <= set(names)
    assert client.send(call, sender, era={"period": 64}).is_success


def test_refusals_read_like_a_nodes(client: Client) -> None:
    sender = client.funded(key(30))
    call = client.call("Balances", "transfer_keep_alive", dest=key(31).ss58_address, value=TAO)
    assert client.send(call, sender).is_success

    def refusal(signer: Keypair, **options: Any) -> dict[str, Any]:
        with pytest.raises(SubstrateRequestException) as caught:
            client.send(call, signer, **options)
        return dict(caught.value.args[0])

    invalid = {"code": 1010, "message": "Invalid Transaction"}
    assert refusal(sender, nonce=0) == {**invalid, "data": "Transaction is outdated"}
    assert refusal(sender, signature="0x" + "01" * 64) == {**invalid, "data": "Transaction has a bad signature"}
    assert refusal(key(32))["data"] == "Inability to pay some fees (e.g. account balance too low)"
    before = client.free(sender)
    receipt = client.send(
        client.call("Balances", "transfer_keep_alive", dest=key(31).ss58_address, value=10**14), sender
    )
    assert not receipt.is_success and before - client.free(sender) == receipt.total_fee_amount
    failed = next(e.value for e in receipt.triggered_events if e.value["event_id"] == "ExtrinsicFailed")
    assert failed["attributes"]["dispatch_error"] == {"Token": "FundsUnavailable"}


def test_the_life_of_a_miner(client: Client) -> None:
    chain = client.chain
    cold, hot = client.funded(key(40)), key(41)
    register = client.call("SubtensorModule", "burned_register", netuid=1, hotkey=hot.ss58_address)
    assert client.send(register, cold).is_success
    again = client.send(register, cold)
    assert not again.is_success and again.error_message["name"] == "HotKeyAlreadyRegisteredInSubNet"
    uid = chain.query("SubtensorModule", "Uids", [1, hot.ss58_address]).value
    assert chain.query("SubtensorModule", "Keys", [1, uid]).value == hot.ss58_address
    serve = client.call("SubtensorModule", "serve_axon", **AXON, ip=0xC0000201)
    assert client.send(serve, hot).total_fee_amount == 0
    assert chain.query("SubtensorModule", "Axons", [1, hot.ss58_address]).value["port"] == 8091
    with pytest.raises(SubstrateRequestException, match="Custom error: 12"):
        client.send(serve, hot)
    stake = {"hotkey": hot.ss58_address, "netuid": 1}
    assert client.send(client.call("SubtensorModule", "add_stake", **stake, amount_staked=10 * TAO), cold).is_success
    assert client.send(client.call("SubtensorModule", "remove_stake", **stake, amount_unstaked=TAO), cold).is_success
    place = [hot.ss58_address, cold.ss58_address, 1]
    if chain.get_metadata_storage_function("SubtensorModule", "AlphaV2") is None:  # 343
        held = chain.query("SubtensorModule", "Alpha", place).value["bits"] >> 64
    else:
        share = chain.query("SubtensorModule", "AlphaV2", place).value
        held = share["mantissa"] // 10 ** -share["exponent"]
    assert held > 80 * TAO
    keys = chain.query_map("SubtensorModule", "Keys", [1], page_size=3)
    assert len(list(keys)) == chain.query("SubtensorModule", "SubnetworkN", [1]).value
    transfer = client.call("Balances", "transfer_keep_alive", dest=hot.ss58_address, value=TAO)
    assert client.send(client.call("Utility", "batch_all", calls=[transfer, transfer]), cold).is_success
    assert client.free(hot) == 2 * TAO


def test_past_blocks_can_be_read(client: Client) -> None:
    chain, who = client.chain, client.funded(key(50))
    then, before = chain.get_chain_head(), client.free(who)
    client.funded(who, TAO)
    assert chain.query("System", "Account", [who.ss58_address], block_hash=then).value["data"]["free"] == before
    assert client.free(who) == before + TAO
    number = chain.get_block_number(then)
    assert chain.get_block_hash(number) == then
    block = chain.get_block(then)
    assert block["extrinsics"][0].value["call"]["call_module"] == "Timestamp"
    assert chain.get_events(then)


def test_subscriptions(client: Client) -> None:
    seen: list[Any] = []

    def head(found: Any, number: int, subscription: str) -> Any:
        seen.append(found["header"]["number"])
        return True if number == 2 else None

    client.chain.subscribe_block_headers(head)
    assert seen == list(range(seen[0], seen[0] + 3))

    def account(found: Any, number: int, subscription: str) -> Any:
        return found.value

    assert client.chain.query("System", "Number", [], subscription_handler=account) > 0


async def test_raw_frames(node: NodeProcess) -> None:
    """Whatever comes in, there is an answer, and the node goes on."""
    async with aiohttp.ClientSession() as session, session.ws_connect(node.endpoint) as socket:

        async def ask(frame: str | bytes) -> Any:
            await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
            return json.loads((await socket.receive(timeout=5)).data)

        for garbage in ("", "{", "nonsense", '"\\ud800"', "[" * 100_000, b"\xff\xfe\x00"):
            assert (await ask(garbage))["error"]["code"] == -32700
        for wrong in ("[]", "1", "null", "{}", '{"method":5,"id":1}'):
            assert (await ask(wrong))["error"]["code"] == -32600

        async def call(method: str, *params: Any) -> Any:
            return await ask(json.dumps({"jsonrpc": "2.0", "id": 9, "method": method, "params": params}))

        assert (await call("no_such"))["error"] == {"code": -32601, "message": "Method not found"}
        bad: list[Any] = [
            ("state_getStorage", "zz"),
            ("state_getStorage", 7),
            ("chain_getBlockHash", "zz"),
            ("chain_getBlockHash", {}),
            ("chain_getHeader", []),
            ("state_queryStorageAt", ["0x0"]),
            ("state_getKeysPaged", "0x", -1),
            ("state_getKeysPaged", "0x", 1001),
            ("state_call", "Core_version", None),
            ("state_call", "No_such", "0x"),
            ("state_call", "AccountNonceApi_account_nonce", "0x00"),
            ("author_submitExtrinsic", "0x"),
            ("author_submitAndWatchExtrinsic", "0x1234"),
            ("payment_queryInfo", "0x1234"),
            ("sandbox_fund", "5abc", 1),
            ("sandbox_fund", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", 0),
            ("system_accountNextIndex", 3),
        ]
        for method, *params in bad:
            answer = await call(method, *params)
            assert "error" in answer and answer["error"]["code"] != -32603, (method, answer)
        unknown = await call("state_getStorage", "0x00", "0x" + "11" * 32)
        assert unknown["error"]["code"] == 4003 and "UnknownBlock" in unknown["error"]["message"]
        batch = [{"jsonrpc": "2.0", "id": n, "method": "system_chain"} for n in (1, 2)]
        assert [answer["id"] for answer in await ask(json.dumps(batch))] == [1, 2]
        hashes = (await call("chain_getBlockHash", [0, 1, 10**9]))["result"]
        assert hashes[0] == node.ready["genesis"] and hashes[2] is None
        assert "state_call" in (await call("rpc_methods"))["result"]["methods"]
        with contextlib.suppress(ConnectionError):  # the node may hang up before it has all of it
            await socket.send_bytes(bytes(5 << 20))
        assert (await socket.receive(timeout=5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_the_answer_comes_before_its_notifications_and_unsubscribing_ends_them(node: NodeProcess) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(node.endpoint) as socket:
        await socket.send_str('{"jsonrpc":"2.0","id":1,"method":"chain_subscribeNewHeads","params":[]}')
        identity = (await socket.receive_json(timeout=5))["result"]
        first = await socket.receive_json(timeout=5)
        assert first["method"] == "chain_newHead" and first["params"]["subscription"] == identity
        request = {"jsonrpc": "2.0", "id": 2, "method": "chain_unsubscribeNewHeads", "params": [identity]}
        await socket.send_str(json.dumps(request))
        while "id" not in (answer := await socket.receive_json(timeout=5)):
            pass
        assert answer["result"] is True
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive(timeout=0.5)


async def test_http_post(node: NodeProcess) -> None:
    url = node.endpoint.replace("ws://", "http://")
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "system_health"}) as answer:
            assert (await answer.json())["result"]["peers"] == 0
        async with session.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "chain_subscribeNewHeads"}) as answer:
            assert (await answer.json())["error"]["code"] == -32601
        async with session.post(url, data=b"{") as answer:
            assert (await answer.json())["error"]["code"] == -32700
        async with session.get(url) as answer:
            assert answer.status == 405


async def test_a_client_that_does_not_read_does_not_stop_the_node(node: NodeProcess) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(node.endpoint, max_msg_size=0) as deaf:
        subscribe = json.dumps([{"id": n, "method": "chain_subscribeNewHeads"} for n in range(500)])
        await deaf.send_str(subscribe)
        async with session.ws_connect(node.endpoint) as other:
            await other.send_str('{"id":1,"method":"chain_getHeader"}')
            first = int((await other.receive_json(timeout=5))["result"]["number"], 16)
            await asyncio.sleep(0.6)
            await other.send_str('{"id":2,"method":"chain_getHeader"}')
            assert int((await other.receive_json(timeout=5))["result"]["number"], 16) > first + 1


def test_a_living_network_pays_its_competitors(tmp_path: Path) -> None:
    """Validators ask over HTTP, set weights by extrinsics, and the epoch pays those who answer."""
    node = NodeProcess(tmp_path, life=True)
    try:
        chain = connect(node)
        until(lambda: sum(chain.query("SubtensorModule", "Incentive", [1]).value[3:]) > 60_000, limit_s=30)
        block = chain.query("SubtensorModule", "LastMechansimStepBlock", [1]).value
        events = [event.value for event in chain.get_events(chain.get_block_hash(block))]
        paid = next(e["attributes"] for e in events if e["event_id"] == "IncentiveAlphaEmittedToMiners")
        assert paid["netuid"] == 1 and sum(paid["emissions"][3:]) > 10**9
        chain.close()
    finally:
        assert node.stop() == 0


def test_kill_and_restart(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path)
    client = Client(connect(node))
    who = client.funded(key(60), 5 * TAO)
    head = client.chain.get_block_number(client.chain.get_chain_head())
    client.chain.close()
    node.kill()
    again = NodeProcess(tmp_path)
    assert again.ready["genesis"] == node.ready["genesis"] and again.endpoint == node.endpoint
    assert again.ready["block"] >= head
    described = json.loads((tmp_path / "endpoint.json").read_text())
    assert described["genesis"] == node.ready["genesis"] and described["pid"] == again.process.pid
    client = Client(connect(again))
    assert client.free(who) == 5 * TAO
    client.chain.close()
    second = NodeProcess(tmp_path)
    assert second.ready == {} and second.process.wait(10) == 1
    assert "Another practice network" in (second.process.stderr.read() if second.process.stderr else "")
    second.stop()
    other = NodeProcess(tmp_path / "other", "--port", str(again.ready["endpoint"].rpartition(":")[2]))
    assert other.ready == {} and "Port taken" in (other.process.stderr.read() if other.process.stderr else "")
    assert other.stop() == 1
    assert again.stop() == 0
    secrets = [path for path in tmp_path.rglob("*") if path.is_file() and path.name in ("seed", "endpoint.json")]
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets) and len(secrets) >= 2
