"""What an epoch pays, and to whom: ``distribute_emission`` and what it calls (coinbase/run_coinbase.rs).

Miners get what Yuma says, child keys share with their parents. Validators share the validators' pot by the alpha part
of their dividends and root's pot by the root part, in the runtime's U96F32; maps go by hotkey, ascending.
"""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.storage import State, WritableState
from ranvier.sandbox.maths.fixed import FRACTION, U16_MAX
from ranvier.sandbox.pallets.subtensor import child_dividends, collateral, locks, root_claims, shares
from ranvier.sandbox.pallets.subtensor.events import AUTO_STAKE_ADDED
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

_NOBODY = bytes(32)
_ROOT = 0
_U64_MAX = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Pots:
    """What has gathered since the last epoch, rao of alpha."""

    server_rao: int
    validator_rao: int
    root_rao: int
    owner_rao: int

    @property
    def without_cut(self) -> int:
        return self.server_rao + self.validator_rao + self.root_rao


def drain(state: WritableState, netuid: int) -> Pots:
    """The pots, which are empty afterwards."""
    items = (
        Subtensor.PendingServerEmission,
        Subtensor.PendingValidatorEmission,
        Subtensor.PendingRootAlphaDivs,
        Subtensor.PendingOwnerCut,
    )
    pots = Pots(*(item.get(state, netuid) for item in items))
    for item in items:
        item.put(state, netuid, value=0)
    return pots


def tao_weight_bits(state: State) -> int:
    """``get_tao_weight``: U96F32 bits."""
    weight: int = Subtensor.TaoWeight.get(state)
    return (weight << FRACTION) // _U64_MAX


def split_dividends(
    dividends: dict[bytes, int], stakes: dict[bytes, tuple[int, int]], weight_bits: int, alpha_rao: int, root_rao: int
) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """``calculate_dividend_distribution``: bits of alpha by hotkey out of the validators' pot, and out of root's.

    ``stakes``: (alpha in the subnet, TAO on root) of each hotkey; ``dividends`` are whole rao.
    """
    of_alpha: dict[bytes, int] = {}
    of_root: dict[bytes, int] = {}
    for hotkey in sorted(dividends):
        alpha, tao = stakes[hotkey]
        root = tao * weight_bits
        both = (alpha << FRACTION) + root
        proportion = (root << FRACTION) // both if both else 0
        of_root[hotkey] = dividends[hotkey] * proportion
        of_alpha[hotkey] = (dividends[hotkey] << FRACTION) - of_root[hotkey]
    return _shared(of_alpha, alpha_rao), _shared(of_root, root_rao)


def _shared(parts: dict[bytes, int], amount: int) -> dict[bytes, int]:
    total = sum(parts.values())
    return {hotkey: amount * ((part << FRACTION) // total) if total else 0 for hotkey, part in parts.items()}


def pay(
    context: Context, netuid: int, hotkeys: list[bytes], pots: Pots, incentives: list[int], dividends: list[int]
) -> None:
    """``distribute_emission`` after the epoch: owner, miners, validators, root. Vectors are by uid, in rao."""
    state = context.state
    # Without any incentive the validators get the miners' half too.
    alpha = pots.validator_rao if any(incentives) else pots.validator_rao + pots.server_rao
    owed, burned = child_dividends.shared(
        state, netuid, dict(zip(hotkeys, dividends, strict=True)), tao_weight_bits(state)
    )
    recycle(state, netuid, burned)
    stakes = {
        hotkey: (
            Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid),
            Subtensor.TotalHotkeyAlpha.get(state, hotkey, 0),
        )
        for hotkey in owed
    }
    if rules(state) >= 343:
        for_alpha, for_root = split_dividends(owed, stakes, tao_weight_bits(state), alpha, pots.root_rao)
    else:  # before there was root alpha each validator got what Yuma said
        for_alpha, for_root = {hotkey: owed[hotkey] << FRACTION for hotkey in sorted(owed)}, {}
    _pay_owner(state, netuid, pots.owner_rao)
    locks.lock_owner_cut(context, netuid, pots.owner_rao)
    _pay_miners(context, netuid, dict(zip(hotkeys, incentives, strict=True)))
    _pay_validators(state, netuid, for_alpha)
    _pay_root(state, netuid, for_root)


def _pay_owner(state: WritableState, netuid: int, cut: int) -> None:
    """The owner's cut becomes stake of the owner's hotkey; without an owner it is nobody's."""
    hotkey, coldkey = Subtensor.SubnetOwnerHotkey.get(state, netuid), Subtensor.SubnetOwner.get(state, netuid)
    if hotkey != _NOBODY and coldkey != _NOBODY:
        shares.add_stake(state, hotkey, coldkey, netuid, cut)


def _pay_miners(context: Context, netuid: int, incentives: dict[bytes, int]) -> None:
    """A miner's pay becomes its coldkey's stake, here or on the auto-stake destination.

    The pay of the subnet owner's hotkeys is withheld: burned (it stays counted as out, as nobody's), or recycled.
    """
    state = context.state
    owner, owner_hotkey = Subtensor.SubnetOwner.get(state, netuid), Subtensor.SubnetOwnerHotkey.get(state, netuid)
    withheld = 0
    for hotkey in sorted(incentives):
        amount = incentives[hotkey]
        coldkey = Subtensor.Owner.get(state, hotkey)
        if hotkey == owner_hotkey or coldkey == owner:
            withheld += amount
            if Subtensor.RecycleOrBurn.get(state, netuid)[0] == "Recycle":
                recycle(state, netuid, amount)
            continue
        if amount:
            _pay_miner(context, netuid, hotkey, coldkey, amount)
    if rules(state) >= 425:
        total = sum(incentives.values())
        Subtensor.MinerBurned.put(state, netuid, value=(withheld << FRACTION) // total if total else 0)


def _pay_miner(context: Context, netuid: int, hotkey: bytes, coldkey: bytes, amount: int) -> None:
    """Collateral comes first: below its floor it takes of the pay, and stays on the hotkey itself (435)."""
    amount -= collateral.settle(context.state, netuid, hotkey, coldkey, amount, amount)
    if not amount:
        return
    destination = Subtensor.AutoStakeDestination.get(context.state, coldkey, netuid)
    if destination is not None:
        context.deposit(
            AUTO_STAKE_ADDED,
            {"netuid": netuid, "destination": destination, "hotkey": hotkey, "owner": coldkey, "incentive": amount},
        )
    shares.add_stake(context.state, destination or hotkey, coldkey, netuid, amount)


def _take_of(state: State, hotkey: bytes, bits: int) -> int:
    """The validator's take of a dividend, both U96F32 bits (``get_hotkey_take_float``)."""
    take: int = Subtensor.Delegates.get(state, hotkey)
    return ((take << FRACTION) // U16_MAX) * bits >> FRACTION


def _pay_validators(state: WritableState, netuid: int, dividends: dict[bytes, int]) -> None:
    """Dividends: the take to the hotkey's owner, the rest to all who stake on it in proportion."""
    for (_, hotkey), _ in list(Subtensor.AlphaDividendsPerSubnet.items(state, netuid)):
        Subtensor.AlphaDividendsPerSubnet.remove(state, netuid, hotkey)
    for hotkey, bits in dividends.items():
        take = _take_of(state, hotkey, bits)
        rest = (bits - take) >> FRACTION if rules(state) >= 343 else (bits >> FRACTION) - (take >> FRACTION)
        owner = Subtensor.Owner.get(state, hotkey)
        captured = collateral.settle(state, netuid, hotkey, owner, bits >> FRACTION, take >> FRACTION)
        shares.add_stake(state, hotkey, owner, netuid, (take >> FRACTION) - captured)
        if rest:
            shares.credit_all(state, hotkey, netuid, rest)
        Subtensor.AlphaDividendsPerSubnet.put(state, netuid, hotkey, value=rest)
        total = Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
        Subtensor.TotalHotkeyAlphaLastEpoch.put(state, hotkey, netuid, value=total)


def _pay_root(state: WritableState, netuid: int, dividends: dict[bytes, int]) -> None:
    """Root's alpha: the take to the hotkey's owner, the rest to be claimed by those who stake on it on root."""
    new = rules(state) >= 425
    shown = Subtensor.RootAlphaDividendsPerSubnet if new else Subtensor.AlphaDividendsPerSubnet
    if new:
        for (_, hotkey), _ in list(shown.items(state, netuid)):
            shown.remove(state, netuid, hotkey)
    for hotkey, bits in dividends.items():
        take = _take_of(state, hotkey, bits)
        rest = (bits - take) >> FRACTION
        owner = Subtensor.Owner.get(state, hotkey)
        captured = collateral.settle(state, netuid, hotkey, owner, bits >> FRACTION, take >> FRACTION)
        shares.add_stake(state, hotkey, owner, netuid, (take >> FRACTION) - captured)
        if rest:
            root_claims.credit(state, hotkey, netuid, rest)
        shown.add(state, netuid, hotkey, amount=rest)


def recycle(state: WritableState, netuid: int, amount: int) -> None:
    """``recycle_subnet_alpha``: alpha that may be made again."""
    out = Subtensor.SubnetAlphaOut.get(state, netuid)
    Subtensor.SubnetAlphaOut.put(state, netuid, value=max(out - amount, 0))
