"""Names of wallets and hotkeys: a rule that every system and every other tool can live with."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from ranvier.core.errors import KeyFileError

LONGEST = 64
_FORBIDDEN = set('/\\:*?"<>|')
_ENDINGS = ("pub.txt", ".lock", ".tmp")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_DIGITS = re.compile(r"(\d+)")


def check_name(name: str) -> str:
    """``name`` in composed Unicode form; raises KeyFileError which says what is wrong with it."""
    name = unicodedata.normalize("NFC", name)
    reason = _reason(name)
    if reason:
        raise KeyFileError("Not a name", f"The name {reason}.", "Use letters, digits, blanks, and . _ - inside.")
    return name


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key by which ``miner-2`` comes before ``miner-10``, capitals aside."""
    parts = _DIGITS.split(name.casefold())
    return tuple((0, int(part)) if part.isascii() and part.isdigit() else (1, part) for part in parts if part)


def taken(folder: Path, name: str) -> str | None:
    """The entry of ``folder`` that is ``name`` on a system that does not tell capitals apart, if there is one."""
    try:
        entries = [entry.name for entry in folder.iterdir()]
    except OSError:
        return None
    return next((entry for entry in entries if folded(entry) == folded(name)), None)


def folded(name: str) -> str:
    """``name`` as systems that ignore capitals and Unicode forms see it."""
    return unicodedata.normalize("NFC", name).casefold()


def _reason(name: str) -> str | None:
    if not name:
        return "is empty"
    if len(name) > LONGEST or len(name.encode("utf-8", "replace")) > 200:
        return f"is longer than {LONGEST} characters"
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        return "holds a control character"
    forbidden = next((c for c in name if c in _FORBIDDEN), None)
    if forbidden is not None:
        return f"holds the character {forbidden}"
    if name[0] in ". " or name[-1] in ". " or name.strip() != name:
        return "begins or ends with a dot or a blank"
    if _DEVICES.fullmatch(name):
        return "is reserved by Windows"
    ending = next((e for e in _ENDINGS if name.casefold().endswith(e)), None)
    return f"ends in {ending}, which wallet folders use for something else" if ending else None
