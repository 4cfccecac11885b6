"""Settings: every declared one with its help, the network, the folders, the versions."""

from __future__ import annotations

import platform
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QEvent, QObject, Qt, QUrl, qVersion
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLineEdit, QSpinBox, QWidget

from ranvier import __version__
from ranvier.agent.api.market_messages import GetNetCheck, NetCheckView
from ranvier.agent.api.messages import AgentStatus, UseNetwork, WatchColdkeys
from ranvier.core.errors import RanvierError, StorageError
from ranvier.core.outside import at_home
from ranvier.core.settings import (
    DECLARED,
    ENDPOINT,
    LIMIT_ACTION_TAO,
    LIMIT_COST_PERCENT,
    LIMIT_DAY_TAO,
    NETWORK,
    RETYPE_ABOVE_TAO,
    WALLET_FOLDER,
    WATCHED_COLDKEY,
    Setting,
    T,
)
from ranvier.core.units import parse_rao
from ranvier.keys.addresses import is_ss58
from ranvier.ui.context import Context
from ranvier.ui.dialogs.ask import ask
from ranvier.ui.models.endpoints import ms_text
from ranvier.ui.shortcuts import show_keys
from ranvier.ui.widgets.autostart_card import AutostartCard
from ranvier.ui.widgets.card import Card
from ranvier.ui.widgets.page import Page
from ranvier.ui.widgets.sandbox_card import SandboxCard
from ranvier.ui.widgets.text import allow, button, label, line
from ranvier.ui.words import UNKNOWN

NETWORK_TITLES = {
    "sandbox": "Sandbox (play money, on this machine)",
    "test": "Testnet",
    "finney": "Mainnet (real money)",
}
_RANGES = {
    "hardware_interval_s": (1, 60, " s"),
    "gpu_hot_c": (0, 110, " °C"),
    "alert_memory_percent": (0, 100, " %"),
    "alert_throttled_s": (0, 86_400, " s"),
    "alert_power_limit_percent": (0, 100, " %"),
    "alert_disk_gb": (0, 100_000, " GB"),
    "sandbox_block_ms": (250, 12_000, " ms"),
}
_PACKAGES = ("PySide6-Essentials", "substrate-interface", "msgspec", "aiohttp")
_FIELD_WIDTH = 320
_FIELD_LINES = 20  # the width again, in heights of a line: it follows the system's font
_AMOUNTS = {s.key for s in (LIMIT_ACTION_TAO, LIMIT_DAY_TAO, RETYPE_ABOVE_TAO, LIMIT_COST_PERCENT)}


class SettingsPage(Page):
    """A change is stored at once; a text when its field is left."""

    key = "settings"
    title = "Settings"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._wheel = _NoWheel(self)
        self.fields: dict[str, QWidget] = {}
        self.add_action(
            button(
                "Keys\N{HORIZONTAL ELLIPSIS}", lambda: show_keys(self.window()), tip="Every key and what it does  (F1)"
            )
        )
        self.agent_version = label(UNKNOWN, copyable=True)
        network = Card()
        network.body.addLayout(self._row(NETWORK, self._network_field()))
        self.add(network)
        self.sandbox = SandboxCard(context)
        self.add(self.sandbox)
        others = Card("Preferences", spacing=14)
        for place, setting in enumerate(s for s in DECLARED if s.key != NETWORK.key):
            if place:
                others.add(line())
            others.body.addLayout(self._row(setting, self._field(setting)))
        self.add(others)
        self.autostart = AutostartCard(context)
        self.add(self.autostart)
        self.add(self._folders())
        self.add(self._versions())
        self.content.addStretch(1)
        context.bridge.status.connect(self._show_status)
        context.settings.on_change(self._changed_elsewhere)
        if context.bridge.latest is not None:
            self._show_status(context.bridge.latest)

    def shown(self) -> None:
        self.autostart.look()

    # --- fields --------------------------------------------------------------------------------------------

    def _row(self, setting: Setting[str] | Setting[int] | Setting[bool], field: QWidget) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        grid.addWidget(label(setting.label), 0, 0)
        grid.addWidget(label(setting.help, "muted", wrap=True), 1, 0)
        field.setFixedWidth(max(_FIELD_WIDTH, _FIELD_LINES * self.fontMetrics().height()))
        allow(field, None if setting.offered else setting.help)
        field.setAccessibleName(setting.label)
        field.setAccessibleDescription(setting.help)
        field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        field.installEventFilter(self._wheel)
        grid.addWidget(field, 0, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        self.fields[setting.key] = field
        return grid

    def _field(self, setting: Setting[str] | Setting[int] | Setting[bool]) -> QWidget:
        """The editor that fits the setting's type."""
        if isinstance(setting.default, bool):
            return self._check(cast(Setting[bool], setting))
        if isinstance(setting.default, int):
            return self._number(cast(Setting[int], setting))
        return self._choice(setting) if setting.choices else self._text(setting)

    def _check(self, setting: Setting[bool]) -> QWidget:
        box = QCheckBox("On")
        box.setChecked(self.context.settings.get(setting))
        box.toggled.connect(lambda on: self._store(setting, on))
        return box

    def _number(self, setting: Setting[int]) -> QWidget:
        low, high, unit = _RANGES.get(setting.key, (0, 1_000_000, ""))
        box = QSpinBox()
        box.setRange(low, high)
        box.setSuffix(unit)
        if low == 0:
            box.setSpecialValueText("none" if setting.key == "gpu_hot_c" else "never")
        box.lineEdit().setTextMargins(7, 0, 0, 0)  # the stylesheet's padding does not reach it
        box.setValue(self.context.settings.get(setting))
        box.editingFinished.connect(lambda: self._store(setting, box.value()))
        return box

    def _choice(self, setting: Setting[str]) -> QWidget:
        box = QComboBox()
        for choice in setting.choices:
            box.addItem(choice.capitalize(), choice)
        box.setCurrentIndex(box.findData(self.context.settings.get(setting)))
        box.activated.connect(lambda _: self._store(setting, box.currentData()))
        return box

    def _text(self, setting: Setting[str]) -> QWidget:
        box = QLineEdit(self.context.settings.get(setting))
        box.setPlaceholderText(
            {
                ENDPOINT.key: "the public ones",
                WALLET_FOLDER.key: str(self.context.paths.wallets),
                WATCHED_COLDKEY.key: "none",
                RETYPE_ABOVE_TAO.key: "never",
                **dict.fromkeys(_AMOUNTS - {RETYPE_ABOVE_TAO.key}, "no limit"),
            }.get(setting.key, "")
        )
        box.editingFinished.connect(lambda: self._store_text(setting, box))
        return box

    def _store_text(self, setting: Setting[str], box: QLineEdit) -> None:
        """A text that cannot be right is refused with a sentence, and the old one comes back."""
        text, before = box.text().strip(), self.context.settings.get(setting)
        if text == before:
            return
        problem = text_problem(setting, text)
        if problem is not None:
            box.setText(before)
            self.context.show_error(RanvierError(f"{setting.label} was not changed", problem))
            return
        self._store(setting, text)
        network = self.context.settings.get(NETWORK)
        if setting.key == WATCHED_COLDKEY.key:
            watch = WatchColdkeys((text,) if text else (), beside=True, dropped=(before,) if before else ())
            self.context.run(self.context.client.call(watch), "watch coldkey")
        elif setting.key == ENDPOINT.key and network:
            self.context.run(self._use_endpoint(network, text), "use endpoint")

    def _store(self, setting: Setting[T], value: T) -> None:
        settings = self.context.settings
        try:
            if settings.get(setting) != value:
                settings.set(setting, value)
        except StorageError as error:
            self.context.show_error(error)

    def _changed_elsewhere(self, key: str) -> None:
        field = self.fields.get(key)
        setting: Any = next((s for s in DECLARED if s.key == key), None)
        if setting is None:
            return
        value = self.context.settings.get(setting)
        if isinstance(field, QLineEdit):
            field.setText(str(value))
        elif isinstance(field, QComboBox):
            field.setCurrentIndex(field.findData(value))

    async def _use_endpoint(self, network: str, endpoint: str) -> None:
        """Have the agent ask it first, and say what it is worth: what fails is passed over without a word later."""
        await self.context.client.call(UseNetwork(network))
        if not endpoint or network == "sandbox":
            return
        self.context.say(f"{endpoint} is being asked.")
        try:
            found: NetCheckView = await self.context.client.call(GetNetCheck(1))
        except RanvierError as error:
            self.context.show_error(error)
            return
        row = next((one for one in found.endpoints if one.endpoint == endpoint), None)
        if row is None or self.context.settings.get(ENDPOINT) != endpoint:
            return  # changed again meanwhile
        if row.error is not None:
            self.context.show_error(RanvierError("Your endpoint is not used", row.error, "The public ones are asked."))
        else:
            self.context.say(f"{endpoint} answers in {ms_text(row.latency_ms)} and is asked first.")

    # --- network -------------------------------------------------------------------------------------------

    def _network_field(self) -> QWidget:
        box = QComboBox()
        box.setPlaceholderText("Not chosen yet")
        for name, title in NETWORK_TITLES.items():
            box.addItem(title, name)
        box.setCurrentIndex(box.findData(self.context.settings.get(NETWORK)))
        box.activated.connect(lambda _: self._network_chosen(box))
        return box

    def _network_chosen(self, box: QComboBox) -> None:
        name, now = str(box.currentData()), self.context.settings.get(NETWORK)
        if name != now:
            self.context.run(self._use_network(box, name, now), "use network")

    async def _use_network(self, box: QComboBox, name: str, now: str) -> None:
        text = "Balances, stake and earnings of the other network are kept apart; miners of it go on running."
        changed = False
        try:
            if await ask(self.window(), f"Work on {NETWORK_TITLES[name]}?", text, yes="Change network"):
                await self.context.client.call(UseNetwork(name))
                self.context.settings.set(NETWORK, name)
                changed = True
        finally:
            if not changed:
                box.setCurrentIndex(box.findData(now))

    # --- folders and versions ------------------------------------------------------------------------------

    def _folders(self) -> Card:
        card = Card("Folders")
        paths = self.context.paths
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        rows = (
            ("Settings", paths.config),
            ("Data", paths.data),
            ("Miners", paths.miners),
            ("Logs", paths.logs),
            ("Wallets", paths.wallets),
        )
        for row, (name, folder) in enumerate(rows):
            grid.addWidget(label(name, "muted"), row, 0)
            grid.addWidget(label(str(folder), "mono", copyable=True, wrap=True), row, 1)
            show = button("Open", partial(self._open, folder))
            show.setAccessibleName(f"Open the folder {name}")
            grid.addWidget(show, row, 2)
        card.body.addLayout(grid)
        return card

    def _open(self, folder: Path) -> None:
        if not folder.is_dir():
            self.context.say(f"{folder} does not exist yet.")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.context.say(f"This desktop offers no program to show {folder}.")

    def _versions(self) -> Card:
        card = Card("Versions")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        rows = [
            ("Ranvier", label(__version__, copyable=True)),
            ("Agent", self.agent_version),
            ("Python", label(f"{platform.python_version()} on {platform.platform(terse=True)}", copyable=True)),
            ("Qt", label(qVersion(), copyable=True)),
        ]
        rows += [(name, label(_version(name), copyable=True)) for name in _PACKAGES]
        for row, (name, value) in enumerate(rows):
            grid.addWidget(label(name, "muted"), row, 0)
            grid.addWidget(value, row, 1)
        card.body.addLayout(grid)
        return card

    def _show_status(self, status: AgentStatus) -> None:
        self.agent_version.setText(f"{status.version}, protocol {status.protocol}, process {status.pid}")


def text_problem(setting: Setting[str], text: str) -> str | None:
    """Why ``text`` cannot be the value of ``setting``, or None. Empty is always allowed."""
    if not text:
        return None
    if setting.key == WATCHED_COLDKEY.key and not is_ss58(text):
        return "That is not a coldkey address: it begins with 5 and has 48 characters."
    if setting.key == ENDPOINT.key and not text.startswith(("ws://", "wss://")):
        return "An endpoint begins with ws:// or wss://."
    if setting.key == WALLET_FOLDER.key and not at_home(text).is_dir():
        return f"{text} is not a folder."
    if setting.key in _AMOUNTS:
        try:
            parse_rao(text)
        except ValueError:
            return "Write a number such as 2.5, or leave it empty."
    return None


class _NoWheel(QObject):
    """A wheel over a field scrolls the page instead of changing a setting by accident."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return UNKNOWN
