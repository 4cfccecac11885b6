"""Every runtime API of both specs answers, in the type that the spec's metadata says."""

from __future__ import annotations

from typing import Any

import pytest

from ranvier.sandbox.codec.scale import encode_compact
from ranvier.sandbox.frame.api import View
from ranvier.sandbox.runtime.apis import METHODS
from sandbox.support import Bench


def arguments(bench: Bench, method: Any) -> dict[str, Any]:
    hotkey, coldkey = bench.cast.validators[0][1].public_key, bench.cast.validators[0][0].public_key
    call = bench.node.sign(bench.node.faucet, "System", "remark", {"remark": b"x"})
    known = {
        "netuid": 1,
        "netuids": None,
        "version": 14,
        "uxt": call,
        "len": len(call),
        "uid": 0,
        "mecid": 0,
        "subid": 0,
        "metagraph_indexes": [0, 52, 60],
        "origin": (hotkey, 1),
        "destination": None,
        "coldkey_accounts": [coldkey],
        "account": coldkey,
    }

    def value(name: str) -> Any:
        if name in known:
            return known[name]
        if "coldkey" in name:
            return coldkey
        return hotkey if "hotkey" in name or "delegate" in name else 10**9

    return {name: value(name) for name in method.inputs}


@pytest.mark.parametrize("spec", [343, 425])
def test_every_api_answers(spec: int) -> None:
    bench = Bench(rules=spec)
    bench.blocks(8)
    view = View(bench.state, bench.node.chain.head.number, bench.node.machine)
    for name, method in METHODS[spec].items():
        given = arguments(bench, method)
        data = b"".join(codec.encode(given[key]) for key, codec in method.inputs.items())
        answer = method.call(view, data)
        assert method.output.encode(method.output.decode(answer)) == answer, name
    assert len(METHODS[spec]) >= 39


def test_a_quote_has_the_fields_of_its_spec() -> None:
    lengths = {}
    for spec in (343, 425):
        bench = Bench(rules=spec)
        view = View(bench.state, 0, bench.node.machine)
        lengths[spec] = len(
            METHODS[spec]["SwapRuntimeApi_sim_swap_tao_for_alpha"].call(view, b"\1\0" + (10**9).to_bytes(8, "little"))
        )
    assert lengths == {343: 32, 425: 48}


def test_the_account_api_counts_no_bytes_too_many() -> None:
    bench = Bench()
    view = View(bench.state, 0, bench.node.machine)
    with pytest.raises(ValueError, match="bytes too many"):
        METHODS[425]["AccountNonceApi_account_nonce"].call(view, bytes(32) + encode_compact(1))
