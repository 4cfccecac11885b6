"""Each block: emission into pool and pots. At a subnet's epoch: Yuma, and payment of what is in the pots.

Follows coinbase/block_step.rs and coinbase/run_coinbase.rs: 343 and 425 differ in how TAO is shared out (flows.py),
in how much of it goes into the pool, in what becomes of the alpha that the chain buys with the rest, and in when an
epoch is due (epochs.py).
"""

from __future__ import annotations

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.pallet import DispatchFailure
from ranvier.sandbox.frame.storage import State, WritableState
from ranvier.sandbox.maths import emission, yuma
from ranvier.sandbox.maths.fixed import FRACTION
from ranvier.sandbox.pallets.subtensor import (
    children,
    epochs,
    flows,
    mechanisms,
    networks,
    payment,
    registration,
    root_claims,
    stakes,
    swaps,
)
from ranvier.sandbox.pallets.subtensor.events import INCENTIVE_EMITTED
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules


def block_step(context: Context) -> None:
    """``block_step``: prices decay, emission is made, due epochs run, moving prices follow, some root is claimed."""
    state = context.state
    added = sorted(netuid for (netuid,), there in Subtensor.NetworksAdded.items(state) if there)
    subnets = [netuid for netuid in added if netuid != swaps.ROOT]
    for netuid in subnets:
        registration.adjust_price(state, netuid, context.block)
        if Subtensor.RegistrationsThisBlock.get(state, netuid):
            Subtensor.RegistrationsThisBlock.put(state, netuid, value=0)
    networks.reopen_root(state, context.block)
    emitting = flows.emitting(state)
    _emit(context, emitting)
    for netuid in epochs.take_turns(context, subnets):
        run_epoch(context, netuid)
        children.apply_pending(context, netuid)
        Subtensor.LastMechansimStepBlock.put(state, netuid, value=context.block)
    for netuid in emitting:
        flows.follow_price(state, netuid, context.block)
        if rules(state) >= 425:
            Subtensor.RootProp.put(state, netuid, value=root_proportion(state, netuid))
    root_claims.claim_for_some(context)


def root_proportion(state: State, netuid: int) -> int:
    """Root's part in a subnet's stake, U96F32 bits (``root_proportion``)."""
    issued = Subtensor.SubnetAlphaIn.get(state, netuid) + Subtensor.SubnetAlphaOut.get(state, netuid)
    return emission.root_proportion(Subtensor.SubnetTAO.get(state, swaps.ROOT), Subtensor.TaoWeight.get(state), issued)


def _emit(context: Context, netuids: list[int]) -> None:
    """``emit_to_subnets``: TAO into pools and purchases, alpha to pools and pots."""
    state = context.state
    made = emission.block_emission_rao(Subtensor.TotalIssuance.get(state))
    Subtensor.BlockEmission.put(state, value=made)
    tao = flows.emissions(state, context.block, netuids, made)
    # With low prices root's share is not paid but recycled.
    root_is_paid = sum(flows.moving_price(state, netuid) for netuid in netuids) > 1 << 64
    terms = {netuid: _terms(state, netuid, tao[netuid], made) for netuid in netuids}
    for netuid, (alpha_out, into_pool) in terms.items():
        if rules(state) >= 425:
            _inject(context, netuid, into_pool)
        else:
            _inject_343(context, netuid, into_pool)
        Subtensor.SubnetAlphaOutEmission.put(state, netuid, value=alpha_out)
    for netuid, (alpha_out, _) in terms.items():
        _to_pots(state, netuid, alpha_out, root_is_paid=root_is_paid)


def _terms(state: State, netuid: int, tao_bits: int, made: int) -> tuple[int, emission.Injection]:
    """``get_subnet_terms``: the block's alpha for participants, and what goes into the pool.

    The pool's alpha is capped at the alpha or TAO of a block (343), or at root's proportion of the alpha (425): the
    older a subnet, the more of its TAO buys instead of being added.
    """
    alpha_in, alpha_out = Subtensor.SubnetAlphaIn.get(state, netuid), Subtensor.SubnetAlphaOut.get(state, netuid)
    alpha = emission.alpha_emission_rao(alpha_in, alpha_out)
    cap = root_proportion(state, netuid) * alpha if rules(state) >= 425 else min(alpha, made) << FRACTION
    return alpha, emission.injection(tao_bits, cap, swaps.price_bits(state, netuid) >> FRACTION)


def _inject(context: Context, netuid: int, terms: emission.Injection) -> None:
    """``inject_and_maybe_swap`` of 425: first the purchase, whose alpha the protocol keeps, then the pool."""
    state = context.state
    spent = _buy(context, netuid, terms.excess_tao_rao)
    if spent is not None:
        Subtensor.SubnetProtocolAlpha.add(state, netuid, amount=spent.amount_out)
        Subtensor.TotalIssuance.add(state, amount=terms.excess_tao_rao)
    Subtensor.SubnetExcessTao.put(state, netuid, value=0 if spent is None else terms.excess_tao_rao)
    tao, alpha = swaps.inject(state, netuid, terms.tao_rao, terms.alpha_rao)
    Subtensor.SubnetTaoInEmission.put(state, netuid, value=tao)
    Subtensor.SubnetAlphaInEmission.put(state, netuid, value=alpha)
    Subtensor.SubnetTAO.add(state, netuid, amount=tao)
    Subtensor.SubnetAlphaIn.add(state, netuid, amount=alpha)
    Subtensor.TotalStake.add(state, amount=tao)
    Subtensor.TotalIssuance.add(state, amount=tao)


def _inject_343(context: Context, netuid: int, terms: emission.Injection) -> None:
    """``inject_and_maybe_swap`` of 343: the bought alpha is recycled; a purchase that fails counts as issued."""
    state = context.state
    swaps.inject(state, netuid, terms.tao_rao, terms.alpha_rao)
    spent = _buy(context, netuid, terms.excess_tao_rao)
    if spent is not None:
        payment.recycle(state, netuid, spent.amount_out)
    Subtensor.SubnetTaoInEmission.put(state, netuid, value=terms.tao_rao)
    Subtensor.SubnetAlphaInEmission.put(state, netuid, value=terms.alpha_rao)
    Subtensor.SubnetTAO.add(state, netuid, amount=terms.tao_rao)
    Subtensor.SubnetAlphaIn.add(state, netuid, amount=terms.alpha_rao)
    Subtensor.TotalStake.add(state, amount=terms.tao_rao)
    Subtensor.TotalIssuance.add(state, amount=terms.tao_rao + terms.excess_tao_rao)


def _buy(context: Context, netuid: int, tao: int) -> swaps.Swap | None:
    """The chain's own purchase, without a fee; None when there is nothing to spend or the pool refuses."""
    if not tao:
        return None
    try:
        with context.attempt():
            return swaps.buy(context, netuid, tao, free=True)
    except DispatchFailure:
        return None


def _to_pots(state: WritableState, netuid: int, alpha: int, *, root_is_paid: bool) -> None:
    """The block's alpha for participants: owner's cut, miners, validators, root."""
    Subtensor.SubnetAlphaOut.add(state, netuid, amount=alpha)
    with_cut = rules(state) < 425 or Subtensor.OwnerCutEnabled.get(state, netuid)
    cut = Subtensor.SubnetOwnerCut.get(state) if with_cut else 0
    parts = emission.split_alpha(alpha, cut, root_proportion(state, netuid))
    Subtensor.PendingOwnerCut.add(state, netuid, amount=parts.owner_rao)
    Subtensor.PendingServerEmission.add(state, netuid, amount=parts.server_rao)
    Subtensor.PendingValidatorEmission.add(state, netuid, amount=parts.validator_rao)
    if root_is_paid:
        Subtensor.PendingRootAlphaDivs.add(state, netuid, amount=parts.root_rao)
    else:
        payment.recycle(state, netuid, parts.root_rao)


def run_epoch(context: Context, netuid: int) -> None:
    """``distribute_emission``: consensus and its vectors, then owner, miners, validators and root are paid."""
    state = context.state
    count = Subtensor.SubnetworkN.get(state, netuid)
    if not count:
        return
    hotkeys = [Subtensor.Keys.get(state, netuid, uid) for uid in range(count)]
    pots = payment.drain(state, netuid)
    parts = mechanisms.split_emission(state, netuid, pots.without_cut)
    results = []
    for mechanism, part in enumerate(parts):
        index = mechanisms.index_of(netuid, mechanism)
        results.append(yuma.epoch(_inputs(context, netuid, index, hotkeys, part)))
        _store_own(state, index, results[-1])
        emitted = list(results[-1].server_emission_rao)
        context.deposit(INCENTIVE_EMITTED, {"netuid": index, "emissions": emitted})
    result = mechanisms.merged(results, parts)
    _store(state, netuid, result)
    incentives, dividends = list(result.server_emission_rao), list(result.validator_emission_rao)
    payment.pay(context, netuid, hotkeys, pots, incentives, dividends)


def _inputs(context: Context, netuid: int, index: int, hotkeys: list[bytes], paid: int) -> yuma.EpochInputs:
    state = context.state
    uids = range(len(hotkeys))
    last_step = Subtensor.LastMechansimStepBlock.get(state, netuid)
    low, high = Subtensor.AlphaValues.get(state, netuid)
    liquid = yuma.Liquid(low, high, Subtensor.AlphaSigmoidSteepness.get(state, netuid))
    return yuma.EpochInputs(
        block=context.block,
        tempo=Subtensor.Tempo.get(state, netuid),
        stake_rao=tuple(stakes.stake_weight_bits(state, netuid, hotkey) for hotkey in hotkeys),
        weights=tuple(tuple(Subtensor.Weights.get(state, index, uid)) for uid in uids),
        bonds=tuple(tuple(Subtensor.Bonds.get(state, index, uid)) for uid in uids),
        last_update=tuple(Subtensor.LastUpdate.get(state, index)),
        block_at_registration=tuple(Subtensor.BlockAtRegistration.get(state, netuid, uid) for uid in uids),
        validator_permit=tuple(Subtensor.ValidatorPermit.get(state, netuid)),
        emission_rao=paid,
        activity_cutoff=activity_cutoff(state, netuid),
        kappa=Subtensor.Kappa.get(state, netuid),
        bonds_penalty=Subtensor.BondsPenalty.get(state, netuid),
        bonds_moving_average=Subtensor.BondsMovingAverage.get(state, netuid),
        max_validators=Subtensor.MaxAllowedValidators.get(state, netuid),
        stake_threshold_rao=Subtensor.StakeThreshold.get(state) << FRACTION,
        owner_votes=rules(state) >= 425,
        owner_uid=Subtensor.Uids.get(state, netuid, Subtensor.SubnetOwnerHotkey.get(state, netuid)),
        bonds_since=last_step + 1 if last_step and rules(state) >= 425 else None,
        yuma3=Subtensor.Yuma3On.get(state, netuid),
        liquid=liquid if Subtensor.LiquidAlphaOn.get(state, netuid) else None,
    )


def activity_cutoff(state: State, netuid: int) -> int:
    """Blocks after which a neuron that sets no weights is inactive; at 425 in thousandths of a tempo."""
    if rules(state) < 425:
        return int(Subtensor.ActivityCutoff.get(state, netuid))
    factor: int = Subtensor.ActivityCutoffFactorMilli.get(state, netuid)
    return factor * int(Subtensor.Tempo.get(state, netuid)) // 1000


def _store(state: WritableState, netuid: int, result: yuma.EpochResult) -> None:
    vectors = (
        (Subtensor.Active, result.active),
        (Subtensor.StakeWeight, result.stake_weight),
        (Subtensor.Rank, result.rank),
        (Subtensor.Trust, result.trust),
        (Subtensor.Consensus, result.consensus),
        (Subtensor.Dividends, result.dividends),
        (Subtensor.ValidatorTrust, result.validator_trust),
        (Subtensor.PruningScores, result.pruning_scores),
        (Subtensor.ValidatorPermit, result.validator_permit),
        (Subtensor.Emission, result.emission_rao),
    )
    for item, values in vectors:
        item.put(state, netuid, value=values)


def _store_own(state: WritableState, index: int, result: yuma.EpochResult) -> None:
    """What each mechanism has of its own."""
    Subtensor.Incentive.put(state, index, value=result.incentive)
    for uid, row in enumerate(result.bonds):
        if row:
            Subtensor.Bonds.put(state, index, uid, value=row)
        else:
            Subtensor.Bonds.remove(state, index, uid)
