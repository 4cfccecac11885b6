"""SubtensorModule's storage: names, keys, hashers and value types of spec 343 (and two items of 425, marked so)."""

from __future__ import annotations

from ranvier.sandbox.codec.composites import Tuple, Vec, enum, struct, wrapper
from ranvier.sandbox.codec.scale import BOOL, I16, I64, U8, U16, U32, U64, U128, Alias, Bytes
from ranvier.sandbox.codec.types import ACCOUNT, ALPHA, H160, H256, I64F64, I96F32, TAO, U64F64, U96F32
from ranvier.sandbox.frame.storage import BLAKE2_128_CONCAT, IDENTITY, TWOX_64_CONCAT, Item, State, Storage
from ranvier.sandbox.pallets.subtensor.limit_types import RATE_LIMIT_KEY

NETUID = Alias(U16, "NetUid")
STORAGE_INDEX = Alias(U16, "NetUidStorageIndex")

_NETUID = (NETUID, IDENTITY)
_UID = (U16, IDENTITY)
_ACCOUNT = (ACCOUNT, BLAKE2_128_CONCAT)
_BYTES = Bytes()
_U16_PAIRS = Vec(Tuple((U16, U16)))

AXON_INFO = struct(
    "pallet_subtensor::pallet::AxonInfo",
    {
        "block": U64,
        "version": U32,
        "ip": U128,
        "port": U16,
        "ip_type": U8,
        "protocol": U8,
        "placeholder1": U8,
        "placeholder2": U8,
    },
)
PROMETHEUS_INFO = struct(
    "pallet_subtensor::pallet::PrometheusInfo",
    {"block": U64, "version": U32, "ip": U128, "port": U16, "ip_type": U8},
)
_KEY_BYTES = wrapper("bounded_collections::bounded_vec::BoundedVec", _BYTES, T=U8, S=None)
CERTIFICATE = struct(
    "pallet_subtensor::pallet::NeuronCertificate",
    {"public_key": Alias(_KEY_BYTES, "BoundedVec<u8, ConstU32<64>>"), "algorithm": U8},
)
IDENTITY_V2 = struct(
    "pallet_subtensor::pallet::ChainIdentityV2",
    dict.fromkeys(("name", "url", "github_repo", "image", "discord", "description", "additional"), _BYTES),
)
_SUBNET_TEXTS = (
    "subnet_name",
    "github_repo",
    "subnet_contact",
    "subnet_url",
    "discord",
    "description",
    "logo_url",
    "additional",
)
SUBNET_IDENTITY = struct("pallet_subtensor::pallet::SubnetIdentityV3", dict.fromkeys(_SUBNET_TEXTS, _BYTES))
LOCK_STATE = struct(  # 425
    "pallet_subtensor::staking::lock::LockState", {"locked_mass": ALPHA, "conviction": U64F64, "last_update": U64}
)
MINER_COLLATERAL = struct(  # 435
    "pallet_subtensor::pallet::MinerCollateralState",
    {"locked": ALPHA, "drain_ratio": U64F64, "min_locked": ALPHA, "earned": ALPHA},
)
_SAFE_FLOAT = struct("share_pool::SafeFloat", {"mantissa": U128, "exponent": I64})  # 425
_NO_SHARES = {"mantissa": 0, "exponent": 0}
_COLLATERAL_HOTKEYS = wrapper("bounded_collections::bounded_vec::BoundedVec", Vec(ACCOUNT), T=ACCOUNT, S=None)
ROOT_CLAIM_TYPE = enum("pallet_subtensor::pallet::RootClaimTypeEnum", {"Swap": 0, "Keep": 1})
_RATES = wrapper("BTreeMap", Vec(Tuple((NETUID, I96F32))), K=NETUID, V=I96F32)
_RECYCLE_OR_BURN = enum("pallet_subtensor::pallet::RecycleOrBurnEnum", {"Burn": 0, "Recycle": 1})


class Subtensor(Storage):
    """Amounts are rao, of TAO or of the subnet's alpha; ``u16`` proportions are of 65535; vectors are by uid."""

    prefix = "SubtensorModule"

    # Network-wide
    TaoWeight = Item(U64, default=971_718_665_099_567_868)
    MaxDelegateTake = Item(U16, default=11_796)
    BlockEmission = Item(U64, default=10**9)
    TotalIssuance = Item(TAO)
    TotalStake = Item(TAO)
    TotalNetworks = Item(U16)
    SubnetOwnerCut = Item(U16, default=11_796)
    StakeThreshold = Item(U64)
    TxRateLimit = Item(U64, default=1000)
    NominatorMinRequiredStake = Item(U64)
    CommitRevealWeightsVersion = Item(U16, default=4)
    CKBurn = Item(U64)
    MinActivityCutoff = Item(U16, default=360)

    # New subnets, and what may be done how often
    SubnetLimit = Item(U16, default=128)
    NetworkRegistrationStartBlock = Item(U64)
    NetworkImmunityPeriod = Item(U64, default=1_296_000)
    NetworkMinLockCost = Item(TAO, default=1_000_000_000_000)
    NetworkLastLockCost = Item(TAO, default=1_000_000_000_000)
    NetworkLockReductionInterval = Item(U64, default=100_800)
    NetworkRateLimit = Item(U64, default=7_200)
    LastRateLimitedBlock = Item(U64, (RATE_LIMIT_KEY, IDENTITY))
    TransactionKeyLastBlock = Item(U64, _ACCOUNT, _NETUID, (U16, IDENTITY))
    WeightsVersionKeyRateLimit = Item(U64, default=5)
    StartCallDelay = Item(U64)  # 425, as the one that follows
    RegisteredSubnetCounter = Item(U64, _NETUID)

    # Who owns and stakes on whom
    Owner = Item(ACCOUNT, _ACCOUNT)
    Delegates = Item(U16, _ACCOUNT, default=11_796)
    OwnedHotkeys = Item(Vec(ACCOUNT), _ACCOUNT)
    StakingHotkeys = Item(Vec(ACCOUNT), _ACCOUNT)
    AutoStakeDestination = Item(ACCOUNT, _ACCOUNT, _NETUID, optional=True)
    AutoStakeDestinationColdkeys = Item(Vec(ACCOUNT), _ACCOUNT, _NETUID)
    ChildKeys = Item(Vec(Tuple((U64, ACCOUNT))), _ACCOUNT, _NETUID)
    ParentKeys = Item(Vec(Tuple((U64, ACCOUNT))), _ACCOUNT, _NETUID)
    TotalHotkeyAlpha = Item(ALPHA, _ACCOUNT, _NETUID)
    TotalHotkeyAlphaLastEpoch = Item(ALPHA, _ACCOUNT, _NETUID)
    TotalHotkeyShares = Item(U64F64, _ACCOUNT, _NETUID)
    Alpha = Item(U64F64, _ACCOUNT, _ACCOUNT, _NETUID)
    TotalHotkeySharesV2 = Item(_SAFE_FLOAT, _ACCOUNT, _NETUID, default=_NO_SHARES)  # 425, as the one that follows
    AlphaV2 = Item(_SAFE_FLOAT, _ACCOUNT, _ACCOUNT, _NETUID, default=_NO_SHARES)
    Lock = Item(LOCK_STATE, _ACCOUNT, _NETUID, _ACCOUNT, optional=True)  # 425, as those up to MaturityRate
    DecayingLock = Item(BOOL, _ACCOUNT, _NETUID, optional=True)
    LockingColdkeys = Item(Tuple(()), _NETUID, _ACCOUNT, _ACCOUNT, optional=True)
    HotkeyLock = Item(LOCK_STATE, _NETUID, _ACCOUNT, optional=True)
    DecayingHotkeyLock = Item(LOCK_STATE, _NETUID, _ACCOUNT, optional=True)
    OwnerLock = Item(LOCK_STATE, _NETUID, optional=True)
    DecayingOwnerLock = Item(LOCK_STATE, _NETUID, optional=True)
    AccountFlags = Item(U128, _ACCOUNT)
    UnlockRate = Item(U64, default=934_866)
    MaturityRate = Item(U64, default=934_866)
    AlphaDividendsPerSubnet = Item(ALPHA, _NETUID, _ACCOUNT)

    # What stake on root earns: alpha per rao of it, by subnet, and what each has claimed
    RootAlphaDividendsPerSubnet = Item(ALPHA, _NETUID, _ACCOUNT)  # 425
    RootClaimable = Item(_RATES, _ACCOUNT)
    RootClaimed = Item(U128, _NETUID, _ACCOUNT, _ACCOUNT)
    RootClaimType = Item(ROOT_CLAIM_TYPE, _ACCOUNT)
    RootClaimableThreshold = Item(I96F32, (NETUID, BLAKE2_128_CONCAT), default=500_000 << 32)
    NumRootClaim = Item(U64, default=5)
    NumStakingColdkeys = Item(U64)
    StakingColdkeys = Item(U64, (ACCOUNT, IDENTITY), optional=True)
    StakingColdkeysByIndex = Item(ACCOUNT, (U64, IDENTITY), optional=True)

    # A subnet's pool and pots
    SubnetMovingAlpha = Item(I96F32, default=12_885)
    SubnetMovingPrice = Item(I96F32, _NETUID)
    SubnetVolume = Item(U128, _NETUID)
    SubnetTAO = Item(TAO, _NETUID)
    SubnetAlphaIn = Item(ALPHA, _NETUID)
    SubnetAlphaOut = Item(ALPHA, _NETUID)
    SubnetTaoFlow = Item(I64, _NETUID)
    SubnetEmaTaoFlow = Item(Tuple((U64, I64F64)), _NETUID, optional=True)
    TaoFlowCutoff = Item(I64F64)
    FlowNormExponent = Item(U64F64, default=1 << 64)
    FlowEmaSmoothingFactor = Item(U64, default=29_597_889_189_277)  # of 2**63 - 1
    EMAPriceHalvingBlocks = Item(U64, _NETUID, default=201_600)
    SubnetExcessTao = Item(TAO, _NETUID)  # 425, as the three that follow
    SubnetProtocolAlpha = Item(ALPHA, _NETUID)
    RootProp = Item(U96F32, _NETUID)
    MinerBurned = Item(U96F32, _NETUID)
    SubnetTaoInEmission = Item(TAO, _NETUID)
    SubnetAlphaInEmission = Item(ALPHA, _NETUID)
    SubnetAlphaOutEmission = Item(ALPHA, _NETUID)
    PendingServerEmission = Item(ALPHA, _NETUID)
    PendingValidatorEmission = Item(ALPHA, _NETUID)
    PendingRootAlphaDivs = Item(ALPHA, _NETUID)
    PendingOwnerCut = Item(ALPHA, _NETUID)
    BlocksSinceLastStep = Item(U64, _NETUID)
    LastEpochBlock = Item(U64, _NETUID)  # 425, as the three that follow
    PendingEpochAt = Item(U64, _NETUID)
    SubnetEpochIndex = Item(U64, _NETUID)
    MaxEpochsPerBlock = Item(U8, default=2)
    LastMechansimStepBlock = Item(U64, _NETUID)
    RAORecycledForRegistration = Item(TAO, _NETUID)

    # What a subnet is
    NetworksAdded = Item(BOOL, _NETUID)
    SubnetworkN = Item(U16, _NETUID)
    SubnetMechanism = Item(U16, _NETUID)
    NetworkRegisteredAt = Item(U64, _NETUID)
    SubnetLocked = Item(TAO, _NETUID)
    LargestLocked = Item(U64, _NETUID)
    FirstEmissionBlockNumber = Item(U64, _NETUID, optional=True)
    SubnetOwner = Item(ACCOUNT, _NETUID)
    SubnetOwnerHotkey = Item(ACCOUNT, _NETUID)
    SubnetIdentitiesV3 = Item(SUBNET_IDENTITY, (NETUID, BLAKE2_128_CONCAT), optional=True)
    IdentitiesV2 = Item(IDENTITY_V2, _ACCOUNT, optional=True)
    TokenSymbol = Item(_BYTES, _NETUID, default="\N{MATHEMATICAL ITALIC SMALL TAU}".encode())
    RecycleOrBurn = Item(_RECYCLE_OR_BURN, _NETUID)
    MechanismCountCurrent = Item(Alias(U8, "MechId"), (NETUID, TWOX_64_CONCAT), default=1)
    MechanismEmissionSplit = Item(Vec(U16), (NETUID, TWOX_64_CONCAT), optional=True)

    # A subnet's settings
    Tempo = Item(U16, _NETUID, default=360)
    SubtokenEnabled = Item(BOOL, _NETUID)
    NetworkRegistrationAllowed = Item(BOOL, _NETUID, default=True)
    NetworkPowRegistrationAllowed = Item(BOOL, _NETUID, default=True)
    TransferToggle = Item(BOOL, _NETUID, default=True)
    ServingRateLimit = Item(U64, _NETUID, default=50)
    Rho = Item(U16, _NETUID, default=10)
    Kappa = Item(U16, _NETUID, default=32_767)
    MinAllowedUids = Item(U16, _NETUID, default=64)
    MaxAllowedUids = Item(U16, _NETUID, default=4096)
    ImmunityPeriod = Item(U16, _NETUID, default=4096)
    ImmuneOwnerUidsLimit = Item(U16, _NETUID, default=1)
    ActivityCutoff = Item(U16, _NETUID, default=5000)
    MaxWeightsLimit = Item(U16, _NETUID, default=65_535)
    WeightsVersionKey = Item(U64, _NETUID)
    MinAllowedWeights = Item(U16, _NETUID, default=1024)
    MaxAllowedValidators = Item(U16, _NETUID, default=128)
    BondsMovingAverage = Item(U64, _NETUID, default=900_000)
    BondsPenalty = Item(U16, _NETUID, default=65_535)
    BondsResetOn = Item(BOOL, _NETUID)
    WeightsSetRateLimit = Item(U64, _NETUID, default=100)
    CommitRevealWeightsEnabled = Item(BOOL, _NETUID, default=True)
    RevealPeriodEpochs = Item(U64, (NETUID, TWOX_64_CONCAT), default=1)
    AlphaValues = Item(Tuple((U16, U16)), _NETUID, default=(45_875, 58_982))
    AlphaSigmoidSteepness = Item(I16, _NETUID, default=1000)
    ScalingLawPower = Item(U16, _NETUID, default=50)
    LiquidAlphaOn = Item(BOOL, (NETUID, BLAKE2_128_CONCAT))
    Yuma3On = Item(BOOL, (NETUID, BLAKE2_128_CONCAT))

    OwnerCutEnabled = Item(BOOL, _NETUID, default=True)  # 425, as those that follow
    OwnerCutAutoLockEnabled = Item(BOOL, _NETUID)
    SubnetEmissionEnabled = Item(BOOL, _NETUID, default=True)
    ActivityCutoffFactorMilli = Item(U32, _NETUID, default=13_889)
    MinChildkeyTakePerSubnet = Item(U16, _NETUID)
    CollateralDrainRatio = Item(U64F64, _NETUID, default=1 << 64)  # 435
    CollateralLockShare = Item(U16, _NETUID)  # 435, as the three that follow; 0: nothing of the price is collateral
    MinerCollateral = Item(MINER_COLLATERAL, _NETUID, _ACCOUNT, _ACCOUNT, optional=True)
    ColdkeyMinerCollateral = Item(ALPHA, _NETUID, _ACCOUNT)
    ColdkeyCollateralHotkeys = Item(_COLLATERAL_HOTKEYS, _NETUID, _ACCOUNT)

    # Registration
    Burn = Item(TAO, _NETUID, default=100_000_000)
    MinBurn = Item(TAO, _NETUID, default=500_000)
    MaxBurn = Item(TAO, _NETUID, default=100_000_000_000)
    BurnHalfLife = Item(U16, _NETUID, default=360)  # 425
    BurnIncreaseMult = Item(U64F64, _NETUID, default=126 * (1 << 64) // 100)  # 425
    MinNonImmuneUids = Item(U16, _NETUID, default=10)  # 425
    Difficulty = Item(U64, _NETUID, default=10_000_000)
    MinDifficulty = Item(U64, _NETUID, default=10_000_000)
    MaxDifficulty = Item(U64, _NETUID, default=(1 << 62) - 1)
    LastAdjustmentBlock = Item(U64, _NETUID)
    AdjustmentInterval = Item(U16, _NETUID, default=100)
    AdjustmentAlpha = Item(U64, _NETUID)
    TargetRegistrationsPerInterval = Item(U16, _NETUID, default=2)
    MaxRegistrationsPerBlock = Item(U16, _NETUID, default=1)
    RegistrationsThisBlock = Item(U16, _NETUID)
    RegistrationsThisInterval = Item(U16, _NETUID)
    BurnRegistrationsThisInterval = Item(U16, _NETUID)

    POWRegistrationsThisInterval = Item(U16, _NETUID)

    # Keys that change hands, take, children
    LastTxBlock = Item(U64, (ACCOUNT, IDENTITY))
    LastHotkeySwapOnNetuid = Item(U64, _NETUID, _ACCOUNT)
    LastTxBlockDelegateTake = Item(U64, (ACCOUNT, IDENTITY))
    TxDelegateTakeRateLimit = Item(U64, default=216_000)
    ColdkeySwapAnnouncementDelay = Item(U32, default=36_000)  # 425, as the three that follow
    ColdkeySwapReannouncementDelay = Item(U32, default=7_200)
    ColdkeySwapAnnouncements = Item(Tuple((U32, H256)), (ACCOUNT, TWOX_64_CONCAT), optional=True)
    ColdkeySwapDisputes = Item(U32, (ACCOUNT, TWOX_64_CONCAT), optional=True)
    MinDelegateTake = Item(U16)
    MinChildkeyTake = Item(U16)
    MaxChildkeyTake = Item(U16, default=11_796)
    ChildkeyTake = Item(U16, _ACCOUNT, _NETUID)
    TxChildkeyTakeRateLimit = Item(U64, default=216_000)
    PendingChildKeyCooldown = Item(U64)
    PendingChildKeys = Item(Tuple((Vec(Tuple((U64, ACCOUNT))), U64)), _NETUID, _ACCOUNT)
    AdminFreezeWindow = Item(U16, default=10)
    OwnerHyperparamRateLimit = Item(U16, default=2)

    # Neurons, by uid
    Uids = Item(U16, _NETUID, _ACCOUNT, optional=True)
    Keys = Item(ACCOUNT, _NETUID, _UID)
    IsNetworkMember = Item(BOOL, _ACCOUNT, _NETUID)
    BlockAtRegistration = Item(U64, _NETUID, _UID)
    Axons = Item(AXON_INFO, _NETUID, _ACCOUNT, optional=True)
    NeuronCertificates = Item(CERTIFICATE, _NETUID, _ACCOUNT, optional=True)
    Prometheus = Item(PROMETHEUS_INFO, _NETUID, _ACCOUNT, optional=True)
    StakeWeight = Item(Vec(U16), _NETUID)
    Active = Item(Vec(BOOL), _NETUID)
    Rank = Item(Vec(U16), _NETUID)
    Trust = Item(Vec(U16), _NETUID)
    Consensus = Item(Vec(U16), _NETUID)
    Incentive = Item(Vec(U16), (STORAGE_INDEX, IDENTITY))
    Dividends = Item(Vec(U16), _NETUID)
    Emission = Item(Vec(ALPHA), _NETUID)
    LastUpdate = Item(Vec(U64), (STORAGE_INDEX, IDENTITY))
    ValidatorTrust = Item(Vec(U16), _NETUID)
    AssociatedEvmAddress = Item(Tuple((H160, U64)), (NETUID, TWOX_64_CONCAT), (U16, TWOX_64_CONCAT), optional=True)
    UsedWork = Item(U64, (_BYTES, IDENTITY))
    PruningScores = Item(Vec(U16), _NETUID)
    ValidatorPermit = Item(Vec(BOOL), _NETUID)
    Weights = Item(_U16_PAIRS, (STORAGE_INDEX, IDENTITY), _UID)
    Bonds = Item(_U16_PAIRS, (STORAGE_INDEX, IDENTITY), _UID)


DEFAULT_RULES = 425


class Own(Storage):
    """What only this practice network remembers; no client sees it in metadata."""

    prefix = "RanvierSandbox"

    Rules = Item(U32, default=DEFAULT_RULES)
    NewTempo = Item(U16, default=360)


def rules(state: State) -> int:
    """Which runtime's rules hold where they differ: 343 or 425."""
    chosen: int = Own.Rules.get(state)
    return chosen
