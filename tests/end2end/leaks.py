"""What a home holds, to be searched for keys: every file, and what is packed in it."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from keys.test_leak import secrets_of


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, and what is packed in it."""
    for path in sorted(one for one in folder.rglob("*") if one.is_file() and not one.is_symlink()):
        data = path.read_bytes()
        yield str(path), data
        if path.suffix == ".gz":
            yield f"{path} unpacked", gzip.decompress(data)
        elif path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(data)) as bundle:
                yield from ((f"{path}: {name}", bundle.read(name)) for name in bundle.namelist())


def of_phrase(places: Mapping[str, bytes], phrase: str) -> set[str]:
    """The places that give the key of this phrase away."""
    searched = secrets_of(phrase)
    return {place for place, data in places.items() if any(secret in data for secret in searched)}


def is_hotkey(place: str) -> bool:
    """Whether it is the hotkey's own file, in the wallet or in the miner's copy of it."""
    return Path(place).parent.name == "hotkeys"
