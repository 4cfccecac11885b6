"""The keeper's hands on Windows: a plain pipe per stream, a job object for the whole tree. Standard library only.

Two things are weaker than elsewhere. A program that talks after its keeper was killed meets a closed pipe; and a
program without a console cannot be asked to end by a signal unless it listens for Ctrl+Break, so a stop ends
the job when the grace is over.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import contextlib
    import ctypes
    import os
    import queue
    import signal
    import socket
    import subprocess
    import threading
    from ctypes import wintypes
    from typing import IO, TYPE_CHECKING

    from ranvier.miners.keeper.keeper_host import Exit, SpawnError
    from ranvier.miners.logs.log_format import ERR, OUT

    if TYPE_CHECKING:
        from collections.abc import Callable

        from ranvier.miners.keeper.keeper_log import LogWriter

    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel32.OpenProcess.restype = wintypes.HANDLE
    kernel32.CreateJobObjectW.restype = wintypes.HANDLE
    for _name, _types in {
        "CloseHandle": [wintypes.HANDLE],
        "WaitForSingleObject": [wintypes.HANDLE, wintypes.DWORD],
        "GetExitCodeProcess": [wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD)],
        "TerminateProcess": [wintypes.HANDLE, wintypes.UINT],
        "AssignProcessToJobObject": [wintypes.HANDLE, wintypes.HANDLE],
        "TerminateJobObject": [wintypes.HANDLE, wintypes.UINT],
        "GetProcessTimes": [wintypes.HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 4],
    }.items():
        getattr(kernel32, _name).argtypes = _types
    ACCESS = 0x1000 | 0x00100000 | 0x0001 | 0x0100  # query limited, synchronise, terminate, set quota
    EPOCH_100NS = 116444736000000000
    STILL_ACTIVE = 259

    def creation_time(pid: int) -> str:
        """When a live process was created, in Unix seconds; empty when there is none."""
        handle = kernel32.OpenProcess(ACCESS & ~0x0101, False, pid)
        if not handle:
            return ""
        try:
            times = [wintypes.FILETIME() for _ in range(4)]
            code = wintypes.DWORD()
            kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
            if code.value != STILL_ACTIVE or not kernel32.GetProcessTimes(handle, *map(ctypes.byref, times)):
                return ""
            stamp = (times[0].dwHighDateTime << 32) + times[0].dwLowDateTime
            return repr((stamp - EPOCH_100NS) / 1e7)
        finally:
            kernel32.CloseHandle(handle)

    class WindowsHost:
        """One program's process; the same methods as ``keeper_posix.Host``."""

        def __init__(self, wake: socket.socket) -> None:
            self.pid = 0
            self.token = ""
            self.ours = False
            self._wake = wake
            self._pieces: queue.Queue[tuple[int, bytes]] = queue.Queue(maxsize=64)
            self._exit: Exit | None = None
            self._process: subprocess.Popen[bytes] | None = None
            self._handle: int | None = None
            self._job: int | None = None

        def open_output(self) -> None:
            """Nothing to prepare: the pipes are made with the program."""

        def descriptors(self) -> list[int]:
            """Threads watch; they wake the loop through its socket."""
            return []

        def pump(self, ready: list[int], log: LogWriter) -> None:
            """Store what the reading threads have brought."""
            del ready
            self.drain(log)

        def drain(self, log: LogWriter) -> None:
            """Store everything that has been read so far."""
            with contextlib.suppress(queue.Empty):
                while True:
                    log.write(*self._pieces.get_nowait())

        def spawn(self, argv: list[str], cwd: str, environment: dict[str, str], remember: Callable[[], None]) -> None:
            """Start the program in a job of its own; SpawnError names what is missing."""
            if not os.path.isdir(cwd):  # noqa: PTH112
                raise SpawnError(f"the working folder {cwd} does not exist", True)
            try:
                process = subprocess.Popen(
                    argv,
                    cwd=cwd,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    creationflags=subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW,
                )
            except FileNotFoundError:
                raise SpawnError(f"the program {argv[0]} does not exist", True) from None
            except OSError as error:
                raise SpawnError(f"the program {argv[0]} could not be executed: {error.strerror}", True) from error
            self._process = process
            self._take(process.pid, creation_time(process.pid), ours=True)
            remember()
            assert process.stdout is not None and process.stderr is not None
            for kind, pipe in ((OUT, process.stdout), (ERR, process.stderr)):
                threading.Thread(target=self._read, args=(kind, pipe), daemon=True).start()

        def adopt(self, pid: int, start: str) -> bool:
            """Take over a live program that another keeper started."""
            if not pid or not start or creation_time(pid) != start:
                return False
            self._take(pid, start, ours=False)
            return True

        def poll_s(self) -> float | None:
            """The end is told by a thread."""
            return None

        def ended(self) -> Exit | None:
            """How the program ended, or None while it runs."""
            return self._exit

        def leftovers(self) -> dict[int, str]:
            """What the program left is ended with its job."""
            if self._exit is not None and self._job:
                kernel32.TerminateJobObject(self._job, 1)
            return {}

        def strays(self) -> list[tuple[int, bool]]:
            """Not known on this system."""
            return []

        def send(self, name: str) -> None:
            """Ask by Ctrl+Break, or end the whole job."""
            if name != "KILL":
                with contextlib.suppress(OSError):
                    os.kill(self.pid, signal.CTRL_BREAK_EVENT)
            elif self._job:
                kernel32.TerminateJobObject(self._job, 1)
            elif self._handle:
                kernel32.TerminateProcess(self._handle, 1)

        def forget(self) -> None:
            """The program is gone."""
            for handle in (self._job, self._handle):
                if handle:
                    kernel32.CloseHandle(handle)
            self._job = self._handle = self._process = None
            self.pid, self.token, self.ours, self._exit = 0, "", False, None

        def _take(self, pid: int, start: str, *, ours: bool) -> None:
            self.pid, self.token, self.ours, self._exit = pid, start, ours, None
            self._handle = kernel32.OpenProcess(ACCESS, False, pid)
            self._job = kernel32.CreateJobObjectW(None, None)
            if not kernel32.AssignProcessToJobObject(self._job, self._handle):
                kernel32.CloseHandle(self._job)
                self._job = None
            threading.Thread(target=self._await_end, args=(pid, self._handle), daemon=True).start()

        def _await_end(self, pid: int, handle: int) -> None:
            kernel32.WaitForSingleObject(handle, 0xFFFFFFFF)
            code = wintypes.DWORD()
            kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
            if pid == self.pid:
                self._exit = Exit(code.value, None)
            self._nudge()

        def _read(self, kind: int, pipe: IO[bytes]) -> None:
            while data := os.read(pipe.fileno(), 1 << 20):
                self._pieces.put((kind, data))
                self._nudge()
            pipe.close()

        def _nudge(self) -> None:
            with contextlib.suppress(OSError):
                self._wake.send(b"w")
