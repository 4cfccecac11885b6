"""The one stylesheet. Widgets are told apart by the dynamic properties ``role`` and ``kind``, not by name."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from ranvier.core.paths import resources

if TYPE_CHECKING:
    from ranvier.ui.theme import Colours

_SHEET = Template("""
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 4px 6px; }

QLabel[role="title"] { font-size: ${title_pt}pt; font-weight: 600; }
QLabel[role="heading"] { font-size: ${heading_pt}pt; font-weight: 600; }
QLabel[role="figure"] { font-size: ${figure_pt}pt; font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="small"] { color: $muted; font-size: ${small_pt}pt; }
QLabel[role="problem"] { color: $bad; }
QLabel[role="strong"] { font-weight: 600; }

QFrame[role="card"] { background: $surface; border: 1px solid $border; border-radius: 10px; }
QFrame[role="diagnosis"] { background: $raised; border: 1px solid $border; border-left: 4px solid $bad;
    border-radius: 8px; }
QFrame[role="line"] { background: $border; border: none; max-height: 1px; min-height: 1px; }

QScrollArea[role="page"] { border: 1px solid transparent; }
QScrollArea[role="page"]:focus { border: 1px solid $accent; }
QScrollArea[role="page"], QScrollArea[role="page"] > QWidget > QWidget[role="page-body"] { background: transparent; }

QPushButton { background: $raised; color: $text; border: 1px solid $border; border-radius: 6px;
    padding: 6px 14px; min-height: 18px; }
QPushButton:hover { border-color: $accent; }
QPushButton:focus { border: 2px solid $accent; padding: 5px 13px; }
QPushButton:pressed { background: $border; }
QPushButton:checked { background: $selection; border-color: $accent; }
QPushButton:disabled { color: $muted; background: transparent; border-color: $border; }
QPushButton[kind="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[kind="primary"]:hover { border-color: $text; }
QPushButton[kind="primary"]:focus { border: 2px solid $text; }
QPushButton[kind="primary"]:disabled { background: $raised; color: $muted; border-color: $border; }
QPushButton[kind="danger"] { color: $bad; }
QPushButton[kind="danger"]:hover { border-color: $bad; }
QPushButton[kind="danger"]:disabled { color: $muted; }
QPushButton[kind="play"] { color: $sandbox; border: 1px dashed $sandbox; }
QPushButton[kind="play"]:hover { border-style: solid; }
QPushButton[kind="play"]:focus { border: 2px solid $sandbox; padding: 5px 13px; }
QPushButton[kind="play"]:disabled { color: $muted; border-color: $border; }
QPushButton[kind="small"] { padding: 1px 10px; min-height: 16px; }
QPushButton[kind="small"]:focus { padding: 0px 9px; }
QPushButton[kind="quiet"] { background: transparent; border-color: transparent; color: $accent; padding: 6px 8px; }
QPushButton[kind="quiet"]:hover { background: $raised; }
QPushButton[kind="quiet"]:focus { border-color: $accent; padding: 5px 7px; }
QPushButton[kind="quiet"]:disabled { color: $muted; }

QFrame[role="sidebar"] { background: $surface; border: none; border-right: 1px solid $border; }
QToolButton[role="place"] { background: transparent; color: $text; border: 1px solid transparent; border-radius: 7px;
    padding: 8px 10px; text-align: left; }
QToolButton[role="place"]:hover { background: $raised; }
QToolButton[role="place"]:checked { background: $selection; font-weight: 600; }
QToolButton[role="place"]:focus { border: 1px solid $accent; }
QToolButton[role="place"]:disabled { color: $muted; }

QFrame[role="header"] { background: $surface; border: none; border-bottom: 1px solid $border; }

QFrame[role="messages"] { background: $surface; border: none; border-top: 1px solid $border;
    border-left: 4px solid $surface; }
QFrame[role="messages"][kind="note"] { background: $raised; border-left-color: $busy; }
QFrame[role="messages"][kind="error"] { background: $raised; border-left-color: $bad; }

QPlainTextEdit { background: $surface; border: 1px solid $outline; border-radius: 6px; padding: 3px 5px; }
QPlainTextEdit:focus { border-color: $accent; }
QPlainTextEdit[role="log"] { background: $surface; border: 1px solid $border; border-radius: 6px; }
QLineEdit { background: $surface; border: 1px solid $outline; border-radius: 6px; padding: 5px 6px; min-height: 18px; }
QLineEdit:focus { border-color: $accent; }
QLineEdit:disabled { color: $muted; border-color: $border; }
QComboBox, QSpinBox, QDoubleSpinBox { background: $surface; color: $text; border: 1px solid $outline;
    border-radius: 6px; padding: 5px 8px; min-height: 18px; }
QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus { border-color: $accent; }
QComboBox:disabled, QSpinBox:disabled { color: $muted; border-color: $border; }
QSpinBox, QDoubleSpinBox { padding: 4px 8px; }
QSpinBox QLineEdit, QDoubleSpinBox QLineEdit {
    border: none; padding: 0 0 0 6px; min-height: 0; background: transparent;
}
QCheckBox::indicator { width: 15px; height: 15px; border: 1px solid $muted; border-radius: 4px; background: $surface; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url("$icons/check-$check.svg"); }
QCheckBox::indicator:focus { border-color: $accent; }
QRadioButton::indicator { width: 13px; height: 13px; border: 1px solid $muted; border-radius: 7px;
    background: $surface; }
QRadioButton::indicator:checked { width: 7px; height: 7px; border: 4px solid $accent; }
QRadioButton::indicator:focus { border-color: $accent; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow, QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {
    image: url("$icons/arrow-down.svg"); width: 12px; height: 12px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url("$icons/arrow-up.svg"); width: 12px; height: 12px; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    border: none; background: transparent; width: 20px; }
QComboBox { combobox-popup: 0; }  /* a list below it; Fusion's menu draws a second frame around the list */
QComboBox QAbstractItemView { background: $surface; border: 1px solid $outline; border-radius: 0; padding: 4px;
    selection-background-color: $selection; selection-color: $text; outline: none; }
QComboBox QAbstractItemView::item { min-height: 22px; }
QLineEdit, QPlainTextEdit { selection-background-color: $accent; selection-color: $on_accent; }

QTableView, QListView { background: $surface; alternate-background-color: $surface; border: 1px solid $border;
    border-radius: 8px; gridline-color: $border; selection-background-color: $selection; selection-color: $text; }
QTableView::item { padding: 4px 8px; border: none; }
QHeaderView { background: transparent; border: none; }  /* the table's own corners are round */
QHeaderView::section { background: transparent; color: $muted; border: none; border-bottom: 1px solid $border;
    padding: 6px 11px; font-weight: 600; }
QHeaderView::up-arrow, QHeaderView::down-arrow { subcontrol-position: top center; width: 9px; height: 6px; }
QHeaderView::down-arrow, QHeaderView::up-arrow { width: 9px; height: 9px; subcontrol-origin: margin;
    subcontrol-position: center right; right: 2px; }
QHeaderView::down-arrow { image: url("$icons/arrow-down.svg"); }
QHeaderView::up-arrow { image: url("$icons/arrow-up.svg"); }
QTableCornerButton::section { background: $surface; border: none; }

QProgressBar { background: $raised; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }
QProgressBar::chunk { background: $busy; border-radius: 3px; }
QScrollBar:vertical { background: transparent; width: 11px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 0; }
QScrollBar::handle { background: $border; border-radius: 4px; margin: 2px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QPushButton::menu-indicator { image: url("$icons/arrow-down.svg"); width: 10px; height: 10px;
    subcontrol-origin: padding; subcontrol-position: center right; right: 8px; }
QSplitter::handle { background: transparent; }
""")


_SIZES = {"title_pt": 2.2, "heading_pt": 1.33, "figure_pt": 1.9, "small_pt": 0.9}  # of the system's own size
_SMALLEST_PT = 9.0


def stylesheet(colours: Colours, text_pt: float = _SMALLEST_PT) -> str:
    """Qt style sheet text of a theme; ``text_pt`` is the size of ordinary text, which the others follow."""
    names = (
        "surface",
        "raised",
        "border",
        "outline",
        "text",
        "muted",
        "accent",
        "on_accent",
        "selection",
        "busy",
        "bad",
        "sandbox",
    )
    icons = (resources() / "icons").as_posix()
    return _SHEET.substitute(
        {name: getattr(colours, name) for name in names}
        | {name: f"{max(_SMALLEST_PT, text_pt * size):.1f}" for name, size in _SIZES.items()},
        icons=icons,
        check="dark" if colours.dark else "light",
    )
