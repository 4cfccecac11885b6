"""What closing and quitting do. Pure rules: with a tray it may hide, without one it must never hide for good.

Quitting by a key asks first: it lies beside the key that only closes, and takes the tray icon along.
"""

from __future__ import annotations

import enum


class Closing(enum.Enum):
    """HIDE: the tray stays. QUIT: the window's process ends. ASK: say what closing does, then quit or stay."""

    HIDE = "hide"
    QUIT = "quit"
    ASK = "ask"


QUIT_TITLE = "Quit the window?"
QUIT_TEXT = (
    "Ranvier's window and its tray icon will end. The agent and your miners go on without them; "
    "open Ranvier again to see them."
)
NO_TRAY_TITLE = "Close the window?"
NO_TRAY_TEXT = (
    "This desktop has no tray, so Ranvier's window will end. "
    "The agent and your miners go on without it; open Ranvier again to see them."
)


def on_close(*, tray: bool, close_to_tray: bool) -> Closing:
    """What happens when the user closes the window."""
    if not tray:
        return Closing.ASK
    return Closing.HIDE if close_to_tray else Closing.QUIT


def must_show(*, tray: bool, window_visible: bool) -> bool:
    """Whether a hidden window must come back because the only way to it went away."""
    return not tray and not window_visible
