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
_ADMIN_CALLS = """
    swap_authorities sudo_set_default_take sudo_set_tx_rate_limit sudo_set_serving_rate_limit
    sudo_set_min_difficulty sudo_set_max_difficulty sudo_set_weights_version_key sudo_set_weights_set_rate_limit
    sudo_set_adjustment_interval sudo_set_adjustment_alpha sudo_set_immunity_period sudo_set_min_allowed_weights
    sudo_set_max_allowed_uids sudo_set_kappa sudo_set_rho sudo_set_activity_cutoff
    sudo_set_network_registration_allowed sudo_set_network_pow_registration_allowed
    sudo_set_target_registrations_per_interval sudo_set_min_burn sudo_set_max_burn sudo_set_difficulty
    sudo_set_max_allowed_validators sudo_set_bonds_moving_average sudo_set_bonds_penalty
    sudo_set_max_registrations_per_block sudo_set_subnet_owner_cut sudo_set_network_rate_limit sudo_set_tempo
    sudo_set_total_issuance sudo_set_network_immunity_period sudo_set_network_min_lock_cost sudo_set_subnet_limit
    sudo_set_lock_reduction_interval sudo_set_rao_recycled sudo_set_stake_threshold
    sudo_set_nominator_min_required_stake sudo_set_tx_delegate_take_rate_limit sudo_set_min_delegate_take
    sudo_set_commit_reveal_weights_enabled sudo_set_liquid_alpha_enabled sudo_set_alpha_values
    sudo_set_coldkey_swap_schedule_duration sudo_set_dissolve_network_schedule_duration
    sudo_set_commit_reveal_weights_interval sudo_set_evm_chain_id schedule_grandpa_change sudo_set_toggle_transfer
    sudo_set_recycle_or_burn sudo_toggle_evm_precompile sudo_set_subnet_moving_alpha sudo_set_subnet_owner_hotkey
    sudo_set_ema_price_halving_period sudo_set_alpha_sigmoid_steepness sudo_set_yuma3_enabled
    sudo_set_bonds_reset_enabled sudo_set_sn_owner_hotkey sudo_set_subtoken_enabled sudo_set_commit_reveal_version
    sudo_set_owner_immune_neuron_limit sudo_set_ck_burn sudo_set_admin_freeze_window
    sudo_set_owner_hparam_rate_limit sudo_set_mechanism_count sudo_set_mechanism_emission_split
    sudo_trim_to_max_allowed_uids sudo_set_min_allowed_uids sudo_set_tao_flow_cutoff
    sudo_set_tao_flow_normalization_exponent sudo_set_tao_flow_smoothing_factor
"""
_ADMIN_EVENTS = "PrecompileUpdated Yuma3EnableToggled BondsResetToggled"
_ADMIN_ERRORS = """
    SubnetDoesNotExist MaxValidatorsLargerThanMaxUIds MaxAllowedUIdsLessThanCurrentUIds BondsMovingAverageMaxReached
    NegativeSigmoidSteepness ValueNotInBounds MinAllowedUidsGreaterThanCurrentUids
    MinAllowedUidsGreaterThanMaxAllowedUids MaxAllowedUidsLessThanMinAllowedUids
    MaxAllowedUidsGreaterThanDefaultMaxAllowedUids InvalidValue
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
    "AdminUtils": {
        "storage": frozenset(),
        "calls": frozenset(_ADMIN_CALLS.split()),
        "event": frozenset(_ADMIN_EVENTS.split()),
        "error": frozenset(_ADMIN_ERRORS.split()),
        "constants": frozenset(),
    },
    "Swap": {
        "storage": frozenset(_SWAP_STORAGE.split()),
        "calls": frozenset(_SWAP_CALLS.split()),
        "event": frozenset(_SWAP_EVENTS.split()),
        "error": frozenset(_SWAP_ERRORS.split()),
        "constants": frozenset(_SWAP_CONSTANTS.split()),
    },
}
