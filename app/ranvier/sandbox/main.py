"""The process ``ranvier sandbox``: a practice network in one folder on one port."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ranvier.core.errors import NetworkError, RanvierError
from ranvier.core.files import write_atomic
from ranvier.core.log import start_logging
from ranvier.core.paths import private_folder
from ranvier.core.tasks import Tasks
from ranvier.sandbox.chain import Chain
from ranvier.sandbox.genesis import Cast, genesis
from ranvier.sandbox.journal import Journal
from ranvier.sandbox.machine import Machine
from ranvier.sandbox.node import Node
from ranvier.sandbox.play_keys import open_keys
from ranvier.sandbox.rpc.server import HOST, RpcServer

log = logging.getLogger(__name__)

_MOST_VALIDATORS, _MOST_COMPETITORS = 8, 32


class NetworkFile(msgspec.Struct, frozen=True):
    """``network.json``: what a restart must find again. The shape of a network is fixed when it is made."""

    port: int
    tempo: int
    validators: int
    competitors: int


@dataclass(frozen=True)
class Options:
    """The command line."""

    data: Path
    port: int
    block_ms: int
    tempo: int
    seed: int | None
    life: bool
    validators: int
    competitors: int


def parse(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="ranvier sandbox", description="Run a practice Bittensor network on this machine, with play money."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the network; made when new")
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 = the last one used, or a free one")
    parser.add_argument("--block-time", type=float, default=1.0, help="seconds from block to block (default 1)")
    parser.add_argument("--tempo", type=int, default=20, help="blocks of an epoch, for a new network (default 20)")
    parser.add_argument("--seed", type=int, help="makes a new network's keys repeatable (default: random)")
    parser.add_argument("--no-life", action="store_true", help="run no validators and competitors")
    parser.add_argument("--validators", type=int, default=3, help="for a new network (default 3)")
    parser.add_argument("--competitors", type=int, default=5, help="for a new network (default 5)")
    given = parser.parse_args(arguments)
    _within(parser, "--port", given.port, 0, 65_535)
    _within(parser, "--block-time", given.block_time, 0.02, 600)
    _within(parser, "--tempo", given.tempo, 1, 65_534)
    _within(parser, "--validators", given.validators, 0, _MOST_VALIDATORS)
    _within(parser, "--competitors", given.competitors, 0, _MOST_COMPETITORS)
    return Options(
        data=given.data.expanduser().absolute(),
        port=given.port,
        block_ms=round(given.block_time * 1000),
        tempo=given.tempo,
        seed=given.seed,
        life=not given.no_life,
        validators=given.validators,
        competitors=given.competitors,
    )


def _within(parser: argparse.ArgumentParser, name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        parser.error(f"{name} must be from {low:g} to {high:g}")


class Sandbox:
    """A network opened from its folder: node and server, and the market when there is life."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = private_folder(options.data)
        self._tasks = Tasks(on_error=self._failed)
        self.failure: BaseException | None = None
        self.ended = asyncio.Event()
        keys = open_keys(self.folder / "seed", options.seed)
        self._known = self._read_network()
        shape = self._known or NetworkFile(0, options.tempo, options.validators, options.competitors)
        self.cast = Cast.of(keys, shape.validators, shape.competitors)
        self._shape = shape
        self.node = self._open_node()
        self.server = RpcServer(self.node)

    def _read_network(self) -> NetworkFile | None:
        path = self.folder / "network.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=NetworkFile)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise NetworkError(
                "Practice network damaged", f"{path} cannot be read: {error}.", "Delete its folder to begin a new one."
            ) from error

    def _open_node(self) -> Node:
        self.journal = Journal(self.folder / "chain")
        try:
            machine = Machine(self.options.block_ms, self.cast.author.public_key)
            chain = Chain(machine, self.journal)
            kept = self.journal.load()
            if kept is None:
                chain.begin(genesis(self.cast, self._shape.tempo))
            else:
                chain.resume(*kept)
            return Node(chain, self.cast.practice(self._shape.tempo), self.cast.faucet)
        except BaseException:
            self.journal.close()
            raise

    @property
    def endpoint(self) -> str:
        return f"ws://{HOST}:{self.server.port}"

    @property
    def genesis_hex(self) -> str:
        return f"0x{self.node.chain.genesis_hash.hex()}"

    async def start(self) -> None:
        """Listen, say where, and begin to make blocks. Raises NetworkError when the port is taken."""
        wanted = self.options.port or self._shape.port
        try:
            await self.server.start(wanted)
        except OSError as error:
            raise NetworkError(
                "Port taken",
                f"Port {wanted} on this machine cannot be used: {error.strerror or error}.",
                "Stop what uses it, or choose another with --port.",
            ) from error
        shape = msgspec.structs.replace(self._shape, port=self.server.port)
        if shape != self._known:
            write_atomic(self.folder / "network.json", msgspec.json.encode(shape))
        described = {
            "endpoint": self.endpoint,
            "port": self.server.port,
            "pid": os.getpid(),
            "genesis": self.genesis_hex,
        }
        write_atomic(self.folder / "endpoint.json", msgspec.json.encode(described))
        self._tasks.start(self.node.run(), "blocks")
        if self.options.life:
            self._tasks.start(self._live(), "market")

    async def _live(self) -> None:
        """The validators and competitors, until this task is cancelled."""
        from ranvier.sandbox.face import OwnNode
        from ranvier.sandbox.life.market import Market

        market = Market(
            OwnNode(self.node),
            self.node.practice.netuid,
            [hotkey for _, hotkey in self.cast.validators],
            [hotkey for _, hotkey in self.cast.competitors],
            seed=self.options.seed or 0,
        )
        try:
            await market.start()
            await asyncio.Event().wait()
        finally:
            await market.close()

    def _failed(self, error: BaseException) -> None:
        log.error("the practice network stops", exc_info=error)
        self.failure = error
        self.ended.set()

    async def close(self) -> None:
        await self._tasks.close()
        await self.server.close()
        self.node.chain.close()


async def _run(options: Options) -> int:
    sandbox = Sandbox(options)
    try:
        await sandbox.start()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises KeyboardInterrupt instead
                loop.add_signal_handler(name, sandbox.ended.set)
        ready = {
            "ready": True,
            "endpoint": sandbox.endpoint,
            "genesis": sandbox.genesis_hex,
            "block": sandbox.node.chain.head.number,
        }
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        await sandbox.ended.wait()
    finally:
        await sandbox.close()
    if sandbox.failure is not None:
        raise sandbox.failure
    return 0


def main(arguments: list[str]) -> int:
    """Run until SIGTERM or SIGINT; 0 then, 1 with one sentence on stderr when it cannot go on."""
    options = parse(arguments)
    try:
        private_folder(options.data)
        start_logging(options.data, "sandbox")
        return asyncio.run(_run(options))
    except KeyboardInterrupt:
        return 0
    except RanvierError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"The practice network cannot use {options.data}: {error.strerror or error}.\n")
        return 1
