"""The columns of the miners' table."""

from __future__ import annotations

import time

from ranvier.agent.api.messages import MinerView
from ranvier.miners.status import MinerState
from ranvier.ui.models.rows import Column, RowsModel
from ranvier.ui.phrases import alpha_text, level_of, state_words
from ranvier.ui.words import UNKNOWN, duration_text, percent_text, size_text

NAME, STATE, SINCE, TODAY, WEEK, CPU, MEMORY, CRASHES = range(8)

NOTHING = "\N{EN DASH}"  # what does not run uses nothing
_RANK = {level: place for place, level in enumerate(("bad", "warn", "unknown", "busy", "good", "off"))}


def since_text(miner: MinerView, now: float) -> str:
    """For how long the process has been running."""
    if miner.state is MinerState.UNKNOWN:
        return UNKNOWN
    if miner.pid is None:
        return "not running"
    return UNKNOWN if miner.started_at is None else duration_text(now - miner.started_at)


def used_text(miner: MinerView, text: str) -> str:
    """``text`` of something that it uses; a dash when it does not run: then that is nothing, not unknown."""
    return NOTHING if miner.pid is None and miner.state is not MinerState.UNKNOWN else text


def restarts_text(miner: MinerView) -> str:
    """``3 starts, 1 crash``."""
    crashes = f"{miner.crashes} crash" + ("" if miner.crashes == 1 else "es")
    return f"{miner.starts} start{'' if miner.starts == 1 else 's'}, {crashes}"


def _running_since(miner: MinerView) -> float | None:
    if miner.state is MinerState.UNKNOWN:
        return None
    return -(miner.started_at or time.time())


COLUMNS: tuple[Column[MinerView], ...] = (
    Column("Miner", lambda m: m.name, lambda m: m.name.casefold(), tooltip=lambda m: m.hotkey_ss58),
    Column("State", lambda m: state_words(m), lambda m: _RANK[level_of(m).value], help="Worst first"),
    Column("Running for", lambda m: since_text(m, time.time()), _running_since, spare=4),
    Column("Today", lambda m: alpha_text(m.earned_today_rao, m.netuid), lambda m: m.earned_today_rao, number=True),
    Column("7 days", lambda m: alpha_text(m.earned_7d_rao, m.netuid), lambda m: m.earned_7d_rao, number=True, spare=3),
    Column(
        "CPU",
        lambda m: used_text(m, percent_text(m.cpu_percent)),
        lambda m: m.cpu_percent,
        number=True,
        help="Percent of one core, all its processes together",
        spare=1,
    ),
    Column("Memory", lambda m: used_text(m, size_text(m.rss)), lambda m: m.rss, number=True, spare=2),
    Column("Crashes", lambda m: str(m.crashes), lambda m: m.crashes, tooltip=restarts_text, number=True, spare=5),
)


def miners_model() -> RowsModel[MinerView]:
    """An empty model; ``set_rows`` takes the status's miners."""
    return RowsModel(COLUMNS, lambda miner: miner.id)
