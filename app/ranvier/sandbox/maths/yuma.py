"""Yuma consensus: from stake and weights to incentive, dividends and payment, in the runtime's integer arithmetic.

The rules are those of the subtensor pallet's ``epoch_mechanism`` (epoch/run_epoch.rs, epoch/math.rs) in its sparse
form: Yuma2 with the plain moving average of bonds, and Yuma3 with or without liquid alpha. Not here: commit-reveal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ranvier.sandbox.maths.fixed import (
    FRACTION,
    ONE,
    U16_MAX,
    div,
    from_u16,
    max_upscale_u16,
    mul,
    normalised,
    normalised_amounts,
    to_u16,
)
from ranvier.sandbox.maths.fixed64 import exp32

Row = tuple[tuple[int, int], ...]
"""One sparse row as stored on the chain: (uid, u16) pairs."""

_Rows = list[list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Liquid:
    """Liquid alpha (``AlphaValues``, ``AlphaSigmoidSteepness``)."""

    low: int = 45_875
    high: int = 58_982
    steepness: int = 1000


@dataclass(frozen=True, slots=True)
class EpochInputs:
    """One subnet just before its epoch. Every vector has one element per uid, 0 to n - 1.

    ``stake_rao`` is the stake weight (alpha plus weighted root stake), or in a finer unit where the threshold is too.
    ``weights[i]`` is the row that uid i set, greatest value 65535; ``bonds[i]`` its stored bonds. Block heights are
    absolute. ``kappa`` and ``bonds_penalty`` are u16 proportions, ``bonds_moving_average`` is in millionths.
    ``emission_rao`` is all that the epoch pays. ``bonds_since`` is the first block whose newcomers have no bonds yet
    (None: a tempo ago, as up to 343).
    With ``owner_votes`` the owner's seat needs no stake for its permit (425).
    ``liquid`` (only with ``yuma3``) gives each bond its own pace between two u16 proportions, by a sigmoid's steepness.
    """

    block: int
    tempo: int
    stake_rao: tuple[int, ...]
    weights: tuple[Row, ...]
    bonds: tuple[Row, ...]
    last_update: tuple[int, ...]
    block_at_registration: tuple[int, ...]
    validator_permit: tuple[bool, ...]
    emission_rao: int
    activity_cutoff: int = 5000
    kappa: int = 32767
    bonds_penalty: int = U16_MAX
    bonds_moving_average: int = 900_000
    max_validators: int = 64
    stake_threshold_rao: int = 0
    owner_uid: int | None = None
    owner_votes: bool = False
    bonds_since: int | None = None
    yuma3: bool = False
    liquid: Liquid | None = None

    def __post_init__(self) -> None:
        vectors = (self.weights, self.bonds, self.last_update, self.block_at_registration, self.validator_permit)
        if any(len(vector) != len(self.stake_rao) for vector in vectors):
            raise ValueError("every vector of an epoch must have one element per uid")


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What the epoch leaves in storage (u16 proportions, one element per uid) and what it pays (rao).

    ``server_emission_rao`` is miners' pay, ``validator_emission_rao`` the dividends; their sum is never more than
    the emission. ``emission_rao`` is what the item ``Emission`` shows. ``bonds`` holds the rows to store.
    """

    active: tuple[bool, ...]
    stake_weight: tuple[int, ...]
    rank: tuple[int, ...]
    trust: tuple[int, ...]
    consensus: tuple[int, ...]
    incentive: tuple[int, ...]
    dividends: tuple[int, ...]
    validator_trust: tuple[int, ...]
    pruning_scores: tuple[int, ...]
    validator_permit: tuple[bool, ...]
    bonds: tuple[Row, ...]
    emission_rao: tuple[int, ...]
    server_emission_rao: tuple[int, ...]
    validator_emission_rao: tuple[int, ...]


def epoch(inputs: EpochInputs) -> EpochResult:
    """Run one epoch (``Pallet::epoch``)."""
    uids = range(len(inputs.stake_rao))
    active = [inputs.last_update[uid] + inputs.activity_cutoff >= inputs.block for uid in uids]
    favoured = inputs.owner_uid if inputs.owner_votes else None
    enough = [inputs.stake_rao[uid] >= inputs.stake_threshold_rao or uid == favoured for uid in uids]
    stake = normalised_amounts([inputs.stake_rao[uid] if enough[uid] else 0 for uid in uids])
    permits = _top_nonzero(stake, inputs.max_validators)
    if favoured is not None:
        permits[favoured] = True
        held = tuple(permit or uid == favoured for uid, permit in enumerate(inputs.validator_permit))
        inputs = replace(inputs, validator_permit=held)
    voting = normalised([stake[uid] if active[uid] and inputs.validator_permit[uid] else 0 for uid in uids])

    weights = _usable_weights(inputs)
    preranks = _column_sums(weights, voting)
    consensus = _medians(voting, weights, from_u16(inputs.kappa))
    clipped = _clip(weights, consensus)
    ranks = _column_sums(clipped, voting)
    trust = [div(after, before) for after, before in zip(ranks, preranks, strict=True)]
    incentive = normalised(ranks)
    for_bonds = _between(weights, clipped, from_u16(inputs.bonds_penalty))
    if inputs.yuma3:
        bonds = _moved_bonds_3(inputs, for_bonds, consensus)
        earned = _earned(_columns_over(bonds, int.__add__), incentive)
        dividends = normalised([mul(share, part) for share, part in zip(earned, voting, strict=True)])
    else:
        bonds = _moved_bonds(inputs, for_bonds, voting)
        dividends = normalised(_earned(bonds, incentive))

    server, validator, combined = _emission_shares(incentive, dividends, voting, stake)
    return EpochResult(
        active=tuple(active),
        stake_weight=_u16s(stake),
        rank=_u16s(incentive),
        trust=_u16s(trust),
        consensus=_u16s(consensus),
        incentive=_u16s(incentive),
        dividends=_u16s(dividends),
        validator_trust=_u16s([sum(weight for _, weight in row) for row in clipped]),
        pruning_scores=tuple(max_upscale_u16(combined)),
        validator_permit=tuple(permits),
        bonds=_stored_bonds(inputs, bonds, permits),
        emission_rao=_paid(combined, inputs.emission_rao),
        server_emission_rao=_paid(server, inputs.emission_rao),
        validator_emission_rao=_paid(validator, inputs.emission_rao),
    )


def _u16s(values: Sequence[int]) -> tuple[int, ...]:
    return tuple(to_u16(value) for value in values)


def _paid(shares: Sequence[int], emission_rao: int) -> tuple[int, ...]:
    return tuple((share * emission_rao) >> FRACTION for share in shares)


def _top_nonzero(stake: Sequence[int], count: int) -> list[bool]:
    """The ``count`` greatest stakes that are not 0; of equals the later uid wins (``is_topk_nonzero``)."""
    result = [value != 0 for value in stake]
    for uid in sorted(range(len(stake)), key=stake.__getitem__)[: max(len(stake) - count, 0)]:
        result[uid] = False
    return result


def _usable_weights(inputs: EpochInputs) -> _Rows:
    """Weights of permitted validators, without self-weights and without those set before the target registered."""
    n = len(inputs.stake_rao)
    rows: _Rows = []
    for i, row in enumerate(inputs.weights):
        kept: list[tuple[int, int]] = []
        if inputs.validator_permit[i]:
            updated = inputs.last_update[i]
            kept = [
                (j, weight << FRACTION)
                for j, weight in row
                if j < n and (i != j or j == inputs.owner_uid) and updated > inputs.block_at_registration[j]
            ]
        total = sum(weight for _, weight in kept)
        rows.append([(j, div(weight, total)) for j, weight in kept] if total else kept)
    return rows


def _column_sums(rows: _Rows, factors: Sequence[int]) -> list[int]:
    """Sum over i of ``rows[i][j] * factors[i]`` (``matmul_sparse``)."""
    sums = [0] * len(rows)
    for row, factor in zip(rows, factors, strict=True):
        for j, value in row:
            sums[j] += mul(factor, value)
    return sums


def _medians(voting: Sequence[int], rows: _Rows, majority: int) -> list[int]:
    """Per column the stake-weighted median of the weights (``weighted_median_col_sparse``)."""
    voters = [i for i, share in enumerate(voting) if share > 0]
    stake = normalised([voting[i] for i in voters])
    total = sum(stake)
    scores = [[0] * len(voters) for _ in rows]
    for k, i in enumerate(voters):
        for j, value in rows[i]:
            scores[j][k] = value
    everyone = list(range(len(voters)))
    return [_median(stake, column, everyone, total - majority, total) for column in scores]


def _median(stake: Sequence[int], score: Sequence[int], part: list[int], minority: int, total: int) -> int:
    """The score at which the stake below reaches ``minority`` (``weighted_median``, pivot in the middle)."""
    low, high = 0, total
    while len(part) > 1:
        pivot = score[part[len(part) // 2]]
        lower = [k for k in part if score[k] < pivot]
        upper = [k for k in part if score[k] > pivot]
        below = low + sum(stake[k] for k in lower)
        above = high - sum(stake[k] for k in upper)
        if minority < below and lower:
            part, high = lower, below
        elif above <= minority and upper:
            part, low = upper, above
        else:
            return pivot
    return score[part[0]] if part else 0


def _clip(rows: _Rows, ceilings: Sequence[int]) -> _Rows:
    """Weights cut down to the consensus of their column (``col_clip_sparse``)."""
    return [[(j, min(value, ceilings[j])) for j, value in row if min(value, ceilings[j]) > 0] for row in rows]


def _between(rows: _Rows, others: _Rows, ratio: int) -> _Rows:
    """``rows + ratio * (others - rows)`` element by element, zeros left out (``interpolate_sparse``)."""
    if ratio == 0:
        return rows
    if ratio == ONE:
        return others
    result: _Rows = []
    for row, other in zip(rows, others, strict=True):
        first, second = dict(row), dict(other)
        values = {j: first.get(j, 0) for j in sorted(first.keys() | second.keys())}
        mixed = [(j, value + mul(ratio, second.get(j, 0) - value)) for j, value in values.items()]
        result.append([(j, value) for j, value in mixed if value > 0])
    return result


def _columns_over(rows: _Rows, fold: Callable[[int, int], int]) -> _Rows:
    """Each value divided by its column's fold: the sum makes shares, the greatest makes the top one."""
    columns = [0] * len(rows)
    for row in rows:
        for j, value in row:
            columns[j] = fold(columns[j], value)
    return [[(j, div(value, columns[j]) if columns[j] else value) for j, value in row] for row in rows]


def _earned(bonds: _Rows, incentive: Sequence[int]) -> list[int]:
    """What each validator's bonds are worth: sum over j of bond times incentive."""
    return [sum(mul(incentive[j], bond) for j, bond in row) for row in bonds]


def _old_bonds(inputs: EpochInputs) -> _Rows:
    """The stored bonds, whole u16 numbers as bits.

    Bonds in a neuron that registered since the last tempo are those of its predecessor and are left out.
    """
    n = len(inputs.stake_rao)
    since = max(inputs.block - inputs.tempo, 0) if inputs.bonds_since is None else inputs.bonds_since
    fresh = [registered >= since for registered in inputs.block_at_registration]
    return [[(j, bond << FRACTION) for j, bond in row if j < n and not fresh[j]] for row in inputs.bonds]


def _pace(inputs: EpochInputs) -> int:
    return ONE - ((inputs.bonds_moving_average << FRACTION) // 1_000_000)


def _averaged(new: _Rows, old: _Rows, alpha: int) -> _Rows:
    """``mat_ema_sparse``: alpha of the new, the rest of the old; zeros left out."""
    moved: _Rows = []
    for new_row, old_row in zip(new, old, strict=True):
        row = [0] * len(new)
        for j, value in new_row:
            row[j] += mul(alpha, value)
        for j, value in old_row:
            row[j] += mul(ONE - alpha, value)
        moved.append([(j, value) for j, value in enumerate(row) if value > 0])
    return moved


def _moved_bonds(inputs: EpochInputs, weights: _Rows, voting: Sequence[int]) -> _Rows:
    """Yuma2's bonds after this epoch, columns adding up to one (``compute_ema_bonds_normal_sparse``)."""
    old = _columns_over(_old_bonds(inputs), int.__add__)
    delta: _Rows = [[(j, mul(value, voting[i])) for j, value in row] for i, row in enumerate(weights)]
    moved = _averaged(_columns_over(delta, int.__add__), old, _pace(inputs))
    return _columns_over(moved, int.__add__)


def _moved_bonds_3(inputs: EpochInputs, weights: _Rows, consensus: Sequence[int]) -> _Rows:
    """Yuma3's bonds after this epoch, each a proportion of its own (``compute_bonds_sparse``).

    With liquid alpha a bond without a weight of today is gone (``mat_ema_alpha_sparse``).
    """
    old: _Rows = [[(j, bond // U16_MAX) for j, bond in row] for row in _old_bonds(inputs)]
    if inputs.liquid is None or not any(consensus):
        return _averaged(weights, old, _pace(inputs))
    moved: _Rows = []
    for row, old_row in zip(weights, old, strict=True):
        before = dict(old_row)
        values = []
        for j, weight in row:
            alpha = liquid_alpha(inputs.liquid, consensus[j], weight, before.get(j, 0))
            value = min(mul(ONE - alpha, before.get(j, 0)) + max(mul(alpha, weight), 0), ONE)
            values.append((j, value))
        moved.append([(j, value) for j, value in values if value > 0])
    return moved


def liquid_alpha(liquid: Liquid, consensus: int, weight: int, bond: int) -> int:
    """The pace of one bond (``alpha_sigmoid``): the faster the further the weight is from what it is measured at."""
    low, high = from_u16(liquid.low), from_u16(liquid.high)
    difference = weight - consensus if weight >= bond else bond - weight
    difference = min(max(difference, 0), ONE)
    steepness = -((liquid.steepness << FRACTION) // 100)
    power = exp32(mul(steepness, difference - ONE // 2)) or 0
    sigmoid = div(ONE, ONE + power)
    return min(max(low + mul(sigmoid, high - low), low), high)


def _stored_bonds(inputs: EpochInputs, bonds: _Rows, permits: Sequence[bool]) -> tuple[Row, ...]:
    """Rows to store: Yuma2's scaled per column to 65535; cleared with the permit; else left as they were."""
    scaled = bonds if inputs.yuma3 else _columns_over(bonds, max)
    rows: list[Row] = []
    for i, row in enumerate(scaled):
        if permits[i]:
            rows.append(tuple((j, to_u16(value)) for j, value in row))
        else:
            rows.append(() if inputs.validator_permit[i] else inputs.bonds[i])
    return tuple(rows)


def _emission_shares(
    incentive: list[int], dividends: list[int], voting: list[int], stake: list[int]
) -> tuple[list[int], list[int], list[int]]:
    """Shares of the emission: servers', validators', both. Without any weight it goes by stake to validators."""
    both = [earned + bond for earned, bond in zip(incentive, dividends, strict=True)]
    total = sum(both)
    if not total:
        by_stake = voting if any(voting) else stake
        return incentive, by_stake, by_stake
    return (
        [div(value, total) for value in incentive],
        [div(value, total) for value in dividends],
        [div(value, total) for value in both],
    )
