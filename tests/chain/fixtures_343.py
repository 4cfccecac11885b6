"""The real chain's metadata (spec 343) and signing vectors, which lie outside the repository."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "chain"
V14, V15 = FOLDER / "metadata-343-v14.hex", FOLDER / "metadata-343-v15.hex"
needs_343 = pytest.mark.skipif(not V14.is_file(), reason="../shared/chain is not here")
GENESIS = "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03"
ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"


def blob(path: Path) -> bytes:
    return bytes.fromhex(path.read_text().strip()[2:])


@cache
def runtime() -> Any:
    from ranvier.chain.runtime import codec

    return codec.decode_runtime(GENESIS, 343, 1, blob(V14))


@cache
def library() -> tuple[Any, Any]:
    """The same metadata in the ecosystem's Python library: the second opinion. (its configuration, its metadata)"""
    from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
    from scalecodec.type_registry import load_type_registry_preset

    config = RuntimeConfigurationObject(ss58_format=42)
    config.update_type_registry(load_type_registry_preset(name="core"))
    found = config.create_scale_object("MetadataVersioned", data=ScaleBytes(blob(V14)))
    found.decode()
    config.implements_scale_info = True
    config.clear_type_registry()
    config.update_type_registry(load_type_registry_preset(name="core"))
    config.add_portable_registry(found)
    return config, found


def vectors() -> list[Any]:
    path = FOLDER / "signing-vectors-343.json"
    return json.loads(path.read_text()) if path.is_file() else []


def addresses_of(ss58: str) -> bytes:
    from ranvier.keys import addresses

    return addresses.public_key(ss58)
