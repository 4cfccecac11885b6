"""Issuance and halvings by the runtime's rule (facts of the emission code), as pure integer functions."""

from __future__ import annotations

from dataclasses import dataclass

CAP_RAO = 21_000_000 * 10**9
_MOST_HALVINGS = 32


@dataclass(frozen=True, slots=True)
class Supply:
    """``block_emission_rao`` is what a block makes now; the next halving comes at ``next_halving_rao`` of issuance,
    in ``blocks_to_halving`` blocks if nothing is recycled: recycled TAO lowers the issuance and moves it away."""

    issuance_rao: int
    block_emission_rao: int
    halvings: int
    next_halving_rao: int | None
    blocks_to_halving: int | None
    staked_rao: int | None = None


def halvings_at(issuance_rao: int) -> int:
    """How often emission has been halved at this issuance: floor(log2(cap / (cap - issuance)))."""
    left = CAP_RAO - issuance_rao
    if left <= 0:
        return _MOST_HALVINGS
    return (CAP_RAO // left).bit_length() - 1


def emission_at(issuance_rao: int) -> int:
    """Rao that one block makes: 1 TAO, halved as often as ``halvings_at`` says; none at the cap."""
    return 0 if issuance_rao >= CAP_RAO else 10**9 >> halvings_at(issuance_rao)


def threshold(halving: int) -> int:
    """The issuance at which the halving with this number (1, 2, ...) happens, in rao."""
    return CAP_RAO - (CAP_RAO >> halving)


def supply(issuance_rao: int, block_emission_rao: int | None = None, staked_rao: int | None = None) -> Supply:
    """``block_emission_rao``: what the chain says, where it says it; else the rule."""
    made = emission_at(issuance_rao) if block_emission_rao is None else block_emission_rao
    halvings = halvings_at(issuance_rao)
    following = threshold(halvings + 1) if made > 0 else None
    blocks = -(-(following - issuance_rao) // made) if following is not None and following > issuance_rao else None
    return Supply(issuance_rao, made, halvings, following, blocks, staked_rao)
