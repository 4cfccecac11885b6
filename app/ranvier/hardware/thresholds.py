"""From where on a reading is worth telling, as the person has set it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from ranvier.core.settings import (
    ALERT_CARD_LOST,
    ALERT_DISK_GB,
    ALERT_MEMORY_PERCENT,
    ALERT_POWER_LIMIT_PERCENT,
    ALERT_THROTTLED_S,
    GPU_HOT_C,
    Settings,
)

_EASED_C, _EASED_PERCENT, _EASED_DISK = 5, 3, 1.2


@dataclass(frozen=True, slots=True)
class Thresholds:
    """0 (and False) means: not to be told. ``power_limit_percent`` is of the card's own limit; gigabytes are 10^9."""

    hot_c: int = GPU_HOT_C.default
    memory_percent: int = ALERT_MEMORY_PERCENT.default
    throttled_s: int = ALERT_THROTTLED_S.default
    power_limit_percent: int = ALERT_POWER_LIMIT_PERCENT.default
    disk_free_gb: float = ALERT_DISK_GB.default
    card_lost: bool = ALERT_CARD_LOST.default

    @property
    def set_by_person(self) -> bool:
        """Whether one was chosen, and not only switched off: then somebody wants to be told."""
        return any(getattr(self, one.name) not in (one.default, 0) for one in fields(self))

    def eased(self) -> Thresholds:
        """Those that must be left again before an alert is taken back: a reading that sways around one does not
        raise it anew each time."""
        return replace(
            self,
            hot_c=max(1, self.hot_c - _EASED_C) if self.hot_c else 0,
            memory_percent=max(1, self.memory_percent - _EASED_PERCENT) if self.memory_percent else 0,
            disk_free_gb=self.disk_free_gb * _EASED_DISK,
        )


def thresholds(settings: Settings) -> Thresholds:
    """As the settings say now."""
    get = settings.get
    return Thresholds(
        hot_c=get(GPU_HOT_C),
        memory_percent=get(ALERT_MEMORY_PERCENT),
        throttled_s=get(ALERT_THROTTLED_S),
        power_limit_percent=get(ALERT_POWER_LIMIT_PERCENT),
        disk_free_gb=get(ALERT_DISK_GB),
        card_lost=get(ALERT_CARD_LOST),
    )
