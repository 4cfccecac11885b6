"""The supervisors that ``supervision.py`` compares: bare fork and exec, Ranvier's keeper, PM2, supervisord, circus.

Each runs programs named by number, starts and stops them by its programming interface (not its slower command
line), and keeps their output in files. Everything lies in one scratch folder and ends with the bench.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from ranvier.miners.keeping import KeeperClient
from ranvier.miners.spec import ProgramSpec

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
PM2_DRIVER = """
const pm2 = require('pm2'), lines = require('readline').createInterface({input: process.stdin});
const say = (error) => console.log(JSON.stringify({ok: !error, error: error ? String(error.message || error) : ''}));
pm2.connect((error) => { say(error);
  lines.on('line', (line) => { const r = JSON.parse(line);
    if (r.op === 'new') pm2.start(r.app, say); else if (r.op === 'start') pm2.restart(r.name, say);
    else if (r.op === 'stop') pm2.stop(r.name, say); else if (r.op === 'end') pm2.killDaemon(say);
  }); });
"""
CIRCUS_DRIVER = """
import json, sys
from circus.client import CircusClient
client = CircusClient(endpoint=sys.argv[1], timeout=40)
print(json.dumps({"ok": True}), flush=True)
for line in sys.stdin:
    r = json.loads(line)
    try:
        a = client.send_message(r["op"], name=r["name"], waiting=r.get("wait", False))
        print(json.dumps({"ok": a.get("status") == "ok", "error": a.get("reason", "")}), flush=True)
    except Exception as error:
        print(json.dumps({"ok": False, "error": str(error)}), flush=True)
"""


class Peer:
    """One supervisor with its programs. ``install`` may answer False: then its rows are left out."""

    name = ""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.folder = scratch / self.name
        self.log = self.folder / "out.log"

    def install(self) -> bool:
        return True

    def open(self, commands: Sequence[Sequence[str]]) -> None:
        """Get ready to run these, none started."""
        raise NotImplementedError

    def start(self, number: int = 0) -> None:
        raise NotImplementedError

    def stop(self, number: int = 0) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End everything."""
        raise NotImplementedError

    def managers(self) -> list[psutil.Process]:
        return []

    def reopen(self) -> None:
        """After its managers were killed: what an operator does to get it running again."""
        raise NotImplementedError

    def log_bytes(self) -> bytes:
        return self.log.read_bytes() if self.log.exists() else b""

    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0


class Bare(Peer):
    """The floor: fork, exec, wait. The program writes into the file itself."""

    name = "bare"

    def open(self, commands: Sequence[Sequence[str]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.commands = commands
        self.pids: dict[int, int] = {}

    def start(self, number: int = 0) -> None:
        command = self.commands[number]
        pid = os.fork()
        if pid == 0:
            out = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(out, 1)
            os.execve(command[0], command, ENVIRONMENT)
        self.pids[number] = pid

    def again(self, number: int = 0) -> None:
        """Wait for the end, then start again: what a supervisor does after a crash."""
        os.waitpid(self.pids[number], 0)
        self.start(number)

    def stop(self, number: int = 0) -> None:
        os.kill(self.pids[number], signal.SIGTERM)
        os.waitpid(self.pids.pop(number), 0)

    def close(self) -> None:
        for number in list(self.pids):
            with contextlib.suppress(OSError):
                self.stop(number)


class Ranvier(Peer):
    """One keeper for each program, spoken to as the agent does."""

    name = "ranvier"

    def open(self, commands: Sequence[Sequence[str]]) -> None:
        self.loop = asyncio.new_event_loop()
        self.clients = []
        for number, command in enumerate(commands):
            client = KeeperClient(self.folder / str(number))
            client.write_spec(
                ProgramSpec(argv=tuple(command), cwd="/", env=ENVIRONMENT, stable_s=0.5, log_segment_bytes=1 << 30,
                            log_total_bytes=1 << 31)
            )  # fmt: skip
            self.clients.append(client)
            self.loop.run_until_complete(client.ensure())

    def start(self, number: int = 0) -> None:
        self.loop.run_until_complete(self.clients[number].start())

    def stop(self, number: int = 0) -> None:
        self.loop.run_until_complete(self.clients[number].stop())

    def close(self) -> None:
        for client in self.clients:
            self.loop.run_until_complete(client.end())
        self.loop.close()

    def managers(self) -> list[psutil.Process]:
        return [psutil.Process(client.status().keeper_pid) for client in self.clients]

    def reopen(self) -> None:
        for client in self.clients:
            self.loop.run_until_complete(client.ensure())

    def log_bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted((self.folder / "0" / "logs").glob("*.log")))

    def log_size(self) -> int:
        return sum(path.stat().st_size for path in (self.folder / "0" / "logs").glob("*.log"))


class Driven(Peer):
    """A peer that is spoken to through a small program in its own language."""

    driver: subprocess.Popen[str] | None = None

    def drive(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.driver = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment, cwd=self.scratch,
        )  # fmt: skip
        self._answer()

    def ask(self, **request: Any) -> None:
        assert self.driver is not None and self.driver.stdin is not None
        self.driver.stdin.write(json.dumps(request) + "\n")
        self.driver.stdin.flush()
        self._answer()

    def hang_up(self) -> None:
        if self.driver is not None:
            assert self.driver.stdin is not None and self.driver.stdout is not None
            self.driver.kill()
            self.driver.wait()
            self.driver.stdin.close()
            self.driver.stdout.close()
            self.driver = None

    def _answer(self) -> None:
        assert self.driver is not None and self.driver.stdout is not None
        while True:
            line = self.driver.stdout.readline()
            if line.startswith("{"):
                answer = json.loads(line)
                if not answer["ok"]:
                    raise RuntimeError(f"{self.name}: {answer['error']}")
                return
            if not line:
                raise RuntimeError(f"{self.name}: its driver ended")


class Pm2(Driven):
    name = "pm2"

    def install(self) -> bool:
        if shutil.which("npm") is None:
            return False
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(self.scratch), "pm2"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def open(self, commands: Sequence[Sequence[str]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.commands = commands
        home = {**os.environ, "PM2_HOME": str(self.folder / "home"), "PM2_DISABLE_VERSION_CHECK": "true"}
        self.drive([shutil.which("node") or "node", "-e", PM2_DRIVER], home)
        for number, command in enumerate(commands):
            self.ask(op="new", app={
                "name": f"p{number}", "script": command[1], "args": list(command[2:]), "interpreter": command[0],
                "out_file": str(self.log), "error_file": str(self.log), "merge_logs": True,
            })  # fmt: skip
            self.ask(op="stop", name=f"p{number}")

    def start(self, number: int = 0) -> None:
        self.ask(op="start", name=f"p{number}")

    def stop(self, number: int = 0) -> None:
        self.ask(op="stop", name=f"p{number}")

    def close(self) -> None:
        if self.driver is not None:
            with contextlib.suppress(RuntimeError):
                self.ask(op="end")
            self.hang_up()

    def managers(self) -> list[psutil.Process]:
        return [psutil.Process(int((self.folder / "home" / "pm2.pid").read_text()))]

    def reopen(self) -> None:
        self.hang_up()
        self.open(self.commands)
        self.start()


class Supervisord(Peer):
    name = "supervisord"
    process: subprocess.Popen[bytes] | None = None

    def install(self) -> bool:
        return _pip(self.scratch, "supervisor")

    def open(self, commands: Sequence[Sequence[str]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket, config = self.folder / "s.sock", self.folder / "s.conf"
        text = [
            f"[unix_http_server]\nfile={self.socket}\n[supervisord]\nlogfile={self.folder}/d.log\n"
            f"pidfile={self.folder}/d.pid\nminfds=1024\n[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        ]
        for number, command in enumerate(commands):
            text.append(
                f"[program:p{number}]\ncommand={' '.join(command)}\nautostart=false\nautorestart=true\n"
                f"stdout_logfile={self.log}\nstdout_logfile_maxbytes=0\n"
            )
        config.write_text("".join(text))
        command = [str(self.scratch / "venv" / "bin" / "supervisord"), "-n", "-c", str(config)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, xmlrpc.client.Error):
                self._rpc().supervisor.getState()
                return
            time.sleep(0.05)
        raise RuntimeError("supervisord did not come up")

    def _rpc(self) -> Any:
        path = str(self.socket)

        class Connection(http.client.HTTPConnection):
            def connect(self) -> None:
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.connect(path)

        class Transport(xmlrpc.client.Transport):
            def make_connection(self, _host: Any) -> http.client.HTTPConnection:
                return Connection("localhost")

        return xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=Transport())

    def start(self, number: int = 0) -> None:
        self._rpc().supervisor.startProcess(f"p{number}", False)

    def stop(self, number: int = 0) -> None:
        self._rpc().supervisor.stopProcess(f"p{number}")

    def close(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def managers(self) -> list[psutil.Process]:
        assert self.process is not None
        return [psutil.Process(self.process.pid)]

    def reopen(self) -> None:
        assert self.process is not None
        self.process.wait()
        self.open(self.commands_again)
        self.start()

    commands_again: Sequence[Sequence[str]] = ()


class Circus(Driven):
    name = "circus"
    process: subprocess.Popen[bytes] | None = None

    def install(self) -> bool:
        return _pip(self.scratch, "circus")

    def open(self, commands: Sequence[Sequence[str]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        endpoint = f"ipc://{self.folder}/c.sock"
        text = [f"[circus]\nendpoint = {endpoint}\npubsub_endpoint = ipc://{self.folder}/p.sock\n"]
        for number, command in enumerate(commands):
            text.append(
                f"[watcher:p{number}]\ncmd = {' '.join(command)}\nautostart = false\ncopy_env = true\n"
                f"stdout_stream.class = FileStream\nstdout_stream.filename = {self.log}\n"
            )
        (self.folder / "c.ini").write_text("".join(text))
        command = [str(self.scratch / "venv" / "bin" / "circusd"), str(self.folder / "c.ini")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1.0)
        self.drive([str(self.scratch / "venv" / "bin" / "python"), "-c", CIRCUS_DRIVER, endpoint], dict(os.environ))

    def start(self, number: int = 0) -> None:
        self.ask(op="start", name=f"p{number}")

    def stop(self, number: int = 0) -> None:
        self.ask(op="stop", name=f"p{number}", wait=True)

    def close(self) -> None:
        self.hang_up()
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def managers(self) -> list[psutil.Process]:
        assert self.process is not None
        return [psutil.Process(self.process.pid)]

    def reopen(self) -> None:
        assert self.process is not None
        self.process.wait()
        self.hang_up()
        self.open(self.commands_again)
        self.start()

    commands_again: Sequence[Sequence[str]] = ()


PEERS = (Bare, Ranvier, Pm2, Supervisord, Circus)


def _pip(scratch: Path, package: str) -> bool:
    python = scratch / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(scratch / "venv")], check=True)
    done = subprocess.run([str(python), "-m", "pip", "install", "-q", package], capture_output=True, check=False)
    return done.returncode == 0
