"""``sandbox_*``: what only a practice network can do, for those who test against it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ranvier.core.errors import StorageError
from ranvier.sandbox.frame.version import SPECS
from ranvier.sandbox.node.node import Node
from ranvier.sandbox.node.snapshots import write_snapshot
from ranvier.sandbox.pallets.subtensor.storage import rules
from ranvier.sandbox.rpc.protocol import Handler, bad_params, hex_bytes, hex_text, param
from ranvier.sandbox.rpc.writes import account_param, without_session

_MOST_BLOCKS = 100_000
_MOST_VALUES = 10_000
_SLOWEST_MS = 600_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Develop:
    """The developers' methods of one node. ``snapshots`` is the folder for snapshot files, None where there is none."""

    def __init__(self, node: Node, drop_connections: Callable[[], int], snapshots: Path | None) -> None:
        self._node = node
        self._drop_connections = drop_connections
        self._snapshots = snapshots

    def methods(self) -> dict[str, Handler]:
        plain: dict[str, Callable[[list[Any]], Any]] = {
            "sandbox_fund": self._fund,
            "sandbox_info": self._info,
            "sandbox_makeBlocks": self._make_blocks,
            "sandbox_setStorage": self._set_storage,
            "sandbox_setRules": self._set_rules,
            "sandbox_fault": self._fault,
            "sandbox_dropConnections": lambda params: self._drop_connections(),
            "sandbox_reorg": self._reorg,
            "sandbox_snapshot": self._snapshot,
        }
        return {name: without_session(body) for name, body in plain.items()}

    def _fund(self, params: list[Any]) -> str:
        """Play money for an address, by a transfer that the faucet signs like anybody else."""
        account, amount = account_param(params, 0), param(params, 1, int)
        if not 0 < amount < 1 << 64:
            raise bad_params("an amount of rao above 0 is expected")
        arguments = {"dest": ("Id", account), "value": amount}
        return hex_text(self._node.send(self._node.faucet, "Balances", "transfer_keep_alive", arguments))

    def _info(self, params: list[Any]) -> dict[str, Any]:
        practice = self._node.practice
        return {
            "netuid": practice.netuid,
            "block_ms": self._node.machine.block_ms,
            "tempo": practice.tempo,
            "validators": list(practice.validators),
            "competitors": list(practice.competitors),
            "manual": self._node.manual,
            "rules": rules(self._node.chain.store),
        }

    def _make_blocks(self, params: list[Any]) -> str:
        """Make N blocks at once (1 without a number), each one block time later; the hash of the last."""
        count = param(params, 0, int, optional=True)
        if not 1 <= (count := 1 if count is None else count) <= _MOST_BLOCKS:
            raise bad_params(f"from 1 to {_MOST_BLOCKS} blocks can be made")
        block = self._node.chain.head
        for _ in range(count):
            block = self._node.make_block(self._node.next_time())
        return hex_text(block.hash)

    def _set_storage(self, params: list[Any]) -> int:
        """Set storage: a list of [key, value or null] in hex. It holds from the next block on; how many were set."""
        rows = param(params, 0, list)
        if len(rows) > _MOST_VALUES or any(not isinstance(row, list) or len(row) != 2 for row in rows):
            raise bad_params("a list of pairs of key and value is expected")
        values = {hex_bytes(key): None if value is None else hex_bytes(value) for key, value in rows}
        self._node.give(values)
        return len(values)

    def _set_rules(self, params: list[Any]) -> bool:
        """Upgrade the runtime: the next block brings the new code, the one after it is the first by its rules."""
        wanted = SPECS.get(param(params, 0, int))
        if wanted is None:
            raise bad_params("the rules of 343 and 425 are known")
        try:
            self._node.upgrade(wanted)
        except ValueError as error:
            raise bad_params(str(error)) from error
        return True

    def _fault(self, params: list[Any]) -> bool:
        """Begin or end a fault: stall, finality (it stands), slow (ms), discard, genesis (a false one is answered)."""
        name, faults = param(params, 0, str), self._node.faults
        if name == "slow":
            delay = param(params, 1, int)
            if not 0 <= delay <= _SLOWEST_MS:
                raise bad_params(f"from 0 to {_SLOWEST_MS} ms are possible")
            faults.slow_ms = delay
            return True
        wanted = param(params, 1, bool)
        if name == "stall":
            faults.stalled = wanted
        elif name == "finality":
            self._node.chain.finality_stands = wanted
        elif name == "discard":
            faults.discarded = wanted
        elif name == "genesis":
            faults.genesis = bytes(reversed(self._node.chain.genesis_hash)) if wanted else None
        else:
            raise bad_params("the faults are stall, finality, slow, discard and genesis")
        return True

    def _reorg(self, params: list[Any]) -> str:
        """Replace the newest blocks (1 without a number) by others and one more; the hash of the new head."""
        depth = param(params, 0, int, optional=True)
        try:
            return hex_text(self._node.reorganise(1 if depth is None else depth)[-1].hash)
        except ValueError as error:
            raise bad_params(str(error)) from error

    def _snapshot(self, params: list[Any]) -> str:
        """Write the whole network to DATA/snapshots/NAME.bin; its path. ``--restore`` begins a new one with it."""
        name = param(params, 0, str)
        if not _NAME.fullmatch(name):
            raise bad_params("a name of letters, digits, and _ . - is expected")
        if self._snapshots is None:
            raise StorageError("No folder", "This network keeps nothing on disk.", "Start it with --data.")
        path = self._snapshots / f"{name}.bin"
        write_snapshot(self._node.chain.snapshot(), self._snapshots.parent, path)
        return str(path)
