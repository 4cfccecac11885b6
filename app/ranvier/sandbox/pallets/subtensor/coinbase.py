"""Each block: emission into pool and pots. At a subnet's epoch: Yuma, and payment of what is in the pots."""

from __future__ import annotations

from ranvier.sandbox import emission, yuma
from ranvier.sandbox.context import Context
from ranvier.sandbox.pallets.subtensor import collateral, locks, registration, shares, stakes, swaps
from ranvier.sandbox.pallets.subtensor.events import AUTO_STAKE_ADDED, INCENTIVE_EMITTED
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.storage import WritableState

_NOBODY = bytes(32)
_U16_MAX = 65_535
_ONE_PRICE = 1 << 32


def block_step(context: Context) -> None:
    """``block_step``: prices decay, emission is made, due epochs run, moving prices follow."""
    state = context.state
    subnets = [netuid for (netuid,), added in Subtensor.NetworksAdded.items(state) if added and netuid != swaps.ROOT]
    for netuid in subnets:
        registration.adjust_price(state, netuid, context.block)
        if Subtensor.RegistrationsThisBlock.get(state, netuid):
            Subtensor.RegistrationsThisBlock.put(state, netuid, value=0)
    _emit(context, [netuid for netuid in subnets if _emits(context, netuid)])
    for netuid in subnets:
        if epoch_due(context.block, netuid, Subtensor.Tempo.get(state, netuid)):
            run_epoch(context, netuid)
            Subtensor.BlocksSinceLastStep.put(state, netuid, value=0)
            Subtensor.LastMechansimStepBlock.put(state, netuid, value=context.block)
        else:
            Subtensor.BlocksSinceLastStep.add(state, netuid, amount=1)
        _follow_price(state, netuid)


def epoch_due(block: int, netuid: int, tempo: int) -> bool:
    """Whether the block ends an epoch (specs up to 343)."""
    return tempo > 0 and (block + netuid + 1) % (tempo + 1) == tempo


def next_epoch(block: int, netuid: int, tempo: int) -> int | None:
    """The first block after ``block`` that ends an epoch; None for a subnet whose tempo is 0."""
    if tempo == 0:
        return None
    return block + 1 + (tempo - (block + 1 + netuid + 1)) % (tempo + 1)


def _emits(context: Context, netuid: int) -> bool:
    first = Subtensor.FirstEmissionBlockNumber.get(context.state, netuid)
    return first is not None and first <= context.block and Subtensor.SubtokenEnabled.get(context.state, netuid)


def _emit(context: Context, netuids: list[int]) -> None:
    """``run_coinbase`` up to the epochs: TAO by price among the subnets, alpha to pool and pots."""
    state = context.state
    made = emission.block_emission_rao(Subtensor.TotalIssuance.get(state))
    Subtensor.BlockEmission.put(state, value=made)
    prices = {netuid: max(Subtensor.SubnetMovingPrice.get(state, netuid), 1) for netuid in netuids}
    total = sum(prices.values())
    for netuid in netuids:
        _emit_to(context, netuid, made * prices[netuid] // total, root_is_owed=total > _ONE_PRICE)


def _emit_to(context: Context, netuid: int, tao: int, *, root_is_owed: bool) -> None:
    state = context.state
    tao_reserve, alpha_reserve = Subtensor.SubnetTAO.get(state, netuid), Subtensor.SubnetAlphaIn.get(state, netuid)
    alpha_out = emission.alpha_emission_rao(alpha_reserve, Subtensor.SubnetAlphaOut.get(state, netuid))
    # Alpha goes into the pool at the spot price and at most as much as is paid out; TAO beyond that is not made.
    affordable = min(tao, alpha_out * tao_reserve // alpha_reserve if alpha_reserve else 0)
    into_pool = emission.injection(affordable, alpha_out, tao_reserve, alpha_reserve)
    Subtensor.SubnetTaoInEmission.put(state, netuid, value=into_pool.tao_rao)
    Subtensor.SubnetAlphaInEmission.put(state, netuid, value=into_pool.alpha_rao)
    Subtensor.SubnetAlphaOutEmission.put(state, netuid, value=alpha_out)
    Subtensor.SubnetTAO.add(state, netuid, amount=into_pool.tao_rao)
    Subtensor.SubnetAlphaIn.add(state, netuid, amount=into_pool.alpha_rao)
    Subtensor.TotalStake.add(state, amount=into_pool.tao_rao)
    Subtensor.TotalIssuance.add(state, amount=into_pool.tao_rao)
    issued = Subtensor.SubnetAlphaIn.get(state, netuid) + Subtensor.SubnetAlphaOut.get(state, netuid)
    root_bits = emission.root_proportion(
        Subtensor.SubnetTAO.get(state, swaps.ROOT), Subtensor.TaoWeight.get(state), issued
    )
    parts = emission.split_alpha(alpha_out, Subtensor.SubnetOwnerCut.get(state), root_bits)
    root = parts.root_rao if root_is_owed else 0  # with low prices root's share is recycled: it is never made
    Subtensor.SubnetAlphaOut.add(state, netuid, amount=parts.owner_rao + parts.server_rao + parts.validator_rao + root)
    Subtensor.PendingOwnerCut.add(state, netuid, amount=parts.owner_rao)
    Subtensor.PendingServerEmission.add(state, netuid, amount=parts.server_rao)
    Subtensor.PendingValidatorEmission.add(state, netuid, amount=parts.validator_rao)
    if root:
        Subtensor.PendingRootAlphaDivs.add(state, netuid, amount=root)


def _follow_price(state: WritableState, netuid: int) -> None:
    """The moving average of the price, I96F32 (``update_moving_price``, with its fixed smoothing)."""
    alpha = Subtensor.SubnetAlphaIn.get(state, netuid)
    now = min((Subtensor.SubnetTAO.get(state, netuid) << 32) // alpha if alpha else 0, _ONE_PRICE)
    smoothing = Subtensor.SubnetMovingAlpha.get(state)
    before = Subtensor.SubnetMovingPrice.get(state, netuid)
    moved = (now * smoothing >> 32) + (before * (_ONE_PRICE - smoothing) >> 32)
    Subtensor.SubnetMovingPrice.put(state, netuid, value=moved)


def _drain(state: WritableState, netuid: int) -> tuple[int, int]:
    """What the epoch pays to neurons, and the owner's cut; the pots are empty then."""
    pots = (Subtensor.PendingServerEmission, Subtensor.PendingValidatorEmission, Subtensor.PendingRootAlphaDivs)
    paid = sum(pot.get(state, netuid) for pot in pots)
    cut: int = Subtensor.PendingOwnerCut.get(state, netuid)
    for pot in (*pots, Subtensor.PendingOwnerCut):
        pot.put(state, netuid, value=0)
    return paid, cut


def run_epoch(context: Context, netuid: int) -> None:
    """``drain_pending`` and ``distribute_emission``: consensus, vectors, then owner, miners and validators are paid."""
    state = context.state
    count = Subtensor.SubnetworkN.get(state, netuid)
    if not count:
        return
    hotkeys = [Subtensor.Keys.get(state, netuid, uid) for uid in range(count)]
    paid, cut = _drain(state, netuid)
    result = yuma.epoch(_inputs(context, netuid, hotkeys, paid))
    _store(state, netuid, result)
    unpaid = paid - sum(result.server_emission_rao) - sum(result.validator_emission_rao)
    unpaid += _pay_owner(state, netuid, cut)
    locks.lock_owner_cut(context, netuid, cut)
    context.deposit(INCENTIVE_EMITTED, {"netuid": netuid, "emissions": list(result.server_emission_rao)})
    for hotkey, amount in zip(hotkeys, result.server_emission_rao, strict=True):
        unpaid += _pay_miner(context, netuid, hotkey, amount)
    for hotkey, amount in zip(hotkeys, result.validator_emission_rao, strict=True):
        _pay_validator(state, netuid, hotkey, amount)
    # What rounding or burning leaves over was counted as held by somebody; it is nobody's.
    Subtensor.SubnetAlphaOut.add(state, netuid, amount=-unpaid)


def _inputs(context: Context, netuid: int, hotkeys: list[bytes], paid: int) -> yuma.EpochInputs:
    state = context.state
    uids = range(len(hotkeys))
    return yuma.EpochInputs(
        block=context.block,
        tempo=Subtensor.Tempo.get(state, netuid),
        stake_rao=tuple(stakes.stake_weight(state, netuid, hotkey) for hotkey in hotkeys),
        weights=tuple(tuple(Subtensor.Weights.get(state, netuid, uid)) for uid in uids),
        bonds=tuple(tuple(Subtensor.Bonds.get(state, netuid, uid)) for uid in uids),
        last_update=tuple(Subtensor.LastUpdate.get(state, netuid)),
        block_at_registration=tuple(Subtensor.BlockAtRegistration.get(state, netuid, uid) for uid in uids),
        validator_permit=tuple(Subtensor.ValidatorPermit.get(state, netuid)),
        emission_rao=paid,
        activity_cutoff=Subtensor.ActivityCutoff.get(state, netuid),
        kappa=Subtensor.Kappa.get(state, netuid),
        bonds_penalty=Subtensor.BondsPenalty.get(state, netuid),
        bonds_moving_average=Subtensor.BondsMovingAverage.get(state, netuid),
        max_validators=Subtensor.MaxAllowedValidators.get(state, netuid),
        stake_threshold_rao=Subtensor.StakeThreshold.get(state),
        owner_uid=Subtensor.Uids.get(state, netuid, Subtensor.SubnetOwnerHotkey.get(state, netuid)),
    )


def _store(state: WritableState, netuid: int, result: yuma.EpochResult) -> None:
    vectors = (
        (Subtensor.Active, result.active),
        (Subtensor.StakeWeight, result.stake_weight),
        (Subtensor.Rank, result.rank),
        (Subtensor.Trust, result.trust),
        (Subtensor.Consensus, result.consensus),
        (Subtensor.Incentive, result.incentive),
        (Subtensor.Dividends, result.dividends),
        (Subtensor.ValidatorTrust, result.validator_trust),
        (Subtensor.PruningScores, result.pruning_scores),
        (Subtensor.ValidatorPermit, result.validator_permit),
        (Subtensor.Emission, result.emission_rao),
    )
    for item, values in vectors:
        item.put(state, netuid, value=values)
    for uid, row in enumerate(result.bonds):
        if row:
            Subtensor.Bonds.put(state, netuid, uid, value=row)
        else:
            Subtensor.Bonds.remove(state, netuid, uid)


def _pay_owner(state: WritableState, netuid: int, cut: int) -> int:
    """The owner's cut becomes stake of the owner's hotkey; returns what could not be paid."""
    hotkey, coldkey = Subtensor.SubnetOwnerHotkey.get(state, netuid), Subtensor.SubnetOwner.get(state, netuid)
    if hotkey == _NOBODY or coldkey == _NOBODY:
        return cut
    shares.add_stake(state, hotkey, coldkey, netuid, cut)
    return 0


def _pay_miner(context: Context, netuid: int, hotkey: bytes, amount: int) -> int:
    """A miner's pay becomes its coldkey's stake, here or on the auto-stake destination; the owner's is burned."""
    if not amount:
        return 0
    state = context.state
    coldkey = Subtensor.Owner.get(state, hotkey)
    if hotkey == Subtensor.SubnetOwnerHotkey.get(state, netuid) or coldkey == Subtensor.SubnetOwner.get(state, netuid):
        return amount
    amount -= collateral.settle(state, netuid, hotkey, coldkey, amount, amount)
    if not amount:
        return 0
    destination = Subtensor.AutoStakeDestination.get(state, coldkey, netuid)
    shares.add_stake(state, destination or hotkey, coldkey, netuid, amount)
    if destination is not None:
        context.deposit(
            AUTO_STAKE_ADDED,
            {"netuid": netuid, "destination": destination, "hotkey": hotkey, "owner": coldkey, "incentive": amount},
        )
    return 0


def _pay_validator(state: WritableState, netuid: int, hotkey: bytes, amount: int) -> None:
    """Dividends: the take to the hotkey's owner, the rest to all who stake on it in proportion."""
    Subtensor.AlphaDividendsPerSubnet.put(state, netuid, hotkey, value=amount)
    Subtensor.TotalHotkeyAlphaLastEpoch.put(
        state, hotkey, netuid, value=Subtensor.TotalHotkeyAlpha.get(state, hotkey, netuid)
    )
    if not amount:
        return
    take = amount * Subtensor.Delegates.get(state, hotkey) // _U16_MAX
    if not Subtensor.TotalHotkeyShares.get(state, hotkey, netuid):
        take = amount  # nobody stakes here: there is nobody else to give it to
    owner = Subtensor.Owner.get(state, hotkey)
    captured = collateral.settle(state, netuid, hotkey, owner, amount, take)
    shares.credit_all(state, hotkey, netuid, amount - take)
    shares.add_stake(state, hotkey, owner, netuid, take - captured)
