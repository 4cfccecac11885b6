"""The runtimes that the practice network can be: spec 343 and spec 425, and which of them a state belongs to.

As in a node, the runtime is a value of the state (``:code``): a block that changes it is made by the old one, the next
by the new one. Here the value names a runtime, it does not contain it.

Where their rules differ (``rules(state)`` decides; the names are in specs.py, what an upgrade carries in upgrades.py):

    Pool                343 one position over a price range (``pool_range``); 425 reserves with weights
                        (``pool_weighted``), and no input above 1000 times its reserve.
    Shares              343 U64F64, and a rest too small for them goes with the withdrawal; 425 decimal floats.
    A limit             where nothing can go at it 343 says ZeroMaxStakeAmount, 425 goes on with 0; in both the pool's
                        own PriceLimitExceeded where the price is beyond it already.
    StakeRemoved        343 all alpha that left the position, 425 without the fee.
    Swap fee            343 to the pool's liquidity, by a reservoir; 425 to the block's author, alpha sold to TAO first.
    A block's TAO       343 by the flow of TAO of the subnets; 425 by moving price, less what miners were not paid.
    Into the pool       343 alpha up to the block's alpha or TAO; 425 up to root's proportion of the alpha.
    The rest of it      buys alpha in both; 343 recycles that, 425 keeps it as the protocol's (SubnetProtocolAlpha).
    Epoch               343 where (block + netuid + 1) mod (tempo + 1) is tempo; 425 a tempo after LastEpochBlock, at
                        PendingEpochAt, and at most MaxEpochsPerBlock in one block.
    Root's dividends    both are claimed; 343 shows them in AlphaDividendsPerSubnet, 425 in RootAlphaDividendsPerSubnet,
                        and only 425 counts claimed TAO as root's (SubnetTAO of 0).
    Owner's cut         425 can switch it off, and lock it.
    Withheld miner pay  the owner's hotkeys get none in both; 425 remembers the part (MinerBurned).
    Collateral          425 only (as 435 has it): registration locks a part, each payout settles it.
    Registration        343 price by intervals, limits per interval; 425 price jumps at each and decays each block.
                        At 425 it is an inflow of TAO.
    Owner's seat        425 keeps a validator's permit, whatever its stake.
    Metagraph           425 has no ranks, trust and pruning scores.
    Who is pruned       343 lowest pruning score, open seats first, at worst uid 0; 425 lowest emission, and at least
                        MinNonImmuneUids open seats stay; nobody leaves if none is immune.
    Activity            343 ActivityCutoff in blocks; 425 in thousandths of a tempo.
    Bonds               425 forgets them where the neuron registered after the last epoch, 343 within the last tempo.
    Hotkey swap         343 every 36000 blocks and with all stake; 425 every 7200, and swap_hotkey_v2 can keep stake.
    Commitments         space is counted by the epoch: 343 by the clock, 425 by SubnetEpochIndex.
    Stake moves         343 asks for a least amount within a subnet too, 425 only between two.
    Given stake         between subnets its TAO goes from pool to pool at 343; at 425 through the receiver, where 500
                        rao stay if there was nothing.
    Root's claims       343 they follow every swapped hotkey, 425 only one swapped on root or with all its stake.
    Burn and recycle    343 asks who owns the hotkey, 425 whether it is one.
    Serving             343 asks for a seat anywhere and refuses address 0, 425 for one here, and takes 0 for an axon.
    Before dispatch     what the pool refuses of each: admission.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ranvier.sandbox.codec.composites import Tuple, Vec, struct, wrapper
from ranvier.sandbox.codec.scale import TEXT, U8, U32, Alias, FixedBytes
from ranvier.sandbox.frame.storage import State, blake2b_64, twox

SPEC_NAME = "node-subtensor"
CODE_KEY = b":code"
_RULES_KEY = twox(b"RanvierSandbox", 128) + twox(b"Rules", 128)
"""Where ``Own.Rules`` is, which is declared further up than this file may look."""
_CODE = b"ranvier practice runtime, spec "
_API_VERSIONS = {
    "Core": 5,
    "Metadata": 2,
    "AccountNonceApi": 1,
    "TransactionPaymentApi": 4,
    "StakeInfoRuntimeApi": 1,
    "SubnetInfoRuntimeApi": 1,
    "SwapRuntimeApi": 1,
    "NeuronInfoRuntimeApi": 1,
    "DelegateInfoRuntimeApi": 1,
    "SubnetRegistrationRuntimeApi": 1,
}
_LATER_API_VERSIONS = {"BetaBasketRuntimeApi": 1}

COW_TEXT = Alias(wrapper("Cow", TEXT, T=TEXT), "Cow<'static, str>")
_API_LIST = Vec(Tuple((FixedBytes(8), U32)))
RUNTIME_VERSION = struct(
    "sp_version::RuntimeVersion",
    {
        "spec_name": COW_TEXT,
        "impl_name": COW_TEXT,
        "authoring_version": U32,
        "spec_version": U32,
        "impl_version": U32,
        "apis": Alias(wrapper("Cow", _API_LIST, T=_API_LIST), "ApisVec"),
        "transaction_version": U32,
        "system_version": U8,
    },
)


@dataclass(frozen=True)
class Spec:
    """One runtime by its number. Both count their transaction format as 1, as the real ones do."""

    version: int
    transaction_version: int = 1

    @property
    def code(self) -> bytes:
        """What stands under ``:code`` while this runtime is the chain's."""
        return _CODE + str(self.version).encode()

    @cached_property
    def value(self) -> dict[str, Any]:
        """``RuntimeVersion``."""
        versions = _API_VERSIONS | (_LATER_API_VERSIONS if self.version >= 425 else {})
        return {
            "spec_name": SPEC_NAME,
            "impl_name": SPEC_NAME,
            "authoring_version": 1,
            "spec_version": self.version,
            "impl_version": 1,
            "apis": [(blake2b_64(name.encode()), version) for name, version in versions.items()],
            "transaction_version": self.transaction_version,
            "system_version": 1,
        }

    @property
    def json(self) -> dict[str, Any]:
        """As ``state_getRuntimeVersion`` answers."""
        value = self.value
        return {
            "specName": SPEC_NAME,
            "implName": SPEC_NAME,
            "authoringVersion": 1,
            "specVersion": self.version,
            "implVersion": 1,
            "apis": [[f"0x{name.hex()}", version] for name, version in value["apis"]],
            "transactionVersion": self.transaction_version,
            "systemVersion": 1,
            "stateVersion": 1,
        }


SPECS = {version: Spec(version) for version in (343, 425)}
NEWEST = SPECS[425]


def spec_of(state: State) -> Spec:
    """The runtime that makes the next block on this state.

    Networks made before a state named its runtime only say by which rules they were begun (``--rules``).
    """
    code = state.get(CODE_KEY)
    if code is not None:
        return SPECS[int(code.removeprefix(_CODE))]
    begun = state.get(_RULES_KEY)
    return NEWEST if begun is None else SPECS[int.from_bytes(begun, "little")]
