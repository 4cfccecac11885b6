"""Blocks, history, the waiting room, and the folder on disk, without a clock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.core.errors import StorageError
from ranvier.keys.signing import LocalSigner
from ranvier.sandbox.frame.extrinsic import encode_signed, signed_extra, signing_payload
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.state import Overlay, StateDiscardedError, Store
from ranvier.sandbox.frame.storage import blake2_256
from ranvier.sandbox.node.waiting import Refused
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.pallets.system import System
from sandbox.support import TAO, Bench

KEYS = [bytes((a, b)) for a in range(3) for b in range(3)]
CHANGES = st.dictionaries(st.sampled_from(KEYS), st.none() | st.binary(max_size=2), max_size=5)


@settings(deadline=None)
@given(st.lists(CHANGES, max_size=12), st.integers(1, 5))
def test_the_store_remembers_every_kept_block(blocks: list[dict[bytes, bytes | None]], history: int) -> None:
    store, truth, past = Store(history), {}, {}
    store.load(0, {})
    past[0] = {}
    for number, changes in enumerate(blocks, 1):
        store.apply(number, changes)
        truth = {key: value for key, value in (truth | changes).items() if value is not None}
        past[number] = truth
    for number, values in past.items():
        if number < max(0, len(blocks) - history):
            with pytest.raises(StateDiscardedError):
                store.at(number)
            continue
        view = store.at(number)
        assert {key: value for key in KEYS if (value := view.get(key)) is not None} == values
        for prefix in (b"", b"\x01"):
            assert list(view.keys_under(prefix)) == sorted(key for key in values if key.startswith(prefix))
            after = [key for key in sorted(values) if key.startswith(prefix) and key > b"\x01\x01"]
            assert list(view.keys_from(prefix, b"\x01\x01", after=True)) == after


@given(st.lists(st.tuples(CHANGES, st.booleans()), max_size=6))
def test_an_overlay_takes_failed_layers_away(layers: list[tuple[dict[bytes, bytes | None], bool]]) -> None:
    base = Store(3)
    base.load(0, {KEYS[0]: b"x", KEYS[4]: b"y"})
    overlay, truth = Overlay(base), {KEYS[0]: b"x", KEYS[4]: b"y"}
    for changes, kept in layers:
        overlay.begin()
        for key, value in changes.items():
            overlay.put(key, value)
        if kept:
            overlay.commit()
            truth = {key: value for key, value in (truth | changes).items() if value is not None}
        else:
            overlay.rollback()
    assert list(overlay.keys_under(b"")) == sorted(truth)
    assert all(overlay.get(key) == truth.get(key) for key in KEYS)


def test_blocks_are_a_chain() -> None:
    bench = Bench()
    bench.blocks(4)
    chain = bench.node.chain
    for number in range(1, 5):
        block = chain.block(chain.hash_of(number) or b"")
        assert block is not None and block.hash == blake2_256(block.header_bytes)
        assert block.header["parent_hash"] == chain.hash_of(number - 1)
        assert block.header["number"] == number
    assert chain.hash_of(5) is None and chain.hash_of(-1) is None
    assert System.BlockHash.get(chain.store, 3) == chain.hash_of(3)
    assert chain.finalized.number == 2
    assert chain.number_of(chain.hash_of(0) or b"") == 0
    assert chain.state_at(2).get(System.Number.key()) == b"\x02\0\0\0"


def signed(bench: Bench, signer: Any, *, value: int = TAO, nonce: int = 0, era: Any = None, **wrong: Any) -> bytes:
    """A transfer, by hand; ``wrong`` replaces the genesis or the birth hash that is signed."""
    dest = ("Id", bench.cast.faucet.public_key)
    call = RUNTIME_CALL.encode(("Balances", ("transfer_keep_alive", {"dest": dest, "value": value})))
    extra = signed_extra(era, nonce)
    genesis = wrong.get("genesis", bench.node.chain.genesis_hash)
    birth = wrong.get("birth", genesis)
    return encode_signed(
        signer.public_key,
        signer.crypto_type,
        signer.sign(signing_payload(call, extra, bench.node.chain.spec, genesis, birth)),
        extra,
        call,
    )


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.blocks()
    return bench


def refused(bench: Bench, encoded: bytes) -> tuple[int, str | None]:
    with pytest.raises(Refused) as caught:
        bench.node.waiting.submit(encoded)
    return caught.value.code, caught.value.data


def test_what_the_waiting_room_refuses(bench: Bench, me: LocalSigner) -> None:
    assert refused(bench, b"\x00")[0] == 1002
    good = signed(bench, me)
    assert refused(bench, good[:-1] + b"\x01")[0] in (1002, 1010)
    for place in (40, 60, len(good) - 3):
        broken = bytearray(good)
        broken[place] ^= 1
        assert refused(bench, bytes(broken)) == (1010, "Transaction has a bad signature")
    assert refused(bench, signed(bench, me, genesis=b"\x01" * 32)) == (1010, "Transaction has a bad signature")
    stranger = LocalSigner.from_seed(b"\x08" * 32)
    assert refused(bench, signed(bench, stranger))[1] == "Inability to pay some fees (e.g. account balance too low)"
    bench.node.waiting.submit(good)
    assert refused(bench, good)[0] == 1013
    assert refused(bench, signed(bench, me, value=2))[0] == 1014
    bench.blocks()
    assert refused(bench, good)[0] == 1012, "a replay"
    assert refused(bench, signed(bench, me, value=3)) == (1010, "Transaction is outdated")


def test_an_extrinsic_cannot_be_replayed_after_a_restart(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    me = LocalSigner.from_seed(b"\x07" * 32)
    bench.fund(me, 10 * TAO)
    good = signed(bench, me)
    bench.node.waiting.submit(good)
    bench.blocks()
    bench.node.chain.close()
    again = Bench(tmp_path)
    assert refused(again, good) == (1010, "Transaction is outdated")
    again.node.chain.close()


def test_mortality(bench: Bench, me: LocalSigner) -> None:
    chain = bench.node.chain
    bench.blocks(3)
    born = chain.head.number
    era = (8, born % 8)
    birth = chain.head.hash
    good = signed(bench, me, era=era, birth=birth)
    assert refused(bench, signed(bench, me, era=era, birth=chain.genesis_hash))[1] == "Transaction has a bad signature"
    bench.blocks(2)
    bench.node.waiting.submit(good)
    bench.blocks()
    assert System.Account.get(bench.state, me.public_key)["nonce"] == 1
    late = signed(bench, me, nonce=1, era=era, birth=birth)
    bench.blocks(8)
    assert refused(bench, late)[1] == "Transaction has a bad signature"


def test_a_gap_in_nonces_waits_and_is_filled(bench: Bench, me: LocalSigner) -> None:
    told: list[Any] = []
    bench.node.waiting.submit(signed(bench, me, nonce=1), told.append)
    assert told == ["future"] and bench.node.waiting.next_index(me.public_key) == 0
    bench.blocks()
    assert System.Account.get(bench.state, me.public_key)["nonce"] == 0
    bench.node.waiting.submit(signed(bench, me, nonce=0))
    assert told == ["future", "ready"] and bench.node.waiting.next_index(me.public_key) == 2
    bench.blocks()
    assert System.Account.get(bench.state, me.public_key)["nonce"] == 2
    assert told[2] == {"inBlock": f"0x{bench.node.chain.head.hash.hex()}"}
    included = bench.node.chain.head.hash.hex()
    bench.blocks(2)
    assert told[3] == {"finalized": f"0x{included}"} and len(told) == 4


def test_a_mortal_extrinsic_that_waits_too_long_is_dropped(bench: Bench, me: LocalSigner) -> None:
    told: list[Any] = []
    head = bench.node.chain.head
    encoded = signed(bench, me, nonce=5, era=(4, head.number % 4), birth=head.hash)
    bench.node.waiting.submit(encoded, told.append)
    bench.blocks(10)
    assert told == ["future", "invalid"]


def test_a_restart_finds_everything(tmp_path: Path) -> None:
    bench = Bench(tmp_path, per_snapshot=7, history=20)
    bench.fund(LocalSigner.from_seed(b"\x07" * 32), 10 * TAO)
    bench.blocks(52)
    chain = bench.node.chain
    values, hashes = dict(chain.store.values()), [chain.hash_of(number) for number in range(54)]
    old = dict.fromkeys(chain.store.values())
    at = {key: chain.state_at(40).get(key) for key in old}
    bench.node.chain.close()
    assert len(list(tmp_path.glob("snapshot-*"))) <= 5, "old snapshots go"
    again = Bench(tmp_path, per_snapshot=7, history=20)
    store = again.node.chain.store
    assert dict(store.values()) == values
    assert [again.node.chain.hash_of(number) for number in range(54)] == hashes
    assert {key: again.node.chain.state_at(40).get(key) for key in old} == at, "history is back too"
    again.blocks(3)
    again.node.chain.close()


@pytest.mark.parametrize("cut", [1, 19, 25, 700, "flip"])
def test_a_torn_journal_costs_the_last_block_only(tmp_path: Path, cut: Any) -> None:
    bench = Bench(tmp_path)
    bench.blocks(6)
    hash_5 = bench.node.chain.hash_of(5)
    bench.node.chain.close()
    path = next(tmp_path.glob("journal-*"))
    size = path.stat().st_size
    if cut == "flip":
        data = bytearray(path.read_bytes())
        data[size - 100] ^= 1
        path.write_bytes(data)
    else:
        os.truncate(path, size - cut)
    again = Bench(tmp_path)
    assert again.node.chain.head.number == 5 and again.node.chain.head.hash == hash_5
    assert System.Number.get(again.state) == 5
    again.blocks(2)
    again.node.chain.close()
    once_more = Bench(tmp_path)
    assert once_more.node.chain.head.number == 7
    once_more.node.chain.close()


def test_a_damaged_snapshot_falls_back_to_another(tmp_path: Path) -> None:
    bench = Bench(tmp_path, per_snapshot=4)
    bench.blocks(10)
    bench.node.chain.close()
    first, second, third = sorted(tmp_path.glob("snapshot-*"))
    first.write_bytes(first.read_bytes()[:-1])
    again = Bench(tmp_path, per_snapshot=4)
    assert again.node.chain.head.number == 10
    again.node.chain.close()
    second.write_bytes(b"")
    third.write_bytes(b"rubbish")
    with pytest.raises(StorageError, match="No snapshot"):
        Bench(tmp_path)


def test_one_folder_has_one_process(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(StorageError, match="Another practice network"):
        Bench(tmp_path)
    bench.node.chain.close()


def test_the_same_seed_makes_the_same_chain() -> None:
    one, two = Bench(), Bench()
    for bench in (one, two):
        for now in (5_000, 6_000, 7_000):
            bench.node.make_block(now)
    assert one.node.chain.head.hash == two.node.chain.head.hash
    assert Subtensor.Burn.get(one.state, 1) == Subtensor.Burn.get(two.state, 1)
