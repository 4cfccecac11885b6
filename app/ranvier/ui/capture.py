"""Keeping a window out of screenshots, recordings and shared screens, where the system allows it.

Windows: ``SetWindowDisplayAffinity``. macOS: the window's sharing type. Linux: neither X11 nor Wayland lets a window
ask for that, so nothing is promised there and the user is told.
"""

from __future__ import annotations

import ctypes
import enum
import sys
from typing import Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

_EXCLUDE_FROM_CAPTURE = 0x11  # Windows 10 2004 and later: as if the window were not there
_MONITOR_ONLY = 0x01  # before: a black box
_SHARING_NONE = 0


class Capture(enum.Enum):
    """What the system does for this window; the value is the sentence for people."""

    EXCLUDED = "This window is left out of screenshots and shared screens."
    BLACK = "This window is black in screenshots and shared screens."
    NOT_PROMISED = (
        "This system cannot keep a window out of screenshots: make sure that nothing records or shares your screen."
    )


def exclude(window: QWidget) -> Capture:
    """Ask the system to leave ``window`` (a top-level one) out of captures; says what was reached."""
    platform = QGuiApplication.platformName()
    try:
        if sys.platform == "win32" and platform == "windows":
            return exclude_on_windows(int(window.winId()), ctypes.windll.user32)
        if sys.platform == "darwin" and platform == "cocoa":
            return exclude_on_macos(int(window.winId()), ctypes.cdll.LoadLibrary("/usr/lib/libobjc.A.dylib"))
    except (OSError, AttributeError):
        return Capture.NOT_PROMISED
    return Capture.NOT_PROMISED


def exclude_on_windows(handle: int, user32: Any) -> Capture:
    """``handle`` is the window's HWND."""
    hwnd = ctypes.c_void_p(handle)
    if user32.SetWindowDisplayAffinity(hwnd, ctypes.c_uint32(_EXCLUDE_FROM_CAPTURE)):
        return Capture.EXCLUDED
    if user32.SetWindowDisplayAffinity(hwnd, ctypes.c_uint32(_MONITOR_ONLY)):
        return Capture.BLACK
    return Capture.NOT_PROMISED


def exclude_on_macos(view: int, objc: Any) -> Capture:
    """``view`` is the NSView that Qt calls the window's id."""
    pointer = ctypes.c_void_p
    objc.sel_registerName.restype = pointer
    objc.sel_registerName.argtypes = [ctypes.c_char_p]
    send = objc.objc_msgSend
    send.restype, send.argtypes = pointer, [pointer, pointer]
    window = send(view, objc.sel_registerName(b"window"))
    if not window:
        return Capture.NOT_PROMISED
    send.restype, send.argtypes = None, [pointer, pointer, ctypes.c_ulong]
    send(window, objc.sel_registerName(b"setSharingType:"), _SHARING_NONE)
    send.restype, send.argtypes = ctypes.c_ulong, [pointer, pointer]
    reached = send(window, objc.sel_registerName(b"sharingType")) == _SHARING_NONE
    return Capture.EXCLUDED if reached else Capture.NOT_PROMISED
