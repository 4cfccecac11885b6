"""Standard streams that never end a command, whatever the terminal, the pipe or the system's letters are."""

from __future__ import annotations

import codecs
import io
import os
import sys

_NAME = "ranvier.escaped"


def prepare_streams() -> None:
    """Have what a stream's encoding lacks (ASCII, cp1252) written as JSON writes it, and give a window its streams.

    So nothing that is written to them raises ``UnicodeEncodeError``, and a document in JSON stays one.
    """
    codecs.register_error(_NAME, escaped)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # a Windows program without a console
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # for the whole life
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)


def escaped(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: each letter that cannot be encoded as ``\\uXXXX``, in two halves where it is one of
    the many beyond 16 bits."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4)), error.end
