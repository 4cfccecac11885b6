"""``ranvier rehearse --headless --json``: the rehearsal without a display, one JSON object per stage."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from ranvier.agent.api.client import AgentClient, ensure_agent
from ranvier.agent.api.messages import StopAgent
from ranvier.chain.model import Plan
from ranvier.core.errors import Cancelled, RanvierError
from ranvier.core.log import start_logging
from ranvier.core.paths import Paths
from ranvier.core.settings import NETWORK, Settings
from ranvier.keys.memory import forbid_core_dumps
from ranvier.rehearsal import practice
from ranvier.rehearsal.rehearsal import Rehearsal
from ranvier.rehearsal.stages import TITLES, Outcome, StageReport, StageState


def main(arguments: list[str], paths: Paths) -> int:
    """Exit status 0 after the first earning, otherwise 1 and one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="ranvier rehearse", description=__doc__)
    parser.add_argument("--headless", action="store_true", required=True, help="run without the window")
    parser.add_argument("--json", action="store_true", help="one JSON object per stage, then one for the outcome")
    parser.add_argument("--recipe", default=practice.RECIPE, help="a bundled recipe's name, or a recipe folder")
    parser.add_argument("--stop", action="store_true", help="stop the miner, the sandbox and the agent afterwards")
    options = parser.parse_args(arguments)
    forbid_core_dumps()
    start_logging(paths.logs, "rehearse")
    printer = _Printer(as_json=options.json)
    try:
        asyncio.run(_run(paths, printer, options.recipe, stop=options.stop))
    except RanvierError as error:
        sys.stderr.write(f"ranvier rehearse: {error}\n")
        return 1
    except Cancelled:
        sys.stderr.write("ranvier rehearse: cancelled; nothing was signed.\n")
        return 1
    return 0


async def _run(paths: Paths, printer: _Printer, recipe: str, *, stop: bool) -> None:
    settings = Settings(paths.settings_file)
    if not settings.get(NETWORK):
        settings.set(NETWORK, "sandbox")
    client = await ensure_agent(paths)
    try:
        rehearsal = Rehearsal(paths, client, on_report=printer.stage, consent=printer.consent, recipe=recipe)
        printer.outcome(await rehearsal.run())
    finally:
        await _end(client, stop=stop)


async def _end(client: AgentClient, *, stop: bool) -> None:
    try:
        if stop:
            await client.call(StopAgent(everything=True))
    finally:
        await client.close()


class _Printer:
    """Prints each finished stage once."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def stage(self, report: StageReport) -> None:
        if report.state not in (StageState.DONE, StageState.FAILED):
            return
        if self._as_json:
            line = {
                "stage": report.stage.value,
                "seconds": round(report.seconds, 3),
                "evidence": report.evidence or report.text,
                "state": report.state.value,
            }
            self._write(json.dumps(line, ensure_ascii=False))
        else:
            mark = "ok  " if report.state is StageState.DONE else "FAIL"
            words = report.evidence or report.text
            self._write(f"{mark} {TITLES[report.stage]:<34} {report.seconds:6.1f} s  {words}")

    async def consent(self, plan: Plan) -> bool:
        """The command is the consent: it says headless, and this is play money. The plan is printed all the same."""
        if plan.network != "sandbox":
            return False
        if self._as_json:
            lines = dict(plan.lines)
            self._write(json.dumps({"plan": plan.title, "fee_rao": plan.fee_rao, "spend_rao": plan.spend_rao, **lines}))
        else:
            self._write(f"     plan: {plan.title}: " + "; ".join(f"{label}: {value}" for label, value in plan.lines))
        return True

    def outcome(self, outcome: Outcome) -> None:
        if self._as_json:
            line = {
                "first_earning_s": round(outcome.first_earning_s, 3),
                "alpha_rao": outcome.alpha_rao,
                "hotkey_ss58": outcome.hotkey_ss58,
                "block": outcome.block,
            }
            self._write(json.dumps(line))
        else:
            self._write(f"First earning after {outcome.first_earning_s:.1f} s, at block {outcome.block}.")

    @staticmethod
    def _write(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
