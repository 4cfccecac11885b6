"""SubtensorModule's events and errors with the numbers of spec 343; what came later follows after them.

Spec 425 has the later ones in between, so that its numbers differ. Clients find both by the metadata they are served.
"""

from __future__ import annotations

from functools import partial

from ranvier.sandbox.codec.composites import Vec
from ranvier.sandbox.codec.scale import BOOL, U16, U64, Alias
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA, H160, H256, TAO
from ranvier.sandbox.frame.pallet import Errors, Event
from ranvier.sandbox.pallets.subtensor.storage import NETUID, ROOT_CLAIM_TYPE, STORAGE_INDEX

INDEX = 7
_WHO = Alias(ACCOUNT, "T::AccountId")
_event = partial(Event, INDEX)

NETWORK_ADDED = _event(0, "NetworkAdded", (NETUID, U16))
STAKE_ADDED = _event(2, "StakeAdded", (_WHO, _WHO, TAO, ALPHA, NETUID, U64))
STAKE_REMOVED = _event(3, "StakeRemoved", (_WHO, _WHO, TAO, ALPHA, NETUID, U64))
STAKE_MOVED = _event(4, "StakeMoved", (_WHO, _WHO, NETUID, _WHO, NETUID, TAO))
WEIGHTS_SET = _event(5, "WeightsSet", (STORAGE_INDEX, U16))
NEURON_REGISTERED = _event(6, "NeuronRegistered", (NETUID, U16, _WHO))
AXON_SERVED = _event(28, "AxonServed", (NETUID, _WHO))
PROMETHEUS_SERVED = _event(29, "PrometheusServed", (NETUID, _WHO))
TAKE_DECREASED = _event(61, "TakeDecreased", (_WHO, _WHO, U16))
TAKE_INCREASED = _event(62, "TakeIncreased", (_WHO, _WHO, U16))
HOTKEY_SWAPPED = _event(63, "HotkeySwapped", {"coldkey": _WHO, "old_hotkey": _WHO, "new_hotkey": _WHO})
STAKE_TRANSFERRED = _event(85, "StakeTransferred", (_WHO, _WHO, _WHO, NETUID, NETUID, TAO))
STAKE_SWAPPED = _event(86, "StakeSwapped", (_WHO, _WHO, NETUID, NETUID, TAO))
ALPHA_RECYCLED = _event(90, "AlphaRecycled", (_WHO, _WHO, ALPHA, NETUID))
ALPHA_BURNED = _event(91, "AlphaBurned", (_WHO, _WHO, ALPHA, NETUID))
EVM_KEY_ASSOCIATED = _event(
    92, "EvmKeyAssociated", {"netuid": NETUID, "hotkey": _WHO, "evm_key": H160, "block_associated": U64}
)
HOTKEY_SWAPPED_ON_SUBNET = _event(
    96,
    "HotkeySwappedOnSubnet",
    {"coldkey": _WHO, "old_hotkey": _WHO, "new_hotkey": _WHO, "netuid": NETUID},
)
AUTO_STAKE_ADDED = _event(
    103,
    "AutoStakeAdded",
    {"netuid": NETUID, "destination": _WHO, "hotkey": _WHO, "owner": _WHO, "incentive": ALPHA},
)
INCENTIVE_EMITTED = _event(104, "IncentiveAlphaEmittedToMiners", {"netuid": STORAGE_INDEX, "emissions": Vec(ALPHA)})
AUTO_STAKE_SET = _event(106, "AutoStakeDestinationSet", {"coldkey": _WHO, "netuid": NETUID, "hotkey": _WHO})
ROOT_CLAIMED = _event(107, "RootClaimed", {"coldkey": _WHO})
ROOT_CLAIM_TYPE_SET = _event(108, "RootClaimTypeSet", {"coldkey": _WHO, "root_claim_type": ROOT_CLAIM_TYPE})
COLDKEY_SWAP_ANNOUNCED = _event(109, "ColdkeySwapAnnounced", {"who": _WHO, "new_coldkey_hash": H256})  # 425
COLDKEY_SWAP_DISPUTED = _event(110, "ColdkeySwapDisputed", {"coldkey": _WHO})  # 425, as those that follow
COLDKEY_SWAPPED = _event(66, "ColdkeySwapped", {"old_coldkey": _WHO, "new_coldkey": _WHO})
COLDKEY_SWAP_CLEARED = _event(111, "ColdkeySwapCleared", {"who": _WHO})
STAKE_LOCKED = _event(112, "StakeLocked", {"coldkey": _WHO, "hotkey": _WHO, "netuid": NETUID, "amount": ALPHA})
LOCK_MOVED = _event(
    113, "LockMoved", {"coldkey": _WHO, "origin_hotkey": _WHO, "destination_hotkey": _WHO, "netuid": NETUID}
)
PERPETUAL_LOCK_UPDATED = _event(114, "PerpetualLockUpdated", {"coldkey": _WHO, "netuid": NETUID, "enabled": BOOL})
REJECT_LOCKED_ALPHA_UPDATED = _event(115, "RejectLockedAlphaUpdated", {"coldkey": _WHO, "enabled": BOOL})
STAKE_AND_HOTKEY_TRANSFERRED = _event(
    116,
    "StakeAndHotkeyTransferred",
    {
        "origin_coldkey": _WHO,
        "destination_coldkey": _WHO,
        "origin_hotkey": _WHO,
        "destination_hotkey": _WHO,
        "origin_netuid": NETUID,
        "destination_netuid": NETUID,
        "amount": TAO,
    },
)
ADD_STAKE_BURN = _event(117, "AddStakeBurn", {"netuid": NETUID, "hotkey": _WHO, "amount": TAO, "alpha": ALPHA})
COLLATERAL_LOCKED = _event(  # 435, as the one that follows
    118, "CollateralLocked", {"netuid": NETUID, "hotkey": _WHO, "locked": ALPHA, "total_locked": ALPHA}
)
MIN_COLLATERAL_SET = _event(119, "MinCollateralSet", {"netuid": NETUID, "hotkey": _WHO, "min_locked": ALPHA})
EPOCH_DEFERRED = _event(120, "EpochDeferred", {"netuid": NETUID, "from_block": U64, "to_block": U64})  # 425
COLDKEY_SWAP_RESET = _event(121, "ColdkeySwapReset", {"who": _WHO})  # 425

EVENTS = (
    NETWORK_ADDED,
    STAKE_ADDED,
    STAKE_REMOVED,
    STAKE_MOVED,
    WEIGHTS_SET,
    NEURON_REGISTERED,
    AXON_SERVED,
    PROMETHEUS_SERVED,
    TAKE_DECREASED,
    TAKE_INCREASED,
    HOTKEY_SWAPPED,
    STAKE_TRANSFERRED,
    STAKE_SWAPPED,
    ALPHA_RECYCLED,
    ALPHA_BURNED,
    EVM_KEY_ASSOCIATED,
    HOTKEY_SWAPPED_ON_SUBNET,
    AUTO_STAKE_ADDED,
    INCENTIVE_EMITTED,
    AUTO_STAKE_SET,
    ROOT_CLAIMED,
    ROOT_CLAIM_TYPE_SET,
    COLDKEY_SWAP_ANNOUNCED,
    COLDKEY_SWAP_DISPUTED,
    COLDKEY_SWAPPED,
    COLDKEY_SWAP_CLEARED,
    STAKE_LOCKED,
    LOCK_MOVED,
    PERPETUAL_LOCK_UPDATED,
    REJECT_LOCKED_ALPHA_UPDATED,
    STAKE_AND_HOTKEY_TRANSFERRED,
    ADD_STAKE_BURN,
    COLLATERAL_LOCKED,
    MIN_COLLATERAL_SET,
    EPOCH_DEFERRED,
    COLDKEY_SWAP_RESET,
)

# All of spec 343 in order: clients find an error by its place. From RegistrationPriceLimitExceeded on: 425.
_ERROR_NAMES = """
    RootNetworkDoesNotExist InvalidIpType InvalidIpAddress InvalidPort HotKeyNotRegisteredInSubNet
    HotKeyAccountNotExists HotKeyNotRegisteredInNetwork NonAssociatedColdKey NotEnoughStake
    NotEnoughStakeToWithdraw NotEnoughStakeToSetWeights NotEnoughStakeToSetChildkeys NotEnoughBalanceToStake
    BalanceWithdrawalError ZeroBalanceAfterWithdrawn NeuronNoValidatorPermit WeightVecNotEqualSize DuplicateUids
    UidVecContainInvalidOne WeightVecLengthIsLow TooManyRegistrationsThisBlock HotKeyAlreadyRegisteredInSubNet
    NewHotKeyIsSameWithOld InvalidWorkBlock InvalidDifficulty InvalidSeal MaxWeightExceeded
    HotKeyAlreadyDelegate SettingWeightsTooFast IncorrectWeightVersionKey ServingRateLimitExceeded
    UidsLengthExceedUidsInSubNet NetworkTxRateLimitExceeded DelegateTxRateLimitExceeded
    HotKeySetTxRateLimitExceeded StakingRateLimitExceeded SubNetRegistrationDisabled
    TooManyRegistrationsThisInterval TransactorAccountShouldBeHotKey FaucetDisabled NotSubnetOwner
    RegistrationNotPermittedOnRootSubnet StakeTooLowForRoot AllNetworksInImmunity
    NotEnoughBalanceToPaySwapHotKey NotRootSubnet CanNotSetRootNetworkWeights NoNeuronIdAvailable
    DelegateTakeTooLow DelegateTakeTooHigh NoWeightsCommitFound InvalidRevealCommitHashNotMatch
    CommitRevealEnabled CommitRevealDisabled LiquidAlphaDisabled AlphaHighTooLow AlphaLowOutOfRange
    ColdKeyAlreadyAssociated NotEnoughBalanceToPaySwapColdKey ColdkeyIsInArbitration InvalidChild DuplicateChild
    ProportionOverflow TooManyChildren TxRateLimitExceeded SwapAlreadyScheduled FailedToSchedule
    NewColdKeyIsHotkey InvalidChildkeyTake TxChildkeyTakeRateLimitExceeded InvalidIdentity MechanismDoesNotExist
    CannotUnstakeLock SubnetNotExists TooManyUnrevealedCommits ExpiredWeightCommit RevealTooEarly
    InputLengthsUnequal CommittingWeightsTooFast AmountTooLow InsufficientLiquidity SlippageTooHigh
    TransferDisallowed ActivityCutoffTooLow CallDisabled FirstEmissionBlockNumberAlreadySet
    NeedWaitingMoreBlocksToStarCall NotEnoughAlphaOutToRecycle CannotBurnOrRecycleOnRootSubnet
    UnableToRecoverPublicKey InvalidRecoveredPublicKey SubtokenDisabled HotKeySwapOnSubnetIntervalNotPassed
    ZeroMaxStakeAmount SameNetuid InsufficientBalance StakingOperationRateLimitExceeded InvalidLeaseBeneficiary
    LeaseCannotEndInThePast LeaseNetuidNotFound LeaseDoesNotExist LeaseHasNoEndBlock LeaseHasNotEnded Overflow
    BeneficiaryDoesNotOwnHotkey ExpectedBeneficiaryOrigin AdminActionProhibitedDuringWeightsWindow
    SymbolDoesNotExist SymbolAlreadyInUse IncorrectCommitRevealVersion RevealPeriodTooLarge RevealPeriodTooSmall
    InvalidValue SubnetLimitReached CannotAffordLockCost EvmKeyAssociateRateLimitExceeded
    SameAutoStakeHotkeyAlreadySet UidMapCouldNotBeCleared TrimmingWouldExceedMaxImmunePercentage
    ChildParentInconsistency InvalidNumRootClaim InvalidRootClaimThreshold InvalidSubnetNumber
    RegistrationPriceLimitExceeded ColdkeySwapAnnounced ColdkeySwapDisputed ColdkeySwapReannouncedTooEarly
    ColdkeySwapAnnouncementNotFound ColdkeySwapAlreadyDisputed StakeUnavailable ColdkeySwapTooEarly
    AnnouncedColdkeyHashDoesNotMatch ColdkeySwapClearTooEarly LockHotkeyMismatch InsufficientStakeForLock
    NoExistingLock ActiveLockExists AccountRejectsLockedAlpha KeepStakeBlockedByCollateral
    ColdkeyCollateralIncomplete ColdkeyCollateralPositionsFull NewHotKeyNotCleanForRootSwap TempoOutOfBounds
    ActivityCutoffFactorMilliOutOfBounds TooManyUIDsPerMechanism
"""
fail = Errors(INDEX, {name: index for index, name in enumerate(_ERROR_NAMES.split())})
