"""QR codes of what is not secret: payloads, signatures, addresses. Never of keys or phrases.

segno is loaded when the first code is drawn; a copy without it says so and offers the file.
"""

from __future__ import annotations

import io
from typing import Any

from ranvier.core.errors import KeyFileError


def matrix(data: bytes | str) -> tuple[tuple[bool, ...], ...]:
    """The modules of a QR code, dark is True, with the quiet border of four; for painting in a window.

    Raises KeyFileError when the data is too long for one code (2953 bytes) or codes cannot be drawn here.
    """
    return tuple(tuple(bool(module) for module in row) for row in _code(data).matrix_iter(border=4))


def terminal(data: bytes | str) -> str:
    """The same in half-block characters for a terminal."""
    out = io.StringIO()
    _code(data).terminal(out, compact=True, border=2)
    return out.getvalue()


def _code(data: bytes | str) -> Any:
    try:
        import segno
    except ImportError as error:
        raise KeyFileError("No QR codes here", "This copy cannot draw QR codes.", "Use the file instead.") from error
    try:
        return segno.make_qr(data, error="l", boost_error=True)
    except segno.DataOverflowError as error:
        raise KeyFileError(
            "Too long for a QR code", f"{len(data)} bytes do not fit into one QR code.", "Use the file instead."
        ) from error
