"""Makes subnets and seats for block 0. The same rules as calls where there are rules; nothing is paid."""

from __future__ import annotations

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.pallets.balances import Balances
from ranvier.sandbox.pallets.subtensor import neurons, staking, symbols
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

_POOL_TAO = 10_000 * RAO_PER_COIN
_POOL_ALPHA = 100_000 * RAO_PER_COIN
_PRICE_BITS = (_POOL_TAO << 32) // _POOL_ALPHA


def make_root(context: Context, tempo: int) -> None:
    """Netuid 0."""
    state = context.state
    Subtensor.NetworksAdded.put(state, 0, value=True)
    Subtensor.MaxAllowedUids.put(state, 0, value=64)
    Subtensor.TokenSymbol.put(state, 0, value="\N{GREEK CAPITAL LETTER TAU}".encode())
    Subtensor.TotalNetworks.add(state, amount=1)
    # As in the fast runtime of a localnet: one subnet after the other, and a short wait for children; and
    # settings are closed before an epoch for less than most of its blocks.
    Subtensor.NetworkRateLimit.put(state, value=0)
    Subtensor.AdminFreezeWindow.put(state, value=min(10, tempo // 10))
    Subtensor.PendingChildKeyCooldown.put(state, value=15)


def make_subnet(context: Context, netuid: int, tempo: int, owner: bytes, owner_hotkey: bytes) -> None:
    """The practice subnet: a pool with a price of 0.1, registration open, quick to serve and to weigh."""
    state = context.state
    values = {
        Subtensor.NetworksAdded: True,
        Subtensor.SubnetMechanism: 1,
        Subtensor.Tempo: tempo,
        Subtensor.MaxAllowedUids: 64,
        Subtensor.ImmunityPeriod: 4096,
        Subtensor.MinAllowedWeights: 1,
        Subtensor.MaxAllowedValidators: 64,
        Subtensor.WeightsSetRateLimit: 5,
        Subtensor.ServingRateLimit: 10,
        Subtensor.CommitRevealWeightsEnabled: False,
        Subtensor.SubtokenEnabled: True,
        Subtensor.FirstEmissionBlockNumber: 1,
        Subtensor.NetworkPowRegistrationAllowed: False,
        Subtensor.SubnetOwner: owner,
        Subtensor.SubnetOwnerHotkey: owner_hotkey,
        Subtensor.TokenSymbol: symbols.symbol_of(netuid),
        Subtensor.SubnetTAO: _POOL_TAO,
        Subtensor.SubnetAlphaIn: _POOL_ALPHA,
        Subtensor.SubnetMovingPrice: _PRICE_BITS,
        Subtensor.Burn: RAO_PER_COIN,
        Subtensor.SubnetIdentitiesV3: {
            "subnet_name": b"Practice",
            "github_repo": b"",
            "subnet_contact": b"",
            "subnet_url": b"",
            "discord": b"",
            "description": b"A practice subnet on this machine, with play money",
            "logo_url": b"",
            "additional": b"",
        },
    }
    for item, value in values.items():
        item.put(state, netuid, value=value)
    Subtensor.TotalNetworks.add(state, amount=1)
    Subtensor.TotalStake.add(state, amount=_POOL_TAO)
    neurons.create_account_if_new(context, owner, owner_hotkey)


def fill(context: Context, netuid: int, count: int) -> None:
    """Make a subnet just as large as ``count``, and its seats safe for a few blocks only."""
    Subtensor.MaxAllowedUids.put(context.state, netuid, value=count)
    Subtensor.ImmunityPeriod.put(context.state, netuid, value=10)


def seat(context: Context, netuid: int, coldkey: bytes, hotkey: bytes) -> None:
    neurons.create_account_if_new(context, coldkey, hotkey)
    neurons.register_neuron(context, netuid, hotkey)


def stake(context: Context, netuid: int, coldkey: bytes, hotkey: bytes, tao: int) -> None:
    staking.stake_tao(context, coldkey, hotkey, netuid, tao)


def permit(context: Context, netuid: int, hotkey: bytes) -> None:
    """A validator from the first block on; afterwards the epoch decides."""
    permits = Subtensor.ValidatorPermit.get(context.state, netuid)
    permits[Subtensor.Uids.get(context.state, netuid, hotkey)] = True
    Subtensor.ValidatorPermit.put(context.state, netuid, value=permits)


def count_issuance(context: Context) -> int:
    """All TAO there is: free and in pools, where at 343 the fees are too."""
    state = context.state
    pooled = sum(tao for _, tao in Subtensor.SubnetTAO.items(state))
    staked = pooled if rules(state) >= 425 else Subtensor.TotalStake.get(state)
    total: int = Balances.TotalIssuance.get(state) + staked
    Subtensor.TotalIssuance.put(state, value=total)
    return total
