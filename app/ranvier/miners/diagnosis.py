"""Why a miner ended: one sentence, what it rests on, one next step. Pure; the rules are ``resources/diagnosis.toml``.

Only lines that can have ended the program are read: its last exception, or its last words at error level. A warning
is not a cause, neither is an error that it survived. What no rule knows is shown as it is, without a guess.
"""

from __future__ import annotations

import re
import signal as signals
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ranvier.core.errors import RecipeError
from ranvier.core.log import redact
from ranvier.core.paths import resources
from ranvier.miners.diagnosis_facts import PREDICATES, Facts
from ranvier.miners.keeper.keeper_secrets import LACKING
from ranvier.miners.logs.last_words import matter, suspects
from ranvier.miners.status import ExitRecord

ACTIONS = (
    "retry", "open_log", "change_port", "register", "free_disk", "reinstall", "edit_miner", "edit_recipe", "set_secret",
    "change_endpoint", "start_sandbox", "none",
)  # fmt: skip
LONGEST_SHOWN = 300
_ABOUT_CARDS = ("cuda_out_of_memory", "driver_mismatch")
_SIGNALS_WITHOUT_WORDS = ("KILL", "ILL")  # whoever is ended by these had no time to say why


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule as the file has it; the file explains the keys."""

    cause: str
    sentence: str
    step: str
    action: str
    subject: str = ""
    log: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    signal: tuple[str, ...] = ()
    code: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``sentence`` for people; ``evidence`` lines (redacted) that it rests on; ``step`` and ``action`` what to do,
    beginning with ``subject`` (the name of a secret).

    ``known`` False: no rule fits; the evidence is then the last lines that matter.
    """

    cause: str
    sentence: str
    evidence: tuple[str, ...]
    step: str
    action: str
    known: bool
    at: float | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class _Ready:
    rule: Rule
    patterns: tuple[re.Pattern[str], ...]


class Diagnoser:
    """Holds the compiled rules. RecipeError when the file is not valid."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or resources() / "diagnosis.toml"
        try:
            data = tomllib.loads(path.read_text("utf-8"))
            rules = msgspec.convert(data.get("rule", []), tuple[Rule, ...])
            self._rules = tuple(_ready(rule) for rule in rules)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, re.error) as error:
            raise RecipeError("Rules not valid", f"{path}: {error}.") from error

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(ready.rule for ready in self._rules)

    def explain(self, facts: Facts) -> Diagnosis:
        """The diagnosis of the last end of the program. Never raises."""
        end = facts.exit
        if facts.refused is not None:
            return _refused(facts.refused, end)
        if end is None:
            return Diagnosis("none", "It has not ended by itself.", (), "", "none", True)
        if end.wanted:
            return Diagnosis("none", "It was stopped as asked.", (), "", "none", True, end.at)
        signal_name = _signal_name(end)
        told = [] if signal_name in _SIGNALS_WITHOUT_WORDS else suspects(facts.lines, end.at)
        for line in told:
            found = self._by_line(line, facts, end, signal_name)
            if found is not None:
                return found
        for ready in self._rules:
            if told and not ready.rule.signal and not ready.rule.code:
                continue  # it did say something: what the machine looked like besides is no reason
            if not ready.patterns and _exit_fits(ready.rule, end, signal_name):
                proof = _proof(ready.rule, facts, {})
                if proof is not None:
                    return _answer(ready.rule, facts, {}, [how(end), *proof], end.at)
        return _unknown(facts, end)

    def _by_line(self, line: str, facts: Facts, end: ExitRecord, signal_name: str) -> Diagnosis | None:
        for ready in self._rules:
            if not _exit_fits(ready.rule, end, signal_name):
                continue
            for pattern in ready.patterns:
                match = pattern.search(line)
                if match is None:
                    continue
                groups = {name: value for name, value in match.groupdict().items() if value is not None}
                proof = _proof(ready.rule, facts, groups)
                if proof is not None:
                    card = [facts.gpu] if facts.gpu and ready.rule.cause in _ABOUT_CARDS else []
                    return _answer(ready.rule, facts, groups, [line, *proof, *card, how(end)], end.at)
        return None


def how(end: ExitRecord) -> str:
    """How it ended: "ended with code 1 after 3.2 s"."""
    after = f"after {end.ran_s:.1f} s"
    if end.signal is not None:
        return f"was ended by SIG{_signal_name(end)} {after}"
    return f"ended {after}, exit code not known" if end.code is None else f"ended with code {end.code} {after}"


def _ready(rule: Rule) -> _Ready:
    unknown = [name for name in rule.when if name not in PREDICATES]
    if unknown or rule.action not in ACTIONS:
        raise re.error(f"rule {rule.cause}: unknown fact or action {', '.join(unknown) or rule.action}")
    return _Ready(rule, tuple(re.compile(pattern, re.IGNORECASE) for pattern in rule.log))


def _exit_fits(rule: Rule, end: ExitRecord, signal_name: str) -> bool:
    if rule.signal and signal_name not in rule.signal:
        return False
    return not rule.code or end.code in rule.code


def _proof(rule: Rule, facts: Facts, groups: dict[str, str]) -> list[str] | None:
    """Evidence of every fact that the rule asks for; None when one does not hold. May add to ``groups``."""
    proof: list[str] = []
    for name in rule.when:
        said = PREDICATES[name](facts, groups)
        if said is None:
            return None
        proof.append(said)
    return proof


def _answer(
    rule: Rule, facts: Facts, groups: Mapping[str, str], evidence: Sequence[str], at: float | None
) -> Diagnosis:
    known = _Words({"netuid": _or(facts.netuid), "network": facts.network or "this network", **groups})
    shown = tuple(_short(line) for line in evidence if line)
    return Diagnosis(
        rule.cause,
        redact(rule.sentence.format_map(known)),
        shown,
        rule.step.format_map(known),
        rule.action,
        True,
        at,
        rule.subject.format_map(known),
    )


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "(not known)"


def _or(value: object) -> str:
    return "(not known)" if value is None else str(value)


def _refused(reason: str, end: ExitRecord | None) -> Diagnosis:
    at = None if end is None else end.at
    if reason.startswith(LACKING):
        sentence = "Its keeper was started anew and does not have its secrets any more."
        return Diagnosis("secrets_forgotten", sentence, (_short(reason),), "Start it again.", "retry", True, at)
    missing = "does not exist" in reason or "is in none of the folders" in reason
    cause = "missing_file" if missing else "permission" if "may not be executed" in reason else "refused"
    action = "reinstall" if missing and "/env/" in reason else "edit_recipe"
    step = "Make its environment anew." if action == "reinstall" else "Correct its command."
    return Diagnosis(cause, f"It was not started: {_short(reason).rstrip('.')}.", (), step, action, True, at)


def _unknown(facts: Facts, end: ExitRecord) -> Diagnosis:
    lines = tuple(_short(line) for line in matter(facts.lines))
    if end.code == 0:
        sentence = f"It ended by itself without an error (code 0, after {end.ran_s:.1f} s)."
        cause = "ended"
    else:
        sentence = f"It {how(end)}; Ranvier does not know why."
        cause = "unknown"
    step = "Read its last lines." if lines else "It said nothing; try it by hand in a terminal."
    return Diagnosis(cause, sentence, lines, step, "open_log", False, end.at)


def _short(line: str) -> str:
    text = redact(line.strip())
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def _signal_name(end: ExitRecord) -> str:
    if end.signal is None:
        return ""
    try:
        return signals.Signals(end.signal).name.removeprefix("SIG")
    except ValueError:
        return str(end.signal)


def causes(diagnoser: Diagnoser) -> Iterator[str]:
    """Every cause that the rules can name."""
    yield from dict.fromkeys(rule.cause for rule in diagnoser.rules)
