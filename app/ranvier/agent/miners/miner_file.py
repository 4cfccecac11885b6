"""``miners/<id>/miner.json``: what a miner is and whether it should run. The agent's desired state, on disk."""

from __future__ import annotations

import ipaddress
import itertools
import random
import re
import socket
from collections.abc import Collection
from pathlib import Path

import msgspec

from ranvier.core.errors import MinerError
from ranvier.core.files import read_small, storage_errors, write_wish

FILE_NAME = "miner.json"
DAMAGED = "Miner damaged"
VERSION = 1
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,47}")
# names that Windows keeps for itself
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
# The chain refuses loopback addresses. This one is kept for documentation; practice validators dial 127.0.0.1 anyway.
PRACTICE_IP = "192.0.2.1"
# Below the range from which systems take the ports of outgoing connections.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000


class MinerFile(msgspec.Struct, frozen=True, kw_only=True):
    """One miner. ``wallet_path`` is the user's folder of wallets; the miner sees its own copy only.

    ``gpus`` are cards that are this miner's alone (UUIDs; empty: no choice made). ``fixed_port``: its port was chosen
    by a person and is not exchanged for a free one. ``update_note`` says what became of the last update. ``secrets``
    are the names of those that its owner has stored. ``external_ip`` and ``external_port`` are where others reach it
    (empty and 0: not told; the port is then the axon's own).
    """

    version: int = VERSION
    id: str
    name: str
    recipe: str
    network: str
    netuid: int
    wallet_path: str
    wallet_name: str
    hotkey_name: str
    hotkey_ss58: str
    coldkey_ss58: str
    axon_port: int
    wanted: bool = False
    added_at: float = 0.0
    gpus: tuple[str, ...] = ()
    fixed_port: bool = False
    update_note: str = ""
    secrets: tuple[str, ...] = ()
    external_ip: str = ""
    external_port: int = 0


def check_id(miner_id: str) -> None:
    """Raise MinerError unless ``miner_id`` is safe as a folder name on every system."""
    if not _ID.fullmatch(miner_id) or miner_id.split(".")[0] in _RESERVED or miner_id.endswith("."):
        raise MinerError(
            "Not a name for a miner",
            f"“{miner_id[:60]}” cannot be a miner's folder.",
            "Use small letters, digits, dots and dashes.",
        )


def read_miner(folder: Path) -> MinerFile:
    """Read ``folder``'s file. Raises MinerError in words; FileNotFoundError when there is none."""
    path = folder / FILE_NAME
    try:
        miner = msgspec.json.decode(read_small(path), type=MinerFile)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise MinerError("Miner unreadable", f"{path}: {error.strerror}.", "Check the file's permissions.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MinerError(
            DAMAGED, f"{path} is damaged.", "Add the miner again by the same name; the damaged file is kept."
        ) from error
    if miner.version > VERSION:
        raise MinerError("Miner of a newer Ranvier", f"{path} is of version {miner.version}.", "Use the newer Ranvier.")
    if miner.id != folder.name:
        raise MinerError("Miner moved", f"{path} belongs to “{miner.id}”.", "Give the folder its old name.")
    return miner


def write_miner(folder: Path, miner: MinerFile) -> None:
    """Store it so that a kill leaves the old or the new one. Raises StorageError."""
    write_wish(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(miner), indent=1) + b"\n")


def set_aside(folder: Path) -> str:
    """Give ``folder``'s damaged file another name, which is returned. Raises StorageError."""
    path = folder / FILE_NAME
    names = (f"{FILE_NAME}.damaged-{number}" for number in itertools.count(1))
    name = next(name for name in names if not (folder / name).exists())
    with storage_errors(path):
        path.rename(folder / name)
    return name


def address_from_outside(ip: str, port: int) -> str:
    """``ip`` as it is written, empty when there is none. Raises MinerError for what is no address or no port."""
    if not 0 <= port <= 65_535:
        raise MinerError("Not a port", f"{port} is not a port number.", "Choose one from 1 to 65535.")
    try:
        return str(ipaddress.ip_address(ip.strip())) if ip.strip() else ""
    except ValueError:
        raise MinerError("Not an address", f"{ip[:60]!r} is not an IP address.", "For example 203.0.113.7.") from None


def port_free(port: int) -> bool:
    """Whether a program could listen on ``port`` of this machine now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do it: a port whose last connections are still fading away can be used again.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int]) -> int:
    """A port that nobody listens on and no other miner has. Raises MinerError when none is found."""
    open_to_us = [port for port in range(_FIRST_PORT, _LAST_PORT) if port not in taken]
    for port in random.sample(open_to_us, min(200, len(open_to_us))):
        if port_free(port):
            return port
    raise MinerError("No free port", f"No port between {_FIRST_PORT} and {_LAST_PORT} is free.", "Close some programs.")
