"""Colours, fonts and the one stylesheet, in light and dark, following the system or the setting.

Widgets that paint themselves ask ``colours_of(self)``: the answer comes from the palette they already have,
so nobody holds a theme object, and a change reaches them as an ordinary ``PaletteChange``.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from ranvier.core.evidence import Level
from ranvier.ui.stylesheet import stylesheet


@dataclass(frozen=True, slots=True)
class Colours:
    """One theme, as ``#rrggbb`` texts. ``border`` parts things; ``outline`` is round what can be filled in."""

    dark: bool
    window: str
    surface: str
    raised: str
    border: str
    outline: str
    text: str
    muted: str
    accent: str
    on_accent: str
    selection: str
    good: str
    busy: str
    warn: str
    bad: str
    unknown: str
    sandbox: str
    test: str
    finney: str
    on_network: str
    series: tuple[str, ...]

    def level(self, level: Level) -> str:
        """The colour of a level; off is as grey as unknown, their marks and words differ."""
        return {
            Level.GOOD: self.good,
            Level.BUSY: self.busy,
            Level.WARN: self.warn,
            Level.BAD: self.bad,
            Level.UNKNOWN: self.unknown,
            Level.OFF: self.unknown,
        }[level]

    def network(self, name: str) -> str:
        """The colour of a network; grey for none."""
        return {"sandbox": self.sandbox, "test": self.test, "finney": self.finney}.get(name, self.unknown)


LIGHT = Colours(
    dark=False,
    window="#f4f5f7",
    surface="#ffffff",
    raised="#eef0f3",
    border="#d9dde3",
    outline="#848d97",
    text="#1c2127",
    muted="#57606a",
    accent="#1f5fbf",
    on_accent="#ffffff",
    selection="#dbe7fb",
    good="#18782f",
    busy="#0a63cf",
    warn="#8a5c00",
    bad="#c4242f",
    unknown="#5f6871",
    sandbox="#6d3fc8",
    test="#8f5f00",
    finney="#0b7069",
    on_network="#ffffff",
    series=("#1f5fbf", "#b4540a", "#1a7f37", "#8a3ffc", "#c4242f", "#0b7069"),
)

DARK = Colours(
    dark=True,
    window="#15181c",
    surface="#1d2126",
    raised="#282d34",
    border="#363c45",
    outline="#727c88",
    text="#e6e9ed",
    muted="#9aa4af",
    accent="#79aef8",
    on_accent="#0d1520",
    selection="#243a57",
    good="#4cc764",
    busy="#6cb0ff",
    warn="#e0ab36",
    bad="#ff7b76",
    unknown="#949da7",
    sandbox="#b394f5",
    test="#e3b04b",
    finney="#4fc8bc",
    on_network="#10131a",
    series=("#79aef8", "#f0a35e", "#4cc764", "#c3a2ff", "#ff7b76", "#4fc8bc"),
)

LEVEL_WORDS = {
    Level.GOOD: "good",
    Level.BUSY: "busy",
    Level.WARN: "needs a look",
    Level.BAD: "failing",
    Level.UNKNOWN: "unknown",
    Level.OFF: "off",
}


def colours_of(widget: QWidget) -> Colours:
    """The theme that ``widget`` is drawn in."""
    return DARK if widget.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def tabular(font: QFont) -> QFont:
    """A copy of ``font`` whose figures are all of one width, so that numbers do not dance."""
    copy = QFont(font)
    copy.setFeature(QFont.Tag("tnum"), 1)
    return copy


def palette(colours: Colours) -> QPalette:
    """The Qt palette of a theme; the stylesheet only adds shapes and spaces."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    result = QPalette()
    for part, value in (
        (role.Window, colours.window),
        (role.WindowText, colours.text),
        (role.Base, colours.surface),
        (role.AlternateBase, colours.raised),
        (role.Text, colours.text),
        (role.PlaceholderText, colours.muted),
        (role.Button, colours.raised),
        (role.ButtonText, colours.text),
        (role.BrightText, colours.bad),
        (role.ToolTipBase, colours.raised),
        (role.ToolTipText, colours.text),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.on_accent),
        (role.Accent, colours.accent),
        (role.Link, colours.accent),
        (role.LinkVisited, colours.accent),
        (role.Mid, colours.border),
        (role.Dark, colours.border),
        (role.Light, colours.surface),
        (role.Midlight, colours.raised),
        (role.Shadow, colours.border),
    ):
        result.setColor(part, QColor(value))
    for part in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(group.Disabled, part, QColor(colours.muted))
    return result


class Theme(QObject):
    """Puts a theme on the application and changes it when the system or the setting does."""

    changed = Signal()

    def __init__(self, application: QApplication, choice: str = "system") -> None:
        super().__init__()
        self._application = application
        self._choice = choice
        self.colours: Colours | None = None
        application.setStyle("Fusion")
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    def choose(self, choice: str) -> None:
        """``system``, ``light`` or ``dark``."""
        self._choice = choice
        self._apply()

    def _apply(self) -> None:
        system_dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        dark = self._choice == "dark" or (self._choice == "system" and system_dark)
        colours = DARK if dark else LIGHT
        if colours is self.colours:
            return
        self.colours = colours
        self._application.setPalette(palette(colours))
        self._application.setStyleSheet(stylesheet(colours, self._application.font().pointSizeF()))
        self.changed.emit()
