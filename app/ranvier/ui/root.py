"""The composition root of the window's process: makes everything once, hands it out, ends it in order."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import qasync
from PySide6.QtCore import QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from ranvier.agent.api.messages import AgentStatus, Command, StartMiner, StopAgent, StopMiner, UseNetwork
from ranvier.core.errors import RanvierError, StorageError
from ranvier.core.paths import Paths
from ranvier.core.settings import CLOSE_TO_TRAY, NETWORK, THEME, Settings
from ranvier.core.tasks import Tasks
from ranvier.ui.closing import NO_TRAY_TEXT, NO_TRAY_TITLE, QUIT_TEXT, QUIT_TITLE, Closing, must_show, on_close
from ranvier.ui.dialogs.ask import ask, tell
from ranvier.ui.garbage import GarbageOnThisThread
from ranvier.ui.icons import app_icon
from ranvier.ui.instance import WRITABLE, Instance
from ranvier.ui.theme import Theme
from ranvier.ui.tray import Tray
from ranvier.ui.window import Window

if TYPE_CHECKING:
    from ranvier.ui.context import Context

log = logging.getLogger(__name__)

HEAVY = ("substrateinterface", "keyring", "pyqtgraph", "pynvml", "numpy", "aiohttp")
_PAINT_LIMIT_S = 5.0
_WORKERS = 6


@dataclass(frozen=True, slots=True)
class Options:
    """``exit_after_paint`` measures the start; ``hidden`` starts in the tray, where there is one."""

    exit_after_paint: bool = False
    hidden: bool = False


def start(paths: Paths, options: Options, trouble: StorageError | None = None) -> int:
    """Run the window until it ends; returns the exit status. With ``trouble`` nothing can be kept: say that instead."""
    qInstallMessageHandler(_qt_says)
    qt = QApplication(["ranvier"])
    qt.setApplicationName("Ranvier")
    qt.setDesktopFileName("ranvier")
    qt.setWindowIcon(app_icon())
    qt.setQuitOnLastWindowClosed(False)
    try:
        if trouble is not None:
            raise trouble
        instance = Instance(paths)
        first = instance.first()
    except StorageError as error:
        return _cannot_start(qt, error)
    if not first:
        if instance.raise_first():
            return 0
        sys.stderr.write(f"ranvier: another window works in {paths.data} and does not answer\n")
        return 1
    loop = qasync.QEventLoop(qt)
    loop.set_default_executor(ThreadPoolExecutor(_WORKERS, "worker"))
    asyncio.set_event_loop(loop)
    garbage = GarbageOnThisThread()
    garbage.begin()
    application = Application(qt, paths, options, instance, garbage)
    try:
        with loop:
            result: int = loop.run_until_complete(application.run())
            return result
    finally:
        garbage.end()
        instance.close()


def _cannot_start(qt: QApplication, error: StorageError) -> int:
    """Say in a window why there will be none; 1 when it was read."""
    loop = qasync.QEventLoop(qt)
    asyncio.set_event_loop(loop)
    theme, window = Theme(qt), Window()
    window.show()
    with loop:
        loop.run_until_complete(tell(window, error.title, f"{error.message}\n{WRITABLE}."))
    window.end()
    theme.deleteLater()
    return 1


class Application:
    """Owns window, tray, tasks, client. Everything else is handed what it needs."""

    def __init__(
        self, qt: QApplication, paths: Paths, options: Options, instance: Instance, garbage: GarbageOnThisThread
    ) -> None:
        self._garbage = garbage
        self._paths = paths
        self._options = options
        self._instance = instance
        self._trouble: RanvierError | None = None
        self.settings = self._read_settings()
        self.theme = Theme(qt, self.settings.get(THEME))
        self.window = Window()
        self.tasks = Tasks(self.window.messages.show_error)
        self.tray: Tray | None = None
        self.context: Context | None = None
        self._network_checked = False
        self._told_about_tray = self._asking = False
        self._link: asyncio.Task[Any] | None = None
        self._ended = asyncio.get_event_loop().create_future()
        self.settings.on_change(self._setting_changed)

    async def run(self) -> int:
        """Paint, then load the rest, then wait for the end. Returns the exit status."""
        self._catch_signals()
        painted = asyncio.Event()
        self.window.first_painted.connect(painted.set)
        self.window.close_wanted.connect(self._close_wanted)
        self.window.quit_wanted.connect(self._quit_wanted)
        self.window.header.show_network(self.settings.get(NETWORK))
        if not self._options.hidden:
            self.window.show()
            # A window that starts behind others may not be painted for long; go on without.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PAINT_LIMIT_S):
                    await painted.wait()
        if self._options.exit_after_paint:
            sys.stdout.write(json.dumps(_paint_report()) + "\n")
            return await self._end(0)
        if self._trouble is not None:
            self.window.come_forward()
            text = f"{self._trouble.message}\n{self._trouble.hint}"
            telling = self.tasks.start(tell(self.window, self._trouble.title, text), "tell the trouble")
            await asyncio.wait({telling, self._ended}, return_when=asyncio.FIRST_COMPLETED)  # a signal ends it too
            return await self._end(1)
        self._instance.listen(self.window.come_forward)
        self._make_tray()
        self.tasks.start(self._garbage.run(), "garbage")
        self.tasks.start(self._load(), "load")
        return await self._end(await self._ended)

    # --- making --------------------------------------------------------------------------------------------

    def _read_settings(self) -> Settings:
        try:
            return Settings(self._paths.settings_file)
        except StorageError as error:
            self._trouble = error
            return Settings(self._paths.settings_file.with_name("settings-of-nobody.toml"))

    def _make_tray(self) -> None:
        tray = Tray()
        tray.open_wanted.connect(self.window.come_forward)
        tray.quit_wanted.connect(self.quit_window)
        tray.stop_all_wanted.connect(lambda: self._run(self._stop_everything(), "stop everything"))
        tray.start_wanted.connect(lambda miner_id: self._command(StartMiner(miner_id), "start miner"))
        tray.stop_wanted.connect(lambda miner_id: self._command(StopMiner(miner_id), "stop miner"))
        tray.host_changed.connect(self._tray_host_changed)
        self.tray = tray
        if self._options.hidden:
            self._tray_host_changed(tray.available)

    async def _load(self) -> None:
        """Import what is heavy in a worker, then give the window its context."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, importlib.import_module, "ranvier.agent.api.client")
        from ranvier.agent.api.client import AgentClient
        from ranvier.ui.agent_link import AgentLink
        from ranvier.ui.bridge import Bridge
        from ranvier.ui.context import Context

        client = AgentClient(self._paths)
        bridge = Bridge(client)
        self.context = Context(
            paths=self._paths,
            settings=self.settings,
            client=client,
            bridge=bridge,
            tasks=self.tasks,
            run=self._run,
            say=self.window.messages.say,
            show_error=self.window.messages.show_error,
            go=self.window.go,
        )
        bridge.status.connect(self._status)
        bridge.agent_lost.connect(self._agent_lost)
        link = AgentLink(self._paths, bridge, self.window.header, self.window.messages)
        self.window.attach(self.context)
        self.window.go("overview" if self.settings.get(NETWORK) else "welcome")
        self._link = self.tasks.start(link.run(), "agent link")
        self.tasks.start(bridge.run(), "agent events")
        self._garbage.settle()

    # --- what happens --------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        self.tasks.start(work, name)

    def _command(self, command: Command[Any], name: str) -> None:
        if self.context is not None:
            self._run(self.context.client.call(command), name)

    def _status(self, status: AgentStatus) -> None:
        self.window.header.show_status(status)
        if self.tray is not None:
            self.tray.show_status(status)
        chosen = self.settings.get(NETWORK)
        if not self._network_checked and chosen and status.chain.network != chosen:
            self._command(UseNetwork(chosen), "use network")
        self._network_checked = True

    def _agent_lost(self, _reason: str) -> None:
        if self.tray is not None:
            self.tray.show_status(None)

    def _setting_changed(self, key: str) -> None:
        if key == THEME.key:
            self.theme.choose(self.settings.get(THEME))
        elif key == NETWORK.key:
            self.window.header.show_network(self.settings.get(NETWORK))

    def _tray_host_changed(self, there: bool) -> None:
        if must_show(tray=there, window_visible=self.window.isVisible()):
            self.window.come_forward()

    # --- ending --------------------------------------------------------------------------------------------

    def quit_window(self) -> None:
        """End this process; agent and miners go on."""
        if not self._ended.done():
            self._ended.set_result(0)

    def _close_wanted(self) -> None:
        tray = self.tray is not None and self.tray.available
        match on_close(tray=tray, close_to_tray=self.settings.get(CLOSE_TO_TRAY)):
            case Closing.HIDE:
                self.window.hide()
                if self.tray is not None and not self._told_about_tray:
                    self._told_about_tray = True
                    self.tray.tell("Ranvier is still here", "The window is in the tray; miners go on.")
            case Closing.QUIT:
                self.quit_window()
            case Closing.ASK:
                self._run(self._ask_and_quit(NO_TRAY_TITLE, NO_TRAY_TEXT, "Close the window"), "close the window")

    def _quit_wanted(self) -> None:
        if self.tray is not None and self.tray.available:
            self._run(self._ask_and_quit(QUIT_TITLE, QUIT_TEXT, "Quit"), "quit the window")
        else:
            self._close_wanted()

    async def _ask_and_quit(self, title: str, text: str, yes: str) -> None:
        if not self._asking:  # the cross can be pressed again while it asks
            self._asking = True
            try:
                if await ask(self.window, title, text, yes=yes, no="Stay"):
                    self.quit_window()
            finally:
                self._asking = False

    async def _stop_everything(self) -> None:
        if self.context is None:
            return
        self.window.come_forward()
        text = (
            "Every miner is stopped, then the sandbox and the agent. Nothing is watched or earned until you start it."
        )
        if not await ask(self.window, "Stop everything?", text, yes="Stop everything", danger=True):
            return
        if self._link is not None:
            self._link.cancel()  # or it would start the agent again
        self.window.messages.say("Stopping miners, sandbox and agent…")
        await self.context.client.call(StopAgent(everything=True))
        self.quit_window()

    async def _end(self, status: int) -> int:
        self.window.end()
        if self.tray is not None:
            self.tray.close()
        await self.tasks.close()
        if self.context is not None:
            await self.context.client.close()
        self._loop.set_exception_handler(None)
        sys.excepthook = sys.__excepthook__
        self.window.deleteLater()
        return status

    def _catch_signals(self) -> None:
        self._loop = loop = asyncio.get_running_loop()
        if sys.platform != "win32":
            # signal.signal would wait for Python code to run, which an idle Qt loop never does.
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.add_signal_handler(number, self.quit_window)
        loop.set_exception_handler(self._loop_failed)
        sys.excepthook = self._crashed

    def _loop_failed(self, _loop: asyncio.AbstractEventLoop, details: dict[str, Any]) -> None:
        error = details.get("exception")
        if isinstance(error, BaseException):
            self.window.messages.show_error(error)
        else:
            log.error("event loop: %s", details.get("message"))

    def _crashed(self, _kind: type[BaseException], error: BaseException, _where: TracebackType | None) -> None:
        """An exception that left a slot: log it, tell it in one sentence, go on."""
        if isinstance(error, KeyboardInterrupt):
            self.quit_window()
            return
        self.window.messages.show_error(error)


def _qt_says(kind: QtMsgType, _where: object, text: str) -> None:
    """Qt's own warnings belong in the log, not on somebody's terminal."""
    level = logging.ERROR if kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg) else logging.INFO
    log.log(level, "Qt: %s", text)


def _paint_report() -> dict[str, object]:
    return {"first_paint_s": round(_process_age_s(), 3), "heavy": [name for name in HEAVY if name in sys.modules]}


def _process_age_s() -> float:
    """Seconds since this process was started, to 10 ms on Linux."""
    if sys.platform != "linux":
        import psutil

        return time.time() - psutil.Process().create_time()
    with open("/proc/self/stat", encoding="utf-8") as file:  # noqa: PTH123  # one read of a kernel file
        ticks = int(file.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
