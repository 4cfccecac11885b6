"""An OpenAI-compatible streaming server with known timings and the bad habits of real ones. Standard library only.

It notes when it received each request and when it sent each token, by the machine's monotonic clock, so that a client's
figures can be held against the truth and not against a hope. Also a program: ``python fake_stream.py TTFT ITL`` prints
its address as one line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import dataclass, field


@dataclass
class Served:
    """The truth about one request."""

    prompt: str
    received: float
    sent: list[float] = field(default_factory=list)


class FakeStream:
    """``habits``: role, ping, bundle (two tokens a chunk), split (inside events and characters), crlf, nousage, drop,
    http500, nodone, error, reasoning, tools, empty, garbage, stall. ``slots``: so many answers at once, others wait."""

    def __init__(
        self, ttft: float = 0.05, itl: float = 0.005, habits: tuple[str, ...] = (), slots: int = 10_000
    ) -> None:
        self.ttft, self.itl, self.habits = ttft, itl, set(habits)
        self.served: list[Served] = []
        self.open = self.most_open = 0
        self._slots = asyncio.Semaphore(slots)
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> FakeStream:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._handlers):
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 2)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._handlers.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._handlers.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(h.split(":")[1]) for h in head.split("\r\n") if h.lower().startswith("content-length")), 0)
        body = json.loads(await reader.readexactly(length)) if length else {}
        if head.split()[1].endswith("/models"):
            whole(writer, 200, {"data": [{"id": "fake-model"}]})
        elif "http500" in self.habits:
            whole(writer, 500, {"error": "out of memory"})
        else:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            try:
                async with self._slots:
                    await self._answer(writer, body)
            finally:
                self.open -= 1
        await writer.drain()

    async def _answer(self, writer: asyncio.StreamWriter, body: dict) -> None:
        habits, tokens = self.habits, body["max_tokens"]
        served = Served(body["messages"][-1]["content"], time.perf_counter())
        self.served.append(served)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        end = "\r\n\r\n" if "crlf" in habits else "\n\n"

        def raw(data: bytes) -> None:
            writer.write(b"%x\r\n" % len(data) + data + b"\r\n")

        def event(data: object) -> None:
            raw(("data: " + json.dumps(data, ensure_ascii=False) + end).encode())

        if "role" in habits:
            event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        if "ping" in habits:
            raw(b": ping\n\n")
        await writer.drain()
        if "stall" in habits:
            await asyncio.sleep(30)
        made = 0
        while made < tokens and "empty" not in habits:
            size = min(tokens - made, 2 if "bundle" in habits and made else 1)
            due = served.received + self.ttft + (made + size - 1) * self.itl
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            text = " é" * size
            delta = {"content": text}
            if "reasoning" in habits and made < 2:
                delta = {"content": None, "reasoning_content": text}
            if "tools" in habits:
                delta = {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
            data = (
                "data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}, ensure_ascii=False) + end
            ).encode()
            if "split" in habits:
                cut = data.index("é".encode()) + 1 if "é".encode() in data else len(data) // 2
                raw(data[:cut])
                await writer.drain()
                await asyncio.sleep(0.002)
                data = data[cut:]
            served.sent.append(time.perf_counter())
            raw(data)
            await writer.drain()
            made += size
            if made * 2 >= tokens:
                if "drop" in habits:
                    writer.transport.abort()
                    return
                if "error" in habits:
                    event({"error": {"message": "the model fell over"}})
                if "garbage" in habits:
                    raw(b"data: {nonsense\n\n")
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
        if body.get("stream_options", {}).get("include_usage") and "nousage" not in habits:
            event({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": made}})
        if "nodone" not in habits:
            raw(b"data: [DONE]" + end.encode())
        writer.write(b"0\r\n\r\n")


def whole(writer: asyncio.StreamWriter, status: int, data: object) -> None:
    body = json.dumps(data).encode()
    writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)


async def main() -> None:
    async with FakeStream(float(sys.argv[1]), float(sys.argv[2]), tuple(sys.argv[3:])) as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
