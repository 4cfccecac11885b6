"""The tray icon: the worst true state as colour and shape, one line per miner, and the few things one does there."""

from __future__ import annotations

import logging
import sys

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from ranvier.agent.api.messages import AgentStatus, MinerView
from ranvier.core.evidence import Level, worst
from ranvier.ui.icons import tray_icon
from ranvier.ui.phrases import NETWORK_WORDS, alpha_sums, alpha_text, level_of, state_words
from ranvier.ui.words import UNKNOWN

log = logging.getLogger(__name__)

_WATCHER = "org.kde.StatusNotifierWatcher"
_SETTLE_MS = 400


def tray_level(status: AgentStatus | None) -> Level:
    """The colour of the icon: unknown without news, off without miners, else the worst of miners and network."""
    if status is None:
        return Level.UNKNOWN
    if not status.miners:
        return Level.OFF
    levels = [level_of(miner) for miner in status.miners]
    if status.chain.level in (Level.BAD, Level.WARN, Level.UNKNOWN) and any(level is not Level.OFF for level in levels):
        levels.append(status.chain.level)
    return worst(levels)


def tray_lines(status: AgentStatus | None) -> list[str]:
    """The tooltip: a first line, then one for each miner."""
    if status is None:
        return ["Ranvier", f"Agent: {UNKNOWN}"]
    network = NETWORK_WORDS.get(status.chain.network, status.chain.network or "no network chosen")
    lines = [f"Ranvier · {network}"]
    for miner in status.miners:
        earned = alpha_text(miner.earned_today_rao, miner.netuid)
        lines.append(f"{miner.name}: {state_words(miner).lower()}, {earned} today")
    reminders = [one.title for one in status.attention if one.page and one.key]
    return [*lines, *reminders] if status.miners else [*lines, "No miners yet", *reminders]


def wants_stop(miner: MinerView) -> bool:
    """Whether the menu offers to stop this miner (else to start it)."""
    return miner.wanted


class Tray(QObject):
    """Made with an icon in the state unknown. A tray host that starts later is noticed; one that goes, too."""

    open_wanted = Signal()
    start_wanted = Signal(str)
    stop_wanted = Signal(str)
    quit_wanted = Signal()
    stop_all_wanted = Signal()
    host_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.status: AgentStatus | None = None
        self.menu = QMenu()
        self._shape: object = None
        self._told: dict[str, Level] = {}  # by the key of what was told; keys are of one event and do not return
        self._icon: QSystemTrayIcon | None = None
        self._watcher = self._watch()
        self._fill_menu()
        self._make()

    @property
    def available(self) -> bool:
        """Whether a tray shows the icon now."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show_status(self, status: AgentStatus | None) -> None:
        """Draw this status; None = nothing is known."""
        self.status = status
        if self._icon is not None:
            self._dress(self._icon)
        self._fill_menu()
        if status is not None:
            self._remind(status)

    def _remind(self, status: AgentStatus) -> None:
        """Tell what has a key once, and again only when the same thing has become worse. What nobody could see, as
        long as there is no tray, is told when there is one.
        """
        for one in status.attention:
            if one.key and worst([one.level, self._told.get(one.key, Level.OFF)]) != self._told.get(one.key):
                if not self.available:  # asked only now: the desktop takes its time, and a status comes each second
                    return
                self._told[one.key] = one.level
                self.tell(one.title, one.text)

    def tell(self, title: str, text: str) -> None:
        """A passing note beside the icon."""
        if self._icon is not None:
            # Desktops read marks into what they show; a miner's words must not become a link or a picture there.
            title, text = (words.replace("<", "‹").replace(">", "›") for words in (title, text))
            self._icon.showMessage(title, text, self._icon.icon(), 6000)

    def close(self) -> None:
        """Take the icon away."""
        if self._icon is not None:
            self._icon.hide()
            self._icon.setContextMenu(None)  # type: ignore[arg-type]  # Qt takes a null menu, the stub does not
            self._icon = None
        self.menu.deleteLater()

    # --- icon ----------------------------------------------------------------------------------------------

    def _make(self) -> None:
        # WORKAROUND: QSystemTrayIcon does not register itself again with a StatusNotifierWatcher that starts
        # (or restarts) after it; a new icon does.
        if self._icon is not None:
            self._icon.hide()
            self._icon.deleteLater()
        icon = QSystemTrayIcon(self)
        icon.setContextMenu(self.menu)
        icon.activated.connect(self._activated)
        self._dress(icon)
        icon.show()
        self._icon = icon

    def _dress(self, icon: QSystemTrayIcon) -> None:
        icon.setIcon(tray_icon(tray_level(self.status)))
        icon.setToolTip("\n".join(tray_lines(self.status)))

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.open_wanted.emit()

    def _watch(self) -> QObject | None:
        if not sys.platform.startswith("linux"):
            return None
        from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher

        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return None
        watcher = QDBusServiceWatcher(_WATCHER, bus, QDBusServiceWatcher.WatchModeFlag.WatchForOwnerChange, self)
        watcher.serviceOwnerChanged.connect(self._owner_changed)
        return watcher

    def _owner_changed(self, _name: str, _before: str, now: str) -> None:
        log.info("tray host %s", "came" if now else "went")
        QTimer.singleShot(_SETTLE_MS, self, self._host_settled)

    def _host_settled(self) -> None:
        if self._icon is None:
            return
        if self.available:
            self._make()
            if self.status is not None:
                self._remind(self.status)
        self.host_changed.emit(self.available)

    # --- menu ----------------------------------------------------------------------------------------------

    def _fill_menu(self) -> None:
        """Rebuilt only when its words change: hosts close an open menu whose layout changes."""
        miners = self.status.miners if self.status is not None else ()
        earned, unknown = alpha_sums((miner.netuid, miner.earned_today_rao) for miner in miners)
        today = f"Earned today: {earned or UNKNOWN}" + (f" ({unknown} unknown)" if earned and unknown else "")
        shape = (today, self.status is None, *((m.id, m.name, wants_stop(m), m.installed) for m in miners))
        if shape == self._shape:
            return
        self._shape = shape
        self.menu.clear()
        self._entry("Open Ranvier").triggered.connect(self.open_wanted.emit)
        self.menu.addSeparator()
        for miner in miners:
            stop = wants_stop(miner)
            entry = self._entry(f"{'Stop' if stop else 'Start'} {miner.name}")
            if not stop and not miner.installed:
                entry.setEnabled(False)
                entry.setText(f"{entry.text()} (not installed)")
            signal = self.stop_wanted if stop else self.start_wanted
            entry.triggered.connect(lambda _=False, to=signal, miner_id=miner.id: to.emit(miner_id))
        self._entry(today).setEnabled(False)
        self.menu.addSeparator()
        self._entry("Quit window (miners go on)").triggered.connect(self.quit_wanted.emit)
        self._entry("Stop everything and quit").triggered.connect(self.stop_all_wanted.emit)

    def _entry(self, text: str) -> QAction:
        return self.menu.addAction(text.replace("&", "&&"))
