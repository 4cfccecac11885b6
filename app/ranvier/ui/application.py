"""The window's process, up to the moment where Qt is needed. Nothing heavy is imported before the first paint."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from ranvier.core.errors import StorageError
from ranvier.core.log import start_logging
from ranvier.core.paths import Paths
from ranvier.keys.memory import forbid_core_dumps


def main(arguments: list[str], paths: Paths) -> int:
    """Open the window; returns the exit status. Without a display: one sentence and 1."""
    parser = argparse.ArgumentParser(prog="ranvier", description="Opens Ranvier's window.")
    parser.add_argument("--hidden", action="store_true", help="start in the tray (in the window where there is none)")
    parser.add_argument("--exit-after-paint", action="store_true", help="print when the window was painted, and end")
    chosen = parser.parse_args(arguments)
    forbid_core_dumps()
    problem = display_problem(os.environ)
    if problem is not None:
        sys.stderr.write(f"ranvier: {problem}\n")
        return 1
    trouble = None
    try:
        start_logging(paths.logs, "window")
    except StorageError as error:
        sys.stderr.write(f"ranvier: {error}\n")  # and in a window: who clicked an icon has no terminal
        if chosen.exit_after_paint:
            return 1
        trouble = error
    try:
        from ranvier.ui.root import Options, start
    except ImportError as error:
        sys.stderr.write(f"ranvier: the window's libraries cannot be loaded: {error}\n")
        return 1
    return start(paths, Options(chosen.exit_after_paint, chosen.hidden), trouble)


def display_problem(environment: Mapping[str, str]) -> str | None:
    """Why no window can be opened, or None. Qt itself would abort with a core dump instead of saying so."""
    if not sys.platform.startswith("linux"):
        return None
    platform = environment.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if platform and platform not in ("xcb", "wayland"):
        return None
    hint = "Use 'ranvier status' or 'ranvier rehearse --headless' without one."
    x11, wayland = environment.get("DISPLAY", ""), environment.get("WAYLAND_DISPLAY", "")
    if platform != "xcb" and wayland and _wayland_answers(wayland, environment.get("XDG_RUNTIME_DIR", "")):
        return None
    if platform != "wayland" and x11:
        return None if _x11_answers(x11) else f"the display {x11} does not answer. {hint}"
    if platform != "xcb" and wayland:
        return f"the display {wayland} does not answer. {hint}"
    return f"there is no display to open a window on. {hint}"


def _wayland_answers(name: str, runtime: str) -> bool:
    return sys.platform != "win32" and _connects(socket.AF_UNIX, str(Path(runtime) / name))


def _x11_answers(display: str) -> bool:
    host, _, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if not number.isdigit():
        return False
    if sys.platform != "win32" and host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        return _connects(socket.AF_UNIX, path) or _connects(socket.AF_UNIX, f"\0{path}")
    return _connects(socket.AF_INET, (host, 6000 + int(number)))


def _connects(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(3)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True
