"""What each field of ``ranvier hardware --json`` means. A field keeps its name and meaning within one schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from ranvier.hardware.diagnosis import Finding
from ranvier.hardware.snapshot import Disk, Gpu, GpuProcess, Hardware, Host

SCHEMA = 1  # raised when a field goes or means something else; new ones may come at any time

_SAMPLE = {
    "at": "when, Unix seconds",
    "host": "the machine",
    "gpus": "GPUs in the order of their index; MIG instances stand below their card",
    "driver": "NVIDIA driver version",
    "gpu_note": "why there are no GPUs, or what is wrong with their driver, in words",
    "gpu_trouble": "the same as a short code; 'none': there is no GPU",
    "cuda": "newest CUDA version that the driver serves",
}
_HOST = {
    "name": "host name",
    "system": "operating system and its version",
    "cpu_name": "the processor as its maker calls it",
    "cores_physical": "cores",
    "cores_logical": "threads",
    "cpu_percent": "busy, of all threads, 0 to 100",
    "load_1min": "mean of runnable programs in the last minute",
    "memory_total": "bytes",
    "memory_available": "bytes that programs can still get",
    "swap_used": "bytes",
    "disk_total": "bytes, of the disk that holds Ranvier's data",
    "disk_free": "bytes, of the same disk",
    "net_sent_bps": "bytes per second, all cards but the loopback",
    "net_received_bps": "bytes per second, all cards but the loopback",
    "temperature_c": "hottest sensor of the processor, degrees C",
    "uptime_s": "seconds since the machine started",
    "core_percents": "busy, of each thread, 0 to 100",
    "steal_percent": "time that a hypervisor kept for others, 0 to 100",
    "swap_total": "bytes",
    "disks": "file systems of the folders that matter, Ranvier's data first",
    "battery_percent": "charge, 0 to 100",
    "on_battery": "whether it runs from the battery",
    "virtual": "the hypervisor's name; null on bare metal",
    "container": "docker, podman, kubernetes, ...; null outside of containers",
    "wsl": "1 or 2; null elsewhere",
}
_DISK = {
    "path": "the folder",
    "total": "bytes",
    "free": "bytes that this user can still write",
    "read_only": "whether it is mounted read-only",
    "rotational": "true for a spinning disk, false for flash",
    "file_system": "ext4, btrfs, ...",
    "inodes_free": "files that can still be made, where their number is limited",
    "errors": "errors that the file system has noted since it was checked last",
}
_GPU = {
    "uuid": "identity: the driver's UUID, or pci:<address>; never the index",
    "name": "product name",
    "index": "the number that nvidia-smi shows; may change at boot",
    "memory_total": "bytes",
    "memory_used": "bytes, the driver's reserve not counted, as nvidia-smi shows it",
    "utilization_percent": "time in which any kernel ran, 0 to 100; null for MIG",
    "temperature_c": "degrees C",
    "power_w": "watts; a mean over one second from Ampere on (not A100)",
    "power_limit_w": "watts, the limit in force",
    "clock_sm_mhz": "MHz, of the processors (graphics clock elsewhere)",
    "throttle_reasons": "what slows it down now; empty: nothing; null: it does not tell",
    "pids": "process ids on it",
    "problem": "why it cannot be read, in words",
    "trouble": "the same as a short code",
    "vendor": "nvidia, amd, intel, apple, other",
    "pci_address": "domain:bus:device.function",
    "parent_uuid": "for a MIG instance: its card",
    "mig": "a MIG instance, or a card that is cut into them",
    "asleep": "switched off to save power, or left alone so that it can be; nothing else is known then",
    "unified_memory": "its memory is the machine's own",
    "memory_reserved": "bytes that driver and firmware keep",
    "memory_busy_percent": "time in which its memory was read or written, 0 to 100",
    "processes": "programs on it",
    "fan_percent": "of the fan's greatest speed, as intended",
    "fan_rpm": "turns per minute",
    "performance_state": "0 (P0, fastest) to 15",
    "clock_memory_mhz": "MHz",
    "clock_sm_max_mhz": "MHz",
    "clock_memory_max_mhz": "MHz",
    "power_default_w": "watts, the limit that it is made with",
    "energy_j": "joules since its driver started",
    "temperature_slowdown_c": "degrees C from which it slows itself down",
    "temperature_shutdown_c": "degrees C at which it switches itself off",
    "pcie_generation": "of the link now; an idle card lowers it",
    "pcie_generation_max": "that card and slot can do",
    "pcie_width": "lanes now",
    "pcie_width_max": "lanes that card and slot can do",
    "ecc_uncorrected": "memory errors since the driver started that could not be corrected",
    "xid": "gravest fatal error number that the driver reported while it was watched",
    "xid_at": "when, Unix seconds",
    "miners": "ids of the miners on it; null here, known in what the agent keeps",
    "compute_capability": "of CUDA, '8.9'",
    "cores": "CUDA cores, or an Apple GPU's cores",
    "memory_bus_bits": "width of the memory bus",
    "architecture": "Ampere, Ada Lovelace, gfx1100, ...",
    "kernel_driver": "amdgpu, i915, xe, ...; on Windows the driver's version",
}
_PROCESS = {
    "pid": "process id",
    "memory": "bytes on this GPU; null where the driver keeps it to itself",
    "name": "the program's name",
    "kind": "as nvidia-smi prints it: C computes, G draws, C+G both",
}
_FINDING = {
    "code": "short code",
    "level": "bad, warn, busy (worth knowing), off",
    "title": "what it is about",
    "text": "what is wrong, one sentence",
    "next_step": "what to do, one step",
    "gpu_uuid": "the card; null: the machine",
    "miner_id": "the miner that it harms",
    "about": "tells several of one code apart",
}

PARTS: tuple[tuple[str, type, Mapping[str, str]], ...] = (
    ("sample", Hardware, _SAMPLE),
    ("sample.host", Host, _HOST),
    ("sample.host.disks[]", Disk, _DISK),
    ("sample.gpus[]", Gpu, _GPU),
    ("sample.gpus[].processes[]", GpuProcess, _PROCESS),
    ("findings[]", Finding, _FINDING),
)
_TYPES = {"int": "whole number", "float": "number", "str": "text", "bool": "true/false", "Level": "text"}


def told() -> str:
    """All fields with their types and meanings, for people."""
    rows = [("schema", "whole number", f"of this description: {SCHEMA}"), *_rows()]
    wide, kinds = (max(len(row[place]) for row in rows) for place in (0, 1))
    return "".join(f"{name:{wide}}  {kind:{kinds}}  {meaning}\n" for name, kind, meaning in rows)


def _rows() -> Iterator[tuple[str, str, str]]:
    for place, kind, meanings in PARTS:
        for field in dataclasses.fields(kind):
            first, *rest = str(field.type).split(" | ")
            word = "list" if first.startswith("tuple") else _TYPES.get(first, "object")
            yield f"{place}.{field.name}", f"{word} or null" if "None" in rest else word, meanings[field.name]
