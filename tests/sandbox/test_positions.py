"""Stake that moves, hotkeys that are swapped, locks, commitments, and a coldkey under announcement."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.pallets.commitments import Commitments
from ranvier.sandbox.pallets.subtensor import shares
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox.support import TAO, Bench, call


@pytest.fixture
def bench() -> Bench:
    bench = Bench(tempo=200)
    bench.blocks(2)
    return bench


def held(bench: Bench, hotkey: bytes, who: Any, netuid: int = 1) -> int:
    return shares.stake_of(bench.state, hotkey, who.public_key, netuid)


def test_stake_moves_to_another_hotkey_without_a_swap(staked: Any) -> None:
    bench, cold, (first, second, _) = staked
    before, pool = held(bench, first, cold), Subtensor.SubnetAlphaIn.get(bench.state, 1)
    route = {"origin_netuid": 1, "destination_netuid": 1, "alpha_amount": before // 2}
    assert call(bench, cold, "move_stake", origin_hotkey=first, destination_hotkey=second, **route) is None
    assert held(bench, first, cold) + held(bench, second, cold) in range(before - 2, before + 1)
    assert Subtensor.SubnetAlphaIn.get(bench.state, 1) - pool < 2 * TAO  # a block's injection, no swap
    assert bench.event("StakeMoved")[:3] == (cold.public_key, first, 1)
    same = call(bench, cold, "move_stake", origin_hotkey=first, destination_hotkey=first, **route)
    assert same == "SameNetuid"


def test_stake_goes_to_root_and_to_another_coldkey(staked: Any) -> None:
    bench, cold, (first, _, _) = staked
    amount = held(bench, first, cold) // 4
    swap = {"hotkey": first, "origin_netuid": 1, "destination_netuid": 0, "alpha_amount": amount}
    assert call(bench, cold, "swap_stake", **swap) is None
    assert held(bench, first, cold, 0) == bench.event("StakeSwapped")[4] > 0
    friend = bench.keys.signer("friend")
    give = {"hotkey": first, "origin_netuid": 1, "destination_netuid": 1, "alpha_amount": amount}
    assert call(bench, cold, "transfer_stake", destination_coldkey=friend.public_key, **give) is None
    assert held(bench, first, friend) in range(amount - 2, amount + 1)
    bench.node.give({Subtensor.TransferToggle.key(1): b"\x00"})
    bench.blocks()
    refused = call(bench, cold, "transfer_stake", destination_coldkey=friend.public_key, **give)
    assert refused == "TransferDisallowed"
    too_much = {**swap, "alpha_amount": 10**15}
    assert call(bench, cold, "swap_stake", **too_much) == "NotEnoughStakeToWithdraw"
    limited = {**swap, "limit_price": TAO, "allow_partial": False}
    assert call(bench, cold, "swap_stake_limit", **limited) == "PriceLimitExceeded"


def test_everything_is_unstaked_at_once(staked: Any) -> None:
    bench, cold, (first, _, _) = staked
    assert call(bench, cold, "add_stake", hotkey=first, netuid=0, amount_staked=TAO) is None
    assert call(bench, cold, "unstake_all_alpha", hotkey=first) is None
    assert held(bench, first, cold) == 0
    assert held(bench, first, cold, 0) > 40 * TAO
    assert call(bench, cold, "unstake_all", hotkey=first) is None
    assert held(bench, first, cold, 0) == 0


def test_locked_alpha_stays(staked: Any) -> None:
    bench, cold, (first, _, _) = staked
    have = held(bench, first, cold)
    lock = {"locked_mass": have // 2, "conviction": 0, "last_update": 1}
    key = Subtensor.Lock.key(cold.public_key, 1, first)
    bench.node.give({key: Subtensor.Lock.value.encode(lock)})
    bench.blocks()
    remove = {"hotkey": first, "netuid": 1}
    assert call(bench, cold, "remove_stake", amount_unstaked=have * 3 // 4, **remove) == "StakeUnavailable"
    assert call(bench, cold, "remove_stake", amount_unstaked=have // 3, **remove) is None


def test_a_swapped_hotkey_keeps_seat_stake_and_destination(bench: Bench) -> None:
    cold, hot = bench.cast.competitors[0]
    other = bench.keys.signer("other hot").public_key
    uid = Subtensor.Uids.get(bench.state, 1, hot.public_key)
    assert call(bench, cold, "add_stake", hotkey=hot.public_key, netuid=1, amount_staked=TAO) is None
    assert call(bench, cold, "set_coldkey_auto_stake_hotkey", netuid=1, hotkey=hot.public_key) is None
    have, issued = held(bench, hot.public_key, cold), Subtensor.TotalIssuance.get(bench.state)
    stranger = bench.cast.competitors[1][0]
    swap = {"hotkey": hot.public_key, "new_hotkey": other, "netuid": None}
    assert call(bench, stranger, "swap_hotkey", **swap) == "NonAssociatedColdKey"
    assert call(bench, cold, "swap_hotkey", **{**swap, "new_hotkey": hot.public_key}) == "NewHotKeyIsSameWithOld"
    assert call(bench, cold, "swap_hotkey", **swap) is None
    assert Subtensor.Uids.get(bench.state, 1, other) == uid
    assert Subtensor.Uids.get(bench.state, 1, hot.public_key) is None
    assert held(bench, other, cold) == have
    assert held(bench, hot.public_key, cold) == 0
    assert Subtensor.Owner.get(bench.state, other) == cold.public_key
    assert not Subtensor.Owner.exists(bench.state, hot.public_key)
    assert Subtensor.AutoStakeDestination.get(bench.state, cold.public_key, 1) == other
    assert Subtensor.TotalIssuance.get(bench.state) < issued + 10 * TAO - 100_000_000
    again = call(bench, cold, "swap_hotkey", hotkey=other, new_hotkey=hot.public_key, netuid=1)
    assert again == "HotKeySwapOnSubnetIntervalNotPassed"


def test_commitments_have_a_quota(bench: Bench) -> None:
    hot = bench.cast.competitors[0][1]

    def commit(*fields: Any, who: Any = hot) -> str | None:
        return bench.run(who, "Commitments", "set_commitment", netuid=1, info={"fields": list(fields)})

    assert commit(("Raw5", b"hello")) is None
    kept = Commitments.CommitmentOf.get(bench.state, 1, hot.public_key)
    assert kept["info"] == {"fields": [("Raw5", b"hello")]}
    assert commit(("None", ()), who=bench.keys.signer("nobody")) == "1010 Custom error: 19"
    stranger = bench.cast.competitors[0][0]
    value = {"netuid": 1, "info": {"fields": []}}
    batch = [("Commitments", ("set_commitment", value))]
    assert bench.run(stranger, "Utility", "batch_all", calls=batch) == "AccountNotAllowedCommit"
    assert commit(*[("None", ())] * 4) == "TooManyFieldsInCommitmentInfo"
    for _ in range(30):
        commit(("Raw5", b"hello"))
    assert commit(("Raw5", b"hello")) == "SpaceLimitExceeded"


def test_certificates_and_metrics_are_served(bench: Bench) -> None:
    hot = bench.cast.competitors[0][1]
    axon = {"netuid": 1, "version": 1, "ip": 0x08080808, "port": 8091, "ip_type": 4}
    rest = {"protocol": 4, "placeholder1": 0, "placeholder2": 0}
    assert call(bench, hot, "serve_axon_tls", **axon, **rest, certificate=b"\x01" + b"k" * 64) is None
    kept = Subtensor.NeuronCertificates.get(bench.state, 1, hot.public_key)
    assert kept == {"algorithm": 1, "public_key": b"k" * 64}
    assert call(bench, hot, "serve_prometheus", **axon) is None
    assert call(bench, hot, "serve_prometheus", **axon) == "1010 Custom error: 12"
    assert call(bench, hot, "serve_prometheus", **{**axon, "ip_type": 5}) == "1010 Custom error: 255"
    assert call(bench, hot, "serve_prometheus", **{**axon, "ip": 0}) == "1010 Custom error: 11", "an axon's may be 0"
