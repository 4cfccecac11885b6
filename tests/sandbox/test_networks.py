"""Subnets of one's own: registered, started, named, pruned and dissolved; seats on root; what root may do by Sudo."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.keys.signing import LocalSigner
from ranvier.sandbox.pallets.balances import free_balance
from ranvier.sandbox.pallets.subtensor import networks, swaps
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.pallets.sudo import ALICE
from ranvier.sandbox.pallets.system import System
from sandbox.support import TAO, Bench, error_name
from sandbox.test_rules import issuance_holds as holds

# The published development key //Alice.
ALICE_SEED = bytes.fromhex("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a")
LOCK = 1000 * TAO


def alice() -> LocalSigner:
    signer = LocalSigner.from_seed(ALICE_SEED)
    assert signer.public_key == ALICE
    return signer


def as_root(bench: Bench, pallet: str, name: str, /, **arguments: Any) -> str | None:
    """By Sudo; the name of what the inner call failed with."""
    assert bench.run(alice(), "Sudo", "sudo", call=(pallet, (name, arguments))) is None
    outcome, error = bench.event("Sudid")["sudo_result"]
    return None if outcome == "Ok" else error_name(error)


def call(bench: Bench, who: Any, name: str, /, **arguments: Any) -> str | None:
    return bench.run(who, "SubtensorModule", name, **arguments)


def issuance_holds(bench: Bench) -> None:
    """All TAO is accounted for; at 343 but for the fees that its pools keep beside their reserves."""
    state = bench.state
    free = sum(info["data"]["free"] for _, info in System.Account.items(state))
    pools = sum(tao for _, tao in Subtensor.SubnetTAO.items(state))
    fees = Subtensor.TotalIssuance.get(state) - free - pools
    assert fees in range(10**9) if bench.node.chain.spec.version < 425 else fees == 0
    holds(bench, dust=fees)


def rich(bench: Bench, name: str = "developer", rao: int = 20_000 * TAO) -> tuple[Any, Any]:
    cold, hot = bench.keys.signer(name), bench.keys.signer(name, "hotkey")
    bench.fund(cold, rao)
    return cold, hot


@pytest.fixture(params=[343, 425])
def bench(request: pytest.FixtureRequest) -> Bench:
    bench = Bench(tempo=20, rules=request.param)
    bench.blocks()
    return bench


def test_a_subnet_is_registered_started_traded_and_dissolved(bench: Bench, request: pytest.FixtureRequest) -> None:
    (cold, hot), state = rich(bench), bench.state
    price = swaps.price_bits(state, 1)
    assert networks.lock_cost(state, bench.node.chain.head.number + 1) == LOCK
    before = free_balance(state, cold.public_key)
    assert call(bench, cold, "register_network", hotkey=hot.public_key) is None
    fee = bench.event("TransactionFeePaid")["actual_fee"]
    assert free_balance(state, cold.public_key) == before - fee - LOCK
    assert bench.event("NetworkAdded") == (2, 1)
    assert Subtensor.Uids.get(state, 2, hot.public_key) == 0
    assert (Subtensor.SubnetOwner.get(state, 2), Subtensor.SubnetOwnerHotkey.get(state, 2)) == (
        cold.public_key,
        hot.public_key,
    )
    assert Subtensor.TokenSymbol.get(state, 2) == "β".encode()
    assert (Subtensor.SubnetTAO.get(state, 2), Subtensor.Tempo.get(state, 2)) == (LOCK, 20)
    alpha = Subtensor.SubnetAlphaIn.get(state, 2)
    if bench.node.chain.spec.version >= 425:
        assert abs((alpha * price >> 64) - LOCK) < LOCK // 10**6, "at the median price"
        assert not Subtensor.SubnetEmissionEnabled.get(state, 2)
    else:
        assert alpha == LOCK
    issuance_holds(bench)
    stake = {"hotkey": hot.public_key, "netuid": 2, "amount_staked": 10 * TAO}
    assert call(bench, cold, "add_stake", **stake) == "SubtokenDisabled"
    assert call(bench, bench.cast.owner[0], "start_call", netuid=2) == "BadOrigin"
    if bench.node.chain.spec.version < 425:
        assert call(bench, cold, "start_call", netuid=2) == "NeedWaitingMoreBlocksToStarCall"
        bench.blocks(networks.START_DELAY_343)
    assert call(bench, cold, "start_call", netuid=2) is None
    assert bench.event("FirstEmissionBlockNumberSet") == (2, bench.node.chain.head.number + 1)
    assert call(bench, cold, "start_call", netuid=2) == "FirstEmissionBlockNumberAlreadySet"
    assert call(bench, cold, "add_stake", **stake) is None
    bench.blocks(45)
    assert Subtensor.TotalHotkeyAlpha.get(state, hot.public_key, 2) > 0
    assert Subtensor.LastMechansimStepBlock.get(state, 2) > 0
    issuance_holds(bench)
    assert call(bench, cold, "dissolve_network", coldkey=cold.public_key, netuid=2) == "BadOrigin"
    pot, before = Subtensor.SubnetTAO.get(state, 2), free_balance(state, cold.public_key)
    assert as_root(bench, "SubtensorModule", "root_dissolve_network", netuid=2) is None
    assert bench.event("NetworkRemoved") == 2
    assert not Subtensor.NetworksAdded.get(state, 2)
    assert 0 < free_balance(state, cold.public_key) - before <= pot + TAO
    for item in Subtensor.all_items():
        if item.keys and item.keys[0][0] == Subtensor.Tempo.keys[0][0] and item.name != "RegisteredSubnetCounter":
            assert [key for key, _ in item.items(state, 2)] == [], item.name
    assert Subtensor.TotalHotkeyAlpha.get(state, hot.public_key, 2) == 0
    issuance_holds(bench)
    bench.blocks(25)
    issuance_holds(bench)
    assert as_root(bench, "SubtensorModule", "root_dissolve_network", netuid=2) == "SubnetNotExists"
    assert as_root(bench, "SubtensorModule", "root_dissolve_network", netuid=0) == "SubnetNotExists"


def test_each_subnet_doubles_the_price_and_time_brings_it_down(bench: Bench) -> None:
    cold, _ = rich(bench)
    for place, number in enumerate((2, 3)):
        price = networks.lock_cost(bench.state, bench.node.chain.head.number + 1)
        assert call(bench, cold, "register_network", hotkey=bench.keys.signer("h", place).public_key) is None
        assert (
            Subtensor.NetworkLastLockCost.get(bench.state) == price == Subtensor.SubnetLocked.get(bench.state, number)
        )
    now = bench.node.chain.head.number
    assert networks.lock_cost(bench.state, now) == 2 * price
    assert price <= networks.lock_cost(bench.state, now + 10) < 2 * price
    assert networks.lock_cost(bench.state, now + 10_000) == LOCK
    issuance_holds(bench)
    poor = rich(bench, "poor", 10 * TAO)
    assert call(bench, poor[0], "register_network", hotkey=poor[1].public_key) == "CannotAffordLockCost"
    theirs = bench.cast.validators[0][1].public_key
    assert call(bench, cold, "register_network", hotkey=theirs) == "NonAssociatedColdKey"
    assert as_root(bench, "AdminUtils", "sudo_set_network_rate_limit", rate_limit=1000) is None
    assert call(bench, cold, "register_network", hotkey=cold.public_key) == "NetworkTxRateLimitExceeded"


def test_a_full_network_prunes_the_subnet_of_the_lowest_price(bench: Bench) -> None:
    (cold, hot), (other, key) = rich(bench), rich(bench, "other")
    assert call(bench, cold, "register_network", hotkey=hot.public_key) is None
    assert as_root(bench, "AdminUtils", "sudo_set_subnet_limit", max_subnets=2) is None
    assert call(bench, other, "register_network", hotkey=key.public_key) == "SubnetLimitReached"
    assert as_root(bench, "AdminUtils", "sudo_set_network_immunity_period", immunity_period=0) is None
    assert call(bench, other, "register_network", hotkey=key.public_key) is None
    assert bench.event("NetworkRemoved") == 2
    assert Subtensor.SubnetOwner.get(bench.state, 2) == other.public_key
    assert Subtensor.Uids.get(bench.state, 2, hot.public_key) is None
    issuance_holds(bench)


def test_identities_and_symbols_are_their_owners(bench: Bench) -> None:
    cold, hot = rich(bench)
    texts = ("name", "url", "github_repo", "image", "discord", "description", "additional")
    mine = dict.fromkeys(texts, b"x")
    assert call(bench, cold, "set_identity", **mine) == "HotKeyNotRegisteredInNetwork"
    subnet = dict.fromkeys(Subtensor.SubnetIdentitiesV3.get(bench.state, 1), b"mine")
    too_long = {**subnet, "discord": bytes(257)}
    start = {"hotkey": hot.public_key}
    assert call(bench, cold, "register_network_with_identity", **start, identity=too_long) == "InvalidIdentity"
    assert call(bench, cold, "register_network_with_identity", **start, identity=subnet) is None
    assert Subtensor.SubnetIdentitiesV3.get(bench.state, 2) == subnet
    assert call(bench, cold, "set_identity", **{**mine, "name": bytes(257)}) == "InvalidIdentity"
    assert call(bench, cold, "set_identity", **mine) is None
    assert Subtensor.IdentitiesV2.get(bench.state, cold.public_key) == mine
    renamed = {**subnet, "subnet_name": b"other"}
    assert call(bench, cold, "set_subnet_identity", netuid=1, **renamed) == "NotSubnetOwner"
    assert call(bench, cold, "set_subnet_identity", netuid=9, **renamed) == "SubnetNotExists"
    assert call(bench, cold, "set_subnet_identity", netuid=2, **renamed) is None
    assert bench.event("SubnetIdentitySet") == 2
    assert call(bench, cold, "update_symbol", netuid=2, symbol=b"no") == "SymbolDoesNotExist"
    assert call(bench, cold, "update_symbol", netuid=2, symbol="α".encode()) == "SymbolAlreadyInUse"
    assert call(bench, cold, "update_symbol", netuid=1, symbol="γ".encode()) == "BadOrigin"
    assert call(bench, cold, "update_symbol", netuid=2, symbol="γ".encode()) is None
    assert Subtensor.TokenSymbol.get(bench.state, 2) == "γ".encode()


def test_root_has_few_seats_and_the_least_stake_leaves(bench: Bench) -> None:
    state = bench.state
    (first, one), (second, two) = bench.cast.validators[:2]
    assert (
        as_root(bench, "AdminUtils", "sudo_set_max_registrations_per_block", netuid=0, max_registrations_per_block=9)
        is None
    )
    bench.node.give({Subtensor.MaxAllowedUids.key(0): (1).to_bytes(2, "little")})
    bench.blocks()
    stake = {"hotkey": one.public_key, "netuid": 0, "amount_staked": 5 * TAO}
    assert call(bench, first, "add_stake", **stake) is None
    assert call(bench, first, "root_register", hotkey=one.public_key) is None
    assert call(bench, first, "root_register", hotkey=one.public_key) == "HotKeyAlreadyRegisteredInSubNet"
    assert call(bench, second, "root_register", hotkey=one.public_key) == "HotKeyAlreadyRegisteredInSubNet"
    assert call(bench, second, "root_register", hotkey=two.public_key) == "StakeTooLowForRoot"
    more = {"hotkey": two.public_key, "netuid": 0, "amount_staked": 6 * TAO}
    assert call(bench, second, "add_stake", **more) is None
    assert call(bench, second, "root_register", hotkey=two.public_key) is None
    assert bench.event("NeuronRegistered") == (0, 0, two.public_key)
    assert Subtensor.Uids.get(state, 0, one.public_key) is None


def test_sudo_is_alice_s_and_tells_what_failed(bench: Bench) -> None:
    cold, _ = rich(bench)
    inner = ("AdminUtils", ("sudo_set_tempo", {"netuid": 1, "tempo": 30}))
    assert bench.run(cold, "Sudo", "sudo", call=inner) == "RequireSudo"
    pay = ("Balances", ("transfer_keep_alive", {"dest": ("Id", cold.public_key), "value": TAO}))
    assert bench.run(alice(), "Sudo", "sudo", call=pay) is None
    assert bench.event("Sudid")["sudo_result"][0] == "Err", "root has no account to pay from"
    before = free_balance(bench.state, ALICE)
    weight = {"ref_time": 0, "proof_size": 0}
    assert bench.run(alice(), "Sudo", "sudo_unchecked_weight", call=inner, weight=weight) is None
    assert Subtensor.Tempo.get(bench.state, 1) == 30
    assert free_balance(bench.state, ALICE) == before, "free of charge"
    batch = {"calls": [("AdminUtils", ("sudo_set_tx_rate_limit", {"tx_rate_limit": 7})), pay]}
    assert as_root(bench, "Utility", "batch_all", **batch) == "BadOrigin"
    assert Subtensor.TxRateLimit.get(bench.state) == 1000
    assert as_root(bench, "Utility", "batch", **batch) is None
    assert Subtensor.TxRateLimit.get(bench.state) == 7
    assert bench.run(alice(), "Sudo", "sudo_as", who=("Id", cold.public_key), call=pay) is None
    assert bench.event("SudoAsDone")["sudo_result"] == ("Ok", ())
    assert bench.run(alice(), "Sudo", "set_key", new=("Id", cold.public_key)) is None
    assert bench.run(alice(), "Sudo", "remove_key") == "RequireSudo"
    assert bench.run(cold, "Sudo", "remove_key") is None
    assert bench.run(cold, "Sudo", "sudo", call=inner) == "RequireSudo"
