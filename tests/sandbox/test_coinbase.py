"""Emission, epochs and root dividends of both specs: shares of TAO, chain buys, schedule, payment, claims."""

from __future__ import annotations

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.state import Overlay, Store
from ranvier.sandbox.pallets.subtensor import coinbase, epochs, flows, payment, root_claims, shares, swaps
from ranvier.sandbox.pallets.subtensor.storage import Own, Subtensor
from sandbox.support import TAO, Bench

ONE = 1 << 64
A, B, COLD = b"\x0a" * 32, b"\x0b" * 32, b"\xcc" * 32


def chain(rules: int, block: int = 10, subnets: int = 2) -> Context:
    """Subnets without neurons: pools of 1000 TAO and 4000 alpha each, at a price of 0.25."""
    context = Context(Overlay(Store(1)), block, bytes(32), 0)
    state = context.state
    Own.Rules.put(state, value=rules)
    Subtensor.NetworksAdded.put(state, 0, value=True)
    Subtensor.TotalStake.put(state, value=subnets * 1000 * TAO)
    for netuid in range(1, subnets + 1):
        values = {
            Subtensor.NetworksAdded: True,
            Subtensor.SubnetMechanism: 1,
            Subtensor.Tempo: 10,
            Subtensor.SubtokenEnabled: True,
            Subtensor.FirstEmissionBlockNumber: 1,
            Subtensor.SubnetTAO: 1000 * TAO,
            Subtensor.SubnetAlphaIn: 4000 * TAO,
            Subtensor.SubnetAlphaOut: 4000 * TAO,
            Subtensor.SubnetMovingPrice: 1 << 30,
        }
        for item, value in values.items():
            item.put(state, netuid, value=value)
    return context


def test_425_shares_by_moving_price_less_what_is_withheld() -> None:
    state = chain(425).state
    Subtensor.SubnetMovingPrice.put(state, 2, value=3 << 30)
    assert flows.price_shares(state, [1, 2]) == {1: ONE // 4, 2: 3 * ONE // 4}
    Subtensor.MinerBurned.put(state, 2, value=2**31)
    # 0.25 against 0.75 * 0.5
    assert flows.price_shares(state, [1, 2]) == {1: (ONE // 4 << 64) // (ONE * 5 // 8), 2: ONE * 3 // 5}
    Subtensor.SubnetEmissionEnabled.put(state, 1, value=False)
    assert flows.emissions(state, 10, [1, 2], TAO)[1] == 0
    assert flows.emissions(state, 10, [1, 2], TAO)[2] == TAO << 32
    # Where everything is withheld the plain shares hold.
    for netuid in (1, 2):
        Subtensor.MinerBurned.put(state, netuid, value=2**32)
    assert flows.price_shares(state, [1, 2]) == {1: ONE // 4, 2: 3 * ONE // 4}


def test_343_shares_by_the_flow_of_tao() -> None:
    state = chain(343, subnets=3).state
    assert flows.flow_shares(state, 10, [1, 2, 3]) == {1: 0, 2: 0, 3: 0}
    for netuid, flow in ((1, 300 * TAO), (2, 100 * TAO), (3, -50 * TAO)):
        swaps.record_flow(state, netuid, flow)
    shared = flows.flow_shares(state, 11, [1, 2, 3])
    alpha = (29_597_889_189_277 << 64) // (2**63 - 1)
    assert Subtensor.SubnetEmaTaoFlow.get(state, 1) == (11, alpha * (300 * TAO << 64) >> 64)
    assert Subtensor.SubnetTaoFlow.get(state, 1) == 0
    # A cutoff of 0 counts an outflow as nothing; 32-bit logarithms are right to some millionths.
    assert shared[3] == 0
    assert abs(shared[1] / ONE - 0.75) < 1e-5 and abs(shared[2] / ONE - 0.25) < 1e-5
    # With a cutoff below, the greatest outflow is the zero from which all are measured.
    Subtensor.TaoFlowCutoff.put(state, value=-(10**9) << 64)
    shared = flows.flow_shares(state, 11, [1, 2, 3])
    assert shared[3] == 0 and abs(shared[1] / ONE - 0.7) < 1e-5 and abs(shared[2] / ONE - 0.3) < 1e-5


def test_one_subnet_gets_all() -> None:
    state = chain(343, subnets=1).state
    swaps.record_flow(state, 1, 5)
    assert flows.flow_shares(state, 2, [1]) == {1: ONE}
    assert flows.price_shares(state, [1]) == {1: ONE}


def test_who_emits() -> None:
    for rules in (343, 425):
        state = chain(rules, subnets=4).state
        Subtensor.SubtokenEnabled.put(state, 2, value=False)
        Subtensor.FirstEmissionBlockNumber.remove(state, 3)
        Subtensor.NetworkRegistrationAllowed.put(state, 4, value=False)
        # Registration by work kept a subnet in, up to 343.
        assert flows.emitting(state) == ([1, 4] if rules == 343 else [1])


def test_the_moving_price_learns_faster_with_age() -> None:
    """alpha = moving * b / (b + h): at an age of h blocks half of the full smoothing."""
    for rules in (343, 425):
        state = chain(rules).state
        Subtensor.SubnetMovingAlpha.put(state, value=1 << 31)
        Subtensor.SubnetMovingPrice.put(state, 1, value=0)
        Subtensor.EMAPriceHalvingBlocks.put(state, 1, value=100)
        flows.follow_price(state, 1, 100)
        assert Subtensor.SubnetMovingPrice.get(state, 1) == (1 << 30) // 4
        flows.follow_price(state, 1, 0)
        assert Subtensor.SubnetMovingPrice.get(state, 1) == (1 << 30) // 4, "at an age of 0 it stands still"


def test_at_425_without_root_stake_all_tao_buys_alpha_that_the_protocol_keeps() -> None:
    context = chain(425, subnets=1)
    state = context.state
    coinbase.block_step(context)
    assert Subtensor.SubnetExcessTao.get(state, 1) == TAO
    assert Subtensor.SubnetTaoInEmission.get(state, 1) == Subtensor.SubnetAlphaInEmission.get(state, 1) == 0
    bought = 4000 * TAO - Subtensor.SubnetAlphaIn.get(state, 1)
    assert Subtensor.SubnetProtocolAlpha.get(state, 1) == bought == 3_996_003_996
    assert Subtensor.SubnetAlphaOut.get(state, 1) == 4001 * TAO + bought
    assert Subtensor.SubnetTAO.get(state, 1) == 1001 * TAO
    assert Subtensor.TotalIssuance.get(state) == TAO


def test_at_425_root_decides_how_much_is_added_to_the_pool() -> None:
    """Root stake of 8000 * 3 weighed with one against 8000 alpha: three quarters of an alpha may be added."""
    context = chain(425, subnets=1)
    state = context.state
    Subtensor.TaoWeight.put(state, value=2**64 - 1)
    Subtensor.SubnetTAO.put(state, 0, value=24_000 * TAO)
    coinbase.block_step(context)
    assert Subtensor.SubnetAlphaInEmission.get(state, 1) == TAO * 3 // 4
    assert Subtensor.SubnetTaoInEmission.get(state, 1) == TAO * 3 // 16
    assert Subtensor.SubnetExcessTao.get(state, 1) == TAO * 13 // 16
    # With a price below one root's share of the pots is not paid.
    assert Subtensor.PendingRootAlphaDivs.get(state, 1) == 0


def test_at_343_the_bought_alpha_is_destroyed() -> None:
    context = chain(343, subnets=1)
    state = context.state
    swaps.record_flow(state, 1, TAO)
    coinbase.block_step(context)
    # A block's alpha caps what is added: one alpha, and a quarter of a TAO.
    assert Subtensor.SubnetAlphaInEmission.get(state, 1) == TAO
    assert Subtensor.SubnetTaoInEmission.get(state, 1) == TAO // 4
    assert Subtensor.SubnetTAO.get(state, 1) == 1001 * TAO
    assert Subtensor.SubnetAlphaOut.get(state, 1) == 4001 * TAO
    assert Subtensor.SubnetAlphaIn.get(state, 1) < 4000 * TAO
    assert Subtensor.TotalIssuance.get(state) == TAO


def test_root_is_paid_when_the_prices_add_up_to_more_than_one() -> None:
    context = chain(425, subnets=1)
    state = context.state
    Subtensor.TaoWeight.put(state, value=2**64 - 1)
    Subtensor.SubnetTAO.put(state, 0, value=8_000 * TAO)
    Subtensor.SubnetMovingPrice.put(state, 1, value=(1 << 32) + 1)
    Subtensor.OwnerCutEnabled.put(state, 1, value=False)
    coinbase.block_step(context)
    # The proportion is taken anew after injection and emission: root against 8000 alpha and what was just made.
    share = coinbase.root_proportion(state, 1)
    assert Subtensor.PendingRootAlphaDivs.get(state, 1) == (TAO * share >> 32 << 32 >> 32) // 2
    assert 0.49 < share / 2**32 < 0.5
    pots = (Subtensor.PendingServerEmission, Subtensor.PendingValidatorEmission, Subtensor.PendingRootAlphaDivs)
    assert TAO - 3 <= sum(pot.get(state, 1) for pot in pots) <= TAO
    assert Subtensor.RootProp.get(state, 1) == share


def test_epochs_by_the_clock() -> None:
    assert [block for block in range(30) if epochs.by_the_clock(block, 1, 10)] == [8, 19]
    state = chain(343).state
    assert epochs.next_epoch(state, 7, 1) == 8 and epochs.next_epoch(state, 8, 1) == 19
    Subtensor.Tempo.put(state, 1, value=0)
    assert epochs.next_epoch(state, 8, 1) is None and not epochs.due(state, 8, 1)


def test_epochs_by_the_schedule() -> None:
    """``LastEpochBlock`` + tempo; what was asked for is earlier; a step missed for longer than a tempo is due."""
    context = chain(425, block=110)
    state = context.state
    for netuid in (1, 2):
        Subtensor.LastEpochBlock.put(state, netuid, value=100)
    assert epochs.next_epoch(state, 105, 1) == 110
    assert not epochs.due(state, 109, 1) and epochs.due(state, 110, 1)
    Subtensor.PendingEpochAt.put(state, 1, value=107)
    assert epochs.next_epoch(state, 105, 1) == 107 and epochs.due(state, 108, 1)
    Subtensor.BlocksSinceLastStep.put(state, 2, value=11)
    assert epochs.due(state, 101, 2)
    Subtensor.MaxEpochsPerBlock.put(state, value=1)
    assert epochs.take_turns(context, [1, 2]) == [1]
    assert Subtensor.LastEpochBlock.get(state, 1) == 110 and Subtensor.PendingEpochAt.get(state, 1) == 0
    assert Subtensor.SubnetEpochIndex.get(state, 1) == 1
    assert Subtensor.PendingEpochAt.get(state, 2) == 111 and Subtensor.LastEpochBlock.get(state, 2) == 100
    assert len(context.events) == 1
    context.block = 111
    assert epochs.take_turns(context, [1, 2]) == [2]


def test_dividends_are_split_by_alpha_and_weighted_root_stake() -> None:
    """A: 100 alpha and 300 root of which a third counts; B: alpha only. Half of A's dividend is root's."""
    stakes = {A: (100, 300), B: (100, 0)}
    third = (1 << 32) // 3
    for_alpha, for_root = payment.split_dividends({A: 1000, B: 500}, stakes, third, 10_000, 900)
    assert for_root == {A: 900 << 32, B: 0}
    # 500 of A against 500 of B, but for the third that was cut off
    assert for_alpha[A] >> 32 == 5000 and for_alpha[B] >> 32 == 4999
    nothing = payment.split_dividends({A: 0}, {A: (0, 0)}, third, 10, 10)
    assert nothing == ({A: 0}, {A: 0})


def rooted(rules: int = 425) -> Context:
    context = chain(rules)
    state = context.state
    Subtensor.Owner.put(state, A, value=COLD)
    shares.add_stake(state, A, COLD, 0, 600 * TAO)
    shares.add_stake(state, A, B, 0, 200 * TAO)
    return context


def test_root_dividends_are_claimed_in_proportion_to_root_stake() -> None:
    context = rooted()
    state = context.state
    root_claims.credit(state, A, 1, 8 * TAO)
    assert dict(Subtensor.RootClaimable.get(state, A)) == {1: (8 << 32) // 800}
    assert root_claims.owed_bits(state, A, COLD, 1) >> 32 in range(6 * TAO - 200, 6 * TAO + 1)
    # Stake that comes later is owed nothing of the past; stake that leaves takes its claim with it.
    shares.add_stake(state, A, B, 0, 100 * TAO)
    owed = root_claims.owed_bits(state, A, B, 1)
    root_claims.stake_added(state, A, B, 100 * TAO)
    assert owed - root_claims.owed_bits(state, A, B, 1) == ((8 << 32) // 800 * 100 * TAO >> 32) << 32
    assert root_claims.owed_bits(state, A, B, 1) >> 32 in range(2 * TAO - 200, 2 * TAO + 1)


def test_a_claim_is_sold_for_root_stake_or_kept() -> None:
    context = rooted()
    state = context.state
    root_claims.credit(state, A, 1, 8 * TAO)
    Subtensor.RootClaimType.put(state, B, value=("Keep", ()))
    due = root_claims.owed_bits(state, A, B, 1) >> 32
    root_claims.claim(context, B, None)
    assert shares.stake_of(state, A, B, 1) in (due, due - 1)
    assert root_claims.owed_bits(state, A, B, 1) >> 32 == 0
    before, alpha = shares.stake_of(state, A, COLD, 0), Subtensor.SubnetAlphaIn.get(state, 1)
    due = root_claims.owed_bits(state, A, COLD, 1) >> 32
    root_claims.claim(context, COLD, [1])
    assert Subtensor.SubnetAlphaIn.get(state, 1) == alpha + due
    gained = shares.stake_of(state, A, COLD, 0) - before
    assert 0 < gained <= due // 4
    assert root_claims.owed_bits(state, A, COLD, 1) >> 32 == 0
    # Less than the threshold waits.
    root_claims.credit(state, A, 1, 600_000)
    root_claims.claim(context, COLD, None)
    assert root_claims.owed_bits(state, A, COLD, 1) > 0


def test_more_than_the_root_stake_goes_to_the_owner() -> None:
    context = rooted()
    root_claims.credit(context.state, A, 1, 801 * TAO)
    assert shares.stake_of(context.state, A, COLD, 1) == 801 * TAO
    assert Subtensor.RootClaimable.get(context.state, A) == []


def test_who_is_claimed_for() -> None:
    """Words of the hash, big-endian: 5, then 5 + 5, + 6, + 7, + 8 and + 5 again, each modulo the number of stakers."""
    words = b"".join(number.to_bytes(8, "big") for number in (5, 6, 7, 8))
    assert root_claims.picked(words, 1, 100) == [10]
    assert root_claims.picked(words, 5, 100) == [10, 16, 23, 31, 36]
    assert root_claims.picked(words, 5, 3) == [0, 1, 2]
    assert root_claims.picked(b"\xff" * 32, 2, 7) == [(2**64 - 1) % 7]


@pytest.mark.parametrize("rules", [343, 425])
def test_root_stake_earns_in_the_living_chain(rules: int) -> None:
    """A validator with root stake, and prices of more than one: after some epochs its staker's root stake grows."""
    bench = Bench(tempo=4)
    store = bench.node.chain.store
    changes = {
        Own.Rules.key(): Own.Rules.value.encode(rules),
        Subtensor.SubnetMovingPrice.key(1): Subtensor.SubnetMovingPrice.value.encode(2 << 32),
    }
    store.apply(bench.node.chain.head.number, changes)
    coldkey, hotkey = bench.cast.validators[0]
    stake = {"hotkey": hotkey.public_key, "netuid": 0, "amount_staked": 500 * TAO}
    assert bench.run(coldkey, "SubtensorModule", "add_stake", **stake) is None
    before = shares.stake_of(bench.state, hotkey.public_key, coldkey.public_key, 0)
    bench.blocks(25)
    assert Subtensor.RootClaimable.get(bench.state, hotkey.public_key)
    assert shares.stake_of(bench.state, hotkey.public_key, coldkey.public_key, 0) > before
    shown = Subtensor.RootAlphaDividendsPerSubnet if rules == 425 else Subtensor.AlphaDividendsPerSubnet
    assert shown.get(bench.state, 1, hotkey.public_key) > 0
    assert bench.run(coldkey, "SubtensorModule", "set_root_claim_type", new_root_claim_type=("Keep", ())) is None
    assert bench.run(coldkey, "SubtensorModule", "claim_root", subnets=[1]) is None
    assert bench.run(coldkey, "SubtensorModule", "claim_root", subnets=[]) == "InvalidSubnetNumber"
