"""``ranvier miners secret set|list|remove``: a value comes from a hidden prompt or standard input, never as a word."""

from __future__ import annotations

import argparse
import getpass
import sys

import msgspec

from ranvier.agent.api.client import AgentClient
from ranvier.agent.api.secret_messages import GetSecrets, MinerSecrets, RemoveSecret, SetSecret
from ranvier.agent.miners.secret_store import LONGEST
from ranvier.core.errors import MinerError

_LONGEST_BYTES = 4 * LONGEST


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """The sub-command of ``ranvier miners``."""
    secret = commands.add_parser("secret", help="tokens and keys that a miner needs, in the system's password store")
    doing = secret.add_subparsers(dest="doing", required=True)
    for name, text in (
        ("set", "store one; its value is asked for, or read from standard input"),
        ("list", "what it needs and what is stored (never a value)"),
        ("remove", "take one out of the store"),
    ):
        one = doing.add_parser(name, parents=[common], help=text)
        one.add_argument("id", help="the miner")
        if name != "list":
            one.add_argument("name", help="the secret's name, as HF_TOKEN")


async def run(client: AgentClient, options: argparse.Namespace) -> None:
    """Carry out what was parsed. Raises RanvierError."""
    if options.doing == "list":
        found: MinerSecrets = await client.call(GetSecrets(options.id))
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n" if options.json else describe(options.id, found))
        return
    if options.doing == "set":
        await client.call(GetSecrets(options.id))  # a wrong miner is told before anything is typed
        done = await client.call(SetSecret(options.id, options.name, _value(options.name)))
    else:
        done = await client.call(RemoveSecret(options.id, options.name))
    answer = msgspec.json.encode({"id": options.id, "text": done.text}).decode()
    sys.stdout.write(f"{answer if options.json else f'{options.id}: {done.text}'}\n")


def describe(miner_id: str, found: MinerSecrets) -> str:
    """The list as lines of text."""
    if not found.secrets:
        return f"{miner_id}: its recipe asks for no secret, and none was added.\n"
    width = max(len(one.name) for one in found.secrets)
    lines = []
    for one in found.secrets:
        state = {True: "stored", False: "missing", None: "not known"}[one.stored]
        whose = "asked for by its recipe" if one.asked else "added by you"
        given = "" if one.variables == (one.name,) else f", given as {', '.join(one.variables)}"
        lines.append(f"{one.name:{width}}  {state:9}  {whose}{given}")
    if found.problem:
        lines.append(found.problem)
    return "\n".join(lines) + "\n"


def _value(name: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Value of {name} (it is not shown): ")
    data = sys.stdin.buffer.read(_LONGEST_BYTES + 1)
    if len(data) > _LONGEST_BYTES:
        raise MinerError("Too long", "What standard input gives is far too long for a secret.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:  # without its cause: that one holds the bytes
        raise MinerError("Not text", "What standard input gives is not UTF-8 text.") from None
    return text.removesuffix("\n").removesuffix("\r")
