"""``ranvier status``: what the agent knows, for people or (``--json``) for programs."""

from __future__ import annotations

import argparse
import asyncio
import sys

import msgspec

from ranvier.agent.api.client import AgentClient
from ranvier.agent.api.messages import AgentStatus, GetStatus, MinerView
from ranvier.core.errors import AgentError, ErrorData
from ranvier.core.evidence import age_text
from ranvier.core.paths import Paths
from ranvier.core.units import Alpha, format_alpha

_SUBJECTS = ("process", "health", "registration", "contact", "pay")


def main(arguments: list[str], paths: Paths) -> int:
    """Exit status 0 when an agent answered, 1 when none runs."""
    parser = argparse.ArgumentParser(prog="ranvier status", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    return asyncio.run(_tell(paths, as_json=options.json))


async def _tell(paths: Paths, *, as_json: bool) -> int:
    client = AgentClient(paths)
    try:
        status: AgentStatus = await client.call(GetStatus(), timeout_s=10.0)
    except AgentError as error:
        sys.stdout.write(_json({"error": error.data()}) if as_json else f"{error.message} {error.hint}\n")
        return 1
    finally:
        await client.close()
    sys.stdout.write(_json(status) if as_json else describe(status))
    return 0


def describe(status: AgentStatus) -> str:
    """The status as lines of text."""
    lines = [
        f"agent    {status.version}, process {status.pid}, since {age_text(status.started_at, status.at)}",
        f"network  {status.chain.network or 'none'}: {status.chain.text}",
    ]
    if status.outdated:
        lines.append(
            "look     warn: Ranvier was updated. This agent runs the code from before; end it with: ranvier stop"
        )
    lines += [f"look     {one.level}: {one.title}. {one.text}" for one in status.attention]
    for miner in status.miners:
        lines += ["", *_miner(miner, status.at)]
    if not status.miners:
        lines.append("miners   none")
    return "\n".join(lines) + "\n"


def _miner(miner: MinerView, now: float) -> list[str]:
    lines = [f"{miner.name} ({miner.id}): {miner.level}, {miner.state}"]
    for subject, one in zip(_SUBJECTS, miner.evidence, strict=False):
        seen = "" if one.seen_at is None else f", {age_text(one.seen_at, now)}"
        lines.append(f"  {subject:13}{one.level:8}{one.text}{seen}")
    if miner.earned_today_rao is not None:
        lines.append(f"  {'today':13}{format_alpha(Alpha(miner.earned_today_rao, miner.netuid))}")
    return lines


def _json(value: AgentStatus | dict[str, ErrorData]) -> str:
    return msgspec.json.encode(value).decode() + "\n"
