"""What fits: rows of models against so much memory, each with its reason. No Qt widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ranvier.benchmark.fit import Catalogue, Fit, fit_all
from ranvier.benchmark.store import Record, newest_bandwidth
from ranvier.core.evidence import Level
from ranvier.hardware.snapshot import Hardware
from ranvier.ui.models.benchmarks import number_text
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.words import UNKNOWN, size_text

CONTEXTS = (2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072)


@dataclass(frozen=True, slots=True)
class Place:
    """Memory in which a model could run; bytes free now and in all."""

    uuid: str
    title: str
    free: int
    total: int


def places(sample: Hardware | None) -> tuple[Place, ...]:
    """Each GPU with known memory, then the machine's own."""
    if sample is None:
        return ()
    host = sample.host
    found = []
    for gpu in sample.gpus:
        if gpu.problem is not None or gpu.memory_total is None or (gpu.mig and gpu.parent_uuid is None):
            continue
        usable = gpu.memory_total - (gpu.memory_reserved or 0)
        free = host.memory_available if gpu.unified_memory else usable - (gpu.memory_used or 0)
        found.append(Place(gpu.uuid, f"GPU {gpu.index} · {gpu.name}", max(0, free), usable))
    return (*found, Place("cpu", "This machine's memory (processor)", host.memory_available, host.memory_total))


def compute(
    catalogue: Catalogue, place: Place, records: Sequence[Record], *, context: int, sequences: int, whole: bool
) -> tuple[Fit, ...]:
    """Every model against this place; ``whole`` counts its memory as empty."""
    bandwidth = newest_bandwidth(records, place.uuid)
    available = place.total if whole else place.free
    return fit_all(catalogue, available, context=context, sequences=sequences, bandwidth=bandwidth)


def level_of(found: Fit) -> Level:
    return Level.GOOD if found.fits else Level.BAD


def reason(found: Fit) -> str:
    """``fits, 3.1 GiB spare`` or why not."""
    if found.fits:
        return f"fits, {size_text(found.available - found.needed)} spare"
    if found.longest_context:
        return f"only {number_text(found.longest_context)} tokens fit"
    if found.most_sequences:
        return f"only {found.most_sequences} at once"
    return f"{size_text(found.needed - found.available)} missing"


def order(found: Fit) -> tuple[bool, int]:
    """The largest that fits is the best; of the others the one that misses least."""
    return found.fits, found.needed if found.fits else found.available - found.needed


def quantisation_titles(catalogue: Catalogue) -> dict[str, str]:
    return {one.id: one.title for one in catalogue.quantisations}


def fits_model(titles: dict[str, str]) -> RowsModel[Fit]:
    """The catalogue's table."""
    return RowsModel[Fit](
        (
            Column("Verdict", reason, order),
            Column("Model", name_words, lambda f: f.model, tooltip=source_words),
            Column("Quantisation", lambda f: titles.get(f.quantisation, f.quantisation), lambda f: f.quantisation),
            Column("Needs", lambda f: size_text(f.needed), lambda f: f.needed, number=True, tooltip=parts_words),
            Column("At most", roof_text, lambda f: f.roof, number=True,
                   help="Tokens per second over all sequences that the measured memory bandwidth allows"),
            Column("Tokens", lambda f: _count(f.longest_context), lambda f: f.longest_context, number=True, spare=2,
                   help="The longest context that fits, with as many sequences as are chosen"),
            Column("At once", lambda f: _count(f.most_sequences), lambda f: f.most_sequences, number=True, spare=1,
                   help="The most sequences that fit at once, with the context that is chosen"),
        ),
        key=lambda found: (found.model, found.quantisation),
    )  # fmt: skip


def name_words(found: Fit) -> str:
    """The model's own name, and whether all of it was checked; the tooltip says what was not."""
    doubt = " (unchecked)" if found.unchecked else ""
    return found.model.rpartition("/")[2] + doubt


def source_words(found: Fit) -> str:
    if found.unchecked:
        return f"{found.model}: {', '.join(found.unchecked)} was not held against a copy of its config.json"
    return f"{found.model}: held against a copy of its or its base model's config.json"


def parts_words(found: Fit) -> str:
    return (
        f"Weights {size_text(found.weights)}, KV cache {size_text(found.cache)} for {found.sequences} x "
        f"{found.context} tokens, overhead {size_text(found.overhead)}"
    )


def roof_text(found: Fit) -> str:
    return UNKNOWN if found.roof is None else number_text(found.roof, "tok/s")


def _count(count: int | None) -> str:
    return "none" if not count else number_text(count)


def chosen(fits: Sequence[Fit], *, words: str, quantisation: str | None, only_fitting: bool) -> tuple[Fit, ...]:
    """Those that the filters leave. ``words`` must all stand in the model's name."""
    wanted = words.lower().split()
    return tuple(
        found
        for found in fits
        if all(word in found.model.lower() for word in wanted)
        and quantisation in (None, found.quantisation)
        and (found.fits or not only_fitting)
    )
