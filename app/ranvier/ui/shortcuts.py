"""The window's keys: those of the platform where it has its own, and one dialog that lists them all."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QGridLayout, QWidget

from ranvier.ui.dialogs.ask import Dialog
from ranvier.ui.dialogs.fit import fit
from ranvier.ui.pages import PLACES
from ranvier.ui.widgets.text import label, line

_WIDTH = 560
Standard = QKeySequence.StandardKey


def sequences(standard: QKeySequence.StandardKey, otherwise: str) -> list[QKeySequence]:
    """What the platform uses for it. ``otherwise`` too: a desktop that says nothing of itself has no key to quit."""
    own = QKeySequence(otherwise)
    found = [keys for keys in QKeySequence.keyBindings(standard) if "+" in keys.toString() or keys == own]
    return found if own in found else [*found, own]


def close_keys() -> list[QKeySequence]:
    """Closes the window, as its cross does."""
    return sequences(Standard.Close, "Ctrl+W")


def quit_keys() -> list[QKeySequence]:
    """Ends the window's process."""
    return sequences(Standard.Quit, "Ctrl+Q")


def help_keys() -> list[QKeySequence]:
    """Shows this list."""
    return sequences(Standard.HelpContents, "F1")


def place_keys() -> dict[str, str]:
    """The key that opens each page of the sidebar, by the page's key."""
    titled = [place for place in PLACES if place.title and place.key != "settings"]
    numbered = {place.key: f"Ctrl+{number % 10}" for number, place in enumerate(titled[:10], start=1)}
    return {**numbered, "settings": "Ctrl+,"}


def all_keys() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Every key by where it works: a heading, then keys and what they do."""
    titles = {place.key: place.title for place in PLACES}
    pages = tuple((keys, titles[key]) for key, keys in place_keys().items())
    window = (
        (_said(help_keys()), "Show these keys"),
        ("Esc", "Close the message at the foot; in a dialog: cancel"),
        (_said(close_keys()), "Close the window: it goes to the tray where there is one. Agent and miners go on"),
        (_said(quit_keys()), "Quit the window, its tray icon too. Agent and miners go on"),
        ("Tab, Shift+Tab", "Go to the next or the previous control"),
        ("Enter, Space", "Press the button that has the focus"),
        ("Arrow keys", "Scroll a page; move in the sidebar, a table or a list"),
    )
    tables = ((_said(sequences(Standard.Copy, "Ctrl+C")), "Copy the chosen rows, with their headings"),)
    charts = (
        ("+, \N{MINUS SIGN}", "Zoom in, zoom out"),
        ("\N{LEFTWARDS ARROW}, \N{RIGHTWARDS ARROW}", "Move in time"),
        ("0", "The whole range again"),
    )
    return (("The window", window), ("Pages", pages), ("In a table", tables), ("In a chart", charts))


def _said(keys: Sequence[QKeySequence]) -> str:
    return ", ".join(one.toString(QKeySequence.SequenceFormat.NativeText) for one in keys)


class KeysDialog(Dialog):
    """The list, by where the keys work."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Keys", yes="Close", no="")
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        row = 0
        for heading, keys in all_keys():
            if row:
                grid.addWidget(line(), row, 0, 1, 2)
            grid.addWidget(label(heading, "strong"), row + 1, 0, 1, 2)
            row += 2
            for key, what in keys:
                name = label(key)
                name.setAccessibleName(f"{key}: {what}")
                grid.addWidget(name, row, 0)
                grid.addWidget(label(what, "muted", wrap=True), row, 1)
                row += 1
        self.body.addLayout(grid)
        fit(self, _WIDTH)


def show_keys(parent: QWidget) -> None:
    """Open the list, unless it is open already."""
    if any(dialog.isVisible() for dialog in parent.findChildren(KeysDialog)):
        return
    dialog = KeysDialog(parent)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
