"""A program's secrets in the keeper's hands: handed over with a command, in memory only, never written down.

Standard library only.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ranvier.miners.keeper.keeper_spec import Spec


LACKING = "needs its secrets again"  # how the reason begins


class LackingError(Exception):
    """The program needs secrets that this keeper was not given; the text is the reason that people read."""


class Secrets:
    """Values by the name of their variable. A keeper that was killed took them with it; the next one has none."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def take(self, request: dict[str, Any]) -> None:
        """Have those of a command in place of all former ones; a command without any changes nothing."""
        given = request.get("secrets")
        if isinstance(given, dict):
            self._values = {str(name): str(value) for name, value in given.items()}

    def environment(self, spec: Spec) -> dict[str, str]:
        """The program's whole environment. LackingError when a secret that it names is not here."""
        lacking = [name for name in spec.secret_names if name not in self._values]
        if lacking:
            raise LackingError(f"{LACKING} ({', '.join(lacking)}); start it from Ranvier")
        return {**spec.env, **{name: self._values[name] for name in spec.secret_names}}
