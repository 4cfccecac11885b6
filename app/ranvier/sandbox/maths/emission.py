"""Emission per block: the halving curve, the owner's cut, the pots, what is injected into a pool. Integers only.

Rules of the subtensor pallet: coinbase/block_emission.rs (``get_block_emission_for_issuance``) and
coinbase/run_coinbase.rs.
"""

from __future__ import annotations

from dataclasses import dataclass

from ranvier.core.units import RAO_PER_COIN
from ranvier.sandbox.maths.fixed import FRACTION, U16_MAX

SUPPLY_CAP_RAO = 21_000_000 * RAO_PER_COIN
FIRST_EMISSION_RAO = RAO_PER_COIN
OWNER_CUT = 11796
"""18 % as a u16 proportion (``SubnetOwnerCut``)."""


@dataclass(frozen=True, slots=True)
class AlphaSplit:
    """One block's alpha of one subnet by pot, rao of alpha. The parts never exceed the whole."""

    owner_rao: int
    server_rao: int
    validator_rao: int
    root_rao: int


@dataclass(frozen=True, slots=True)
class Injection:
    """What one block adds to a pool's reserves, and the TAO with which the chain itself buys alpha; rao."""

    tao_rao: int
    alpha_rao: int
    excess_tao_rao: int


def block_emission_rao(total_issuance_rao: int) -> int:
    """TAO made by one block (``get_block_emission``): 1 TAO, halved each time half of the rest of 21 M is out.

    The runtime takes floor(log2(1 / (1 - issuance / cap))) halvings; that is the number of times the part still
    unissued can be doubled without exceeding the cap.
    """
    left = SUPPLY_CAP_RAO - max(total_issuance_rao, 0)
    if left <= 0:
        return 0
    return FIRST_EMISSION_RAO >> ((SUPPLY_CAP_RAO // left).bit_length() - 1)


def alpha_emission_rao(alpha_in_rao: int, alpha_out_rao: int) -> int:
    """Alpha made for one subnet by one block: the same curve over ``SubnetAlphaIn + SubnetAlphaOut``."""
    return block_emission_rao(alpha_in_rao + alpha_out_rao)


def injection(tao_bits: int, alpha_cap_bits: int, price_bits: int) -> Injection:
    """What of a subnet's TAO goes into its pool (``get_subnet_terms``); all bits are U96F32.

    Alpha goes in at the price, up to the cap; TAO follows it, and what is left of the TAO buys alpha.
    """
    alpha = (tao_bits << FRACTION) // price_bits if price_bits else 0
    tao = tao_bits
    if alpha > alpha_cap_bits:
        alpha = alpha_cap_bits
        tao = alpha * price_bits >> FRACTION
    return Injection(tao >> FRACTION, alpha >> FRACTION, max(tao_bits - tao, 0) >> FRACTION)


def root_proportion(root_tao_rao: int, tao_weight: int, alpha_issuance_rao: int) -> int:
    """Bits of root's part of the validators' half: weighted root TAO over that plus all alpha of the subnet.

    ``tao_weight`` is the stored u64 proportion (2**64 - 1 is one).
    """
    weighted = root_tao_rao * ((tao_weight << FRACTION) // (2**64 - 1))
    whole = weighted + (alpha_issuance_rao << FRACTION)
    return (weighted << FRACTION) // whole if whole else 0


def split_alpha(alpha_rao: int, owner_cut: int = OWNER_CUT, root_share_bits: int = 0) -> AlphaSplit:
    """One block's alpha by pot (``run_coinbase``): the owner's cut, then half to miners, half to validators and root.

    ``owner_cut`` is a u16 proportion (0 where the cut is off), ``root_share_bits`` comes from ``root_proportion``.
    """
    cut_bits = alpha_rao * ((owner_cut << FRACTION) // U16_MAX)
    left_bits = (alpha_rao << FRACTION) - cut_bits
    half_bits = left_bits // 2
    root_bits = (left_bits * root_share_bits >> FRACTION) // 2
    validator_bits = left_bits - half_bits - root_bits
    return AlphaSplit(cut_bits >> FRACTION, half_bits >> FRACTION, validator_bits >> FRACTION, root_bits >> FRACTION)
