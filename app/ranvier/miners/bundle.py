"""What a person may hand to a helper: one zip of a miner's status, recipe, versions and last log lines, redacted.

First ``prepare`` shows what would be in it and what was cut out; ``write`` stores exactly that. Seeds, phrases,
tokens, passwords, addresses on the network and the name of the home folder are cut out; public keys stay.
"""

from __future__ import annotations

import datetime
import io
import platform
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ranvier import __version__
from ranvier.core.files import write_atomic
from ranvier.core.log import redact
from ranvier.miners.generations import Generations
from ranvier.miners.levels import plain
from ranvier.miners.logs import tail
from ranvier.miners.recipe import FILE_NAME
from ranvier.miners.spec import read_spec

LINES = 5000
_LOOPBACK = ("127.", "0.0.0.0", "192.0.2.")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IP4 = re.compile(rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\d.]*\d)")
_IP6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}(?:[0-9a-f]{1,4}|:)(?:[0-9a-f:]*)(?![\w:])", re.IGNORECASE)
_TOKEN = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|AKIA[0-9A-Z]{16}|xox[abpr]-[\w-]{10,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|[0-9a-f]{40})\b"
)
_SECRET_NAME = r"(?:password|passwd|passphrase|secret|token|api[_-]?key|authorization|mnemonic|seed)"
_NAMED = re.compile(
    rf"(?P<name>(?:{_SECRET_NAME}[\"']?\s*[:=]\s*(?:bearer\s+)?[\"']?|\bbearer\s+"
    rf"|--[\w.-]*(?:{_SECRET_NAME}|\.key)[ =]))(?P<value>[^\s\"',}}\]]{{4,}})",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"://[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Cut:
    """How often something of one kind was cut out of one file, and one line as it looks now."""

    file: str
    kind: str
    count: int
    sample: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """What would be handed out: (name, text) of each file, and what was cut out."""

    files: tuple[tuple[str, str], ...]
    cuts: tuple[Cut, ...]

    @property
    def size(self) -> int:
        return sum(len(text.encode()) for _name, text in self.files)


def prepare(folder: Path, *, lines: int = LINES, more: dict[str, str] | None = None) -> Bundle:
    """Collect what is known of the miner in ``folder``; ``more`` are texts of the caller's. Blocking."""
    texts = {
        "versions.txt": f"ranvier {__version__}\npython {platform.python_version()}\n{platform.platform()}\n",
        "status.json": _read(folder / "run" / "status.json"),
        "program.txt": _program(folder),
        "recipe.toml": _recipe(folder),
        "log.txt": _log(folder, lines),
        **(more or {}),
    }
    files, cuts = [], []
    for name, text in texts.items():
        if text:
            clean, found = clean_text(text)
            files.append((name, clean))
            cuts += [Cut(name, kind, count, sample) for kind, (count, sample) in found.items()]
    return Bundle(tuple(files), tuple(cuts))


def write(bundle: Bundle, path: Path) -> None:
    """Store it as a zip. StorageError when it cannot be written."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in bundle.files:
            archive.writestr(name, text)
    write_atomic(path, data.getvalue())


def clean_text(text: str) -> tuple[str, dict[str, tuple[int, str]]]:
    """``text`` without what must not be handed out, and kind -> (how often, a line as it looks now)."""
    counts: Counter[str] = Counter()
    samples: dict[str, str] = {}
    result = []
    # A phrase may stand one word a line: the whole text is looked through before its lines are.
    whole = redact(text)
    counts["seeds and phrases"] = whole.count("[redacted]") - text.count("[redacted]")
    for line in whole.split("\n"):
        clean = line
        kinds = ["seeds and phrases"] if "[redacted]" in line else []
        for kind, pattern, put in _RULES:
            before = clean.count("[address]")
            clean, count = pattern.subn(put, clean)
            if kind == "network addresses":  # this machine's own are looked at and left
                count = clean.count("[address]") - before
            if count > 0:
                counts[kind] += count
                kinds.append(kind)
        result.append(clean)
        for kind in kinds:  # shown as it is in the end, not half cleaned
            samples.setdefault(kind, clean[:160])
    return "\n".join(result), {kind: (n, samples.get(kind, "")) for kind, n in counts.items() if n > 0}


def _ip(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith(_LOOPBACK) else "[address]"


_RULES = (
    ("logins in addresses", _LOGIN, "://[login]@"),
    ("passwords and tokens", _NAMED, r"\g<name>[secret]"),
    ("passwords and tokens", _TOKEN, "[secret]"),
    ("network addresses", _IP4, _ip),
    ("network addresses", _IP6, _ip),
    ("your home folder", re.compile(re.escape(str(Path.home())) + r"(?=[/\\\s:\"',]|$)"), "~"),
)


def _program(folder: Path) -> str:
    spec = read_spec(folder)
    if spec is None:
        return ""
    names = "\n".join(f"  {name}" for name in sorted({*spec.env, *spec.secret_names}))
    return f"command: {' '.join(spec.argv)}\nfolder: {spec.cwd}\nenvironment variables (names only):\n{names}\n"


def _recipe(folder: Path) -> str:
    return _read(Generations(folder).current().recipe_folder / FILE_NAME)


def _log(folder: Path, lines: int) -> str:
    found, _next = tail(folder, None, lines)
    rows = []
    for line in found:
        at = datetime.datetime.fromtimestamp(line.at, datetime.UTC).isoformat(timespec="milliseconds")
        rows.append(f"{at} {line.stream:6} {plain(line.text)}")
    return "\n".join(rows) + ("\n" if rows else "")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
