"""What stake on root earns in the subnets: alpha that its owners claim (staking/claim_root.rs).

A validator's root dividends raise a rate, alpha per rao of root stake on its hotkey (``RootClaimable``). Each staker
is owed the rate times the stake, less what was claimed; new stake counts as claimed up to today's rate.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ranvier.sandbox.codec.composites import Vec, wrapper
from ranvier.sandbox.codec.scale import U64, Alias
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure, call, ensure_root
from ranvier.sandbox.frame.storage import State, WritableState
from ranvier.sandbox.pallets.subtensor import limits, shares, swaps
from ranvier.sandbox.pallets.subtensor.events import ROOT_CLAIM_TYPE_SET, ROOT_CLAIMED, fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, ROOT_CLAIM_TYPE, Subtensor, rules

_U64_MAX = (1 << 64) - 1
_MOST_CLAIMED_AT_ONCE = 5
_MOST_CLAIMED_FOR = 50
_HIGHEST_THRESHOLD = 10_000_000
_SUBNETS = Alias(wrapper("BTreeSet", Vec(NETUID), T=NETUID), "BTreeSet<NetUid>")


def credit(state: WritableState, hotkey: bytes, netuid: int, amount: int) -> None:
    """``increase_root_claimable_for_hotkey_and_subnet``; more than there is root stake goes to the hotkey's owner."""
    total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, swaps.ROOT)
    if amount > total:
        shares.add_stake(state, hotkey, Subtensor.Owner.get(state, hotkey), netuid, amount)
        return
    rates = dict(Subtensor.RootClaimable.get(state, hotkey))
    rates[netuid] = rates.get(netuid, 0) + ((amount << 32) // total if total else 0)
    Subtensor.RootClaimable.put(state, hotkey, value=sorted(rates.items()))


def owed_bits(state: State, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
    """``get_root_owed_for_hotkey_coldkey_float``: I96F32 bits; negative when too much was claimed."""
    rate: int = dict(Subtensor.RootClaimable.get(state, hotkey)).get(netuid, 0)
    claimed: int = Subtensor.RootClaimed.get(state, netuid, hotkey, coldkey)
    return rate * shares.stake_of(state, hotkey, coldkey, swaps.ROOT) - (claimed << 32)


def stake_added(state: WritableState, hotkey: bytes, coldkey: bytes, amount: int) -> None:
    """Root stake grew: nothing of the past is owed for it (``add_stake_adjust_root_claimed_...``)."""
    for netuid, rate in Subtensor.RootClaimable.get(state, hotkey):
        Subtensor.RootClaimed.add(state, netuid, hotkey, coldkey, amount=rate * amount >> 32)


def stake_removed(state: WritableState, hotkey: bytes, coldkey: bytes, amount: int) -> None:
    """Root stake left, and what it had claimed with it (``remove_stake_adjust_root_claimed_...``)."""
    for netuid, rate in Subtensor.RootClaimable.get(state, hotkey):
        if netuid != swaps.ROOT:
            claimed = Subtensor.RootClaimed.get(state, netuid, hotkey, coldkey)
            Subtensor.RootClaimed.put(state, netuid, hotkey, coldkey, value=max(claimed - (rate * amount >> 32), 0))


def move_claimed(state: WritableState, netuid: int, source: tuple[bytes, bytes], target: tuple[bytes, bytes]) -> None:
    """What one (hotkey, coldkey) has claimed of a subnet is another's (``transfer_root_claimed_for_new_keys``)."""
    claimed = Subtensor.RootClaimed.get(state, netuid, *source)
    Subtensor.RootClaimed.remove(state, netuid, *source)
    if claimed:
        Subtensor.RootClaimed.add(state, netuid, *target, amount=claimed)


def move_rates(state: WritableState, old: bytes, new: bytes) -> None:
    """A hotkey's rates are added to another's (``transfer_root_claimable_for_new_hotkey``)."""
    rates = dict(Subtensor.RootClaimable.get(state, new))
    for netuid, rate in Subtensor.RootClaimable.get(state, old):
        rates[netuid] = rates.get(netuid, 0) + rate
    Subtensor.RootClaimable.remove(state, old)
    if rates:
        Subtensor.RootClaimable.put(state, new, value=sorted(rates.items()))


def swap_hotkey(state: WritableState, old: bytes, new: bytes, coldkeys: list[bytes]) -> None:
    """Root's own stake went over with its ``coldkeys``, and so does all that it has earned and claimed (425)."""
    for netuid, _ in Subtensor.RootClaimable.get(state, old):
        for coldkey in coldkeys:
            move_claimed(state, netuid, (old, coldkey), (new, coldkey))
    move_rates(state, old, new)


def is_clean(state: State, hotkey: bytes) -> bool:
    """Whether a hotkey has neither stake on root nor rates, so that another's may become its own (425)."""
    return not Subtensor.TotalHotkeyAlpha.get(state, hotkey, swaps.ROOT) and not Subtensor.RootClaimable.get(
        state, hotkey
    )


def remember_coldkey(state: WritableState, coldkey: bytes) -> None:
    """A root staker enters the list from which each block claims for a few (``maybe_add_coldkey_index``)."""
    if Subtensor.StakingColdkeys.get(state, coldkey) is None:
        number = Subtensor.NumStakingColdkeys.get(state)
        Subtensor.StakingColdkeysByIndex.put(state, number, value=coldkey)
        Subtensor.StakingColdkeys.put(state, coldkey, value=number)
        Subtensor.NumStakingColdkeys.put(state, value=number + 1)


def _claim_one(context: Context, hotkey: bytes, coldkey: bytes, netuid: int) -> None:
    """``root_claim_on_subnet``: sold for root stake, or kept as stake of the subnet."""
    state = context.state
    bits = owed_bits(state, hotkey, coldkey, netuid)
    owed = min(max(bits, 0) >> 32, _U64_MAX)
    if bits < Subtensor.RootClaimableThreshold.get(state, netuid) or owed == 0:
        return
    if Subtensor.RootClaimType.get(state, coldkey)[0] == "Swap":
        try:
            with context.attempt():
                tao = swaps.sell(context, netuid, owed, free=True).amount_out
        except DispatchFailure:
            return
        shares.add_stake(state, hotkey, coldkey, swaps.ROOT, tao)
        if rules(state) >= 425:  # at 343 root's own totals missed it, which a migration mended later
            Subtensor.SubnetTAO.add(state, swaps.ROOT, amount=tao)
            Subtensor.SubnetAlphaOut.add(state, swaps.ROOT, amount=tao)
            Subtensor.TotalStake.add(state, amount=tao)
        stake_added(state, hotkey, coldkey, tao)
    else:
        shares.add_stake(state, hotkey, coldkey, netuid, owed)
    Subtensor.RootClaimed.add(state, netuid, hotkey, coldkey, amount=owed)


def claim(context: Context, coldkey: bytes, netuids: list[int] | None) -> None:
    """``do_root_claim``: on every hotkey that the coldkey stakes on, in all subnets or the given ones."""
    state = context.state
    for hotkey in Subtensor.StakingHotkeys.get(state, coldkey):
        for netuid, _ in Subtensor.RootClaimable.get(state, hotkey):
            if netuids is None or netuid in netuids:
                _claim_one(context, hotkey, coldkey, netuid)
    context.deposit(ROOT_CLAIMED, {"coldkey": coldkey})


def claim_for_some(context: Context) -> None:
    """``run_auto_claim_root_divs``: each block claims for a few root stakers, picked by chance.

    The chain takes its chance from the parent's hash. That holds random signatures, and a run begun with the same seed
    would pay others each time; so the height is hashed here.
    """
    state = context.state
    count = Subtensor.NumStakingColdkeys.get(state)
    if not count:
        return
    chance = hashlib.blake2b(context.block.to_bytes(8, "little"), digest_size=32).digest()
    for number in picked(chance, Subtensor.NumRootClaim.get(state), count):
        coldkey = Subtensor.StakingColdkeysByIndex.get(state, number)
        if coldkey is not None:
            claim(context, coldkey, None)


def picked(block_hash: bytes, most: int, count: int) -> list[int]:
    """``block_hash_to_indices``: at most ``most`` of ``count`` places, ascending."""
    words = [int.from_bytes(block_hash[start : start + 8], "big") for start in range(0, 32, 8)]
    place, found = words[0], set()
    for number in range(most):
        place = min(place + words[number % 4], _U64_MAX) % count
        found.add(place)
    return sorted(found)


@call(121, {"subnets": _SUBNETS}, ref_time=117_000_000)
def claim_root(context: Context, who: bytes, subnets: list[int]) -> None:
    """Claim what root stake has earned, in one to five subnets."""
    if not 0 < len(set(subnets)) <= _MOST_CLAIMED_AT_ONCE:
        raise fail("InvalidSubnetNumber")
    remember_coldkey(context.state, who)
    claim(context, who, subnets)


@call(122, {"new_root_claim_type": Alias(ROOT_CLAIM_TYPE, "RootClaimTypeEnum")}, ref_time=45_000_000)
def set_root_claim_type(context: Context, who: bytes, new_root_claim_type: Any) -> None:
    """Whether claims are sold for root stake (``Swap``) or kept as stake of the subnet (``Keep``)."""
    remember_coldkey(context.state, who)
    Subtensor.RootClaimType.put(context.state, who, value=new_root_claim_type)
    context.deposit(ROOT_CLAIM_TYPE_SET, {"coldkey": who, "root_claim_type": new_root_claim_type})


@call(123, {"new_value": U64}, root=True)
def sudo_set_num_root_claims(context: Context, who: bytes, new_value: int) -> None:
    """Root says for how many stakers each block claims."""
    ensure_root(who)
    if new_value > _MOST_CLAIMED_FOR:
        raise fail("InvalidNumRootClaim")
    Subtensor.NumRootClaim.put(context.state, value=new_value)


@call(124, {"netuid": NETUID, "new_value": U64}, root=True)
def sudo_set_root_claim_threshold(context: Context, who: bytes, netuid: int, new_value: int) -> None:
    """A subnet's owner, or root, says how much alpha must be owed (rao) before it is claimed."""
    limits.ensure_owner_or_root(context.state, who, netuid)
    if new_value > _HIGHEST_THRESHOLD:
        raise fail("InvalidRootClaimThreshold")
    Subtensor.RootClaimableThreshold.put(context.state, netuid, value=new_value << 32)


CALLS = (claim_root, set_root_claim_type, sudo_set_num_root_claims, sudo_set_root_claim_threshold)
