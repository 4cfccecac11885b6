"""What happened beside the samples and payments, kept for a miner's history: endpoint lost and back, updates."""

from __future__ import annotations

import logging
from collections import deque
from pathlib import Path

import msgspec

from ranvier.agent.api.messages import Moment
from ranvier.core.evidence import Level
from ranvier.core.files import read_small, write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import private_folder

log = logging.getLogger(__name__)

KEPT = 2000


class Moments:
    """One line of JSON each, appended as it happens; the file is cut to the newest when it is read.

    A line lost by a kill or a full disk is a line lost: nothing is decided by it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._all: deque[Moment] = deque(maxlen=KEPT)
        try:
            lines = read_small(path).splitlines()
        except OSError:
            lines = []
        for line in lines[-KEPT:]:
            try:
                self._all.append(msgspec.json.decode(line, type=Moment))
            except NOT_JSON:
                continue
        if len(lines) > KEPT:
            try:
                write_atomic(path, b"".join(msgspec.json.encode(one) + b"\n" for one in self._all))
            except Exception as error:  # noqa: BLE001  # it is only too long
                log.warning("%s: %s", path, error)

    def add(self, at: float, kind: str, text: str, *, miner_id: str = "", network: str = "") -> None:
        """Note it."""
        moment = Moment(at, kind, text, miner_id, network)
        self._all.append(moment)
        try:
            private_folder(self._path.parent)
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(moment) + b"\n")
        except OSError as error:
            log.warning("%s: %s", self._path, error.strerror)

    def of(self, miner_id: str, network: str, since: float) -> tuple[Moment, ...]:
        """Those of a miner and of its network, oldest first."""
        return tuple(
            one
            for one in self._all
            if one.at >= since and (one.miner_id == miner_id or (not one.miner_id and one.network == network))
        )


class EndpointNotes:
    """Notes when the watched network is lost and found again; ``look`` is cheap and may be called at any time."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._network = ""
        self._up: bool | None = None

    def look(self, network: str, level: Level, text: str, now: float) -> None:
        if network != self._network:
            self._network, self._up = network, None
        if level is Level.GOOD and self._up is not True:
            if self._up is False:
                self._moments.add(now, "endpoint back", text, network=network)
            self._up = True
        elif level is Level.BAD and self._up:
            self._moments.add(now, "endpoint lost", text, network=network)
            self._up = False
