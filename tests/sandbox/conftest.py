"""People on the ``bench`` that each file makes for itself."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.keys.signing import LocalSigner
from sandbox.support import TAO, Bench, call


@pytest.fixture
def me(bench: Bench) -> LocalSigner:
    """A coldkey with ten TAO."""
    signer = LocalSigner.from_seed(b"\x07" * 32, 0)
    bench.fund(signer, 10 * TAO)
    return signer


@pytest.fixture
def staked(bench: Bench) -> tuple[Bench, Any, list[bytes]]:
    """A coldkey with stake on the first validator, and the validators' hotkeys."""
    cold, hotkeys = bench.keys.signer("staker"), [hot.public_key for _, hot in bench.cast.validators]
    bench.fund(cold)
    assert call(bench, cold, "add_stake", hotkey=hotkeys[0], netuid=1, amount_staked=50 * TAO) is None
    return bench, cold, hotkeys
