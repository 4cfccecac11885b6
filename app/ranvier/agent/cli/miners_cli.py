"""``ranvier miners``: everything about miners on a terminal, for people or (``--json``) for programs."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from datetime import datetime
from typing import Any

import msgspec

from ranvier.agent.api.client import AgentClient, ensure_agent
from ranvier.agent.api.messages import (
    AgentStatus,
    GetLog,
    GetStatus,
    LogTail,
    MinerView,
    RemoveMiner,
    RestartMiner,
    StartMiner,
    StopMiner,
    Why,
    WhyMiner,
)
from ranvier.agent.cli import add_cli, fix_cli, secrets_cli
from ranvier.core.errors import MinerError, RanvierError
from ranvier.core.evidence import age_text
from ranvier.core.paths import Paths

FOLLOW_S = 0.5
_HEADINGS = ("ID", "STATE", "LEVEL", "SUBNET", "PID", "CPU", "MEMORY", "STARTS", "CRASHES", "SINCE", "REASON")
_WITH_AGENT = ("add", "start", "restart", "secret")  # an agent is started for these; the others ask one that runs


def main(arguments: list[str], paths: Paths) -> int:
    """Exit status 0: done; 1: refused or no agent; 2: wrong use; 130: interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return asyncio.run(_run(options, paths))
    except RanvierError as error:
        if not options.json:
            raise
        _out({"error": error.data()})
        return 1
    except KeyboardInterrupt:
        return 130


async def _run(options: argparse.Namespace, paths: Paths) -> int:
    proposal = None
    if options.command == "add":  # what it is made from is read before an agent is asked for
        add_cli.check(options)
        proposal = add_cli.proposed(options)
        if options.show:
            add_cli.show(options, proposal)
            return 0
    client = await ensure_agent(paths) if options.command in _WITH_AGENT else AgentClient(paths)
    try:
        if options.command == "list":
            await _list(client, as_json=options.json)
        elif options.command == "add":
            await add_cli.run(client, options, proposal, paths)
        elif options.command == "logs":
            await _logs(client, options)
        elif options.command == "why":
            await _why(client, options.id, as_json=options.json)
        elif options.command == "secret":
            await secrets_cli.run(client, options)
        elif options.command in fix_cli.COMMANDS:
            await fix_cli.run(client, options)
        else:
            await _change(client, options)
    finally:
        await client.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="JSON instead of text")
    parser = argparse.ArgumentParser(prog="ranvier miners", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", parents=[common], help="every miner and its state")
    add_cli.add_parser(commands, common)
    for name, text in (("start", "run it"), ("stop", "stop it"), ("restart", "stop it and run it")):
        one = commands.add_parser(name, parents=[common], help=text)
        one.add_argument("id")
    remove = commands.add_parser("remove", parents=[common], help="stop it, delete its environment and logs")
    remove.add_argument("id")
    remove.add_argument("--yes", action="store_true", help="without it, nothing is removed")
    logs = commands.add_parser("logs", parents=[common], help="its last lines")
    logs.add_argument("id")
    logs.add_argument("-n", "--lines", type=int, default=100)
    logs.add_argument("-f", "--follow", action="store_true", help="go on until interrupted")
    why = commands.add_parser("why", parents=[common], help="why it is in the state it is in, and what to do")
    why.add_argument("id")
    secrets_cli.add_parser(commands, common)
    fix_cli.add_parser(commands, common)
    return parser


async def _list(client: AgentClient, *, as_json: bool) -> None:
    status: AgentStatus = await client.call(GetStatus(), timeout_s=10.0)
    if as_json:
        _out(list(status.miners))
        return
    rows: list[tuple[str, ...]] = [_HEADINGS]
    rows += [_row(miner, status.at) for miner in status.miners]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        sys.stdout.write("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() + "\n")


def _row(miner: MinerView, now: float) -> tuple[str, ...]:
    since = "" if miner.started_at is None or miner.pid is None else age_text(miner.started_at, now)
    pid = "" if miner.pid is None else str(miner.pid)
    subnet = f"{miner.network} {miner.netuid}"
    shown = str(miner.state if miner.shown is None else miner.shown).replace("_", " ")
    used = _used(miner) if miner.pid is not None else ("", "")
    counts = (str(miner.starts), str(miner.crashes))
    return (miner.id, shown, str(miner.level), subnet, pid, *used, *counts, since, miner.reason)


def _used(miner: MinerView) -> tuple[str, str]:
    """Processor (of one core) and memory of what runs."""
    cpu = "unknown" if miner.cpu_percent is None else f"{miner.cpu_percent:.0f} %"
    return cpu, "unknown" if miner.rss is None else f"{miner.rss / 2**20:.0f} MiB"


async def _change(client: AgentClient, options: argparse.Namespace) -> None:
    if options.command == "remove" and not options.yes:
        text = f"{options.id} is stopped, and its folder with environment and logs is deleted; its earnings stay."
        raise MinerError("Not removed yet", text, "Give the command again with --yes.")
    commands = {"start": StartMiner, "stop": StopMiner, "restart": RestartMiner, "remove": RemoveMiner}
    command = commands[options.command]
    done = await client.call(command(id=options.id))
    _out({"id": options.id, "text": done.text}) if options.json else sys.stdout.write(f"{options.id}: {done.text}\n")


async def _logs(client: AgentClient, options: argparse.Namespace) -> None:
    after: int | None = None
    while True:
        page: LogTail = await client.call(GetLog(id=options.id, after=after, limit=options.lines))
        for line in page.lines:
            if options.json:
                _out(line)
            else:
                at = datetime.fromtimestamp(line.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
                sys.stdout.write(f"{at} {line.stream:6} {line.text}\n")
        sys.stdout.flush()
        if not options.follow:
            return
        if after is None or after == page.next:
            await asyncio.sleep(FOLLOW_S)
        after = page.next


async def _why(client: AgentClient, miner_id: str, *, as_json: bool) -> None:
    why: Why = await client.call(WhyMiner(id=miner_id))
    if as_json:
        _out(why)
    else:
        sys.stdout.write(describe(why, time.time()))


def describe(why: Why, now: float) -> str:
    """The explanation as lines of text."""
    seen = "" if why.seen_at is None else f" ({age_text(why.seen_at, now)})"
    lines = [f"{why.id}: {str(why.shown).replace('_', ' ')}. {why.reason}{seen}"]
    found = why.diagnosis
    if found is not None and found.sentence:
        lines += ["", found.sentence]
        lines += [f"  | {line}" for line in found.evidence]
        lines += [f"Next: {found.step}"] if found.step else []
        lines += [f"      {found.command}"] if found.command else []
    if (used := why.reading) is not None:
        cpu = "unknown" if used.cpu_percent is None else f"{used.cpu_percent:.0f} % of one core"
        memory = "unknown" if used.rss is None else f"{used.rss / 2**20:.0f} MiB"
        count = "1 process" if used.processes == 1 else f"{used.processes} processes"
        lines += ["", f"CPU {cpu}, memory {memory}, {count} ({age_text(used.at, now)})"]
    if why.exits:
        lines += ["", f"Last ends (crashes so far: {why.crashes}):"]
        for end in why.exits[-5:]:
            how = f"code {end.code}" if end.code is not None else f"signal {end.signal}" if end.signal else "unknown"
            asked = ", as asked" if end.wanted else ""
            lines.append(f"  {age_text(end.at, now)}: {how} after {end.ran_s:.0f} s{asked}")
    if why.evidence:
        lines.append("")
        for one in why.evidence:
            when = "" if one.seen_at is None else f", {age_text(one.seen_at, now)}"
            lines.append(f"  {one.level:8}{one.text}{when}")
    return "\n".join(lines) + "\n"


def _out(value: Any) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
