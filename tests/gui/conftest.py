"""GUI tests: Qt's loop as asyncio loop, and no timer, task or window left behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

HERE = Path(__file__).parent
TIME_LIMIT_S = 30


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["ranvier-tests"]


@pytest.fixture
def qloop(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[qasync.QEventLoop]:
    """The loop of one test. Coroutine tests run on it; in a plain test Qt's own loop turns it (``qtbot.wait...``)."""
    qapp.setQuitOnLastWindowClosed(False)
    plain = not inspect.iscoroutinefunction(request.function)
    gc.freeze()  # what is there already is neither collected nor looked through, test after test
    loop = qasync.QEventLoop(qapp)
    loop.set_default_executor(ThreadPoolExecutor(4, "worker"))
    # As ranvier.ui.garbage says: a collection on a worker would destroy Qt objects there. It stays so for later tests
    # of other rooms, whose workers would find what is left of a window; tests/conftest.py collects between tests.
    gc.disable()
    asyncio.set_event_loop(loop)
    if plain:
        asyncio.events._set_running_loop(loop)
    yield loop
    if plain:
        asyncio.events._set_running_loop(None)
    left = [task for task in asyncio.all_tasks(loop) if not task.done()]
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    asyncio.set_event_loop(None)
    for window in qapp.topLevelWidgets():
        window.hide()
        window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    timers = active_timers()
    gc.collect()  # what the test left, here on Qt's own thread
    gc.unfreeze()
    names = [f"{timer.objectName() or timer.parent()} every {timer.interval()} ms" for timer in timers]
    for timer in timers:
        timer.stop()
    assert not left, f"tasks left running: {[task.get_name() for task in left]}"
    assert not names, f"timers left running: {names}"


@pytest.fixture(autouse=True)
def plain_look() -> Iterator[None]:
    """The next test finds the application without a theme, whatever this one put on it."""
    yield
    application = QApplication.instance()
    if isinstance(application, QApplication) and application.styleSheet():
        application.setStyleSheet("")
        application.setPalette(QPalette())


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    """A shown widget for dialogs to be opened over."""
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    return widget


def active_timers() -> list[QTimer]:
    """Every QTimer that was made since the test began and still runs."""
    timers = [thing for thing in gc.get_objects() if isinstance(thing, QTimer)]
    return [timer for timer in timers if isValid(timer) and timer.isActive()]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A coroutine test in this folder gets ``qloop`` without naming it."""
    for item in items:
        if HERE in item.path.parents and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            names = item.fixturenames
            if "qloop" not in names:
                names.append("qloop")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj) or "qloop" not in pyfuncitem.fixturenames:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    limit = pyfuncitem.get_closest_marker("limit_s")
    loop = pyfuncitem.funcargs["qloop"]
    loop.run_until_complete(asyncio.wait_for(pyfuncitem.obj(**arguments), limit.args[0] if limit else TIME_LIMIT_S))
    return True
