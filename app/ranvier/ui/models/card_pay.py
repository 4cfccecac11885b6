"""What a card drew and what the miners on it were paid in one time: energy per alpha and per TAO. No Qt.

Amounts are integers: microjoules and rao. What is not known of either makes the quotient unknown, with the reason.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ranvier.agent.api.messages import MinerView
from ranvier.core.units import RAO_PER_COIN, Tao, alpha_unit, format_tao
from ranvier.hardware.history import Energy
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.ledger.coverage import Gap
from ranvier.ledger.payments import Payment
from ranvier.ui.models.gpus import Fact, energy_text
from ranvier.ui.phrases import alpha_text
from ranvier.ui.words import UNKNOWN, percent_text

BLOCK_S = 12.0
_WHOLE = 0.95  # of the time: what a pause of the sampling leaves out is small then


@dataclass(frozen=True, slots=True)
class Paid:
    """What one miner was paid in the time; ``doubt`` says why not all of it is known, or not of this card alone."""

    name: str
    rows: tuple[Payment, ...] = ()
    doubt: str = ""


NOT_YET = (Paid("", doubt="The ledger has not answered yet."),)


@dataclass(frozen=True, slots=True)
class Balance:
    """One card in one time. ``energy_uj`` (microjoules) of the part of the time for which it is known; ``alpha`` is rao
    by subnet; ``uj_per_alpha`` and ``uj_per_tao`` are rounded down. None is unknown; ``doubts`` are the reasons."""

    energy_uj: int | None
    counted: bool
    share: float
    alpha: tuple[tuple[int, int], ...]
    tao_rao: int | None
    uj_per_alpha: int | None
    uj_per_tao: int | None
    doubts: tuple[str, ...] = ()


def on_card(
    miners: Iterable[MinerView], uuids: frozenset[str], users: frozenset[int], pids: Mapping[str, frozenset[int]]
) -> tuple[MinerView, ...]:
    """The miners that a card was given to, and those that are seen on it. ``uuids``: the card and its instances;
    ``pids``: each miner's programs; ``users``: the programs on the card."""
    return tuple(one for one in miners if uuids & set(one.gpus) or users & pids.get(one.id, frozenset()))


@dataclass(frozen=True, slots=True)
class Stays:
    """On which cards each miner ran, by samples that know it. ``since`` (Unix seconds) is the oldest of them, None when
    none does; ``seen`` has (when, cards) of each miner wherever it was on any, oldest first."""

    since: float | None
    seen: Mapping[str, tuple[tuple[float, frozenset[str]], ...]]

    def ever(self, card: str) -> frozenset[str]:
        """The miners that ran on this card at any time."""
        return frozenset(one for one, all_of in self.seen.items() if any(card in cards for _at, cards in all_of))

    def at(self, miner: str, when: float, now: frozenset[str]) -> frozenset[str]:
        """The cards of a miner at a moment: those it was last seen on until then, because pay comes after the work.
        Of a time before all that is known, those it was seen on first, else ``now``."""
        seen = self.seen.get(miner, ())
        place = bisect_right(seen, when, key=lambda one: one[0])
        if place:
            return seen[place - 1][1]
        if self.since is not None and self.since <= when:
            return frozenset()
        return seen[0][1] if seen else now


def stays(samples: Iterable[Hardware]) -> Stays:
    """Who ran where, from the samples of a time, oldest first. An instance counts as the card that it is a part of."""
    since: float | None = None
    seen: dict[str, list[tuple[float, frozenset[str]]]] = {}
    for sample in samples:
        if since is None and any(gpu.miners is not None for gpu in sample.gpus):
            since = sample.at
        here: dict[str, set[str]] = {}
        for card, parts in card_parts(sample.gpus).items():
            for miner in (miner for gpu in parts for miner in gpu.miners or ()):
                here.setdefault(miner, set()).add(card)
        for miner, cards in here.items():
            before = seen.setdefault(miner, [])
            if not before or before[-1][1] != cards:
                before.append((sample.at, frozenset(cards)))
    return Stays(since, {miner: tuple(found) for miner, found in seen.items()})


def card_parts(gpus: Sequence[Gpu]) -> dict[str, tuple[Gpu, ...]]:
    """Each card with its instances. An instance whose card is hidden is a card itself."""
    present = {gpu.uuid for gpu in gpus}
    parts: dict[str, tuple[Gpu, ...]] = {}
    for gpu in gpus:
        card = gpu.parent_uuid if gpu.parent_uuid is not None and gpu.parent_uuid in present else gpu.uuid
        parts[card] = (*parts.get(card, ()), gpu)
    return parts


def gap_doubt(gaps: Iterable[Gap], miner: MinerView, head: int | None, start: float, now: float) -> str:
    """Why pay since ``start`` may not all be known, from what the ledger says it lacks; empty when it lacks nothing."""
    mine = [one for one in gaps if (one.netuid, one.hotkey_ss58) == (miner.netuid, miner.hotkey_ss58)]
    since = None if head is None else head - int((now - start) / BLOCK_S)
    if not any(since is None or one.to_block >= since for one in mine):
        return ""
    return f"The ledger does not know all of {miner.name}'s pay in this time."


def balance(energy: Energy | None, seconds: float, paid: Sequence[Paid]) -> Balance:
    """Put the energy of ``seconds`` beside what was paid in them."""
    doubts: list[str] = []
    share = 0.0 if energy is None or seconds <= 0 else min(1.0, energy.seconds / seconds)
    whole = energy is not None and share >= _WHOLE
    if energy is None:
        doubts.append("Neither its energy nor its power is known in this time.")
    elif not whole:
        doubts.append(f"Its energy is known for {percent_text(100 * share)} of this time only.")
    if not paid:
        doubts.append("No miner of this machine was on this card.")
    doubts += [one.doubt for one in paid if one.doubt]
    alpha: dict[int, int] = {}
    tao: int | None = 0
    for row in (row for one in paid for row in one.rows):
        alpha[row.netuid] = alpha.get(row.netuid, 0) + row.alpha_rao
        tao = None if tao is None or row.price_rao is None else tao + row.alpha_rao * row.price_rao // RAO_PER_COIN
    known = bool(paid) and not any(one.doubt for one in paid)
    if known and not any(alpha.values()):
        doubts.append("Nothing was paid in this time: look at several epochs.")
    if len(alpha) > 1:
        doubts.append(f"Alphas of {len(alpha)} subnets are different currencies and make no sum.")
    if tao is None:
        doubts.append("The price of an epoch is not known.")
    drawn = None if energy is None else round(energy.joules * 1e6)
    usable = drawn if known and whole else None
    return Balance(
        energy_uj=drawn,
        counted=energy is not None and energy.counted,
        share=share,
        alpha=tuple(sorted(alpha.items())) if known else (),
        tao_rao=tao if known else None,
        uj_per_alpha=per_coin(usable, next(iter(alpha.values())) if len(alpha) == 1 else None),
        uj_per_tao=per_coin(usable, tao),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def per_coin(energy_uj: int | None, rao: int | None) -> int | None:
    """Microjoules for one coin, rounded down; None where either is unknown or nothing was paid."""
    return None if energy_uj is None or not rao else energy_uj * RAO_PER_COIN // rao


def pay_facts(found: Balance) -> tuple[Fact, ...]:
    """The four figures of a card, each with its unit."""
    how = ", by its own counter" if found.counted else ", estimated from its power"
    part = "" if found.share >= _WHOLE else f" in {percent_text(100 * found.share)} of it"
    drawn = energy_text(found.energy_uj) + (f"{part}{how}" if found.energy_uj is not None else "")
    alpha = ", ".join(alpha_text(rao, netuid) for netuid, rao in found.alpha)
    tao = "" if not found.tao_rao else f" = {format_tao(Tao(found.tao_rao), 4)}"
    known = found.tao_rao is not None or bool(found.alpha)
    paid = f"{alpha}{tao}" if alpha else "nothing"
    netuid = found.alpha[0][0] if found.alpha else 0
    return (
        Fact("Energy in this time", drawn, found.energy_uj is not None),
        Fact("Paid in this time", paid if known else UNKNOWN, known),
        _quotient("Energy for one alpha", found.uj_per_alpha, alpha_unit(netuid)),
        _quotient("Energy for one TAO, at each epoch's price", found.uj_per_tao, "TAO"),
    )


def _quotient(name: str, microjoules: int | None, unit: str) -> Fact:
    known = microjoules is not None
    return Fact(name, f"{energy_text(microjoules)} per {unit}" if known else UNKNOWN, known)
