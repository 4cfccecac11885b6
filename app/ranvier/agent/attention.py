"""What needs the owner, from what is known. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ranvier.agent.api.messages import Attention, ChainView, DiagnosisView, MinerView
from ranvier.agent.api.miner_messages import NO_SEAT
from ranvier.agent.miners.incidents import key_of
from ranvier.core.errors import RanvierError
from ranvier.core.evidence import Level
from ranvier.ledger.errors import needs_mending
from ranvier.miners.states import ShownState

_SUBJECTS = ("Process", "Health", "Registration", "Contact", "Pay")
_TOLD_BY_INCIDENT = ("Process", "Health", "Contact", "Pay")  # they follow from its not running
_TOLD_BY_NO_SEAT = ("Registration", "Contact", "Pay")
_ORDER = {Level.BAD: 0, Level.WARN: 1}


def attention(
    chain: ChainView,
    miners: Iterable[MinerView],
    troubles: Iterable[RanvierError],
    others: Iterable[Attention] = (),
) -> tuple[Attention, ...]:
    """Everything bad or doubtful, the worst first, with ``others`` (hardware, reminders). A stopped miner that is meant
    to be stopped is neither."""
    found = [*map(_trouble, troubles), *others]
    if chain.level in _ORDER:
        found.append(Attention(chain.level, "Network", chain.text, page="netcheck"))
    for miner in miners:
        if miner.level is Level.OFF:
            continue
        why = miner.diagnosis
        if why is not None:
            found.append(_incident(miner, why))
        told = () if why is None else _TOLD_BY_NO_SEAT if why.cause == NO_SEAT else _TOLD_BY_INCIDENT
        for subject, one in zip(_SUBJECTS, miner.evidence, strict=False):
            if one.level in _ORDER and subject not in told:
                found.append(Attention(one.level, f"{miner.name}: {subject.lower()}", _sentence(one.text), miner.id))
    return tuple(sorted(found, key=lambda one: _ORDER.get(one.level, 2)))


def _incident(miner: MinerView, why: DiagnosisView) -> Attention:
    """One entry for the whole incident, however often it ended: the same key is the same incident."""
    text = f"{why.sentence} {why.step}".strip()
    if why.cause == NO_SEAT:
        return Attention(Level.BAD, f"{miner.name} runs without a seat", text, miner.id, key_of(miner.id, why))
    failed = miner.shown is ShownState.FAILED
    often = "" if why.ends < 2 else f", {why.ends} times"
    title = f"{miner.name} {'has failed' if failed else 'ended'}{'' if failed else often}"
    return Attention(Level.BAD if failed else Level.WARN, title, text, miner.id, key_of(miner.id, why))


def _trouble(error: RanvierError) -> Attention:
    page = "earnings" if needs_mending(error) else ""
    return Attention(Level.BAD, error.title, f"{error.message} {error.hint}".strip(), page=page)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
