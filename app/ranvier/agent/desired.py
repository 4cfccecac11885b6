"""``agent/state.json``: what the agent is to work on, across restarts."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from ranvier.core.errors import AgentError, why
from ranvier.core.files import read_small, write_wish
from ranvier.core.outside import NOT_JSON

log = logging.getLogger(__name__)


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """``network`` is empty until one was chosen."""

    network: str = ""
    sandbox: bool = False


class DesiredFile:
    """The current wish, always on disk before it is acted on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.value = Desired()
        self.trouble: AgentError | None = None
        try:
            self.value = msgspec.json.decode(read_small(path), type=Desired)
        except FileNotFoundError:
            pass
        except (OSError, *NOT_JSON) as error:
            log.error("%s: %s; starting without a network", path, error)
            text = f"{path} cannot be read, so it is not known which network was watched: {why(error)}."
            self.trouble = AgentError("Which network", text, "Choose the network again.")

    def set(self, *, network: str | None = None, sandbox: bool | None = None) -> None:
        """Change what is given. Raises StorageError."""
        value = Desired(
            network=self.value.network if network is None else network,
            sandbox=self.value.sandbox if sandbox is None else sandbox,
        )
        if value != self.value:
            write_wish(self._path, msgspec.json.encode(value))
            self.value = value
            self.trouble = None
