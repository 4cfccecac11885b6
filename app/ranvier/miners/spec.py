"""What a keeper is told to run: the file ``keeper.json`` as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ranvier.core.files import read_small, write_atomic
from ranvier.core.outside import NOT_JSON

FILE_NAME = "keeper.json"


class Secrets(Mapping[str, str]):
    """Values by the name of their variable. No repr tells them, and no encoder takes them."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._values)})"

    def __reduce__(self) -> str:
        raise TypeError("secrets are not written down")


class ProgramSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One program and its policy. ``env`` is the whole environment: nothing of ours is added but one mark.

    Times are seconds. ``stop_signal`` is a name without SIG. The program is asked to end with it, after
    ``stop_grace_s`` with TERM, after ``term_grace_s`` with KILL. The restart numbers are those of
    ``policy.Limits``. Logs rotate at ``log_segment_bytes`` or after ``log_segment_s``, stay below ``log_total_bytes``
    (compressed) and are kept for ``log_keep_s``. ``nice``, ``memory_bytes`` and ``cpu_weight`` limit it where the
    system allows that; ``ports`` are looked at after its end: are they free again?

    ``secrets`` join the environment and are never written: the file has their names only, read back as
    ``secret_names``. They are handed to the keeper with each start.
    """

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    stop_signal: str = "TERM"
    stop_grace_s: float = 10.0
    term_grace_s: float = 5.0
    backoff_first_s: float = 1.0
    backoff_factor: float = 2.0
    backoff_cap_s: float = 120.0
    backoff_jitter: float = 0.2
    start_mark_s: float = 1.0
    stable_s: float = 60.0
    crash_budget: int = 12
    window_s: float = 3600.0
    window_budget: int = 30
    log_segment_bytes: int = 8 << 20
    log_total_bytes: int = 64 << 20
    log_segment_s: float = 86_400.0
    log_keep_s: float = 30 * 86_400.0
    nice: int | None = None
    memory_bytes: int | None = None
    cpu_weight: int | None = None
    ports: tuple[int, ...] = ()
    secret_names: tuple[str, ...] = ()
    secrets: Secrets = Secrets()


def write_spec(folder: Path, spec: ProgramSpec) -> None:
    """Store ``spec`` in ``folder`` (owner-only); the keeper reads it at the program's next start.

    A name in ``secrets`` is in no other place of the file, whatever ``env`` says of it. ``folder`` is noted, so that
    a keeper finds what lies in it also after it was moved.
    """
    data = {name: getattr(spec, name) for name in spec.__struct_fields__ if name != "secrets"}
    data["env"] = {name: value for name, value in spec.env.items() if name not in spec.secrets}
    data["secret_names"] = sorted({*spec.secret_names, *spec.secrets})
    data["folder"] = str(folder.absolute())
    write_atomic(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(data), indent=1))


def read_spec(folder: Path) -> ProgramSpec | None:
    """The spec in ``folder``, without secrets; None when there is none or it cannot be read."""
    try:
        return msgspec.json.decode(read_small(folder / FILE_NAME), type=ProgramSpec)
    except (OSError, *NOT_JSON):
        return None
