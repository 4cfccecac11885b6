"""The keeper's hands on Linux and macOS: pipes, fork and exec, exit status, signals. Standard library only.

The program writes into two FIFOs which it holds open for reading as well. When the keeper is gone it therefore
gets no broken pipe: it goes on, and waits once the pipe is full. The next keeper opens the same FIFOs and reads on.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import signal
import struct
import sys
import time

from ranvier.miners.keeper import keeper_tree as tree
from ranvier.miners.keeper.keeper_host import Exit, SpawnError, check_command, exec_error
from ranvier.miners.logs.log_format import ERR, OUT

assert sys.platform != "win32"
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ranvier.miners.keeper.keeper_log import LogWriter

FIFOS = {OUT: "run/out.fifo", ERR: "run/err.fifo"}
PR_SET_CHILD_SUBREAPER = 36
PIDFD_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, 64 bytes), Linux 6.13; exit status since 6.15
PIDFD_INFO_EXIT = 8


class Host:
    """One program's process on this system. At most one is alive at a time."""

    def __init__(self, mark: str) -> None:
        self.pid = 0
        self.token = ""
        self.ours = False  # whether this keeper is the parent
        self._mark = mark
        self._pipes: dict[int, int] = {}
        self._pidfd = -1
        self._kqueue: Any = None
        self._exit: Exit | None = None
        if tree.LINUX:
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    # -- output ----------------------------------------------------------------------------------------------

    def open_output(self) -> None:
        """Open both FIFOs, reading and writing, so that they never report an end."""
        for kind, path in FIFOS.items():
            if kind not in self._pipes:
                with contextlib.suppress(FileExistsError):
                    os.mkfifo(path, 0o600)
                self._pipes[kind] = os.open(path, os.O_RDWR | os.O_NONBLOCK)
                if hasattr(fcntl, "F_SETPIPE_SZ"):
                    with contextlib.suppress(OSError):
                        fcntl.fcntl(self._pipes[kind], fcntl.F_SETPIPE_SZ, 1 << 20)

    def descriptors(self) -> list[int]:
        """What the keeper's loop waits on."""
        watch = [self._pidfd] if self._pidfd >= 0 else []
        if self._kqueue is not None:
            watch.append(self._kqueue.fileno())
        return [*self._pipes.values(), *watch]

    def pump(self, ready: list[int], log: LogWriter) -> None:
        """Move one piece of each readable stream into the log."""
        for kind, pipe in self._pipes.items():
            if pipe in ready:
                log.take(kind, pipe)

    def drain(self, log: LogWriter) -> None:
        """Move what is in the pipes now; bounded, because somebody may still be writing."""
        for kind, pipe in self._pipes.items():
            for _ in range(64):
                if not log.take(kind, pipe):
                    break

    # -- start and end ---------------------------------------------------------------------------------------

    def spawn(self, argv: list[str], cwd: str, environment: dict[str, str], remember: Callable[[], None]) -> None:
        """Execute the program in a session of its own; SpawnError names what is missing.

        ``remember`` is called when pid and token are known and before the program's first instruction, so that
        a keeper killed at any moment has either written down who it is or started nothing.
        """
        path = check_command(argv, cwd, environment)
        outputs = [os.open(FIFOS[kind], os.O_RDWR) for kind in (OUT, ERR)]
        gate_read, gate_write = os.pipe()
        error_read, error_write = os.pipe()
        variables = {**environment, tree.MARK: self._mark}
        try:
            try:
                pid = os.fork()
            except OSError as error:
                raise SpawnError(f"the system could not start a process: {error.strerror}", False) from error
            if pid == 0:
                os.close(gate_write)
                _become(path, argv, cwd, variables, outputs, gate_read, error_write)
            os.close(error_write)
            error_write = -1
            self.pid, self.token, self.ours = pid, tree.token(pid), True
            self._exit = None
            remember()
            os.write(gate_write, b"g")
            problem = os.read(error_read, 64)
        finally:
            for descriptor in (*outputs, gate_read, gate_write, error_read, error_write):
                if descriptor >= 0:
                    os.close(descriptor)
        if problem:
            os.waitpid(pid, 0)
            self.forget()
            raise exec_error(int(problem), path, cwd)

    def adopt(self, pid: int, start: str) -> bool:
        """Take over a live program that another keeper started; False when it is not that one any more."""
        if not pid or tree.token(pid) != start:
            return False
        try:
            if hasattr(os, "pidfd_open"):
                self._pidfd = os.pidfd_open(pid)
            elif sys.platform == "darwin":
                self._kqueue = select.kqueue()
                event = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
                self._kqueue.control([event], 0)
        except OSError as error:
            if error.errno == errno.ESRCH:
                return False
        if tree.token(pid) != start:  # it may have ended, and its pid been given away, in between
            self.forget()
            return False
        self.pid, self.token, self.ours = pid, start, False
        self._exit = None
        return True

    def poll_s(self) -> float | None:
        """How often an adopted program must be looked at, where the system does not report its end."""
        if self.pid and not self.ours and self._pidfd < 0 and self._kqueue is None:
            return 1.0
        return None

    def ended(self) -> Exit | None:
        """How the program ended, or None while it runs. Reaps whatever else of it has died."""
        self._reap()
        if self._exit is None and self.pid and not self.ours and tree.token(self.pid) != self.token:
            self._exit = self._adopted_exit()
        return self._exit

    def leftovers(self) -> dict[int, str]:
        """Live processes of the program other than its first one."""
        self._reap()
        return tree.members(self.pid, self._mark, ours=self.ours)

    def strays(self) -> list[tuple[int, bool]]:
        """Live processes of this folder's program, oldest first, and whether each leads a session."""
        return [(pid, tree.leads_session(pid)) for pid in tree.marked(self._mark)]

    def send(self, name: str) -> None:
        """Send a signal to the program's whole group and to every process of it outside the group."""
        number = getattr(signal, "SIG" + name)
        others = self.leftovers()
        if self._exit is None and self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
        for pid, start in others.items():
            inside = self._exit is None and _group(pid) == self.pid
            if not inside and tree.token(pid) == start:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def forget(self) -> None:
        """The program and everything of it is gone."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
        if self._kqueue is not None:
            self._kqueue.close()
        self._pidfd, self._kqueue = -1, None
        self.pid, self.token, self.ours, self._exit = 0, "", False, None

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid and self.ours:
                self._exit = _exit_of(status)

    def _adopted_exit(self) -> Exit:
        """Not our child, so its status is not ours to collect; Linux 6.15 tells it to holders of a pidfd."""
        info = bytearray(64)
        struct.pack_into("<Q", info, 0, PIDFD_INFO_EXIT)
        if self._pidfd >= 0:
            for _ in range(20):
                with contextlib.suppress(OSError):
                    fcntl.ioctl(self._pidfd, PIDFD_GET_INFO, info)
                    if struct.unpack_from("<Q", info, 0)[0] & PIDFD_INFO_EXIT:
                        return _exit_of(struct.unpack_from("<i", info, 60)[0])
                time.sleep(0.01)  # it is told once its new parent has reaped it
        return Exit(None, None)


def _become(
    path: str, argv: list[str], cwd: str, variables: dict[str, str], outputs: list[int], gate: int, problem: int
) -> None:
    """In the forked child: put everything in place, wait for the go, execute. Never returns."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(outputs[0], 1)
        os.dup2(outputs[1], 2)
        os.chdir(cwd)
        for number in signal.valid_signals():
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if os.read(gate, 1) != b"g":  # the keeper died before it knew us
            os._exit(127)
        os.execve(path, argv, variables)
    except OSError as error:
        os.write(problem, str(error.errno or 0).encode())
    finally:
        os._exit(127)


def _exit_of(status: int) -> Exit:
    if os.WIFSIGNALED(status):
        return Exit(None, os.WTERMSIG(status))
    return Exit(os.WEXITSTATUS(status), None)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0
