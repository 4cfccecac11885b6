"""This room's one error."""

from __future__ import annotations

from ranvier.core.errors import RanvierError


class BenchmarkError(RanvierError):
    """A benchmark cannot be run, or may not be run now."""
