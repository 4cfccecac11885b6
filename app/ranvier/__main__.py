"""Which process am I? One argument decides, before anything heavy is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from ranvier import __version__
from ranvier.core.console import prepare_streams

USAGE = """\
usage: ranvier [--home DIR] [COMMAND] [options]

Without a command, the window opens.

  status [--json]               what the agent knows
  rehearse --headless --json    the whole life of a node on the sandbox, without a display
  stop [--everything]           end the agent; with --everything the miners and the sandbox too
  miners list|start|stop|why... miners without the window (ranvier miners --help)
  keys list|show|create|...     wallets and keys without the window (ranvier keys --help)
  transact register|stake|...   plan, sign and follow a transaction (ranvier transact --help)
  ledger earnings|export|...    what was earned, to the rao (ranvier ledger --help)
  hardware [--json]             the machine, its GPUs, and what is wrong with them
  bench device|serve|fit        measure this machine or an endpoint; which models fit
  netcheck [--json]             how fast and how current the network's endpoints are
  sandbox --port N              a practice network on this machine (ranvier sandbox --help)
  agent                         the background process (the window starts it by itself)
  keeper DIR                    supervise one program (the agent starts it by itself)
  hardware-probe                read GPUs in a process that may crash (the agent starts it by itself)
  benchmark-child               one measurement in a process of its own (bench starts it by itself)
  selftest                      prove that this copy is whole

  --home DIR    keep settings, wallets and data below DIR instead of the usual folders
  --version     print the version
"""

# Roles that know nothing of our folders: each has ``main(arguments)``. They import the least.
_BARE = {
    "keeper": "ranvier.miners.keeper.keeper",
    "sandbox": "ranvier.sandbox.main",
    "benchmark-child": "ranvier.benchmark.child",
    "hardware-probe": "ranvier.hardware.probe_process",
    "selftest": "ranvier.selftest",
}
# Roles that work on one instance's folders: each has ``main(arguments, paths)``.
_HOMED = {
    "agent": "ranvier.agent.main",
    "status": "ranvier.agent.cli.status_cli",
    "stop": "ranvier.agent.cli.stop_cli",
    "rehearse": "ranvier.rehearsal.headless",
    "miners": "ranvier.agent.cli.miners_cli",
    "keys": "ranvier.keys.cli",
    "transact": "ranvier.agent.cli.transact_cli",
    "ledger": "ranvier.ledger.cli",
    "hardware": "ranvier.hardware.cli",
    "bench": "ranvier.benchmark.cli",
    "netcheck": "ranvier.chain.netcheck.netcheck_cli",
}
_WINDOW = "ranvier.ui.application"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the role that the arguments name; returns the process's exit status."""
    prepare_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    home: Path | None = None
    while arguments and arguments[0].startswith("--"):
        option = arguments[0]
        if option == "--home" or option.startswith("--home="):
            value = option.partition("=")[2] if "=" in option else (arguments[1] if len(arguments) > 1 else "")
            if not value:
                sys.stderr.write("ranvier: --home needs a folder\n")
                return 2
            home = Path(value)
            del arguments[: 1 if "=" in option else 2]
        elif option == "--version":
            sys.stdout.write(f"ranvier {__version__}\n")
            return 0
        elif option == "--help":
            sys.stdout.write(USAGE)
            return 0
        else:
            break
    if arguments and arguments[0] in _BARE:
        return _role(_BARE[arguments[0]])(arguments[1:])
    if arguments and not arguments[0].startswith("-") and arguments[0] not in _HOMED:
        sys.stderr.write(f"ranvier: unknown command {arguments[0]!r}\n\n{USAGE}")
        return 2
    return _with_paths(arguments, home)


def _with_paths(arguments: list[str], home: Path | None) -> int:
    from ranvier.core.errors import RanvierError
    from ranvier.core.paths import Paths

    paths = Paths.under(home) if home is not None else Paths.default()
    module = _WINDOW
    if arguments and arguments[0] in _HOMED:
        module = _HOMED[arguments.pop(0)]
    try:
        status = _role(module)(arguments, paths)
        sys.stdout.flush()  # here, where a reader who is gone is no error, and not when the process ends
        return status
    except RanvierError as error:
        sys.stderr.write(f"ranvier: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our words has enough, as ``head`` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _role(module: str) -> Callable[..., int]:
    function: Callable[..., int] = import_module(module).main
    return function


if __name__ == "__main__":
    sys.exit(main())
