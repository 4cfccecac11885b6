"""What fits into memory, and how fast it can be at most. Pure, apart from reading the catalogue file.

A model needs its weights, the KV cache of its sequences and an overhead. Decoding reads the active weights (once for
all sequences) and each sequence's cache for every token, so memory bandwidth sets a roof that no program passes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from ranvier.benchmark.errors import BenchmarkError
from ranvier.core.paths import resources

GIB = 2**30
_OVERHEAD = GIB  # CUDA's context, kernels, activations of one step; measured programs use 0.6 to 1.5 GiB
_OVERHEAD_SHARE = 0.02  # buffers that grow with the model


class Quantisation(msgspec.Struct, frozen=True):
    id: str
    title: str
    bytes_per_parameter: float
    source: str


class Model(msgspec.Struct, frozen=True):
    """``active``: what one token reads (None: all). ``window_layers`` of the layers remember ``window`` tokens.
    ``unchecked``: the figures that were not held against a copy of this model's config.json."""

    id: str
    parameters: int
    layers: int
    kv_heads: int
    head_dim: int
    context: int
    source: str
    active: int | None = None
    window: int | None = None
    window_layers: int = 0
    only: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


class Catalogue(msgspec.Struct, frozen=True):
    models: tuple[Model, ...]
    quantisations: tuple[Quantisation, ...]

    def find(self, model: str, quantisation: str) -> tuple[Model, Quantisation]:
        """By id, or by the last part of a model's id. Raises BenchmarkError."""
        wanted = model.lower()
        found = next((m for m in self.models if wanted in (m.id.lower(), m.id.lower().rpartition("/")[2])), None)
        how = next((q for q in self.quantisations if q.id == quantisation), None)
        if found is None or how is None:
            what = model if found is None else quantisation
            raise BenchmarkError("Not in the catalogue", f"{what!r} is not known.", "See ranvier bench fit.")
        return found, how


class Fit(msgspec.Struct, frozen=True):
    """One model in one quantisation against so much memory; bytes. An estimate, never a promise.

    ``longest_context`` is for the asked number of sequences, ``most_sequences`` for the asked context; both None when
    the weights alone do not fit. ``roof`` is tokens per second over all sequences, None without a bandwidth.
    """

    model: str
    quantisation: str
    context: int
    sequences: int
    weights: int
    cache: int
    overhead: int
    needed: int
    available: int
    fits: bool
    longest_context: int | None
    most_sequences: int | None
    roof: float | None
    unchecked: tuple[str, ...] = ()


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the catalogue that comes with the program. Raises BenchmarkError for a broken file."""
    path = path or resources() / "models.toml"
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        return Catalogue(
            msgspec.convert(raw.get("model", []), tuple[Model, ...]),
            msgspec.convert([{"id": key, **row} for key, row in raw["quantisation"].items()], tuple[Quantisation, ...]),
        )
    except (OSError, ValueError, KeyError, AttributeError, msgspec.ValidationError) as error:
        raise BenchmarkError("The model list is broken", f"{path}: {error}.", "Reinstall the program.") from error


def cache_bytes(model: Model, context: int, sequences: int = 1, *, bytes_per_value: float = 2.0) -> int:
    """The KV cache of so many sequences of so many tokens: keys and values in each layer and head."""
    full = (model.layers - model.window_layers) * context
    windowed = model.window_layers * min(context, model.window or context)
    return round(2 * model.kv_heads * model.head_dim * bytes_per_value * (full + windowed)) * sequences


def weights_bytes(model: Model, quantisation: Quantisation) -> int:
    return round(model.parameters * quantisation.bytes_per_parameter)


def roof(
    model: Model, quantisation: Quantisation, bandwidth: float, *, context: int, sequences: int = 1,
    cache_value_bytes: float = 2.0,
) -> float:  # fmt: skip
    """Most output tokens per second over all sequences that ``bandwidth`` (bytes per second) allows."""
    read = (model.active or model.parameters) * quantisation.bytes_per_parameter
    read += cache_bytes(model, context, sequences, bytes_per_value=cache_value_bytes)
    return sequences * bandwidth / read


def fit(
    model: Model, quantisation: Quantisation, available: int, *, context: int = 8192, sequences: int = 1,
    bandwidth: float | None = None, cache_value_bytes: float = 2.0,
) -> Fit:  # fmt: skip
    """Hold one model against ``available`` bytes of free memory."""
    context = min(context, model.context)
    weights = weights_bytes(model, quantisation)
    overhead = round(_OVERHEAD + weights * _OVERHEAD_SHARE)

    def cache(tokens: int, count: int) -> int:
        return cache_bytes(model, tokens, count, bytes_per_value=cache_value_bytes)

    needed = weights + cache(context, sequences) + overhead
    left = available - weights - overhead
    longest = most = None
    if left > 0:
        most = left // cache(context, 1)
        longest = _largest(model.context, lambda tokens: cache(tokens, sequences) <= left)
    return Fit(
        model=model.id,
        quantisation=quantisation.id,
        context=context,
        sequences=sequences,
        weights=weights,
        cache=cache(context, sequences),
        overhead=overhead,
        needed=needed,
        available=available,
        fits=needed <= available,
        longest_context=longest,
        most_sequences=most,
        roof=None
        if not bandwidth
        else roof(
            model, quantisation, bandwidth, context=context, sequences=sequences, cache_value_bytes=cache_value_bytes
        ),
        unchecked=model.unchecked,
    )


def fit_all(
    catalogue: Catalogue, available: int, *, context: int = 8192, sequences: int = 1, bandwidth: float | None = None
) -> tuple[Fit, ...]:
    """Every model in every quantisation that exists for it, in the catalogue's order."""
    return tuple(
        fit(model, how, available, context=context, sequences=sequences, bandwidth=bandwidth)
        for model in catalogue.models
        for how in _existing(model, catalogue.quantisations)
    )


def _existing(model: Model, quantisations: Iterable[Quantisation]) -> Iterable[Quantisation]:
    """A model with a list of its own exists in those only; MXFP4 only where it is listed."""
    for how in quantisations:
        if how.id in model.only or (not model.only and how.id != "mxfp4"):
            yield how


def _largest(most: int, good: Callable[[int], bool]) -> int:
    """The largest number up to ``most`` that is still ``good``; 0 when none is. ``good`` holds up to one point."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if good(middle):
            low = middle
        else:
            high = middle - 1
    return low
