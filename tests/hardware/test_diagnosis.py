"""Each trouble becomes one sentence and one next step; a healthy machine says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ranvier.agent.hardware_watch import power_mw
from ranvier.core.evidence import Level
from ranvier.hardware.diagnosis import Surroundings, diagnose, throttled_for
from ranvier.hardware.history import Energy, energy
from ranvier.hardware.packing import pack, unpack
from ranvier.hardware.snapshot import Disk, Gpu, GpuProcess, Hardware, Host

GIB = 2**30
HOST = Host(
    name="h", system="Linux", cpu_name=None, cores_physical=4, cores_logical=8, cpu_percent=1.0, load_1min=0.1,
    memory_total=32 * GIB, memory_available=16 * GIB, swap_used=0, disk_total=10**12, disk_free=5 * 10**11,
    net_sent_bps=0.0, net_received_bps=0.0, temperature_c=50.0, uptime_s=100.0,
)  # fmt: skip
GOOD = Gpu(
    "GPU-1", "RTX 4090", 0, memory_total=24 * GIB, memory_used=GIB, utilization_percent=90, temperature_c=60,
    power_w=300.0, power_limit_w=450.0, power_default_w=450.0, pcie_generation=4, pcie_generation_max=4,
    pcie_width=16, pcie_width_max=16, ecc_uncorrected=0, pids=(), processes=(),
)  # fmt: skip


def sample(*gpus: Gpu, at: float = 0.0, **changes: object) -> Hardware:
    return replace(Hardware(at, HOST, gpus, driver="580", cuda="13.0"), **changes)


def codes(*history: Hardware, around: Surroundings | None = None) -> list[str]:
    return [finding.code for finding in diagnose(history, around)]


def test_a_healthy_machine_has_no_findings() -> None:
    assert codes(sample(GOOD)) == []
    assert diagnose([]) == ()


@pytest.mark.parametrize(
    ("gpu", "code", "words"),
    [
        (replace(GOOD, throttle_reasons=("heat (hardware)",), temperature_c=92), "throttled", "92 °C"),
        (replace(GOOD, throttle_reasons=("power limit",)), "throttled", "450 W"),
        (replace(GOOD, throttle_reasons=("power brake",)), "throttled", "power brake"),
        (replace(GOOD, power_limit_w=300.0), "power_limit", "below the card's own 450 W"),
        (replace(GOOD, pcie_width=8), "pcie_link", "generation 4 x8; it can do 4 x16"),
        (replace(GOOD, pcie_generation=1), "pcie_link", "generation 1 x16"),
        (replace(GOOD, ecc_uncorrected=3), "ecc", "3 errors"),
        (replace(GOOD, xid=79), "xid", "fell off the bus"),
        (replace(GOOD, xid=4711), "xid", "Xid 4711"),
        (
            replace(GOOD, memory_used=int(23.5 * GIB), processes=(GpuProcess(7, 20 * GIB, "vllm"),)),
            "memory_full",
            "0.5 GiB free, used by vllm (pid 7, 20.0 GiB)",
        ),
        (Gpu("GPU-1", "RTX 4090", 0, problem="The GPU is lost: it fell off.", trouble="lost"), "lost", "is lost"),
    ],
)
def test_each_trouble_of_a_card_is_one_sentence_and_one_step(gpu: Gpu, code: str, words: str) -> None:
    (finding,) = diagnose([sample(gpu)])
    assert finding.code == code
    assert words in finding.text
    assert finding.text.endswith(".")
    assert len(finding.next_step) > 10
    assert finding.gpu_uuid == "GPU-1"


def test_an_idle_card_may_lower_its_link_and_harmless_reasons_are_no_news() -> None:
    idle = replace(GOOD, pcie_generation=1, utilization_percent=0, throttle_reasons=("application clocks",))
    assert codes(sample(idle)) == []
    assert codes(sample(replace(GOOD, asleep=True, throttle_reasons=("power brake",)))) == []


@pytest.mark.parametrize(
    "code", ["no_driver", "mismatch", "nouveau", "not_loaded", "no_permission", "container", "hangs", "crashed"]
)
def test_a_driver_in_trouble_is_said_once_with_a_step(code: str) -> None:
    marked = Gpu("GPU-1", "RTX 4090", 0, problem="It fails.", trouble=code)
    (finding,) = diagnose([sample(marked, gpu_note="It fails. Do this.", gpu_trouble=code)])
    assert (finding.code, finding.level, finding.text) == (code, Level.BAD, "It fails.")
    assert finding.next_step != "Restart the machine."


def test_no_gpu_is_a_fact_and_no_fault() -> None:
    (finding,) = diagnose([sample(gpu_note="No NVIDIA GPU or driver was found.", gpu_trouble="none")])
    assert finding.level == Level.OFF


def test_throttling_is_told_with_how_long_without_a_break() -> None:
    hot = replace(GOOD, throttle_reasons=("heat (software)",))
    history = [sample(hot, at=0), sample(GOOD, at=10), sample(hot, at=20), sample(hot, at=50)]
    assert throttled_for(history, "GPU-1") == {"heat (software)": 30}
    assert "for 30 s" in diagnose(history)[0].text


def test_a_stranger_on_a_miners_gpu_is_named_and_small_or_own_programs_are_not() -> None:
    gpu = replace(GOOD, processes=(GpuProcess(1, 8 * GIB, "miner"), GpuProcess(2, GIB, "game"), GpuProcess(3, 1, "X")))
    around = Surroundings(miner_pids={"m": frozenset({1})}, miner_names={"m": "My miner"})
    (finding,) = diagnose([sample(gpu)], around)
    assert (finding.code, finding.title, finding.miner_id) == ("stranger", "My miner", "m")
    assert "game (pid 2" in finding.text
    assert "X" not in finding.text.replace("RTX", "")
    assert codes(sample(gpu)) == [], "without a miner it is nobody's business"
    assert codes(sample(gpu), around=Surroundings({"m": frozenset()}, {"m": frozenset({"GPU-1"})}))[0] == "stranger"


def test_a_torch_of_a_newer_cuda_generation_is_said() -> None:
    around = Surroundings(miner_cuda={"m": (13, 2), "old": (12, 8)})
    assert codes(sample(GOOD), around=around) == [], "minor versions of one generation go together"
    (finding,) = diagnose([sample(GOOD, cuda="12.4")], around)
    assert (finding.code, finding.miner_id) == ("cuda_old", "m")
    assert "CUDA 13.2" in finding.text


@pytest.mark.parametrize(
    ("host", "code"),
    [
        (replace(HOST, disks=(Disk("/d", 10**12, 10**9),)), "disk_full"),
        (replace(HOST, disks=(Disk("/d", 10**12, 10**11, read_only=True),)), "disk_read_only"),
        (replace(HOST, disks=(Disk("/d", 10**12, 10**11, errors=2),)), "disk_errors"),
        (replace(HOST, disks=(Disk("/d", 10**12, 10**11, inodes_free=40),)), "disk_files"),
        (replace(HOST, memory_available=GIB), "host_memory"),
        (replace(HOST, steal_percent=25.0), "steal"),
        (replace(HOST, on_battery=True), "battery"),
    ],
)
def test_each_trouble_of_the_machine_is_told(host: Host, code: str) -> None:
    assert codes(sample(GOOD, host=host)) == [code]


def test_the_worst_comes_first() -> None:
    gpu = replace(GOOD, power_limit_w=300.0, xid=48, pcie_width=4)
    assert codes(sample(gpu)) == ["xid", "pcie_link", "power_limit"]


def test_energy_is_the_counters_rise_else_power_over_time_and_never_both() -> None:
    def at(second: float, joules: float | None, watts: float | None = 100.0, booted: float | None = None) -> Hardware:
        host = HOST if booted is None else replace(HOST, uptime_s=second - booted)
        return sample(replace(GOOD, energy_j=joules, power_w=watts), at=second, host=host)

    counted = energy([at(0, 1000.0), at(10, 2500.0), at(20, 4000.0)], "GPU-1")
    assert counted is not None
    assert (counted.joules, counted.seconds, counted.counted) == (3000.0, 20, True)
    restarted = energy([at(0, 1000.0), at(10, 5.0)], "GPU-1")
    assert restarted is not None
    assert (restarted.joules, restarted.counted) == (1000.0, False)
    assert energy([at(0, None, None), at(10, None, None)], "GPU-1") is None
    assert energy([at(0, 1.0), at(9000, 5.0)], "GPU-1") is None, "nobody looked in between"
    night = energy([at(0, 1.0, booted=-50), at(9000, 5e5, booted=-49), at(9010, 6e5, booted=-49)], "GPU-1")
    assert night == Energy(6e5 - 1, 9010, counted=True), "the card counts also while nobody looks"
    assert energy([at(0, 1.0, booted=-50), at(9000, 5e5, booted=4000)], "GPU-1") is None, "the machine was off"
    assert energy([at(0, None, booted=-50), at(9000, None, booted=-50)], "GPU-1") is None, "no counter, no guess"


def test_energy_is_known_over_a_year_whatever_the_samples_distance() -> None:
    day = 86_400.0

    def year(counter: bool) -> list[Hardware]:
        """As a year is asked for: a thousand samples, nearly nine hours apart; the machine starts again each month."""
        found = []
        for n in range(1000):
            at = n * 365 * day / 1000
            card = replace(GOOD, power_w=100.0, energy_j=100.0 * (at % (30 * day)) if counter else None)
            found.append(sample(card, at=at, host=replace(HOST, uptime_s=at % (30 * day))))
        return found

    slot = 365 * day / 1000
    by_counter = energy(year(True), "GPU-1", slot)
    assert by_counter is not None and by_counter.seconds > 0.95 * 365 * day
    assert by_counter.joules == pytest.approx(100.0 * by_counter.seconds, rel=0.01)
    by_power = energy(year(False), "GPU-1", slot)
    assert by_power is not None and not by_power.counted and by_power.joules == pytest.approx(100.0 * 999 * slot)
    assert energy(year(False), "GPU-1") is None, "a pause of nine hours in samples of minutes is one"


def test_samples_pack_small_and_come_back_the_same() -> None:
    full = sample(
        replace(GOOD, processes=(GpuProcess(1, 2, "x"), GpuProcess(3)), throttle_reasons=("power limit",)),
        Gpu("GPU-2", "lost", 1, problem="Lost.", trouble="lost"),
        at=12.5, gpu_note="note", gpu_trouble="silent",
        host=replace(HOST, temperature_c=None, disks=(Disk("/d", 10, 5, True),), core_percents=(1.0, 2.0)),
    )  # fmt: skip
    body = pack(full)
    assert unpack(body) == full
    assert b"pcie_generation_max" in body
    assert len(pack(sample(Gpu("GPU-2", "x", 1)))) < 700
    assert unpack(b'{"at": 1}') is None


def test_the_agents_sum_of_power_leaves_out_what_draws_nothing_of_its_own() -> None:
    part, asleep = Gpu("MIG-1", "part", 0, parent_uuid="GPU-1", mig=True), Gpu("pci:1", "asleep", 1, asleep=True)
    assert power_mw(sample(GOOD, part, asleep)) == 300_000
    assert power_mw(sample(GOOD, Gpu("GPU-2", "lost", 1, problem="Lost."))) is None
    assert power_mw(sample(asleep)) is None
