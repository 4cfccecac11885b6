"""What is told lasts, what sways around a threshold is told once, and what went is taken back late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hardware.test_diagnosis import GIB, GOOD, HOST, sample
from ranvier.core.paths import Paths
from ranvier.core.settings import ALERT_CARD_LOST, ALERT_DISK_GB, DECLARED, GPU_HOT_C, Settings
from ranvier.hardware.alerts import Alerts
from ranvier.hardware.diagnosis import Surroundings
from ranvier.hardware.snapshot import Disk, Gpu, Hardware
from ranvier.hardware.thresholds import Thresholds, thresholds

MINER = Surroundings(miner_pids={"one": frozenset({77})}, miner_names={"one": "First"})


class Stand:
    """Samples two seconds apart, unless said otherwise."""

    def __init__(self, around: Surroundings = MINER, limits: Thresholds | None = None) -> None:
        self.alerts = Alerts()
        self.around, self.limits = around, limits or Thresholds()
        self.at = 1000.0

    def see(self, *gpus: Gpu, seconds: float = 2.0, **changes: object) -> list[str]:
        end = self.at + seconds
        while self.at < end:
            self.at = min(end, self.at + 2.0)
            self.alerts.look(sample(*gpus, at=self.at, **changes), self.around, self.limits)
        return self.codes()

    def codes(self) -> list[str]:
        return [one.finding.code for one in self.alerts.current]


def heat(degrees: int) -> Gpu:
    return replace(GOOD, temperature_c=degrees)


def test_a_temperature_that_sways_around_the_threshold_is_told_once() -> None:
    stand = Stand(limits=Thresholds(hot_c=80))
    assert stand.see(heat(85), seconds=8) == [] and stand.see(heat(79)) == []
    assert stand.see(heat(85), seconds=8) == [], "it began anew"
    assert stand.see(heat(85), seconds=8) == ["hot"]
    (first,) = stand.alerts.current
    for degrees in (79, 81, 76, 80) * 40:
        assert stand.see(heat(degrees)) == ["hot"]
    assert stand.alerts.current[0].key == first.key
    assert stand.see(heat(74), seconds=56) == ["hot"]
    assert stand.see(heat(74), seconds=10) == []
    stand.see(heat(90), seconds=20)
    assert stand.alerts.current[0].key != first.key, "another time is another incident"
    assert stand.alerts.title(stand.alerts.current[0]) == "GPU 0 · RTX 4090"


def test_a_card_is_slowed_down_for_long_before_it_is_told_and_a_power_limit_at_work_is_not() -> None:
    stand = Stand()
    hot = replace(GOOD, throttle_reasons=("heat (software)",), temperature_c=88)
    assert stand.see(hot, seconds=58) == []
    assert stand.see(hot, seconds=10) == ["throttled"]
    (told,) = stand.alerts.current
    assert told.finding.text == "It is slowed down by heat (software) at 88 °C, for more than 60 s."
    assert "fans" in told.finding.next_step
    assert Stand().see(replace(GOOD, throttle_reasons=("power limit",)), seconds=300) == []
    assert Stand(limits=Thresholds(throttled_s=0)).see(hot, seconds=300) == []


@pytest.mark.parametrize(
    ("limits", "gpu", "code"),
    [
        (Thresholds(), replace(GOOD, memory_used=int(23.9 * GIB)), "memory_full"),
        (Thresholds(memory_percent=0), replace(GOOD, memory_used=int(23.9 * GIB)), None),
        (Thresholds(), replace(GOOD, power_limit_w=200.0), None),
        (Thresholds(power_limit_percent=50), replace(GOOD, power_limit_w=200.0), "power_limit"),
        (Thresholds(power_limit_percent=40), replace(GOOD, power_limit_w=200.0), None),
        (Thresholds(), replace(GOOD, ecc_uncorrected=2), "ecc"),
    ],
)
def test_each_threshold_is_the_persons_own(limits: Thresholds, gpu: Gpu, code: str | None) -> None:
    assert Stand(limits=limits).see(gpu, seconds=60) == ([] if code is None else [code])


def test_a_disk_that_fills_up_is_told_with_what_is_left_now() -> None:
    stand = Stand(limits=Thresholds(disk_free_gb=10))
    stand.see(GOOD, seconds=20, host=replace(HOST, disks=(Disk("/d", 10**12, 9 * 10**9),)))
    assert "9.0 GB left" in stand.alerts.current[0].finding.text
    stand.see(GOOD, seconds=64, host=replace(HOST, disks=(Disk("/d", 10**12, 2 * 10**9),)))
    assert "2.0 GB left" in stand.alerts.current[0].finding.text
    assert stand.see(GOOD, seconds=90, host=replace(HOST, disks=(Disk("/d", 10**12, 11 * 10**9),))) == ["disk_full"]
    assert stand.see(GOOD, seconds=90, host=replace(HOST, disks=(Disk("/d", 10**12, 13 * 10**9),))) == []


def test_a_lost_card_is_told_at_once_and_one_that_vanished_too() -> None:
    other = replace(GOOD, uuid="GPU-2", index=1)
    lost = Gpu("GPU-2", "RTX 4090", 1, problem="The GPU is lost: it fell off.", trouble="lost")
    stand = Stand()
    stand.see(GOOD, other)
    assert stand.see(GOOD, lost) == ["lost"]
    (first,) = stand.alerts.current
    assert stand.see(GOOD) == ["lost"] and stand.alerts.current[0].key == first.key, "the same incident"
    assert stand.alerts.title(first) == "GPU 1 · RTX 4090"
    assert stand.see(GOOD, other, seconds=14) == []
    off = Stand(limits=Thresholds(card_lost=False))
    off.see(GOOD, other)
    assert off.see(GOOD) == [] and off.see(GOOD, lost) == []
    driver = Stand()
    driver.see(GOOD, other)
    told = driver.see(gpu_note="The driver and its library disagree.", gpu_trouble="mismatch")
    assert told == ["mismatch"], "the driver's trouble explains why no card is listed"


def test_the_card_of_a_miner_that_is_not_there_is_told_by_the_miners_name() -> None:
    around = replace(MINER, miner_gpus={"one": frozenset({"GPU-9"})})
    stand = Stand(around)
    assert stand.see(GOOD, seconds=14) == ["missing"]
    (told,) = stand.alerts.current
    assert (told.finding.miner_id, stand.alerts.title(told)) == ("one", "First")


def test_a_driver_that_was_not_asked_changes_nothing_and_a_gap_begins_anew() -> None:
    stand = Stand(limits=Thresholds(hot_c=80))
    stand.see(heat(85), seconds=8)
    stand.at += 3600
    assert stand.see(heat(85)) == [], "nobody looked for an hour"
    assert stand.see(heat(85), seconds=12) == ["hot"]
    assert stand.see(gpu_note="closed", gpu_trouble="closed") == ["hot"]


def test_battery_and_crowded_hosts_matter_only_to_miners() -> None:
    host = replace(HOST, on_battery=True, steal_percent=40.0)
    assert sorted(Stand().see(GOOD, seconds=70, host=host)) == ["battery", "steal"]
    assert Stand(Surroundings()).see(GOOD, seconds=70, host=host) == []


def test_every_threshold_is_a_declared_setting(tmp_path) -> None:
    settings = Settings(Paths.under(tmp_path).settings_file)
    assert thresholds(settings) == Thresholds()
    settings.set(GPU_HOT_C, 83)
    settings.set(ALERT_DISK_GB, 50)
    settings.set(ALERT_CARD_LOST, False)
    assert thresholds(settings) == Thresholds(hot_c=83, disk_free_gb=50, card_lost=False)
    keys = {one.key for one in DECLARED}
    assert {"alert_memory_percent", "alert_throttled_s", "alert_power_limit_percent", "gpu_hot_c"} <= keys


def test_looking_says_whether_anything_changed() -> None:
    alerts, bad = Alerts(), Gpu("GPU-1", "x", 0, problem="It is lost.", trouble="lost")
    look = lambda at, *gpus: alerts.look(Hardware(at, HOST, gpus), MINER, Thresholds())  # noqa: E731
    assert [look(1.0, bad), look(2.0, bad), look(3.0, GOOD), look(30.0, GOOD)] == [True, False, False, True]
