"""The asyncio side of a keeper: start one, tell it what to do, read what it knows."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ranvier.core.errors import MinerError, why
from ranvier.core.files import read_small, storage_errors
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import private_folder
from ranvier.core.processes import ProcessIdentity, own_command, spawn_detached
from ranvier.miners.keeper import keeper_control as control
from ranvier.miners.keeper import keeper_tree as tree
from ranvier.miners.spec import ProgramSpec, read_spec, write_spec
from ranvier.miners.status import KeeperStatus, MinerState

log = logging.getLogger(__name__)

START_LIMIT_S = 20.0
RETIRE_S = 5.0
LONGEST_SOCKET_PATH = 100  # the systems allow 104 to 108 bytes


class _Answer(msgspec.Struct):
    ok: bool
    status: KeeperStatus | None = None
    error: str = ""


class _Private(msgspec.Struct):
    """What a keeper writes for the next one: start tokens, which no change of the clock can confuse."""

    boot: str = ""
    own: str = ""
    token: str = ""


class _Tokens(msgspec.Struct):
    keeper: _Private = msgspec.field(default_factory=_Private)


class KeeperClient:
    """One program's keeper, whether it runs or not. ``folder`` is the program's own (``paths.miner(id)``).

    Every call is one short connection. Errors are ``MinerError`` and ``StorageError``. ``command`` replaces the
    command line that starts a keeper (tests).
    """

    def __init__(self, folder: Path, command: Sequence[str] | None = None) -> None:
        self.folder = folder
        self._command = list(command) if command is not None else keeper_command(folder)
        self._started_pid = 0

    def write_spec(self, spec: ProgramSpec) -> None:
        """Say what to run; it counts from the program's next start."""
        write_spec(self.folder, spec)

    async def ensure(self) -> KeeperStatus:
        """Make sure that a keeper runs, and return its status. It outlives us.

        One of an older version is replaced; its program goes on. A keeper that does not come up raises with what it
        said on standard error.
        """
        status = await self.ping()
        if status is not None and not outdated(status):
            return status
        if status is not None:
            await self._retire(status)
        errors = self.folder / "run" / "keeper.err"
        with storage_errors(errors):
            private_folder(errors.parent)
            errors.touch()
        deadline = time.monotonic() + START_LIMIT_S
        pause = 0.01
        self._spawn(errors)
        while time.monotonic() < deadline:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.2)
            status = await self.ping()
            if status is not None:
                return status
            if self._ended():
                said = errors.read_text(errors="replace").strip()
                if "Another keeper" not in said:
                    raise _not_started(self.folder, said)
                self._spawn(errors)  # the other one is just ending, or has not opened its socket yet
        raise _not_started(self.folder, errors.read_text(errors="replace").strip() or "it does not answer")

    async def start(self, secrets: Mapping[str, str] | None = None) -> KeeperStatus:
        """Run the program. Returns when it was executed; raises when the system refused it, with the reason.

        ``secrets`` (``ProgramSpec.secrets``) go into the keeper's memory and from there into the program's
        environment; None leaves it those that it has.
        """
        return _started(await self._call("start", 30.0, secrets))

    async def stop(self) -> KeeperStatus:
        """Stop the program. Returns when it and everything it started is gone."""
        return await self._call("stop", self._stop_limit_s())

    async def restart(self, secrets: Mapping[str, str] | None = None) -> KeeperStatus:
        """Stop the program if it runs, and run it; ``secrets`` as for ``start``."""
        return _started(await self._call("restart", self._stop_limit_s(), secrets))

    async def end(self) -> None:
        """Stop the program and its keeper. Nothing happens when no keeper runs and no program is alive."""
        if await self.ping() is None:
            status = self.status()
            alive = status.pid is not None and _alive(status.pid, status.pid_started)
            if not alive:
                self._ended()
                return
            await self.ensure()  # a keeper is needed to end what a killed one left running
        status = await self._call("end", self._stop_limit_s())
        while _alive(status.keeper_pid, status.keeper_started):
            if self._ended():
                break
            await asyncio.sleep(0.005)

    async def ping(self) -> KeeperStatus | None:
        """The keeper's own word on how things are, now; None when no keeper answers."""
        try:
            return await self._ask("ping", 5.0)
        except OSError:
            return None

    def status(self) -> KeeperStatus:
        """What the status file says, checked against what is alive. Never raises for a missing or damaged file."""
        self._ended()
        try:
            data = read_small(self.folder / "run" / "status.json")
            known = _at_this_clock(msgspec.json.decode(data, type=KeeperStatus), data)
        except FileNotFoundError:
            return _nothing(MinerState.STOPPED, "never started")
        except (OSError, *NOT_JSON) as error:
            return _nothing(MinerState.UNKNOWN, f"the status file cannot be read: {why(error)}")
        if _alive(known.keeper_pid, known.keeper_started):
            return known
        if known.state in (MinerState.STOPPED, MinerState.FAILED):
            return known
        if known.pid is not None and _alive(known.pid, known.pid_started):
            reason = f"the program runs (process {known.pid}), but its keeper does not"
        elif known.pid is not None:
            reason = "neither the keeper nor the program runs"
        else:
            reason = "the keeper does not run"
        return dataclasses.replace(known, state=MinerState.UNKNOWN, reason=reason)

    # -- inside ----------------------------------------------------------------------------------------------

    async def _call(self, command: str, limit_s: float, secrets: Mapping[str, str] | None = None) -> KeeperStatus:
        try:
            return await self._ask(command, limit_s, secrets)
        except TimeoutError as error:
            raise MinerError(
                "Keeper too slow", f"The keeper of {self.folder.name} has not finished “{command}” in {limit_s:.0f} s."
            ) from error
        except OSError as error:
            raise MinerError(
                "No keeper", f"The keeper of {self.folder.name} does not answer: {why(error)}.", "Start it again."
            ) from error

    async def _ask(self, command: str, limit_s: float, secrets: Mapping[str, str] | None = None) -> KeeperStatus:
        """One command over one connection. OSError when nobody answers, TimeoutError (an OSError) when late."""
        handed = {} if secrets is None else {"secrets": dict(secrets)}
        async with asyncio.timeout(limit_s):
            request, reader, writer = await self._connect(command)
            try:
                line = msgspec.json.encode({**request, **handed}) + b"\n"
                if len(line) > control.LONGEST:
                    raise MinerError("Secrets too long", "The secrets of one miner may have 60 KiB together.")
                writer.write(line)
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        if not line:
            raise ConnectionResetError("it hung up")
        answer = msgspec.json.decode(line, type=_Answer)
        if not answer.ok or answer.status is None:
            raise MinerError("Keeper refused", f"The keeper of {self.folder.name} said: {answer.error}.")
        return answer.status

    async def _connect(self, command: str) -> tuple[dict[str, Any], asyncio.StreamReader, asyncio.StreamWriter]:
        request: dict[str, Any] = {"command": command}
        if sys.platform == "win32":
            where = _decode_where(self.folder / "run" / "control.json")
            reader, writer = await asyncio.open_connection("127.0.0.1", where["port"])
            return {**request, "token": where["token"]}, reader, writer
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            _connect_unix(connection, self.folder / "run" / "keeper.sock")
            reader, writer = await asyncio.open_unix_connection(sock=connection)
        except BaseException:
            connection.close()
            raise
        return request, reader, writer

    async def _retire(self, old: KeeperStatus) -> None:
        """End a keeper and nothing else: a SIGTERM leaves its program to the next one, and so does a SIGKILL."""
        log.info("%s: its keeper is of an older version and is replaced; the program goes on", self.folder.name)
        numbers = [signal.SIGTERM]
        if sys.platform != "win32":  # there, the first is already the second
            numbers.append(signal.SIGKILL)
        for number in numbers:
            deadline = time.monotonic() + RETIRE_S
            with contextlib.suppress(OSError):  # it has ended meanwhile; each system says so in its own way
                os.kill(old.keeper_pid, number)
            while time.monotonic() < deadline:
                self._ended()
                if not _alive(old.keeper_pid, old.keeper_started):
                    return
                await asyncio.sleep(0.01)

    def _spawn(self, errors: Path) -> None:
        try:
            self._started_pid = spawn_detached(self._command, errors=errors)
        except OSError as error:
            raise _not_started(self.folder, f"{self._command[0]}: {error.strerror}") from error

    def _ended(self) -> bool:
        """Whether the keeper that we started has ended; takes it off the system's list if so."""
        if not self._started_pid:
            return True
        if sys.platform == "win32":
            gone = ProcessIdentity.of(self._started_pid) is None
        else:
            try:
                gone = os.waitpid(self._started_pid, os.WNOHANG)[0] != 0
            except ChildProcessError:
                gone = True
        if gone:
            self._started_pid = 0
        return gone

    def _stop_limit_s(self) -> float:
        spec = read_spec(self.folder)
        return 30.0 + (spec.stop_grace_s + spec.term_grace_s if spec is not None else 60.0)


def keeper_command(folder: Path) -> list[str]:
    """The command line of a keeper: from source without site-packages and ``-m``, which would cost each one 2 MB."""
    if getattr(sys, "frozen", False):
        return own_command("keeper", str(folder))
    source = str(Path(__file__).resolve().parents[2])
    code = f"import sys; sys.path.insert(0, {source!r}); from ranvier.miners.keeper.keeper import main; "
    return [sys.executable, "-I", "-S", "-c", f"{code}sys.exit(main(sys.argv[2:]))", "keeper", str(folder)]


def outdated(status: KeeperStatus) -> bool:
    """Whether this keeper is to be replaced by one of ours. On Windows a program that talks would not survive that,
    so there it is done when the program has ended.
    """
    return status.protocol < control.PROTOCOL and not (sys.platform == "win32" and status.pid is not None)


def _connect_unix(connection: socket.socket, path: Path) -> None:
    """Connect at once or fail. A path that is too long for the system is reached through a short link."""
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        connection.connect(str(path))
        return
    with tempfile.TemporaryDirectory(prefix="rv") as short:
        link = Path(short) / "r"
        link.symlink_to(path.parent.absolute())
        connection.connect(str(link / path.name))


def _decode_where(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(read_small(path), type=dict[str, Any])
    except NOT_JSON as error:
        raise ConnectionRefusedError(f"{path} is damaged") from error


def _alive(pid: int, started: float | None) -> bool:
    return pid > 0 and started is not None and ProcessIdentity(pid, started).alive()


def _at_this_clock(known: KeeperStatus, data: bytes) -> KeeperStatus:
    """The same with start times as they are counted now: setting the clock moves what the system says they were."""
    private = msgspec.json.decode(data, type=_Tokens).keeper
    if not tree.LINUX or not private.own or private.boot != tree.boot_id():
        return known
    started = tree.started_at(private.token) if known.pid is not None and private.token else known.pid_started
    return dataclasses.replace(known, keeper_started=tree.started_at(private.own), pid_started=started)


def _started(status: KeeperStatus) -> KeeperStatus:
    if status.state is MinerState.FAILED or status.needs_secrets:
        raise MinerError("Not started", f"The program was not started: {status.reason}.")
    return status


def _nothing(state: MinerState, reason: str) -> KeeperStatus:
    return KeeperStatus(state=state, reason=reason, written_at=time.time(), keeper_pid=0, keeper_started=0.0)


def _not_started(folder: Path, said: str) -> MinerError:
    return MinerError("Keeper not started", f"The keeper of {folder.name} did not start: {said.rstrip('.')}.")
