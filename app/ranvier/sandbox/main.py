"""The process ``ranvier sandbox``: a practice network in one folder on one port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys

import msgspec

from ranvier.core.errors import NetworkError, RanvierError
from ranvier.core.files import write_atomic
from ranvier.core.log import start_logging
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import private_folder
from ranvier.core.tasks import Tasks
from ranvier.sandbox.node.chain import Chain
from ranvier.sandbox.node.genesis import Cast, genesis
from ranvier.sandbox.node.journal import Journal
from ranvier.sandbox.node.node import Node
from ranvier.sandbox.node.play_keys import PlayKeys, open_keys
from ranvier.sandbox.node.snapshots import restore
from ranvier.sandbox.options import Options, parse
from ranvier.sandbox.rpc.server import HOST, RpcServer
from ranvier.sandbox.runtime.machine import Machine

log = logging.getLogger(__name__)

_FULL_SEATS = 64


class NetworkFile(msgspec.Struct, frozen=True):
    """``network.json``: what a restart must find again. The shape of a network is fixed when it is made."""

    port: int
    tempo: int
    validators: int
    competitors: int
    rules: int = 425
    subnets: int = 1
    case: str = ""
    user: tuple[str, str] | None = None


def _shape(options: Options) -> NetworkFile:
    user = None if options.user is None else (options.user[0].hex(), options.user[1].hex())
    return NetworkFile(
        0,
        options.tempo,
        options.validators,
        options.competitors,
        options.rules,
        options.subnets,
        options.case,
        user,
    )


def _unused(options: Options, known: NetworkFile) -> list[str]:
    """What was asked for a network that has another shape already, in words."""
    return [
        f"--{name} is not used: this network was made with {getattr(known, name) or 'none'}. Use a new folder."
        for name in sorted(options.shape_given)
        if getattr(options, name) != getattr(known, name)
    ]


def _cast(keys: PlayKeys, shape: NetworkFile) -> Cast:
    cast = Cast.of(keys, shape.validators, shape.competitors)
    if not shape.case:
        return cast
    user = None if shape.user is None else (bytes.fromhex(shape.user[0]), bytes.fromhex(shape.user[1]))
    return cast.with_crowd(keys, _FULL_SEATS - 1 - shape.validators - shape.competitors, user)


class Sandbox:
    """A network opened from its folder: node and server, and the market when there is life."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = private_folder(options.data)
        self._tasks = Tasks(on_error=self._failed)
        self.failure: BaseException | None = None
        self.ended = asyncio.Event()
        if options.restore is not None:
            restore(options.restore, self.folder)
        keys = open_keys(self.folder / "seed", options.seed)
        self._known = self._read_network()
        shape = self._known or _shape(options)
        self.unused = [] if self._known is None else _unused(options, self._known)
        self.cast = _cast(keys, shape)
        self._shape = shape
        self.node = self._open_node()
        self.node.manual = options.manual
        self.server = RpcServer(self.node, self.folder / "snapshots", options.origins)

    def _read_network(self) -> NetworkFile | None:
        path = self.folder / "network.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=NetworkFile)
        except FileNotFoundError:
            return None
        except NOT_JSON as error:
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
                shape = self._shape
                chain.begin(genesis(self.cast, shape.tempo, rules=shape.rules, subnets=shape.subnets))
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
        from ranvier.sandbox.life.market import Market
        from ranvier.sandbox.node.face import OwnNode

        market = Market(
            OwnNode(self.node),
            self.node.practice.netuid,
            [hotkey for _, hotkey in self.cast.validators],
            [hotkey for _, hotkey in self.cast.competitors],
            seed=self.options.seed or 0,
            quality=self.options.quality,
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
        for line in sandbox.unused:
            sys.stderr.write(f"{line}\n")
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
    if options.data.exists() and not options.data.is_dir():
        sys.stderr.write(f"{options.data} is a file; --data names the network's folder.\n")
        return 1
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
