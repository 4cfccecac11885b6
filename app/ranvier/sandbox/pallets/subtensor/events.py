"""SubtensorModule's events and errors with the numbers of spec 343."""

from __future__ import annotations

from functools import partial

from ranvier.sandbox.composites import Vec
from ranvier.sandbox.pallet import Errors, Event
from ranvier.sandbox.pallets.subtensor.storage import NETUID, STORAGE_INDEX
from ranvier.sandbox.scale import U16, U64, Alias
from ranvier.sandbox.types import ACCOUNT, ALPHA, TAO

INDEX = 7
_WHO = Alias(ACCOUNT, "T::AccountId")
_event = partial(Event, INDEX)

NETWORK_ADDED = _event(0, "NetworkAdded", (NETUID, U16))
STAKE_ADDED = _event(2, "StakeAdded", (_WHO, _WHO, TAO, ALPHA, NETUID, U64))
STAKE_REMOVED = _event(3, "StakeRemoved", (_WHO, _WHO, TAO, ALPHA, NETUID, U64))
WEIGHTS_SET = _event(5, "WeightsSet", (STORAGE_INDEX, U16))
NEURON_REGISTERED = _event(6, "NeuronRegistered", (NETUID, U16, _WHO))
AXON_SERVED = _event(28, "AxonServed", (NETUID, _WHO))
AUTO_STAKE_ADDED = _event(
    103,
    "AutoStakeAdded",
    {"netuid": NETUID, "destination": _WHO, "hotkey": _WHO, "owner": _WHO, "incentive": ALPHA},
)
INCENTIVE_EMITTED = _event(104, "IncentiveAlphaEmittedToMiners", {"netuid": STORAGE_INDEX, "emissions": Vec(ALPHA)})
AUTO_STAKE_SET = _event(106, "AutoStakeDestinationSet", {"coldkey": _WHO, "netuid": NETUID, "hotkey": _WHO})

EVENTS = (
    NETWORK_ADDED,
    STAKE_ADDED,
    STAKE_REMOVED,
    WEIGHTS_SET,
    NEURON_REGISTERED,
    AXON_SERVED,
    AUTO_STAKE_ADDED,
    INCENTIVE_EMITTED,
    AUTO_STAKE_SET,
)

# All of spec 343, in order: clients find an error by its place in the list. The last one is of 425.
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
    RegistrationPriceLimitExceeded
"""
fail = Errors(INDEX, {name: index for index, name in enumerate(_ERROR_NAMES.split())})
