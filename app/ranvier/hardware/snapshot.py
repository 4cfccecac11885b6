"""Frozen readings of host and GPUs. Every field that can be missing is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """One program on a GPU. ``memory`` in bytes is None where the driver keeps it to itself (WSL, containers).

    ``kind`` is the driver's word, as nvidia-smi prints it: ``C`` computes, ``G`` draws, ``C+G`` both.
    """

    pid: int
    memory: int | None = None
    name: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU (or one MIG instance) at one moment. Bytes, watts, joules, MHz, degrees C, percent.

    Identity is ``uuid``, never the index: the driver's UUID, or ``pci:<address>`` where there is none. ``trouble`` is
    the short code of ``problem`` for programs. ``xid`` is the gravest fatal error number that the driver reported since
    it was opened, ``xid_at`` when (Unix seconds). ``throttle_reasons`` is None where the card does not tell, empty
    where nothing slows it down. ``asleep``: the system switched the card off to save power; nothing was asked, so that
    it sleeps on. ``parent_uuid`` is set for a MIG instance; ``unified_memory`` means that memory is the machine's own.
    ``miners``: ids of the miners that ran on it then, as far as the agent knew; None where it was not asked.
    """

    uuid: str
    name: str
    index: int
    memory_total: int | None = None
    memory_used: int | None = None
    utilization_percent: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    clock_sm_mhz: int | None = None
    throttle_reasons: tuple[str, ...] | None = None
    pids: tuple[int, ...] | None = None
    problem: str | None = None
    trouble: str | None = None
    vendor: str = "nvidia"
    pci_address: str | None = None
    parent_uuid: str | None = None
    mig: bool = False
    asleep: bool = False
    unified_memory: bool = False
    memory_reserved: int | None = None
    memory_busy_percent: int | None = None
    processes: tuple[GpuProcess, ...] | None = None
    fan_percent: int | None = None
    fan_rpm: int | None = None
    performance_state: int | None = None
    clock_memory_mhz: int | None = None
    clock_sm_max_mhz: int | None = None
    clock_memory_max_mhz: int | None = None
    power_default_w: float | None = None
    energy_j: float | None = None
    temperature_slowdown_c: int | None = None
    temperature_shutdown_c: int | None = None
    pcie_generation: int | None = None
    pcie_generation_max: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    ecc_uncorrected: int | None = None
    xid: int | None = None
    xid_at: float | None = None
    miners: tuple[str, ...] | None = None
    compute_capability: str | None = None
    cores: int | None = None
    memory_bus_bits: int | None = None
    architecture: str | None = None
    kernel_driver: str | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that holds ``path``; None where nobody says.

    ``inodes_free``: files that can still be made, where their number is limited. ``errors``: those that the file system
    noted in itself since it was checked last.
    """

    path: str
    total: int
    free: int
    read_only: bool = False
    rotational: bool | None = None
    file_system: str | None = None
    inodes_free: int | None = None
    errors: int | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """The machine at one moment. ``cpu_percent`` is over all cores (0-100); bytes for memory and disk.

    ``steal_percent`` is time that a hypervisor kept for others. ``virtual`` names the hypervisor, ``container`` the
    kind of container, both None on bare metal or where it cannot be told; ``wsl`` is 1 or 2.
    """

    name: str
    system: str
    cpu_name: str | None
    cores_physical: int | None
    cores_logical: int
    cpu_percent: float | None
    load_1min: float | None
    memory_total: int
    memory_available: int
    swap_used: int | None
    disk_total: int | None
    disk_free: int | None
    net_sent_bps: float | None
    net_received_bps: float | None
    temperature_c: float | None
    uptime_s: float
    core_percents: tuple[float, ...] | None = None
    steal_percent: float | None = None
    swap_total: int | None = None
    disks: tuple[Disk, ...] = ()
    battery_percent: float | None = None
    on_battery: bool | None = None
    virtual: str | None = None
    container: str | None = None
    wsl: int | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """One sample. ``gpu_note`` says in words why there are no GPUs, or what is wrong with the driver.

    ``gpu_trouble`` is the short code of the note; ``cuda`` the newest CUDA version that the driver serves ("13.0").
    """

    at: float
    host: Host
    gpus: tuple[Gpu, ...]
    driver: str | None = None
    gpu_note: str | None = None
    gpu_trouble: str | None = None
    cuda: str | None = None
