"""What money costs to read, in one run: ``python3 dev.py bench money [--sdk PYTHON] [--json]``.

Refresh: a whole portfolio (balances, positions with three values, locks, key swaps) at one block, for 1, 16, 64 and
256 positions on a real sandbox, through a counting proxy. With ``--sdk`` (a Python that has the official SDK) its own
"stake_value_for_coldkey" and ``btcli stake list`` run against the same node in turns: compare ratios. A whole process
of ours stands beside btcli's.
Start: a new process until its first balance, on the real chain's metadata (spec 343, where ../shared has it), with and
without the metadata cache, and with the library that decodes everything.
Chart: a million bars opened, zoomed, panned and hovered over, beside a scene that holds them all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "app"))

from bench._counting_proxy import CountingProxy  # a script beside the tests' packages
from bench._money_chart import charts
from chain import fixtures_343 as real
from chain.chain_helpers import NETUID, connected, funded, new_key
from chain.fake_node import FakeNode
from chain.sandbox_process import SandboxProcess
from ranvier.chain import portfolio, submit
from ranvier.chain.connection import Connection
from ranvier.chain.networks import sandbox_network
from ranvier.chain.plans import plans
from ranvier.core.units import Tao

COUNTS = (1, 16, 64, 256)
COIN = 10**9

_SDK = """
import asyncio, json, sys, time
import bittensor
async def main(endpoint, coldkey, turns):
    client = bittensor.Client(endpoint, fallback_endpoints=[], archive_endpoints=[])
    started = time.perf_counter()
    await client.connect()
    times = []
    for _ in range(turns + 1):
        began = time.perf_counter()
        found = await client.read("stake_value_for_coldkey", coldkey_ss58=coldkey)
        balance = await client.read("balance", coldkey_ss58=coldkey)
        times.append(time.perf_counter() - began)
        print("turn", flush=True); sys.stdin.readline()
    print(json.dumps({"positions": len(found.positions), "ms": [1000 * t for t in times[1:]]}))
    await client.close()
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""

_START = """
import asyncio, sys, time
from pathlib import Path
from ranvier.chain import reads
from ranvier.chain.connection import Connection
from ranvier.chain.networks import Network
async def main(endpoint, genesis, cache):
    connection = Connection(Network("x", "X", (endpoint,), genesis, "TAO", True), cache=Path(cache) if cache else None)
    await connection.open()
    (balance,) = await reads.balances(connection, [sys.argv[4]], await connection.head())
    print(balance.free_rao, flush=True)
    await connection.close()
asyncio.run(main(*sys.argv[1:4]))
"""

_LIBRARY = """
import sys
from substrateinterface import SubstrateInterface
node = SubstrateInterface(url=sys.argv[1], ss58_format=42, type_registry={"types": {"Balance": "u64"}})
print(node.query("System", "Account", [sys.argv[4]]).value["data"]["free"], flush=True)
"""


_LIST = """
import asyncio, json, sys
from ranvier.chain import portfolio
from ranvier.chain.connection import Connection
from ranvier.chain.networks import sandbox_network
async def main(endpoint, genesis, coldkey):
    connection = Connection(sandbox_network(endpoint, genesis))
    await connection.open()
    found = await portfolio.portfolio(connection, [coldkey], await connection.head())
    print(json.dumps([(one.hotkey_ss58, one.netuid, one.alpha_rao) for one in found.holdings]), flush=True)
    await connection.close()
asyncio.run(main(*sys.argv[1:4]))
"""


async def grow(connection: Connection, cold: Any, held: int, wanted: int) -> None:
    """Register and stake, sixteen at a time, until the coldkey holds ``wanted`` positions."""
    while held < wanted:
        step = min(16, wanted - held)
        price = Tao(200 * COIN)
        calls = []
        for _ in range(step):
            hot = new_key()
            made = await connection.compute(
                lambda r, h=hot: (
                    r.call("SubtensorModule", "burned_register", {"netuid": NETUID, "hotkey": h.ss58}),
                    r.call(
                        "SubtensorModule",
                        "add_stake",
                        {"hotkey": h.ss58, "netuid": NETUID, "amount_staked": COIN},
                    ),
                )
            )
            calls += made
        template = await plans.plan_transfer(connection, cold.ss58, new_key().ss58, Tao(price.rao))
        batch = await plans.plan_batch(connection, [_as_plan(template, call) for call in calls])
        receipt = await submit.submit(connection, batch, cold)
        if receipt.error is not None:
            raise SystemExit(f"could not make positions: {receipt.error}")
        held += step


def _as_plan(template: Any, call: str) -> Any:
    from dataclasses import replace

    return replace(template, call_hex=call, effects=(), warnings=(), spend_rao=0, value_rao=0)


async def refreshes(sdk: str | None, turns: int) -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sandbox = SandboxProcess(Path(folder) / "node", "--block-time", "0.3", "--no-life", "--tempo", "5000")
        sandbox.start()
        try:
            async with connected(sandbox) as maker:
                cold = await funded(maker, Tao(100_000 * COIN))
                held = 0
                for count in COUNTS:
                    await grow(maker, cold, held, count)
                    held = count
                    rows.append(await one_refresh(sandbox, cold.ss58, count, sdk, turns))
        finally:
            sandbox.stop()
    return rows


async def one_refresh(sandbox: SandboxProcess, coldkey: str, count: int, sdk: str | None, turns: int) -> dict[str, Any]:
    async with CountingProxy(sandbox.endpoint) as proxy:
        connection = Connection(sandbox_network(proxy.endpoint, sandbox.genesis))
        await connection.open()
        times = []
        for turn in range(turns + 1):
            proxy.take()
            started = time.perf_counter()
            found = await portfolio.portfolio(connection, [coldkey], await connection.head())
            if turn:
                times.append(1000 * (time.perf_counter() - started))
            await asyncio.sleep(0.05)
        counted = proxy.take()
        await connection.close()
        assert len(found.holdings) == count, (len(found.holdings), count)
        row: dict[str, Any] = {
            "positions": count,
            "ranvier": {"ms": statistics.median(times), "requests": counted.requests, "bytes": _bytes(counted)},
        }
        if sdk:
            row["sdk"] = await _sdk_refresh(sdk, proxy, coldkey, turns)
            row["btcli"] = await _btcli(sdk, proxy, coldkey)
            row["process_s"] = await _own_process(sandbox, proxy, coldkey, count)
            row["ratio_btcli_s"] = row["btcli"]["s"] / row["process_s"]
            row["ratio_sdk_ms"] = row["sdk"]["ms"] / row["ranvier"]["ms"]
        return row


def _bytes(counted: Any) -> int:
    return int(counted.sent + counted.received)


async def _sdk_refresh(sdk: str, proxy: CountingProxy, coldkey: str, turns: int) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sdk, "-c", _SDK, proxy.endpoint, coldkey, str(turns),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    counted = proxy.take()
    for _ in range(turns + 1):
        line = await process.stdout.readline()
        if line.strip() != b"turn":
            raise SystemExit(f"the SDK said {line!r}")
        counted = proxy.take()
        process.stdin.write(b"\n")
        await process.stdin.drain()
    told = json.loads(await process.stdout.readline())
    await process.wait()
    return {
        "ms": statistics.median(told["ms"]),
        "requests": counted.requests,
        "bytes": _bytes(counted),
        "positions": told["positions"],
    }


async def _btcli(sdk: str, proxy: CountingProxy, coldkey: str) -> dict[str, Any]:
    proxy.take()
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        str(Path(sdk).with_name("btcli")), "stake", "list", "--coldkey", coldkey, "--network", proxy.endpoint, "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    counted = proxy.take()
    return {
        "s": time.perf_counter() - started,
        "requests": counted.requests,
        "bytes": _bytes(counted),
        "rc": process.returncode,  # not 0: this chain lacks something that the newest btcli always asks for
        "answer_bytes": len(out),
    }


async def _own_process(sandbox: SandboxProcess, proxy: CountingProxy, coldkey: str, count: int) -> float:
    """Seconds of a whole process of ours that reads the same and more: what btcli's time is to be held against."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LIST, proxy.endpoint, sandbox.genesis, coldkey,
        stdout=asyncio.subprocess.PIPE, env=_environment(),
    )  # fmt: skip
    out, _ = await process.communicate()
    took = time.perf_counter() - started
    assert process.returncode == 0 and len(json.loads(out)) == count
    return took


async def starts(turns: int) -> dict[str, Any]:
    """Seconds from the start of a process to its first balance."""
    if not real.V14.is_file():
        return {"skipped": "../shared/chain is not here"}
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with FakeNode() as node:
            node.put("System", "Number", [], (100).to_bytes(4, "little"))
            node.answers["system_chain"] = lambda _: "x"
            node.answers["system_properties"] = lambda _: {"ss58Format": 42}
            node.answers["system_name"] = node.answers["system_version"] = lambda _: "x"
            node.answers["chain_getRuntimeVersion"] = lambda _: {"specVersion": 343, "transactionVersion": 1}
            node.answers["rpc_methods"] = lambda _: {"methods": []}
            node.answers["state_getStorageAt"] = node.answers["state_getStorage"] = lambda _: None
            kinds = {"cold": (_START, ""), "cached": (_START, folder), "library": (_LIBRARY, "")}
            times: dict[str, list[float]] = {kind: [] for kind in kinds}
            for turn in range(turns + 1):
                for kind, (script, cache) in kinds.items():
                    started = time.perf_counter()
                    process = await asyncio.create_subprocess_exec(
                        sys.executable, "-c", script, node.endpoint, real.GENESIS, cache, real.BOB,
                        stdout=asyncio.subprocess.PIPE, env=_environment(),
                    )  # fmt: skip
                    assert process.stdout is not None
                    line = await process.stdout.readline()
                    took = time.perf_counter() - started
                    await process.wait()
                    if process.returncode or not line:
                        raise SystemExit(f"{kind} failed")
                    if turn:
                        times[kind].append(took)
            found = {kind: statistics.median(values) for kind, values in times.items()}
    found["ratio_library_cached"] = found["library"] / found["cached"]
    return found


def _environment() -> dict[str, str]:
    from ranvier.core.processes import child_environment

    app = Path(__file__).resolve().parent.parent.parent / "app"
    return child_environment({"PYTHONPATH": str(app)})


def decoding() -> dict[str, Any]:
    """Milliseconds to have the real chain's types: read anew, from the cache, and by the library."""
    if not real.V14.is_file():
        return {}
    from ranvier.chain.runtime import metadata

    blob = real.blob(real.V14)
    index = metadata.parse(blob)
    packed = metadata.pack(index)

    def best(work: Any) -> float:
        times = []
        for _ in range(5):
            started = time.perf_counter()
            work()
            times.append(1000 * (time.perf_counter() - started))
        return min(times)

    started = time.perf_counter()
    real.library()
    library = 1000 * (time.perf_counter() - started)
    return {
        "parse_ms": best(lambda: metadata.parse(blob)),
        "cache_ms": best(lambda: metadata.unpack(packed)),
        "library_ms": library,
        "blob_bytes": len(blob),
        "cache_bytes": len(packed),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sdk", help="a Python interpreter with the official SDK")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {
        "refresh": asyncio.run(refreshes(options.sdk, options.turns)),
        "start_s": asyncio.run(starts(min(5, options.turns))),
        "decode": decoding(),
        "chart": charts(options.bars, 40),
    }
    if options.json:
        print(json.dumps(found, indent=1))
        return 0
    for row in found["refresh"]:
        print(f"{row['positions']:4} positions:", *(f"{k}={_short(v)}" for k, v in row.items() if k != "positions"))
    print("start:", _short(found["start_s"]))
    print("decode:", _short(found["decode"]))
    print("chart:", _short(found["chart"]))
    return 0


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} {_short(v)}" for k, v in value.items()) + "}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
