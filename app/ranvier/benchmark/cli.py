"""``ranvier bench device|serve|fit|floor|list|compare|export``: benchmarks without the window."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import msgspec

from ranvier.benchmark import cli_run, cli_show
from ranvier.benchmark.objectives import DEFAULT, PRESETS
from ranvier.core.errors import RanvierError
from ranvier.core.paths import Paths

_COMMANDS: dict[str, Callable[[argparse.Namespace, Paths], Coroutine[None, None, int]]] = {
    "device": cli_run.device,
    "serve": cli_run.serve,
    "fit": cli_show.fit,
    "floor": cli_show.floor,
    "list": cli_show.listing,
    "compare": cli_show.comparison,
    "export": cli_show.exporting,
}


def main(arguments: Sequence[str], paths: Paths) -> int:
    """Run one command. Returns 0; 1 for an error or a floor that is not met; 2 for usage; 130 when interrupted."""
    try:
        options = _parser().parse_args(list(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    try:
        return asyncio.run(_run(options, paths))
    except (KeyboardInterrupt, asyncio.CancelledError):
        parts = any(getattr(options, name, None) for name in ("sustained", "sweep", "resume"))
        sys.stderr.write(f"ended, {'what was measured goes on with --resume' if parts else 'nothing was kept'}\n")
        return 130
    except RanvierError as error:
        if not options.json:
            raise
        sys.stdout.write(msgspec.json.encode({"error": error.data()}).decode() + "\n")
        return 1


async def _run(options: argparse.Namespace, paths: Paths) -> int:
    task = asyncio.current_task()
    if task is not None:
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C only
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await _COMMANDS[options.command](options, paths)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ranvier bench", description="Measure what this machine can earn with.")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--json", action="store_true", help="one JSON object instead of text")
        return command

    device = add("device", "Measure a GPU, or the processor of a machine without one.")
    device.add_argument("--gpu", help="the GPU's UUID; without it the first one")
    device.add_argument("--cpu", action="store_true", help="measure the processor")
    device.add_argument("--shaders", action="store_true", help="any vendor's GPU by shaders (needs the bench extra)")
    device.add_argument("--torch", type=Path, metavar="PYTHON", help="the torch of this Python")
    device.add_argument(
        "--llama-bench", type=Path, metavar="FILE", help="keep what llama-bench wrote (json, csv or md)"
    )
    device.add_argument("--seconds", type=float, default=20.0, help="for the check (default 20)")
    device.add_argument("--sustained", type=float, default=0.0, metavar="SECONDS", help="a long run after it")
    device.add_argument("--resume", action="store_true", help="go on with a sustained run that was cut off")
    device.add_argument("--serving", action="store_true", help="even though a registered miner serves")
    device.add_argument("--dry", action="store_true", help="do not keep the result")

    serve = add("serve", "Measure an OpenAI-compatible streaming endpoint.")
    serve.add_argument("url", nargs="?", help="the API's base, like http://127.0.0.1:8000/v1")
    serve.add_argument("--model", help="as the server names it; without it the server's first")
    serve.add_argument("--requests", type=int, default=40)
    serve.add_argument("--seconds", type=float, default=120.0, help="send nothing more after so long")
    serve.add_argument("--concurrency", type=int, help="requests that are always open (default 1)")
    serve.add_argument("--rate", type=float, help="requests per second at random moments")
    serve.add_argument("--burstiness", type=float, default=1.0, help="1: independent requests (Poisson)")
    serve.add_argument("--sweep", type=int, metavar="MOST", help="1, 2, 4, ... open requests up to so many")
    serve.add_argument("--input-words", type=int, default=100)
    serve.add_argument("--output-tokens", type=int, default=128)
    serve.add_argument("--warmup", type=int, default=2)
    serve.add_argument("--timeout", type=float, default=120.0, help="seconds for one request")
    serve.add_argument("--objective", choices=sorted(PRESETS), default=DEFAULT.name)
    serve.add_argument("--goodput", nargs="+", metavar="NAME:MS", help="own limits instead: ttft:500 tpot:30 e2el:9000")
    serve.add_argument("--api-key-variable", help="environment variable that holds the key")
    serve.add_argument("--gpu", help="UUID of the GPU that serves: energy and clocks are watched")
    serve.add_argument("--vllm-json", type=Path, metavar="FILE", help="write vLLM's field names there too")
    serve.add_argument("--remote", action="store_true", help="the server is another machine of mine")
    serve.add_argument("--serving", action="store_true", help="even though a registered miner serves")
    serve.add_argument("--dry", action="store_true", help="do not keep the result")
    serve.add_argument("--resume", action="store_true", help="go on with the sweep that was cut off")

    fit = add("fit", "Which models fit, and how fast they can be at most.")
    fit.add_argument("--gpu", help="the GPU's UUID; without it every GPU, or the machine's memory where there is none")
    fit.add_argument("--memory", type=float, metavar="GIB", help="so much free memory instead")
    fit.add_argument("--bandwidth", type=float, metavar="GB/S", help="memory bandwidth; default: the newest measured")
    fit.add_argument("--context", type=int, default=8192)
    fit.add_argument("--sequences", type=int, default=1, help="at the same time")
    fit.add_argument("--model", help="only this one")
    fit.add_argument("--all", action="store_true", help="those that do not fit too")

    floor = add("floor", "Whether this machine meets a subnet's min_compute.yml.")
    floor.add_argument("file", type=Path)
    floor.add_argument("--role", choices=("miner", "validator"), default="miner")

    add("list", "Results kept so far.")
    comparison = add("compare", "Two results side by side.")
    comparison.add_argument("first")
    comparison.add_argument("second")
    export = add("export", "Write a result as JSON for others.")
    export.add_argument("result")
    export.add_argument("file", type=Path)
    export.add_argument("--identifiers", action="store_true", help="with UUIDs and addresses")
    return parser
