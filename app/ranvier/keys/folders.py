"""Which wallet folders are used, and why: own setting > BT_WALLET_PATH > btcli.json > config.yml > default."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ranvier.core.paths import Paths
from ranvier.core.settings import WALLET_FOLDER, Settings

VARIABLE = "BT_WALLET_PATH"
_LARGEST_CONFIG = 1 << 20
_YAML_LINE = re.compile(r"""^wallet_path[ \t]*:[ \t]+(?:"([^"\n]*)"|'([^'\n]*)'|([^#\n]*?))[ \t]*(?:#.*)?\r?$""", re.M)


@dataclass(frozen=True, slots=True)
class WalletFolder:
    """The folder as an absolute path, and the reason in words. ``ignored`` are sentences about what was passed over."""

    path: Path
    why: str
    ignored: tuple[str, ...] = ()


def wallet_folder(settings: Settings, paths: Paths) -> WalletFolder:
    """The folder that new wallets go to: the first of ``wallet_folders``."""
    return wallet_folders(settings, paths)[0]


def wallet_folders(settings: Settings, paths: Paths) -> tuple[WalletFolder, ...]:
    """Every folder that is listed and watched, the main one first. Several come from the own setting only, separated
    as in PATH.

    With ``--home`` the environment and other tools' settings are not asked: an instance of its own must never reach
    the real wallets.
    """
    chosen = _split(settings.get(WALLET_FOLDER))
    if chosen:
        return tuple(WalletFolder(path, "chosen in the settings") for path in chosen)
    if paths.home is not None:
        return (WalletFolder(paths.wallets, "below the folder given with --home"),)
    ignored: list[str] = []
    variable = os.environ.get(VARIABLE, "").strip()
    if variable:
        return (WalletFolder(absolute(variable), f"set by {VARIABLE}"),)
    for file, read in ((_btcli_json(), _from_json), (_config_yml(), _from_yaml)):
        try:
            value = read(file)
        except ValueError as error:
            ignored.append(f"{file} was not used: {error}.")
            continue
        if value:
            return (WalletFolder(absolute(value), f"wallet_path in {file}", tuple(ignored)),)
    return (WalletFolder(paths.wallets, "the folder all Bittensor tools use", tuple(ignored)),)


def joined(folders: list[Path]) -> str:
    """The text of the setting for several folders."""
    return os.pathsep.join(map(str, folders))


def absolute(text: str) -> Path:
    """``text`` as an absolute path, ``~`` expanded, wherever in a setting or variable it came from."""
    try:
        return Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100  # resolves .. but not links
    except (RuntimeError, ValueError):  # no home folder for ~name
        return Path(text).absolute()


def _split(setting: str) -> list[Path]:
    """One folder whose name holds the separator is one folder if it is there."""
    text = setting.strip()
    if not text:
        return []
    if os.pathsep not in text or os.path.isdir(absolute(text)):  # noqa: PTH112  # Path.is_dir raises for a NUL
        return [absolute(text)]
    return list(dict.fromkeys(absolute(part.strip()) for part in text.split(os.pathsep) if part.strip()))


def _btcli_json() -> Path:
    return absolute(os.environ.get("BTCLI_CONFIG", "").strip() or "~/.bittensor/btcli.json")


def _config_yml() -> Path:
    return absolute(os.environ.get("BTCLI_CONFIG_PATH", "").strip() or "~/.bittensor/config.yml")


def _from_json(file: Path) -> str | None:
    """``wallet_path`` of btcli 11; raises ValueError with the reason when the file is there but not usable."""
    text = _text(file)
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is not whole JSON") from None
    found = value.get("wallet_path") if isinstance(value, dict) else None
    return found.strip() if isinstance(found, str) else None


def _from_yaml(file: Path) -> str | None:
    """``wallet_path`` of btcli 9: one line at the top level of a flat file."""
    found = _YAML_LINE.search(_text(file) or "")
    value = next((group.strip() for group in found.groups() if group is not None), "") if found else ""
    return None if value in ("", "null", "~", "None") else value


def _text(file: Path) -> str | None:
    try:
        if not file.is_file():
            return None
        with file.open("rb") as opened:
            return opened.read(_LARGEST_CONFIG).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not text") from None
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from None
