"""The chain's own tests of what root stake earns (claim_root.rs): its scenarios and its numbers, through our pallet."""

from __future__ import annotations

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import ROOT_ORIGIN
from ranvier.sandbox.maths.keccak import keccak_256
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import payment, root_claims, shares, staking, swaps
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from sandbox import test_source_staking
from sandbox.test_source_staking import COIN, HOT, OWNER, refusal

ALICE, BOB, OTHER = (bytes([number]) * 32 for number in (0xC1, 0xC2, 0xC3))
TAKE = 0.18
BOTH = pytest.mark.parametrize("spec", [343, 425])
KEEP, SWAP = ("Keep", ()), ("Swap", ())


def rooted(spec: int, **stakes: int) -> Context:
    """A validator with root stake of these people's, by the names above in lower case."""
    context = test_source_staking.market(spec)
    people = {"alice": ALICE, "bob": BOB, "other": OTHER}
    for name, stake in stakes.items():
        shares.add_stake(context.state, HOT, people[name], 0, stake)
        balances.mint(context, people[name], COIN)
    shares.add_stake(context.state, HOT, OWNER, 1, 10_000_000)
    return context


def pay(context: Context, alpha: int) -> None:
    payment._pay_root(context.state, 1, {HOT: alpha << 32})


def claim(context: Context, who: bytes) -> int:
    """What a claim on subnet 1 made of the position there."""
    assert refusal(context, root_claims.claim_root, who, [1]) is None
    return shares.stake_of(context.state, HOT, who, 1)


def keepers(context: Context, *people: bytes) -> None:
    for who in people:
        assert refusal(context, root_claims.set_root_claim_type, who, KEEP) is None
        assert Subtensor.RootClaimType.get(context.state, who) == KEEP


@BOTH
def test_a_dividend_is_the_validator_s_take_and_a_rate_that_adds_up(spec: int) -> None:
    context, stake = rooted(spec, alice=2_000_000), 2_000_000
    keepers(context, ALICE)
    for times in (1, 2):
        pay(context, 1_000_000)
        assert abs(shares.stake_of(context.state, HOT, OWNER, 1) - (10_000_000 + times * 180_000)) <= 100
        rate = dict(Subtensor.RootClaimable.get(context.state, HOT))[1]
        assert abs(rate / 2**32 - times * 1_000_000 * (1 - TAKE) / stake) < 0.001
        got = claim(context, ALICE)
        assert abs(got - (rate * stake >> 32)) <= 10
        assert Subtensor.RootClaimed.get(context.state, 1, HOT, ALICE) in (got, got + 1, got + 2)


@BOTH
@pytest.mark.parametrize("bob", [1_000_000, 2_000_000])
def test_two_stakers_get_their_parts(spec: int, bob: int) -> None:
    context = rooted(spec, alice=1_000_000, bob=bob, other=9_000_000 - bob)
    keepers(context, ALICE, BOB)
    pay(context, 10_000_000)
    one, two = claim(context, ALICE), claim(context, BOB)
    assert abs(two - one * bob // 1_000_000) <= 2
    assert abs(one - 820_000) <= 100


@BOTH
def test_stake_that_comes_and_goes_changes_what_is_earned_from_then_on(spec: int) -> None:
    context, stake = rooted(spec, alice=8_000_000, bob=8_000_000), 8_000_000
    Subtensor.SubnetTAO.put(context.state, 0, value=2 * stake)
    keepers(context, ALICE, BOB)
    pay(context, 10_000_000)
    first = claim(context, ALICE), claim(context, BOB)
    assert abs(first[0] - 4_100_000) <= 100 and abs(first[1] - first[0]) <= 2
    assert refusal(context, staking.remove_stake, BOB, HOT, 0, stake // 2) is None
    pay(context, 10_000_000)
    second = claim(context, ALICE), claim(context, BOB)
    gained = [after - before for before, after in zip(first, second, strict=True)]
    assert abs(gained[0] - 2 * gained[1]) <= 100 and abs(gained[1] - 8_200_000 // 3) <= 100
    assert refusal(context, staking.add_stake, BOB, HOT, 0, stake // 2) is None
    pay(context, 10_000_000)
    third = claim(context, ALICE), claim(context, BOB)
    gained = [after - before for before, after in zip(second, third, strict=True)]
    assert abs(gained[0] - gained[1]) <= 100 and abs(gained[1] - 4_100_000) <= 100


@BOTH
def test_claims_that_are_sold_become_root_stake_that_earns(spec: int) -> None:
    """A tenth of root stake, a price of a half: three rounds, each with what the one before has added."""
    context, stake = rooted(spec, alice=2_000_000, other=18_000_000), 2_000_000
    state = context.state
    Subtensor.SubnetTAO.put(state, 1, value=50 * COIN)
    Subtensor.SubnetAlphaIn.put(state, 1, value=100 * COIN)
    assert swaps.price_bits(state, 1) >> 63 == 1
    assert refusal(context, root_claims.set_root_claim_type, ALICE, SWAP) is None
    mine, total = float(stake), 20_000_000.0
    for _ in range(3):
        pay(context, 10_000_000)
        gain = 10_000_000 * (1 - TAKE) * 0.5 * mine / total
        mine, total = mine + gain, total + gain
        claim(context, ALICE)
        assert abs(shares.stake_of(state, HOT, ALICE, 0) - mine) <= 10_000
        assert root_claims.owed_bits(state, HOT, ALICE, 1) < 2 << 32


def test_what_cannot_be_sold_stays_owed() -> None:
    context = rooted(425, alice=2_000_000, other=18_000_000)
    state = context.state
    pay(context, 10_000_000)
    Subtensor.SubnetTAO.put(state, 1, value=0)
    owed = root_claims.owed_bits(state, HOT, ALICE, 1)
    before = dict(context.state.changes())
    root_claims._claim_one(context, HOT, ALICE, 1)
    assert root_claims.owed_bits(state, HOT, ALICE, 1) == owed > 0
    assert shares.stake_of(state, HOT, ALICE, 0) == 2_000_000
    assert dict(context.state.changes()) == before


def test_which_stakers_a_block_s_hash_picks() -> None:
    assert root_claims.picked(keccak_256(b"zero"), 0, 15_000) == []
    assert root_claims.picked(keccak_256(b"some"), 15, 15_000) == [
        265, 630, 1286, 1558, 4496, 4861, 5517, 5789, 6803, 8096, 9092, 11034, 11399, 12055, 12327,
    ]  # fmt: skip
    assert root_claims.picked(keccak_256(b"some2"), 15, 15_000) == [
        61, 246, 1440, 2855, 3521, 5236, 6130, 6615, 8511, 9405, 9890, 11786, 11971, 13165, 14580,
    ]  # fmt: skip


def test_root_sets_how_many_are_claimed_for_and_from_what_on() -> None:
    context = rooted(425, alice=2_000_000)
    many, least = root_claims.sudo_set_num_root_claims, root_claims.sudo_set_root_claim_threshold
    assert refusal(context, many, ALICE, 50) == "BadOrigin"
    assert refusal(context, many, ROOT_ORIGIN, 51) == "InvalidNumRootClaim"
    assert refusal(context, many, ROOT_ORIGIN, 27) is None
    assert Subtensor.NumRootClaim.get(context.state) == 27
    Subtensor.SubnetOwner.put(context.state, 1, value=OWNER)
    assert refusal(context, least, ALICE, 1, 1_000) == "BadOrigin"
    for who in (OWNER, ROOT_ORIGIN):
        assert refusal(context, least, who, 1, 10_000_001) == "InvalidRootClaimThreshold"
        assert refusal(context, least, who, 1, 1_000) is None
    assert Subtensor.RootClaimableThreshold.get(context.state, 1) == 1_000 << 32
    keepers(context, ALICE)
    pay(context, 1_200)  # 984 after the take
    assert claim(context, ALICE) == 0
    pay(context, 100)
    assert claim(context, ALICE) > 0
