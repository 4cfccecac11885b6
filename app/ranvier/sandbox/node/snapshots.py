"""A whole network in one file: its state, its seed and its shape; and a new folder made of such a file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ranvier.core.errors import StorageError
from ranvier.core.files import write_atomic
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import private_folder
from ranvier.sandbox.node.journal import Journal, Snapshot

_KEPT = ("seed", "network.json")


class NetworkSnapshot(msgspec.Struct, frozen=True):
    """State, and the small files of the folder by name. The seed in it makes play keys only."""

    snapshot: Snapshot
    files: dict[str, bytes]


def write_snapshot(snapshot: Snapshot, folder: Path, path: Path) -> None:
    """Write the network of ``folder``, whose newest state is ``snapshot``. Raises StorageError."""
    files = {name: (folder / name).read_bytes() for name in _KEPT if (folder / name).exists()}
    if "network.json" in files:  # the port stays with the network that has it
        files["network.json"] = msgspec.json.encode(msgspec.json.decode(files["network.json"]) | {"port": 0})
    private_folder(path.parent)
    write_atomic(path, msgspec.msgpack.encode(NetworkSnapshot(snapshot, files)))


def restore(path: Path, folder: Path) -> None:
    """Begin ``folder`` with the network of a file. Raises StorageError when it is not empty or the file is damaged."""
    if (folder / "chain").exists():
        raise StorageError("Folder in use", f"{folder} already holds a practice network.", "Restore into a new folder.")
    try:
        kept = msgspec.msgpack.decode(path.read_bytes(), type=NetworkSnapshot)
    except OSError as error:
        why = error.strerror or str(error)
        raise StorageError("No snapshot", f"{path} cannot be read: {why}.", "Choose another file.") from error
    except NOT_JSON as error:
        raise StorageError("Snapshot damaged", f"{path} cannot be read: {error}.", "Choose another file.") from error
    private_folder(folder)
    for name in _KEPT:
        if name in kept.files:
            write_atomic(folder / name, kept.files[name])
    journal = Journal(folder / "chain")
    try:
        journal.write_snapshot(kept.snapshot, kept.snapshot.block.number)
    finally:
        journal.close()
