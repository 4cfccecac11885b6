"""Settings, declared once: key, type, default, label, help. Kept in ``settings.toml``; no secrets."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import tomli_w

from ranvier.core.errors import StorageError, why
from ranvier.core.files import read_small, write_atomic
from ranvier.core.outside import read_toml

T = TypeVar("T", str, int, bool)


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One declared setting. ``choices`` limits a text setting; one that is not ``offered`` has no effect here."""

    key: str
    default: T
    label: str
    help: str
    choices: tuple[str, ...] = ()
    offered: bool = True


NETWORK = Setting("network", "", "Network", "Which network Ranvier works on; empty until you choose.")
ENDPOINT = Setting(
    "endpoint",
    "",
    "Own endpoint",
    "A node of your own to ask before the public ones, such as ws://127.0.0.1:9944 for one on this machine. "
    "A node of another network is never used.",
)
WALLET_FOLDER = Setting(
    "wallet_folder",
    "",
    "Wallet folder",
    "Where wallets are kept; empty means the folder all Bittensor tools use.",
)
WATCHED_COLDKEY = Setting(
    "watched_coldkey_ss58", "", "Watched coldkey", "The coldkey address whose stake and earnings are shown."
)
THEME = Setting(
    "theme",
    "system",
    "Appearance",
    "Follow the system, or always light or dark.",
    ("system", "light", "dark"),
)
CLOSE_TO_TRAY = Setting(
    "close_to_tray",
    True,
    "Keep in tray",
    "Closing the window leaves the tray icon; miners and the agent go on either way.",
)
HARDWARE_INTERVAL_S = Setting(
    "hardware_interval_s",
    1,
    "Hardware sampling",
    "Seconds between two samples while the Hardware page is open.",
)
GPU_HOT_C = Setting(
    "gpu_hot_c",
    0,
    "GPU temperature threshold",
    "You are told from this many degrees on, also while no miner runs; the Hardware page draws a line. 0: none.",
)
ALERT_MEMORY_PERCENT = Setting(
    "alert_memory_percent",
    97,
    "GPU memory nearly full",
    "Tell me from this much of a GPU's memory in use on, with who uses it; 0 means never.",
)
ALERT_THROTTLED_S = Setting(
    "alert_throttled_s",
    60,
    "GPU slowed down",
    "Tell me when heat or power supply slow a GPU down for this long; 0 means never.",
)
ALERT_POWER_LIMIT_PERCENT = Setting(
    "alert_power_limit_percent",
    0,
    "Power limit",
    "Tell me when a GPU's power limit is below this part of its own; 0 means never.",
)
ALERT_DISK_GB = Setting(
    "alert_disk_gb",
    5,
    "Disk space",
    "Tell me when a disk that Ranvier needs has less than this left; 0 means never.",
)
ALERT_CARD_LOST = Setting(
    "alert_card_lost",
    True,
    "GPU lost",
    "Tell me when a GPU is gone that was there, or that a miner needs.",
)
SANDBOX_BLOCK_MS = Setting(
    "sandbox_block_ms", 1000, "Sandbox block time", "Milliseconds per block of the practice network."
)
STOP_BEFORE_SLEEP = Setting(
    "stop_before_sleep",
    False,
    "Stop miners before sleep",
    "Stop miners in order before the machine sleeps or shuts down, as far as it waits; start them again after it."
    if sys.platform == "linux"
    else "Not offered on this system: it needs Linux with systemd.",
    offered=sys.platform == "linux",
)

LIMIT_ACTION_TAO = Setting(
    "limit_action_tao",
    "",
    "Most per transaction",
    "TAO that one transaction may move or spend; more is refused. Empty: no limit.",
)
LIMIT_DAY_TAO = Setting(
    "limit_day_tao",
    "",
    "Most per day",
    "TAO that the transactions of one day (UTC) may move or spend together. Empty: no limit.",
)
RETYPE_ABOVE_TAO = Setting(
    "retype_above_tao",
    "1",
    "Type again above",
    "From this many TAO on, the amount must be typed once more before it is signed. Empty: never.",
)
LIMIT_COST_PERCENT = Setting(
    "limit_cost_percent",
    "5",
    "Most fee and slippage",
    "Percent that a swap may lose to pool fee and slippage; more is refused. Empty: no limit.",
)

DECLARED: tuple[Setting[str] | Setting[int] | Setting[bool], ...] = (
    NETWORK, ENDPOINT, WALLET_FOLDER, WATCHED_COLDKEY, THEME, CLOSE_TO_TRAY, HARDWARE_INTERVAL_S, GPU_HOT_C,
    ALERT_MEMORY_PERCENT, ALERT_THROTTLED_S, ALERT_POWER_LIMIT_PERCENT, ALERT_DISK_GB, ALERT_CARD_LOST,
    SANDBOX_BLOCK_MS, STOP_BEFORE_SLEEP,
    LIMIT_ACTION_TAO, LIMIT_DAY_TAO, RETYPE_ABOVE_TAO, LIMIT_COST_PERCENT,
)  # fmt: skip


class Settings:
    """The values of one ``settings.toml``. Unknown keys in the file are kept; wrong types fall back to the default."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values: dict[str, object] = {}
        self._listeners: list[Callable[[str], None]] = []
        self.reload()

    def reload(self) -> None:
        """Read the file again; a missing file means defaults.

        Raises StorageError when the file is not readable TOML, so that it is never overwritten by accident.
        """
        try:
            self._values = read_toml(read_small(self.path).decode("utf-8"))
        except FileNotFoundError:
            self._values = {}
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            said = f"it is not valid TOML, {error}" if isinstance(error, tomllib.TOMLDecodeError) else why(error)
            raise StorageError(
                "Settings unreadable",
                f"{self.path}: {said}.",
                "Repair the file, or move it away to start with defaults.",
            ) from error

    def get(self, setting: Setting[T]) -> T:
        """The value, or the declared default."""
        value = self._values.get(setting.key, setting.default)
        if type(value) is not type(setting.default):
            return setting.default
        if setting.choices and value not in setting.choices:
            return setting.default
        return value

    def set(self, setting: Setting[T], value: T) -> None:
        """Store a value on disk, then tell the listeners its key."""
        if type(value) is not type(setting.default):
            raise TypeError(f"{setting.key} is a {type(setting.default).__name__}")
        if setting.choices and value not in setting.choices:
            raise ValueError(f"{setting.key} is one of {', '.join(setting.choices)}")
        values = {**self._values, setting.key: value}
        write_atomic(self.path, tomli_w.dumps(values).encode())
        self._values = values
        for listener in list(self._listeners):
            listener(setting.key)

    def on_change(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call ``listener(key)`` after each change; returns the function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
