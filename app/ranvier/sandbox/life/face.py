"""What the market needs of the node: see a block, read a value, send a signed transaction.

The node implements this; the market knows nothing else of it. Values are plain: an account is its 32 raw bytes,
a missing optional item is None, a missing item with a default is its default, numbers are ints, vectors are
sequences, structs are mappings by field name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ranvier.keys.signing import Signer


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a transaction: the block that holds it, and the chain's name of the error if it failed."""

    block: int
    error: str | None = None


class NodeFace(Protocol):
    """The practice node as its own validators and competitors see it."""

    async def next_block(self) -> int:
        """Wait until one more block exists; its number."""
        ...

    def read(self, pallet: str, item: str, *keys: Any) -> Any:
        """The decoded value of one storage item at the newest block."""
        ...

    async def submit(self, pallet: str, call: str, arguments: Mapping[str, Any], signer: Signer) -> Submitted:
        """Sign with ``signer``, send through the normal pool and wait for the block.

        Raises ``core.errors.ChainError`` when the pool refuses (its message is the pool's).
        """
        ...
