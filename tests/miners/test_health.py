"""Asking a miner for its health: a real small server as the miner."""

from __future__ import annotations

import asyncio
import socket

from ranvier.miners.health import check


async def test_a_slow_starter_under_its_keeper(kept) -> None:
    port_file = kept.folder / "port"
    kept.spec("slow_starter", port_file, 0.6)
    await kept.ensure()
    await kept.client.start()
    await kept.until(port_file.exists)
    url = f"http://127.0.0.1:{port_file.read_text()}/health"
    first = await check(url)
    assert first.ok is None and first.text == "loading"
    await asyncio.sleep(0.7)
    last = await check(url)
    assert last.ok is True and last.text.startswith("answered “ok” in ") and last.data["queries_answered"] == 3
    await kept.client.end()
    gone = await check(url)
    assert gone.ok is False and gone.text == f"nobody listens at 127.0.0.1:{port_file.read_text()}"


async def test_silence_errors_and_rubbish() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readline()
        replies = {
            b"/rubbish": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff[]",
            b"/broken": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
            b"/noise": b"not http at all\r\n\r\n",
        }
        if asked.split()[1] != b"/silent":
            writer.write(replies[asked.split()[1]])
        else:
            await asyncio.sleep(0.4)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, family=socket.AF_INET)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        rubbish = await check(f"{base}/rubbish")
        assert rubbish.ok is True and rubbish.data == {}
        broken = await check(f"{base}/broken")
        assert broken.ok is False and broken.text == "answers with HTTP status 500"
        assert (await check(f"{base}/noise")).ok is False
        silent = await check(f"{base}/silent", timeout_s=0.2)
        assert silent.ok is False and silent.text == "no answer in 0.2 s"
        await asyncio.sleep(0.3)
