"""``ranvier benchmark-child KIND``: one benchmark in a process of its own, so that nothing else spoils its timing.

The request is one JSON object on standard input; standard output carries JSON lines ``{"event": "progress", ...}`` and
last ``{"event": "result", ...}`` or ``{"event": "error", "title", "message", "hint"}``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import msgspec

from ranvier.core.errors import RanvierError

Say = Callable[[dict[str, Any]], None]
# Each has ``work(request, say) -> result``; imported only when asked for.
_KINDS = {
    "serving": "ranvier.benchmark.serving_work",
    "cuda": "ranvier.benchmark.cuda_work",
    "cpu": "ranvier.benchmark.cpu_work",
    "wgpu": "ranvier.benchmark.wgpu_work",
}


def main(arguments: Sequence[str]) -> int:
    """Do the work named by the argument. Returns 0; 1 for an error that was told; 2 for usage."""
    if len(arguments) != 1 or arguments[0] not in _KINDS:
        sys.stderr.write(f"usage: ranvier benchmark-child {'|'.join(_KINDS)} < request.json\n")
        return 2
    request = msgspec.json.decode(sys.stdin.buffer.readline() or b"{}")

    def say(message: dict[str, Any]) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
        sys.stdout.buffer.flush()

    try:
        work: Callable[[Any, Say], Any] = import_module(_KINDS[arguments[0]]).work
        result = work(request, say)
        if asyncio.iscoroutine(result):
            result = asyncio.run(result)
    except RanvierError as error:
        say({"event": "error", "title": error.title, "message": error.message, "hint": error.hint})
        return 1
    except BrokenPipeError:
        return 1
    say({"event": "result", "result": result})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
