"""Closing never strands the user, whatever tray there is."""

from __future__ import annotations

import pytest

from ranvier.ui.closing import NO_TRAY_TEXT, Closing, must_show, on_close


@pytest.mark.parametrize(
    ("tray", "setting", "expected"),
    [
        (True, True, Closing.HIDE),
        (True, False, Closing.QUIT),
        (False, True, Closing.ASK),
        (False, False, Closing.ASK),
    ],
)
def test_what_closing_does(tray, setting, expected):
    assert on_close(tray=tray, close_to_tray=setting) is expected


def test_hiding_needs_a_way_back():
    for setting in (True, False):
        assert on_close(tray=False, close_to_tray=setting) is not Closing.HIDE
    assert must_show(tray=False, window_visible=False)
    assert not must_show(tray=True, window_visible=False) and not must_show(tray=False, window_visible=True)
    assert "miners go on" in NO_TRAY_TEXT
