"""The rules, block by block on a chain without a clock: registration, serving, weights, stake, epoch, failure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranvier.sandbox.frame.state import Overlay
from ranvier.sandbox.pallets.balances import Balances, free_balance
from ranvier.sandbox.pallets.subtensor import neurons, registration, shares, swaps
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.pallets.system import System
from sandbox.support import TAO, Bench

AXON = {
    "netuid": 1,
    "version": 1,
    "ip": 0xC0000201,
    "port": 8091,
    "ip_type": 4,
    "protocol": 4,
    "placeholder1": 0,
    "placeholder2": 0,
}


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.blocks()
    return bench


def issuance_holds(bench: Bench, *, dust: int = 0) -> None:
    """All TAO is free or in a pool (or ``dust``); alpha outside the pool is stake, in a pot or the protocol's."""
    state = bench.state
    free = sum(info["data"]["free"] for _, info in System.Account.items(state))
    assert free == Balances.TotalIssuance.get(state)
    pools = sum(tao for _, tao in Subtensor.SubnetTAO.items(state))
    assert pools <= Subtensor.TotalStake.get(state), "it counts the fees of purchases, which the author has"
    assert free + pools + dust == Subtensor.TotalIssuance.get(state)
    staked = sum(alpha for (_, netuid), alpha in Subtensor.TotalHotkeyAlpha.items(state) if netuid == 1)
    pots = (
        Subtensor.PendingServerEmission,
        Subtensor.PendingValidatorEmission,
        Subtensor.PendingRootAlphaDivs,
        Subtensor.PendingOwnerCut,
    )
    held_in_all = staked + sum(pot.get(state, 1) for pot in pots) + Subtensor.SubnetProtocolAlpha.get(state, 1)
    # Rounding leaves a few rao a block counted as out that nobody has, as on the real chain.
    assert 0 <= Subtensor.SubnetAlphaOut.get(state, 1) - held_in_all <= 20 * bench.node.chain.head.number
    held: dict[tuple[bytes, int], int] = {}
    for hotkey, coldkey, netuid in shares.positions(state):
        held[hotkey, netuid] = held.get((hotkey, netuid), 0) + shares.stake_of(state, hotkey, coldkey, netuid)
    for key, value in held.items():
        assert value <= Subtensor.TotalHotkeyAlpha.get(state, *key)


def pair(bench: Bench, name: str, rao: int = 1000 * TAO) -> tuple[Any, Any]:
    coldkey, hotkey = bench.keys.signer(name, "coldkey"), bench.keys.signer(name, "hotkey")
    bench.fund(coldkey, rao)
    return coldkey, hotkey


def test_genesis_is_a_market_and_adds_up(bench: Bench) -> None:
    state = bench.state
    assert Subtensor.SubnetworkN.get(state, 1) == 8
    assert Subtensor.ValidatorPermit.get(state, 1) == [True] * 3 + [False] * 5
    assert Subtensor.SubnetIdentitiesV3.get(state, 1)["subnet_name"] == b"Practice"
    issuance_holds(bench)


def test_registration_burns_exactly_the_price(bench: Bench) -> None:
    coldkey, hotkey = pair(bench, "me")
    state = bench.state
    free, tao = free_balance(state, coldkey.public_key), Subtensor.SubnetTAO.get(state, 1)
    alpha_out, issued = Subtensor.SubnetAlphaOut.get(state, 1), Subtensor.TotalIssuance.get(state)
    protocol = Subtensor.SubnetProtocolAlpha.get(state, 1)
    price = Subtensor.Burn.get(state, 1) * registration.decay_factor(360) >> 32  # the next block decays it first
    assert bench.run(coldkey, "SubtensorModule", "burned_register", netuid=1, hotkey=hotkey.public_key) is None
    fee = bench.event("TransactionFeePaid")["actual_fee"]
    assert free - free_balance(state, coldkey.public_key) == price + fee
    emitted = Subtensor.SubnetTaoInEmission.get(state, 1) + Subtensor.SubnetExcessTao.get(state, 1)
    assert emitted == TAO >> 11
    author_fee = price * 33 // 65_535  # of the swap, to the block's author
    assert Subtensor.SubnetTAO.get(state, 1) - tao == price - author_fee + emitted
    assert Subtensor.TotalIssuance.get(state) - issued == emitted
    own = Subtensor.SubnetProtocolAlpha.get(state, 1) - protocol
    pots = Subtensor.SubnetAlphaOut.get(state, 1) - alpha_out - own
    assert pots == TAO, "the bought alpha is destroyed; only emission, and what the chain bought, came out"
    assert Subtensor.Burn.get(state, 1) == price * Subtensor.BurnIncreaseMult.get(state, 1) >> 64
    assert Subtensor.Uids.get(state, 1, hotkey.public_key) == 8
    assert Subtensor.Owner.get(state, hotkey.public_key) == coldkey.public_key
    assert bench.event("NeuronRegistered") == (1, 8, hotkey.public_key)
    issuance_holds(bench)


def test_registration_refusals(bench: Bench) -> None:
    coldkey, hotkey = pair(bench, "me")
    poor, _ = pair(bench, "poor", 10**8)
    other, _ = pair(bench, "other")

    def register(signer: Any, netuid: int = 1, key: Any = hotkey, **more: Any) -> str | None:
        call = "register_limit" if more else "burned_register"
        return bench.run(signer, "SubtensorModule", call, netuid=netuid, hotkey=key.public_key, **more)

    assert register(coldkey, limit_price=10**8) == "RegistrationPriceLimitExceeded"
    assert register(poor) == "NotEnoughBalanceToStake"
    assert register(coldkey, netuid=0) == "RegistrationNotPermittedOnRootSubnet"
    assert register(coldkey, netuid=9) == "SubnetNotExists"
    assert register(coldkey, limit_price=10**10) is None
    assert register(coldkey) == "HotKeyAlreadyRegisteredInSubNet"
    assert register(other, key=bench.cast.owner[1]) == "NonAssociatedColdKey"
    issuance_holds(bench)


def test_the_price_halves_in_its_half_life(bench: Bench) -> None:
    before = Subtensor.Burn.get(bench.state, 1)
    overlay = Overlay(bench.state)
    for _ in range(360):
        registration.decay_price(overlay, 1, 9)
    assert abs(Subtensor.Burn.get(overlay, 1) - before // 2) <= 360
    for _ in range(10_000):
        registration.decay_price(overlay, 1, 9)
    assert Subtensor.Burn.get(overlay, 1) == Subtensor.MinBurn.get(overlay, 1)


def test_a_failed_call_costs_fee_and_nonce_and_nothing_else() -> None:
    bench = Bench(tempo=1000)
    bench.blocks()
    coldkey, hotkey = pair(bench, "me")
    watched = {**bench.state.values()}
    assert (
        bench.run(coldkey, "SubtensorModule", "burned_register", netuid=9, hotkey=hotkey.public_key)
        == "SubnetNotExists"
    )
    touched = {key for key, value in bench.state.values().items() if watched.get(key) != value}
    mine = System.Account.key(coldkey.public_key)
    before, after = System.Account.value.decode(watched[mine]), System.Account.get(bench.state, coldkey.public_key)
    assert before["data"]["free"] - after["data"]["free"] == bench.event("TransactionFeePaid")["actual_fee"]
    assert after["nonce"] == before["nonce"] + 1
    idle = {**bench.state.values()}
    bench.blocks()
    each_block = {key for key, value in bench.state.values().items() if idle.get(key) != value}
    blocks = {System.BlockHash.key(number) for number in range(bench.node.chain.head.number)}
    author = System.Account.key(bench.cast.author.public_key)
    assert touched - each_block - blocks == {mine, author}


def test_transfers_and_the_existential_deposit(bench: Bench) -> None:
    me, _ = pair(bench, "me", 10 * TAO)
    new = bench.keys.signer("new").public_key

    def send(call: str, **arguments: Any) -> str | None:
        return bench.run(me, "Balances", call, dest=("Id", new), **arguments)

    assert send("transfer_keep_alive", value=499) == "BelowMinimum"
    assert send("transfer_keep_alive", value=11 * TAO) == "FundsUnavailable"
    assert send("transfer_keep_alive", value=10**18) == "Underflow"
    assert send("transfer_keep_alive", value=500) is None
    assert free_balance(bench.state, new) == 500
    assert send("transfer_all", keep_alive=True) is None
    assert free_balance(bench.state, me.public_key) == 500
    issuance_holds(bench)


def test_an_account_below_the_deposit_is_removed(bench: Bench) -> None:
    me, _ = pair(bench, "me", 10 * TAO)
    dest = ("Id", bench.cast.faucet.public_key)
    assert bench.run(me, "Balances", "transfer_allow_death", dest=dest, value=10 * TAO) == "FundsUnavailable"
    fee = bench.event("TransactionFeePaid")["actual_fee"]
    left = free_balance(bench.state, me.public_key) - fee
    assert bench.run(me, "Balances", "transfer_keep_alive", dest=dest, value=left - 50) == "NotExpendable"
    left = free_balance(bench.state, me.public_key) - bench.event("TransactionFeePaid")["actual_fee"]
    assert bench.run(me, "Balances", "transfer_allow_death", dest=dest, value=left - 50) is None
    assert not System.Account.exists(bench.state, me.public_key)
    assert bench.event("DustLost")["amount"] == 50
    issuance_holds(bench, dust=50)


def test_serving(bench: Bench) -> None:
    coldkey, hotkey = pair(bench, "me")

    def serve(**changed: Any) -> str | None:
        return bench.run(hotkey, "SubtensorModule", "serve_axon", **{**AXON, **changed})

    assert serve() == "1010 Custom error: 10"
    bench.run(coldkey, "SubtensorModule", "burned_register", netuid=1, hotkey=hotkey.public_key)
    for ip in (0x7F000001, 0xFFFFFFFF):
        assert serve(ip=ip) == "1010 Custom error: 11"
    assert serve(ip_type=5) == "1010 Custom error: 255"
    assert serve(port=0) == "1010 Custom error: 13"
    assert serve() is None, "a hotkey without any TAO serves free of charge"
    assert Subtensor.Axons.get(bench.state, 1, hotkey.public_key)["port"] == 8091
    assert serve(port=0) == "1010 Custom error: 12", "the rate limit is checked before the port"
    bench.blocks(10)
    assert serve(ip=0, port=1) is None
    batch = [("SubtensorModule", ("serve_axon", AXON))]
    bench.fund(hotkey, TAO)
    assert bench.run(hotkey, "Utility", "batch_all", calls=batch) == "ServingRateLimitExceeded"


def test_set_weights_checks_in_order(bench: Bench) -> None:
    (validator, competitor), uids = (bench.cast.validators[0][1], bench.cast.competitors[0][1]), [3, 4]

    def weigh(signer: Any = validator, dests: Any = uids, weights: Any = (1, 3), netuid: int = 1) -> str | None:
        values = {"netuid": netuid, "dests": list(dests), "weights": list(weights), "version_key": 0}
        return bench.run(signer, "SubtensorModule", "set_weights", **values)

    bench.blocks(6)
    assert weigh(weights=[1]) == "WeightVecNotEqualSize"
    assert weigh(netuid=0) == "CommitRevealEnabled", "asked first, and root never turned it off"
    assert weigh(bench.cast.owner[1]) == "HotKeyNotRegisteredInSubNet"
    assert weigh(competitor) == "NeuronNoValidatorPermit"
    assert weigh(dests=[3, 3]) == "DuplicateUids"
    assert weigh(dests=[3, 8]) == "UidVecContainInvalidOne"
    assert weigh(dests=range(9), weights=range(9)) == "UidsLengthExceedUidsInSubNet"
    assert weigh() is None
    assert Subtensor.Weights.get(bench.state, 1, 0) == [(3, 21_845), (4, 65_535)]
    assert Subtensor.LastUpdate.get(bench.state, 1)[0] == bench.node.chain.head.number
    assert weigh() == "1010 Custom error: 6"
    values = {"netuid": 1, "dests": uids, "weights": [1, 3], "version_key": 0}
    bench.fund(validator, TAO)
    batch = [("SubtensorModule", ("set_weights", values))]
    assert bench.run(validator, "Utility", "batch_all", calls=batch) == "SettingWeightsTooFast"


def test_an_epoch_pays_miners_by_weight_and_says_so(bench: Bench) -> None:
    for _, hotkey in bench.cast.validators:
        values = {"netuid": 1, "dests": [3, 4], "weights": [3, 1], "version_key": 0}
        assert bench.run(hotkey, "SubtensorModule", "set_weights", **values) is None
    miner, owner = bench.cast.competitors[0][1].public_key, bench.cast.competitors[0][0].public_key
    seen = 0
    for _ in range(12):
        before = shares.stake_of(bench.state, miner, owner, 1)
        bench.blocks()
        head = bench.node.chain.head.number
        assert (head % 5 == 0) == (Subtensor.LastMechansimStepBlock.get(bench.state, 1) == head)
        event = bench.event("IncentiveAlphaEmittedToMiners")
        if event is None:
            continue
        seen += 1
        assert event["netuid"] == 1 and len(event["emissions"]) == 8
        paid = shares.stake_of(bench.state, miner, owner, 1) - before
        assert abs(paid - event["emissions"][3]) <= 2
        assert event["emissions"][3] > 2.5 * event["emissions"][4] > 0
        assert sum(event["emissions"]) <= sum(Subtensor.Emission.get(bench.state, 1))
        issuance_holds(bench)
    assert seen == 3


def test_auto_stake_sends_pay_elsewhere(bench: Bench) -> None:
    (coldkey, miner), (_, destination) = bench.cast.competitors[0], bench.cast.competitors[1]
    arguments = {"netuid": 1, "hotkey": destination.public_key}
    call = "set_coldkey_auto_stake_hotkey"
    assert bench.run(coldkey, "SubtensorModule", call, **arguments) is None
    assert bench.run(coldkey, "SubtensorModule", call, **arguments) == "SameAutoStakeHotkeyAlreadySet"
    values = {"netuid": 1, "dests": [3], "weights": [1], "version_key": 0}
    assert bench.run(bench.cast.validators[0][1], "SubtensorModule", "set_weights", **values) is None
    while bench.event("AutoStakeAdded") is None:
        bench.blocks()
        assert bench.node.chain.head.number < 20
    paid = bench.event("AutoStakeAdded")["incentive"]
    assert shares.stake_of(bench.state, destination.public_key, coldkey.public_key, 1) in range(paid - 2, paid + 1)
    assert shares.stake_of(bench.state, miner.public_key, coldkey.public_key, 1) == 0


def test_staking_goes_through_the_pool_and_back(bench: Bench) -> None:
    bench.blocks(4)  # an epoch's pay would disturb it: the next is five blocks away
    coldkey, _ = pair(bench, "me")
    validator = bench.cast.validators[0][1].public_key
    stake = {"hotkey": validator, "netuid": 1}
    price = swaps.price_rao(bench.state, 1)
    assert bench.run(coldkey, "SubtensorModule", "add_stake", **stake, amount_staked=100 * TAO) is None
    _, _, tao, alpha, netuid, fee = bench.event("StakeAdded")
    assert (tao, netuid, fee) == (100 * TAO, 1, 100 * TAO * 33 // 65_535)
    assert 0 < alpha < 100 * TAO * TAO // price
    held = shares.stake_of(bench.state, validator, coldkey.public_key, 1)
    assert alpha - 2 <= held <= alpha
    assert swaps.price_rao(bench.state, 1) > price
    issuance_holds(bench)
    beyond = {"amount_unstaked": held + 1000, "limit_price": 0, "allow_partial": False}
    assert bench.run(coldkey, "SubtensorModule", "remove_stake_limit", **stake, **beyond) == "NotEnoughStakeToWithdraw"
    # Without a limit more than there is counts as all of it: the fee may just have been taken from the stake.
    assert bench.run(coldkey, "SubtensorModule", "remove_stake", **stake, amount_unstaked=held + 1000) is None
    assert bench.event("StakeRemoved")[2] < 100 * TAO, "two fees and the way through the pool"
    assert shares.stake_of(bench.state, validator, coldkey.public_key, 1) == 0
    issuance_holds(bench)


def test_staking_refusals_and_limits(bench: Bench) -> None:
    coldkey, _ = pair(bench, "me")
    validator = bench.cast.validators[0][1].public_key

    def add(amount: int, hotkey: bytes = validator, netuid: int = 1) -> str | None:
        values = {"hotkey": hotkey, "netuid": netuid, "amount_staked": amount}
        return bench.run(coldkey, "SubtensorModule", "add_stake", **values)

    assert add(TAO, netuid=9) == "SubnetNotExists"
    assert add(2_000_000) == "AmountTooLow"
    assert add(TAO, hotkey=bytes(31) + b"\x01") == "HotKeyAccountNotExists"
    assert add(5000 * TAO) == "NotEnoughBalanceToStake"
    limited = {"hotkey": validator, "netuid": 1, "amount_staked": 900 * TAO}
    limit = swaps.price_rao(bench.state, 1) * 101 // 100
    call = "add_stake_limit"
    assert bench.run(coldkey, "SubtensorModule", call, **limited, limit_price=limit, allow_partial=False) == (
        "SlippageTooHigh"
    )
    assert bench.run(coldkey, "SubtensorModule", call, **limited, limit_price=limit, allow_partial=True) is None
    assert bench.event("StakeAdded")[2] < 900 * TAO
    assert swaps.price_rao(bench.state, 1) <= limit + 1
    root = {"hotkey": validator, "netuid": 0, "amount_staked": 10 * TAO}
    assert bench.run(coldkey, "SubtensorModule", "add_stake", **root) is None
    assert shares.stake_of(bench.state, validator, coldkey.public_key, 0) == 10 * TAO, "root is one to one"
    issuance_holds(bench)


def test_a_full_subnet_prunes_the_least_paid(bench: Bench) -> None:
    overlay = Overlay(bench.state)
    Subtensor.MaxAllowedUids.put(overlay, 1, value=8)
    Subtensor.Emission.put(overlay, 1, value=[9, 9, 9, 5, 2, 7, 2, 6])
    assert neurons.uid_to_prune(overlay, 1, 10) == 4, "all immune: the least paid, the lower uid first"
    Subtensor.ImmunityPeriod.put(overlay, 1, value=1)
    Subtensor.MinNonImmuneUids.put(overlay, 1, value=2)
    Subtensor.BlockAtRegistration.put(overlay, 1, 4, value=10)
    assert neurons.uid_to_prune(overlay, 1, 10) == 6, "uid 4 is immune now"
    Subtensor.MinNonImmuneUids.put(overlay, 1, value=7)
    assert neurons.uid_to_prune(overlay, 1, 10) == 4, "too few are out of immunity"


def test_a_pruned_neuron_loses_its_seat_and_keeps_its_stake(bench: Bench) -> None:
    bench.blocks(4)  # an epoch, so that validators are paid and a miner is the next to go
    overlay = bench.node.chain.store
    overlay.apply(bench.node.chain.head.number, {Subtensor.MaxAllowedUids.key(1): b"\x08\x00"})
    coldkey, hotkey = pair(bench, "me")
    axon = bench.cast.competitors[0][1]
    assert bench.run(axon, "SubtensorModule", "serve_axon", **AXON) is None
    stake = shares.stake_of(bench.state, axon.public_key, bench.cast.competitors[0][0].public_key, 1)
    assert bench.run(coldkey, "SubtensorModule", "burned_register", netuid=1, hotkey=hotkey.public_key) is None
    uid = Subtensor.Uids.get(bench.state, 1, hotkey.public_key)
    assert uid == 3 and Subtensor.SubnetworkN.get(bench.state, 1) == 8
    assert Subtensor.Uids.get(bench.state, 1, axon.public_key) is None
    assert Subtensor.Axons.get(bench.state, 1, axon.public_key) is None
    assert not Subtensor.IsNetworkMember.get(bench.state, axon.public_key, 1)
    assert Subtensor.Keys.get(bench.state, 1, 3) == hotkey.public_key
    assert shares.stake_of(bench.state, axon.public_key, bench.cast.competitors[0][0].public_key, 1) >= stake


def test_batches(bench: Bench) -> None:
    me, _ = pair(bench, "me", 10 * TAO)
    dest = bench.keys.signer("new").public_key
    good = ("Balances", ("transfer_keep_alive", {"dest": ("Id", dest), "value": TAO}))
    bad = ("Balances", ("transfer_keep_alive", {"dest": ("Id", dest), "value": 20 * TAO}))
    assert bench.run(me, "Utility", "batch_all", calls=[good, bad]) == "FundsUnavailable"
    assert free_balance(bench.state, dest) == 0
    assert bench.run(me, "Utility", "batch", calls=[good, bad, good]) is None
    assert bench.event("BatchInterrupted")["index"] == 1
    assert free_balance(bench.state, dest) == TAO
    assert bench.run(me, "Utility", "force_batch", calls=[bad, good]) is None
    assert free_balance(bench.state, dest) == 2 * TAO


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["add_stake", "remove_stake", "burned_register", "transfer_allow_death", "set_weights"]),
        st.integers(0, 7),
        st.integers(0, 7),
        st.integers(1, 2 * 10**12),
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(OPERATIONS)
def test_whatever_people_do_the_sums_hold(operations: list[tuple[str, int, int, int]]) -> None:
    bench = Bench(tempo=3)
    cast = bench.cast.validators + bench.cast.competitors
    for call, who, whom, amount in operations:
        coldkey, hotkey = cast[who][0], cast[whom][1].public_key
        arguments: dict[str, Any] = {
            "add_stake": {"hotkey": hotkey, "netuid": 1, "amount_staked": amount},
            "remove_stake": {"hotkey": hotkey, "netuid": 1, "amount_unstaked": amount},
            "burned_register": {"netuid": 1, "hotkey": bench.keys.signer("extra", whom).public_key},
            "transfer_allow_death": {"dest": ("Id", cast[whom][0].public_key), "value": amount},
            "set_weights": {"netuid": 1, "dests": [whom, who], "weights": [1, 2], "version_key": 0},
        }[call]
        if call == "set_weights":
            bench.run(cast[who % 3][1], "SubtensorModule", call, **arguments)
        else:
            bench.run(coldkey, "Balances" if "transfer" in call else "SubtensorModule", call, **arguments)
        issuance_holds(bench)
