"""What a new miner gets of the user's wallet: its own copy of the hotkey and of the coldkey's public half."""

from __future__ import annotations

from pathlib import Path

from ranvier.agent.api.messages import AddMiner
from ranvier.core.outside import at_home
from ranvier.core.paths import private_folder


def wallet_folder(command: AddMiner) -> Path:
    """The wallet itself; ``wallet_path`` may name it or the folder of wallets that it is in."""
    given = at_home(command.wallet_path)
    inside = given / command.wallet_name
    return given if not inside.is_dir() and given.name == command.wallet_name else inside


def hotkey_address(wallet: Path, hotkey_name: str) -> str:
    """Raises KeyFileError. Nothing is copied before it is known that no other miner uses this key."""
    from ranvier.keys.wallets import load_hotkey

    return load_hotkey(wallet, hotkey_name).ss58


def copy_wallet(wallet: Path, hotkey_name: str, destination: Path) -> str:
    """Copy what the miner may see; returns the coldkey's address. Raises KeyFileError."""
    from ranvier.keys import files, miner_wallet

    private_folder(destination)
    copy = miner_wallet.export_for_miner(wallet, hotkey_name, destination)
    return files.parse_public(files.read_bytes(copy / "coldkeypub.txt")).ss58
