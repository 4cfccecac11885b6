"""New subnets: what one costs, how it begins, when its token is traded; and seats on root.

Follows subnets/subnet.rs and coinbase/root.rs. 343 puts the least lock into the pool one to one and burns the rest;
425 puts all of it there, at the median price of the other subnets. What a localnet's fast runtime has shorter than
finney (the wait for ``start_call``) is short here too, and a new subnet begins with this network's tempo.

Commit-reveal begins switched off, other than on the chain: there is no drand here that could reveal anything.
"""

from __future__ import annotations

from typing import Any

from ranvier.sandbox.codec.composites import Option
from ranvier.sandbox.codec.scale import Alias
from ranvier.sandbox.codec.types import ACCOUNT
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call
from ranvier.sandbox.frame.storage import State, WritableState
from ranvier.sandbox.maths import emission
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import children, dissolution, identities, info, limits, neurons, swaps, symbols
from ranvier.sandbox.pallets.subtensor.events import NETWORK_ADDED, NEURON_REGISTERED, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, SUBNET_IDENTITY, Own, Subtensor, rules
from ranvier.sandbox.pallets.subtensor.subnet_events import FIRST_EMISSION_SET, SUBNET_IDENTITY_SET

START_DELAY_343 = 10
"""``DurationOfStartCall`` of a fast runtime; finney's is a week."""
_WHO = Alias(ACCOUNT, "T::AccountId")
_IDENTITY = Option(Alias(SUBNET_IDENTITY, "SubnetIdentityOfV3"))
_DYNAMIC = 1
_U64_MAX = (1 << 64) - 1
_TAO = 10**9
_DEFAULT_TAKE = 11_796


def lock_cost(state: State, block: int) -> int:
    """``get_network_lock_cost``: doubles with each subnet and falls back by an interval that halves with emission."""
    last, since = Subtensor.NetworkLastLockCost.get(state), limits.last_network(state)
    made = emission.block_emission_rao(Subtensor.TotalIssuance.get(state))
    interval = Subtensor.NetworkLockReductionInterval.get(state) * ((made << 64) // _TAO) >> 64
    fallen = (last // interval if interval else 0) * max(block - since, 0)
    cost: int = max(last * (2 if since else 1) - fallen, Subtensor.NetworkMinLockCost.get(state))
    return cost


def median_price(state: State) -> int:
    """``get_median_subnet_alpha_price``: U64F64 bits; one when there is none."""
    prices = sorted(
        price for one in info.netuids(state) if one != swaps.ROOT and (price := swaps.price_bits(state, one))
    )
    if not prices:
        return 1 << 64
    lower, upper = prices[(len(prices) - 1) // 2], prices[len(prices) // 2]
    return int(upper if len(prices) % 2 else (lower + upper) // 2)


def _to_prune(state: State, block: int) -> int | None:
    """``get_network_to_prune``: out of immunity, of the lowest moving price, and of equals the oldest."""
    immune = Subtensor.NetworkImmunityPeriod.get(state)
    rows = [
        (Subtensor.SubnetMovingPrice.get(state, one), Subtensor.NetworkRegisteredAt.get(state, one), one)
        for one in info.netuids(state)
        if one != swaps.ROOT and block >= Subtensor.NetworkRegisteredAt.get(state, one) + immune
    ]
    return int(min(rows)[2]) if rows else None


def _register(context: Context, coldkey: bytes, hotkey: bytes, identity: dict[str, Any] | None) -> None:
    """``do_register_network`` in the order of its checks; a pruned subnet's netuid is free at once here."""
    state, block = context.state, context.block
    if Subtensor.Owner.exists(state, hotkey) and Subtensor.Owner.get(state, hotkey) != coldkey:
        raise fail("NonAssociatedColdKey")
    if block < Subtensor.NetworkRegistrationStartBlock.get(state):
        raise fail("SubNetRegistrationDisabled")
    if not limits.network_passes(state, block):
        raise fail("NetworkTxRateLimitExceeded")
    if identity is not None:
        identities.check_subnet(identity)
    others = [one for one in info.netuids(state) if one != swaps.ROOT]
    pruned = None
    if len(others) >= Subtensor.SubnetLimit.get(state):
        pruned = _to_prune(state, block)
        if pruned is None:
            raise fail("SubnetLimitReached")
    lock = lock_cost(state, block)
    if balances.spendable(state, coldkey) < lock:
        raise fail("CannotAffordLockCost")
    balances.burn(context, coldkey, lock)
    price = median_price(state)
    if pruned is not None:
        dissolution.dissolve(context, pruned)
        others.remove(pruned)
    netuid = next(one for one in range(1, len(others) + 2) if one not in others)
    begin(state, netuid, block)
    Subtensor.NetworkLastLockCost.put(state, value=lock)
    Subtensor.LastRateLimitedBlock.put(state, limits.NETWORK, value=block)
    neurons.create_account_if_new(context, coldkey, hotkey)
    neurons.append_neuron(context, netuid, hotkey)
    for item, value in (
        (Subtensor.SubnetMechanism, _DYNAMIC),
        (Subtensor.NetworkRegisteredAt, block),
        (Subtensor.TokenSymbol, symbols.next_free(state, netuid)),
        (Subtensor.SubnetOwner, coldkey),
        (Subtensor.SubnetOwnerHotkey, hotkey),
        (Subtensor.SubnetLocked, lock),
    ):
        item.put(state, netuid, value=value)
    Subtensor.RegisteredSubnetCounter.add(state, netuid, amount=1)
    _fill_pool(state, netuid, lock, price)
    if identity is not None:
        Subtensor.SubnetIdentitiesV3.put(state, netuid, value=identity)
        context.deposit(SUBNET_IDENTITY_SET, netuid)
    if rules(state) >= 425:
        children.give_root_validators(context, netuid)
        Subtensor.SubnetEmissionEnabled.put(state, netuid, value=False)
    context.deposit(NETWORK_ADDED, (netuid, _DYNAMIC))


def _fill_pool(state: WritableState, netuid: int, lock: int, price: int) -> None:
    least = Subtensor.NetworkMinLockCost.get(state)
    if rules(state) >= 425:
        tao, alpha = lock, min((lock << 128) // price >> 64, _U64_MAX)
    else:
        tao, alpha = least, least
    Subtensor.SubnetTAO.put(state, netuid, value=tao)
    Subtensor.SubnetAlphaIn.put(state, netuid, value=alpha)
    Subtensor.SubnetAlphaOut.put(state, netuid, value=0)
    Subtensor.SubnetVolume.put(state, netuid, value=0)
    Subtensor.RAORecycledForRegistration.put(state, netuid, value=lock - tao)
    Subtensor.TotalStake.add(state, amount=tao)
    Subtensor.TotalIssuance.add(state, amount=tao - lock)


def begin(state: WritableState, netuid: int, block: int) -> None:
    """``init_new_network``: the settings that a subnet begins with."""
    new, tempo = rules(state) >= 425, Own.NewTempo.get(state)
    settings = {
        Subtensor.NetworksAdded: True,
        Subtensor.SubnetworkN: 0,
        Subtensor.Tempo: tempo,
        Subtensor.NetworkRegistrationAllowed: True,
        Subtensor.MaxAllowedUids: 256,
        Subtensor.MaxAllowedValidators: 64,
        Subtensor.MinAllowedWeights: 1,
        Subtensor.ImmunityPeriod: 5000,
        Subtensor.CommitRevealWeightsEnabled: False,
        Subtensor.Yuma3On: True,
    }
    if new:
        settings |= {
            Subtensor.LastEpochBlock: max(block - netuid % max(tempo, 1), 0),
            Subtensor.Burn: _TAO,
            Subtensor.SubnetEmissionEnabled: True,
        }
    else:
        settings |= {
            Subtensor.MaxWeightsLimit: 65_535,
            Subtensor.AdjustmentInterval: 360,
            Subtensor.TargetRegistrationsPerInterval: 1,
            Subtensor.AdjustmentAlpha: 17_893_341_751_498_265_066,
            Subtensor.MinDifficulty: _U64_MAX,
            Subtensor.MaxDifficulty: _U64_MAX,
        }
    for item, value in settings.items():
        item.put(state, netuid, value=value)
    Subtensor.TotalNetworks.add(state, amount=1)


@call(59, {"hotkey": _WHO}, ref_time=396_000_000)
def register_network(context: Context, who: bytes, hotkey: bytes) -> None:
    """A new subnet of one's own, its first seat for the hotkey; the lock is paid."""
    _register(context, who, hotkey, None)


@call(79, {"hotkey": _WHO, "identity": _IDENTITY}, ref_time=396_000_000)
def register_network_with_identity(
    context: Context, who: bytes, hotkey: bytes, identity: dict[str, Any] | None
) -> None:
    """As register_network, saying at once what the subnet is."""
    _register(context, who, hotkey, identity)


@call(92, {"netuid": NETUID})
def start_call(context: Context, who: bytes, netuid: int) -> None:
    """From the next block on the subnet emits, and its token can be traded (``do_start_call``)."""
    state = context.state
    if not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    limits.ensure_owner(state, who, netuid)
    if Subtensor.FirstEmissionBlockNumber.get(state, netuid) is not None:
        raise fail("FirstEmissionBlockNumberAlreadySet")
    wait = Subtensor.StartCallDelay.get(state) if rules(state) >= 425 else START_DELAY_343
    if context.block < Subtensor.NetworkRegisteredAt.get(state, netuid) + wait:
        raise fail("NeedWaitingMoreBlocksToStarCall")
    Subtensor.FirstEmissionBlockNumber.put(state, netuid, value=context.block + 1)
    Subtensor.SubtokenEnabled.put(state, netuid, value=True)
    context.deposit(FIRST_EMISSION_SET, (netuid, context.block + 1))


@call(62, {"hotkey": _WHO}, ref_time=112_000_000)
def root_register(context: Context, who: bytes, hotkey: bytes) -> None:
    """A seat on root: a free one, or that of the hotkey with the least stake there (``do_root_register``)."""
    state, root = context.state, swaps.ROOT
    if Subtensor.RegistrationsThisBlock.get(state, root) >= Subtensor.MaxRegistrationsPerBlock.get(state, root):
        raise fail("TooManyRegistrationsThisBlock")
    most = 3 * Subtensor.TargetRegistrationsPerInterval.get(state, root)
    if Subtensor.RegistrationsThisInterval.get(state, root) >= most:
        raise fail("TooManyRegistrationsThisInterval")
    if Subtensor.Uids.get(state, root, hotkey) is not None:
        raise fail("HotKeyAlreadyRegisteredInSubNet")
    neurons.create_account_if_new(context, who, hotkey)
    if Subtensor.SubnetworkN.get(state, root) < Subtensor.MaxAllowedUids.get(state, root):
        uid = neurons.append_neuron(context, root, hotkey)
    else:
        uid = _least_on_root(state)
        least = Subtensor.TotalHotkeyAlpha.get(state, Subtensor.Keys.get(state, root, uid), root)
        if least >= Subtensor.TotalHotkeyAlpha.get(state, hotkey, root):
            raise fail("StakeTooLowForRoot")
        neurons.replace_neuron(context, root, uid, hotkey)
    if not Subtensor.Delegates.exists(state, hotkey):
        Subtensor.Delegates.put(state, hotkey, value=_DEFAULT_TAKE)
    for counter in (Subtensor.RegistrationsThisInterval, Subtensor.RegistrationsThisBlock):
        counter.add(state, root, amount=1)
    context.deposit(NEURON_REGISTERED, (root, uid, hotkey))


def _least_on_root(state: State) -> int:
    seats = [(key, uid) for (_, uid), key in Subtensor.Keys.items(state, swaps.ROOT)]
    return int(min(seats, key=lambda seat: Subtensor.TotalHotkeyAlpha.get(state, seat[0], swaps.ROOT))[1])


def reopen_root(state: WritableState, block: int) -> None:
    """A new block, and maybe a new interval, for those who register on root."""
    root = swaps.ROOT
    if Subtensor.RegistrationsThisBlock.get(state, root):
        Subtensor.RegistrationsThisBlock.put(state, root, value=0)
    if block % Subtensor.AdjustmentInterval.get(state, root) == 0:
        Subtensor.RegistrationsThisInterval.remove(state, root)


CALLS = (register_network, register_network_with_identity, start_call, root_register)
