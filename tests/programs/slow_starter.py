"""Serves GET /health on loopback: 503 for SECONDS, then 200. slow_starter.py PORT_FILE SECONDS."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ready_at = time.monotonic() + float(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = time.monotonic() >= ready_at
        body = json.dumps({"status": "ok" if ready else "loading", "queries_answered": 3}).encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
part = Path(sys.argv[1] + ".part")
part.write_text(str(server.server_port))
part.rename(sys.argv[1])
server.serve_forever()
