"""What a person may hand to a helper: one zip of a miner's status, recipe, versions and last log lines, redacted.

First ``prepare`` shows what would be in it and what was cut out; ``write`` stores exactly that. Seeds, phrases,
tokens, passwords, addresses on the network and the name of the home folder are cut out; public keys stay.
"""

from __future__ import annotations

import datetime
import io
import ipaddress
import json
import platform
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ranvier import __version__
from ranvier.core.files import write_atomic
from ranvier.core.log import redact
from ranvier.keys.words import WORDS
from ranvier.miners.generations import Generations
from ranvier.miners.logs.levels import plain
from ranvier.miners.logs.logs import LogLine, tail
from ranvier.miners.recipe.recipe import FILE_NAME
from ranvier.miners.spec import read_spec

LINES = 5000
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IP4 = re.compile(rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\d.]*\d)")
_IP6 = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f:]*(?![\w:])", re.IGNORECASE)
_TOKEN = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|sk[-_][A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|xox[abpr]-[\w-]{10,}|(?:r8_|gsk_|nvapi-|pypi-|dckr_pat_)[\w-]{20,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|[0-9a-f]{40})\b"
)
_SECRET_NAME = (
    r"(?:token|authorization|cookie|(?:password|passwd|passphrase|secret|credential|mnemonic|seed"
    r"|(?:api|access|private|signing)[_-]?key)[A-Za-z_-]*|(?-i:\b[A-Z][A-Z0-9_]*_KEY(?<!PUBLIC_KEY)))"
)
_VALUE = r"""(?P<value>\\?"[^"\n]+"|'[^'\n]+'|(?:(?:basic|bearer|digest|token)\s+)?[^\s"',}\]]{4,})"""
_NAMED = re.compile(
    rf"(?P<name>(?:{_SECRET_NAME}\\?[\"']?\s*[:=]\s*|\bbearer\s+"
    rf"|--?[\w.-]*(?:{_SECRET_NAME}|\.key)(?:[\"'],\s*|[ =])|[?&](?:key|sig|signature|auth)=)){_VALUE}",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"://[^/@\s]+@")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_WORDS = frozenset(WORDS)
_MARK = re.compile(r"\[[a-z][a-z ]{2,20}\]")  # what stands in place of something
_SHORT = 4  # a secret of fewer characters is cut out where it stands alone


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


def prepare(
    folder: Path, *, lines: int = LINES, more: dict[str, str] | None = None, secrets: Collection[str] = ()
) -> Bundle:
    """Collect what is known of the miner in ``folder``; ``more`` are texts of the caller's, ``secrets`` values that
    must not be in it, whatever they look like. Blocking."""
    said, _next = tail(folder, None, lines)
    texts = {
        "versions.txt": f"ranvier {__version__}\npython {platform.python_version()}\n{platform.platform()}\n",
        "status.json": _read(folder / "run" / "status.json"),
        "program.txt": _program(folder),
        "recipe.toml": _recipe(folder),
        "log.txt": "\n".join(_one(line) for line in said),
        **(more or {}),
    }
    files, cuts = [], []
    for name, text in texts.items():
        if text:
            clean, found = clean_text(text, secrets)
            files.append((name, _timed(said, clean) if name == "log.txt" else clean))
            cuts += [Cut(name, kind, count, sample) for kind, (count, sample) in found.items()]
    return Bundle(tuple(files), tuple(cuts))


def write(bundle: Bundle, path: Path) -> None:
    """Store it as a zip. StorageError when it cannot be written."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in bundle.files:
            archive.writestr(name, text)
    write_atomic(path, data.getvalue())


def clean_text(text: str, secrets: Collection[str] = ()) -> tuple[str, dict[str, tuple[int, str]]]:
    """``text`` without what must not be handed out, in as many lines, and kind -> (how often, a line as it looks
    now)."""
    counts: Counter[str] = Counter()
    samples: dict[str, str] = {}
    result = []
    # A phrase may stand one word a line, a key over many: the whole text is looked through before its lines are.
    own = _pattern(secrets)
    whole, counts["this miner's secrets"] = own.subn(_gone("[own secret]"), text) if own is not None else (text, 0)
    whole, keys = _PEM.subn(_gone("[private key]"), whole)
    before = whole.count("[redacted]")
    whole = redact(whole, _real)
    counts["seeds and phrases"] = keys + whole.count("[redacted]") - before
    for line in whole.split("\n"):
        clean = line
        kinds = [kind for mark, kind in _MARKS if mark in line]
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
            samples.setdefault(kind, _around(clean))
    return "\n".join(result), {kind: (n, samples.get(kind, "")) for kind, n in counts.items() if n > 0}


def _around(line: str) -> str:
    """The part of a cleaned line that shows what was cut out of it."""
    mark = _MARK.search(line)
    begin = 0 if mark is None else max(0, mark.start() - 30)
    return f"{'…' if begin else ''}{line[begin:].strip()[:70]}"


def _real(shape: str) -> bool:
    """What goes over several lines is a phrase when twelve words of it are (nearly) all of the list of such words;
    short sentences below each other are none."""
    known = [word in _WORDS for word in re.findall(r"[a-z]+", shape.lower())]
    return "\n" not in shape or any(sum(known[n : n + 12]) >= 10 for n in range(max(1, len(known) - 11)))


def _pattern(secrets: Collection[str]) -> re.Pattern[str] | None:
    """Finds the values, also as JSON, an address or a repr write them, and the lines of those that have several."""
    pieces = {one for value in secrets for one in (value, *value.splitlines()) if one.strip()}
    pieces |= {json.dumps(one)[1:-1] for one in pieces} | {quote(one, safe="") for one in pieces}
    pieces |= {repr(one)[1:-1] for one in pieces}
    texts = [
        re.escape(one) if len(one) >= _SHORT else rf"(?<!\w){re.escape(one)}(?!\w)"
        for one in sorted(pieces, key=len, reverse=True)
    ]
    return re.compile("|".join(texts)) if texts else None


def _gone(put: str) -> Callable[[re.Match[str]], str]:
    return lambda match: put + "\n" * match[0].count("\n")


def _ip(match: re.Match[str]) -> str:
    try:
        found = ipaddress.ip_address(match[0])
    except ValueError:  # a time of day, a hardware address
        return match[0]
    kept = found.is_loopback or found.is_unspecified or found in _EXAMPLES
    return match[0] if kept else "[address]"


_EXAMPLES = ipaddress.ip_network("192.0.2.0/24")
_MARKS = (
    ("[own secret]", "this miner's secrets"),
    ("[private key]", "seeds and phrases"),
    ("[redacted]", "seeds and phrases"),
)
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


def _one(line: LogLine) -> str:
    return plain(line.text).replace("\n", " ")


def _timed(said: Sequence[LogLine], clean: str) -> str:
    """Each line with its moment and where it came from, put before it only now: they would stand between the words
    of a phrase that was written one a line."""
    rows = []
    for line, text in zip(said, clean.split("\n"), strict=True):
        at = datetime.datetime.fromtimestamp(line.at, datetime.UTC).isoformat(timespec="milliseconds")
        rows.append(f"{at} {line.stream:6} {text}\n")
    return "".join(rows)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
