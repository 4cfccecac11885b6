"""A rehearsal that is asked for a new practice wallet makes one beside the old, and does not replace it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import pytest

from ranvier.chain import reads
from ranvier.core.paths import Paths
from ranvier.keys import wallets
from ranvier.keys.encryption import Cost
from ranvier.rehearsal import practice
from ranvier.rehearsal.rehearsal import Rehearsal

CHEAP = Cost(passes=3, memory_bytes=8192)


@dataclass
class Chain:
    """A chain on which every hotkey has a seat."""

    genesis_hash: str = "0x01"

    async def head(self) -> str:
        return "head"


async def test_it_lies_beside_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def neuron(*_: object) -> str:
        return "a seat"

    monkeypatch.setattr(reads, "neuron", neuron)
    monkeypatch.setattr(wallets, "create_wallet", functools.partial(wallets.create_wallet, _cost=CHEAP))
    paths = Paths.under(tmp_path)
    made = []
    for new in (False, False, True, False):
        rehearsal = Rehearsal(paths, None, on_report=lambda _: None, consent=None)  # each as in a window of its own
        node = await rehearsal._wallet(Chain(), new=new)
        made.append((node.practice.wallet_name, node.practice.miner_name, rehearsal.password is not None))
    assert made == [
        ("practice", "Practice miner", True),
        ("practice", "Practice miner", False),
        ("practice-2", "Practice miner 2", True),
        ("practice-2", "Practice miner 2", False),
    ]
    assert sorted(path.name for path in paths.practice_wallets.iterdir()) == ["practice", "practice-2"]
    assert practice.load(paths.rehearsal).miner_id == "practice-2"
