"""Numbers of the chain's own unit tests of registration (tests/registration.rs), through our pallet."""

from __future__ import annotations

import pytest

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure
from ranvier.sandbox.frame.state import Overlay, Store
from ranvier.sandbox.pallets.balances import free_balance, mint
from ranvier.sandbox.pallets.subtensor import neurons, registration
from ranvier.sandbox.pallets.subtensor.storage import Own, Subtensor

NETUID = 1
RESERVE = 10**12
MOST = (1 << 64) - 1


def account(number: int) -> bytes:
    return number.to_bytes(32, "big")


class Chain:
    """One subnet with reserves, at a block; ``step`` is what each block does to prices."""

    def __init__(self, rules: int = 425) -> None:
        self.context = Context(Overlay(Store(1)), 1, account(9), 0)
        self.state = state = self.context.state
        Own.Rules.put(state, value=rules)
        for item in (Subtensor.NetworksAdded, Subtensor.SubtokenEnabled):
            item.put(state, NETUID, value=True)
        Subtensor.SubnetMechanism.put(state, NETUID, value=1)
        for item in (Subtensor.SubnetTAO, Subtensor.SubnetAlphaIn):
            item.put(state, NETUID, value=RESERVE)
        Subtensor.TotalStake.put(state, value=RESERVE)
        Subtensor.SubnetOwner.put(state, NETUID, value=account(999_999))
        self.price(1_000)
        self.fund(9, 10**6)  # the author, whom a fee below the existential deposit would not bring to life

    def price(self, burn: int, *, low: int = 0, high: int = MOST, half_life: int = 1_000, factor: int = 2) -> None:
        Subtensor.Burn.put(self.state, NETUID, value=burn)
        Subtensor.MinBurn.put(self.state, NETUID, value=low)
        Subtensor.MaxBurn.put(self.state, NETUID, value=high)
        Subtensor.BurnHalfLife.put(self.state, NETUID, value=half_life)
        Subtensor.BurnIncreaseMult.put(self.state, NETUID, value=factor << 64)

    @property
    def burn(self) -> int:
        burn: int = Subtensor.Burn.get(self.state, NETUID)
        return burn

    def step(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.context.block += 1
            registration.adjust_price(self.state, NETUID, self.context.block)

    def fund(self, coldkey: int, rao: int) -> None:
        mint(self.context, account(coldkey), rao)

    def register(self, coldkey: int, hotkey: int) -> str | None:
        try:
            with self.context.attempt():
                registration.burned_register.run(self.context, account(coldkey), NETUID, account(hotkey))
        except DispatchFailure as failure:
            return failure.name
        return None


def test_the_price_doubles_at_once_and_decays_from_then_on() -> None:
    chain = Chain()
    chain.fund(100, 1_000_000)
    assert chain.register(100, 200) is None
    assert chain.burn == 2_000
    chain.step()
    assert chain.burn == 1_998
    chain.price(1_000)
    chain.step()
    assert chain.burn == 999


def test_the_price_halves_with_its_half_life_cut_off_each_block() -> None:
    chain = Chain()
    chain.price(1_024, half_life=2, factor=1)
    chain.step(2)
    assert chain.burn == 511
    chain.step(2)
    assert chain.burn == 255


def test_the_bounds_hold_for_decay_and_jump() -> None:
    chain = Chain()
    chain.price(1, low=100_000, high=150_000, half_life=1)
    chain.step()
    assert chain.burn == 100_000
    chain.fund(1, 1_000_000)
    assert chain.register(1, 2) is None
    assert chain.burn == 150_000
    chain.step()
    assert chain.burn == 100_000
    chain.step()
    assert chain.burn == 100_000


def test_what_a_registration_leaves_behind() -> None:
    chain = Chain()
    chain.fund(667, 50_000)
    assert chain.register(667, 1) is None
    state = chain.state
    assert Subtensor.SubnetworkN.get(state, NETUID) == 1
    assert Subtensor.Owner.get(state, account(1)) == account(667)
    assert Subtensor.Uids.get(state, NETUID, account(1)) == 0
    assert Subtensor.TotalHotkeyAlpha.get(state, account(1), NETUID) == 0
    assert Subtensor.RAORecycledForRegistration.get(state, NETUID) == 1_000
    assert free_balance(state, account(667)) == 49_000
    assert Subtensor.SubnetTaoFlow.get(state, NETUID) == 1_000
    again = chain.burn
    assert chain.register(667, 2) is None
    assert Subtensor.RAORecycledForRegistration.get(state, NETUID) == 1_000 + again
    assert chain.register(667, 1) == "HotKeyAlreadyRegisteredInSubNet"


def test_at_343_a_registration_is_no_inflow() -> None:
    chain = Chain(343)
    chain.fund(667, 50_000)
    assert chain.register(667, 1) is None
    assert Subtensor.SubnetTaoFlow.get(chain.state, NETUID) == 0
    assert chain.register(667, 2) == "TooManyRegistrationsThisBlock"


def test_refusals() -> None:
    chain = Chain()
    chain.price(10_000)
    chain.fund(667, 9_999)
    assert chain.register(667, 1) == "NotEnoughBalanceToStake"
    chain.fund(667, 50_000)
    Subtensor.MaxAllowedUids.put(chain.state, NETUID, value=0)
    assert chain.register(667, 1) == "NoNeuronIdAvailable"
    assert free_balance(chain.state, account(667)) == 59_999
    Subtensor.Owner.put(chain.state, account(1), value=account(111))
    assert chain.register(667, 1) == "NonAssociatedColdKey"
    Subtensor.NetworkRegistrationAllowed.put(chain.state, NETUID, value=False)
    assert chain.register(667, 3) == "SubNetRegistrationDisabled"
    assert Subtensor.SubnetworkN.get(chain.state, NETUID) == 0


def seat(chain: Chain, uid: int, hotkey: bytes, since: int, emission: int) -> None:
    state = chain.state
    Subtensor.Keys.put(state, NETUID, uid, value=hotkey)
    Subtensor.Uids.put(state, NETUID, hotkey, value=uid)
    Subtensor.BlockAtRegistration.put(state, NETUID, uid, value=since)
    Subtensor.SubnetworkN.put(state, NETUID, value=uid + 1)
    emissions = Subtensor.Emission.get(state, NETUID)
    Subtensor.Emission.put(state, NETUID, value=[*emissions, emission])
    Subtensor.PruningScores.put(state, NETUID, value=[*emissions, emission])


def two(block: int, least: int = 0) -> Chain:
    chain = Chain()
    Subtensor.ImmunityPeriod.put(chain.state, NETUID, value=2)
    Subtensor.MinNonImmuneUids.put(chain.state, NETUID, value=least)
    Subtensor.ImmuneOwnerUidsLimit.put(chain.state, NETUID, value=0)
    seat(chain, 0, account(10), 0, 100)
    seat(chain, 1, account(11), 1, 110)
    chain.context.block = block
    return chain


def test_who_leaves_a_full_subnet() -> None:
    assert neurons.uid_to_prune(two(1).state, NETUID, 1) == 0, "all immune: the one that earns least"
    assert neurons.uid_to_prune(two(4).state, NETUID, 4) == 0, "none immune: the same"
    assert neurons.uid_to_prune(two(4, least=2).state, NETUID, 4) is None, "too few are left, and nobody is immune"
    assert neurons.uid_to_prune(two(2, least=1).state, NETUID, 2) == 1, "so an immune one goes"


def test_of_equals_the_older_leaves_and_immunity_comes_first() -> None:
    chain, now = Chain(), 1_000
    Subtensor.ImmunityPeriod.put(chain.state, NETUID, value=100)
    Subtensor.MinNonImmuneUids.put(chain.state, NETUID, value=0)
    seat(chain, 0, account(30_001), now - 150, 10)
    seat(chain, 1, account(30_002), now - 200, 10)
    seat(chain, 2, account(30_003), now - 10, 1)
    assert neurons.uid_to_prune(chain.state, NETUID, now) == 1
    Subtensor.MaxAllowedUids.put(chain.state, NETUID, value=3)
    chain.context.block = now
    chain.fund(50_000, 10**6)
    assert chain.register(50_000, 40_000) is None
    assert Subtensor.Uids.get(chain.state, NETUID, account(30_002)) is None
    assert Subtensor.Uids.get(chain.state, NETUID, account(40_000)) == 1
    assert Subtensor.Uids.get(chain.state, NETUID, account(30_001)) == 0
    assert Subtensor.SubnetworkN.get(chain.state, NETUID) == 3


@pytest.mark.parametrize(("limit", "immune", "leaves"), [(1, False, 1), (2, False, 2), (2, True, 2)])
@pytest.mark.parametrize("rules", [343, 425])
def test_the_owner_s_seats_stay(rules: int, limit: int, immune: bool, leaves: int) -> None:
    chain = Chain(rules)
    state, owner = chain.state, account(5_000)
    Subtensor.SubnetOwner.put(state, NETUID, value=owner)
    Subtensor.SubnetOwnerHotkey.put(state, NETUID, value=account(1))
    Subtensor.OwnedHotkeys.put(state, owner, value=[account(1), account(2)])
    Subtensor.ImmunityPeriod.put(state, NETUID, value=100 if immune else 1)
    Subtensor.MinNonImmuneUids.put(state, NETUID, value=0)
    Subtensor.ImmuneOwnerUidsLimit.put(state, NETUID, value=limit)
    for uid, (since, emission) in enumerate(((12, 0), (11, 0), (10, 1)) if immune else ((0, 0), (1, 0), (2, 1))):
        seat(chain, uid, account(uid + 1), since, emission)
    assert neurons.uid_to_prune(state, NETUID, 20) == leaves


def test_a_seat_s_last_update_is_counted_up_to_it() -> None:
    chain = Chain()
    Subtensor.SubnetworkN.put(chain.state, NETUID, value=3)
    chain.fund(667, 10_000)
    assert chain.register(667, 1) is None
    assert len(Subtensor.LastUpdate.get(chain.state, NETUID)) == 4
