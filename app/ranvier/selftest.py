"""``ranvier selftest``: prove that this copy is whole: hidden data, back-ends, keys, programs of its own, a window.

What a frozen copy lacks shows only when it is used, so each check uses one such thing. Nothing of the user's is
touched: everything happens in a temporary folder, and every process that is started here is ended here.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import importlib.util
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ranvier

if TYPE_CHECKING:
    from ranvier.miners.keeping import KeeperClient

# A phrase that every Substrate tool publishes; its address is known to all of them.
_PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
_ADDRESS = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"
_FROZEN = bool(getattr(sys, "frozen", False))
_HELPER = _FROZEN and Path(sys.executable).stem == "ranvier-helper"
_PROCESS_S = 60.0


class WrongError(Exception):
    """A check found something other than what has to be there."""


@dataclass(frozen=True, slots=True)
class Result:
    """One check: what it found, or why it failed."""

    name: str
    ok: bool
    text: str
    seconds: float


def main(arguments: list[str]) -> int:
    """Run the checks, print a line for each; exit status 1 when one failed."""
    parser = argparse.ArgumentParser(prog="ranvier selftest", description="Prove that this copy is whole.")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    as_json = parser.parse_args(arguments).json
    results = []
    with tempfile.TemporaryDirectory(prefix="ranvier-selftest-", ignore_cleanup_errors=True) as folder:
        for name, check in _checks(Path(folder)):
            results.append(_run(name, check))
            if not as_json:
                _write(f"{'ok  ' if results[-1].ok else 'FAIL'} {name:<13} {results[-1].text}")
    failed = [result.name for result in results if not result.ok]
    if as_json:
        _write(json.dumps(_report(results), indent=1, ensure_ascii=False))
    else:
        _write(f"This copy is not whole: {', '.join(failed)}." if failed else "This copy is whole.")
    return 1 if failed else 0


def _report(results: list[Result]) -> dict[str, object]:
    return {
        "version": ranvier.__version__,
        "frozen": _FROZEN,
        "executable": sys.executable,
        "ok": all(result.ok for result in results),
        "checks": [asdict(result) for result in results],
    }


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _run(name: str, check: Callable[[], str]) -> Result:
    started = time.perf_counter()
    try:
        text, ok = check(), True
    except Exception as error:  # noqa: BLE001  # whatever is missing is what this command is there to name
        text, ok = f"{type(error).__name__}: {error}"[:500], False
    return Result(name, ok, text, round(time.perf_counter() - started, 3))


def _checks(folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "modules", _modules
    yield "resources", _resources
    yield "recipes", _recipes
    yield "keys", _keys
    yield "password", _password
    yield "phrase", _phrase
    yield "keyring", _keyring
    yield "chain", _chain
    yield "certificates", _certificates
    yield "hardware", lambda: asyncio.run(_hardware(folder))
    yield "database", lambda: asyncio.run(_database(folder))
    yield "uv", _uv
    yield "sandbox", lambda: asyncio.run(_sandbox(folder))
    yield "agent", lambda: asyncio.run(_agent(folder / "home"))
    if not _HELPER:
        yield "pictures", _pictures
        yield "window", lambda: _window(folder / "window")


def _need(true: object, what: str) -> None:
    if not true:
        raise WrongError(what)


def _modules() -> str:
    """Every module of ours can be imported, those of other systems excepted."""
    names = []
    for found in pkgutil.walk_packages(ranvier.__path__, "ranvier."):
        name = found.name
        elsewhere = (name.endswith("_windows") and os.name != "nt") or (name.endswith("_posix") and os.name == "nt")
        if elsewhere or name == "ranvier.__main__" or (_HELPER and name.startswith("ranvier.ui")):
            continue
        importlib.import_module(name)
        names.append(name)
    rooms = {name.split(".")[1] for name in names}
    _need({"agent", "chain", "keys", "miners", "sandbox"} <= rooms, f"rooms are missing, found only {sorted(rooms)}")
    return f"{len(names)} of our own can be imported"


def _resources() -> str:
    from ranvier.core.paths import resources

    files = [path for path in resources().rglob("*") if path.is_file()]
    icons = [path for path in files if path.suffix == ".svg"]
    _need((resources() / "icons" / "ranvier.svg").is_file() and len(icons) > 5, "icons are missing")
    return f"{len(files)} files, {len(icons)} icons"


def _recipes() -> str:
    from ranvier.miners.recipe.recipe import bundled_recipes, load_recipe

    recipes = bundled_recipes()
    _need("sandbox-llm" in recipes, "the reference miner's recipe is missing")
    return ", ".join(sorted(load_recipe(path).name for path in recipes.values()))


def _keys() -> str:
    from ranvier.keys.signing import LocalSigner, verify

    done = []
    for crypto_type, name in ((1, "sr25519"), (0, "ed25519")):
        signer = LocalSigner.from_mnemonic(_PHRASE, crypto_type)
        signature = signer.sign(b"selftest")
        _need(verify(signer.ss58, b"selftest", signature), f"{name}: its own signature does not verify")
        _need(not verify(signer.ss58, b"selftesT", signature), f"{name}: a wrong signature verifies")
        done.append(name)
    _need(LocalSigner.from_mnemonic(_PHRASE).ss58 == _ADDRESS, "the published phrase gives another address")
    return f"{', '.join(done)}: sign and verify; the published phrase gives its known address"


def _password() -> str:
    from ranvier.core.errors import WrongPasswordError
    from ranvier.keys.encryption import Cost, decrypt, derive, encrypt

    quick = Cost(passes=3, memory_bytes=16 * 2**20)  # the real cost takes a second and half a gigabyte

    async def both() -> tuple[bytes, bytes]:
        return await derive("right", quick), await derive("wrong", quick)

    right, wrong = asyncio.run(both())
    box = encrypt(b"secret", right)
    _need(decrypt(box, right) == b"secret", "what was encrypted does not decrypt")
    try:
        decrypt(box, wrong)
    except WrongPasswordError:
        return "argon2i and secretbox: opens with its password and with no other"
    raise WrongError("a wrong password opened the box")


def _phrase() -> str:
    from ranvier.core.errors import MnemonicError
    from ranvier.keys import mnemonic

    phrase = mnemonic.generate(12)
    _need(mnemonic.check(phrase) == phrase and phrase != mnemonic.generate(12), "recovery phrases are not made right")
    try:
        mnemonic.check(_PHRASE.replace("lonely", "lonesome"))
    except MnemonicError:
        return "made, checked, and a mistyped word is found"
    raise WrongError("a mistyped word was accepted")


def _keyring() -> str:
    from importlib.metadata import entry_points

    import keyring.backend

    names = ["chainer", "fail", "null"]
    names += {"win32": ["Windows"], "darwin": ["macOS"]}.get(sys.platform, ["SecretService", "kwallet"])
    for name in names:
        importlib.import_module(f"keyring.backends.{name}")
    _need(entry_points(group="keyring.backends"), "keyring's own description is missing, so it finds no back-end")
    usable = [backend.name for backend in keyring.backend.get_all_keyring() if backend.priority >= 1]
    return f"{', '.join(names)}; usable in this session: {', '.join(sorted(usable)) or 'none'}"


def _chain() -> str:
    """substrate-interface reads its type registry files when a connection is made."""
    registry = importlib.import_module("scalecodec.type_registry").load_type_registry_preset("legacy")
    _need(registry and len(registry["types"]) > 100, "scalecodec's type registry is missing")
    importlib.import_module("ranvier.chain.wire")
    return f"substrate-interface and {len(registry['types'])} types"


def _certificates() -> str:
    """A frozen copy's OpenSSL looks where its build machine kept them; packaging/certificates.py helps it."""
    import ssl

    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    _need(paths.cafile or (folder and any(folder.iterdir())) or os.name == "nt", "no certificate authorities are found")
    bundled = Path(importlib.import_module("certifi").where())
    _need(bundled.is_file(), "the bundled certificate authorities are missing")
    return f"{paths.cafile or paths.capath or 'the system store'}, {ssl.OPENSSL_VERSION}"


async def _hardware(folder: Path) -> str:
    from ranvier.hardware.sampler import Sampler

    importlib.import_module("pynvml")
    sampler = Sampler(folder)
    try:
        seen = await sampler.sample()
    finally:
        sampler.close()
    _need(seen.host.memory_total, "the host's memory cannot be read")
    return f"{seen.host.cores_logical} cores; {len(seen.gpus)} GPUs{f' ({seen.gpu_note})' if seen.gpu_note else ''}"


async def _database(folder: Path) -> str:
    import sqlite3

    from ranvier.ledger.store import Ledger

    ledger = Ledger(folder / "ledger.sqlite")
    await ledger.open()
    await ledger.remember({"selftest": "yes"})
    found = await ledger.recall("selftest")
    await ledger.close()
    _need(found == "yes", "the ledger forgets")
    return f"a new ledger keeps what it is told, SQLite {sqlite3.sqlite_version}"


def _uv() -> str:
    from ranvier.core.processes import NO_WINDOW

    program = importlib.import_module("uv").find_uv_bin()
    done = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=_PROCESS_S, creationflags=NO_WINDOW, check=True
    )
    return done.stdout.strip()


async def _sandbox(folder: Path) -> str:
    """A keeper runs the practice network, and the chain room reads from it."""
    from ranvier.chain.connection import Connection
    from ranvier.chain.networks import sandbox_network
    from ranvier.core.processes import child_environment, own_command
    from ranvier.miners.keeping import KeeperClient
    from ranvier.miners.spec import ProgramSpec

    keeper, data = KeeperClient(folder / "keeper"), folder / "sandbox"
    command = own_command("sandbox", "--port", "0", "--block-time", "0.25", "--data", str(data), "--no-life")
    keeper.write_spec(ProgramSpec(argv=tuple(command), cwd=str(folder), env=child_environment()))
    started = time.perf_counter()
    try:
        await keeper.ensure()
        await keeper.start()
        ready = await _ready(data / "endpoint.json", keeper)
        seconds = time.perf_counter() - started
        connection = Connection(sandbox_network(ready["endpoint"], ready["genesis"]))
        try:
            await connection.open()
            head = await connection.head()
        finally:
            await connection.close()
        pid = keeper.status().keeper_pid
    finally:
        await keeper.end()
    return f"started by its keeper (process {pid}), ready after {seconds:.1f} s, block {head.number} read from it"


async def _ready(path: Path, keeper: KeeperClient) -> dict[str, str]:
    """The sandbox's ``endpoint.json``, or why it does not come."""
    from ranvier.miners.logs.logs import tail
    from ranvier.miners.status import MinerState

    deadline = time.monotonic() + _PROCESS_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, str] = json.loads(path.read_text("utf-8"))
            return found
        status = keeper.status()
        if status.state not in (MinerState.STARTING, MinerState.RUNNING):
            lines, _next = tail(keeper.folder, None, 1)
            raise WrongError(f"it did not stay up: {status.reason}; its last line: {lines[-1].text if lines else '-'}")
        await asyncio.sleep(0.05)
    raise WrongError(f"it was not ready within {_PROCESS_S:.0f} s")


async def _agent(home: Path) -> str:
    from ranvier.agent.api.client import ensure_agent
    from ranvier.agent.api.messages import AgentStatus, GetStatus, StopAgent
    from ranvier.core.paths import Paths
    from ranvier.core.processes import ProcessIdentity

    started = time.perf_counter()
    client = await ensure_agent(Paths.under(home))
    try:
        status: AgentStatus = await client.call(GetStatus())
        seconds = time.perf_counter() - started
        identity = ProcessIdentity.of(status.pid)
        await client.call(StopAgent(everything=True))
    finally:
        await client.close()
    deadline = time.monotonic() + _PROCESS_S
    while identity is not None and identity.alive():
        _need(time.monotonic() < deadline, "the agent does not end")
        await asyncio.sleep(0.05)
    return f"version {status.version} answered after {seconds:.1f} s and ended when asked"


def _pictures() -> str:
    """Icons are drawn by a Qt plug-in and charts by numpy: a frozen copy may lack either without a word."""
    draw: Callable[[], str] = importlib.import_module("ranvier.ui.selftest").draw
    return draw()


def _window(home: Path) -> str:
    from ranvier.core.processes import NO_WINDOW, child_environment

    command = [sys.executable] if _FROZEN else [sys.executable, "-m", "ranvier"]
    done = subprocess.run(
        [*command, "--home", str(home), "--exit-after-paint"],
        env=child_environment({"QT_QPA_PLATFORM": "offscreen"}),
        capture_output=True,
        text=True,
        timeout=_PROCESS_S,
        creationflags=NO_WINDOW,
        check=False,
    )
    _need(done.returncode == 0, f"the window ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return f"painted {json.loads(done.stdout.splitlines()[-1])['first_paint_s']} s after its start"
