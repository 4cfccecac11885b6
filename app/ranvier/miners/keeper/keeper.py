"""The keeper: one small process that owns one program. ``ranvier keeper DIR``.

It starts the program of ``DIR/keeper.json``, restarts it by policy, stops it by the ladder, keeps its output in
``DIR/logs`` and says in ``DIR/run/status.json`` what is known. It sleeps until something happens. A keeper that
is killed leaves the program running; the next one takes it over by pid and start time. A plain SIGTERM does the
same; the ``end`` command stops the program first. Standard library only, and little of it: it stays small.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time

from ranvier.miners.keeper import keeper_spec as files
from ranvier.miners.keeper import keeper_tree as tree
from ranvier.miners.keeper import policy as rules
from ranvier.miners.keeper.keeper_control import Control
from ranvier.miners.keeper.keeper_host import Exit, SpawnError
from ranvier.miners.keeper.keeper_limits import Group, held_ports, set_priority
from ranvier.miners.keeper.keeper_log import LogWriter
from ranvier.miners.keeper.keeper_record import Record
from ranvier.miners.keeper.keeper_secrets import LackingError, Secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    if sys.platform == "win32":
        from ranvier.miners.keeper.keeper_windows import WindowsHost as Host
    else:
        from ranvier.miners.keeper.keeper_posix import Host

LEFTOVER_POLL_S = 0.05


def main(arguments: list[str]) -> int:
    """Keep the program of one folder until told to end. 2: wrong use, 3: the folder already has a keeper."""
    if len(arguments) != 1:
        sys.stderr.write("usage: ranvier keeper DIR\n")
        return 2
    try:
        os.chdir(arguments[0])
        os.makedirs("run", mode=0o700, exist_ok=True)  # noqa: PTH103
        lock = files.take_lock()
    except OSError as error:
        sys.stderr.write(f"The folder {arguments[0]} cannot be used: {error.strerror}.\n")
        return 1
    if lock is None:
        sys.stderr.write(f"Another keeper is already running for {arguments[0]}.\n")
        return 3
    try:
        return Keeper().run()
    finally:
        os.close(lock)


def _host(mark: str, wake: socket.socket) -> Host:
    if sys.platform == "win32":
        from ranvier.miners.keeper.keeper_windows import WindowsHost

        made = WindowsHost(wake)
    else:
        from ranvier.miners.keeper.keeper_posix import Host

        made = Host(mark)
    return made


def _chance() -> float:
    return int.from_bytes(os.urandom(4), "big") / 0xFFFFFFFF  # the random module would cost a megabyte


class Keeper:
    """Brings together the rules (``policy``), the program's process (``Host``), its log and the control socket."""

    def __init__(self) -> None:
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        here = os.stat(".")  # noqa: PTH116
        mark = f"{here.st_dev}-{here.st_ino}"
        self._host = _host(mark, self._waker)
        self._group = Group(mark)
        self._control = Control()
        self._log = LogWriter(files.LOGS, 8 << 20, 64 << 20)
        self._policy = rules.Policy(rules.Limits(), _chance)
        self._record = Record()
        self._secrets = Secrets()
        self._spec: files.Spec | None = None
        self._ladder: rules.Ladder | None = None
        self._exit: tuple[Exit, float] | None = None  # the program's end and how long it ran, until all is cleared
        self._waiting: list[tuple[socket.socket, str, int]] = []  # connection, command, starts when it came
        self._done = False

    def run(self) -> int:
        """Work until ended by command or signal."""
        self._signals()
        try:
            with contextlib.suppress(OSError):  # told when a start is tried
                self._host.open_output()
            self._restore()
            self._settle()
            while not self._done:
                self._wait()
                self._settle()
        finally:
            self._record.write(self._policy, self._host)
            self._control.close()
            if not self._host.pid:
                self._group.remove()
        return 0

    # -- the loop --------------------------------------------------------------------------------------------

    def _signals(self) -> None:
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._leave)
        signal.signal(signal.SIGINT, self._leave)
        if sys.platform != "win32":
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def _leave(self, _number: int, _frame: object) -> None:
        self._done = True

    def _wait(self) -> None:
        watched: list[Any] = [self._wake, *self._host.descriptors(), *self._control.sockets()]
        ready, _, _ = select.select(watched, [], [], self._timeout())
        if self._wake in ready:
            with contextlib.suppress(OSError):
                self._wake.recv(4096)
        self._host.pump(ready, self._log)
        if not ready and self._log.packer.busy:
            self._log.packer.step()
        for connection, request in self._control.commands(ready):
            self._secrets.take(request)
            self._command(connection, request["command"])

    def _timeout(self) -> float | None:
        """Seconds until something must be looked at by the clock; None, the usual case, sleeps."""
        if self._log.packer.busy:
            return 0.0
        now = time.monotonic()
        times = [at for at in (self._policy.next_at, self._record.retry_at) if at is not None]
        if self._ladder is not None:
            times.append(self._ladder.deadline if self._exit is None else now + LEFTOVER_POLL_S)
        poll = self._host.poll_s()
        if poll is not None:
            times.append(now + poll)
        return max(0.0, min(times) - now) if times else None

    def _settle(self) -> None:
        """Bring everything up to date with what has happened."""
        now = time.monotonic()
        ended = self._host.ended()
        if ended is not None and self._exit is None:
            self._main_ended(ended, now)
        if self._ladder is not None:
            self._climb(self._ladder, now)
        self._do(self._policy.tick(now))
        self._answer()
        self._record.write_if_changed(self._policy, self._host)

    # -- the program -----------------------------------------------------------------------------------------

    def _do(self, action: str) -> None:
        while action == rules.SPAWN:
            action = self._spawn()
        if action == rules.STOP:
            self._stop()

    def _spawn(self) -> str:
        before = self._record.starts
        try:
            spec = self._load_spec()
            self._record.needs_secrets = False
            environment = self._secrets.environment(spec)
            self._host.open_output()
            self._record.asked = False
            self._record.held_ports = []
            for problem in self._group.prepare(spec):
                self._log.remark(problem)
            self._host.spawn(spec.argv, spec.cwd, environment, self._remember)
        except LackingError as error:
            self._record.needs_secrets = self._record.sync = True
            self._log.remark(f"not started: {error}", ended=True)
            return self._policy.lacks(str(error))
        except SpawnError as error:
            self._record.starts = before
            return self._refused(str(error), error.permanent)
        except OSError as error:
            return self._refused(f"{error.filename or 'the system'}: {error.strerror}", True)
        except ValueError as error:
            return self._refused(str(error), True)
        finally:
            self._record.gate = False
            self._record.changed = True
        self._policy.spawned(time.monotonic())
        self._log.remark(f"started, process {self._host.pid}")
        return rules.NOTHING

    def _load_spec(self) -> files.Spec:
        spec = self._spec = files.read_spec()
        self._policy.limits = spec.limits
        self._log.limits(spec.log_segment_bytes, spec.log_total_bytes, spec.log_segment_s, spec.log_keep_s)
        return spec

    def _refused(self, text: str, permanent: bool) -> str:
        self._record.crashes += 1
        self._record.sync = True
        self._log.remark(f"not started: {text}", ended=True)
        return self._policy.refused(time.monotonic(), text, permanent)

    def _remember(self) -> None:
        """Called between fork and exec: from here on the next keeper can find the program."""
        self._record.starts += 1
        self._record.started_at = time.time()
        self._record.gate = True
        self._record.kills = self._group.kills_before
        self._group.add(self._host.pid)
        if self._spec is not None and (problem := set_priority(self._host.pid, self._spec.nice)):
            self._log.remark(problem)
        self._record.write(self._policy, self._host, hurry=True)

    def _stop(self) -> None:
        spec = self._spec
        rungs = rules.stop_rungs("TERM", 10.0, 5.0)
        if spec is not None:
            rungs = rules.stop_rungs(spec.stop_signal, spec.stop_grace_s, spec.term_grace_s)
        self._record.asked = True
        self._ladder = rules.Ladder(rungs, time.monotonic())
        self._log.remark(self._policy.reason)
        self._climb(self._ladder, time.monotonic())  # at once: what is written to disk meanwhile can wait

    def _main_ended(self, ended: Exit, now: float) -> None:
        ran_s = tree.age_s(self._host.token) if self._host.token else 0.0
        self._exit = (ended, ran_s)
        self._host.drain(self._log)
        self._record.ended(ended.code, ended.signal, ran_s, self._group.killed())
        if self._ladder is None:
            self._ladder = rules.Ladder(rules.leftover_rungs(), now)

    def _climb(self, ladder: rules.Ladder, now: float) -> None:
        """One look at a program that is being ended: finished, time for a stronger signal, or still time."""
        left = self._host.leftovers() if self._exit is not None else {}
        if self._exit is not None and not left:
            self._gone(*self._exit)
            return
        name = ladder.step(now)
        if name is None:
            return
        if self._exit is not None:
            text = self._exit[0].text(self._exit[1])
            self._policy.closing(f"{text}; ending what it left behind (process {', '.join(map(str, sorted(left)))})")
        if self._exit is not None or name == "KILL":
            self._log.remark(f"sending SIG{name}")
        self._host.send(name)

    def _gone(self, ended: Exit, ran_s: float) -> None:
        """The program and everything of it has ended."""
        now = time.monotonic()
        self._host.drain(self._log)
        text = ended.text(ran_s)
        self._log.remark(text, ended=True)
        self._host.forget()
        self._record.held_ports = held_ports(self._spec.ports) if self._spec is not None else []
        for port in self._record.held_ports:
            self._log.remark(f"port {port} is still in use, by a program that is not of this miner")
        asked, self._record.asked = self._record.asked, False
        self._ladder, self._exit, self._record.started_at = None, None, None
        self._record.changed = self._record.sync = True
        action = self._policy.gone(now, ran_s, text, asked)
        if self._policy.state == rules.FAILED:
            self._log.remark(self._policy.reason)
        elif self._policy.next_at is not None:
            self._log.remark(f"starting again in {self._policy.next_at - now:.1f} s")
        self._do(action)

    # -- commands --------------------------------------------------------------------------------------------

    def _command(self, connection: socket.socket, command: str) -> None:
        if command == "ping":
            self._control.reply(connection, {"ok": True, "status": self._record.status(self._policy, self._host)})
            return
        if command not in ("start", "stop", "restart", "end"):
            self._control.reply(connection, {"ok": False, "error": f"unknown command {command}"})
            return
        self._waiting.append((connection, command, self._record.starts))
        self._want(command in ("start", "restart"), sync=False)
        now = time.monotonic()
        if command == "start":
            action = self._policy.start(now)
        elif command == "restart":
            action = self._policy.restart(now)
        else:
            action = self._policy.stop()
        self._record.changed = True
        if self._ladder is None:
            self._do(action)
        self._want(command in ("start", "restart"), sync=True)

    def _want(self, wanted: bool, *, sync: bool) -> None:
        try:
            files.write_wanted(wanted, sync=sync)
        except OSError as error:
            self._log.remark(f"cannot write {files.WANTED}: {error.strerror}")

    def _answer(self) -> None:
        """Reply to those whose command is carried out (or was overruled by a later one); the others wait."""
        rest = []
        end = False
        policy = self._policy
        settled = policy.state in (rules.STOPPED, rules.FAILED) and self._ladder is None and self._host.pid == 0
        for connection, command, starts in self._waiting:
            if command in ("stop", "end"):
                done = settled or policy.wanted
            elif command == "start":
                done = policy.state != rules.STOPPING or not policy.wanted
            else:
                done = self._record.starts > starts or settled or not policy.wanted
            if not done:
                rest.append((connection, command, starts))
                continue
            end = end or (command == "end" and settled)
            self._record.write(policy, self._host)
            self._control.reply(connection, {"ok": True, "status": self._record.status(policy, self._host)})
        self._waiting = rest
        self._done = self._done or end

    # -- taking over -----------------------------------------------------------------------------------------

    def _restore(self) -> None:
        """Take up what the last keeper knew, and the program if it still runs."""
        known = files.read_status()
        with contextlib.suppress(OSError, ValueError):
            self._load_spec()
        policy, record = self._policy, self._record
        policy.wanted = files.read_wanted()
        pid, token = record.take_up(known, policy)
        self._group.adopt(record.kills)
        if record.gate:
            time.sleep(0.05)  # a child that was never told to go ends by itself, at once
        if pid and self._host.adopt(pid, token):
            self._adopted()
            return
        strays = self._host.strays()
        leader = next((pid for pid, leads in strays if leads), 0)
        if not known and leader and self._host.adopt(leader, tree.token(leader)):
            self._adopted()
            return
        if pid and record.gate:
            record.starts -= 1
        elif pid or strays:
            self._missed(known)
            return
        record.gate = record.asked = False
        if known.get("state") == rules.FAILED:
            policy.state, policy.reason = rules.FAILED, str(known.get("reason"))
        elif policy.wanted:
            self._do(rules.SPAWN)
        elif known.get("state") == rules.STOPPED:
            policy.reason = str(known.get("reason"))

    def _adopted(self) -> None:
        """The program runs; if the last keeper was killed while stopping it, go on with that."""
        wanted = self._policy.wanted
        self._record.gate = self._record.asked = False
        self._record.started_at = self._record.started_at or time.time() - tree.age_s(self._host.token)
        self._policy.adopted("running; taken over from a former keeper")
        self._log.remark(f"process {self._host.pid} taken over from a former keeper")
        if not wanted:
            self._do(self._policy.stop())

    def _missed(self, known: dict[str, Any]) -> None:
        """The program ended while it had no keeper; what it left behind is ended first."""
        alive_at = max(float(known.get("written_at") or 0), min(self._log.heard_at(), time.time()))
        ran_s = max(0.0, alive_at - float(known.get("started_at") or 0))
        self._exit = (Exit(None, None), ran_s)
        self._ladder = rules.Ladder(rules.leftover_rungs(), time.monotonic())
        self._policy.closing("ended while it had no keeper")
        self._record.ended(None, None, ran_s, self._group.killed())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
