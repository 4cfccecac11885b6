"""A real sandbox process for tests: started, killed and started again on the same folder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from ranvier.core.processes import child_environment

_START = "import sys; from ranvier.sandbox.main import main; sys.exit(main(sys.argv[1:]))"


class SandboxProcess:
    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.process: subprocess.Popen[bytes] | None = None
        self.endpoint = self.genesis = ""

    def start(self, port: int = 0) -> None:
        command = [sys.executable, "-c", _START, "--port", str(port), "--data", str(self.folder), *self.options]
        with (self.folder.parent / "errors").open("ab") as errors:
            self.process = subprocess.Popen(command, env=child_environment(), stdout=subprocess.PIPE, stderr=errors)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.folder.parent / "errors").read_text()
        ready = json.loads(line)
        self.endpoint, self.genesis = ready["endpoint"], ready["genesis"]

    def kill(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()
        self.process = None

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.kill()
