"""The practice network beside chopsticks, which runs a real runtime: ``python3 tests/bench/sandbox_peer.py DIR``.

DIR gets the npm packages @acala-network/chopsticks and @substrate/connect-known-chains (without their install scripts).
The second holds the only genesis with a runtime inside that a registry carries: Rococo Asset Hub, a plain substrate
chain. So the blocks compared are not of the same chain: empty blocks there, blocks of a subnet with 16 neurons here.
Another chain specification with a runtime in it can be given with ``--spec FILE``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

from ranvier.core.processes import child_environment

_PACKAGES = ("@acala-network/chopsticks@1.5.1", "@substrate/connect-known-chains@1.10.3")
_KNOWN = "node_modules/@substrate/connect-known-chains/dist/esm/specs/rococo_v2_2_asset_hub.js"
_EXTRACT = "import('./{known}').then(m => require('fs').writeFileSync('spec.json', m.chainSpec))"
_RUN = "import sys; from ranvier.sandbox.main import main; sys.exit(main(sys.argv[1:]))"
_SECONDS = 10.0


def installed(folder: Path, spec: Path | None) -> Path:
    """The chain specification, with chopsticks beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules").exists():
        quiet = ["--ignore-scripts", "--silent", "--no-audit", "--no-fund"]
        subprocess.run(["npm", "install", *quiet, *_PACKAGES], cwd=folder, check=True)
    if spec is not None:
        return spec.resolve()
    if not (folder / "spec.json").exists():
        subprocess.run(["node", "-e", _EXTRACT.format(known=_KNOWN)], cwd=folder, check=True)
    return folder / "spec.json"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def answers(endpoint: str, process: subprocess.Popen[bytes], limit_s: float = 60) -> None:
    """Wait until a block's header can be had."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end and process.poll() is None:
        try:
            await blocks(endpoint, "chain_getHeader", 0.0)
            return
        except (OSError, aiohttp.ClientError):
            await asyncio.sleep(0.02)
    raise SystemExit(f"{process.args} does not answer")


async def blocks(endpoint: str, method: str, seconds: float) -> float:
    """Requests per second, one after the other over one WebSocket; at least one."""
    async with aiohttp.ClientSession() as session, session.ws_connect(endpoint, max_msg_size=0) as ws:
        began, count = time.perf_counter(), 0
        while count == 0 or time.perf_counter() - began < seconds:
            await ws.send_json({"jsonrpc": "2.0", "id": count, "method": method, "params": []})
            answer = await ws.receive_json(timeout=60)
            if "error" in answer:
                raise SystemExit(f"{method}: {answer['error']}")
            count += 1
        return count / (time.perf_counter() - began)


def measure(start: Callable[[], tuple[subprocess.Popen[bytes], str]], method: str) -> tuple[float, float]:
    """(seconds from the process's start to its first answer, blocks per second made on demand)."""
    began = time.perf_counter()
    process, endpoint = start()
    try:
        asyncio.run(answers(endpoint, process))
        ready = time.perf_counter() - began
        return ready, asyncio.run(blocks(endpoint, method, _SECONDS))
    finally:
        process.terminate()
        process.wait(10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--spec", type=Path)
    given = parser.parse_args()
    spec = installed(given.folder, given.spec)

    def peer() -> tuple[subprocess.Popen[bytes], str]:
        port = free_port()
        config = {"genesis": str(spec), "port": port, "build-block-mode": "Manual", "mock-signature-host": True}
        (given.folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        command = ["node", "node_modules/@acala-network/chopsticks/chopsticks.cjs", "--config", "config.yml"]
        return subprocess.Popen(command, cwd=given.folder, stdout=subprocess.DEVNULL), f"ws://127.0.0.1:{port}"

    with tempfile.TemporaryDirectory() as data:

        def ours() -> tuple[subprocess.Popen[bytes], str]:
            port = free_port()
            options = ["--data", data, "--port", str(port), "--manual", "--no-life", "--competitors", "13"]
            command = [sys.executable, "-c", _RUN, *options]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=child_environment())
            return process, f"ws://127.0.0.1:{port}"

        rows = {"practice network": measure(ours, "sandbox_makeBlocks"), "chopsticks": measure(peer, "dev_newBlock")}
    for name, (ready, rate) in rows.items():
        print(f"{name:<18} first answer {ready:6.2f} s   blocks on demand {rate:8.1f} /s")
    (our_ready, our_rate), (their_ready, their_rate) = rows.values()
    print(
        f"{'ratio':<18} start {their_ready / our_ready:5.1f} x faster   blocks {our_rate / their_rate:8.1f} x as many"
    )


if __name__ == "__main__":
    main()
