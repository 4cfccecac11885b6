"""Hardware with everything in it: two 4090 with faults, a card cut into MIG instances, a laptop's GPU asleep."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from gui import samples
from ranvier.agent.api.messages import GetHardware, GetHardwareHistory, HardwareHistory
from ranvier.core.paths import Paths
from ranvier.hardware.snapshot import Gpu, GpuProcess, Hardware

GIB = 2**30


def rich(at: float) -> Hardware:
    """Two 4090: one sound, one hot, on a narrow link, with a stranger on it."""
    sample = samples.hardware(at)
    first, second = sample.gpus
    common = {
        "memory_busy_percent": 61, "fan_percent": 54, "clock_memory_mhz": 10_501, "energy_j": 4.1e8 + 300 * (at % 1e6),
        "power_default_w": 450.0, "temperature_slowdown_c": 84, "pcie_generation": 4, "pcie_generation_max": 4,
        "pcie_width_max": 16, "compute_capability": "8.9", "architecture": "Ada Lovelace",
    }  # fmt: skip
    first = replace(
        first, **common, pcie_width=16, pci_address="0000:01:00.0", processes=(GpuProcess(41_877, 16 * GIB, "python"),)
    )
    second = replace(
        second, **common, pcie_width=4, pci_address="0000:41:00.0", temperature_c=round(80 + 3 * math.sin(at / 40)),
        throttle_reasons=("heat (software)",), power_limit_w=400.0,
        processes=(GpuProcess(41_950, 14 * GIB, "python"), GpuProcess(5120, 2 * GIB, "blender")),
    )  # fmt: skip
    cores = tuple(max(0.0, min(100.0, 45 + 40 * math.sin(at / 9 + place * 1.7))) for place in range(32))
    host = replace(sample.host, core_percents=cores, swap_total=8_589_934_592, virtual="KVM", steal_percent=2.0)
    return replace(sample, host=host, gpus=(first, second), cuda="13.0")


def mig(at: float) -> Hardware:
    """An A100 cut into two instances, and a laptop's GPU that sleeps."""
    sample = samples.hardware(at, gpus=False)
    card = Gpu(
        uuid="GPU-aaaa0000-0000-4000-8000-000000000001", name="NVIDIA A100-SXM4-80GB", index=0,
        memory_total=85_899_345_920, memory_used=33_000_000_000, temperature_c=51,
        power_w=212.0 + 20 * math.sin(at / 30),
        power_limit_w=400.0, power_default_w=400.0, clock_sm_mhz=1410, mig=True, ecc_uncorrected=0, processes=(),
        compute_capability="8.0", architecture="Ampere", pci_address="0000:07:00.0",
    )  # fmt: skip
    one = Gpu(
        uuid="MIG-3f9c2a10-0000-4000-8000-0000000000a1", name="NVIDIA A100-SXM4-80GB MIG 3g.40gb", index=0, mig=True,
        parent_uuid=card.uuid, memory_total=42_949_672_960, memory_used=30_000_000_000,
        processes=(GpuProcess(41_877, 27 * GIB, "python"),),
    )  # fmt: skip
    other = replace(
        one, uuid="MIG-7be0415d-0000-4000-8000-0000000000a2", name="NVIDIA A100-SXM4-80GB MIG 2g.20gb",
        memory_total=21_474_836_480, memory_used=20_000_000, processes=(),
    )  # fmt: skip
    asleep = Gpu(uuid="pci:0000:65:00.0", name="AMD Radeon 780M", index=1, vendor="amd", asleep=True)
    host = replace(sample.host, battery_percent=83.0, on_battery=False)
    return replace(sample, host=host, gpus=(card, one, other, asleep), driver="580.95.05", cuda="13.0", gpu_note=None)


def client(home: object, make: object) -> samples.FakeClient:
    """A client whose hardware is ``make(at)``."""
    result = samples.FakeClient(Paths.under(home))
    result.answers[GetHardware] = lambda command: make(time.time())
    result.answers[GetHardwareHistory] = lambda command: HardwareHistory(
        tuple(
            make((time.time() if command.until is None else command.until) - back)
            for back in range(command.seconds, 0, -max(2, command.seconds // 450))
        )
    )
    return result
