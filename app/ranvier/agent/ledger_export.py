"""Writing the earnings to a file of the user's: the agent has the ledger open, so it writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranvier.agent.command import Done
from ranvier.agent.market_messages import ExportEarnings
from ranvier.agent.portfolio import require_network
from ranvier.core.errors import AgentError, LedgerError, StorageError
from ranvier.ledger import export, prices
from ranvier.ledger.prices import FiatPrice

if TYPE_CHECKING:
    from ranvier.agent.agent import Agent


async def export_earnings(agent: Agent, command: ExportEarnings) -> Done:
    """Write a new file; nothing is ever overwritten, and a file that was not finished does not stay."""
    if command.kind not in export.FORMATS:
        raise AgentError("Not understood", f"There is no format “{command.kind[:40]}”.", ", ".join(export.FORMATS))
    path = Path(command.path).expanduser()
    if not path.is_absolute():
        raise AgentError("Not a whole path", f"{path} does not begin at the root.", "Choose the file again.")
    network = agent.network.name
    require_network(network)
    ledger = agent.ledgers.get(network)
    if ledger is None:
        raise LedgerError("Ledger closed", f"The ledger of {network} is not open.", "See what needs attention.")
    source = await agent.prices.source()
    days: Mapping[int, FiatPrice] = {}
    if source is not None:
        days = await ledger.read(lambda c: prices.by_day(c, source.currency))
    return Done(await ledger.read(lambda connection: _write(connection, path, command, days)))


def _write(connection: Any, path: Path, command: ExportEarnings, days: Mapping[int, FiatPrice]) -> str:
    try:
        file = path.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise StorageError("File exists", f"{path} is there already.", "Choose another name.") from None
    except OSError as error:
        raise StorageError("Not written", f"{path}: {error.strerror}.", "Choose another folder.") from error
    try:
        with file:
            for piece in export.export(
                connection, command.kind, since_ms=command.since_ms, until_ms=command.until_ms,
                hotkey_ss58=command.hotkey_ss58, netuid=command.netuid, prices=days,
            ):  # fmt: skip
                file.write(piece)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError("Not written", f"{path}: {error.strerror}.", "Is the disk full?") from error
    return f"{path} was written, {path.stat().st_size} bytes."
