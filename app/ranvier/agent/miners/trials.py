"""Updates of miners: a new version is made beside the one in use, tried, kept when it gets healthy, else taken back."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ranvier.agent.miners.installs import Installs
from ranvier.agent.miners.miner import Miner
from ranvier.agent.miners.programs import Programs
from ranvier.core.errors import MinerError, RanvierError
from ranvier.miners.generations import Generation, Verdict, judge
from ranvier.miners.states import ShownState

log = logging.getLogger(__name__)

SETTLE_S = 60.0
LIMIT_S = 900.0
_RUNS = (ShownState.STARTING, ShownState.RUNNING, ShownState.HEALTHY, ShownState.DEGRADED, ShownState.BACKING_OFF)


class Trials:
    """``start`` starts (or restarts) a miner again with what is in use then. ``noted`` is told what became of it."""

    def __init__(
        self, programs: Programs, installs: Installs, now: Callable[[], float], noted: Callable[[str, str, str], None]
    ) -> None:
        self._programs = programs
        self._installs = installs
        self._now = now
        self._noted = noted

    async def prepare(self, miner: Miner, recipe_folder: str, *, fresh: bool = False) -> Generation:
        """Make the next version (``fresh``: every package fetched anew); the miner goes on meanwhile. RanvierError."""
        if miner.trial.trial_since is not None:
            raise MinerError(
                "An update is being tried",
                f"Version {miner.trial.current} of {miner.file.name} is still being tried.",
                "Wait for the outcome, or go back first.",
            )
        made: list[Generation] = []

        async def work(tell: Callable[[str, int | None, int | None], None]) -> None:
            made.append(await self._programs.prepare(miner.folder, miner.file, recipe_folder, tell, fresh))

        await self._installs.run(miner, work)
        if not made:
            raise MinerError("An installation runs", "Another installation of this miner was under way.", "Try again.")
        return made[0]

    def begin(self, miner: Miner, new: Generation) -> bool:
        """Use ``new`` from the next start on; whether the miner runs (or was given up), and so is to be restarted."""
        runs = miner.shown().state in _RUNS or miner.file.wanted
        miner.versions.begin_trial(new, self._now(), miner.crashes, _starts(miner))
        miner.trial = miner.versions.record()
        self._note(miner, f"Version {new.number} is being tried.", "updated")
        return runs

    def judge(self, miner: Miner) -> Verdict:
        """What to do with a version on trial."""
        return judge(
            miner.trial,
            miner.shown().state,
            healthy_s=miner.well_s,
            crashes=miner.crashes,
            starts=_starts(miner),
            now=self._now(),
            settle_s=SETTLE_S,
            limit_s=LIMIT_S,
        )

    def keep(self, miner: Miner) -> None:
        """It went well."""
        miner.versions.keep()
        miner.trial = miner.versions.record()
        self._note(miner, f"Version {miner.trial.current} got healthy and is kept.", "kept")

    def take_back(self, miner: Miner, why: str) -> None:
        """Use the version before from the next start on. MinerError when there is none."""
        tried = miner.trial.current
        back = miner.versions.roll_back()
        miner.trial = miner.versions.record()
        self._note(miner, f"Version {tried} was taken back; version {back.number} is in use again: {why}", "taken back")

    def _note(self, miner: Miner, text: str, kind: str) -> None:
        log.info("miner %s: %s", miner.file.id, text)
        self._noted(miner.file.id, kind, text)
        try:
            miner.change(update_note=text)
        except RanvierError as error:  # what counts stands in the miner's record of versions
            log.warning("miner %s: %s", miner.file.id, error)


def _starts(miner: Miner) -> int:
    return miner.view(None).starts
