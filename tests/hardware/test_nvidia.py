"""Against a make-believe NVML, loaded by a child process as the real one would be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ranvier.hardware.nvidia_words import driver_trouble
from ranvier.hardware.pci import PciCard

HERE = Path(__file__).parent
READER = HERE.parent / "programs" / "read_gpus.py"

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or not sys.platform.startswith("linux"), reason="needs gcc and Linux"
)

TWO = """\
count 2
driver 580.95.05
0.name NVIDIA GeForce RTX 4090
0.uuid GPU-aaaa
0.total 25757220864
0.used 8589934592
0.reserved 478150656
0.util 97
0.temp 83
0.power 431250
0.limit 450000
0.clock 2235
0.reasons 0x25
0.pids 4242,4243
1.name NVIDIA A100
1.uuid GPU-bbbb
"""


class Machine:
    """A child that reads the GPUs of ``scenario`` when told to."""

    def __init__(self, python: str, library: Path, folder: Path) -> None:
        self.scenario, self.sysfs = folder / "gpus.txt", folder / "sys"
        self.say(TWO)
        environment = {
            **os.environ, "LD_LIBRARY_PATH": str(library), "FAKE_NVML": str(self.scenario),
            "PYTHONPATH": str(HERE.parents[1] / "app"),
        }  # fmt: skip
        self.child = subprocess.Popen(
            [python, str(READER), str(self.sysfs)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
        )  # fmt: skip

    def say(self, text: str) -> None:
        new = self.scenario.with_suffix(".new")
        new.write_text(text)
        new.replace(self.scenario)

    def card(self, *, driver: str | None, asleep: bool = False) -> None:
        """Let the kernel list an NVIDIA card."""
        folder = self.sysfs / "bus" / "pci" / "devices" / "0000:01:00.0"
        (folder / "power").mkdir(parents=True, exist_ok=True)
        (folder / "vendor").write_text("0x10de\n")
        (folder / "class").write_text("0x030000\n")
        (folder / "power" / "runtime_status").write_text("suspended\n" if asleep else "active\n")
        if driver is not None and not (folder / "driver").exists():
            (self.sysfs / driver).mkdir()
            (folder / "driver").symlink_to(self.sysfs / driver)

    def read(self, seconds: float = 1.0) -> dict[str, Any]:
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(f"{seconds}\n")
        self.child.stdin.flush()
        return msgspec.json.decode(self.child.stdout.readline())

    def end(self) -> None:
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait(10)


@pytest.fixture
def machine(python: str, library: Path, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(python, library, tmp_path)
    yield machine
    machine.end()


def test_everything_a_card_gives_is_read(machine: Machine) -> None:
    reading = machine.read()
    assert reading["driver"] == "580.95.05"
    assert reading["note"] is None
    expected = {
        "uuid": "GPU-aaaa", "name": "NVIDIA GeForce RTX 4090", "index": 0, "memory_total": 25757220864,
        "memory_used": 8589934592, "utilization_percent": 97, "temperature_c": 83, "power_w": 431.2,
        "power_limit_w": 450.0, "clock_sm_mhz": 2235, "throttle_reasons": ["power limit", "heat (software)"],
        "pids": [4242, 4243], "problem": None, "pci_address": "0000:01:00.0", "memory_reserved": 478150656,
    }  # fmt: skip
    assert {key: reading["gpus"][0][key] for key in expected} == expected


def test_what_a_card_does_not_give_is_unknown_not_zero(machine: Machine) -> None:
    card = machine.read()["gpus"][1]
    for field in ("memory_total", "memory_used", "utilization_percent", "temperature_c", "power_w", "clock_sm_mhz"):
        assert card[field] is None
    assert card["problem"] is None
    assert card["throttle_reasons"] is None


def test_a_lost_card_is_told_and_the_other_goes_on(machine: Machine) -> None:
    machine.read()
    machine.say(TWO + "0.fail 15\n")
    lost, other = machine.read()["gpus"]
    assert "fell off the bus" in lost["problem"]
    assert lost["memory_used"] is None
    assert other["name"] == "NVIDIA A100"
    machine.say(TWO)
    assert machine.read()["gpus"][0]["problem"] is None


def test_a_card_that_is_lost_half_way_through_a_reading_keeps_its_identity(machine: Machine) -> None:
    machine.say(TWO + "0.fail.power 15\n")
    lost = machine.read()["gpus"][0]
    assert (lost["uuid"], lost["power_w"]) == ("GPU-aaaa", None)
    assert "fell off the bus" in lost["problem"]


def test_no_permission_for_one_field_is_only_that_field(machine: Machine) -> None:
    machine.say(TWO + "0.fail.pids 4\n0.fail.screens 4\n")
    card = machine.read()["gpus"][0]
    assert card["pids"] is None
    assert card["temperature_c"] == 83


def test_a_field_that_says_all_ones_is_unknown(machine: Machine) -> None:
    machine.say(TWO.replace("0.used 8589934592", "0.used 0xffffffffffffffff").replace("0.reserved 478150656", ""))
    assert machine.read()["gpus"][0]["memory_used"] is None


def test_unified_memory_that_says_zero_is_unknown(machine: Machine) -> None:
    machine.say(TWO + "1.total 0\n")
    assert machine.read()["gpus"][1]["memory_total"] is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (18, "was updated"),
        (9, "not loaded"),
        (12, "No NVIDIA GPU or driver"),
        (4, "may not use"),
        (999, "NVML error 999"),
    ],
)
def test_each_failure_of_the_driver_has_its_own_sentence(machine: Machine, code: int, words: str) -> None:
    machine.say(f"init {code}\n")
    reading = machine.read()
    assert words in reading["note"]
    assert reading["gpus"] == []
    machine.say(TWO)
    assert len(machine.read(seconds=6)["gpus"]) == 2, "it is tried again"


def test_a_card_without_its_driver_is_not_called_absent(machine: Machine) -> None:
    machine.say("init 12\n")
    machine.card(driver=None)
    assert "not installed" in machine.read()["note"]


def test_nouveau_is_named(machine: Machine) -> None:
    machine.say("init 9\n")
    machine.card(driver="nouveau")
    assert "nouveau" in machine.read()["note"]


def test_a_sleeping_card_is_not_woken(machine: Machine) -> None:
    machine.card(driver="nvidia", asleep=True)
    assert "asleep" in machine.read()["note"]
    machine.card(driver="nvidia", asleep=False)
    assert len(machine.read(seconds=6)["gpus"]) == 2


def test_a_driver_that_fails_as_a_whole_is_opened_again(machine: Machine) -> None:
    machine.read()
    machine.say(TWO + "fail.count 15\n")
    assert "fell off the bus" in machine.read()["note"]
    machine.say(TWO)
    assert len(machine.read()["gpus"]) == 2


def test_no_cards_is_said(machine: Machine) -> None:
    machine.say("count 0\n")
    assert machine.read()["note"] == "The NVIDIA driver is there and sees no GPU."


def test_slow_lists_are_asked_seldom(machine: Machine) -> None:
    assert machine.read()["gpus"][0]["pids"] == [4242, 4243]
    machine.say(TWO + "0.pids 7\n")
    assert machine.read()["gpus"][0]["pids"] == [4242, 4243]
    assert machine.read(seconds=6)["gpus"][0]["pids"] == [7]


def test_an_old_driver_is_read_by_its_older_calls(python: str, build: Callable[..., Path], tmp_path: Path) -> None:
    machine = Machine(python, build("-DOLD_DRIVER"), tmp_path)
    card = machine.read()["gpus"][0]
    machine.end()
    assert card["memory_used"] == 8589934592 + 478150656, "version 1 counts the reserve in"
    assert card["throttle_reasons"] == ["power limit", "heat (software)"]


def test_on_battery_an_idle_card_is_let_go_and_taken_up_again(machine: Machine) -> None:
    supply = machine.sysfs / "class" / "power_supply" / "AC"
    supply.mkdir(parents=True)
    (supply / "type").write_text("Mains\n")
    (supply / "online").write_text("0\n")
    machine.card(driver="nvidia")
    machine.say(TWO.replace("0.util 97", "0.util 0").replace("0.pids 4242,4243", ""))
    assert len(machine.read()["gpus"]) == 2
    assert len(machine.read(seconds=11)["gpus"]) == 2, "the reading that finds it idle is still told"
    assert machine.read()["trouble"] == "asleep"
    machine.card(driver="nvidia", asleep=True)
    (card,) = machine.read(seconds=10)["gpus"]
    assert (card["asleep"], card["uuid"]) == (True, "pci:0000:01:00.0")
    machine.card(driver="nvidia", asleep=False)
    (supply / "online").write_text("1\n")
    assert len(machine.read(seconds=30)["gpus"]) == 2


def test_a_busy_card_is_watched_on_battery_too(machine: Machine) -> None:
    supply = machine.sysfs / "class" / "power_supply" / "AC"
    supply.mkdir(parents=True)
    (supply / "type").write_text("Mains\n")
    (supply / "online").write_text("0\n")
    for _ in range(4):
        assert len(machine.read(seconds=11)["gpus"]) == 2


def test_a_container_without_the_toolkit_is_told_from_a_machine_without_a_driver() -> None:
    cards = (PciCard("0000:01:00.0", "nvidia", False),)
    assert driver_trouble(12, cards, "docker")[0] == "container"
    assert driver_trouble(12, cards)[0] == "no_driver"
    assert driver_trouble(12, (), "docker")[0] == "none"
    assert driver_trouble(12, (PciCard("0000:01:00.0", "nouveau", False),))[0] == "nouveau"
