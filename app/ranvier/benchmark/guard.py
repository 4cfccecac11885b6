"""Whether a benchmark may disturb: a registered miner that serves earns less while its GPU is busy with us. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ranvier.benchmark.errors import BenchmarkError


@dataclass(frozen=True, slots=True)
class RunningMiner:
    """A miner that runs on this machine (``up``), or should. ``play`` is a practice network, where nothing is lost.
    ``gpus``: the cards chosen for it; ``any_gpu``: none is, and it uses whichever it finds."""

    id: str
    name: str
    registered: bool
    play: bool = False
    axon_port: int | None = None
    gpus: tuple[str, ...] = ()
    up: bool = True
    any_gpu: bool = False


def cost_of(miners: Sequence[RunningMiner]) -> str | None:
    """What a benchmark now may cost, in words; None when nothing of value is served."""
    serving = [miner.name for miner in miners if miner.registered and miner.up and not miner.play]
    if not serving:
        return None
    names = ", ".join(serving)
    return (
        f"{names} is registered and serves validators. While the benchmark runs, its answers are slower or late; "
        "validators may score it lower for several epochs, and a low score can cost its seat."
    )


def users_of(miners: Sequence[RunningMiner], uuids: Sequence[str]) -> str | None:
    """The names of those that have one of these cards, or may have; None when nobody has."""
    cards = set(uuids) - {"cpu"}
    return ", ".join(m.name for m in miners if set(m.gpus) & cards or (m.any_gpu and cards)) or None


def may_run(miners: Sequence[RunningMiner], *, told_to: bool) -> None:
    """Raises BenchmarkError when a registered miner serves and nobody said to go on all the same."""
    cost = cost_of(miners)
    if cost is not None and not told_to:
        raise BenchmarkError("A miner is serving", cost, "Stop it first, or say that the cost is accepted (--serving).")
