"""A recipe that is proposed to a person: its text, what was found, what they should know. Nothing is run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from ranvier.core.errors import RecipeError
from ranvier.core.files import write_atomic
from ranvier.miners.recipe.recipe import FILE_NAME, Recipe, load_recipe

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE|MNEMONIC|CREDENTIAL|_KEY$", re.IGNORECASE)
# Options of Bittensor programs, and the placeholder that stands for their value.
OPTIONS = {
    "--wallet.path": "wallet_path", "--wallet.name": "wallet_name", "--wallet.hotkey": "hotkey_name",
    "--wallet-path": "wallet_path", "--wallet-name": "wallet_name", "--wallet-hotkey": "hotkey_name",
    "--coldkey": "wallet_name", "--hotkey": "hotkey_name", "--netuid": "netuid",
    "--axon.port": "axon_port", "--axon-port": "axon_port", "--axon.external_ip": "external_ip",
    "--axon.external_port": "external_port", "--subtensor.chain_endpoint": "endpoint",
    "--subtensor.network": "endpoint",
}  # fmt: skip
_SHELL_ONLY = re.compile(
    r"(PATH|HOME|PWD|OLDPWD|SHELL|SHLVL|USER|LOGNAME|MAIL|TERM|TERM_PROGRAM.*|COLORTERM|LANG|LANGUAGE|LC_.*|LS_COLORS|EDITOR|_|"
    r"DISPLAY|WAYLAND_.*|XDG_.*|DBUS_.*|SSH_.*|GPG_.*|NVM_.*|npm_.*|PM2_.*|PM_.*|pm_.*|VIRTUAL_ENV.*|PS1|CONDA_.*|HOSTNAME|"
    r"LESS.*|TMUX.*|STY|WINDOW.*|VSCODE_.*|NODE_.*|unique_id|SUDO_.*|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_.*)"
)


TCP = {"tcp": "127.0.0.1:{axon_port}", "grace_s": 300.0}
_LOGIN = re.compile(r"://[^/@\s:]*:[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Proposal:
    """``text`` is the recipe's TOML; ``found`` values of placeholders that were seen (wallet_name, netuid, ...);
    ``switch_over`` the command that ends what runs now, for the person to give."""

    name: str
    text: str
    notes: tuple[str, ...] = ()
    found: Mapping[str, str] = field(default_factory=dict)
    switch_over: str = ""


def save(proposal: Proposal, recipes: Path) -> Recipe:
    """Store it as ``recipes/<name>`` and load it. RecipeError when the name is taken or the text is not valid."""
    folder = recipes / proposal.name
    try:
        write_atomic(folder / FILE_NAME, proposal.text.encode(), replace=False)
    except FileExistsError as error:
        raise RecipeError(
            "Name taken", f"There is a recipe “{proposal.name}” already.", "Choose another name."
        ) from error
    try:
        return load_recipe(folder)
    except RecipeError:
        (folder / FILE_NAME).unlink()
        raise


def check_text(text: str) -> Recipe:
    """Check a recipe's text without storing it. RecipeError names the line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        path.write_text(text, "utf-8")
        try:
            return load_recipe(path.parent)
        except RecipeError as error:  # nobody knows that folder
            raise RecipeError(error.title, error.message.replace(str(path), "The recipe"), error.hint) from error


def make(
    name: str, title: str, program: Mapping[str, Any], *, notes: Sequence[str] = (),
    found: Mapping[str, str] | None = None, switch_over: str = "", **sections: Any,
) -> Proposal:  # fmt: skip
    """A proposal from the sections of a recipe; empty ones are left out."""
    data = {"name": slug(name), "title": title, "program": dict(program), **sections}
    return Proposal(slug(name), tomli_w.dumps(_whole(data)), tuple(notes), found or {}, switch_over)


def slug(name: str) -> str:
    """A name as recipes have it."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:48].strip("-") or "miner"


def generalise(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Put placeholders where a command line names its wallet, subnet, port and endpoint; and what stood there."""
    result: list[str] = []
    found: dict[str, str] = {}
    option = ""
    for word in words:
        name, equals, value = word.partition("=")
        if option:
            found[OPTIONS[option]] = word
            result.append("{" + OPTIONS[option] + "}")
            option = ""
        elif equals and name in OPTIONS:
            found[OPTIONS[name]] = value
            result.append(f"{name}={{{OPTIONS[name]}}}")
        else:
            result.append(word)
            option = word if word in OPTIONS else ""
    if "--wallet.name" in result and "wallet_path" not in found:
        result += ["--wallet.path", "{wallet_path}"]  # its own copy, which has no coldkey
    return result, found


def served(found: Mapping[str, str]) -> dict[str, Any]:
    """The sections of a recipe for a program that was told to listen: its port, and a check that it does."""
    port = found.get("axon_port")
    if port is None:
        return {}
    usual = int(port) if re.fullmatch(r"[0-9]{1,5}", port) else 0
    return {"ports": {"axon": usual} if 1 <= usual <= 65_535 else {}, "health": TCP}


def split_variables(variables: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """(plain, secrets by name, notes). What belongs to the shell is left out; a secret's value is never copied."""
    kept = {name: str(value) for name, value in variables.items() if re.fullmatch(r"[A-Za-z_]\w*", name)}
    kept = {name: value for name, value in kept.items() if not _SHELL_ONLY.fullmatch(name)}
    secrets = {name: name for name, value in kept.items() if _SECRET.search(name) or _LOGIN.search(value)}
    plain = {name: value for name, value in kept.items() if name not in secrets}
    notes = [f"{name} looks like a secret: its value is not taken over, you are asked for it." for name in secrets]
    return plain, secrets, notes


def _whole(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _whole(value) if isinstance(value, Mapping) else value
        for key, value in data.items()
        if value not in (None, "", (), [], {})
    }
