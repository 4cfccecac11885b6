"""The agent as its clients see it: commands, events, and starting it when it is absent. Qt-free."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

import aiohttp
import msgspec

from ranvier import __version__
from ranvier.agent.api.endpoint import Endpoint, read_endpoint
from ranvier.agent.api.messages import (
    COMMANDS,
    EVENT_DECODER,
    PROTOCOL,
    Command,
    Event,
    InstallMiner,
    R,
    StopAgent,
    UpdateMiner,
)
from ranvier.core.errors import AgentError, ErrorData
from ranvier.core.files import storage_errors
from ranvier.core.outside import NOT_JSON
from ranvier.core.paths import Paths, private_folder
from ranvier.core.processes import ProcessIdentity, own_command, spawn_detached

log = logging.getLogger(__name__)

_CALL_S = 120.0
_CONNECT_S = 5.0
_START_S = 40.0
_END_S = 30.0
_LARGEST_EVENT = 16 * 2**20
_ABSENT = "The agent is not running."
_HOW = "Ranvier's window starts it; so does “ranvier agent”."
_ERROR = msgspec.json.Decoder(ErrorData)


class Identity(msgspec.Struct, frozen=True):
    """The part of a status that no version may change."""

    version: str
    protocol: int
    pid: int


class AgentClient:
    """Talks to the agent of ``paths``, whichever it is at the moment: a restarted agent is found again.

    Every failure is a RanvierError. Making one does not connect; use it on one event loop and ``close`` it.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self._session: aiohttp.ClientSession | None = None
        self._endpoint: Endpoint | None = None

    async def call(self, command: Command[R], *, timeout_s: float | None = None) -> R:
        """Carry out ``command``; the result has the type that the command names.

        Raises AgentError when the agent is absent, and whatever error the command ended with.
        """
        if timeout_s is None and not isinstance(command, InstallMiner | UpdateMiner):
            timeout_s = _CALL_S
        session, endpoint = await self._connected()
        name = type(command).__name__
        try:
            async with session.post(
                f"{endpoint.url}/call/{name}",
                data=msgspec.json.encode(command),
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_S),
            ) as answer:
                body = await answer.read()
        except TimeoutError as error:
            raise AgentError("Agent is slow", f"The agent did not answer {name} within {timeout_s:.0f} s.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _lost(error) from error
        return _result(command, answer.status, body)

    async def identity(self, *, timeout_s: float) -> Identity:
        """Who answers, of whatever version it is. Raises AgentError when nobody does."""
        session, endpoint = await self._connected()
        try:
            async with session.post(
                f"{endpoint.url}/call/GetStatus",
                data=b"{}",
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_S),
            ) as answer:
                return msgspec.json.decode(await answer.read(), type=Identity)
        except TimeoutError as error:
            raise AgentError("Agent is slow", f"The agent did not answer within {timeout_s:.0f} s.") from error
        except NOT_JSON as error:
            raise _other_version() from error
        except (aiohttp.ClientError, OSError) as error:
            raise _lost(error) from error

    async def events(self) -> AsyncIterator[Event]:
        """Events from now on, a StatusEvent first; ends when the agent ends the connection.

        Raises AgentError when the agent is absent or its messages are not understood.
        """
        session, endpoint = await self._connected()
        try:
            async with session.ws_connect(
                f"{endpoint.url}/events", heartbeat=20.0, max_msg_size=_LARGEST_EVENT
            ) as socket:
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        yield EVENT_DECODER.decode(message.data)
        except NOT_JSON as error:
            raise _other_version() from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _lost(error) from error

    async def close(self) -> None:
        """Let go of the connection; the agent goes on. A later call connects again."""
        session, self._session, self._endpoint = self._session, None, None
        if session is not None:
            await session.close()

    async def _connected(self) -> tuple[aiohttp.ClientSession, Endpoint]:
        endpoint = read_endpoint(self.paths)
        if endpoint is None:
            raise AgentError("No agent", _ABSENT, _HOW)
        session = self._session
        if session is None or session.closed or endpoint != self._endpoint:
            connector: aiohttp.BaseConnector = (
                aiohttp.UnixConnector(endpoint.socket) if endpoint.socket is not None else aiohttp.TCPConnector()
            )
            former, session = (
                session,
                aiohttp.ClientSession(connector=connector, headers=endpoint.headers(), trust_env=False),
            )
            # Put in place before anything is awaited: a call beside this one must not make a second session.
            self._session, self._endpoint = session, endpoint
            if former is not None:
                await former.close()
        return session, endpoint


def _result(command: Command[R], status: int, body: bytes) -> R:
    try:
        if status == 200:
            result: R = msgspec.json.decode(body, type=COMMANDS[type(command)])
            return result
        if status == 422:
            raise _ERROR.decode(body).error()
    except NOT_JSON as error:
        raise _other_version() from error
    if status == 404:
        raise _other_version()
    raise AgentError("Agent error", f"The agent answered with status {status}.", "Its log has the details.")


def _lost(error: BaseException) -> AgentError:
    if isinstance(error, aiohttp.ClientConnectorError | FileNotFoundError | ConnectionRefusedError):
        return AgentError("No agent", _ABSENT, _HOW)
    return AgentError("Agent lost", "The connection to the agent broke.", "It is tried again.")


def _other_version() -> AgentError:
    return AgentError(
        "Agent of another version",
        "The running agent is of another version of Ranvier and its messages are not understood.",
        "Stop everything from the tray (or end the agent) and start Ranvier again.",
    )


async def ensure_agent(paths: Paths) -> AgentClient:
    """A client of the running agent; starts one, detached, when none answers.

    Raises AgentError when it does not come up within 40 s (with the reason it gave) or speaks another protocol.
    """
    client = AgentClient(paths)
    try:
        if not await _answers(client):
            await _start(paths, client)
    except BaseException:
        await client.close()
        raise
    return client


async def restart_agent(paths: Paths) -> AgentClient:
    """A client of a new agent in place of the one that runs, if one does; miners go on under their keepers.

    Raises AgentError as ``ensure_agent``, and when the old one does not end.
    """
    client = AgentClient(paths)
    try:
        try:
            who = await client.identity(timeout_s=10.0)
        except AgentError:
            pass  # nobody there, or of a version of which ``ensure_agent`` speaks
        else:
            await _retire(client, who.pid)
    finally:
        await client.close()
    return await ensure_agent(paths)


async def _answers(client: AgentClient, *, just_started: bool = False) -> bool:
    """Whether an agent that we understand answers. An older one is ended first; its keepers, and so the miners, go on.

    Raises AgentError for one that speaks another protocol and is not older, or that does not end.
    """
    try:
        who = await client.identity(timeout_s=10.0)
    except AgentError as error:
        if error.title == "Agent of another version":
            raise
        return False
    ours, theirs = (PROTOCOL, version_key(__version__)), (who.protocol, version_key(who.version))
    if theirs == ours:
        return True
    if who.protocol == PROTOCOL and (theirs > ours or just_started):
        return True  # it only knows more than we do, or is the best that this copy can start
    if theirs > ours or just_started:
        raise _other_version()
    log.info("the agent is of version %s (protocol %s): a new one takes over", who.version, who.protocol)
    await _retire(client, who.pid)
    return False


async def _retire(client: AgentClient, pid: int) -> None:
    """Ask an older agent to end and wait until it has; the miners are their keepers' business."""
    process = ProcessIdentity.of(pid)
    with contextlib.suppress(AgentError):  # it may hang up before it has answered
        await client.call(StopAgent(), timeout_s=10.0)
    deadline = time.monotonic() + _END_S
    while process is not None and process.alive():
        if time.monotonic() >= deadline:
            raise AgentError(
                "Old agent does not end",
                f"The agent of the version before (process {pid}) was asked to end and still runs.",
                "End that process; the miners go on.",
            )
        await asyncio.sleep(0.1)


def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version, for comparing; what is no number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("+")[0].split("."))


async def _start(paths: Paths, client: AgentClient) -> None:
    errors = paths.agent / "start-errors.txt"
    with storage_errors(errors):
        private_folder(paths.agent)
        errors.touch()
    loop = asyncio.get_running_loop()
    # Spawning a process takes tens of milliseconds: not on the caller's loop, which may be the window's.
    await loop.run_in_executor(
        None, lambda: spawn_detached(own_command(*paths.arguments(), "agent"), cwd=paths.data, errors=errors)
    )
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        await asyncio.sleep(0.15)
        if await _answers(client, just_started=True):
            return
    reason = ""
    with contextlib.suppress(OSError):
        lines = errors.read_text("utf-8", "replace").strip().splitlines()
        reason = lines[-1][:300] if lines else ""
    raise AgentError(
        "Agent did not start",
        reason or f"The agent did not answer within {_START_S:.0f} s.",
        f"Its log is {paths.logs / 'agent.log'}.",
    )
