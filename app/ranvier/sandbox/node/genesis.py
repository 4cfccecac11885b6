"""Block 0 of a practice network: play accounts, the root network, and one subnet with its market."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ranvier.core.units import RAO_PER_COIN
from ranvier.keys.signing import LocalSigner
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.state import Overlay
from ranvier.sandbox.frame.version import CODE_KEY, SPEC_NAME, SPECS
from ranvier.sandbox.node.node import Practice
from ranvier.sandbox.node.play_keys import PlayKeys
from ranvier.sandbox.pallets import balances, shield
from ranvier.sandbox.pallets.subtensor import setup
from ranvier.sandbox.pallets.subtensor.storage import DEFAULT_RULES, Own
from ranvier.sandbox.pallets.sudo import ALICE, Sudo
from ranvier.sandbox.pallets.system import System

NETUID = 1
ISSUED_RAO = 20_990_000 * RAO_PER_COIN
"""All TAO of block 0, nearly all that there may be: a block makes some 0.0005 TAO more, which does not move the price
of a pool as small as this one. Whoever has none of it yet gets it from the faucet, which holds the rest."""
_OWN_RAO = 1_000 * RAO_PER_COIN
_ALICE_RAO = 10_000 * RAO_PER_COIN
_STAKES_RAO = (400 * RAO_PER_COIN, 250 * RAO_PER_COIN, 150 * RAO_PER_COIN)


@dataclass(frozen=True)
class Cast:
    """Who lives in a practice network: pairs of (coldkey, hotkey)."""

    faucet: LocalSigner
    author: LocalSigner
    owner: tuple[LocalSigner, LocalSigner]
    validators: tuple[tuple[LocalSigner, LocalSigner], ...]
    competitors: tuple[tuple[LocalSigner, LocalSigner], ...]
    crowd: tuple[tuple[LocalSigner, LocalSigner], ...] = ()
    user: tuple[bytes, bytes] | None = None

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

    def with_crowd(self, keys: PlayKeys, count: int, user: tuple[bytes, bytes] | None) -> Cast:
        """With ``count`` silent neurons, and the (coldkey, hotkey) that will sit in the first seat."""
        user = user or (keys.signer("user", "coldkey").public_key, keys.signer("user", "hotkey").public_key)
        pairs = ((keys.signer("crowd", n, "coldkey"), keys.signer("crowd", n, "hotkey")) for n in range(count))
        return replace(self, crowd=tuple(pairs), user=user)

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


def _subnet(context: Context, cast: Cast, netuid: int, tempo: int) -> None:
    setup.make_subnet(context, netuid, tempo, cast.owner[0].public_key, cast.owner[1].public_key)
    people = [(cold.public_key, hot.public_key) for cold, hot in cast.validators + cast.competitors + cast.crowd]
    if cast.user is not None:
        # Of equals the lowest uid leaves first: the first seat is the next to go.
        people.insert(0, cast.user)
        setup.fill(context, netuid, len(people))
    for coldkey, hotkey in people:
        setup.seat(context, netuid, coldkey, hotkey)
    for place, (cold, hot) in enumerate(cast.validators):
        amount = _STAKES_RAO[place % len(_STAKES_RAO)]
        setup.stake(context, netuid, cold.public_key, hot.public_key, amount)
        setup.permit(context, netuid, hot.public_key)


def genesis(cast: Cast, tempo: int, *, rules: int = 425, subnets: int = 1) -> dict[bytes, bytes]:
    """The first state. Every subnet has the same seats; only the first one is lived in."""
    overlay = Overlay(_Empty())
    context = Context(overlay, 0, cast.author.public_key, 0)
    overlay.put(CODE_KEY, SPECS[rules].code)
    System.LastRuntimeUpgrade.put(overlay, value={"spec_version": rules, "spec_name": SPEC_NAME})
    if rules >= 425:
        shield.begin(overlay, cast.author.public_key)
    Sudo.Key.put(overlay, value=ALICE)
    balances.mint(context, ALICE, _ALICE_RAO)
    for signer in (cast.author, cast.owner[0]):
        balances.mint(context, signer.public_key, _OWN_RAO)
    for coldkey, _ in cast.validators + cast.competitors:
        balances.mint(context, coldkey.public_key, _OWN_RAO * subnets)
    setup.make_root(context, tempo)
    Own.NewTempo.put(overlay, value=tempo)
    if rules != DEFAULT_RULES:
        Own.Rules.put(overlay, value=rules)
    if cast.user is not None and not balances.free_balance(overlay, cast.user[0]):
        balances.mint(context, cast.user[0], _OWN_RAO)
    for netuid in range(NETUID, NETUID + subnets):
        _subnet(context, cast, netuid, tempo)
    balances.mint(context, cast.faucet.public_key, ISSUED_RAO - setup.count_issuance(context))
    setup.count_issuance(context)
    return {key: value for key, value in overlay.changes().items() if value is not None}
