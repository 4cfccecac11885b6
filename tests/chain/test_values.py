"""The codec against the ecosystem's library on the real chain's types, and on generated metadata of other forms."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain import fixtures_343 as real
from chain.fixtures_343 import needs_343
from ranvier.chain.runtime import metadata
from ranvier.chain.runtime.metadata_cache import MetadataCache
from ranvier.chain.runtime.values import ValueFaultError, Values, read_compact, write_compact
from ranvier.core.errors import ChainError


def index() -> metadata.Index:
    found = real.runtime().index
    assert isinstance(found, metadata.Index)
    return found


def library_value(number: int, data: bytes) -> Any:
    from scalecodec.base import ScaleBytes

    config, _ = real.library()
    return config.create_scale_object(f"scale_info::{number}", ScaleBytes(data)).decode()


def same(value: Any) -> Any:
    """Forms that mean the same: lists and tuples."""
    if isinstance(value, (list, tuple)):
        return [same(one) for one in value]
    if isinstance(value, dict):
        return {key: same(one) for key, one in value.items()}
    return value


def drawn(values: Values, number: int, data: st.DataObject, depth: int = 0) -> Any:
    """A value of a type, drawn by its definition."""
    kind = values.type(number)
    if kind.kind == "primitive":
        name = kind.primitive
        if name == "bool":
            return data.draw(st.booleans())
        if name == "str":
            return data.draw(st.text(max_size=5))
        bits = int(name[1:])
        return data.draw(st.integers(0, 2**bits - 1) if name[0] == "u" else st.integers(-(2 ** (bits - 1)), 0))
    if kind.path == ("sp_core", "crypto", "AccountId32"):
        return data.draw(st.sampled_from([real.ALICE, real.BOB]))
    if kind.kind == "compact":
        return data.draw(st.integers(0, 2**32 - 1 if values._plain(kind.inner) == "u32" else 2**16 - 1))
    if kind.kind == "composite":
        found = {field.name: drawn(values, field.type, data, depth + 1) for field in kind.fields}
        if all(name is not None for name in found):
            return found
        parts = [drawn(values, field.type, data, depth + 1) for field in kind.fields]
        return parts[0] if len(parts) == 1 else tuple(parts)
    if kind.kind == "tuple":
        parts = [drawn(values, item, data, depth + 1) for item in kind.items]
        return None if not parts else parts[0] if len(parts) == 1 else tuple(parts)
    if kind.kind == "variant":
        if kind.path == ("Option",):
            if depth > 4 or data.draw(st.booleans()):
                return None
            return drawn(values, kind.variants[1].fields[0].type, data, depth + 1)
        variant = data.draw(st.sampled_from(list(kind.variants)))
        if not variant.fields:
            return variant.name
        if all(field.name is not None for field in variant.fields):
            return {variant.name: {str(f.name): drawn(values, f.type, data, depth + 1) for f in variant.fields}}
        parts = [drawn(values, field.type, data, depth + 1) for field in variant.fields]
        return {variant.name: parts[0] if len(parts) == 1 else tuple(parts)}
    if values._is_u8(kind.inner):
        size = kind.length if kind.kind == "array" else data.draw(st.integers(0, 6))
        return data.draw(st.binary(min_size=size, max_size=size))
    count = kind.length if kind.kind == "array" else 0 if depth > 4 else data.draw(st.integers(0, 3))
    return [drawn(values, kind.inner, data, depth + 1) for _ in range(count)]


def storage_types() -> list[Any]:
    """The library has forms of its own for events and digests; a freeze's reason is an enum without alternatives."""
    if not real.V14.is_file():
        return []
    wanted = ("SubtensorModule", "System", "Balances", "Swap", "Commitments", "Timestamp", "Proxy", "Multisig")
    return [
        pytest.param(item.value, id=f"{pallet.name}.{item.name}")
        for pallet in index().pallets
        if pallet.name in wanted
        for item in pallet.storage
        if f"{pallet.name}.{item.name}" not in ("System.Events", "System.Digest", "Balances.Freezes")
    ]


@needs_343
@pytest.mark.parametrize("number", storage_types())
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_values_as_the_library_reads_them(number: int, data: st.DataObject) -> None:
    values = real.runtime().values
    value = drawn(values, number, data)
    encoded = values.encode(number, value)
    ours = values.decode(number, encoded)
    assert values.encode(number, ours) == encoded or "�" in str(ours)
    assert same(ours) == same(library_value(number, encoded))
    for cut in {0, len(encoded) // 2, len(encoded) - 1} - {-1, len(encoded)}:
        with pytest.raises(ValueFaultError):
            values.decode(number, encoded[:cut])
    with pytest.raises(ValueFaultError):
        values.decode(number, encoded + b"\0")


@needs_343
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 600), st.binary(max_size=80))
def test_bytes_from_anywhere_only_ever_fault(number: int, data: bytes) -> None:
    values = real.runtime().values
    if number < len(index().types):
        with contextlib.suppress(ValueFaultError):
            values.decode(number, data)


@needs_343
def test_index_survives_the_disk(tmp_path: Path) -> None:
    found = index()
    assert metadata.unpack(metadata.pack(found)) == found
    assert len(metadata.pack(found)) < 150_000
    cache = MetadataCache(tmp_path / "cache")
    assert cache.load(real.GENESIS, 343, 14) is None
    cache.save(real.GENESIS, 343, 1, found)
    assert cache.load(real.GENESIS, 343, 14) == (1, found)
    assert cache.load(real.GENESIS, 344, 14) is None and cache.load("0x" + "00" * 32, 343, 14) is None
    (file,) = (tmp_path / "cache").iterdir()
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole[:100], b"", whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]):
        file.write_bytes(damaged)
        assert cache.load(real.GENESIS, 343, 14) is None
    file.write_bytes(whole)
    (tmp_path / "cache" / file.name.replace("343", "344")).write_bytes(whole)  # another version's file
    assert cache.load(real.GENESIS, 344, 14) is None
    MetadataCache(None).save(real.GENESIS, 343, 1, found)
    assert MetadataCache(None).load(real.GENESIS, 343, 14) is None


@needs_343
def test_nested_calls_and_v15() -> None:
    runtime = real.runtime()
    one = runtime.call("Balances", "transfer_keep_alive", {"dest": real.BOB, "value": 5})
    batch = runtime.call("Utility", "batch_all", {"calls": [one, one]})
    words = runtime.call_words(batch)
    assert words.startswith("Utility.batch_all(calls=[Balances.transfer_keep_alive(dest=5FHne")
    with pytest.raises(ChainError):
        runtime.call_words(batch + "00")
    fifteen = metadata.parse(real.blob(real.V15))
    assert fifteen.version == 15 and len(fifteen.methods) > 40
    assert [pallet.name for pallet in fifteen.pallets] == [pallet.name for pallet in index().pallets]


@pytest.mark.parametrize("data", [b"", b"meta", b"meta\x0d", b"meta\x0e\x04", b"0" * 99])
def test_what_is_no_metadata(data: bytes) -> None:
    with pytest.raises(ChainError):
        metadata.parse(data)


@given(st.integers(0, 2**536 - 1))
def test_compact(number: int) -> None:
    data = write_compact(number)
    assert read_compact(data + b"x", 0) == (number, len(data))
    for cut in range(len(data)):
        with pytest.raises((ValueFaultError, IndexError)):
            read_compact(data[:cut], 0)


def test_compact_as_the_library_writes_it() -> None:
    from scalecodec.base import RuntimeConfigurationObject
    from scalecodec.type_registry import load_type_registry_preset

    config = RuntimeConfigurationObject()
    config.update_type_registry(load_type_registry_preset(name="core"))
    for number in (0, 63, 64, 16383, 16384, 2**30 - 1, 2**30, 2**64, 2**128 - 1):
        assert bytes(config.create_scale_object("Compact").encode(number).data) == write_compact(number)
    with pytest.raises(ValueFaultError):
        write_compact(-1)
