"""``ranvier miners add``: from a recipe that is there, a file, or one proposed for what the person has."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import msgspec

from ranvier.agent.api.client import AgentClient
from ranvier.agent.api.messages import AddMiner, InstallMiner
from ranvier.core.errors import RecipeError
from ranvier.core.outside import at_home
from ranvier.core.paths import Paths
from ranvier.core.settings import Settings
from ranvier.keys.folders import wallet_folders
from ranvier.miners.recipe.command_line import words_of
from ranvier.miners.recipe.guess import propose_container, propose_line, propose_project
from ranvier.miners.recipe.imports import PM2_DUMP, from_pm2, from_systemd
from ranvier.miners.recipe.proposal import Proposal, check_text, slug
from ranvier.miners.recipe.recipe import Recipe, load_recipe


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """The sub-command of ``ranvier miners``."""
    add = commands.add_parser("add", parents=[common], help="make a miner: from a recipe, any command, a project …")
    add.add_argument("name")
    source = add.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--recipe", metavar="NAME", help="one that is there, a file or folder of yours (-: standard input)"
    )
    source.add_argument("--command", metavar="LINE", dest="line", help="any command line, run as it is")
    source.add_argument("--project", metavar="FOLDER", help="a Python project; packages and start are guessed")
    source.add_argument("--image", metavar="WORDS", help="a container image, with what it is told after it")
    source.add_argument("--pm2", metavar="PROGRAM", help=f"what PM2 runs, as {PM2_DUMP} has it (pm2 save writes it)")
    source.add_argument("--unit", metavar="FILE", help="what this systemd unit starts")
    add.add_argument("--entry", metavar="FILE", help="what starts the project, such as neurons/miner.py")
    add.add_argument("--show", action="store_true", help="only write the proposed recipe, to be read and corrected")
    add.add_argument("--netuid", type=int, help="the subnet; may be left out where the command or recipe names it")
    add.add_argument("--wallet", metavar="NAME", help="name of the wallet")
    add.add_argument("--hotkey", metavar="NAME", help="name of the hotkey in it")
    add.add_argument("--wallets", metavar="FOLDER", help="folder of wallets, when it is not the usual one")
    add.add_argument("--id", help="folder name; made from the name when not given")
    add.add_argument("--install", action="store_true", help="make its environment too")
    add.set_defaults(refuse=add.error)


def proposed(options: argparse.Namespace) -> Proposal | None:
    """The recipe for what was given, with what it told about its miner; None for the name of one that is there.

    Raises RecipeError.
    """
    if options.line is not None:
        return propose_line(options.name, options.line)
    if options.project is not None:
        return propose_project(Path(options.project), entry=options.entry, name=options.name)
    if options.image is not None:
        words = words_of(options.image)
        return propose_container(options.name, words[0] if words else "", words[1:])
    if options.pm2 is not None:
        return _from_pm2(options.pm2)
    if options.unit is not None:
        path = at_home(options.unit)
        user = Path.home() in path.absolute().parents
        return from_systemd(_read(path).decode("utf-8", "replace"), path.name, user=user)
    return _from_file(options.recipe)


def check(options: argparse.Namespace) -> None:
    """End with how it is used (status 2) where two words do not go together."""
    if options.entry is not None and options.project is None:
        options.refuse("--entry goes with --project")
    missing = [f"--{name}" for name in ("wallet", "hotkey") if getattr(options, name) is None]
    if missing and not options.show:
        options.refuse(f"the following arguments are required: {', '.join(missing)}")


async def run(client: AgentClient, options: argparse.Namespace, proposal: Proposal | None, paths: Paths) -> None:
    """Add it, and install it when that was asked for. Raises RanvierError."""
    miner_id = options.id or re.sub(r"[^a-z0-9]+", "-", options.name.lower()).strip("-")[:48] or "miner"
    wallets = at_home(options.wallets).absolute() if options.wallets else _wallets(options.wallet, paths)
    said = [await client.call(AddMiner(
        id=miner_id, name=options.name, recipe=options.recipe if proposal is None else proposal.name,
        netuid=_netuid(options, proposal), wallet_path=str(wallets), wallet_name=options.wallet,
        hotkey_name=options.hotkey, recipe_text="" if proposal is None else proposal.text,
        recipe_folder=_folder(options, proposal),
    ))]  # fmt: skip
    if options.install:
        said.append(await client.call(InstallMiner(id=miner_id)))
    text = " ".join(done.text for done in said)
    notes = _notes(proposal)
    if options.json:
        sys.stdout.write(msgspec.json.encode({"id": miner_id, "text": text, "notes": notes}).decode() + "\n")
    else:
        sys.stdout.write("\n".join([f"{miner_id}: {text}", *(f"  {note}" for note in notes)]) + "\n")


def show(options: argparse.Namespace, proposal: Proposal | None) -> None:
    """Write the recipe; what is to be known about it goes beside it (standard error), so that a file holds TOML."""
    if proposal is None or not proposal.text:
        raise RecipeError("Nothing to propose", f"{options.recipe} is a recipe that is there.", "Add it by its name.")
    if options.json:
        data = {"name": proposal.name, "text": proposal.text, "notes": _notes(proposal), "found": proposal.found}
        sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
        return
    sys.stdout.write(proposal.text)
    sys.stderr.write("".join(f"{note}\n" for note in _notes(proposal)))


def _folder(options: argparse.Namespace, proposal: Proposal | None) -> str:
    return str(at_home(options.recipe).absolute()) if proposal is not None and not proposal.text else ""


def _notes(proposal: Proposal | None) -> list[str]:
    if proposal is None:
        return []
    over = proposal.switch_over
    return [*proposal.notes, *([f"When the new one is ready, end the old one with: {over}"] if over else [])]


def _wallets(name: str, paths: Paths) -> Path:
    """The folder that has this wallet: one of the person's, or that of practice wallets."""
    usual = [one.path for one in wallet_folders(Settings(paths.settings_file), paths)]
    return next((path for path in (*usual, paths.practice_wallets) if (path / name).is_dir()), usual[0])


def _netuid(options: argparse.Namespace, proposal: Proposal | None) -> int:
    if options.netuid is not None:
        return int(options.netuid)
    said = "" if proposal is None else proposal.found.get("netuid", "")
    if not said.isdecimal():
        raise RecipeError("Which subnet?", "Its recipe does not name a subnet.", "Add --netuid and its number.")
    return int(said)


def _from_file(name: str) -> Proposal | None:
    path = at_home(name)
    if name != "-" and "/" not in name and "\\" not in name and path.suffix != ".toml":
        return None
    if path.is_dir():  # with all that lies in it: its code, its locked packages
        recipe = load_recipe(path)
        return Proposal(recipe.name, "", found=_said(recipe))
    data = sys.stdin.buffer.read() if name == "-" else _read(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError("Not text", f"{name} is not UTF-8 text (byte {error.start}).", "") from error
    recipe = check_text(text)
    return Proposal(recipe.name, text, found=_said(recipe))


def _said(recipe: Recipe) -> dict[str, str]:
    return {} if recipe.netuid is None else {"netuid": str(recipe.netuid)}


def _from_pm2(name: str) -> Proposal:
    dump = PM2_DUMP.expanduser()
    if not dump.is_file():
        raise RecipeError("Nothing saved by PM2", f"{dump} is not there.", "Run pm2 save first.")
    programs = {one.name: one for one in from_pm2(_read(dump))}
    if slug(name) not in programs:
        there = ", ".join(sorted(programs)) or "no program"
        raise RecipeError("Not with PM2", f"PM2's dump has no “{name}”. It has: {there}.", "Run pm2 save first.")
    return programs[slug(name)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecipeError("File not read", f"{path}: {error.strerror}.", "") from error
