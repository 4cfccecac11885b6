"""Rules for every test: no real home, no leaked tasks or children, coroutines run on a plain loop."""

from __future__ import annotations

import asyncio
import gc
import inspect
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

TIME_LIMIT_S = 60
_COLLECTIONS = itertools.count(1)

# How long one example takes says nothing on a shared machine. CI tries the same examples each time; people new ones.
settings.register_profile(
    "ranvier", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ranvier")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture(autouse=True)
def away_from_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HOME and the XDG folders point into a temporary folder."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    for name in ("BT_WALLET_PATH", "BT_WALLET", "BTCLI_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(autouse=True)
def no_children_left() -> Iterator[None]:
    """A test that leaves a child process running fails (and the child is killed)."""
    me = psutil.Process()
    before = {child.pid for child in me.children(recursive=True)}
    yield
    left = [child for child in me.children(recursive=True) if child.pid not in before]
    _gone, alive = psutil.wait_procs(left, timeout=3)
    names = [f"{p.pid} {' '.join(p.cmdline()[:4])}" for p in alive if p.is_running()]
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=3)
    assert not names, f"children left behind: {names}"


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Collect on this thread where a window test has switched the collector off."""
    if not gc.isenabled():
        gc.collect(1 if next(_COLLECTIONS) % 100 else 2)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run ``async def test_*`` on a fresh loop; a task that is left running fails the test."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj) or "qloop" in pyfuncitem.fixturenames:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    limit = pyfuncitem.get_closest_marker("limit_s")

    async def run() -> None:
        await asyncio.wait_for(pyfuncitem.obj(**arguments), limit.args[0] if limit else TIME_LIMIT_S)
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.done()]
        assert not left, f"tasks left running: {[task.get_name() for task in left]}"

    with asyncio.Runner() as runner:
        runner.run(run())
    return True


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter for real child processes."""
    return sys.executable
