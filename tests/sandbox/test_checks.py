"""What calls ask before they do anything, each as its runtime does: registration, serving, weights, commitments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.sandbox.frame.state import Overlay
from ranvier.sandbox.pallets.commitments import Commitments
from ranvier.sandbox.pallets.subtensor import registration
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox.support import TAO, Bench, call

AXON = {
    "netuid": 1, "version": 1, "ip": 0x08080808, "port": 8091, "ip_type": 4,
    "protocol": 4, "placeholder1": 0, "placeholder2": 0,
}  # fmt: skip


def started(rules: int = 425, tempo: int = 400) -> Bench:
    bench = Bench(tempo=tempo, rules=rules)
    bench.blocks(2)
    return bench


@pytest.fixture
def bench() -> Bench:
    return started()


def batched(bench: Bench, who: Any, *calls: tuple[str, dict[str, Any]]) -> str | None:
    """Past the pool's own checks, and all in one block."""
    return bench.run(who, "Utility", "batch_all", calls=[("SubtensorModule", one) for one in calls])


def give(bench: Bench, item: Any, *keys: Any, value: Any) -> None:
    bench.node.give({item.key(*keys): item.value.encode(value)})


@settings(max_examples=200)
@given(st.integers(1, 65_535))
def test_the_decay_factor_is_the_greatest_that_halves(half_life: int) -> None:
    factor = registration.decay_factor(half_life)
    assert registration._power(factor, half_life) <= 1 << 31 < registration._power(factor + 1, half_life)


def test_decay_at_its_edges(bench: Bench) -> None:
    assert registration.decay_factor(1) == 1 << 31
    overlay = Overlay(bench.state)
    Subtensor.Burn.put(overlay, 1, value=TAO)
    registration.decay_price(overlay, 1, 1)
    assert Subtensor.Burn.get(overlay, 1) == TAO, "block 1 decays nothing"
    registration.decay_price(overlay, 1, 2)
    assert Subtensor.Burn.get(overlay, 1) == TAO * registration.decay_factor(360) >> 32
    Subtensor.BurnHalfLife.put(overlay, 1, value=0)
    Subtensor.MaxBurn.put(overlay, 1, value=1000)
    registration.decay_price(overlay, 1, 3)
    assert Subtensor.Burn.get(overlay, 1) == 1000, "the bounds hold without a decay too"


def test_a_jump_is_never_down(bench: Bench) -> None:
    give(bench, Subtensor.BurnIncreaseMult, 1, value=1 << 63)
    bench.blocks()
    cold = bench.cast.competitors[0][0]
    price = Subtensor.Burn.get(bench.state, 1) * registration.decay_factor(360) >> 32
    fresh = bench.keys.signer("fresh").public_key
    assert call(bench, cold, "burned_register", netuid=1, hotkey=fresh) is None
    assert Subtensor.Burn.get(bench.state, 1) == price
    assert Subtensor.RegistrationsThisInterval.get(bench.state, 1) == 0, "425 counts per block only"
    assert Subtensor.RegistrationsThisBlock.get(bench.state, 1) == 1


@pytest.mark.parametrize(("rules", "second"), [(343, "TooManyRegistrationsThisBlock"), (425, None)])
def test_registrations_in_one_block(rules: int, second: str | None) -> None:
    bench = started(rules)
    cold = bench.cast.competitors[0][0]
    fresh = [{"netuid": 1, "hotkey": bench.keys.signer("fresh", place).public_key} for place in range(2)]
    assert batched(bench, cold, *(("burned_register", one) for one in fresh)) == second
    assert Subtensor.SubnetworkN.get(bench.state, 1) == (8 if second else 10)


def test_an_interval_has_three_times_its_target() -> None:
    bench = started(343)
    give(bench, Subtensor.TargetRegistrationsPerInterval, 1, value=1)
    give(bench, Subtensor.AdjustmentInterval, 1, value=60)
    bench.blocks()
    cold = bench.cast.competitors[0][0]
    answers = [
        call(bench, cold, "burned_register", netuid=1, hotkey=bench.keys.signer("fresh", place).public_key)
        for place in range(4)
    ]
    assert answers == [None, None, None, "TooManyRegistrationsThisInterval"]
    known = bench.cast.competitors[0][1].public_key
    refused = call(bench, cold, "burned_register", netuid=1, hotkey=known)
    assert refused == "TooManyRegistrationsThisInterval", "asked before whether the hotkey is there already"


def test_what_a_registration_asks_first(bench: Bench) -> None:
    cold = bench.cast.competitors[0][0]
    fresh = bench.keys.signer("fresh").public_key
    limit = {"netuid": 1, "hotkey": fresh, "limit_price": 1}
    give(bench, Subtensor.NetworkRegistrationAllowed, 1, value=False)
    bench.blocks()
    assert call(bench, cold, "register_limit", **limit) == "RegistrationPriceLimitExceeded"
    assert call(bench, cold, "register_limit", **{**limit, "limit_price": 10**12}) == "SubNetRegistrationDisabled"
    give(bench, Subtensor.NetworkRegistrationAllowed, 1, value=True)
    give(bench, Subtensor.MaxAllowedUids, 1, value=0)
    bench.blocks()
    assert call(bench, cold, "burned_register", netuid=1, hotkey=fresh) == "NoNeuronIdAvailable"


def test_serving_of_343_and_425() -> None:
    old, new = started(343), started(425)
    hot = new.cast.competitors[0][1]
    for bench, zero, elsewhere in ((old, "1010 Custom error: 11", None), (new, None, "1010 Custom error: 10")):
        give(bench, Subtensor.NetworksAdded, 2, value=True)
        give(bench, Subtensor.ServingRateLimit, 1, value=0)
        bench.blocks()
        assert call(bench, hot, "serve_axon", **{**AXON, "ip": 0}) == zero
        assert call(bench, hot, "serve_axon", **{**AXON, "netuid": 2}) == elsewhere
        assert call(bench, hot, "serve_axon", **AXON) is None and call(bench, hot, "serve_axon", **AXON) is None
        for ip, kind in ((1, 6), ((1 << 128) - 1, 6), (1 << 32, 4), (0x7F000001, 4)):
            assert call(bench, hot, "serve_axon", **{**AXON, "ip": ip, "ip_type": kind}) == "1010 Custom error: 11"
        assert call(bench, hot, "serve_axon", **{**AXON, "ip": 1 << 32, "ip_type": 6}) is None
    new.fund(hot, TAO)
    assert batched(new, hot, ("serve_axon", {**AXON, "netuid": 9})) == "SubnetNotExists"


@pytest.mark.parametrize("size", [0, 1, 65, 66])
def test_certificates_of_1_to_65_bytes_are_kept(bench: Bench, size: int) -> None:
    hot = bench.cast.competitors[0][1]
    assert call(bench, hot, "serve_axon_tls", **AXON, certificate=b"\x07" * size) is None
    kept = Subtensor.NeuronCertificates.get(bench.state, 1, hot.public_key)
    expected = {"algorithm": 7, "public_key": b"\x07" * (size - 1)} if 1 <= size <= 65 else None
    assert kept == expected


def test_weights_ask_in_order(bench: Bench) -> None:
    validator, miner = bench.cast.validators[0][1], bench.cast.competitors[0][1]
    owner_cold, owner = bench.cast.owner

    def weigh(who: Any, dests: list[int], values: list[int], key: int = 0) -> str | None:
        return call(bench, who, "set_weights", netuid=1, dests=dests, weights=values, version_key=key)

    give(bench, Subtensor.WeightsVersionKey, 1, value=5)
    give(bench, Subtensor.MinAllowedWeights, 1, value=3)
    give(bench, Subtensor.MaxWeightsLimit, 1, value=32_767)
    give(bench, Subtensor.WeightsSetRateLimit, 1, value=0)
    bench.blocks()
    assert weigh(validator, [3, 4, 5], [1, 1, 1], key=4) == "IncorrectWeightVersionKey"
    assert weigh(validator, [3, 4], [1, 1], key=5) == "WeightVecLengthIsLow"
    assert weigh(validator, [3, 4, 5], [10, 1, 1], key=6) == "MaxWeightExceeded"
    assert weigh(validator, [3, 4, 5], [2, 1, 1], key=6) == "MaxWeightExceeded", "a half is more than 32767 of 65535"
    assert weigh(validator, [3, 4, 5], [7, 4, 4], key=6) is None
    stored = Subtensor.Weights.get(bench.state, 1, Subtensor.Uids.get(bench.state, 1, validator.public_key))
    assert [weight for _uid, weight in stored] == [65_535, 37_449, 37_449], "rounded, not cut off"
    assert weigh(miner, [3], [1], key=6) is None, "on itself alone anybody may"
    assert weigh(miner, [3, 4, 5], [1, 1, 1], key=6) == "NeuronNoValidatorPermit"
    assert call(bench, owner_cold, "burned_register", netuid=1, hotkey=owner.public_key) is None
    give(bench, Subtensor.StakeThreshold, value=10**18)
    bench.blocks()
    assert weigh(validator, [3, 4, 5], [1, 1, 1], key=6) == "1010 Custom error: 1"
    assert weigh(owner, [3, 4, 5], [1, 1, 1], key=6) is None, "the owner's hotkey needs neither stake nor permit"


@pytest.mark.parametrize("rules", [343, 425])
def test_space_for_commitments_is_counted_by_epoch(rules: int) -> None:
    bench = started(rules, tempo=20)
    hot = bench.cast.competitors[0][1]
    give(bench, Commitments.MaxSpace, value=250)
    bench.blocks()

    def commit(size: int = 1) -> str | None:
        fields = [("BigRaw", b"x" * size)]
        return bench.run(hot, "Commitments", "set_commitment", netuid=1, info={"fields": fields})

    while (bench.node.chain.head.number + 2) % 21:
        bench.blocks()
    assert commit(120) is None
    assert commit(131) == "SpaceLimitExceeded"
    assert commit(130) is None
    assert commit(0) == "SpaceLimitExceeded", "the least counts as 100"
    bench.blocks(21)
    assert commit(250) is None
    assert commit(0) == "SpaceLimitExceeded"


def test_a_flag_resets_bonds_where_the_subnet_allows_it(bench: Bench) -> None:
    hot = bench.cast.competitors[0][1]
    info = {"netuid": 1, "info": {"fields": [("ResetBondsFlag", ())]}}
    give(bench, Subtensor.Bonds, 1, 0, value=[(3, 7), (4, 8)])
    bench.blocks()
    assert bench.run(hot, "Commitments", "set_commitment", **info) is None
    assert Subtensor.Bonds.get(bench.state, 1, 0) == [(3, 7), (4, 8)]
    assert Commitments.LastBondsReset.get(bench.state, 1, hot.public_key) == bench.node.chain.head.number
    give(bench, Subtensor.BondsResetOn, 1, value=True)
    bench.blocks()
    assert bench.run(hot, "Commitments", "set_commitment", **info) is None
    assert Subtensor.Bonds.get(bench.state, 1, 0) == [(4, 8)]


@pytest.mark.parametrize("rules", [343, 425])
def test_what_was_free_pays_at_425(rules: int) -> None:
    bench = started(rules)
    cold, hot = bench.cast.competitors[0]
    target = bench.cast.competitors[1][1].public_key
    for name, arguments in (
        ("set_coldkey_auto_stake_hotkey", {"netuid": 1, "hotkey": target}),
        ("swap_hotkey", {"hotkey": hot.public_key, "new_hotkey": b"\x11" * 32, "netuid": None}),
    ):
        assert call(bench, cold, name, **arguments) is None
        assert (bench.event("TransactionFeePaid")["actual_fee"] > 0) is (rules == 425), name
    assert call(bench, cold, "try_associate_hotkey", hotkey=b"\x12" * 32) is None
    fee = bench.event("TransactionFeePaid")["actual_fee"]
    per_rao = 2_000 if rules == 425 else 20_000
    assert fee - 108_157_000 // per_rao - 30_000_000 // per_rao in range(100, 200), "the rest is its length in bytes"
