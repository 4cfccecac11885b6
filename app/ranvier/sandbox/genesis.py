"""Block 0 of a practice network: play accounts, the root network, and one subnet with its market."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ranvier.core.units import RAO_PER_COIN
from ranvier.keys.signing import LocalSigner
from ranvier.sandbox.context import Context
from ranvier.sandbox.node import Practice
from ranvier.sandbox.pallets import balances
from ranvier.sandbox.pallets.subtensor import setup
from ranvier.sandbox.pallets.system import System
from ranvier.sandbox.play_keys import PlayKeys
from ranvier.sandbox.state import Overlay
from ranvier.sandbox.version import SPEC_NAME, SPEC_VERSION

NETUID = 1
FAUCET_RAO = 1_000_000 * RAO_PER_COIN
_OWN_RAO = 1_000 * RAO_PER_COIN
_STAKES_RAO = (400 * RAO_PER_COIN, 250 * RAO_PER_COIN, 150 * RAO_PER_COIN)


@dataclass(frozen=True)
class Cast:
    """Who lives in a practice network: pairs of (coldkey, hotkey)."""

    faucet: LocalSigner
    author: LocalSigner
    owner: tuple[LocalSigner, LocalSigner]
    validators: tuple[tuple[LocalSigner, LocalSigner], ...]
    competitors: tuple[tuple[LocalSigner, LocalSigner], ...]

    @classmethod
    def of(cls, keys: PlayKeys, validators: int, competitors: int) -> Cast:
        def pair(*role: str | int) -> tuple[LocalSigner, LocalSigner]:
            return keys.signer(*role, "coldkey"), keys.signer(*role, "hotkey")

        return cls(
            faucet=keys.signer("faucet"),
            author=keys.signer("author"),
            owner=pair("owner"),
            validators=tuple(pair("validator", place) for place in range(validators)),
            competitors=tuple(pair("competitor", place) for place in range(competitors)),
        )

    def practice(self, tempo: int) -> Practice:
        return Practice(
            NETUID,
            tempo,
            tuple(hotkey.ss58 for _, hotkey in self.validators),
            tuple(hotkey.ss58 for _, hotkey in self.competitors),
        )


class _Empty:
    def get(self, key: bytes) -> bytes | None:
        return None

    def keys_under(self, prefix: bytes) -> Iterator[bytes]:
        return iter(())


def genesis(cast: Cast, tempo: int) -> dict[bytes, bytes]:
    """The first state."""
    overlay = Overlay(_Empty())
    context = Context(overlay, 0, cast.author.public_key, 0)
    System.LastRuntimeUpgrade.put(overlay, value={"spec_version": SPEC_VERSION, "spec_name": SPEC_NAME})
    balances.mint(context, cast.faucet.public_key, FAUCET_RAO)
    for signer in (cast.author, cast.owner[0]):
        balances.mint(context, signer.public_key, _OWN_RAO)
    for coldkey, _ in cast.validators + cast.competitors:
        balances.mint(context, coldkey.public_key, _OWN_RAO)
    setup.make_root(context)
    setup.make_subnet(context, NETUID, tempo, cast.owner[0].public_key, cast.owner[1].public_key)
    for coldkey, hotkey in cast.validators + cast.competitors:
        setup.seat(context, NETUID, coldkey.public_key, hotkey.public_key)
    for place, (coldkey, hotkey) in enumerate(cast.validators):
        amount = _STAKES_RAO[place % len(_STAKES_RAO)]
        setup.stake(context, NETUID, coldkey.public_key, hotkey.public_key, amount)
        setup.permit(context, NETUID, hotkey.public_key)
    setup.count_issuance(context)
    return {key: value for key, value in overlay.changes().items() if value is not None}
