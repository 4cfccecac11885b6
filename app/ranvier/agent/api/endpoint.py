"""Where the agent of one home listens: known to its server and its clients, kept in ``agent/endpoint.json``."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

import msgspec

from ranvier.core.errors import AgentError
from ranvier.core.files import read_small, write_wish
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths, private_folder

_LONGEST_SOCKET_PATH = 100  # the kernel's limit is 104 to 108 bytes, the closing zero included


class Endpoint(msgspec.Struct, frozen=True):
    """A Unix socket, or (Windows) a loopback port with the token that must be shown there.

    ``pid`` and ``started`` tell which agent wrote it.
    """

    pid: int
    started: float
    socket: str | None = None
    port: int | None = None
    token: str | None = None

    @property
    def url(self) -> str:
        """The base address; over a Unix socket the host is only a name."""
        return "http://agent" if self.socket is not None else f"http://127.0.0.1:{self.port}"

    def headers(self) -> dict[str, str]:
        """What a client sends so that it is let in."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def endpoint_file(paths: Paths) -> Path:
    return paths.agent / "endpoint.json"


def socket_path(paths: Paths) -> Path:
    """``agent/agent.sock``, or a short private path in the temporary folder where that one is too long.

    Raises AgentError when the short folder belongs to somebody else.
    """
    path = paths.agent / "agent.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    folder = private_folder(Path(tempfile.gettempdir()) / f"ranvier-{user_id()}")
    details = folder.lstat()
    if sys.platform != "win32" and (details.st_uid != os.getuid() or details.st_mode & 0o077 or folder.is_symlink()):
        raise AgentError("Agent cannot start", f"{folder} is not private to you.", "Remove that folder and try again.")
    return folder / f"{name}.sock"


def user_id() -> str:
    """What tells this user's short paths from another's; on Windows they lie in the user's own folder anyway."""
    if sys.platform == "win32":
        return "user"
    return str(os.getuid())


def write_endpoint(paths: Paths, endpoint: Endpoint) -> None:
    write_wish(endpoint_file(paths), msgspec.json.encode(endpoint))


def read_endpoint(paths: Paths) -> Endpoint | None:
    """What the last agent wrote, or None; it may have died since."""
    try:
        return msgspec.json.decode(read_small(endpoint_file(paths)), type=Endpoint)
    except (OSError, *NOT_JSON):
        return None
