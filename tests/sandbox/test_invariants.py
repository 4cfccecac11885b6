"""Whatever people do: the sums hold, nothing is negative, a failure costs fee and nonce only, nothing is replayed.

The default run is short; ``--slow`` goes on for thousands of blocks and compares with a restart on the way.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest

from ranvier.sandbox.node.waiting import Refused
from ranvier.sandbox.pallets.balances import Balances
from ranvier.sandbox.pallets.subtensor import info, shares
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.pallets.system import System
from sandbox.support import TAO, Bench

POTS = (
    Subtensor.PendingServerEmission,
    Subtensor.PendingValidatorEmission,
    Subtensor.PendingRootAlphaDivs,
    Subtensor.PendingOwnerCut,
)


class Unpaid:
    """At most how much alpha epochs have paid to nobody, which stays counted as out; to be looked at in each block.

    While the sum of prices is low root's part is recycled: the epoch halves what is left of the pots, but pays the
    validators' whole, so half of that part goes to nobody. So does the validators' part where those
    who earn it have stake on root only.
    """

    def __init__(self) -> None:
        self.rao = self._waiting = 0

    def look(self, bench: Bench) -> None:
        server, validator, root, _ = (pot.get(bench.state, 1) for pot in POTS)
        self.rao += max(server - validator - root, 0)
        if not server and not any(paid for _, paid in Subtensor.AlphaDividendsPerSubnet.items(bench.state, 1)):
            self.rao += 2 * self._waiting
        self._waiting = server + validator + root


def sums_hold(bench: Bench, burned: int, unpaid: int = 0) -> None:
    """TAO is free or in a pool; alpha outside the pool is staked, in a pot, the protocol's own, or was burned.

    What rounding leaves over, a few rao a block, and at most ``unpaid`` stay counted as out, as on the real
    chain. Shares never exceed it.
    """
    state = bench.state
    free = sum(account["data"]["free"] for _, account in System.Account.items(state))
    pools = sum(tao for _, tao in Subtensor.SubnetTAO.items(state))
    assert free == Balances.TotalIssuance.get(state)
    assert pools <= Subtensor.TotalStake.get(state), "it counts the fees of purchases, which the author has"
    assert free + pools == Subtensor.TotalIssuance.get(state)
    totals = dict(Subtensor.TotalHotkeyAlpha.items(state))
    staked = sum(total for (_, netuid), total in totals.items() if netuid == 1)
    waiting = sum(pot.get(state, 1) for pot in POTS)
    held = staked + waiting + burned + Subtensor.SubnetProtocolAlpha.get(state, 1)
    dust = Subtensor.SubnetAlphaOut.get(state, 1) - held
    assert 0 <= dust <= 20 * bench.node.chain.head.number + unpaid
    held: dict[tuple[bytes, int], int] = {}
    for hotkey, coldkey, netuid in shares.positions(state):
        held[hotkey, netuid] = held.get((hotkey, netuid), 0) + shares.stake_of(state, hotkey, coldkey, netuid)
    for keys, total in held.items():
        assert total <= totals[keys] + 2, keys


def seats_agree(bench: Bench) -> None:
    """Keys and Uids are each other's inverse, and every vector has one element per seat."""
    state = bench.state
    count = Subtensor.SubnetworkN.get(state, 1)
    hotkeys, _ = info.seats(state, 1)
    assert [Subtensor.Uids.get(state, 1, hotkey) for hotkey in hotkeys] == list(range(count))
    assert sorted(hotkey for (_, hotkey), _ in Subtensor.Uids.items(state, 1)) == sorted(hotkeys)
    for item in (Subtensor.Emission, Subtensor.Incentive, Subtensor.ValidatorPermit, Subtensor.LastUpdate):
        assert len(item.get(state, 1)) == count


class People:
    """Random calls by random keys: sensible ones, and ones that must fail."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.random = random.Random(seed)
        self.pairs = [*bench.cast.validators, *bench.cast.competitors]
        self.burned = 0
        self.unpaid = Unpaid()
        self.succeeded: set[str] = set()

    def _amount(self) -> int:
        return int(10 ** self.random.uniform(3, 12.5))

    def _hotkey(self) -> bytes:
        return self.random.choice(self.pairs)[1].public_key

    def call(self) -> tuple[Any, str, str, dict[str, Any]]:
        """(signer, pallet, call, arguments)."""
        pick, dice = self.random.choice, self.random
        cold, hot = pick(self.pairs)
        other = self._hotkey()
        amount, netuid, second = self._amount(), pick((0, 1, 1, 2)), pick((0, 1))
        mine = Subtensor.StakingHotkeys.get(self.bench.state, cold.public_key)
        if mine and dice.random() < 0.8:
            other = pick(mine)
            held = shares.stake_of(self.bench.state, other, cold.public_key, netuid)
            amount = int(held * dice.uniform(0.01, 1)) or amount
        route = {"origin_netuid": netuid, "destination_netuid": second, "alpha_amount": amount}
        limit = {"limit_price": int(TAO * dice.uniform(0.01, 1.5)), "allow_partial": dice.random() < 0.5}
        stake = {"hotkey": other, "netuid": netuid}
        fresh = self.bench.keys.signer("fresh", dice.randrange(60)).public_key
        table: list[tuple[Any, str, dict[str, Any]]] = [
            (cold, "add_stake", {**stake, "amount_staked": amount}),
            (cold, "add_stake_limit", {**stake, "amount_staked": amount, **limit}),
            (cold, "remove_stake", {**stake, "amount_unstaked": amount}),
            (cold, "remove_stake_limit", {**stake, "amount_unstaked": amount, **limit}),
            (cold, "remove_stake_full_limit", {**stake, "limit_price": pick((None, limit["limit_price"]))}),
            (cold, "unstake_all", {"hotkey": other}),
            (cold, "unstake_all_alpha", {"hotkey": other}),
            (cold, "move_stake", {"origin_hotkey": other, "destination_hotkey": self._hotkey(), **route}),
            (cold, "swap_stake", {"hotkey": other, **route}),
            (cold, "swap_stake_limit", {"hotkey": other, **route, **limit}),
            (cold, "transfer_stake", {"destination_coldkey": pick(self.pairs)[0].public_key, "hotkey": other, **route}),
            (cold, "recycle_alpha", {"hotkey": hot.public_key, "amount": amount, "netuid": netuid}),
            (cold, "burn_alpha", {"hotkey": hot.public_key, "amount": amount, "netuid": netuid}),
            (cold, "burned_register", {"netuid": 1, "hotkey": fresh}),
            (cold, "register_limit", {"netuid": 1, "hotkey": fresh, "limit_price": amount}),
            (cold, "set_coldkey_auto_stake_hotkey", {"netuid": 1, "hotkey": other}),
            (cold, "increase_take", {"hotkey": hot.public_key, "take": dice.randrange(12_000)}),
            (cold, "swap_hotkey", {"hotkey": hot.public_key, "new_hotkey": fresh, "netuid": pick((None, 1))}),
            (hot, "set_weights", {"netuid": 1, "dests": [0, 4], "weights": [dice.randrange(9), 7], "version_key": 0}),
        ]
        if dice.random() < 0.15:
            value = {"dest": ("Id", pick(self.pairs)[0].public_key), "value": amount}
            return cold, "Balances", "transfer_keep_alive", value
        signer, name, arguments = pick(table)
        return signer, "SubtensorModule", name, arguments

    def act(self) -> None:
        """One call in one block."""
        signer, pallet, name, arguments = self.call()
        bench = self.bench
        if bench.run(signer, pallet, name, **arguments) is None:
            self.succeeded.add(name)
            if name == "burn_alpha":
                self.burned += bench.event("AlphaBurned")[2]
        self.unpaid.look(bench)


def go_on(bench: Bench, people: People, calls: int, every: int) -> None:
    for number in range(calls):
        people.act()
        if number % every == 0:
            sums_hold(bench, people.burned, people.unpaid.rao)
            seats_agree(bench)
    sums_hold(bench, people.burned, people.unpaid.rao)
    seats_agree(bench)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sums_hold_for_a_while(seed: int) -> None:
    bench = Bench(tempo=4)
    people = People(bench, seed)
    go_on(bench, people, 300, 5)
    assert len(people.succeeded) >= 15, people.succeeded  # else nothing was tried


@pytest.mark.slow
@pytest.mark.limit_s(1200)
@pytest.mark.parametrize("seed", range(3, 7))
def test_the_sums_hold_for_thousands_of_blocks_and_over_restarts(seed: int, tmp_path: Path) -> None:
    bench = Bench(tmp_path, tempo=7, per_snapshot=300)
    people = People(bench, seed)
    for _ in range(4):
        go_on(bench, people, 700, 50)
        values, head = dict(bench.state.values()), bench.node.chain.head.hash
        bench.node.chain.close()
        bench = people.bench = Bench(tmp_path, tempo=7, per_snapshot=300)
        assert bench.node.chain.head.hash == head
        assert dict(bench.state.values()) == values
    bench.node.chain.close()


def test_the_same_people_make_the_same_chain_to_the_rao() -> None:
    def run() -> dict[bytes, bytes]:
        bench = Bench(tempo=4)
        people = People(bench, 11)
        for number in range(60):
            signer, pallet, name, arguments = people.call()
            with contextlib.suppress(Refused):
                bench.node.waiting.submit(bench.node.sign(signer, pallet, name, arguments))
            bench.node.make_block(1_700_000_000_000 + number * 1000)
        return {key: value for key, value in bench.state.values().items() if not key.startswith(_HASHES)}

    # sr25519 signatures are random, so hashes differ; money and seats do not.
    assert run() == run()


_HASHES = tuple(item.prefix for item in (System.BlockHash, System.ParentHash, System.Digest))


def test_a_failed_call_changes_nothing_but_fee_and_nonce() -> None:
    """Each call of the table that fails leaves the same state as an empty block but for payer and author."""
    bench, twin = Bench(tempo=50), Bench(tempo=50)
    people = People(bench, 5)
    failed = 0
    while failed < 12:
        signer, pallet, name, arguments = people.call()
        refusal = bench.run(signer, pallet, name, **arguments)
        if refusal is None or refusal.startswith("10"):
            bench = people.bench = Bench(tempo=50)
            twin = Bench(tempo=50)
            continue
        twin.blocks()
        failed += 1
        touched = {System.Account.key(signer.public_key), System.Account.key(bench.cast.author.public_key)}
        mine, theirs = (dict(one.state.values()) for one in (bench, twin))
        for key in set(mine) | set(theirs):
            if mine.get(key) == theirs.get(key) or key in touched or key.startswith(_OF_THE_BLOCK):
                continue
            raise AssertionError(f"{name} failed with {refusal} and changed {key.hex()}")
        bench = people.bench = Bench(tempo=50)
        twin = Bench(tempo=50)


_OF_THE_BLOCK = (
    *_HASHES,
    *(item.prefix for item in (System.Events, System.EventCount)),
    bytes.fromhex("f0c365c3cf59d671eb72da0e7a4113c4"),  # Timestamp
)


def test_a_sent_extrinsic_is_refused_for_ever() -> None:
    bench = Bench()
    value = {"dest": ("Id", bench.cast.owner[0].public_key), "value": TAO}
    encoded = bench.node.sign(bench.node.faucet, "Balances", "transfer_keep_alive", value)
    bench.node.waiting.submit(encoded)
    bench.blocks(3)
    with pytest.raises(Refused):
        bench.node.waiting.submit(encoded)
