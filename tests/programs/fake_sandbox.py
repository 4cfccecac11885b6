"""A sandbox for the agent's tests: takes a port, says where, and does nothing else."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

where = Path(sys.argv[1]) / "endpoint.json"
port = json.loads(where.read_text())["port"] if where.exists() else 0
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    port = listener.getsockname()[1]
    new = where.with_suffix(".new")
    new.write_text(
        json.dumps({"endpoint": f"ws://127.0.0.1:{port}", "port": port, "pid": os.getpid(), "genesis": "0xaa"})
    )
    new.replace(where)
    while True:
        listener.accept()[0].close()
