"""What only a practice network can do: blocks on demand, storage, faults, forks, other rules, snapshots, hard cases."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ranvier.sandbox.node.chain import Chain
from ranvier.sandbox.node.genesis import Cast, genesis
from ranvier.sandbox.node.journal import Journal
from ranvier.sandbox.node.node import Node
from ranvier.sandbox.node.play_keys import PlayKeys
from ranvier.sandbox.options import parse
from ranvier.sandbox.pallets.subtensor.registration import adjusted
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.pallets.system import System
from ranvier.sandbox.runtime.machine import Machine
from sandbox.support import TAO, Bench, NodeProcess


class Caller:
    """JSON-RPC by POST."""

    def __init__(self, node: NodeProcess) -> None:
        self._url = node.endpoint.replace("ws", "http", 1)

    def __call__(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self._url, body, {"content-type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=60))
        return answer["error"] if "error" in answer else answer["result"]

    def head(self) -> int:
        return int(self("chain_getHeader")["number"], 16)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    process = NodeProcess(tmp_path / "net", "--manual", "--seed", "7")
    yield process
    assert process.stop() == 0


def test_blocks_are_made_when_asked_for(node: NodeProcess) -> None:
    call = Caller(node)
    assert call.head() == 0
    call("sandbox_makeBlocks", 5)
    assert call.head() == 5
    call("sandbox_makeBlocks")
    assert call.head() == 6
    assert call("sandbox_makeBlocks", 0)["code"] == -32602
    assert call("sandbox_info")["manual"] is True


def test_storage_is_set_from_the_next_block_on(node: NodeProcess) -> None:
    call = Caller(node)
    key = "0x" + Subtensor.Burn.key(1).hex()
    assert call("sandbox_setStorage", [[key, "0x" + (5 * TAO).to_bytes(8, "little").hex()]]) == 1
    before = call("state_getStorage", key)
    call("sandbox_makeBlocks")
    after = int.from_bytes(bytes.fromhex(call("state_getStorage", key)[2:]), "little")
    assert 4.9 * TAO < after <= 5 * TAO
    assert call("state_getStorage", key, call("chain_getBlockHash", 0)) == before
    assert call("sandbox_setStorage", [["0x00"]])["code"] == -32602


def test_faults_begin_and_end(node: NodeProcess) -> None:
    call = Caller(node)
    call("sandbox_makeBlocks", 10)
    genesis_hash = call("chain_getBlockHash", 0)
    call("sandbox_fault", "genesis", True)
    assert call("chain_getBlockHash", 0) != genesis_hash
    call("sandbox_fault", "genesis", False)
    assert call("chain_getBlockHash", 0) == genesis_hash
    call("sandbox_fault", "discard", True)
    assert "State already discarded" in call("state_getStorage", "0x00", genesis_hash)["message"]
    call("sandbox_fault", "discard", False)
    assert call("state_getStorage", "0x00", genesis_hash) is None
    call("sandbox_fault", "slow", 300)
    began = time.monotonic()
    call("system_name")
    assert time.monotonic() - began >= 0.3
    call("sandbox_fault", "slow", 0)
    assert call("sandbox_fault", "fire", True)["code"] == -32602


def test_a_fork_replaces_blocks_that_are_not_final(node: NodeProcess) -> None:
    call = Caller(node)
    call("sandbox_makeBlocks", 10)
    old = [call("chain_getBlockHash", number) for number in range(11)]
    call("sandbox_reorg", 2)
    new = [call("chain_getBlockHash", number) for number in range(11)]
    assert old[:9] == new[:9]
    assert old[9] != new[9]
    assert call.head() == 11
    assert call("chain_getHeader", old[10]) is None
    assert call("sandbox_reorg", 3)["code"] == -32602


def test_while_finality_stands_a_fork_may_be_deep(node: NodeProcess) -> None:
    call = Caller(node)
    call("sandbox_makeBlocks", 10)
    assert call("sandbox_fault", "finality", True) is True
    call("sandbox_makeBlocks", 30)
    old = [call("chain_getBlockHash", number) for number in range(41)]
    assert call("chain_getFinalizedHead") == old[8]
    assert call("sandbox_reorg", 33)["data"] == "at most the 32 newest blocks are not final"
    call("sandbox_reorg", 32)
    new = [call("chain_getBlockHash", number) for number in range(42)]
    assert (new[:9], call("chain_getFinalizedHead")) == (old[:9], old[8])
    assert not set(new[9:]) & set(old)
    call("sandbox_fault", "finality", False)
    call("sandbox_makeBlocks", 1)
    assert call("chain_getFinalizedHead") == call("chain_getBlockHash", 40)


def test_a_deep_fork_keeps_money_and_restarts(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    early: list[Any] = []
    late: list[Any] = []
    bench.blocks(3)
    bench.node.chain.finality_stands = True
    arguments = {"dest": ("Id", bench.cast.owner[0].public_key), "value": TAO}
    bench.node.send(bench.node.faucet, "Balances", "transfer_keep_alive", arguments, early.append)
    bench.blocks(10)
    bench.node.send(bench.node.faucet, "Balances", "transfer_keep_alive", arguments, late.append)
    bench.blocks(10)
    bench.node.reorganise(20)
    bench.node.chain.finality_stands = False
    bench.blocks()
    early_kinds, late_kinds = ([one if isinstance(one, str) else next(iter(one)) for one in t] for t in (early, late))
    assert early_kinds == ["ready", "inBlock", "retracted", "inBlock", "finalized"]
    assert late_kinds == ["ready", "inBlock", "retracted", "invalid"]  # it was signed on a block that is gone
    assert System.Account.get(bench.state, bench.node.faucet.public_key)["nonce"] == 1
    hashes = [bench.node.chain.hash_of(number) for number in range(bench.node.chain.head.number + 1)]
    bench.node.chain.close()
    again = Bench(tmp_path)
    assert [again.node.chain.hash_of(number) for number in range(again.node.chain.head.number + 1)] == hashes
    again.node.chain.close()


def test_a_stalled_network_stands_and_goes_on(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path / "net", "--block-time", "0.05")
    try:
        call = Caller(node)
        call("sandbox_fault", "stall", True)
        at = call.head()
        time.sleep(0.3)
        assert call.head() == at
        call("sandbox_fault", "stall", False)
        deadline = time.monotonic() + 5
        while call.head() == at and time.monotonic() < deadline:
            time.sleep(0.05)
        assert call.head() > at
        assert call("sandbox_dropConnections") == 0
    finally:
        assert node.stop() == 0


def test_a_snapshot_goes_on_elsewhere(node: NodeProcess, tmp_path: Path) -> None:
    call = Caller(node)
    call("sandbox_makeBlocks", 25)
    path = call("sandbox_snapshot", "before")
    assert call("sandbox_snapshot", "../out")["code"] == -32602
    other = NodeProcess(tmp_path / "copy", "--manual", "--restore", path, "--port", "0")
    try:
        copy = Caller(other)
        assert copy.head() == 25
        assert copy("chain_getBlockHash", 25) == call("chain_getBlockHash", 25)
        for caller in (call, copy):
            caller("sandbox_makeBlocks", 30)
        assert copy("chain_getBlockHash", 55) == call("chain_getBlockHash", 55)
    finally:
        other.stop()


def test_a_fork_survives_a_restart(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "chain")
    bench.blocks(6)
    bench.node.reorganise(2)
    bench.blocks(2)
    hashes = [bench.node.chain.hash_of(number) for number in range(bench.node.chain.head.number + 1)]
    values = dict(bench.state.values())
    bench.node.chain.close()
    again = Bench(tmp_path / "chain")
    assert [again.node.chain.hash_of(number) for number in range(again.node.chain.head.number + 1)] == hashes
    assert dict(again.state.values()) == values
    again.node.chain.close()


def test_what_a_given_up_block_held_waits_and_comes_again() -> None:
    bench = Bench()
    told: list[Any] = []
    bench.blocks(3)
    arguments = {"dest": ("Id", bench.cast.owner[0].public_key), "value": TAO}
    encoded = bench.node.sign(bench.node.faucet, "Balances", "transfer_keep_alive", arguments)
    bench.node.waiting.submit(encoded, told.append)
    bench.blocks()
    bench.node.reorganise(1)
    kinds = [status if isinstance(status, str) else next(iter(status)) for status in told]
    assert kinds == ["ready", "inBlock", "retracted", "inBlock"]


def test_the_same_seed_is_the_same_chain() -> None:
    def run() -> bytes:
        keys = PlayKeys(b"same")
        cast = Cast.of(keys, 3, 5)
        chain = Chain(Machine(1000, cast.author.public_key), None)
        chain.begin(genesis(cast, 5))
        node = Node(chain, cast.practice(5), cast.faucet)
        for place in range(40):
            node.make_block(1_700_000_000_000 + place * 1000)
        return chain.head.hash

    assert run() == run()


@pytest.fixture
def old_rules() -> Bench:
    return Bench(rules=343)


def test_the_rules_of_343_move_the_price_by_interval(old_rules: Bench) -> None:
    bench = old_rules
    bench.node.give({Subtensor.AdjustmentInterval.key(1): (12).to_bytes(2, "little")})
    bench.blocks()
    while bench.node.chain.head.number != Subtensor.LastAdjustmentBlock.get(bench.state, 1):
        bench.blocks()
    price = Subtensor.Burn.get(bench.state, 1)
    buyers = [(bench.keys.signer("buyer", n), bench.keys.signer("seat", n).public_key) for n in range(4)]
    for coldkey, _ in buyers:
        bench.fund(coldkey)
    for coldkey, hotkey in buyers:
        assert bench.run(coldkey, "SubtensorModule", "burned_register", netuid=1, hotkey=hotkey) is None
        assert Subtensor.Burn.get(bench.state, 1) == price
    bench.blocks(4)
    # Four registrations where two were aimed at: (4 + 2) / (2 * 2).
    assert Subtensor.Burn.get(bench.state, 1) == price * 6 // 4
    refused = bench.run(buyers[0][0], "SubtensorModule", "register_limit", netuid=1, hotkey=buyers[0][1], limit_price=1)
    assert refused is not None and "register_limit is no call of spec 343" in refused


def test_the_rules_of_343_limit_registrations(old_rules: Bench) -> None:
    bench = old_rules
    for number in range(7):
        buyer, seat = bench.keys.signer("buyer", number), bench.keys.signer("seat", number).public_key
        bench.fund(buyer)
        refusal = bench.run(buyer, "SubtensorModule", "burned_register", netuid=1, hotkey=seat)
        assert refusal == (None if number < 6 else "TooManyRegistrationsThisInterval")


def test_the_interval_rule_is_bounded_and_smoothed() -> None:
    assert adjusted(1_000, 6, 2, 0, 1, 10**9) == 2_000
    assert adjusted(1_000, 0, 2, 0, 1, 10**9) == 500
    assert adjusted(1_000, 0, 2, 0, 800, 10**9) == 800
    assert adjusted(1_000, 60, 2, 0, 1, 5_000) == 5_000
    assert adjusted(1_000, 6, 2, (1 << 64) - 1, 1, 10**9) == 1_000
    assert adjusted(1_000, 6, 2, 1 << 63, 1, 10**9) in (1_499, 1_500)


def test_the_full_subnet_puts_the_user_next_in_line(tmp_path: Path) -> None:
    process = NodeProcess(tmp_path / "net", "--case", "full-subnet", "--manual")
    try:
        call = Caller(process)

        def read(item: Any, *keys: Any) -> Any:
            raw = call("state_getStorage", "0x" + item.key(*keys).hex())
            return None if raw is None else item.value.decode(bytes.fromhex(raw[2:]))

        assert read(Subtensor.SubnetworkN, 1) == read(Subtensor.MaxAllowedUids, 1) == 64
        user = read(Subtensor.Keys, 1, 0)
        call("sandbox_makeBlocks", 30)
        assert read(Subtensor.Uids, 1, user) == 0
    finally:
        assert process.stop() == 0


def test_in_a_full_subnet_a_newcomer_takes_the_users_seat() -> None:
    keys = PlayKeys(b"full")
    cast = Cast.of(keys, 3, 5).with_crowd(keys, 55, None)
    chain = Chain(Machine(1000, cast.author.public_key), None)
    chain.begin(genesis(cast, 5))
    bench = Bench()
    bench.keys, bench.cast, bench.node = keys, cast, Node(chain, cast.practice(5), cast.faucet)
    assert cast.user is not None
    bench.blocks(12)
    newcomer = keys.signer("newcomer")
    bench.fund(newcomer)
    assert bench.run(newcomer, "SubtensorModule", "burned_register", netuid=1, hotkey=bytes(range(32))) is None
    assert Subtensor.Uids.get(bench.state, 1, cast.user[1]) is None
    assert Subtensor.Keys.get(bench.state, 1, 0) == bytes(range(32))


def test_more_subnets_and_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = parse(["--data", str(tmp_path), "--subnets", "3", "--quality", "5", "1", "--rules", "343"])
    assert (options.subnets, options.quality, options.rules) == (3, (5, 1), 343)
    cast = Cast.of(PlayKeys(b"three"), 1, 1)
    chain = Chain(Machine(1000, cast.author.public_key), None)
    chain.begin(genesis(cast, 5, subnets=3))
    assert [Subtensor.SubnetworkN.get(chain.store, netuid) for netuid in range(5)] == [0, 2, 2, 2, 0]
    with pytest.raises(SystemExit):
        parse(["--help"])
    text = capsys.readouterr().out
    assert all(word in text for word in ("sandbox_makeBlocks", "--case", "--restore", "examples:"))
    assert max(map(len, text.splitlines())) <= 130


def test_a_damaged_snapshot_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.bin").write_bytes(b"no snapshot")
    process = NodeProcess(tmp_path / "net", "--restore", str(tmp_path / "bad.bin"))
    assert process.ready == {}
    assert process.process.wait(10) == 1
    assert process.process.stdout is not None and process.process.stderr is not None
    assert "bad.bin" in process.process.stderr.read()
    process.process.stdout.close()
    process.process.stderr.close()
    assert not list((tmp_path / "net").glob("chain/snapshot*"))
    Journal(tmp_path / "net" / "chain").close()


def said(node: NodeProcess) -> str:
    """What a process wrote to stderr until it ended."""
    assert node.process.stderr is not None and node.process.stdout is not None
    text = node.process.stderr.read()
    node.process.wait(10)
    for pipe in (node.process.stdout, node.process.stderr):
        pipe.close()
    return text


def test_a_shape_that_a_network_does_not_have_is_said_to_be_unused(tmp_path: Path) -> None:
    assert NodeProcess(tmp_path / "net", "--manual", "--tempo", "9").stop() == 0
    again = NodeProcess(tmp_path / "net", "--manual", "--tempo", "7", "--rules", "343", "--validators", "3")
    try:
        assert Caller(again)("sandbox_info")["tempo"] == 9
    finally:
        again.process.terminate()
    lines = said(again).splitlines()
    assert [line.split(" is not used: this network was made with ")[0] for line in lines] == ["--rules", "--tempo"]
    assert "made with 9." in lines[1] and "made with 425." in lines[0]


@pytest.mark.parametrize("wrong", ["file", "snapshot"])
def test_what_cannot_be_begun_is_said_in_one_line(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "file").write_text("x")
    node = (
        NodeProcess(tmp_path / "file")
        if wrong == "file"
        else NodeProcess(tmp_path / "net", "--restore", str(tmp_path / "none.bin"))
    )
    (line,) = said(node).splitlines()
    assert {"file": "is a file", "snapshot": "none.bin cannot be read: No such file"}[wrong] in line
    assert node.process.returncode == 1


def test_the_command_line_refuses_in_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--data", "x", "--allow-origin", "evil.example"], "begins with http"),
        (["--data", "x", "--port", "99999"], "--port must be from 0 to 65535"),
        ([], "required: --data"),
    ):
        with pytest.raises(SystemExit):
            parse(arguments)
        text = capsys.readouterr().err
        assert words in text and len(text.splitlines()) == 2
