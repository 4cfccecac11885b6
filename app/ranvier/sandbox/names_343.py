"""The names of the pallets that grew after spec 343, as its metadata lists them; all others came later."""

from __future__ import annotations

_STORAGE = """
    MinActivityCutoff AdminFreezeWindow OwnerHyperparamRateLimit ColdkeySwapScheduleDuration
    ColdkeySwapRescheduleDuration DissolveNetworkScheduleDuration LastHotkeySwapOnNetuid NextStakeJobId TaoWeight
    CKBurn MaxDelegateTake MinDelegateTake MaxChildkeyTake MinChildkeyTake Owner Delegates ChildkeyTake
    PendingChildKeys ChildKeys ParentKeys AlphaDividendsPerSubnet BlockEmission LastHotkeyEmissionOnNetuid
    SubnetLimit TotalIssuance TotalStake SubnetMovingAlpha SubnetMovingPrice SubnetVolume SubnetTAO
    SubnetTaoProvided SubnetAlphaInEmission SubnetAlphaOutEmission SubnetTaoInEmission SubnetAlphaIn
    SubnetAlphaInProvided SubnetAlphaOut StakingHotkeys OwnedHotkeys AutoStakeDestination
    AutoStakeDestinationColdkeys ColdkeySwapScheduled TotalHotkeyAlpha TotalHotkeyAlphaLastEpoch TotalHotkeyShares
    Alpha AlphaMapLastKey TokenSymbol SubnetTaoFlow SubnetEmaTaoFlow TaoFlowCutoff FlowNormExponent
    FlowEmaSmoothingFactor UsedWork MaxRegistrationsPerBlock TotalNetworks NetworkImmunityPeriod NetworkMinLockCost
    NetworkLastLockCost NetworkLockReductionInterval SubnetOwnerCut NetworkRateLimit NominatorMinRequiredStake
    WeightsVersionKeyRateLimit LastRateLimitedBlock TransferToggle SubnetLocked LargestLocked Tempo
    FirstEmissionBlockNumber SubnetMechanism SubnetworkN NetworksAdded IsNetworkMember NetworkRegistrationAllowed
    NetworkPowRegistrationAllowed NetworkRegisteredAt PendingServerEmission PendingValidatorEmission
    PendingRootAlphaDivs PendingOwnerCut BlocksSinceLastStep LastMechansimStepBlock SubnetOwner SubnetOwnerHotkey
    RecycleOrBurn ServingRateLimit Rho AlphaSigmoidSteepness Kappa RegistrationsThisInterval
    POWRegistrationsThisInterval BurnRegistrationsThisInterval MinAllowedUids MaxAllowedUids ImmunityPeriod
    ActivityCutoff MaxWeightsLimit WeightsVersionKey MinAllowedWeights MaxAllowedValidators AdjustmentInterval
    BondsMovingAverage BondsPenalty BondsResetOn WeightsSetRateLimit ValidatorPruneLen ScalingLawPower
    TargetRegistrationsPerInterval AdjustmentAlpha CommitRevealWeightsEnabled Burn Difficulty MinBurn MaxBurn
    MinDifficulty MaxDifficulty LastAdjustmentBlock RegistrationsThisBlock EMAPriceHalvingBlocks
    RAORecycledForRegistration TxRateLimit TxDelegateTakeRateLimit TxChildkeyTakeRateLimit LiquidAlphaOn Yuma3On
    AlphaValues SubtokenEnabled ImmuneOwnerUidsLimit StakeWeight Uids Keys LoadedEmission Active Rank Trust
    Consensus Incentive Dividends Emission LastUpdate ValidatorTrust PruningScores ValidatorPermit Weights Bonds
    BlockAtRegistration Axons NeuronCertificates Prometheus Identities IdentitiesV2 SubnetIdentities
    SubnetIdentitiesV2 SubnetIdentitiesV3 TransactionKeyLastBlock LastTxBlock LastTxBlockChildKeyTake
    LastTxBlockDelegateTake StakeThreshold WeightCommits TimelockedWeightCommits CRV3WeightCommits
    CRV3WeightCommitsV2 RevealPeriodEpochs LastColdkeyHotkeyStakeBlock StakingOperationRateLimiter
    RootClaimableThreshold RootClaimable RootClaimed RootClaimType StakingColdkeysByIndex StakingColdkeys
    NumStakingColdkeys NumRootClaim AssociatedEvmAddress SubnetLeases SubnetLeaseShares SubnetUidToLeaseId
    NextSubnetLeaseId AccumulatedLeaseDividends CommitRevealWeightsVersion NetworkRegistrationStartBlock
    MechanismCountCurrent MechanismEmissionSplit HasMigrationRun PendingChildKeyCooldown
"""
_CALLS = """
    set_weights set_mechanism_weights batch_set_weights commit_weights commit_mechanism_weights batch_commit_weights
    reveal_weights reveal_mechanism_weights commit_crv3_mechanism_weights batch_reveal_weights decrease_take
    increase_take add_stake remove_stake serve_axon serve_axon_tls serve_prometheus register root_register
    burned_register swap_hotkey swap_coldkey set_childkey_take sudo_set_tx_childkey_take_rate_limit
    sudo_set_min_childkey_take sudo_set_max_childkey_take register_network faucet dissolve_network set_children
    schedule_swap_coldkey set_identity set_subnet_identity register_network_with_identity unstake_all
    unstake_all_alpha move_stake transfer_stake swap_stake add_stake_limit remove_stake_limit swap_stake_limit
    try_associate_hotkey start_call associate_evm_key recycle_alpha burn_alpha set_pending_childkey_cooldown
    remove_stake_full_limit register_leased_network terminate_lease update_symbol commit_timelocked_weights
    set_coldkey_auto_stake_hotkey commit_timelocked_mechanism_weights root_dissolve_network claim_root
    set_root_claim_type sudo_set_num_root_claims sudo_set_root_claim_threshold
"""
_EVENTS = """
    NetworkAdded NetworkRemoved StakeAdded StakeRemoved StakeMoved WeightsSet NeuronRegistered BulkNeuronsRegistered
    BulkBalancesSet MaxAllowedUidsSet MaxWeightLimitSet DifficultySet AdjustmentIntervalSet
    RegistrationPerIntervalSet MaxRegistrationsPerBlockSet ActivityCutoffSet RhoSet AlphaSigmoidSteepnessSet
    KappaSet MinAllowedWeightSet ValidatorPruneLenSet ScalingLawPowerSet WeightsSetRateLimitSet ImmunityPeriodSet
    BondsMovingAverageSet BondsPenaltySet BondsResetOnSet MaxAllowedValidatorsSet AxonServed PrometheusServed
    DelegateAdded DefaultTakeSet WeightsVersionKeySet MinDifficultySet MaxDifficultySet ServingRateLimitSet BurnSet
    MaxBurnSet MinBurnSet TxRateLimitSet TxDelegateTakeRateLimitSet TxChildKeyTakeRateLimitSet AdminFreezeWindowSet
    OwnerHyperparamRateLimitSet MinChildKeyTakeSet MaxChildKeyTakeSet ChildKeyTakeSet Sudid RegistrationAllowed
    PowRegistrationAllowed TempoSet RAORecycledForRegistrationSet StakeThresholdSet AdjustmentAlphaSet Faucet
    SubnetOwnerCutSet NetworkRateLimitSet NetworkImmunityPeriodSet NetworkMinLockCostSet SubnetLimitSet
    NetworkLockCostReductionIntervalSet TakeDecreased TakeIncreased HotkeySwapped MaxDelegateTakeSet
    MinDelegateTakeSet ColdkeySwapped AllBalanceUnstakedAndTransferredToNewColdkey ColdkeySwapScheduled
    ArbitrationPeriodExtended SetChildrenScheduled SetChildren ChainIdentitySet SubnetIdentitySet
    SubnetIdentityRemoved DissolveNetworkScheduled ColdkeySwapScheduleDurationSet DissolveNetworkScheduleDurationSet
    CRV3WeightsCommitted WeightsCommitted WeightsRevealed WeightsBatchRevealed BatchWeightsCompleted
    BatchCompletedWithErrors BatchWeightItemFailed StakeTransferred StakeSwapped TransferToggle SubnetOwnerHotkeySet
    FirstEmissionBlockNumberSet AlphaRecycled AlphaBurned EvmKeyAssociated CRV3WeightsRevealed
    CommitRevealPeriodsSet CommitRevealEnabled HotkeySwappedOnSubnet SubnetLeaseCreated SubnetLeaseTerminated
    SymbolUpdated CommitRevealVersionSet TimelockedWeightsCommitted TimelockedWeightsRevealed AutoStakeAdded
    IncentiveAlphaEmittedToMiners MinAllowedUidsSet AutoStakeDestinationSet RootClaimed RootClaimTypeSet
"""
_ERRORS = """
    RootNetworkDoesNotExist InvalidIpType InvalidIpAddress InvalidPort HotKeyNotRegisteredInSubNet
    HotKeyAccountNotExists HotKeyNotRegisteredInNetwork NonAssociatedColdKey NotEnoughStake NotEnoughStakeToWithdraw
    NotEnoughStakeToSetWeights NotEnoughStakeToSetChildkeys NotEnoughBalanceToStake BalanceWithdrawalError
    ZeroBalanceAfterWithdrawn NeuronNoValidatorPermit WeightVecNotEqualSize DuplicateUids UidVecContainInvalidOne
    WeightVecLengthIsLow TooManyRegistrationsThisBlock HotKeyAlreadyRegisteredInSubNet NewHotKeyIsSameWithOld
    InvalidWorkBlock InvalidDifficulty InvalidSeal MaxWeightExceeded HotKeyAlreadyDelegate SettingWeightsTooFast
    IncorrectWeightVersionKey ServingRateLimitExceeded UidsLengthExceedUidsInSubNet NetworkTxRateLimitExceeded
    DelegateTxRateLimitExceeded HotKeySetTxRateLimitExceeded StakingRateLimitExceeded SubNetRegistrationDisabled
    TooManyRegistrationsThisInterval TransactorAccountShouldBeHotKey FaucetDisabled NotSubnetOwner
    RegistrationNotPermittedOnRootSubnet StakeTooLowForRoot AllNetworksInImmunity NotEnoughBalanceToPaySwapHotKey
    NotRootSubnet CanNotSetRootNetworkWeights NoNeuronIdAvailable DelegateTakeTooLow DelegateTakeTooHigh
    NoWeightsCommitFound InvalidRevealCommitHashNotMatch CommitRevealEnabled CommitRevealDisabled
    LiquidAlphaDisabled AlphaHighTooLow AlphaLowOutOfRange ColdKeyAlreadyAssociated NotEnoughBalanceToPaySwapColdKey
    ColdkeyIsInArbitration InvalidChild DuplicateChild ProportionOverflow TooManyChildren TxRateLimitExceeded
    SwapAlreadyScheduled FailedToSchedule NewColdKeyIsHotkey InvalidChildkeyTake TxChildkeyTakeRateLimitExceeded
    InvalidIdentity MechanismDoesNotExist CannotUnstakeLock SubnetNotExists TooManyUnrevealedCommits
    ExpiredWeightCommit RevealTooEarly InputLengthsUnequal CommittingWeightsTooFast AmountTooLow
    InsufficientLiquidity SlippageTooHigh TransferDisallowed ActivityCutoffTooLow CallDisabled
    FirstEmissionBlockNumberAlreadySet NeedWaitingMoreBlocksToStarCall NotEnoughAlphaOutToRecycle
    CannotBurnOrRecycleOnRootSubnet UnableToRecoverPublicKey InvalidRecoveredPublicKey SubtokenDisabled
    HotKeySwapOnSubnetIntervalNotPassed ZeroMaxStakeAmount SameNetuid InsufficientBalance
    StakingOperationRateLimitExceeded InvalidLeaseBeneficiary LeaseCannotEndInThePast LeaseNetuidNotFound
    LeaseDoesNotExist LeaseHasNoEndBlock LeaseHasNotEnded Overflow BeneficiaryDoesNotOwnHotkey
    ExpectedBeneficiaryOrigin AdminActionProhibitedDuringWeightsWindow SymbolDoesNotExist SymbolAlreadyInUse
    IncorrectCommitRevealVersion RevealPeriodTooLarge RevealPeriodTooSmall InvalidValue SubnetLimitReached
    CannotAffordLockCost EvmKeyAssociateRateLimitExceeded SameAutoStakeHotkeyAlreadySet UidMapCouldNotBeCleared
    TrimmingWouldExceedMaxImmunePercentage ChildParentInconsistency InvalidNumRootClaim InvalidRootClaimThreshold
    InvalidSubnetNumber
"""
_CONSTANTS = """
    InitialIssuance InitialMinAllowedWeights InitialEmissionValue InitialTempo InitialDifficulty
    InitialMaxDifficulty InitialMinDifficulty InitialRAORecycledForRegistration InitialBurn InitialMaxBurn
    InitialMinBurn MinBurnUpperBound MaxBurnLowerBound InitialAdjustmentInterval InitialBondsMovingAverage
    InitialBondsPenalty InitialBondsResetOn InitialTargetRegistrationsPerInterval InitialRho
    InitialAlphaSigmoidSteepness InitialKappa InitialMinAllowedUids InitialMaxAllowedUids InitialValidatorPruneLen
    InitialScalingLawPower InitialImmunityPeriod InitialActivityCutoff InitialMaxRegistrationsPerBlock
    InitialPruningScore InitialMaxAllowedValidators InitialDefaultDelegateTake InitialMinDelegateTake
    InitialDefaultChildKeyTake InitialMinChildKeyTake InitialMaxChildKeyTake InitialWeightsVersionKey
    InitialServingRateLimit InitialTxRateLimit InitialTxDelegateTakeRateLimit InitialTxChildKeyTakeRateLimit
    InitialAdjustmentAlpha InitialNetworkImmunityPeriod InitialNetworkMinLockCost InitialSubnetOwnerCut
    InitialNetworkLockReductionInterval InitialNetworkRateLimit KeySwapCost AlphaHigh AlphaLow LiquidAlphaOn
    InitialColdkeySwapScheduleDuration InitialColdkeySwapRescheduleDuration InitialDissolveNetworkScheduleDuration
    InitialTaoWeight InitialEmaPriceHalvingPeriod DurationOfStartCall KeySwapOnSubnetCost HotkeySwapOnSubnetInterval
    LeaseDividendsDistributionInterval MaxImmuneUidsPercentage
"""
_SWAP_STORAGE = """
    FeeRate FeeGlobalTao FeeGlobalAlpha Ticks SwapV3Initialized AlphaSqrtPrice CurrentTick CurrentLiquidity
    EnabledUserLiquidity Positions LastPositionId TickIndexBitmapWords ScrapReservoirTao ScrapReservoirAlpha
"""
_SWAP_CALLS = """
    set_fee_rate toggle_user_liquidity add_liquidity remove_liquidity modify_position
"""
_SWAP_EVENTS = """
    FeeRateSet UserLiquidityToggled LiquidityAdded LiquidityRemoved LiquidityModified
"""
_SWAP_ERRORS = """
    FeeRateTooHigh InsufficientInputAmount InsufficientLiquidity PriceLimitExceeded InsufficientBalance
    LiquidityNotFound InvalidTickRange MaxPositionsExceeded TooManySwapSteps InvalidLiquidityValue ReservesTooLow
    MechanismDoesNotExist UserLiquidityDisabled SubtokenDisabled
"""
_SWAP_CONSTANTS = """
    ProtocolId MaxFeeRate MaxPositions MinimumLiquidity MinimumReserve
"""

NAMES_343: dict[str, dict[str, frozenset[str]]] = {
    "SubtensorModule": {
        "storage": frozenset(_STORAGE.split()),
        "calls": frozenset(_CALLS.split()),
        "event": frozenset(_EVENTS.split()),
        "error": frozenset(_ERRORS.split()),
        "constants": frozenset(_CONSTANTS.split()),
    },
    "Swap": {
        "storage": frozenset(_SWAP_STORAGE.split()),
        "calls": frozenset(_SWAP_CALLS.split()),
        "event": frozenset(_SWAP_EVENTS.split()),
        "error": frozenset(_SWAP_ERRORS.split()),
        "constants": frozenset(_SWAP_CONSTANTS.split()),
    },
}
