"""``ranvier miners fix|update|recipe``: the one safe step of a diagnosis, and a recipe's correction, on a terminal."""

from __future__ import annotations

import argparse
import sys

import msgspec

from ranvier.agent.api.client import AgentClient
from ranvier.agent.api.messages import (
    ChangeMiner,
    Command,
    Done,
    GetRecipe,
    RecipeText,
    StartMiner,
    StartSandbox,
    UpdateMiner,
    Why,
    WhyMiner,
)
from ranvier.core.errors import MinerError
from ranvier.core.outside import at_home

COMMANDS = ("fix", "update", "recipe")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """The sub-commands of ``ranvier miners``."""
    fix = commands.add_parser("fix", parents=[common], help="do the one safe step that its diagnosis names")
    fix.add_argument("id")
    update = commands.add_parser("update", parents=[common], help="make a new version and try it")
    update.add_argument("id")
    how = update.add_mutually_exclusive_group()
    how.add_argument("--recipe", metavar="FILE", help="with this text in its recipe.toml (- is standard input)")
    how.add_argument("--fresh", action="store_true", help="the same recipe, every package fetched anew")
    recipe = commands.add_parser("recipe", parents=[common], help="write the recipe that it runs by")
    recipe.add_argument("id")


async def run(client: AgentClient, options: argparse.Namespace) -> None:
    """Carry out what was parsed. Raises RanvierError."""
    if options.command == "recipe":
        found: RecipeText = await client.call(GetRecipe(options.id))
        sys.stdout.write(f"{msgspec.json.encode(found).decode()}\n" if options.json else found.text)
        return
    if options.command == "fix":
        done = await _fix(client, options.id)
    else:
        text = "" if options.recipe is None else _text(options.recipe)
        done = await client.call(UpdateMiner(options.id, recipe_text=text, fresh=options.fresh))
    answer = msgspec.json.encode({"id": options.id, "text": done.text}).decode()
    sys.stdout.write(f"{answer if options.json else f'{options.id}: {done.text}'}\n")


async def _fix(client: AgentClient, miner_id: str) -> Done:
    why: Why = await client.call(WhyMiner(miner_id))
    found = why.diagnosis
    if found is None or not found.action or found.action == "none":
        raise MinerError("Nothing to mend", f"{miner_id} has no diagnosis now.", f"See: ranvier miners why {miner_id}")
    steps: dict[str, tuple[Command[Done], ...]] = {
        "retry": (StartMiner(miner_id),),
        "change_port": (ChangeMiner(miner_id, axon_port=0), StartMiner(miner_id)),
        "start_sandbox": (StartSandbox(), StartMiner(miner_id)),
        "reinstall": (UpdateMiner(miner_id, fresh=True),),
    }
    if found.action not in steps:
        how = f"With: {found.command}" if found.command else "Its button is in the window, on the Miners page."
        raise MinerError("This step needs you", f"{found.sentence} {found.step}", how)
    said = [(await client.call(command)).text for command in steps[found.action]]
    return Done(" ".join(said))


def _text(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else at_home(name).read_bytes()
    except OSError as error:
        raise MinerError("File not read", f"{name}: {error.strerror}.") from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MinerError("Not text", f"{name} is not UTF-8 text (byte {error.start}).") from error
    if not text.strip():
        raise MinerError("Nothing in it", f"{name} is empty.", "Give the whole recipe.")
    return text
