"""How a block's TAO is shared out among subnets (coinbase/subnet_emissions.rs), in the runtime's U64F64.

343 goes by the moving average of the TAO that users bring in less what they take out (``get_shares_flow``); 425 by
the moving average of the price, less the part of its miners' pay that a subnet withholds (``MinerBurned``).
"""

from __future__ import annotations

from collections.abc import Sequence

from ranvier.sandbox.frame.storage import State, WritableState
from ranvier.sandbox.maths.fixed64 import LIMIT, ONE64, div64, exp32, ln32, mul64, sqrt64
from ranvier.sandbox.pallets.subtensor import swaps
from ranvier.sandbox.pallets.subtensor.storage import Subtensor, rules

_I32_MAX = (1 << 31) - 1
_I32F32_MAX = (1 << 63) - 1
_I64_MAX = (1 << 63) - 1


def emitting(state: State) -> list[int]:
    """The subnets that emit, ascending (``get_subnets_to_emit_to``)."""
    with_pow = rules(state) < 425

    def emits(netuid: int) -> bool:
        if netuid == swaps.ROOT or Subtensor.FirstEmissionBlockNumber.get(state, netuid) is None:
            return False
        open_to_all = Subtensor.NetworkRegistrationAllowed.get(state, netuid)
        by_work = with_pow and Subtensor.NetworkPowRegistrationAllowed.get(state, netuid)
        return bool(Subtensor.SubtokenEnabled.get(state, netuid) and (open_to_all or by_work))

    return sorted(netuid for (netuid,), added in Subtensor.NetworksAdded.items(state) if added and emits(netuid))


def moving_price(state: State, netuid: int) -> int:
    """``get_moving_alpha_price``: U64F64 bits."""
    if netuid == swaps.ROOT or Subtensor.SubnetMechanism.get(state, netuid) == 0:
        return ONE64
    bits: int = Subtensor.SubnetMovingPrice.get(state, netuid)
    return max(bits, 0) << 32


def follow_price(state: WritableState, netuid: int, block: int) -> None:
    """``update_moving_price``: smoothing grows with the subnet's age b as b / (b + EMAPriceHalvingBlocks).

    343 computes in U96F32, 425 in U64F64; a price above one counts as one.
    """
    first = Subtensor.FirstEmissionBlockNumber.get(state, netuid) or 0
    age = max(block - max(first - 1, 0), 0)
    whole = age + Subtensor.EMAPriceHalvingBlocks.get(state, netuid)
    digits = 64 if rules(state) >= 425 else 32
    one, narrow = 1 << digits, 64 - digits
    grown = (age << digits) // whole if whole else 0
    alpha = ((Subtensor.SubnetMovingAlpha.get(state) << (digits - 32)) * grown) >> digits
    now = min(swaps.price_bits(state, netuid) >> narrow, one)
    before = moving_price(state, netuid) >> narrow
    moved = (alpha * now >> digits) + ((one - alpha) * before >> digits)
    Subtensor.SubnetMovingPrice.put(state, netuid, value=moved >> (digits - 32))


def emissions(state: WritableState, block: int, netuids: Sequence[int], made_rao: int) -> dict[int, int]:
    """Each subnet's TAO of this block as U96F32 bits (``get_subnet_block_emissions``)."""
    if rules(state) < 425:
        shares = flow_shares(state, block, netuids)
    else:
        shares = _of_the_enabled(state, price_shares(state, netuids))
    return {netuid: mul64(made_rao << 64, share) >> 32 for netuid, share in shares.items()}


def price_shares(state: State, netuids: Sequence[int]) -> dict[int, int]:
    """``subnet_emission_shares`` of 425: moving price times (1 - MinerBurned), as parts of one."""
    prices = {netuid: moving_price(state, netuid) for netuid in netuids}
    total = min(sum(prices.values()), LIMIT)
    plain = {netuid: div64(price, total) for netuid, price in prices.items()}
    weighted = {}
    for netuid, share in plain.items():
        burned = min(Subtensor.MinerBurned.get(state, netuid) << 32, ONE64)
        weighted[netuid] = mul64(share, ONE64 - burned)
    total = min(sum(weighted.values()), LIMIT)
    return {netuid: div64(share, total) for netuid, share in weighted.items()} if total else plain


def _of_the_enabled(state: State, shares: dict[int, int]) -> dict[int, int]:
    """Subnets whose TAO is switched off get none; the others share it."""
    on = {netuid for netuid in shares if Subtensor.SubnetEmissionEnabled.get(state, netuid)}
    if len(on) == len(shares):
        return shares
    total = min(sum(shares[netuid] for netuid in on), LIMIT)
    return {netuid: div64(share, total) if netuid in on else 0 for netuid, share in shares.items()}


def flow_shares(state: WritableState, block: int, netuids: Sequence[int]) -> dict[int, int]:
    """``get_shares_flow`` of 343: what each subnet's average flow is above the lower limit, raised and normalised."""
    flows = {netuid: _ema_flow(state, netuid, block) for netuid in netuids}
    limit = max(Subtensor.TaoFlowCutoff.get(state), min([0, *flows.values()]))
    above = {netuid: max(flow - limit, 0) for netuid, flow in flows.items()}
    return normalised_powers(above, Subtensor.FlowNormExponent.get(state))


def _ema_flow(state: WritableState, netuid: int, block: int) -> int:
    """``get_ema_flow``: I64F64 bits; the block's flow enters the average once, and starts anew."""
    last, average = Subtensor.SubnetEmaTaoFlow.get(state, netuid) or (0, 0)
    if last == block:
        return int(average)
    alpha = (Subtensor.FlowEmaSmoothingFactor.get(state) << 64) // _I64_MAX
    flow = Subtensor.SubnetTaoFlow.get(state, netuid) << 64
    moved: int = ((ONE64 - alpha) * average >> 64) + (alpha * flow >> 64)
    Subtensor.SubnetEmaTaoFlow.put(state, netuid, value=(block, moved))
    Subtensor.SubnetTaoFlow.remove(state, netuid)
    return moved


def normalised_powers(values: dict[int, int], exponent: int) -> dict[int, int]:
    """``inplace_pow_normalize``: each value to the ``exponent``, over the sum of all. U64F64 bits."""
    factor = div64(ONE64, max(values.values(), default=0))
    scaled = {netuid: mul64(factor, value) for netuid, value in values.items()}
    greatest = max(scaled.values(), default=0)
    size = mul64(len(scaled) << 64, mul64(greatest, greatest))
    if size < div64(_I32_MAX << 64, ((1 << 64) - 1) << 64):
        return scaled
    factor = sqrt64(div64(_I32_MAX << 64, size), div64(ONE64, 1000 << 64))
    powers = {netuid: _power(mul64(factor, value), exponent) for netuid, value in scaled.items()}
    total = min(sum(powers.values()), LIMIT)
    return {netuid: div64(power, total) for netuid, power in powers.items()}


def _power(value: int, exponent: int) -> int:
    """``safe_pow``: by logarithm and exponential of 32 bits, also for an exponent of one."""
    logarithm = ln32(min(value >> 32, _I32F32_MAX))
    if logarithm is None:
        return 0
    power = exp32(max(min(min(exponent >> 32, _I32F32_MAX) * logarithm >> 32, _I32F32_MAX), -_I32F32_MAX - 1))
    return max(_I32_MAX << 32 if power is None else power, 0) << 32
