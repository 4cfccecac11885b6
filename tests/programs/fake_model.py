"""A small OpenAI-compatible chat server without a model, for tests: standard library only, streaming.

It answers the questions of the practice validators from their own list, right as often as asked, and anything else
with one fixed sentence. As a program it prints one JSON line ``{"url": "http://127.0.0.1:PORT"}`` when it listens:

    python tests/programs/fake_model.py [--port 0] [--right 1.0] [--first-word-s 0.05] [--word-s 0.005] [--fail]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

with contextlib.suppress(IndexError):
    sys.path.append(str(Path(__file__).resolve().parents[2] / "app"))

from ranvier.sandbox.life.questions import BY_REQUEST

NAME = "fake-model"


@dataclass(frozen=True)
class Behaviour:
    """How the server behaves: share of right answers, seconds to the first word and between words, or only errors."""

    right: float = 1.0
    first_word_s: float = 0.05
    word_s: float = 0.005
    fail: bool = False


def answer_to(question: str, behaviour: Behaviour, luck: random.Random) -> str:
    known = BY_REQUEST.get(question)
    if known is None:
        return "Hello, I am not a model."
    return f"I think it is {known.words[0]}." if luck.random() < behaviour.right else "I do not know."


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behaviour = Behaviour()
    luck = random.Random(0)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.behaviour.fail:
            self._json(500, {"error": "asked to fail"})
            return
        try:
            request = json.loads(body)
            question = request["messages"][-1]["content"]
        except (ValueError, LookupError, TypeError):
            self._json(400, {"error": "not a chat request"})
            return
        text = answer_to(question, self.behaviour, self.luck)
        time.sleep(self.behaviour.first_word_s)
        if request.get("stream"):
            self._stream(text)
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            usage = {"completion_tokens": len(text.split()), "prompt_tokens": 1, "total_tokens": 1}
            self._json(200, {"model": NAME, "choices": [choice], "usage": usage})

    def _stream(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self._event({"role": "assistant", "content": None}, None)
        for place, word in enumerate(text.split()):
            self._event({"content": word if place == 0 else f" {word}"}, None)
            time.sleep(self.behaviour.word_s)
        self._event({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, delta: dict[str, str | None], finish: str | None) -> None:
        chunk = {"model": NAME, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.flush()

    def _json(self, status: int, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


def server(behaviour: Behaviour, port: int = 0) -> Server:
    handler = type("BehavingHandler", (Handler,), {"behaviour": behaviour, "luck": random.Random(0)})
    return Server(("127.0.0.1", port), handler)


@contextlib.contextmanager
def serving(behaviour: Behaviour | None = None) -> Iterator[str]:
    """A fake model in a thread of this process; gives its address."""
    listening = server(behaviour or Behaviour())
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_address[1]}"
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(5)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--right", type=float, default=1.0)
    parser.add_argument("--first-word-s", type=float, default=0.05)
    parser.add_argument("--word-s", type=float, default=0.005)
    parser.add_argument("--fail", action="store_true")
    chosen = parser.parse_args()
    listening = server(Behaviour(chosen.right, chosen.first_word_s, chosen.word_s, chosen.fail), chosen.port)
    print(json.dumps({"url": f"http://127.0.0.1:{listening.server_address[1]}"}), flush=True)
    listening.serve_forever()


if __name__ == "__main__":
    main()
