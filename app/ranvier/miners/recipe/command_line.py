"""A command as a person types it in a shell, taken apart: a recipe runs one program, without a shell. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ranvier.core.errors import RecipeError
from ranvier.core.outside import at_home

_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SECRET_OPTION = re.compile(
    r"--?[\w.-]*(api[-_.]?key|token|secret|password|passwd|mnemonic|seed[-_.]?phrase|private[-_.]?key)", re.IGNORECASE
)
_NOT_SECRET = re.compile(r"max|num|limit|count|tokens|length|tokenizer|size", re.IGNORECASE)
_OTHERS = {
    "pm2": "Give the command that PM2 runs, or take it over with “What PM2 or systemd runs now”.",
    "systemctl": "Take its unit over with “What PM2 or systemd runs now”.",
    "docker": "Choose “A container image” instead.",
    "podman": "Choose “A container image” instead.",
    "screen": "Give the command that runs inside it.",
    "tmux": "Give the command that runs inside it.",
    "sudo": "A miner runs as you; give the command without sudo.",
}


@dataclass(frozen=True, slots=True)
class CommandLine:
    """``words`` of the one program, ``variables`` that stood before it, the ``folder`` that it is run in (empty: not
    said), ``notes`` for the person."""

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    notes: tuple[str, ...] = ()


def parse(text: str) -> CommandLine:
    """Take one line apart. RecipeError where it needs a shell, or starts another supervisor."""
    words = words_of(text, "();<>|&")
    folder = ""
    if words[:1] == ["cd"] and words[2:3] in (["&&"], [";"]):
        folder, words = str(at_home(words[1])), words[3:]
    while words[-1:] in (["&"], [";"]):
        words.pop()
    variables: dict[str, str] = {}
    while words and (words[0] in ("nohup", "exec", "env") or _ASSIGNED.fullmatch(words[0])):
        match = _ASSIGNED.fullmatch(words.pop(0))
        if match is not None:
            variables[match[1]] = match[2]
    shell = next((word for word in words if word and set(word) <= set("();<>|&")), None)
    if shell is not None:
        raise RecipeError(
            "Needs a shell",
            f"“{shell}” is understood by a shell only, and a recipe runs one program without one.",
            "Ranvier keeps its output and restarts it itself: leave that out, or put the line into a script.",
        )
    if not words:
        raise RecipeError("No command", "There is nothing to run.", "Write the command as in a terminal.")
    other = _OTHERS.get(Path(words[0]).name)
    if other is not None:
        raise RecipeError("Another one runs it", f"“{words[0]}” would run the miner in place of Ranvier.", other)
    notes: list[str] = []
    words = substitute(words, {**variables, "HOME": str(Path.home())}, notes)
    notes += warnings(words, folder)
    return CommandLine(tuple(words), variables, folder, tuple(notes))


def substitute(words: Sequence[str], known: Mapping[str, str], notes: list[str]) -> list[str]:
    """What a shell would put in for ``~`` and ``$NAME``; ``notes`` gets those that are not known."""
    unknown: dict[str, None] = {}

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in known:
            unknown[name] = None
        return known.get(name, match[0])

    result = [_VARIABLE.sub(value, word) for word in words]
    result = [str(at_home(word)) if word.startswith("~/") else word for word in result]
    if unknown:
        notes.append(f"No shell replaces {', '.join('$' + name for name in unknown)}: write the values instead.")
    return result


def warnings(words: Sequence[str], folder: str) -> list[str]:
    """What a person should know about a command line before it runs as a miner."""
    notes: list[str] = []
    for place, word in enumerate(words):
        name, equals, _ = word.partition("=")
        follows = bool(equals) or (place + 1 < len(words) and not words[place + 1].startswith("-"))
        if follows and _SECRET_OPTION.fullmatch(name) and not _NOT_SECRET.search(name):
            notes.append(
                f"The value of {name} stands in the command, where every program of this machine can read it. If the "
                "miner takes it from a variable, remove it there and set it as a secret."
            )
    relative = [word for word in words[:2] if _relative_file(word)]
    if relative and not folder:
        notes.append(
            f"{relative[0]} is looked for in the miner's own folder: write its whole path, or begin with cd FOLDER &&."
        )
    return notes


def _relative_file(word: str) -> bool:
    path = Path(word)
    return not path.is_absolute() and not word.startswith(("-", "{")) and (
        word.startswith("./") or path.suffix in (".py", ".sh", ".js")
    )  # fmt: skip


def words_of(text: str, operators: str = "") -> list[str]:
    """The words of a line as a shell splits them, and runs of ``operators`` as words too. Raises RecipeError."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=operators)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError as error:
        raise RecipeError("Not a command", "A quotation mark is not closed.", "Close it.") from error
