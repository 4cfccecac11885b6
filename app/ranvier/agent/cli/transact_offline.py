"""Transactions that are signed on another machine: the payload goes out as a file, its signature comes back as one.

What a signature does not hold (plan, nonce, how long it is good) waits in the network's folder under the payload's
short name. None of it is secret.
"""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ranvier.agent.cli.transact_plans import Keys
from ranvier.chain.model import Plan
from ranvier.core.errors import ChainError, KeyFileError
from ranvier.core.files import storage_errors, write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths, private_folder
from ranvier.keys import offline
from ranvier.keys.offline import ExportedSigner, Signature
from ranvier.keys.signing import SR25519

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection
    from ranvier.chain.submit import Unsigned

_FORGET_AFTER_S = 86_400.0
_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Exported:
    """The payload's short name, the last block that may hold the transaction, and what to do next."""

    id: str
    last_block: int
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was kept of a payload, and the signature that was brought for it."""

    unsigned: Unsigned
    crypto_type: int
    signature: Signature
    path: Path

    async def signer(self, connection: Connection) -> ExportedSigner:
        """Gives that signature for exactly these bytes. Raises KeyFileError when it is not one of this key."""
        from ranvier.chain.submit import payload_of

        signer = _signer(self.unsigned.plan, self.crypto_type)
        signer.bring(await payload_of(connection, self.unsigned), self.signature)
        return signer

    def forget(self) -> None:
        """It was sent."""
        with contextlib.suppress(OSError):
            self.path.unlink()


async def export(connection: Connection, plan: Plan, keys: Keys, file: Path, paths: Paths) -> Exported:
    """Write the payload of this plan to a new file. Raises ChainError, NetworkError, StorageError."""
    from ranvier.chain.submit import payload_of, prepare

    hotkey = keys.hotkey_of(plan.signer_ss58)
    known = keys.wallet.crypto_type if hotkey is None else hotkey.crypto_type
    crypto_type = SR25519 if known is None else known
    unsigned = await prepare(connection, plan)
    payload = _signer(plan, crypto_type).payload(await payload_of(connection, unsigned))
    folder = _folder(paths, plan.network)
    with storage_errors(folder):
        _forget_old(private_folder(folder))
    write_atomic(folder / f"{payload.id}.json", msgspec.json.encode((unsigned, crypto_type)))
    offline.write(file, payload)
    which = f" --hotkey {hotkey.name}" if hotkey is not None else ""
    text = (
        f"{file} written: payload {payload.id}. It can be sent up to block {unsigned.last_block}.\n"
        f"Where the key is:  ranvier keys sign {keys.wallet.name}{which} --payload {file} --out signed.json\n"
        f"Then here:         ranvier transact submit --signed signed.json"
    )
    return Exported(payload.id, unsigned.last_block, text)


def load(paths: Paths, network: str, file: Path) -> Waiting:
    """What waits for this signature. Raises KeyFileError, ChainError."""
    from ranvier.chain.submit import Unsigned

    signature = offline.load_signature(file)
    if not _ID.fullmatch(signature.payload_id):
        raise KeyFileError("Not the right file", "It names no payload.", "Sign the payload's file again.")
    path = _folder(paths, network) / f"{signature.payload_id}.json"
    try:
        unsigned, crypto_type = msgspec.json.decode(path.read_bytes(), type=tuple[Unsigned, int])
    except (OSError, *NOT_JSON) as error:
        raise ChainError(
            "Unknown payload",
            f"Nothing waits here for the signature of payload {signature.payload_id} on {network}.",
            "It was sent already, or written on another machine or under another --home. Write it anew with --payload.",
        ) from error
    return Waiting(unsigned, crypto_type, signature, path)


def _signer(plan: Plan, crypto_type: int) -> ExportedSigner:
    words = (plan.title, *(f"{name}: {value}" for name, value in plan.lines))
    return ExportedSigner(
        plan.signer_ss58, crypto_type, genesis_hash=plan.genesis_hash, network=plan.network, words=words
    )


def _folder(paths: Paths, network: str) -> Path:
    return paths.network(network) / "unsigned"


def _forget_old(folder: Path) -> None:
    """They can get into no block any more."""
    for path in folder.glob("*.json"):
        if abs(time.time() - path.stat().st_mtime) > _FORGET_AFTER_S:
            path.unlink(missing_ok=True)
