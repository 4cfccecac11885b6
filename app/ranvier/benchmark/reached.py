"""How near to its memory's roof a card served a model: "at most 38 tokens/s; you measured 27 = 71 %". Pure.

Only of loads whose serving card was chosen, and whose model is in the catalogue by its name. The roof is that of the
measured load: so many sequences of the length that they had on average, not of the context asked about elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from ranvier.benchmark.fit import Catalogue, Model, Quantisation, roof
from ranvier.benchmark.metrics import LoadResult
from ranvier.benchmark.store import Record, newest_bandwidth

_SIGNS = (
    ("q8_0", "q8_0"), ("q6_k", "q6_k"), ("q5_k_m", "q5_k_m"), ("q4_k_m", "q4_k_m"), ("awq", "int4_g128"),
    ("gptq", "int4_g128"), ("mxfp4", "mxfp4"), ("fp8", "fp8"),
)  # fmt: skip


class Reached(msgspec.Struct, frozen=True):
    """Output tokens per second over ``sequences`` at once of ``tokens`` each on average, and what memory allows."""

    model: str
    quantisation: str
    sequences: int
    tokens: int
    rate: float
    roof: float

    @property
    def words(self) -> str:
        """One sentence."""
        at = "one at a time" if self.sequences == 1 else f"{self.sequences} at once"
        share = f"you measured {self.rate:.0f} = {100 * self.rate / self.roof:.0f} %"
        name = self.model.rpartition("/")[2]
        words = f"{name}, {self.quantisation}, {at}: at most {self.roof:.0f} tokens/s; {share}."
        if self.rate <= self.roof * 1.05:
            return words
        return f"{words} More than memory allows: fewer bits than its name says, or several tokens guessed at once."


def reached(records: Sequence[Record], catalogue: Catalogue, uuid: str) -> tuple[Reached, ...]:
    """Of ``records`` (newest first) the newest for each model and number at once on this card; one at a time and the
    most. Empty without a measured bandwidth."""
    bandwidth = newest_bandwidth(records, uuid)
    found: dict[tuple[str, str, int], Reached] = {}
    for record in records if bandwidth else ():
        if record.subject.uuid != uuid:
            continue
        for load in _loads(record):
            known = named(load.model, catalogue)
            if known is None or load.concurrency is None or not load.completed or not load.per_user_throughput:
                continue
            model, how = known
            tokens = round(((load.input_tokens or 0) + load.output_tokens / 2) / load.completed)
            most = roof(model, how, bandwidth or 0.0, context=tokens, sequences=load.concurrency)
            rate = load.per_user_throughput * load.concurrency
            one = Reached(model.id, how.id, load.concurrency, tokens, rate, most)
            found.setdefault((model.id, how.id, load.concurrency), one)
    return tuple(found.values())


def named(served: str, catalogue: Catalogue) -> tuple[Model, Quantisation] | None:
    """The catalogue's model and quantisation that a server's name means; None for one that is not in it. Without a
    sign of another one in the name weights are taken as published."""
    words = _plain(served)
    models = [model for model in catalogue.models if _plain(model.id.rpartition("/")[2]) in words]
    model = max(models, key=lambda one: len(one.id), default=None)
    if model is None:
        return None
    signs = [how for sign, how in _SIGNS if sign in served.lower().replace("-", "_")]
    wanted = signs[0] if signs else model.only[0] if model.only else "bf16"
    how = next((one for one in catalogue.quantisations if one.id == wanted), None)
    return None if how is None else (model, how)


def _loads(record: Record) -> Iterator[LoadResult]:
    if record.serving is not None:
        yield record.serving
    steps = record.sweep.steps if record.sweep is not None else ()
    best = max(steps, key=lambda step: step.output_throughput, default=None)
    yield from (step for step in steps if step.concurrency == 1 or step is best)


def _plain(name: str) -> str:
    """Letters and digits with single dashes, and a dash at both ends, so that 8b is not found in 18b."""
    return "-" + re.sub(r"[^a-z0-9.]+", "-", name.lower().removesuffix(".gguf")).strip("-") + "-"
