"""How ``ranvier transact`` shows plans and receipts, and asks before anything is signed."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from ranvier.agent.cli.transact_plans import amount
from ranvier.agent.money.receipt_rows import stored
from ranvier.chain.model import Plan, Receipt
from ranvier.chain.plans.wording import meaning_of, plan_rows, verdict_words
from ranvier.chain.policy import Verdict, retyped, value_of
from ranvier.core.errors import ChainError
from ranvier.core.units import Tao, format_rao, format_tao
from ranvier.keys.cli_io import at_prompt, out, out_json

_WIDTH = 18


def show_plan(plan: Plan, verdict: Verdict) -> str:
    """A plan as the window shows it, as lines of text."""
    lines = [plan.title, *(f"  {name:{_WIDTH}}{value}" for name, value in plan_rows(plan))]
    lines += [f"  ! {warning}" for warning in plan.warnings]
    lines += [f"  x {refusal}" for refusal in verdict.refusals]
    return "\n".join([*lines, f"  {meaning_of(plan.network)}"])


def plan_data(plan: Plan, verdict: Verdict) -> dict[str, Any]:
    """The same for programs."""
    whole = msgspec.to_builtins(plan)
    return {"plan": whole, "refusals": list(verdict.refusals), "retype_rao": verdict.retype_rao}


def show_receipt(receipt: Receipt) -> str:
    """What became of it, as lines of text."""
    lines = [verdict_words(receipt)[1] + "."]
    if receipt.error:
        lines.append(f"  {receipt.error} {receipt.next_step or ''}".rstrip())
    lines += [f"  {finding}" for finding in receipt.findings]
    rows = []
    if receipt.fee_rao is not None:
        rows.append(("Fee paid", format_tao(Tao(receipt.fee_rao))))
    if receipt.balance_before_rao is not None and receipt.balance_after_rao is not None:
        rows.append(("Free TAO before", format_tao(Tao(receipt.balance_before_rao))))
        rows.append(("Free TAO after", format_tao(Tao(receipt.balance_after_rao))))
    if receipt.block is not None:
        rows.append(("Block", f"{receipt.block.number}, {receipt.block.hash}"))
    rows.append(("Transaction", receipt.extrinsic_hash))
    return "\n".join([*lines, *(f"  {name:{_WIDTH}}{value}" for name, value in rows)])


def receipt_data(receipt: Receipt) -> dict[str, Any]:
    """As ``ranvier ledger receipts --json`` has it."""
    whole: dict[str, Any] = msgspec.to_builtins(stored(receipt, 0))
    for name in ("at_ms", "following"):
        whole.pop(name, None)
    return whole


class Teller:
    """What is said: text on standard output, or with ``--json`` one document there and the rest for people beside it
    (standard error)."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def say(self, text: str) -> None:
        """Something for people."""
        if self._as_json:
            sys.stderr.write(text + "\n")  # also where it is no terminal: nobody is asked about a plan unseen
        else:
            out(text)
            sys.stdout.flush()

    def end(self, **data: Any) -> None:
        """The document, when one is wanted."""
        if self._as_json:
            out_json(data)


def insist(verdict: Verdict) -> None:
    """Raise ChainError when there is nothing to agree to."""
    if verdict.refusals:
        raise ChainError("Not signed", " ".join(verdict.refusals), "Nothing was signed or sent.")


def agree(options: argparse.Namespace, plan: Plan, verdict: Verdict, yes: str) -> None:
    """Ask, or take ``--yes`` and ``--confirm``. Raises ChainError when there is nothing to agree to, or a no.

    ``--confirm`` is a ceiling: a script cannot know the price of the next block to the rao.
    """
    insist(verdict)
    if options.confirm is not None:
        if options.confirm < value_of(plan):
            moves = f"It would move {Tao(value_of(plan))}, more than --confirm allows."
            raise ChainError("Not signed", moves, "Nothing was signed or sent.")
        return
    if verdict.retype_rao is None:
        if not options.yes and _asked(f"{yes} Type yes: ", "Look at the plan, then add --yes.").lower() != "yes":
            raise ChainError("Not signed", "You did not type yes.", "Nothing was signed or sent.")
        return
    wanted = format_rao(verdict.retype_rao)
    hint = f"It is above the limit in the settings. Look at the plan, then add --confirm {wanted}."
    text = _asked(f"{yes} It is above the limit in the settings. Type {wanted} to go on: ", hint)
    try:
        typed = amount(text)
    except argparse.ArgumentTypeError:
        typed = None
    if not retyped(verdict, typed):
        raise ChainError("Not signed", f"That is not {wanted}.", "Nothing was signed or sent.")


def _asked(question: str, hint: str) -> str:
    if not sys.stdin.isatty():
        raise ChainError("Not signed", "Nobody can be asked here.", hint)
    with at_prompt():
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline().strip()
