"""The end of a subnet: its TAO goes to those who hold its alpha, everything else is forgotten.

Follows coinbase/root.rs and staking/remove_stake.rs. 425 cleans up over several blocks, here it is done at once.
"""

from __future__ import annotations

from ranvier.sandbox.codec.scale import Alias
from ranvier.sandbox.codec.types import ACCOUNT
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import call, ensure_root
from ranvier.sandbox.frame.storage import Item, WritableState
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.commitments import Commitments
from ranvier.sandbox.pallets.subtensor import shares, swaps
from ranvier.sandbox.pallets.subtensor.events import fail
from ranvier.sandbox.pallets.subtensor.storage import NETUID, STORAGE_INDEX, Subtensor, rules
from ranvier.sandbox.pallets.subtensor.subnet_events import NETWORK_REMOVED, SUBNET_IDENTITY_REMOVED

_WHO = Alias(ACCOUNT, "T::AccountId")
_MECHANISMS = 4096
_KEPT = {Subtensor.RegisteredSubnetCounter, Subtensor.TransactionKeyLastBlock, Subtensor.LastHotkeySwapOnNetuid}


def dissolve(context: Context, netuid: int) -> None:
    """``do_dissolve_network``."""
    state = context.state
    if netuid == swaps.ROOT or not Subtensor.NetworksAdded.get(state, netuid):
        raise fail("SubnetNotExists")
    _pay_out(context, netuid)
    if Subtensor.SubnetIdentitiesV3.exists(state, netuid):
        context.deposit(SUBNET_IDENTITY_REMOVED, netuid)
    _forget(state, netuid)
    Subtensor.TotalNetworks.add(state, amount=-1)
    context.deposit(NETWORK_REMOVED, netuid)


def _pay_out(context: Context, netuid: int) -> None:
    """The pool's TAO in proportion of alpha, the rests to the largest remainders; what is nobody's is recycled.

    At 425 what the protocol holds counts too, and the pool's own alpha in a subnet that was registered.
    """
    state, held = context.state, []
    for (hotkey, one), _ in list(Subtensor.TotalHotkeyAlpha.items(state)):
        if one == netuid:
            held += [
                (coldkey, shares.stake_of(state, hotkey, coldkey, netuid))
                for _, coldkey, where in shares.positions(state, hotkey)
                if where == netuid
            ]
    pot, total = Subtensor.SubnetTAO.get(state, netuid), sum(value for _, value in held)
    if rules(state) >= 425:
        total += Subtensor.SubnetProtocolAlpha.get(state, netuid)
        if Subtensor.NetworkRegisteredAt.get(state, netuid):
            total += Subtensor.SubnetAlphaIn.get(state, netuid)
    paid = 0
    Subtensor.TotalStake.add(state, amount=-pot)
    rows = sorted(((coldkey, pot * value) for coldkey, value in held if value), key=lambda row: -(row[1] % total))
    spare = sum(product % total for _, product in rows) // total if total else 0
    for place, (coldkey, product) in enumerate(rows):
        part = product // total + (place < spare)
        if part:
            balances.mint(context, coldkey, part)
            paid += part
    Subtensor.TotalIssuance.add(state, amount=paid - pot)


def _forget(state: WritableState, netuid: int) -> None:
    """All rows of all maps that are about the subnet (``remove_network`` and what follows it)."""
    for hotkey, rates in [(key[0], rates) for key, rates in Subtensor.RootClaimable.items(state)]:
        if any(one == netuid for one, _ in rates):
            Subtensor.RootClaimable.put(state, hotkey, value=[row for row in rates if row[0] != netuid])
    for storage in (Subtensor, swaps.SwapStorage, swaps.OwnSwapStorage, Commitments):
        for item in storage.all_items():
            if item not in _KEPT:
                _forget_in(state, item, netuid)


def _forget_in(state: WritableState, item: Item, netuid: int) -> None:
    for place, (codec, _) in enumerate(item.keys):
        if codec not in (NETUID, STORAGE_INDEX):
            continue
        modulus = _MECHANISMS if codec == STORAGE_INDEX else 1 << 16
        start = item.key(netuid) if place == 0 and codec == NETUID else item.prefix
        for key in list(state.keys_under(start)):
            if item.key_parts(key)[place] % modulus == netuid:
                state.put(key, None)
        return


@call(61, {"coldkey": _WHO, "netuid": NETUID}, root=True, ref_time=119_000_000)
def dissolve_network(context: Context, who: bytes, coldkey: bytes, netuid: int) -> None:
    """Root ends a subnet; whose it is does not matter."""
    ensure_root(who)
    dissolve(context, netuid)


@call(120, {"netuid": NETUID}, root=True, ref_time=119_000_000)
def root_dissolve_network(context: Context, who: bytes, netuid: int) -> None:
    """The same without a coldkey."""
    ensure_root(who)
    dissolve(context, netuid)


CALLS = (dissolve_network, root_dissolve_network)
