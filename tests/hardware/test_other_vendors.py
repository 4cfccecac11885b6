"""AMD and Intel from made trees, Apple and Windows from recorded shapes, and the kinds of machines."""

from __future__ import annotations

import os
import plistlib
from pathlib import Path

import pytest

from ranvier.hardware.apple import AppleProbe, parse_accelerators
from ranvier.hardware.disks import disks
from ranvier.hardware.drm import DrmProbe
from ranvier.hardware.machine import machine
from ranvier.hardware.probe import AllGpus, GpuReading
from ranvier.hardware.snapshot import Gpu, GpuProcess
from ranvier.hardware.windows import adapters


def tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def card(root: Path, name: str, address: str, driver: str | None, files: dict[str, str]) -> None:
    device = root / "sys/devices/pci" / address
    tree(device, files)
    if driver is not None:
        (root / "sys/bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
        (device / "driver").symlink_to(root / "sys/bus/pci/drivers" / driver)
    folder = root / "sys/class/drm" / name
    folder.mkdir(parents=True)
    (folder / "device").symlink_to(device)


AMD = {
    "vendor": "0x1002", "device": "0x744c", "mem_info_vram_total": "25753026560", "mem_info_vram_used": "1073741824",
    "gpu_busy_percent": "98", "mem_busy_percent": "40", "pp_dpm_sclk": "0: 500Mhz\n1: 2482Mhz *",
    "pp_dpm_mclk": "0: 96Mhz *\n1: 1249Mhz", "hwmon/hwmon3/temp1_input": "61000", "hwmon/hwmon3/temp1_label": "edge",
    "hwmon/hwmon3/temp2_input": "75000", "hwmon/hwmon3/temp2_label": "junction",
    "hwmon/hwmon3/power1_average": "303000000", "hwmon/hwmon3/power1_cap": "339000000",
    "hwmon/hwmon3/fan1_input": "1500", "current_link_speed": "16.0 GT/s PCIe", "current_link_width": "16",
    "max_link_speed": "16.0 GT/s PCIe", "max_link_width": "16", "power/runtime_status": "active",
    "unique_id": "4a1f2b3c",
}  # fmt: skip


def test_an_amd_card_is_read_from_the_kernel(tmp_path: Path) -> None:
    card(tmp_path, "card1", "0000:03:00.0", "amdgpu", AMD)
    tree(tmp_path, {
        "usr/share/hwdata/pci.ids": "1002  Advanced Micro Devices\n\t744c  Navi 31 [Radeon RX 7900 XTX]",
        "sys/class/kfd/kfd/topology/nodes/1/properties": "gfx_target_version 110000\nlocation_id 768\ndomain 0",
        "sys/class/kfd/kfd/topology/nodes/1/gpu_id": "30381",
        "sys/class/kfd/kfd/proc/771/vram_30381": "4000000000", "sys/class/kfd/kfd/proc/88/vram_30381": "0",
        "sys/class/kfd/kfd/proc/99/vram_1": "5",
    })  # fmt: skip
    gpu = DrmProbe(tmp_path).read().gpus[0]
    assert gpu.processes == (GpuProcess(771, 4_000_000_000, kind="C"),) and gpu.pids == (771,), "not another card's"
    assert (gpu.uuid, gpu.vendor, gpu.name) == ("amd:4a1f2b3c", "amd", "AMD Navi 31 [Radeon RX 7900 XTX]")
    assert (gpu.memory_total, gpu.memory_used, gpu.utilization_percent) == (25753026560, 1073741824, 98)
    assert (gpu.temperature_c, gpu.power_w, gpu.power_limit_w, gpu.fan_rpm) == (61, 303.0, 339.0, 1500)
    assert (gpu.clock_sm_mhz, gpu.clock_memory_mhz, gpu.architecture) == (2482, 96, "gfx1100")
    assert (gpu.pcie_generation, gpu.pcie_width_max, gpu.kernel_driver, gpu.problem) == (4, 16, "amdgpu", None)


def test_an_intel_cards_power_is_its_energys_rise(tmp_path: Path) -> None:
    files = {
        "vendor": "0x8086", "device": "0x56a0", "tile0/gt0/freq0/act_freq": "2400", "tile0/gt0/freq0/max_freq": "2450",
        "hwmon/hwmon1/energy1_input": "1000000", "hwmon/hwmon1/temp2_input": "55000",
        "hwmon/hwmon1/temp2_label": "pkg",
    }  # fmt: skip
    card(tmp_path, "card0", "0000:07:00.0", "xe", files)
    now = [0.0]
    probe = DrmProbe(tmp_path, lambda: now[0])
    first = probe.read().gpus[0]
    assert (first.power_w, first.memory_total, first.utilization_percent) == (None, None, None)
    assert (first.energy_j, first.processes) == (1.0, None), "the counter itself is kept; nobody tells its programs"
    assert (first.clock_sm_mhz, first.clock_sm_max_mhz, first.temperature_c) == (2400, 2450, 55)
    now[0] = 2.0
    tree(tmp_path / "sys/devices/pci/0000:07:00.0", {"hwmon/hwmon1/energy1_input": "251000000"})
    assert probe.read().gpus[0].power_w == 125.0
    now[0] = 3.0
    tree(tmp_path / "sys/devices/pci/0000:07:00.0", {"hwmon/hwmon1/energy1_input": "5"})
    assert probe.read().gpus[0].power_w is None, "a counter that went back tells nothing"


def test_a_sleeping_card_is_listed_and_not_asked(tmp_path: Path) -> None:
    card(tmp_path, "card0", "0000:03:00.0", "amdgpu", {**AMD, "power/runtime_status": "suspended"})
    gpu = DrmProbe(tmp_path).read().gpus[0]
    assert (gpu.asleep, gpu.temperature_c, gpu.memory_total, gpu.uuid) == (True, None, None, "pci:0000:03:00.0")
    state = tmp_path / "sys/devices/pci/0000:03:00.0/power/runtime_status"
    probe = DrmProbe(tmp_path)
    state.write_text("active\n")
    assert probe.read().gpus[0].uuid == "amd:4a1f2b3c"
    state.write_text("suspended\n")
    gpu = probe.read().gpus[0]
    assert (gpu.asleep, gpu.uuid) == (True, "amd:4a1f2b3c"), "the same card, also while it sleeps"


def test_connectors_and_nvidia_cards_are_not_ours_and_a_card_without_a_driver_says_so(tmp_path: Path) -> None:
    card(tmp_path, "card0", "0000:01:00.0", "nvidia", {"vendor": "0x10de"})
    card(tmp_path, "card1", "0000:02:00.0", None, {"vendor": "0x1002", "device": "0x1"})
    (tmp_path / "sys/class/drm/card1-DP-1").mkdir()
    gpus = DrmProbe(tmp_path).read().gpus
    assert [(gpu.pci_address, gpu.trouble) for gpu in gpus] == [("0000:02:00.0", "no_driver")]
    assert DrmProbe(tmp_path / "none").read() == GpuReading()


def test_apples_gpu_has_the_machines_memory() -> None:
    entries = [{
        "IOClass": "AGXAcceleratorG14X", "model": "Apple M2 Max", "gpu-core-count": 38, "IORegistryEntryID": 4294968,
        "PerformanceStatistics": {"Device Utilization %": 37, "In use system memory": 1234567},
    }]  # fmt: skip
    output = plistlib.dumps(entries)
    probe = AppleProbe(lambda command: b"68719476736\n" if "sysctl" in command[0] else output, active=True)
    gpu = probe.read().gpus[0]
    assert (gpu.name, gpu.cores, gpu.unified_memory, gpu.memory_total) == ("Apple M2 Max", 38, True, 68719476736)
    assert (gpu.utilization_percent, gpu.memory_used, gpu.power_w) == (37, 1234567, None)


def test_an_intel_macs_card_has_its_own_memory() -> None:
    entries = [{
        "IOClass": "AMDRadeonX6000_Accelerator", "model": b"AMD Radeon Pro 5500M\0", "VRAM,totalMB": 8192,
        "PerformanceStatistics": {"Device Utilization %": 3, "vramUsedBytes": 500},
    }]  # fmt: skip
    gpu = parse_accelerators(plistlib.dumps(entries), 17179869184)[0]
    assert (gpu.name, gpu.memory_total, gpu.memory_used) == ("AMD Radeon Pro 5500M", 8589934592, 500)


@pytest.mark.parametrize("output", [b"", b"nonsense", b"<?xml version='1.0'?><plist><array>", plistlib.dumps({"a": 1})])
def test_what_is_no_list_of_apples_gpus_is_none(output: bytes) -> None:
    assert parse_accelerators(output, 1) == ()


def test_windows_memory_is_the_64_bit_value() -> None:
    rows = [
        {"key": "0000", "DriverDesc": "AMD Radeon RX 7900 XTX", "MatchingDeviceId": "PCI\\VEN_1002&DEV_744C",
         "HardwareInformation.qwMemorySize": 25753026560},
        {"key": "0001", "DriverDesc": "NVIDIA GeForce RTX 4090", "MatchingDeviceId": "pci\\ven_10de&dev_2684"},
        {"key": "0002", "DriverDesc": "Microsoft Basic Render", "MatchingDeviceId": "ROOT\\BasicRender"},
        {"key": "0003", "DriverDesc": "Intel Arc", "MatchingDeviceId": "pci\\ven_8086&dev_56a0",
         "HardwareInformation.qwMemorySize": (17079205888).to_bytes(8, "little")},
    ]  # fmt: skip
    assert [(gpu.name, gpu.memory_total) for gpu in adapters(rows)] == [
        ("AMD Radeon RX 7900 XTX", 25753026560), ("Intel Arc", 17079205888),
    ]  # fmt: skip


class One:
    closes_at_once = True

    def __init__(self, reading: GpuReading) -> None:
        self.reading = reading

    def read(self) -> GpuReading:
        return self.reading

    def close(self) -> None:
        return


def test_no_nvidia_card_is_no_news_where_another_gpu_is_and_trouble_is() -> None:
    amd = One(GpuReading((Gpu("amd:1", "Radeon", 0),)))
    assert AllGpus((One(GpuReading(note="No NVIDIA GPU.", trouble="none")), amd)).read().note is None
    broken = AllGpus((One(GpuReading(note="Updated.", trouble="mismatch")), amd)).read()
    assert (broken.note, broken.trouble, len(broken.gpus)) == ("Updated.", "mismatch", 1)
    assert AllGpus((One(GpuReading(note="None.", trouble="none")), One(GpuReading()))).read().note == "None."


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, (None, None, None)),
        ({"sys/class/dmi/id/sys_vendor": "QEMU"}, ("QEMU", None, None)),
        ({"sys/class/dmi/id/product_name": "VMware Virtual Platform"}, ("VMware", None, None)),
        ({"proc/cpuinfo": "flags : fpu hypervisor sse"}, ("a hypervisor", None, None)),
        ({".dockerenv": ""}, (None, "docker", None)),
        ({"run/.containerenv": ""}, (None, "podman", None)),
        ({"proc/1/cgroup": "0::/kubepods/besteffort/pod1"}, (None, "kubernetes", None)),
        ({"proc/version": "Linux version 5.15.90.1-microsoft-standard-WSL2"}, ("Hyper-V (WSL)", None, 2)),
        ({"proc/version": "Linux version 4.4.0-19041-Microsoft"}, (None, None, 1)),
    ],
)
def test_the_kind_of_machine(tmp_path: Path, files: dict[str, str], expected: tuple[object, ...]) -> None:
    tree(tmp_path, files)
    found = machine(tmp_path)
    assert (found.virtual, found.container, found.wsl) == expected


def test_folders_on_one_disk_are_told_once_and_read_only_is_seen(tmp_path: Path) -> None:
    root = tmp_path / "root"
    tree(root, {"proc/self/mounts": f"dev / ext4 rw,relatime 0 0\ndev {tmp_path} btrfs ro,noatime 0 0"})
    found = disks([tmp_path / "a" / "b", tmp_path / "c"], root)
    assert [(disk.path, disk.read_only, disk.file_system) for disk in found] == [
        (str(tmp_path / "a" / "b"), True, "btrfs")
    ]


def test_what_a_disk_says_of_its_health(tmp_path: Path) -> None:
    root = tmp_path / "root"
    device = tmp_path.stat().st_dev
    block = root / "sys/devices/sda/sda1"
    tree(root, {"sys/devices/sda/queue/rotational": "1", "sys/fs/ext4/sda1/errors_count": "3"})
    block.mkdir()
    (root / "sys/dev/block").mkdir(parents=True)
    (root / "sys/dev/block" / f"{os.major(device)}:{os.minor(device)}").symlink_to(block)
    (disk,) = disks([tmp_path], root)
    counts = os.statvfs(tmp_path)
    assert (disk.rotational, disk.errors) == (True, 3)
    assert disk.inodes_free is None if not counts.f_files else abs((disk.inodes_free or 0) - counts.f_favail) < 100_000
    assert disks([tmp_path], tmp_path / "none")[0].errors is None
    block.rename(block.with_name("vda1"))
    (root / "sys/dev/block" / f"{os.major(device)}:{os.minor(device)}").unlink()
    (root / "sys/dev/block" / f"{os.major(device)}:{os.minor(device)}").symlink_to(block.with_name("vda1"))
    assert disks([tmp_path], root)[0].rotational is None, "a virtual disk does not know"
