"""A miner whose file cannot be read: it shows its problem, and the others go on."""

from __future__ import annotations

from pathlib import Path

from ranvier.agent.api.messages import MinerView
from ranvier.core.errors import MinerError
from ranvier.core.evidence import Evidence, Level
from ranvier.miners.states import ShownState
from ranvier.miners.status import MinerState


class BrokenMiner:
    """A folder of the miners' that holds no miner that can be read."""

    def __init__(self, folder: Path, error: MinerError) -> None:
        self.folder = folder
        self.error = error
        self.problem = error.message

    def view(self, now: float) -> MinerView:
        return MinerView(
            id=self.folder.name,
            name=self.folder.name,
            recipe="",
            network="",
            netuid=0,
            hotkey_ss58="",
            coldkey_ss58="",
            state=MinerState.UNKNOWN,
            wanted=False,
            level=Level.BAD,
            evidence=(
                Evidence(Level.BAD, self.problem, now),
                *(Evidence(Level.UNKNOWN, "not known") for _ in range(4)),
            ),
            shown=ShownState.UNKNOWN,
            reason=self.problem,
            shown_at=now,
        )
