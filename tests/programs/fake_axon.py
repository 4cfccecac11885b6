"""A miner for tests: serves /health on the port given, counts what it is asked, ends on SIGTERM."""

from __future__ import annotations

import http.server
import json
import signal
import sys
import time


class Answer(http.server.BaseHTTPRequestHandler):
    asked = 0
    last: float | None = None

    def do_GET(self) -> None:
        if self.path == "/ask":
            Answer.asked += 1
            Answer.last = time.time()
        body = json.dumps({"status": "ok", "queries_answered": Answer.asked, "last_query_at": Answer.last}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer)
print(f"axon listening on {sys.argv[1]}", flush=True)
server.serve_forever()
