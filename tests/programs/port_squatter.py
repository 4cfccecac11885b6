"""Listens on a free port in a daemon of its own (double fork, own session), writes the port into FILE, and stays."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    listener = socket.socket()
    listener.bind(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0))
    listener.listen()
    part = Path(sys.argv[1] + ".part")
    part.write_text(str(listener.getsockname()[1]))
    part.rename(sys.argv[1])
time.sleep(600)
