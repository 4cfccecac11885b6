"""Has a worker in its group, a worker in a session of its own and a daemon (double fork); then stays or crashes.

forker.py FILE [crash]: writes the workers' pids into FILE, one per line.
"""

import os
import signal
import sys
import time
from pathlib import Path


def note() -> None:
    with Path(sys.argv[1]).open("a") as file:
        file.write(f"{os.getpid()}\n")


def worker(*, session: bool = False, daemon: bool = False) -> None:
    if os.fork():
        if daemon:
            os.wait()
        return
    if session:
        os.setsid()
    if daemon and os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if daemon else signal.SIG_DFL)
    note()
    time.sleep(600)
    os._exit(0)


worker()
worker(session=True)
worker(session=True, daemon=True)
while len(Path(sys.argv[1]).read_text().splitlines() if Path(sys.argv[1]).exists() else []) < 3:
    time.sleep(0.01)
print("workers are up", flush=True)
if "crash" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(600)
