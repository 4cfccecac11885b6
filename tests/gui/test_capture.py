"""Leaving a window out of captures, and the empty sheet for paper: what protects a phrase outside of any file."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest
from PySide6.QtWidgets import QWidget

from ranvier.core.errors import StorageError
from ranvier.ui.backup_sheet import write_sheet
from ranvier.ui.capture import Capture, exclude, exclude_on_macos, exclude_on_windows


class User32:
    def __init__(self, accepts):
        self.accepts, self.calls = accepts, []

    def SetWindowDisplayAffinity(self, handle, affinity):
        self.calls.append((handle.value, affinity.value))
        return affinity.value in self.accepts


def test_windows_excludes_or_blackens_or_says_so():
    new = User32({0x11, 0x01})
    assert exclude_on_windows(77, new) is Capture.EXCLUDED and new.calls == [(77, 0x11)]
    old = User32({0x01})
    assert exclude_on_windows(77, old) is Capture.BLACK and old.calls == [(77, 0x11), (77, 0x01)]
    assert exclude_on_windows(77, User32(set())) is Capture.NOT_PROMISED


def objc(window, *, obeys=True):
    state = {"sharing": 1}

    def send(receiver, selector, *arguments):
        if selector == b"window":
            return window if receiver == 5 else None
        assert receiver == window
        if selector == b"setSharingType:":
            state["sharing"] = arguments[0] if obeys else 1
            return None
        assert selector == b"sharingType"
        return state["sharing"]

    return SimpleNamespace(sel_registerName=SimpleName(), objc_msgSend=Callable(send)), state


class SimpleName:
    def __call__(self, name):
        return name


class Callable:
    def __init__(self, call):
        self._call = call

    def __call__(self, *arguments):
        assert len(arguments) == len(self.argtypes), "ctypes would refuse"
        assert self.argtypes[0] is ctypes.c_void_p
        return self._call(*arguments)


def test_macos_sets_the_sharing_type_of_the_views_window():
    library, state = objc(9)
    assert exclude_on_macos(5, library) is Capture.EXCLUDED and state["sharing"] == 0
    library, _state = objc(9, obeys=False)
    assert exclude_on_macos(5, library) is Capture.NOT_PROMISED
    library, _state = objc(None)
    assert exclude_on_macos(5, library) is Capture.NOT_PROMISED


def test_nothing_is_promised_where_the_system_cannot(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    assert exclude(window) is Capture.NOT_PROMISED
    assert "nothing records" in Capture.NOT_PROMISED.value


def test_the_sheet_is_a_page_without_words_and_replaces_nothing(qapp, tmp_path):
    target = tmp_path / "sheet.pdf"
    write_sheet(target, "rig", 24)
    data = target.read_bytes()
    assert data.startswith(b"%PDF") and data.count(b"/Type /Page\n") == 1
    with pytest.raises(StorageError, match="left as it is"):
        write_sheet(target, "rig", 12)
    assert target.read_bytes() == data
    with pytest.raises(StorageError):
        write_sheet(tmp_path / "none" / "sheet.pdf", "rig", 12)
