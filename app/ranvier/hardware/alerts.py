"""Which findings need the owner, and since when: told when they last, taken back when they have stayed away. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ranvier.core.evidence import Level
from ranvier.hardware.diagnosis import Finding, Surroundings, diagnose
from ranvier.hardware.snapshot import Gpu, Hardware
from ranvier.hardware.thresholds import Thresholds

_LONGEST_GAP_S = 60.0  # nobody looked for longer: what was about to be told begins anew
_REWORDED_S = 60.0
_FORGOTTEN_S = 86_400.0
# Seconds that a finding must last before it is told, and be away before it is taken back.
_BAD, _WARN = (0.0, 10.0), (10.0, 60.0)
_TIMES = {
    "silent": (10.0, 10.0),
    "missing": (10.0, 10.0),
    "ended": (10.0, 10.0),
    "memory_full": (30.0, 60.0),
    "host_memory": (30.0, 60.0),
    "stranger": (30.0, 60.0),
    "steal": (60.0, 120.0),
    "pcie_link": (60.0, 300.0),
}
_FOR_MINERS = {"battery", "steal", "host_memory"}  # nobody's business while no miner runs
_CARD_LOST = {"lost", "missing"}
_TRANSIENT = {"starting", "closed"}  # the driver was not asked yet, or not any more

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Alert:
    """``finding`` is the newest wording; ``since`` (Unix seconds) when it was told first, and part of what it is."""

    finding: Finding
    since: float

    @property
    def key(self) -> str:
        """The same for the same incident; another one when it comes back later."""
        return "/".join(("hardware", *_key(self.finding), f"{self.since:.0f}"))


@dataclass(slots=True)
class _Watched:
    finding: Finding
    first: float
    last: float
    told: Alert | None = None
    worded: float = 0.0


class Alerts:
    """``look`` at each sample, oldest first."""

    def __init__(self) -> None:
        self._watched: dict[Key, _Watched] = {}
        self._cards: dict[str, tuple[Gpu, float]] = {}
        self._at: float | None = None

    @property
    def current(self) -> tuple[Alert, ...]:
        """What is to be told now, the longest known first."""
        told = [one.told for one in self._watched.values() if one.told is not None]
        return tuple(sorted(told, key=lambda alert: alert.since))

    @property
    def waiting(self) -> bool:
        """Whether something is about to be told, if it lasts."""
        return any(one.told is None for one in self._watched.values())

    def look(self, sample: Hardware, around: Surroundings, limits: Thresholds) -> bool:
        """Take one sample into account; True when ``current`` is different now."""
        if sample.gpu_trouble in _TRANSIENT:
            return False
        before = self.current
        now = sample.at
        gap = self._at is None or not 0 <= now - self._at <= _LONGEST_GAP_S
        self._at = now
        gone = self._gone(sample) if limits.card_lost else []
        there = {_key(one): one for one in (*diagnose([sample], around, limits), *gone) if _counts(one, around, limits)}
        eased = {_key(one) for one in (*diagnose([sample], around, limits.eased()), *gone)}
        for key, finding in there.items():
            known = self._watched.get(key)
            if known is None or (known.told is None and gap):
                known = self._watched[key] = _Watched(finding, now, now)
            known.finding, known.last = finding, now
            self._tell(known, limits, now)
        for key, known in list(self._watched.items()):
            if key in there:
                continue
            wanted = _counts(known.finding, around, limits)
            if key in eased and known.told is not None and wanted:
                known.last = now
            elif known.told is None or not wanted or not 0 <= now - known.last < _times(known.finding, limits)[1]:
                del self._watched[key]
        return self.current != before

    def _tell(self, known: _Watched, limits: Thresholds, now: float) -> None:
        lasting = now - known.first
        if known.told is None and lasting < _times(known.finding, limits)[0]:
            return
        worse = known.told is not None and known.told.finding.level is not known.finding.level
        if known.told is None or worse or abs(now - known.worded) >= _REWORDED_S:
            since = now if known.told is None else known.told.since
            known.told, known.worded = Alert(_worded(known.finding, limits), since), now

    def _gone(self, sample: Hardware) -> list[Finding]:
        """Cards that were seen and are not any more. Where the driver itself is in trouble, that is told instead."""
        now = sample.at
        for gpu in sample.gpus:
            if gpu.parent_uuid is None:
                self._cards[gpu.uuid] = (gpu, now)
        # One that sleeps, or failed before it said its UUID, is known by its address alone.
        present = {gpu.uuid for gpu in sample.gpus}
        places = {gpu.pci_address for gpu in sample.gpus if gpu.pci_address is not None}
        self._cards = {uuid: seen for uuid, seen in self._cards.items() if 0 <= now - seen[1] < _FORGOTTEN_S}
        if sample.gpu_trouble not in (None, "none", "asleep"):
            return []
        text = "It was there, and the system does not list it any more."
        step = "If nobody took it out: restart the machine, then check power cables and seating."
        return [
            Finding("lost", Level.BAD, gpu.name, text, step, uuid)
            for uuid, (gpu, _at) in self._cards.items()
            if uuid not in present and gpu.pci_address not in places
        ]

    def title(self, alert: Alert) -> str:
        """``GPU 1 · NVIDIA GeForce RTX 4090`` for a card's own, so that two of a kind are told apart."""
        found = self._cards.get(alert.finding.gpu_uuid or "")
        if found is None or alert.finding.miner_id is not None:
            return alert.finding.title
        return f"GPU {found[0].index} · {found[0].name}"


def _key(finding: Finding) -> Key:
    return finding.code, finding.gpu_uuid or "", finding.miner_id or "", finding.about


def _times(finding: Finding, limits: Thresholds) -> tuple[float, float]:
    if finding.code == "throttled":
        return float(limits.throttled_s), 60.0
    return _TIMES.get(finding.code) or (_BAD if finding.level is Level.BAD else _WARN)


def _counts(finding: Finding, around: Surroundings, limits: Thresholds) -> bool:
    """Whether the owner wants to be told of it at all."""
    if finding.level not in (Level.BAD, Level.WARN):
        return False
    if finding.code == "throttled":
        return limits.throttled_s > 0
    if finding.code in _CARD_LOST:
        return limits.card_lost
    return finding.code not in _FOR_MINERS or any(around.miner_pids.values())


def _worded(finding: Finding, limits: Thresholds) -> Finding:
    if finding.code != "throttled":
        return finding
    return replace(finding, text=f"{finding.text.removesuffix('.')}, for more than {limits.throttled_s} s.")
