"""What NVIDIA's documentation and the drivers' history say, held against the reader: old and coming drivers, errors
that come with a card's end, and cards that must be left asleep."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.test_alerts import Stand
from hardware.test_diagnosis import GOOD, HOST, sample
from hardware.test_nvidia import TWO, Machine
from hardware.test_nvml_child import Bed, cards
from ranvier.core.evidence import Level
from ranvier.hardware.diagnosis import Surroundings, diagnose, together
from ranvier.hardware.nvidia_words import card_trouble, driver_trouble
from ranvier.hardware.pci import PciCard
from ranvier.hardware.snapshot import Gpu

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or not sys.platform.startswith("linux"), reason="needs gcc and Linux"
)


@pytest.fixture
def machine(python: str, library: Path, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(python, library, tmp_path)
    yield machine
    machine.end()


@pytest.fixture
def bed(tmp_path: Path, library: Path) -> Iterator[Bed]:
    bed = Bed(tmp_path, library)
    yield bed
    bed.probe.close()


def kernel_cards(machine: Machine, *asleep: bool) -> None:
    for place, sleeps in enumerate(asleep):
        folder = machine.sysfs / "bus" / "pci" / "devices" / f"0000:{place + 1:02x}:00.0"
        (folder / "power").mkdir(parents=True, exist_ok=True)
        (folder / "vendor").write_text("0x10de\n")
        (folder / "class").write_text("0x030000\n")
        (folder / "power" / "runtime_status").write_text("suspended\n" if sleeps else "active\n")


# --- drivers old and new ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["-DOLD_DRIVER", "-DNEW_DRIVER"])
def test_a_driver_without_this_or_that_function_still_tells_everything(
    python: str, build: Callable[..., Path], tmp_path: Path, flag: str
) -> None:
    """pynvml's unversioned process lists raise what is no NVMLError with drivers older than 510."""
    machine = Machine(python, build(flag), tmp_path)
    machine.say(TWO + "0.screens 4243:1000,9:2000\n")
    card = machine.read()["gpus"][0]
    machine.end()
    assert (card["temperature_c"], card["throttle_reasons"]) == (83, ["power limit", "heat (software)"])
    assert [(one["pid"], one["memory"], one["kind"]) for one in card["processes"]] == [
        (9, 2000, "G"), (4242, None, "C"), (4243, 1000, "C+G"),
    ]  # fmt: skip


def test_the_drivers_with_larger_list_entries_are_asked_in_the_old_way(machine: Machine) -> None:
    odd = TWO.replace("580.95.05", "535.54.03").replace("0.pids 4242,4243", "0.pids 4242:10,4243:20,4244:30")
    machine.say(odd + "odd_lists 1\n")
    assert machine.read()["gpus"][0]["pids"] == [4242, 4243, 4244]


def test_reasons_that_a_card_does_not_tell_are_unknown_and_none_is_none(machine: Machine) -> None:
    machine.say(TWO + "1.reasons 0x1\n")
    assert machine.read()["gpus"][1]["throttle_reasons"] == [], "idle is no throttling"
    machine.say(TWO)
    assert machine.read()["gpus"][1]["throttle_reasons"] is None


# --- the end of a card -----------------------------------------------------------------------------------------


def test_the_error_that_comes_with_a_cards_end_is_kept_with_its_hour(bed: Bed) -> None:
    assert bed.probe.read().gpus[0].xid is None
    bed.say(cards(1) + "0.fail 15\n0.xid 79\n")
    lost = bed.probe.read().gpus[0]
    assert (lost.trouble, lost.xid, lost.pci_address) == ("lost", 79, "0000:01:00.0")
    assert lost.xid_at is not None and lost.xid_at > 1.7e9
    bed.say(cards(1) + "0.fail 15\n0.xid 45\n")
    assert bed.probe.read().gpus[0].xid == 79, "45 only clears away what an earlier error left"
    bed.say(cards(1) + "0.xid 48\n")
    assert bed.probe.read().gpus[0].xid == 48


def test_two_cards_that_never_answered_are_two(machine: Machine) -> None:
    machine.say(TWO + "0.fail 15\n1.fail.handle 8\n")
    first, second = machine.read()["gpus"]
    assert first["uuid"] != second["uuid"] and (first["trouble"], second["trouble"]) == ("lost", "no_power")


@pytest.mark.parametrize(("code", "trouble"), [(8, "no_power"), (11, "interrupts"), (14, "inforom"), (17, "blocked")])
def test_each_failure_of_a_card_has_a_sentence_and_a_step(code: int, trouble: str) -> None:
    found, problem = card_trouble(code)
    assert found == trouble
    (finding,) = diagnose([sample(Gpu("GPU-1", "RTX 4090", 0, problem=problem, trouble=found))])
    assert finding.level is Level.BAD and finding.next_step != "Restart the machine."


def test_a_container_that_lost_its_cards_and_the_version_that_still_runs_are_told(machine: Machine) -> None:
    trouble, note = driver_trouble(999, (), "docker")
    (finding,) = diagnose([sample(gpu_note=note, gpu_trouble=trouble)])
    assert (finding.code, "Restart the container" in finding.next_step) == ("container_lost", True)
    assert driver_trouble(999, ())[0] == "silent"
    assert driver_trouble(9, (PciCard("0000:01:00.0", "nvidia", False),), "docker")[0] == "container"
    assert driver_trouble(9, None)[0] == driver_trouble(9, (), "docker")[0] == "not_loaded"
    assert driver_trouble(9, (PciCard("0000:01:00.0", "nouveau", False),), "docker")[0] == "nouveau"
    (machine.sysfs / "module" / "nvidia").mkdir(parents=True)
    (machine.sysfs / "module" / "nvidia" / "version").write_text("535.129.03\n")
    machine.say("init 18\n")
    assert "the old one (535.129.03) still runs" in machine.read()["note"]


def test_an_error_of_a_program_is_told_for_an_hour_and_one_of_the_card_for_good() -> None:
    def told(xid: int, at: float) -> list[str]:
        return [one.text for one in diagnose([sample(replace(GOOD, xid=xid, xid_at=100.0), at=at)])]

    assert told(31, 100.0) == ["The driver reported Xid 31: a program read memory that is not its own."]
    assert told(31, 100.0 + 720)[0].startswith("The driver reported Xid 31, 12 min ago:")
    assert told(31, 100.0 + 3600) == []
    assert told(48, 100.0 + 90_000)[0].startswith("The driver reported Xid 48, 25 h ago:")


def test_the_slowdowns_own_bit_is_not_told_beside_its_cause() -> None:
    def causes(*reasons: str) -> list[str]:
        return [one.about for one in diagnose([sample(replace(GOOD, throttle_reasons=reasons))])]

    assert causes("hardware slowdown", "heat (hardware)") == ["heat (hardware)"]
    assert causes("hardware slowdown", "power brake") == ["power brake"]
    assert causes("hardware slowdown") == ["hardware slowdown"]


def test_what_is_the_same_of_equal_cards_is_said_once() -> None:
    busy = replace(GOOD, throttle_reasons=("power limit",))
    cards_ = [replace(busy, uuid=f"GPU-{n}", index=n) for n in range(3)]
    hot = replace(cards_[2], throttle_reasons=("power brake",))
    other = replace(busy, uuid="GPU-9", index=3, name="RTX 3090")
    seen = sample(cards_[0], cards_[1], hot, other, host=replace(HOST, on_battery=True))
    around = Surroundings({"m": frozenset({1})}, {"m": frozenset({"GPU-7", "GPU-8"})}, {}, {"m": "Mine"})
    told = together(diagnose([seen], around), seen.gpus)
    assert [(one.code, about) for one, about in told] == [
        ("missing", "Mine"), ("missing", "Mine"), ("battery", "Power"), ("throttled", "GPU 2 · RTX 4090"),
        ("throttled", "GPU 0, 1 · RTX 4090"), ("throttled", "GPU 3 · RTX 3090"),
    ]  # fmt: skip
    assert told[3][0].text == "It is slowed down by the power brake."


def test_one_step_for_the_same_limit_of_several_cards() -> None:
    low = replace(GOOD, power_limit_w=300.0, power_default_w=450.0)
    cards_ = [replace(low, uuid=f"GPU-{n}", index=n) for n in (0, 2, 5)]
    seen = sample(*cards_, replace(cards_[0], uuid="GPU-6", index=6, power_limit_w=200.0))
    told = [(about, one.next_step) for one, about in together(diagnose([seen]), seen.gpus)]
    assert told == [
        ("GPU 0, 2, 5 · RTX 4090", "If nobody set it on purpose: nvidia-smi -i 0,2,5 -pl 450"),
        ("GPU 6 · RTX 4090", "If nobody set it on purpose: nvidia-smi -i 6 -pl 450"),
    ]


# --- cards that sleep ------------------------------------------------------------------------------------------


def test_a_card_that_sleeps_beside_one_that_works_is_not_touched(machine: Machine) -> None:
    kernel_cards(machine, True, False)
    machine.say(TWO + "0.crash.handle 1\n0.crash.uuid 1\n")
    for _ in range(2):
        asleep, awake = machine.read()["gpus"]
        assert (asleep["asleep"], asleep["uuid"], asleep["index"]) == (True, "pci:0000:01:00.0", 0)
        assert (awake["uuid"], awake["index"], awake["asleep"]) == ("GPU-bbbb", 1, False)
    kernel_cards(machine, False, False)
    machine.say(TWO)
    assert [gpu["uuid"] for gpu in machine.read()["gpus"]] == ["GPU-aaaa", "GPU-bbbb"]


def test_a_card_that_falls_asleep_keeps_its_name_also_for_a_new_reader(bed: Bed) -> None:
    folder = bed.scenario.parent / "sys" / "bus" / "pci" / "devices" / "0000:01:00.0"
    (folder / "power").mkdir(parents=True)
    for name, text in (("vendor", "0x10de"), ("class", "0x030000"), ("power/runtime_status", "active")):
        (folder / name).write_text(text)
    assert bed.probe.read().gpus[0].uuid == "GPU-0000"
    bed.probe.close()
    (folder / "power" / "runtime_status").write_text("suspended")
    (gpu,) = bed.probe.read().gpus
    assert (gpu.uuid, gpu.name, gpu.asleep) == ("GPU-0000", "NVIDIA GeForce RTX 4090", True)


def test_on_battery_the_card_that_is_left_alone_stays_listed(machine: Machine) -> None:
    supply = machine.sysfs / "class" / "power_supply" / "AC"
    supply.mkdir(parents=True)
    (supply / "type").write_text("Mains\n")
    (supply / "online").write_text("0\n")
    kernel_cards(machine, False)
    machine.say(TWO.replace("count 2", "count 1").replace("0.util 97", "0.util 0").replace("0.pids 4242,4243", ""))
    assert machine.read()["gpus"][0]["asleep"] is False
    machine.read(seconds=11)
    (card,) = machine.read()["gpus"]
    assert (card["asleep"], card["pci_address"], card["problem"]) == (True, "0000:01:00.0", None)


def test_a_card_that_wakes_up_is_no_lost_one() -> None:
    asleep = Gpu("pci:0000:01:00.0", "NVIDIA GPU (asleep)", 0, pci_address="0000:01:00.0", asleep=True)
    awake = replace(GOOD, pci_address="0000:01:00.0")
    around = Surroundings({"m": frozenset()}, {"m": frozenset({"GPU-1"})})
    stand = Stand(around)
    assert stand.see(asleep, seconds=20, gpu_note="asleep", gpu_trouble="asleep") == [], "it may be the miner's"
    assert stand.see(awake, seconds=20) == [] and stand.see(asleep, seconds=20) == []
    assert {"lost", "missing"} <= set(stand.see(seconds=20)), "now it is gone"
    awake_other = Gpu("pci:0000:00:02.0", "Intel UHD", 1, vendor="intel", pci_address="0000:00:02.0")
    assert "missing" in Stand(around).see(awake_other, seconds=20), "a card that only its address names, and works"
