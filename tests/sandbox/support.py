"""What the sandbox tests share: a chain without a clock, a running node process, and the spec-343 fixture."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from ranvier.core.processes import child_environment
from ranvier.sandbox.frame.extrinsic import decode_extrinsic
from ranvier.sandbox.node.chain import Chain
from ranvier.sandbox.node.genesis import Cast, genesis
from ranvier.sandbox.node.journal import Journal
from ranvier.sandbox.node.node import Node
from ranvier.sandbox.node.play_keys import PlayKeys
from ranvier.sandbox.node.waiting import Refused
from ranvier.sandbox.pallets.system import System
from ranvier.sandbox.runtime.machine import Machine

TAO = 10**9
FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "chain"
_RUN = "import sys; from ranvier.sandbox.main import main; sys.exit(main(sys.argv[1:]))"


def fixture_text(name: str) -> str:
    path = FIXTURES / name
    if not path.exists():
        pytest.skip(f"the spec-343 fixture {name} is not on this machine")
    return path.read_text().strip()


class Bench:
    """A node on which the test makes the blocks: nothing runs by itself."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        tempo: int = 5,
        history: int = 4096,
        per_snapshot: int = 1024,
        rules: int = 425,
        subnets: int = 1,
    ):
        self.keys = PlayKeys(b"tests")
        self.cast = Cast.of(self.keys, 3, 5)
        machine = Machine(1000, self.cast.author.public_key)
        journal = Journal(folder, blocks_per_snapshot=per_snapshot) if folder is not None else None
        chain = Chain(machine, journal, history)
        try:
            kept = journal.load() if journal is not None else None
        except BaseException:
            chain.close()
            raise
        if kept is None:
            chain.begin(genesis(self.cast, tempo, rules=rules, subnets=subnets))
        else:
            chain.resume(*kept)
        self.node = Node(chain, self.cast.practice(tempo), self.cast.faucet)

    @property
    def state(self) -> Any:
        return self.node.chain.store

    def blocks(self, count: int = 1) -> None:
        for _ in range(count):
            self.node.make_block()

    def fund(self, signer: Any, rao: int = 1000 * TAO) -> None:
        self.run(self.node.faucet, "Balances", "transfer_keep_alive", dest=("Id", signer.public_key), value=rao)

    def run(self, signer: Any, pallet: str, call: str, /, **arguments: Any) -> str | None:
        """Send, make a block; the name of the failure, the pool's text, or None for success."""
        try:
            encoded = self.node.sign(signer, pallet, call, arguments)
            self.node.waiting.submit(encoded)
        except Refused as refused:
            return f"{refused.code} {refused.data or refused.message}"
        self.blocks()
        for phase, event in self.events():
            if event[0] == "System" and event[1][0] == "ExtrinsicFailed" and phase[0] == "ApplyExtrinsic":
                return error_name(event[1][1]["dispatch_error"])
        hashes = [decode_extrinsic(raw).hash for raw in self.node.chain.head.extrinsics]
        assert decode_extrinsic(encoded).hash in hashes, "not included"
        return None

    def events(self) -> list[tuple[Any, Any]]:
        return [(record["phase"], record["event"]) for record in System.Events.get(self.state)]

    def event(self, name: str) -> Any:
        """The fields of the last event of that name in the newest block."""
        found = [event[1][1] for _, event in self.events() if event[1][0] == name]
        return found[-1] if found else None


def call(bench: Bench, who: Any, name: str, **arguments: Any) -> str | None:
    return bench.run(who, "SubtensorModule", name, **arguments)


def error_name(error: tuple[str, Any]) -> str:
    from ranvier.sandbox.runtime.runtime import ERROR_NAMES

    kind, value = error
    if kind == "Module":
        return ERROR_NAMES[value["index"], value["error"][0]]
    return str(value[0]) if value else kind


class NodeProcess:
    """``ranvier sandbox`` as a real process."""

    def __init__(self, folder: Path, *options: str, life: bool = False) -> None:
        alive = [] if life else ["--no-life"]
        command = [sys.executable, "-c", _RUN, "--data", str(folder), "--block-time", "0.1", *alive, *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=child_environment()
        )
        # It starts in a second or two; with six at once on two busy cores it took up to 20.
        watchdog = threading.Timer(120, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        watchdog.cancel()
        self.ready: dict[str, Any] = json.loads(line) if line else {}

    @property
    def endpoint(self) -> str:
        return str(self.ready["endpoint"])

    @property
    def ready_port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    def kill(self) -> None:
        if os.name == "posix":
            self.process.send_signal(signal.SIGKILL)
        else:
            self.process.kill()
        self._gone()

    def stop(self) -> int:
        self.process.terminate()
        return self._gone()

    def _gone(self) -> int:
        code = self.process.wait(60)
        assert self.process.stdout is not None and self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()
        return code
